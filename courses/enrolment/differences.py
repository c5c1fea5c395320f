"""What somebody who approves looks at beside the request itself: credits so far, clashes, standing. For many rows in as
many statements as for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from courses.catalogue.models import Course, Offering
from courses.enrolment import policies
from courses.enrolment.models import Enrolment
from zutuan.calendar import sources
from zutuan.calendar.models import Occurrence, Term, TimetableEntry
from zutuan.calendar.sources import Described, Ref
from zutuan.db import padded
from zutuan.policies import services as policy_values

Key = tuple[int, str, int]


@dataclass(frozen=True)
class Clashing:
    """So many meetings meet another thing of the student's."""

    title: Described | None
    times: int


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
    """Meetings ahead at a time that is taken by now: a timetable may have come, or a calendar moved, since the request."""
    people = padded(sorted({each.person_id for each in enrolments}))
    busy = sources.busy_of(sources.known(), people, now)
    if busy is None:
        return {}
    taken = busy.subquery()
    person, mine, other, old = list(taken.c)[0], aliased(Occurrence), aliased(Occurrence), aliased(Enrolment)
    replaced = sa.select(old.offering_id).where(old.id == Enrolment.replaces_id).scalar_subquery()
    itself = sa.and_(
        other.resource_type == "offering",
        sa.or_(other.resource_id == Enrolment.offering_id, other.resource_id == sa.func.coalesce(replaced, 0)),
    )
    query = (
        sa.select(Enrolment.id, other.source_type, other.source_id, sa.func.count(mine.id.distinct()))
        .join(mine, sa.and_(mine.resource_type == "offering", mine.resource_id == Enrolment.offering_id))
        .join(taken, person == Enrolment.person_id)
        .join(other, sa.and_(
            other.resource_type == taken.c.resource_type, other.resource_id == taken.c.resource_id,
            other.starts < mine.ends, other.ends > mine.starts,
        ))
        .where(Enrolment.id.in_(padded([each.id for each in enrolments])))
        .where(mine.state == "active", other.state == "active", mine.ends > now, sa.not_(itself))
        .group_by(Enrolment.id, other.source_type, other.source_id)
    )  # fmt: skip
    rows = [(id_, (type_, source), times) for id_, type_, source, times in session.execute(query)]
    refs: set[Ref] = {ref for _id, ref, _times in rows}
    names = sources.described(session, sources.known(), refs) if refs else {}
    found: dict[int, list[Clashing]] = {}
    for id_, ref, times in rows:
        found.setdefault(id_, []).append(Clashing(names.get(ref), times))
    return found
