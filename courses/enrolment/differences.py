"""What somebody who approves looks at beside the request itself: credits so far, clashes, standing. For many rows in as
many statements as for one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from courses.catalogue.models import Course, Offering
from courses.enrolment import facts, policies, rules
from courses.enrolment.models import Enrolment
from courses.enrolment.rules import Slot
from courses.enrolment.wanted import ON_CAMPUS
from zutuan.calendar import sources
from zutuan.calendar.models import Occurrence, Term, TimetableEntry
from zutuan.calendar.sources import Described, Ref
from zutuan.db import later, padded
from zutuan.policies import services as policy_values

Key = tuple[int, str, int]


@dataclass(frozen=True)
class Clashing:
    """So many meetings meet another thing of the student's; `travel`: there is no time for the way."""

    title: Described | None
    times: int
    travel: bool = False


@dataclass(frozen=True)
class Differences:
    """`credits` are all cross-school ones of the term, this request's among them; `cap` 0: no limit."""

    credits: Decimal = Decimal(0)
    cap: int = 0
    clashes: list[Clashing] = field(default_factory=list)
    timetable_known: bool = False

    @property
    def over(self) -> bool:
        return bool(self.cap) and self.credits > self.cap


def of(session: Session, enrolments: Sequence[Enrolment], now: datetime) -> dict[int, Differences]:
    """Enrolment → what to look at."""
    if not enrolments:
        return {}
    schools = {each.home_school_id for each in enrolments} | {each.host_school_id for each in enrolments}
    policy_values.preload(session, schools, now)
    credits = _credits(session, [each.person_id for each in enrolments])
    caps = policy_values.values(session, policies.CREDIT_CAP.key, [each.home_school_id for each in enrolments], now)
    clashes = _clashes(session, enrolments, now)
    known = _timetables(session, [each.home_school_id for each in enrolments])
    found = {}
    for each in enrolments:
        term = (each.offering.term.academic_year, each.offering.term.number)
        held = credits.get((each.person_id, *term), Decimal(0))
        if each.pool_id is None:  # it has no seat yet that would count
            held += each.offering.course.credits
        found[each.id] = Differences(
            held, int(caps[each.home_school_id]), clashes.get(each.id, []), (each.home_school_id, *term) in known
        )
    return found


def _credits(session: Session, people: Sequence[int]) -> dict[Key, Decimal]:
    """(person, academic year, term number) → credits of the seats they hold."""
    query = (
        sa.select(Enrolment.person_id, Term.academic_year, Term.number, sa.func.sum(Course.credits))
        .join(Offering, Offering.id == Enrolment.offering_id)
        .join(Course, Course.id == Offering.course_id)
        .join(Term, Term.id == Offering.term_id)
        .where(Enrolment.person_id.in_(padded(sorted(set(people)))), Enrolment.holds_seat())
        .group_by(Enrolment.person_id, Term.academic_year, Term.number)
    )
    return {(person, year, number): total for person, year, number, total in session.execute(query)}


def _timetables(session: Session, schools: Sequence[int]) -> set[Key]:
    """(school, academic year, term number) of the timetables that are here."""
    query = sa.select(TimetableEntry.school_id, Term.academic_year, Term.number).distinct()
    query = query.join(Term, Term.id == TimetableEntry.term_id)
    rows = session.execute(query.where(TimetableEntry.school_id.in_(padded(sorted(set(schools))))))
    return {(school, year, number) for school, year, number in rows}


def _clashes(session: Session, enrolments: Sequence[Enrolment], now: datetime) -> dict[int, list[Clashing]]:
    """Meetings ahead that meet something else of the student's by now: a timetable may have come, or a calendar moved,
    since the request. What clashes is `rules.clash`'s word, as when they asked."""
    travel = _travel(session, enrolments, now)
    found: dict[int, list[Clashing]] = {}
    met = _meeting(session, enrolments, now, max(travel.values()))
    slots = dict(zip(met, facts.slots(session, list(met)), strict=True))
    names = sources.described(session, sources.known(), {(each.source_type, each.source_id) for each in met})
    for enrolment in enrolments:
        for ref, mine, others in _by_source(enrolment.id, met):
            wanted = [replace(each, campus=_campus(enrolment)) for each in mine]
            clash = rules.clash(wanted, [slots[each] for each in others], travel[enrolment.id])
            if clash is not None:
                found.setdefault(enrolment.id, []).append(Clashing(names.get(ref), clash.times, clash.travel))
    return found


def _travel(session: Session, enrolments: Sequence[Enrolment], now: datetime) -> dict[int, timedelta]:
    hosts = sorted({each.host_school_id for each in enrolments})
    minutes = policy_values.values(session, policies.TRAVEL.key, hosts, now)
    return {
        each.id: timedelta(minutes=minutes[each.host_school_id] if _campus(each) is not None else 0)
        for each in enrolments
    }


def _campus(enrolment: Enrolment) -> int | None:
    return enrolment.host_school_id if enrolment.offering.course.delivery in ON_CAMPUS else None


# what else takes the student's time → (enrolment, the meeting of its that is near)
Met = dict[Occurrence, list[tuple[int, Slot]]]


def _by_source(enrolment_id: int, met: Met) -> Iterator[tuple[Ref, set[Slot], list[Occurrence]]]:
    """(source, meetings near it, its occurrences) for everything near that enrolment's meetings."""
    mine: dict[Ref, set[Slot]] = {}
    others: dict[Ref, list[Occurrence]] = {}
    for other, near in met.items():
        slots = {slot for id_, slot in near if id_ == enrolment_id}
        if slots:
            ref = (other.source_type, other.source_id)
            mine.setdefault(ref, set()).update(slots)
            others.setdefault(ref, []).append(other)
    return ((ref, mine[ref], others[ref]) for ref in mine)


def _meeting(session: Session, enrolments: Sequence[Enrolment], now: datetime, travel: timedelta) -> Met:
    """What takes the students' time within `travel` of a meeting that is ahead."""
    people = padded(sorted({each.person_id for each in enrolments}))
    busy = sources.busy_of(sources.known(), people, now)
    if busy is None:
        return {}
    seconds = int(travel.total_seconds())
    taken = busy.subquery()
    person, mine, other, old = list(taken.c)[0], aliased(Occurrence), aliased(Occurrence), aliased(Enrolment)
    replaced = sa.select(old.offering_id).where(old.id == Enrolment.replaces_id).scalar_subquery()
    itself = sa.and_(
        other.resource_type == "offering",
        sa.or_(other.resource_id == Enrolment.offering_id, other.resource_id == sa.func.coalesce(replaced, 0)),
    )
    query = (
        sa.select(other, Enrolment.id, mine.starts, mine.ends, mine.source_type)
        .join(mine, sa.and_(mine.resource_type == "offering", mine.resource_id == Enrolment.offering_id))
        .join(taken, person == Enrolment.person_id)
        .join(other, sa.and_(
            other.resource_type == taken.c.resource_type, other.resource_id == taken.c.resource_id,
            other.starts < later(mine.ends, seconds), other.ends > later(mine.starts, -seconds),
        ))
        .where(Enrolment.id.in_(padded([each.id for each in enrolments])))
        .where(mine.state == "active", other.state == "active", mine.ends > now, sa.not_(itself))
        .order_by(Enrolment.id, other.starts, other.id)
    )  # fmt: skip
    met: Met = {}
    for row, id_, starts, ends, source in session.execute(query):
        met.setdefault(row, []).append((id_, Slot(starts, ends, exam=source == "exam")))
    return met
