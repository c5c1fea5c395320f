"""What the rules need to know of one student and one offering, read in as few statements as it takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.admission import queries as admission
from courses.catalogue import queries as catalogue
from courses.catalogue.models import Course, CoursePrerequisite, Offering
from courses.enrolment import policies, rules
from courses.enrolment.models import Enrolment
from courses.enrolment.rules import Attempt, Clash, Pool, Round, Slot, Window
from zutuan.calendar import book, sources, timetables
from zutuan.calendar.models import Occurrence, Term
from zutuan.policies import services as policy_values
from zutuan.sharing import rules as sharing_rules
from zutuan.sharing import scopes
from zutuan.sharing import services as sharing
from zutuan.sharing.actor import Actor, Belongs
from zutuan.sharing.models import SharedItem

ON_CAMPUS = ("on_site", "mixed")


def window(offering: Offering) -> Window:
    rounds = tuple(Round(each.kind, each.opens, each.closes) for each in offering.rounds)
    return Window(offering.enrol_from, offering.enrol_until, rounds)


def pools(offering: Offering) -> tuple[Pool, ...]:
    return tuple(Pool(each.id, each.scope, each.left) for each in offering.pools)


def school_scopes(school_id: int, clusters: Mapping[int, str]) -> frozenset[str]:
    """The scopes of a student of that school, as pools name them; `clusters`: cluster → the school's role there."""
    here = {scopes.cluster(id_) for id_ in clusters} | {scopes.cluster(id_, role) for id_, role in clusters.items()}
    return frozenset({scopes.school(school_id), *here})


def clusters_of(actor: Actor, school_id: int) -> dict[int, str]:
    return {each.cluster_id: each.role for each in actor.memberships if each.school_id == school_id}


def pools_of(actor: Actor, offering: Offering, home: Belongs | None) -> tuple[Pool, ...]:
    """Those of the offering's pools that the student may take from, nearest first."""
    if home is None:
        return ()
    mine = school_scopes(home.school_id, clusters_of(actor, home.school_id))
    return tuple(rules.pools_for(pools(offering), mine))


def attempt(
    session: Session, actor: Actor, offering: Offering, home: Belongs | None, *, replacing: Enrolment | None = None
) -> Attempt:
    """Everything `rules.may_enrol` asks. `replacing`: the enrolment that this one would take the place of."""
    course = offering.course
    held = _held(session, actor.person_id, offering)
    mine = [each for each in held if replacing is None or each.enrolment_id != replacing.id]
    return Attempt(
        now=actor.now,
        window=window(offering),
        offering_state=offering.state,
        course_state=course.item.state,
        is_student=home is not None,
        home_is_host=home is not None and home.school_id == course.school_id,
        in_audience=bool(sharing.seen_through(session, actor, course.item, sharing_rules.RECORD)),
        already_active=any(each.offering_id == offering.id for each in mine),
        pools=pools(offering),
        mine=pools_of(actor, offering, home),
        standing=home.standing if home else "active",
        admitted=home is None or admission.admitted(session, home.school_id, course.id, offering.term, actor.now),
        grade=home.grade if home else "",
        major=home.major if home else "",
        for_grades=tuple(offering.for_grades),
        for_majors=tuple(offering.for_majors),
        missing=_missing(session, actor.person_id, offering),
        passed=any(each.course_id == course.id and each.completed for each in mine),
        in_other_class=any(
            each.course_id == course.id and each.offering_id != offering.id and not each.completed for each in mine
        ),
        credits=course.credits,
        credits_held=sum((each.credits for each in mine if each.counts), Decimal(0)),
        credit_cap=credit_cap(session, home, actor.now),
        clash=clash(session, actor, offering, replacing),
    )


def credit_cap(session: Session, home: Belongs | None, now: datetime) -> int:
    """Credits of cross-school electives a term that the home school allows; 0: no limit."""
    return int(policy_values.value(session, policies.CREDIT_CAP.key, home.school_id, now)) if home else 0


@dataclass(frozen=True)
class _Held:
    """One active enrolment of the student. `counts`: towards the credits of the term in question."""

    enrolment_id: int
    offering_id: int
    course_id: int
    credits: Decimal
    completed: bool
    counts: bool


def _held(session: Session, person_id: int, offering: Offering) -> list[_Held]:
    e = Enrolment
    query = (
        sa.select(
            e.id, e.offering_id, Course.id, Course.credits, e.host_state, e.pool_id, Term.academic_year, Term.number
        )
        .join(Offering, Offering.id == e.offering_id)
        .join(Course, Course.id == Offering.course_id)
        .join(Term, Term.id == Offering.term_id)
        .where(e.person_id == person_id, e.active())
    )
    wanted = (offering.term.academic_year, offering.term.number)
    return [
        _Held(id_, offering_id, course_id, credits, host == "completed", pool is not None and (year, number) == wanted)
        for id_, offering_id, course_id, credits, host, pool, year, number in session.execute(query)
    ]


def _missing(session: Session, person_id: int, offering: Offering) -> tuple[str, ...]:
    """Titles of the required courses that the student has not completed."""
    done = (
        sa.select(Enrolment.id)
        .join(Offering, Offering.id == Enrolment.offering_id)
        .where(Offering.course_id == CoursePrerequisite.required_id, Enrolment.person_id == person_id)
        .where(Enrolment.active(), Enrolment.host_state == "completed")
    )
    query = sa.select(SharedItem.title_zh).join(CoursePrerequisite, CoursePrerequisite.required_id == SharedItem.id)
    query = query.where(CoursePrerequisite.course_id == offering.course_id, sa.not_(done.exists()))
    return tuple(session.scalars(query.order_by(CoursePrerequisite.id)))


# --- time -------------------------------------------------------------------------------------------------------


def clash(session: Session, actor: Actor, offering: Offering, replacing: Enrolment | None) -> Clash | None:
    """What of the student's time, anywhere, stands against the offering's meetings."""
    meetings = [each for each in catalogue.occurrences(session, offering.id) if each.ends > actor.now]
    if not meetings:
        return None
    travel = travel_time(session, offering, actor.now)
    intervals = [(each.starts - travel, each.ends + travel) for each in meetings]
    but = {offering.id, *([replacing.offering_id] if replacing else [])}
    found = book.clashes_with(session, ("person", actor.person_id), intervals, sources.known())
    taken = [each for each in found if each.resource_type != "offering" or each.resource_id not in but]
    if not taken:
        return None
    campus = offering.course.school_id if offering.course.delivery in ON_CAMPUS else None
    wanted = [Slot(each.starts, each.ends, campus, exam=each.source_type == "exam") for each in meetings]
    return rules.clash(wanted, _slots(session, taken), travel)


def travel_time(session: Session, offering: Offering, now: datetime) -> timedelta:
    """The way to another school's campus, as the host school reckons it; none to what is not on a campus."""
    if offering.course.delivery not in ON_CAMPUS:
        return timedelta(0)
    return timedelta(minutes=policy_values.value(session, policies.TRAVEL.key, offering.course.school_id, now))


def _slots(session: Session, taken: Sequence[Occurrence]) -> list[Slot]:
    names = sources.described(session, sources.known(), ((each.source_type, each.source_id) for each in taken))
    on_campus = _on_campus(session, taken)
    slots = []
    for each in taken:
        named = names.get((each.source_type, each.source_id), sources.Described(""))
        there = each.resource_type != "offering" or each.resource_id in on_campus
        campus = named.school_id or None if there else None
        slots.append(Slot(each.starts, each.ends, campus, named.title_zh, each.source_type == "exam"))
    return slots


def _on_campus(session: Session, taken: Iterable[Occurrence]) -> set[int]:
    """Those of the offerings to which one has to go."""
    ids = {each.resource_id for each in taken if each.resource_type == "offering"}
    if not ids:
        return set()
    query = sa.select(Offering.id).join(Course, Course.id == Offering.course_id)
    return set(session.scalars(query.where(Offering.id.in_(ids), Course.delivery.in_(ON_CAMPUS))))


def timetable_known(session: Session, home: Belongs | None, offering: Offering) -> bool:
    """Whether the home school's own timetable of that term is here: without it, "no clash" would be no more than hope."""
    if home is None:
        return False
    t = Term
    term = session.scalar(
        sa.select(t.id).where(
            t.school_id == home.school_id,
            t.academic_year == offering.term.academic_year,
            t.number == offering.term.number,
        )
    )
    return term is not None and bool(timetables.imported(session, [term]).get(term))
