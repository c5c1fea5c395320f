"""忙碌时间: time that somebody says is taken, every week or once. It is theirs alone, and counts wherever clashes are asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.calendar import book
from zutuan.calendar.models import BusyPeriod, Occurrence
from zutuan.calendar.permissions import allow
from zutuan.calendar.plan import Meeting
from zutuan.calendar.rules import at
from zutuan.calendar.sources import CalendarSource, Described, Instant, People
from zutuan.clock import local
from zutuan.decision import FieldError, Refusal
from zutuan.errors import Denial, Hidden, Invalid, Refused
from zutuan.paging import Query
from zutuan.people.models import Person
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit, fetch

TYPE = "busy"
LONGEST = timedelta(days=366)
MOST = 40  # open at once, for one person


# --- rules ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NewBusy:
    """[starts, ends) in minutes since midnight on `day`, and with `until` on that weekday every week up to it."""

    title: str
    day: date
    starts: int
    ends: int
    until: date | None = None

    @property
    def last(self) -> date:
        """The last day of it: a weekday counts only where it comes round."""
        if self.until is None:
            return self.day
        return self.day + timedelta(weeks=(self.until - self.day).days // 7)

    @property
    def days(self) -> list[date]:
        return [self.day + timedelta(weeks=n) for n in range((self.last - self.day).days // 7 + 1)]

    @property
    def meetings(self) -> list[Meeting]:
        """As the book has them: the n-th week, on that weekday."""
        return [
            Meeting(at(day, self.starts), at(day, self.ends), number, day.isoweekday(), 0)
            for number, day in enumerate(self.days, 1)
        ]


def check(new: NewBusy, today: date) -> list[FieldError]:
    errors = []
    if new.ends <= new.starts:
        errors.append(FieldError("ends", "ends_before_start"))
    if new.until is not None and new.until < new.day:
        errors.append(FieldError("until", "ends_before_start"))
    elif not today - LONGEST <= new.day <= today + LONGEST:
        errors.append(FieldError("day", "days_span", {"days": LONGEST.days}))
    elif new.last - new.day > LONGEST:
        errors.append(FieldError("until", "days_span", {"days": LONGEST.days}))
    return errors


# --- writing ----------------------------------------------------------------------------------------------------


def subject(person_id: int, id_: int | None = None) -> Subject:
    return Subject("busy_period", id_, persons={"self": frozenset({person_id})})


def add(session: Session, actor: Actor, data: Mapping[str, Any]) -> BusyPeriod:
    """Take this time of the actor's. Raises Invalid or, when there are too many already, Refused."""
    new = NewBusy(**data)
    allow.require(actor, "busy.edit", subject(actor.person_id))
    errors = check(new, local(actor.now).date())
    if errors:
        raise Invalid(errors=errors)
    session.get(Person, actor.person_id, with_for_update=True)  # two at once must not pass the limit together
    if len(mine(session, actor)) >= MOST:
        raise Refused.because(Refusal("too_many_busy", {"max": MOST}))
    row = BusyPeriod(
        person_id=actor.person_id, title=new.title, from_day=new.day, until_day=new.last, weekday=new.day.isoweekday(),
        starts=new.starts, ends=new.ends,
    )  # fmt: skip
    session.add(row)
    session.flush()
    book.book(session, ("person", actor.person_id), (TYPE, row.id), new.meetings)
    audit(session, actor, "busy.add", subject(actor.person_id, row.id), now=actor.now)
    return row


def remove(session: Session, actor: Actor, id_: int) -> None:
    row = fetch(session, BusyPeriod, id_)
    if not allow.may(actor, "busy.edit", subject(row.person_id, id_)):
        raise Hidden(Denial("busy.edit", "busy_period", id_))
    mine = sa.and_(Occurrence.source_type == TYPE, Occurrence.source_id == id_)
    session.execute(sa.delete(Occurrence).where(mine).execution_options(synchronize_session=False))
    session.delete(row)
    audit(session, actor, "busy.remove", subject(actor.person_id, id_), now=actor.now)


def forget(session: Session, person_id: int) -> None:
    """Who closes their account takes these along."""
    mine = sa.select(BusyPeriod.id).where(BusyPeriod.person_id == person_id)
    for gone in (
        sa.delete(Occurrence).where(Occurrence.source_type == TYPE, Occurrence.source_id.in_(mine)),
        sa.delete(BusyPeriod).where(BusyPeriod.person_id == person_id),
    ):
        session.execute(gone.execution_options(synchronize_session=False))


# --- reading ----------------------------------------------------------------------------------------------------


def mine(session: Session, actor: Actor) -> list[BusyPeriod]:
    """What is not over, the next first."""
    b = BusyPeriod
    query = sa.select(b).where(b.person_id == actor.person_id, b.until_day >= local(actor.now).date())
    return list(session.scalars(query.order_by(b.from_day, b.starts, b.id)))


def describe(session: Session, ids: Sequence[int]) -> Mapping[int, Described]:
    query = sa.select(BusyPeriod.id, BusyPeriod.title).where(BusyPeriod.id.in_(ids))
    return {id_: Described(title, kind="own") for id_, title in session.execute(query)}


def own_time(people: People, _now: Instant) -> Query:
    """Rows of the book under a person's own id."""
    type_ = sa.literal("person").label("resource_type")
    query: Query = sa.select(Person.id.label("person_id"), type_, Person.id.label("resource_id"))
    return query.where(Person.id.in_(people))


HOOK = CalendarSource(TYPE, describe=describe, busy=own_time)
