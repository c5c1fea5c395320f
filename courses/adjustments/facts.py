"""What the rules need to know of one request, read from the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.adjustments import policies, timing
from courses.adjustments.models import Adjustment
from courses.adjustments.rules import LIVE, Held, Span, Wish
from courses.catalogue.models import Offering
from courses.catalogue.services import staff_of, teaching_ends
from courses.catalogue.timing import TYPE as OFFERING
from zutuan.calendar import book, calendars
from zutuan.calendar import services as calendar
from zutuan.calendar.models import Occurrence
from zutuan.calendar.plan import Calendar, expand
from zutuan.calendar.rules import Pattern, at
from zutuan.calendar.sources import Key
from zutuan.clock import at_shanghai
from zutuan.errors import Invalid
from zutuan.people.models import Affiliation
from zutuan.policies import services as policy_values


@dataclass(frozen=True)
class Draft:
    """What is asked, as values: of which meeting (None: of none), to when (by which periods, 0 by none), where, by whom."""

    kind: str
    key: Key | None
    new: Span | None = None
    first: int = 0
    last: int = 0
    place: str = ""
    substitute_id: int | None = None

    @classmethod
    def of(cls, kept: Adjustment) -> Draft:
        new = (kept.starts, kept.ends) if kept.starts is not None and kept.ends is not None else None
        periods = (kept.first or 0, kept.last or 0)
        return cls(kept.kind, kept.key, new, *periods, kept.place, kept.substitute_id)


def draft(session: Session, offering: Offering, data: Mapping[str, Any], now: datetime) -> Draft:
    """A request as it was sent. Raises Invalid where a period or a person is none of the school's."""
    kind, key = data["kind"], _key(data)
    timed = kind in ("move", "make_up")
    new, first, last = _new_time(calendar_of(session, offering), data) if timed else (None, 0, 0)
    who = _substitute(session, offering, data, now) if kind != "cancel" else None
    return Draft(kind, key, new, first, last, data.get("place", "") if timed else "", who)


def _key(data: Mapping[str, Any]) -> Key | None:
    named = [data.get(name) for name in ("week", "weekday", "period")]
    if data["kind"] == "make_up" and not any(named):
        return None
    for name, value in zip(("week", "weekday", "period"), named, strict=True):
        if not value:
            raise Invalid.field(name, "required")
    week, weekday, period = named
    return week, weekday, period  # type: ignore[return-value]


def calendar_of(session: Session, offering: Offering) -> Calendar:
    return calendars.of_term(session, offering.term, offering.grade)


def _new_time(here: Calendar, data: Mapping[str, Any]) -> tuple[Span | None, int, int]:
    """Absolute as given, or a day with periods of the school's table."""
    if data.get("starts") and data.get("ends"):
        return (data["starts"], data["ends"]), 0, 0
    day, first, last = data.get("date"), data.get("first_period"), data.get("last_period")
    if day is None:
        return None, 0, 0
    if first is None:
        raise Invalid.field("first_period", "required")
    last = last or first
    for name, period in (("first_period", first), ("last_period", last)):
        if period not in here.times(day):
            raise Invalid.field(name, "no_such_period", period=period)
    return span_of(here, day, first, last), first, last


def span_of(here: Calendar, day: date, first: int, last: int) -> Span:
    times = here.times(day)
    return at(day, times[first][0]), at(day, times[last][1])


def _substitute(session: Session, offering: Offering, data: Mapping[str, Any], now: datetime) -> int | None:
    """By id, or by 学工号 at the host school."""
    if data.get("substitute_id"):
        return int(data["substitute_id"])
    number = data.get("substitute") or ""
    if not number:
        return None
    a = Affiliation
    query = sa.select(a.person_id).where(a.school_id == offering.course.school_id, a.number == number)
    found = session.scalars(query.where(a.kind != "student", a.open_at(now))).first()
    if found is None:
        raise Invalid.field("substitute", "not_a_teacher_here")
    return found


def patterns_of(offering: Offering) -> list[Pattern]:
    return [timing.as_pattern(each) for each in offering.meetings]


def last_period(offering: Offering, key: Key) -> int:
    """The last period of that meeting of the pattern."""
    _week, weekday, first = key
    return next((m.last_period for m in offering.meetings if (m.weekday, m.first_period) == (weekday, first)), first)


def wish(session: Session, offering: Offering, asked: Draft, now: datetime, but: int | None = None) -> Wish:
    """Everything the rules ask. `but`: the request itself, where it is written already."""
    here = calendar_of(session, offering)
    term = calendar.dates(offering.term, offering.grade)
    return Wish(
        kind=asked.kind,
        now=now,
        opens=at_shanghai(term.first_day),
        closes=max(at_shanghai(term.end_day), teaching_ends(offering.term)),
        meeting=held(session, offering, asked.key, here) if asked.key else None,
        named=asked.key is not None,
        taken=_taken(session, offering, asked, but),
        new=asked.new,
        own=_own(session, offering, asked.key),
        elsewhere=bool(asked.place) and asked.place != offering.room,
        substitute=asked.substitute_id,
        teachers=frozenset(each.person_id for each in offering.course.staff),
        of_school=_of_school(session, offering, asked.substitute_id, now),
        offering_state=offering.state,
        asked=_count(session, offering, but),
        cap=_cap(session, offering, now) if asked.kind != "make_up" else 0,
    )


def held(session: Session, offering: Offering, key: Key, here: Calendar) -> Held | None:
    """That meeting as the book has it; one for which the calendar leaves no place is none of the book's, and not held."""
    itself = (OFFERING, offering.id)
    row = book.row_of(session, itself, itself, key)
    if row is not None:
        return Held(row.starts, row.ends, row.state == "active")
    lost = next((m for m in expand(patterns_of(offering), here).lost if (m.week, m.weekday, m.period) == key), None)
    return Held(at_shanghai(lost.day), at_shanghai(lost.day), active=False) if lost else None


def _own(session: Session, offering: Offering, key: Key | None) -> list[Span]:
    """What else the class meets for, exams too."""
    o = Occurrence
    query = sa.select(o.starts, o.ends, o.source_type, o.week, o.weekday, o.period)
    rows = session.execute(
        query.where(o.resource_type == "offering", o.resource_id == offering.id, o.state == "active")
    )
    return [(starts, ends) for starts, ends, source, *its_key in rows if source != OFFERING or tuple(its_key) != key]


def _live(offering: Offering, but: int | None) -> sa.Select[int]:
    a = Adjustment
    query = sa.select(sa.func.count()).select_from(a).where(a.offering_id == offering.id, a.state.in_(LIVE))
    return query if but is None else query.where(a.id != but)


def _taken(session: Session, offering: Offering, asked: Draft, but: int | None) -> bool:
    if asked.key is None:
        return False
    a, (week, weekday, period) = Adjustment, asked.key
    same = (a.kind == "make_up") if asked.kind == "make_up" else (a.kind != "make_up")
    query = _live(offering, but).where(a.week == week, a.weekday == weekday, a.period == period, same)
    return bool(session.scalar(query))


def _count(session: Session, offering: Offering, but: int | None) -> int:
    return session.scalar(_live(offering, but).where(Adjustment.kind != "make_up")) or 0


def _cap(session: Session, offering: Offering, now: datetime) -> int:
    return int(policy_values.value(session, policies.CAP.key, offering.course.school_id, now))


def _of_school(session: Session, offering: Offering, person_id: int | None, now: datetime) -> bool:
    return person_id is None or person_id in staff_of(session, offering.course.school_id, [person_id], now)
