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
from sqlalchemy.orm import Session
from support.cast import NOW, Cast, Player
from support.teaching import CLOSES, OPENS, add_people, at_time

from courses.catalogue import services as catalogue
from courses.catalogue.models import Offering, SeatPool
from courses.enrolment import facts, rules, seats, services
from courses.enrolment.checks import seats_add_up
from courses.enrolment.models import Enrolment
from zutuan.clock import clock as the_clock
from zutuan.clusters.models import Membership
from zutuan.db import Database
from zutuan.errors import NotFound, Refused
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.sharing import scopes
from zutuan.sharing.actor import Actor

STUDENTS = 5
HOURS = timedelta(hours=1)


class World:
    """Two classes of one course and one of another that meets when the first does: pools for B and for all."""

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

    def course(self, session: Session, meetings: list[dict[str, Any]]) -> list[int]:
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
                "pools": pools, "meetings": [meeting],
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
            self.offerings = world.course(session, [at_time(0), at_time(1)])
            self.offerings += world.course(session, [at_time(0)])
        self.enrolments: list[int] = []

    def do(self, job: Callable[[Session], object]) -> bool:
        try:
            with self.world.database.write() as session:
                job(session)
        except (Refused, NotFound):
            return False
        return True

    @rule(student=st.integers(0, STUDENTS - 1), which=st.integers(0, 2), waits=st.booleans(), change=st.booleans())
    def enrol(self, student: int, which: int, waits: bool, change: bool) -> None:
        def job(session: Session) -> None:
            actor = self.world.actor(session, self.world.people[student].id)
            offering = session.get_one(Offering, self.offerings[which])
            old = services._in_other_class(session, actor, offering) if change else None
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
            person = {"home": self.world.staff[home].id, "student": row.person_id}[who]
            step(session, self.world.actor(session, person), id_)

        self.do(job)

    @precondition(lambda self: self.enrolments)
    @rule(pick=st.integers(0, 99))
    def approve(self, pick: int) -> None:
        self._one(pick, services.approve, "home")

    @precondition(lambda self: self.enrolments)
    @rule(pick=st.integers(0, 99))
    def deny(self, pick: int) -> None:
        self._one(pick, lambda session, actor, id_: services.deny(session, actor, id_, "满"), "home")

    @precondition(lambda self: self.enrolments)
    @rule(pick=st.integers(0, 99))
    def withdraw(self, pick: int) -> None:
        self._one(pick, services.withdraw, "student")

    @precondition(lambda self: self.enrolments)
    @rule(pick=st.integers(0, 99))
    def accept(self, pick: int) -> None:
        self._one(pick, services.accept, "student")

    @rule(which=st.integers(0, 2), ours=st.integers(0, 2), general=st.integers(0, 3))
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
            left_cluster = row.home_school_id == cast.schools["C"]  # asked again at the next seat
            assert not free or left_cluster, (row.id, free)

    def _no_clash(self, held: list[Enrolment]) -> None:
        first, _second, same_time = self.offerings
        seated: dict[int, set[int]] = {}
        for row in held:
            if row.pool_id is not None:
                seated.setdefault(row.person_id, set()).add(row.offering_id)
        assert not any({first, same_time} <= offerings for offerings in seated.values())


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


def _no_clash_seen(*_args: object) -> None:
    return None


def _nothing_handed_on(*_args: object) -> int:
    return 0


@pytest.mark.parametrize(
    ("place", "name", "fault"),
    [
        (facts, "clash", _no_clash_seen),
        (seats, "hand_on", _nothing_handed_on),
        (seats, "free", _no_clash_seen),
    ],
)
def test_a_planted_fault_breaks_the_property(
    sqlite_database: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, fault: Any
) -> None:
    monkeypatch.setattr(place, name, fault)
    with pytest.raises(AssertionError):
        _run(sqlite_database, cast, 40)
