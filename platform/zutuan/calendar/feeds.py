"""iCalendar feeds (RFC 5545, RFC 7986): a secret address per person, with that person's rights whenever it is used."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from icalendar import Calendar as ICalendar
from icalendar import Event, Timezone, TimezoneStandard
from sqlalchemy.orm import Session

from zutuan.calendar.models import CalendarFeed, Occurrence
from zutuan.calendar.sources import Described, Hooks, Key, Ref, Remark, Resource, busy_of, described, remarks, takes
from zutuan.clock import SHANGHAI, local
from zutuan.people.models import Person
from zutuan.people.services import digest, load_actor
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

BACK, AHEAD = timedelta(days=120), timedelta(days=400)
MOST = 5000
REFRESH = timedelta(hours=4)
PREFIX = "zc_"
# What a meeting is to its reader, in Chinese and English: programs colour by it.
CATEGORIES = {
    "home": ("本校课程", "Home classes"), "course": ("跨校课程", "Cross-school courses"),
    "own": ("忙碌时间", "Busy"), "session": ("联合教研", "Joint sessions"),
}  # fmt: skip


# --- the address ------------------------------------------------------------------------------------------------


def renew(session: Session, actor: Actor) -> str:
    """A new secret; the one before stops working. It is shown once, only its hash is kept."""
    _revoke(session, actor)
    secret = PREFIX + secrets.token_urlsafe(32)
    session.add(CalendarFeed(person_id=actor.person_id, secret_hash=digest(secret), created_at=actor.now))
    session.flush()
    audit(session, actor, "feed.create", Subject("calendar_feed", actor.person_id), now=actor.now)
    return secret


def revoke(session: Session, actor: Actor) -> None:
    if _revoke(session, actor):
        audit(session, actor, "feed.revoke", Subject("calendar_feed", actor.person_id), now=actor.now)


def _revoke(session: Session, actor: Actor) -> bool:
    """Serialised by the person's row: two renewals at once leave one open feed."""
    session.execute(sa.select(Person.id).where(Person.id == actor.person_id).with_for_update(key_share=True))
    feed = open_feed(session, actor)
    if feed is None:
        return False
    feed.revoked_at = actor.now
    session.flush()
    return True


def open_feed(session: Session, actor: Actor) -> CalendarFeed | None:
    query = sa.select(CalendarFeed).where(CalendarFeed.person_id == actor.person_id)
    return session.scalar(query.where(CalendarFeed.revoked_at.is_(None)))


def owner(session: Session, secret: str, now: datetime) -> Actor | None:
    """Whose feed that is, as they are now; nobody's when it is revoked or its owner disabled."""
    query = sa.select(Person).join(CalendarFeed, CalendarFeed.person_id == Person.id)
    mine = query.where(CalendarFeed.secret_hash == digest(secret), CalendarFeed.revoked_at.is_(None))
    person = session.scalar(mine.where(Person.state == "active"))
    return load_actor(session, person, now) if person else None


# --- what is in it ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """One meeting in somebody's time."""

    row: Occurrence
    name: Described


def entries(
    session: Session, actor: Actor, hooks: Hooks, starts: datetime, ends: datetime, *, cancelled: bool = False
) -> list[Entry]:
    """Everything that takes the actor's time in [starts, ends), each meeting once, in time's order."""
    taken = busy_of(hooks, [actor.person_id], actor.now)
    if taken is None:
        return []
    part, o = taken.subquery(), Occurrence
    query = sa.select(o).join(
        part, sa.and_(part.c.resource_type == o.resource_type, part.c.resource_id == o.resource_id)
    )
    query = query.where(o.starts < ends, o.ends > starts).order_by(o.starts, o.id).limit(MOST)
    query = query.where(takes(hooks, [actor.person_id], actor.person_id, o))
    if not cancelled:
        query = query.where(o.state == "active")
    rows = {
        (row.source_type, row.source_id, row.week, row.weekday, row.period, row.starts): row
        for row in session.scalars(query)
    }
    refs = {(row.source_type, row.source_id) for row in rows.values()}
    names, said = described(session, hooks, refs), remarks(session, hooks, refs)
    return [Entry(row, _name(names, said, row)) for row in rows.values()]


def _name(names: Mapping[Ref, Described], said: Mapping[tuple[Ref, Key], Remark], row: Occurrence) -> Described:
    ref = (row.source_type, row.source_id)
    name, remark = names.get(ref, Described("—")), said.get((ref, (row.week, row.weekday, row.period)))
    if remark is None:
        return name
    english = f"{name.title_en or name.title_zh}{remark.title_en}"
    return replace(name, title_zh=name.title_zh + remark.title_zh, title_en=english, place=remark.place or name.place)


def ics(found: list[Entry], name: str, base: str, *, english: bool, unsure: Collection[Resource] = ()) -> bytes:
    """The feed's bytes: the same for the same meetings, so that its ETag holds still. Meetings of the resources `unsure`
    are tentative."""
    calendar = ICalendar()
    calendar.add("prodid", "-//Zutuan//calendar//ZH")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for key in ("name", "x-wr-calname"):
        calendar.add(key, name)
    calendar.add("x-wr-timezone", "Asia/Shanghai")
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", REFRESH)
    calendar.add_component(_shanghai())
    for each in found:
        tentative = (each.row.resource_type, each.row.resource_id) in unsure
        calendar.add_component(_event(each, base, english, "TENTATIVE" if tentative else "CONFIRMED"))
    return bytes(calendar.to_ical())


def _shanghai() -> Timezone:
    """China has kept one offset since 1991; schools' meetings are all after that."""
    zone, standard = Timezone(), TimezoneStandard()
    zone.add("tzid", "Asia/Shanghai")
    standard.add("dtstart", datetime(1991, 9, 15))  # noqa: DTZ001  (local time, as VTIMEZONE asks for)
    standard.add("tzoffsetfrom", timedelta(hours=8))
    standard.add("tzoffsetto", timedelta(hours=8))
    standard.add("tzname", "CST")
    zone.add_component(standard)
    return zone


def _event(each: Entry, base: str, english: bool, status: str) -> Event:
    row, name = each.row, each.name
    event = Event()
    host = base.split("://", 1)[-1].split("/", 1)[0].split(":", 1)[0]
    event.add("uid", f"{row.source_type}-{row.source_id}-{row.week}-{row.weekday}-{row.period}@{host}")
    event.add("dtstamp", row.changed_at.replace(microsecond=0))
    event.add("last-modified", row.changed_at.replace(microsecond=0))
    event.add("sequence", row.sequence)
    event.add("dtstart", local(row.starts).replace(tzinfo=SHANGHAI))
    event.add("dtend", local(row.ends).replace(tzinfo=SHANGHAI))
    event.add("summary", (english and name.title_en) or name.title_zh)
    event.add("status", "CANCELLED" if row.state == "cancelled" else status)
    if name.kind in CATEGORIES:
        event.add("categories", [CATEGORIES[name.kind][english]])
    if name.place:
        event.add("location", name.place)
    if name.url:
        event.add("url", base.rstrip("/") + name.url)
    return event
