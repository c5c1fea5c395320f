"""What somebody who approves looks at beside the request itself: credits so far, clashes, standing. For many rows in as
many statements as for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue.models import Course, Offering
from courses.enrolment import facts, near, policies, queries, rules
from courses.enrolment.models import Enrolment
from courses.enrolment.queries import Change
from courses.enrolment.wanted import ON_CAMPUS
from zutuan.calendar import sources
from zutuan.calendar.models import Term, TimetableEntry
from zutuan.calendar.sources import Described
from zutuan.db import padded
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
    change: Change | None = None

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
    changing = queries.changes_of_class(session, [each.id for each in enrolments])
    caps = policy_values.values(session, policies.CREDIT_CAP.key, [each.home_school_id for each in enrolments], now)
    clashes = _clashes(session, enrolments, {id_: each.offering_id for id_, each in changing.items()}, now)
    known = _timetables(session, [each.home_school_id for each in enrolments])
    found = {}
    for each in enrolments:
        term = (each.offering.term.academic_year, each.offering.term.number)
        held = credits.get((each.person_id, *term), Decimal(0))
        if each.pool_id is None:  # it has no seat yet that would count
            held += each.offering.course.credits
        if each.id in changing:  # 换班: the course counts once
            held -= each.offering.course.credits
        found[each.id] = Differences(
            held,
            int(caps[each.home_school_id]),
            clashes.get(each.id, []),
            (each.home_school_id, *term) in known,
            changing.get(each.id),
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


def _clashes(
    session: Session, enrolments: Sequence[Enrolment], replaced: Mapping[int, int], now: datetime
) -> dict[int, list[Clashing]]:
    """Meetings ahead that meet something else of the student's by now: a timetable may have come, or a calendar moved,
    since the request. What clashes is `rules.clash`'s word, as when they asked."""
    travel = _travel(session, enrolments, now)
    met = near.of_enrolments(session, enrolments, replaced, now, max(travel.values()))
    others = near.occurrences([each for found in met.values() for each in found.values()])
    slots = dict(zip(others, facts.slots(session, others), strict=True))
    names = sources.described(session, sources.known(), {ref for found in met.values() for ref in found})
    clashes: dict[int, list[Clashing]] = {}
    for enrolment in enrolments:
        for ref, each in met.get(enrolment.id, {}).items():
            wanted = [replace(slot, campus=_campus(enrolment)) for slot in each.mine]
            clash = rules.clash(wanted, [slots[other] for other in each.others], travel[enrolment.id])
            if clash is not None:
                clashes.setdefault(enrolment.id, []).append(Clashing(names.get(ref), clash.times, clash.travel))
    return clashes


def _travel(session: Session, enrolments: Sequence[Enrolment], now: datetime) -> dict[int, timedelta]:
    hosts = sorted({each.host_school_id for each in enrolments})
    minutes = policy_values.values(session, policies.TRAVEL.key, hosts, now)
    return {
        each.id: timedelta(minutes=minutes[each.host_school_id] if _campus(each) is not None else 0)
        for each in enrolments
    }


def _campus(enrolment: Enrolment) -> int | None:
    return enrolment.host_school_id if enrolment.offering.course.delivery in ON_CAMPUS else None
