"""The demonstration's enrolments: offerings from empty to full, approvals that have waited two days, a denial with its
reason. The bulk of the seats is written row by row beside the service, at the same invariants; what a visitor opens first
goes through the service itself, at an earlier time."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue.demo import SHOWN, TODAY
from courses.catalogue.models import Offering
from courses.catalogue.queries import seat_aspect
from courses.catalogue.services import teaching_ends
from courses.enrolment import services
from courses.enrolment.models import Enrolment, EnrolmentEvent
from courses.recognition import queries as recognition
from zutuan.clock import local
from zutuan.errors import Refused
from zutuan.people.models import Affiliation, Person
from zutuan.people.services import load_actor
from zutuan.sharing import scopes
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import add_share, audit

if TYPE_CHECKING:
    from zutuan.demo import DemoWorld

HOME, AWAY = "阜阳师范大学", "青海师范大学"
# What the printed accounts do themselves; the bulk leaves these students alone.
KEPT, ASKING = 12, 8


def load(session: Session, world: DemoWorld) -> None:
    _first_steps(session, world)
    _a_full_class(session, world)
    _a_full_desk(session, world)
    seats = 0
    for index, each in enumerate(world.material["course"]):
        if each["audience"] != "school":
            seats += _fill(session, world, each, index)
    world.say(f"{seats} 个名额已选")


# --- what a visitor sees first ----------------------------------------------------------------------------------


def _first_steps(session: Session, world: DemoWorld) -> None:
    """At 阜阳师范大学: the printed student has one course approved, one waiting, one denied; others wait beside."""
    student = world.students[HOME][0]
    chosen = _open_courses(world, HOME)
    registrar = _actor(session, world.cast[HOME, "registrar"], world.now - timedelta(days=4))
    early = _actor(session, student, world.now - timedelta(days=5))
    approved = services.enrol(session, early, chosen[0])
    services.approve(session, registrar, approved.id)
    denied = services.enrol(session, early, chosen[1])
    services.deny(session, registrar, denied.id, "本学期已修读内容相近的「教育研究方法」，不能重复认定学分。")
    services.enrol(session, _actor(session, student, world.now - timedelta(days=2, hours=1)), chosen[2])
    for school in ("阜阳师范大学", "青海师范大学", "四川师范大学", "渭南师范学院"):
        for place, person in enumerate(world.students[school][1:ASKING]):
            when = world.now - timedelta(days=2 - place % 3, hours=2 + place)
            own = _open_courses(world, school)
            services.enrol(session, _actor(session, person, when), own[(place + 3) % len(own)])


def _a_full_class(session: Session, world: DemoWorld) -> None:
    """The class whose seats are kept for several schools: full, with a queue, and a freed seat offered to its first."""
    offering_id = world.offerings[SHOWN["school"], SHOWN["code"]]
    hours = iter(range(100, 0, -4))

    def asks(school: str, places: Sequence[int], *, waitlist: bool = False) -> list[Enrolment]:
        people = [_actor(session, world.students[school][n], world.now - timedelta(hours=next(hours))) for n in places]
        return [services.enrol(session, each, offering_id, waitlist=waitlist) for each in people]

    seated = asks(HOME, (8, 9))
    leaver, *_rest = asks(AWAY, (8,))
    registrar = _actor(session, world.cast[HOME, "registrar"], world.now - timedelta(hours=70))
    services.approve(session, registrar, seated[0].id, "同意，与学前教育方向相符。")
    asks(HOME, (10, 0, 11), waitlist=True)
    asks(AWAY, (0, 9), waitlist=True)
    leaving = _actor(session, leaver.person_id, world.now - timedelta(hours=3))
    services.withdraw(session, leaving, leaver.id, "与实习时间冲突")


ALSO = 12
STATEMENTS = ("想为毕业论文选题打基础。", "", "已与班主任商量，时间允许。", "", "准备报考这个方向的研究生。")


def _a_full_desk(session: Session, world: DemoWorld) -> None:
    """So many requests at 阜阳师范大学 that deciding them one by one would be a chore, and few enough for one page: what the
    demonstration's trail submits is still seen. One has gone back to its student."""
    own, first = _open_courses(world, HOME), None
    for number, person in enumerate((world.students[HOME][1:ASKING] * 2)[:ALSO]):
        when = world.now - timedelta(hours=3 + 2 * number)
        with contextlib.suppress(Refused):  # meets another of the student's courses
            said = STATEMENTS[number % len(STATEMENTS)]
            made = services.enrol(
                session, _actor(session, person, when), own[(5 * number + 6) % len(own)], statement=said
            )
            first = first or made
    if first is not None:
        registrar = _actor(session, world.cast[HOME, "registrar"], world.now - timedelta(hours=1))
        services.return_(session, registrar, first.id, "请写明这门课与培养方案的关系。")


def _open_courses(world: DemoWorld, school: str) -> list[int]:
    """Offerings of the school's cluster, of other schools, that are open and not full, the first course left out: it is
    what the demonstration's trail enrols in."""
    from zutuan.people.demo import SECOND_CLUSTER

    second = school in SECOND_CLUSTER
    return [
        world.offerings[each["school"], each["code"]]
        for index, each in enumerate(world.material["course"])
        if index and each["school"] != school and (each["school"] in SECOND_CLUSTER) == second
        and index % 9 != 8 and index % 13 != 12 and 0.1 < each["fill"] < 0.85 and each["audience"] == "cluster"
        and not _meets_the_other(world, each)
    ]  # fmt: skip


def _meets_the_other(world: DemoWorld, each: dict[str, Any]) -> bool:
    """Whether it clashes with the course that meets on whatever day the demonstration is made."""
    return bool(each["code"] != TODAY and each["weekday"] == local(world.now).isoweekday() and each["last_period"] >= 9)


def _actor(session: Session, person_id: int, now: datetime) -> Actor:
    return load_actor(session, session.get_one(Person, person_id), now)


# --- the bulk ---------------------------------------------------------------------------------------------------


def _fill(session: Session, world: DemoWorld, each: dict[str, Any], index: int) -> int:
    """Fill one offering with students of the cluster's other schools."""
    offering = session.get_one(Offering, world.offerings[each["school"], each["code"]])
    if offering.enrol_from > world.now:
        return 0  # nobody has had the chance yet
    pool = offering.pools[0]
    session.refresh(pool)  # seats of the first steps were taken by a statement of their own
    wanted = round(each["seats"] * each["fill"]) - pool.taken
    people = candidates(session, world, each["school"], index)[: max(wanted, 0)]
    at, ends = world.now - timedelta(days=8), teaching_ends(offering.term)
    said = recognition.by_home(session, offering.course_id, at)
    for place, affiliation in enumerate(people):
        counts_as = said.get(affiliation.school_id)
        _seat(session, offering, affiliation, at + timedelta(minutes=7 * place), ends, counts_as, place)
    pool.taken += len(people)
    subject = Subject("offering", offering.id)
    audit(session, None, "enrolment.demo", subject, now=world.now, school_id=offering.course.school_id, n=len(people))
    session.flush()
    return pool.taken


def candidates(session: Session, world: DemoWorld, host: str, index: int) -> list[Affiliation]:
    """Students of the cluster's other schools, in another order for each `index`."""
    from zutuan.people.demo import SECOND_CLUSTER

    second = host in SECOND_CLUSTER
    ids = [
        person
        for school, people in world.students.items()
        if school != host and (school in SECOND_CLUSTER) == second
        for person in people[KEPT:]
    ]
    rotated = [ids[(index * 37 + step * 11) % len(ids)] for step in range(len(ids))]
    found = session.scalars(sa.select(Affiliation).where(Affiliation.person_id.in_(ids)))
    by_person = {each.person_id: each for each in found}
    return [by_person[person] for person in dict.fromkeys(rotated)]


def decided_after(home: Affiliation, place: int) -> timedelta:
    """How long the school took for one: some are quick, some slow, no two alike; within three days."""
    return timedelta(hours=2 + home.school_id * 11 % 31 + place * 13 % 29, minutes=place * 17 % 60)


def _seat(
    session: Session, offering: Offering, home: Affiliation, at: datetime, ends: datetime, recognition_id: int | None,
    place: int,
) -> None:  # fmt: skip
    said = at + decided_after(home, place)
    enrolment = Enrolment(
        offering=offering, pool_id=offering.pools[0].id, person_id=home.person_id, affiliation_id=home.id,
        home_school_id=home.school_id, home_department_id=home.department_id, host_school_id=offering.course.school_id,
        home_state="accepted", host_state="accepted", decide_by=None, recognition_id=recognition_id, created_at=at, updated_at=said,
    )  # fmt: skip
    enrolment.events = [
        EnrolmentEvent(at=at, event="enrol", actor_id=home.person_id, affiliation_id=home.id),
        EnrolmentEvent(at=said, event="approve", actor_id=None),
    ]
    session.add(enrolment)
    add_share(session, offering.course_id, scopes.person(home.person_id), at, seat_aspect(offering.id), until=ends)
