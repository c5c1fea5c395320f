"""Seats under a rush: real threads, each with a connection of its own, through the real service.

The database sells every seat once, and `taken` is the number of enrolments that hold one, whatever is interleaved.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from support.cast import NOW, Cast
from support.databases import Fresh
from support.teaching import CLOSES, MEETING, OPENS, add_people, at_time

from courses.catalogue import services as catalogue
from courses.catalogue.models import Offering, SeatPool
from courses.enrolment import services
from courses.enrolment.checks import nobody_sits_in_what_is_closed, seats_add_up
from courses.enrolment.models import Enrolment
from zutuan.calendar.models import Term
from zutuan.db import Database
from zutuan.errors import NotFound, Refused
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.policies.rules import Place
from zutuan.policies.services import decide
from zutuan.sharing import scopes
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

# Twenty rounds take two minutes: `make test THOROUGH=1` runs them all.
ROUNDS, RUNNERS, SEATS = (20 if os.environ.get("ZUTUAN_THOROUGH") == "1" else 2), 64, 10
ENROLLED = "enrolled"


class Rush:
    """64 students of school B, each with a database object (and so a connection) of their own."""

    def __init__(self, fresh: Fresh, database: Database, cast: Cast, pool: ThreadPoolExecutor) -> None:
        self.database, self.cast, self.pool = database, cast, pool
        self.databases = [Database(fresh.url, pool_size=1) for _ in range(RUNNERS)]
        people = add_people(database, cast, "B", RUNNERS)
        with database.read() as session:
            persons = {each.id: each for each in session.scalars(sa.select(Person))}
            self.students = [load_actor(session, persons[each.id], NOW) for each in people]
            self.teacher = load_actor(session, persons[cast.who("A", "teacher").id], NOW)
        self.made = 0

    def offering(self, seats: int, meeting: int | None = None, classes: int = 1) -> int:
        """A published course with one open offering of so many seats; of several classes, the last."""
        self.made += 1
        course = {
            "code": f"R{self.made}", "title_zh": "抢课", "title_en": "", "summary_zh": "", "summary_en": "",
            "keywords": [], "credits": 2, "hours": 32, "category": "general", "level": "bachelor", "language": "zh",
            "delivery": "recorded", "department_id": None, "description_zh": "", "description_en": "",
            "prerequisites": "", "assessment": "", "teacher_ids": None,
            "audience": [scopes.cluster(self.cast.clusters["A"])],
        }  # fmt: skip
        offering = {
            "code": "01", "enrol_from": OPENS, "enrol_until": CLOSES, "room": "", "online_url": "", "note": "",
            "seats": seats, "meetings": [at_time(self.made if meeting is None else meeting)],
        }  # fmt: skip
        with self.database.write() as session:
            made = catalogue.create_course(session, self.teacher, course)
            catalogue.publish_course(session, self.teacher, made, None)
            for number in range(classes):
                taught = catalogue.create_offering(session, self.teacher, made, offering | {"code": f"0{number + 1}"})
                catalogue.move_offering(session, self.teacher, taught, "publish")
            return taught.id

    def run(self, jobs: Sequence[Callable[[Session], object]]) -> list[str]:
        """Every job in a thread and a transaction of its own, all released at once; how each ended."""
        barrier = Barrier(len(jobs))

        def one(index: int) -> str:
            barrier.wait(60)
            try:
                with self.databases[index].write() as session:
                    jobs[index](session)
            except (Refused, NotFound) as refusal:
                return refusal.code
            except Exception as error:
                return f"{type(error).__name__}: {error}"
            return ENROLLED

        return list(self.pool.map(one, range(len(jobs))))

    def enrol(self, student: Actor, offering_id: int) -> Callable[[Session], object]:
        return lambda session: services.enrol(session, student, offering_id)

    def state(self, offering_id: int) -> tuple[int, int, int]:
        """(capacity, taken, enrolments that hold a seat); `zutuan check` finds nothing."""
        held = sa.select(sa.func.count()).where(Enrolment.offering_id == offering_id, Enrolment.holds_seat())
        with self.database.read() as session:
            assert seats_add_up(session) == [] and nobody_sits_in_what_is_closed(session) == []
            pool = session.scalars(sa.select(SeatPool).where(SeatPool.offering_id == offering_id)).one()
            assert 0 <= pool.taken <= pool.capacity and 0 <= pool.wanted <= pool.capacity
            return pool.capacity, pool.taken, session.scalar(held) or 0

    def enrolments(self, offering_id: int) -> dict[int, int]:
        """Person → their enrolment that holds a seat."""
        query = sa.select(Enrolment.person_id, Enrolment.id)
        with self.database.read() as session:
            rows = session.execute(query.where(Enrolment.offering_id == offering_id, Enrolment.holds_seat()))
            return {person_id: id_ for person_id, id_ in rows}


@pytest.fixture
def rush(fresh: Fresh, database: Database, cast: Cast) -> Iterator[Rush]:
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(RUNNERS))
        made = Rush(fresh, database, cast, pool)
        for each in made.databases:
            stack.callback(each.dispose)
        yield made


def test_64_students_for_10_seats_20_times(rush: Rush) -> None:
    for _ in range(ROUNDS):
        offering_id = rush.offering(SEATS)
        ends = Counter(rush.run([rush.enrol(student, offering_id) for student in rush.students]))
        assert ends == {ENROLLED: SEATS, "seats_gone": RUNNERS - SEATS}
        assert rush.state(offering_id) == (SEATS, SEATS, SEATS)


def test_one_student_in_eight_tabs_takes_one_seat(rush: Rush) -> None:
    for student in rush.students[:5]:
        offering_id = rush.offering(SEATS)
        ends = Counter(rush.run([rush.enrol(student, offering_id)] * 8))
        assert ends == {ENROLLED: 1, "already_enrolled": 7}
        assert rush.state(offering_id) == (SEATS, 1, 1)


def test_lowering_the_capacity_in_the_middle_of_a_rush(rush: Rush) -> None:
    for wanted in (5, 20):
        offering_id = rush.offering(16)
        jobs = [rush.enrol(student, offering_id) for student in rush.students[:24]]
        jobs += [_set_seats(rush.teacher, offering_id, wanted)]
        *ends, lowered = rush.run(jobs)
        assert lowered == ENROLLED
        assert set(ends) <= {ENROLLED, "seats_gone"}
        capacity, taken, held = rush.state(offering_id)
        assert taken == held == Counter(ends)[ENROLLED]
        assert capacity == max(taken, wanted) and taken <= max(16, wanted)


def _set_seats(teacher: Actor, offering_id: int, wanted: int) -> Callable[[Session], object]:
    def job(session: Session) -> None:
        offering = session.get_one(Offering, offering_id)
        catalogue.update_offering(session, teacher, offering, {"seats": wanted})

    return job


def test_leaving_and_coming_at_once(rush: Rush) -> None:
    offering_id = rush.offering(SEATS)
    for round_ in range(ROUNDS + 1):
        held = rush.enrolments(offering_id)
        inside = [each for each in rush.students if each.person_id in held]
        outside = [each for each in rush.students if each.person_id not in held][:20]
        jobs = [_withdraw(each, held[each.person_id]) for each in inside]
        jobs += [rush.enrol(each, offering_id) for each in outside]
        if round_ % 2:  # and while seats change hands, their number changes too
            jobs.append(_set_seats(rush.teacher, offering_id, 6 if round_ % 4 == 1 else SEATS))
        ends = rush.run(jobs)
        left, came = ends[: len(inside)], ends[len(inside) : len(inside) + len(outside)]
        assert set(left) <= {ENROLLED} and set(came) <= {ENROLLED, "seats_gone"}
        assert len(jobs) == len(left) + len(came) or ends[-1] == ENROLLED
        capacity, taken, active = rush.state(offering_id)
        assert taken == active == Counter(came)[ENROLLED] and capacity <= 2 * SEATS


def _withdraw(student: Actor, enrolment_id: int) -> Callable[[Session], object]:
    return lambda session: services.withdraw(session, student, enrolment_id)


def test_the_same_withdrawal_twice_frees_one_seat(rush: Rush) -> None:
    offering_id = rush.offering(SEATS)
    rush.run([rush.enrol(student, offering_id) for student in rush.students[:3]])
    student, enrolment_id = rush.students[0], rush.enrolments(offering_id)[rush.students[0].person_id]
    ends = Counter(rush.run([_withdraw(student, enrolment_id)] * 8))
    assert ends == {ENROLLED: 1, "enrolment_over": 7}
    assert rush.state(offering_id) == (SEATS, 2, 2)


def test_the_clock_and_the_registrar_decide_only_once(rush: Rush) -> None:
    """The registrar is in time by the clock of her request while the worker's is already past the term."""
    offering_id = rush.offering(SEATS)
    rush.run([rush.enrol(student, offering_id) for student in rush.students[:4]])
    with rush.database.read() as session:
        registrar = load_actor(session, session.get_one(Person, rush.cast.who("B", "registrar").id), NOW)
    late = NOW + timedelta(days=6)
    jobs: list[Callable[[Session], object]] = [
        lambda session, id_=id_: services.approve(session, registrar, id_)  # type: ignore[misc]
        for id_ in rush.enrolments(offering_id).values()
    ]
    jobs += [lambda session: services.expire_due(session, late)] * 4
    ends = rush.run(jobs)
    assert set(ends[:4]) <= {ENROLLED, "enrolment_over"} and set(ends[4:]) == {ENROLLED}
    _capacity, taken, active = rush.state(offering_id)
    assert taken == active == Counter(ends[:4])[ENROLLED]


def _change(teacher: Actor, offering_id: int, what: str) -> Callable[[Session], object]:
    def job(session: Session) -> None:
        offering = session.get_one(Offering, offering_id)
        if what == "archive":
            catalogue.move_offering(session, teacher, offering, "archive")
        elif what == "archive course":
            catalogue.move_course(session, teacher, offering.course, "archive")
        elif what == "suspend course":
            catalogue.move_course(session, teacher, offering.course, "suspend")
        else:
            catalogue.update_offering(session, teacher, offering, {"meetings": [{**MEETING, "weekday": 5}]})

    return job


@pytest.mark.parametrize("what", ["archive", "archive course", "suspend course", "other times"])
def test_what_a_seat_promises_does_not_change_under_it(rush: Rush, what: str) -> None:
    """A teacher closes or moves the offering while students take seats: either the change came first and nobody has a
    seat, or somebody has one and the change is refused. (A suspended course keeps the seats that came before it.)"""
    for _ in range(ROUNDS):
        offering_id = rush.offering(SEATS)
        jobs = [rush.enrol(student, offering_id) for student in rush.students[:6]]
        changed, *ends = rush.run([_change(rush.teacher, offering_id, what), *jobs])
        assert set(ends) <= {ENROLLED, "offering_changed", "offering_closed", "not_found"}, ends
        _, taken, held = rush.state(offering_id)
        assert taken == held == Counter(ends)[ENROLLED]
        if what.startswith("archive"):
            assert (changed == ENROLLED) == (held == 0), (changed, ends)
        else:  # who comes after the change takes a seat in what it has become
            assert changed == ENROLLED or held, (changed, ends)


def test_who_changes_places_both_ways_at_once_does_not_wait_for_each_other(rush: Rush) -> None:
    """Half of them from the first class to the second, half the other way: the home school asks nobody."""
    with rush.database.write() as session:
        place = Place(school_id=rush.cast.schools["B"])
        admin = session.get_one(Person, rush.cast.who("B", "school_admin").id)
        decide(session, load_actor(session, admin, NOW), place, "enrolment.home_approval", "none")
    second = rush.offering(40, classes=2)
    students, first = rush.students[:12], second - 1
    for index, student in enumerate(students):
        with rush.database.write() as session:
            services.enrol(session, student, (first, second)[index % 2])
    held = rush.enrolments(first) | rush.enrolments(second)

    def change(index: int, student: Actor) -> Callable[[Session], object]:
        other = (second, first)[index % 2]
        return lambda session: services.enrol(session, student, other, replaces_id=held[student.person_id])

    assert set(rush.run([change(index, student) for index, student in enumerate(students)])) == {ENROLLED}
    assert {rush.state(first), rush.state(second)} == {(40, 6, 6)}
    assert set(rush.enrolments(first)) == {each.person_id for each in students[1::2]}


def test_two_classes_at_the_same_time_are_one_seat_whatever_years_their_terms_are_of(rush: Rush) -> None:
    """A summer term of the year before overlaps the autumn's first weeks."""
    other, autumn = rush.offering(60, meeting=0), rush.offering(60, meeting=0)
    with rush.database.write() as session:
        term = session.get_one(Offering, autumn).term
        summer = Term(
            school_id=term.school_id, academic_year="2025-2026", number=3, first_day=term.first_day, weeks=term.weeks
        )
        session.add(summer)
        session.flush()
        session.get_one(Offering, other).term_id = summer.id
        audit(session, None, "test.term", Subject(), now=NOW)
    students = rush.students[:24]
    ends = Counter(rush.run([rush.enrol(each, id_) for each in students for id_ in (other, autumn)]))
    assert ends == {ENROLLED: 24, "time_clash": 24}
    assert not set(rush.enrolments(other)) & set(rush.enrolments(autumn))


def test_who_would_wait_is_in_the_queue_when_the_last_seat_goes_at_that_moment(rush: Rush) -> None:
    offering_id = rush.offering(4)

    def ask(student: Actor) -> Callable[[Session], object]:
        return lambda session: services.enrol(session, student, offering_id, waitlist=True)

    assert set(rush.run([ask(each) for each in rush.students[:24]])) == {ENROLLED}
    assert rush.state(offering_id) == (4, 4, 4)
    with rush.database.read() as session:
        waiting = sa.select(sa.func.count()).where(
            Enrolment.offering_id == offering_id, Enrolment.host_state == "queued"
        )
        assert session.scalar(waiting) == 20
