"""Any interleaving of what students, schools and the clock do keeps what enrolling promises, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from support.cast import NOW, Cast, Player
from support.teaching import CLOSES, OPENS, add_people, at_time

from courses.catalogue import services as catalogue
from courses.catalogue.models import Offering, SeatPool
from courses.enrolment import enrolling, facts, rules, seats, services, wanted
from courses.enrolment.checks import seats_add_up
from courses.enrolment.models import Enrolment
from zutuan.clock import clock as the_clock
from zutuan.clusters.models import Membership
from zutuan.db import Database
from zutuan.errors import Forbidden, NotFound, Refused
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.sharing import scopes
from zutuan.sharing.actor import Actor

STUDENTS = 4
# Most want the same class: that is where it happens.
CLASSES = st.sampled_from((0, 0, 0, 1, 2, 3))
HOURS = timedelta(hours=1)


class World:
    """Two classes of one course, and one each of two others that meet when the first does, the last by the teacher's choice:
    pools for B and for all."""

    def __init__(self, database: Database, cast: Cast) -> None:
        self.database, self.cast = database, cast
        self.staff = {
            "teacher": cast.who("A", "teacher"),
            "B": cast.who("B", "registrar"),
            "C": cast.who("C", "registrar"),
        }
        self.people: list[Player] = []
        self.made = 0

    def actor(self, session: Session, person_id: int) -> Actor:
        return load_actor(session, session.get_one(Person, person_id), the_clock.now())

    def course(self, session: Session, meetings: list[dict[str, Any]], seats_by: str = "first_come") -> list[int]:
        self.made += 1
        teacher = self.actor(session, self.staff["teacher"].id)
        course = {
            "code": f"P{self.made}", "title_zh": "候补", "title_en": "", "summary_zh": "", "summary_en": "", "keywords": [],
            "credits": 2, "hours": 32, "category": "general", "level": "bachelor", "language": "zh", "delivery": "recorded",
            "department_id": None, "description_zh": "", "description_en": "", "prerequisites": "", "assessment": "",
            "teacher_ids": None, "audience": [scopes.cluster(self.cast.clusters["A"])],
        }  # fmt: skip
        made = catalogue.create_course(session, teacher, course)
        catalogue.publish_course(session, teacher, made, None)
        pools = [{"scope": scopes.school(self.cast.schools["B"]), "seats": 1}, {"scope": "all", "seats": 1}]
        ids = []
        for code, meeting in enumerate(meetings):
            body = {
                "code": f"{code}", "enrol_from": OPENS, "enrol_until": CLOSES, "room": "", "online_url": "", "note": "",
                "pools": pools, "meetings": [meeting], "seats_by": seats_by,
            }  # fmt: skip
            offering = catalogue.create_offering(session, teacher, made, body)
            catalogue.move_offering(session, teacher, offering, "publish")
            ids.append(offering.id)
        return ids


def _of_c(cast: Cast) -> sa.ColumnElement[bool]:
    """C's membership of A's cluster."""
    return sa.and_(Membership.school_id == cast.schools["C"], Membership.cluster_id == cast.clusters["A"])


class Enrolling(RuleBasedStateMachine):
    world: World

    @initialize()
    def begin(self) -> None:
        """People and courses of this example's own: nothing of the one before is left in the way."""
        world, m = self.world, Membership
        the_clock.set(NOW)
        world.people = [
            *add_people(world.database, world.cast, "B", 3),
            *add_people(world.database, world.cast, "C", 2),
        ]
        with world.database.write() as session:
            session.execute(sa.update(m).where(_of_c(world.cast)).values(until=None))
            session.execute(sa.update(Enrolment).values(home_state="withdrawn", host_state="withdrawn"))
            session.execute(sa.update(SeatPool).values(taken=0, capacity=SeatPool.wanted))
            session.info["audited"] = True
            self.offerings = world.course(session, [at_time(0), at_time(1)])
            self.offerings += world.course(session, [at_time(0)])
            self.offerings += world.course(session, [at_time(0)], "choice")
        self.enrolments: list[int] = []
        self.c_has_left = False

    def do(self, job: Callable[[Session], object]) -> bool:
        try:
            with self.world.database.write() as session:
                job(session)
        except (Forbidden, NotFound, Refused):
            return False
        return True

    @rule(student=st.integers(0, STUDENTS - 1), which=CLASSES, waits=st.booleans(), change=st.booleans())
    def enrol(self, student: int, which: int, waits: bool, change: bool) -> None:
        def job(session: Session) -> None:
            actor = self.world.actor(session, self.world.people[student].id)
            offering = session.get_one(Offering, self.offerings[which])
            found = wanted.read(session, actor, offering.id)
            assert found is not None
            old = enrolling.in_other_class(session, actor, found[0]) if change else None
            made = services.enrol(session, actor, offering.id, waitlist=waits, replaces_id=old.id if old else None)
            self.enrolments.append(made.id)

        self.do(job)

    def _one(self, pick: int, step: Callable[[Session, Actor, int], object], who: str) -> None:
        id_ = self.enrolments[pick % len(self.enrolments)]

        def job(session: Session) -> None:
            row = session.get(Enrolment, id_)
            if row is None:
                return
            home = "B" if row.home_school_id == self.world.cast.schools["B"] else "C"
            person = {
                "home": self.world.staff[home].id, "host": self.world.staff["teacher"].id, "student": row.person_id
            }[who]  # fmt: skip
            step(session, self.world.actor(session, person), id_)

        self.do(job)

    @precondition(lambda self: self.enrolments)
    @rule(pick=st.integers(0, 99))
    def approve(self, pick: int) -> None:
        self._one(pick, services.approve, "home")

    @precondition(lambda self: self.enrolments)
    @rule(pick=st.integers(0, 99))
    def choose(self, pick: int) -> None:
        self._one(pick, services.approve, "host")

    @precondition(lambda self: self.enrolments)
    @rule(pick=st.integers(0, 99))
    def deny(self, pick: int) -> None:
        self._one(pick, lambda session, actor, id_: services.deny(session, actor, id_, "满"), "home")

    @precondition(lambda self: self.enrolments)
    @rule(pick=st.integers(0, 99))
    def withdraw(self, pick: int) -> None:
        self._one(pick, services.withdraw, "student")

    @rule(which=CLASSES)
    def who_holds_a_seat_leaves(self, which: int) -> None:
        def job(session: Session) -> None:
            seated = sa.select(Enrolment).where(Enrolment.offering_id == self.offerings[which], Enrolment.holds_seat())
            row = session.scalars(seated.order_by(Enrolment.id)).first()
            if row is not None:
                services.withdraw(session, self.world.actor(session, row.person_id), row.id)

        self.do(job)

    @precondition(lambda self: self.enrolments)
    @rule(pick=st.integers(0, 99))
    def accept(self, pick: int) -> None:
        self._one(pick, services.accept, "student")

    @rule(which=CLASSES, ours=st.integers(0, 2), general=st.integers(0, 3))
    def seats(self, which: int, ours: int, general: int) -> None:
        def job(session: Session) -> None:
            teacher = self.world.actor(session, self.world.staff["teacher"].id)
            pools = [
                {"scope": scopes.school(self.world.cast.schools["B"]), "seats": ours},
                {"scope": "all", "seats": general},
            ]
            catalogue.update_offering(
                session, teacher, session.get_one(Offering, self.offerings[which]), {"pools": pools}
            )

        self.do(job)

    @rule(hours=st.integers(1, 40))
    def time_passes(self, hours: int) -> None:
        the_clock.advance(hours * HOURS)
        self.do(lambda session: services.expire_due(session, the_clock.now()))

    @rule(back=st.booleans())
    def a_school_leaves_or_returns(self, back: bool) -> None:
        self.c_has_left = self.c_has_left or not back

        def job(session: Session) -> None:
            change = sa.update(Membership).where(_of_c(self.world.cast))
            session.execute(change.values(until=None if back else the_clock.now()))
            session.info["audited"] = True

        self.do(job)

    @invariant()
    def every_promise_holds(self) -> None:
        if not hasattr(self, "offerings"):
            return
        with self.world.database.read() as session:
            assert seats_add_up(session) == []
            pools = session.scalars(sa.select(SeatPool).where(SeatPool.offering_id.in_(self.offerings))).all()
            assert all(0 <= pool.taken <= pool.capacity for pool in pools)
            rows = session.scalars(
                sa.select(Enrolment).where(Enrolment.offering_id.in_(self.offerings), Enrolment.active())
            )
            held = [row for row in rows]
            assert len({(row.offering_id, row.person_id) for row in held}) == len(held)
            states = {rules.combined(rules.Tracks(row.home_state, row.host_state)) for row in held}
            assert states <= {"pending", "waitlisted", "offered", "enrolled"}
            self._nobody_is_passed_by(session, held)
            self._no_clash(held)

    def _nobody_is_passed_by(self, session: Session, held: list[Enrolment]) -> None:
        """Nobody waits beside a free seat they could have, unless they were told why, or enrolling is over."""
        cast = self.world.cast
        for row in held:
            offering = session.get_one(Offering, row.offering_id)
            if row.host_state != "queued" or the_clock.now() >= offering.enrol_until or row.waits_because:
                continue
            scopes_of = {"all", scopes.school(row.home_school_id)}
            free = [pool for pool in offering.pools if pool.scope in scopes_of and pool.left > 0]
            left = self.c_has_left and row.home_school_id == cast.schools["C"]  # asked again at the next seat
            assert not free or left, (row.id, free)

    def _no_clash(self, held: list[Enrolment]) -> None:
        first, _second, *same_time = self.offerings
        seated: dict[int, set[int]] = {}
        for row in held:
            if row.pool_id is not None:
                seated.setdefault(row.person_id, set()).add(row.offering_id)
        assert all(len({first, *same_time} & offerings) <= 1 for offerings in seated.values())


def _run(database: Database, cast: Cast, examples: int) -> None:
    run_state_machine_as_test(
        type("Enrolling", (Enrolling,), {"world": World(database, cast)}),
        settings=settings(
            max_examples=examples, stateful_step_count=25, deadline=None, derandomize=True, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


def test_whatever_happens_seats_queue_and_time_stay_right(database: Database, cast: Cast) -> None:
    _run(database, cast, 8)


def _nothing(*_args: object) -> None:
    return None


def _nothing_against(session: Session, enrolment: Enrolment, now: Any) -> tuple[list[Any], Actor]:
    return [], load_actor(session, session.get_one(Person, enrolment.person_id), now)


FAULTS = {"_take_one": lambda *_args: True, "still_against": _nothing_against}


def _script(machine: Enrolling) -> None:
    """Three of B want two seats, one of them leaves, the first of them wants what meets at the same time."""
    machine.begin()
    for student in (0, 1, 2):
        machine.enrol(student, 0, waits=True, change=False)
    machine.who_holds_a_seat_leaves(0)
    machine.every_promise_holds()
    machine.enrol(1, 2, waits=False, change=False)
    machine.every_promise_holds()
    machine.enrol(3, 3, waits=False, change=False)
    machine.enrol(3, 2, waits=False, change=False)
    machine.choose(len(machine.enrolments) - 2)
    machine.every_promise_holds()


@pytest.mark.parametrize(
    ("place", "name"),
    [(None, ""), (facts, "clash"), (seats, "still_against"), (seats, "hand_on"), (seats, "free"), (seats, "_take_one")],
)
def test_what_must_hold_is_broken_by_a_planted_fault_and_only_then(
    sqlite_database: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch, place: Any, name: str
) -> None:
    machine = type("Enrolling", (Enrolling,), {"world": World(sqlite_database, cast)})()
    if place is None:
        _script(machine)
        return
    monkeypatch.setattr(place, name, FAULTS.get(name, _nothing))
    with pytest.raises((AssertionError, IntegrityError)):  # seats the database itself does not sell twice
        _script(machine)
