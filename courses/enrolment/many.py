"""What the rules say to many requests at once: of one student for many classes, or of many students. The rules are those
of a single request (`rules.may_enrol`); only what they need to know is read together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.admission import queries as admission
from courses.admission.queries import TermKey
from courses.enrolment import facts, near, rules, wanted
from courses.enrolment.facts import Held
from courses.enrolment.near import Near, Taken
from courses.enrolment.rules import Clash, Slot
from courses.enrolment.wanted import Wanted
from zutuan.clusters.models import School
from zutuan.db import padded
from zutuan.decision import Refusal
from zutuan.paging import Query
from zutuan.people.models import Affiliation
from zutuan.policies import services as policy_values
from zutuan.sharing import services as sharing
from zutuan.sharing.actor import Actor, Belongs, Member


@dataclass(frozen=True)
class Ask:
    """Somebody, as a student of one school, for a seat in one class; `key` is the caller's name for it."""

    key: int
    person_id: int
    affiliation_id: int
    offering_id: int


@dataclass(frozen=True)
class Student:
    """Who asks. `home`: the affiliation asked as, None once it is over; `cap`: credits a term, 0 for no limit."""

    actor: Actor
    home: Belongs | None
    held: Sequence[Held]
    cap: int

    @property
    def scopes(self) -> frozenset[str]:
        """Of the home school, as pools name them."""
        if self.home is None:
            return frozenset()
        return facts.school_scopes(self.home.school_id, facts.clusters_of(self.actor, self.home.school_id))

    def credits(self, term: TermKey) -> Decimal:
        """Of the seats held in the term."""
        return sum((each.credits for each in self.held if each.seated and each.term == term), Decimal(0))


@dataclass(frozen=True)
class Look:
    """Person → student, offering → what it offers, key → every reason against but the seat itself and the window."""

    students: Mapping[int, Student]
    wanted: Mapping[int, Wanted]
    against: Mapping[int, list[Refusal]]


PASSING = frozenset({*rules.SEATS, "window_not_open", "window_closed"})


def look(session: Session, asks: Sequence[Ask], pairs: Query, now: datetime) -> Look:
    """`pairs`: the same asks as rows of (key, person_id, offering_id), for what takes the students' time."""
    session.flush()  # what follows reads past the session
    offerings = wanted.read_some(session, [each.offering_id for each in asks])
    students = _students(session, asks, now)
    homes = {each.home.school_id for each in students.values() if each.home is not None}
    policy_values.preload(session, sorted(homes | {each.school_id for each in offerings.values()}), now)
    students = {id_: _capped(session, each, now) for id_, each in students.items()}
    seen = _seen(session, students.values(), offerings.values(), now)
    admitted = _admitted(session, homes, offerings.values(), now)
    clashes = _clashes(session, asks, offerings, pairs, now)
    against = {}
    for each in asks:
        student, offering = students[each.person_id], offerings[each.offering_id]
        home = student.home
        attempt = facts.compose(
            student.actor, offering, home, student.held,
            seen=any((school, offering.course_id) in seen for school in student.actor.school_ids),
            admitted=home is None or (home.school_id, offering.course_id) in admitted,
            credit_cap=student.cap, clash=clashes.get(each.key), draw=None,
        )  # fmt: skip
        against[each.key] = [one for one in rules.may_enrol(attempt) if one.code not in PASSING]
    return Look(students, offerings, against)


def _capped(session: Session, student: Student, now: datetime) -> Student:
    return replace(student, cap=facts.credit_cap(session, student.home, now))


def _students(session: Session, asks: Sequence[Ask], now: datetime) -> dict[int, Student]:
    as_whom = {each.person_id: each.affiliation_id for each in asks}
    belongs = _belongs(session, list(as_whom), now)
    schools = {each.school_id for mine in belongs.values() for each in mine}
    clusters = sharing.clusters_of_each(session, schools, now)
    held = facts.held_by_some(session, list(as_whom))
    found = {}
    for person, affiliation in as_whom.items():
        mine = tuple(belongs.get(person, ()))
        members = tuple(
            Member(cluster, each.school_id, role) for each in mine for cluster, role in clusters[each.school_id].items()
        )
        actor = Actor(person, "", now, affiliations=mine, memberships=members)
        home = next((each for each in mine if each.affiliation_id == affiliation and each.kind == "student"), None)
        found[person] = Student(actor, home, held.get(person, ()), 0)
    return found


def _belongs(session: Session, people: Sequence[int], now: datetime) -> dict[int, list[Belongs]]:
    """Person → their open affiliations."""
    a = Affiliation
    query = (
        sa.select(
            a.person_id, a.id, a.school_id, School.name, a.kind, a.number, a.department_id, a.major, a.grade, a.standing
        )
        .join(School, School.id == a.school_id)
        .where(a.person_id.in_(padded(sorted(people))), a.from_ <= now, sa.or_(a.until.is_(None), a.until > now))
        .order_by(a.id)
    )
    found: dict[int, list[Belongs]] = {}
    for person, *row in session.execute(query):
        found.setdefault(person, []).append(Belongs(*row))
    return found


Pairs = set[tuple[int, int]]


def _seen(session: Session, students: Iterable[Student], offered: Iterable[Wanted], now: datetime) -> Pairs:
    """(school, course): whose students see it."""
    courses = sorted({each.course_id for each in offered})
    schools = {school for each in students for school in each.actor.school_ids}
    return {
        (school, course) for school in sorted(schools) for course in admission.shared(session, school, courses, now)
    }


def _admitted(session: Session, homes: Collection[int], offered: Iterable[Wanted], now: datetime) -> Pairs:
    """(home school, course): whose students may choose it in its term."""
    by_term: dict[TermKey, set[int]] = {}
    for each in offered:
        by_term.setdefault(TermKey(each.academic_year, each.number), set()).add(each.course_id)
    found = set()
    for school in sorted(homes):
        picks = admission.way(session, school, now) == "picked"
        for term, courses in by_term.items():
            may = admission.picked(session, school, courses, term) if picks else courses
            found |= {(school, course) for course in may}
    return found


# --- time -------------------------------------------------------------------------------------------------------


def _clashes(
    session: Session, asks: Sequence[Ask], offerings: Mapping[int, Wanted], pairs: Query, now: datetime
) -> dict[int, Clash]:
    """Key → what of the student's time stands against it."""
    way = {id_: facts.travel_time(session, each, now) for id_, each in offerings.items()}
    people = sorted({each.person_id for each in asks})
    found = near.of_pairs(session, pairs, people, now, max(way.values(), default=timedelta(0)))
    taken = list({other for each in found.values() for other in near.occurrences(each.values())})
    slots = dict(zip(taken, facts.slots(session, taken), strict=True))
    clashes = {}
    for each in asks:
        if each.key in found:
            offering = offerings[each.offering_id]
            clash = _clash(offering, found[each.key].values(), slots, way[each.offering_id])
            if clash is not None:
                clashes[each.key] = clash
    return clashes


def _clash(offering: Wanted, found: Collection[Near], slots: Mapping[Taken, Slot], way: timedelta) -> Clash | None:
    campus = offering.school_id if offering.on_campus else None
    mine = {replace(slot, campus=campus) for each in found for slot in each.mine}
    return rules.clash(mine, [slots[other] for other in near.occurrences(found)], way)
