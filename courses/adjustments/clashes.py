"""Whom a new time meets: the class's students at all schools, its teachers or whoever stands in, and the room; and which
times of that week would meet fewest. Everybody's time is read by one statement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.adjustments import facts, rules
from courses.adjustments.facts import Draft
from courses.adjustments.rules import Free, Span
from courses.catalogue.models import Offering
from courses.catalogue.services import teaching_ends
from courses.enrolment import policies as enrolment_policies
from courses.enrolment import rules as enrolment_rules
from courses.enrolment.facts import slots
from courses.enrolment.models import Enrolment
from courses.enrolment.near import LONGEST, Taken
from courses.enrolment.rules import Clash, Slot
from courses.enrolment.wanted import ON_CAMPUS
from zutuan.calendar import busy, sources
from zutuan.calendar.models import Occurrence, Place
from zutuan.calendar.plan import Calendar, day_plan
from zutuan.calendar.sources import Resource
from zutuan.clock import at_shanghai, local
from zutuan.clusters.models import School
from zutuan.people.models import Person
from zutuan.policies import services as policy_values

ROOM = 0  # whose time the room's is, where people have their ids
FREE_SHOWN = 6
PAUSE = 60  # minutes: a class does not go on over a longer pause between two periods


@dataclass(frozen=True)
class Who:
    """Somebody who is to come, or the room. `role`: student, teacher, substitute, room."""

    role: str
    name: str
    school: str = ""


@dataclass(frozen=True)
class Against:
    """One of them has something else then, or (`travel`) cannot be there in time. What is somebody's own has no title."""

    who: Who
    title: str
    starts: datetime
    ends: datetime
    travel: bool
    private: bool


@dataclass(frozen=True)
class Look:
    """What it would mean: of so many `students` of so many `schools` those `against`, and times of that week that would
    fit better. Of a meeting that is called off, who loses it."""

    students: int
    schools: int = 0
    against: tuple[Against, ...] = ()
    free: tuple[Free, ...] = ()

    def count(self, role: str) -> int:
        return sum(each.who.role == role for each in self.against)


def look(session: Session, offering: Offering, asked: Draft, now: datetime, *, free: bool = False) -> Look:
    """`free`: say as well which times of the week would be better. Nothing is against what is called off."""
    span = asked.new or _held(session, offering, asked)
    if span is None:
        return Look(0)
    people = _people(session, offering, asked)
    students = [each for each in people.values() if each.role == "student"]
    schools = len({each.school for each in students})
    if asked.kind == "cancel":
        return Look(len(students), schools)
    travel = _travel(session, offering, now)
    room = _room(session, offering, asked)
    monday = local(span[0]).date() - timedelta(days=local(span[0]).weekday())
    whole = (
        (at_shanghai(monday), at_shanghai(monday + timedelta(days=7))) if free else (span[0] - travel, span[1] + travel)
    )
    taken = _time_of(session, offering, people, [room] if room else [], whole, now)
    found = _against(people, taken, _slot(offering, span), travel)
    better = _free(session, offering, asked, taken, people, travel, monday, now) if free and asked.new else ()
    return Look(len(students), schools, found, tuple(better))


def _held(session: Session, offering: Offering, asked: Draft) -> Span | None:
    here = facts.calendar_of(session, offering)
    held = facts.held(session, offering, asked.key, here) if asked.key else None
    return (held.starts, held.ends) if held is not None and held.active else None


def _people(session: Session, offering: Offering, asked: Draft) -> dict[int, Who]:
    """Everybody whose time it takes. Who stands in does so instead of the teachers; nobody else's time changes then."""
    found: dict[int, Who] = {}
    if asked.kind != "substitute":
        query = sa.select(Person.id, Person.name, School.name).join(Enrolment, Enrolment.person_id == Person.id)
        query = query.join(School, School.id == Enrolment.home_school_id)
        rows = session.execute(query.where(Enrolment.offering_id == offering.id, Enrolment.holds_seat()))
        found = {id_: Who("student", name, school) for id_, name, school in rows.tuples()}
    if asked.substitute_id is not None:
        name = session.scalar(sa.select(Person.name).where(Person.id == asked.substitute_id))
        return found | {asked.substitute_id: Who("substitute", name or "")}
    return found | {each.person_id: Who("teacher", each.person.name) for each in offering.course.staff}


def _room(session: Session, offering: Offering, asked: Draft) -> Resource | None:
    """The room of the new time, where the school's timetable knows one of that name."""
    name = asked.place or offering.room
    id_ = room_id(session, offering.course.school_id, name) if name and asked.new else None
    return ("room", id_) if id_ is not None else None


def room_id(session: Session, school_id: int, name: str) -> int | None:
    query = sa.select(Place.id).where(Place.school_id == school_id, Place.kind == "room", Place.name == name)
    return session.scalar(query)


def _travel(session: Session, offering: Offering, now: datetime) -> timedelta:
    """The way between two campuses, as the host school reckons it; none to what is not on a campus."""
    if offering.course.delivery not in ON_CAMPUS:
        return timedelta(0)
    minutes = policy_values.value(session, enrolment_policies.TRAVEL.key, offering.course.school_id, now)
    return timedelta(minutes=minutes)


def _slot(offering: Offering, span: Span) -> Slot:
    campus = offering.course.school_id if offering.course.delivery in ON_CAMPUS else None
    return Slot(*span, campus)


@dataclass(frozen=True)
class _Time:
    """Something that takes somebody's time; `private`: what it is, is theirs alone."""

    slot: Slot
    private: bool


_Times = Mapping[int, Sequence[_Time]]


def _time_of(
    session: Session, offering: Offering, people: Iterable[int], also: Sequence[Resource], span: Span, now: datetime
) -> dict[int, list[_Time]]:
    """Person (or ROOM) → what else takes their time in that span."""
    hooks, whose = sources.known(), sorted(people)
    query = sources.busy_of(hooks, whose, now, also=also)
    if query is None:
        return {}
    part, o = query.subquery(), Occurrence
    person, type_, id_ = list(part.c)
    itself = sa.and_(o.resource_type == "offering", o.resource_id == offering.id)
    rows = session.execute(
        sa.select(person, *(getattr(o, name) for name in Taken._fields))
        .join(o, sa.and_(o.resource_type == type_, o.resource_id == id_))
        .where(o.state == "active", o.starts < span[1], o.ends > span[0], sa.not_(itself))
        .where(sources.takes(hooks, whose, person, o))
        .where(o.starts > span[0] - timedelta(seconds=LONGEST))  # so that the index leads to few rows
        .order_by(o.starts, o.id)
    )
    pairs = [(who, Taken(*what)) for who, *what in rows]
    known = {each.id: each for _who, each in pairs}
    named = dict(zip(known, slots(session, list(known.values())), strict=True))
    found: dict[int, list[_Time]] = {}
    for who, each in pairs:
        found.setdefault(who, []).append(_Time(named[each.id], each.source_type == busy.TYPE))
    return found


def _clash(mine: Slot, times: Iterable[_Time], travel: timedelta) -> tuple[Clash, _Time] | None:
    kept = {id(each.slot): each for each in times}
    found = enrolment_rules.clash([mine], [each.slot for each in kept.values()], travel)
    return (found, kept[id(found.other)]) if found is not None else None


def _against(people: Mapping[int, Who], taken: _Times, mine: Slot, travel: timedelta) -> tuple[Against, ...]:
    found = []
    for id_, times in taken.items():
        who = people.get(id_) or Who("room", "")
        met = _clash(mine, times, travel if id_ != ROOM else timedelta(0))
        if met is not None:
            clash, time = met
            title = "" if time.private else clash.other.title
            found.append(Against(who, title, clash.other.starts, clash.other.ends, clash.travel, time.private))
    order = {"room": 0, "teacher": 1, "substitute": 2, "student": 3}
    return tuple(sorted(found, key=lambda each: (order[each.who.role], each.who.school, each.who.name)))


# --- better times -----------------------------------------------------------------------------------------------


def _free(
    session: Session, offering: Offering, asked: Draft, taken: _Times, people: Mapping[int, Who], travel: timedelta,
    monday: date, now: datetime,
) -> list[Free]:  # fmt: skip
    """Times of the week, of as many periods, at which the class, whoever teaches it and the room are free."""
    here = facts.calendar_of(session, offering)
    long = max(asked.last - asked.first, 0) + 1
    own = facts.wish(session, offering, asked, now).own
    last = teaching_ends(offering.term) + rules.EXAM_WEEKS
    found = []
    for day in (monday + timedelta(days=n) for n in range(7)):
        today = _of_day(taken, day)
        for first, span in _blocks(here, day, long):
            if span[0] <= now or span[1] > last or any(rules.meets(span, each) for each in own):
                continue
            met = [id_ for id_, times in today.items() if _clash(_slot(offering, span), times, travel)]
            if all(id_ in people and people[id_].role == "student" for id_ in met):
                found.append(Free(*span, first, first + long - 1, len(met)))
    return rules.ranked(found, FREE_SHOWN)


def _of_day(taken: _Times, day: date) -> dict[int, list[_Time]]:
    found = {id_: [each for each in times if local(each.slot.starts).date() == day] for id_, times in taken.items()}
    return {id_: times for id_, times in found.items() if times}


def _blocks(here: Calendar, day: date, long: int) -> list[tuple[int, Span]]:
    """(first period, times) of every usual row of so many periods on that day, unless it is a holiday."""
    if day_plan(here, day).reason == "holiday":
        return []
    starts = rules.block_starts(here.times(day), long, PAUSE)
    return [(first, facts.span_of(here, day, first, first + long - 1)) for first in starts]
