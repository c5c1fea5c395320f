"""What the rules need to know of one student and one offering, read in as few statements as it takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.admission import queries as admission
from courses.admission.queries import TermKey
from courses.catalogue.models import Course, Offering
from courses.enrolment import hooks, near, policies, rules
from courses.enrolment.models import Enrolment
from courses.enrolment.near import Taken
from courses.enrolment.rules import Attempt, Clash, Pool, Round, Slot, Window
from courses.enrolment.wanted import ON_CAMPUS, Wanted
from zutuan.calendar import sources, timetables
from zutuan.calendar.models import Term
from zutuan.db import padded, plain
from zutuan.decision import Refusal
from zutuan.policies import services as policy_values
from zutuan.sharing import scopes
from zutuan.sharing.actor import Actor, Belongs


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


def pools_of(actor: Actor, wanted: Iterable[Pool], home: Belongs | None) -> tuple[Pool, ...]:
    """Those of the pools that the student may take from, nearest first."""
    if home is None:
        return ()
    mine = school_scopes(home.school_id, clusters_of(actor, home.school_id))
    return tuple(rules.pools_for(wanted, mine))


def attempt(
    session: Session, actor: Actor, wanted: Wanted, home: Belongs | None, *, seen: bool,
    replacing: Enrolment | None = None,
) -> Attempt:  # fmt: skip
    """Everything `rules.may_enrol` asks. `seen`: the access rule shows them the offering; `replacing`: the enrolment that
    this one would take the place of."""
    session.flush()  # what follows reads past the session
    held = held_by(session, actor.person_id)
    mine = [each for each in held if replacing is None or each.enrolment_id != replacing.id]
    term = TermKey(wanted.academic_year, wanted.number)
    return compose(
        actor, wanted, home, mine, seen=seen,
        admitted=home is None or admission.admitted(session, home.school_id, wanted.course_id, term, actor.now),
        credit_cap=credit_cap(session, home, actor.now),
        clash=clash(session, actor.person_id, actor.now, wanted, replacing.offering_id if replacing else None),
        draw=hooks.against_enrolling(session, wanted, actor.now) if wanted.by_lot else None,
        rescue=rescue(session, actor.person_id, wanted, actor.now),
    )  # fmt: skip


def compose(
    actor: Actor, wanted: Wanted, home: Belongs | None, mine: Sequence[Held], *, seen: bool, admitted: bool,
    credit_cap: int, clash: Clash | None, draw: Refusal | None, rescue: datetime | None = None,
) -> Attempt:  # fmt: skip
    """The same from what has been read; `mine`: what the student holds, but for what would be given up for it."""
    done = {each.course_id for each in mine if each.passed}
    term = TermKey(wanted.academic_year, wanted.number)
    return Attempt(
        now=actor.now,
        window=wanted.window,
        offering_state=wanted.state,
        course_state=wanted.course_state,
        is_student=home is not None,
        home_is_host=home is not None and home.school_id == wanted.school_id,
        in_audience=seen,
        already_active=any(each.offering_id == wanted.id for each in mine),
        pools=wanted.pools,
        mine=pools_of(actor, wanted.pools, home),
        standing=home.standing if home else "active",
        admitted=admitted,
        grade=home.grade if home else "",
        major=home.major if home else "",
        for_grades=wanted.for_grades,
        for_majors=wanted.for_majors,
        missing=tuple(title for id_, title in wanted.requires if id_ not in done),
        passed=wanted.course_id in done,
        in_other_class=any(
            each.course_id == wanted.course_id and each.offering_id != wanted.id and not each.completed for each in mine
        ),
        credits=wanted.credits,
        credits_held=sum((each.credits for each in mine if each.seated and each.term == term), Decimal(0)),
        credit_cap=credit_cap,
        clash=clash,
        draw=draw,
        rescue=rescue,
    )


def rescue(session: Session, person_id: int, wanted: Wanted, now: datetime) -> datetime | None:
    """Until when the student may still enrol here because another class was called off (停开补选): where seats go to who
    comes first, enrolling is over and teaching is not."""
    if wanted.seats_by != "first_come" or now >= wanted.ends or not wanted.window.closed_at(now):
        return None
    until = hooks.rescue_until(session, person_id, wanted.academic_year, wanted.number, now)
    return min(until, wanted.ends) if until else None


def credit_cap(session: Session, home: Belongs | None, now: datetime) -> int:
    """Credits of cross-school electives a term that the home school allows; 0: no limit."""
    return int(policy_values.value(session, policies.CREDIT_CAP.key, home.school_id, now)) if home else 0


@dataclass(frozen=True)
class Held:
    """One active enrolment of the student; `passed`: completed, and not with a grade that fails; `seated`: it holds a seat,
    and counts towards the credits of its term."""

    enrolment_id: int
    offering_id: int
    course_id: int
    credits: Decimal
    completed: bool
    passed: bool
    seated: bool
    term: TermKey


_ACTIVE: Any = (
    sa.select(
        Enrolment.id, Enrolment.offering_id, Course.id, Course.credits, Enrolment.host_state == "completed",
        Enrolment.passed, Enrolment.pool_id.is_not(None), Term.academic_year, Term.number,
    )
    .join(Offering, Offering.id == Enrolment.offering_id)
    .join(Course, Course.id == Offering.course_id)
    .join(Term, Term.id == Offering.term_id)
    .where(Enrolment.active())
)  # fmt: skip
_HELD: Any = _ACTIVE.where(Enrolment.person_id == sa.bindparam("person", type_=sa.BigInteger))
_HELD_BY_SOME: Any = _ACTIVE.add_columns(Enrolment.person_id)


def held_by(session: Session, person_id: int) -> list[Held]:
    return [_held(row) for row in plain(session, _HELD, {"person": person_id})]


def held_by_some(session: Session, people: Sequence[int]) -> dict[int, list[Held]]:
    """Person → what they hold."""
    found: dict[int, list[Held]] = {}
    for *row, person in session.execute(_HELD_BY_SOME.where(Enrolment.person_id.in_(padded(sorted(people))))):
        found.setdefault(person, []).append(_held(row))
    return found


def _held(row: Sequence[Any]) -> Held:
    id_, offering, course, credits, completed, passed, seated, year, number = row
    through = completed and passed is not False
    return Held(id_, offering, course, credits, completed, through, seated, TermKey(year, number))


# --- time -------------------------------------------------------------------------------------------------------


def clash(session: Session, person_id: int, now: datetime, wanted: Wanted, replaced_id: int | None) -> Clash | None:
    """What of the student's time, anywhere but in the offering that this one would replace, stands against its meetings."""
    travel = travel_time(session, wanted, now)
    found = near.of_one(session, person_id, wanted.id, replaced_id, now, travel)
    if not found:
        return None
    campus = wanted.school_id if wanted.on_campus else None
    mine = {replace(slot, campus=campus) for each in found.values() for slot in each.mine}
    return rules.clash(mine, slots(session, near.occurrences(found.values())), travel)


def travel_time(session: Session, wanted: Wanted, now: datetime) -> timedelta:
    """The way to another school's campus, as the host school reckons it; none to what is not on a campus."""
    if not wanted.on_campus:
        return timedelta(0)
    return timedelta(minutes=policy_values.value(session, policies.TRAVEL.key, wanted.school_id, now))


def slots(session: Session, taken: Sequence[Taken]) -> list[Slot]:
    """Rows of the book as the rules compare them: what they are called, and where one has to be."""
    if not taken:
        return []
    names = sources.described(session, sources.known(), ((each.source_type, each.source_id) for each in taken))
    on_campus = _on_campus(session, taken)
    found = []
    for each in taken:
        named = names.get((each.source_type, each.source_id), sources.Described(""))
        there = each.resource_type != "offering" or each.resource_id in on_campus
        campus = named.school_id or None if there else None
        found.append(Slot(each.starts, each.ends, campus, named.title_zh, each.source_type == "exam"))
    return found


def _on_campus(session: Session, taken: Iterable[Taken]) -> set[int]:
    """Those of the offerings to which one has to go."""
    ids = {each.resource_id for each in taken if each.resource_type == "offering"}
    if not ids:
        return set()
    query = sa.select(Offering.id).join(Course, Course.id == Offering.course_id)
    return set(session.scalars(query.where(Offering.id.in_(ids), Course.delivery.in_(ON_CAMPUS))))


def timetable_known(session: Session, home: Belongs | None, wanted: Wanted) -> bool:
    """Whether the home school's own timetable of that term is here: without it, "no clash" would be no more than hope."""
    if home is None:
        return False
    t = Term
    term = session.scalar(
        sa.select(t.id).where(
            t.school_id == home.school_id, t.academic_year == wanted.academic_year, t.number == wanted.number
        )
    )
    return term is not None and bool(timetables.imported(session, [term]).get(term))
