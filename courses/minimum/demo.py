"""The demonstration's classes below their minimum: one waits for its registrar, one was called off this morning."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from courses.catalogue.models import Offering
from courses.catalogue.services import update_offering
from courses.enrolment import services as enrolment
from courses.minimum import services
from zutuan.errors import Refused
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.sharing.actor import Actor

if TYPE_CHECKING:
    from zutuan.demo import DemoWorld

# Enrolling in both ended yesterday.
WAITING, CANCELLED = ("阜阳师范大学", "INF3017"), ("四川师范大学", "MAT3104")
LOST = "西北师范大学"
MORE = 4  # so many more students they would have needed
REASON = "选课截止时未达到开课人数下限，本学期不开班，请补选其他教学班。"


def load(session: Session, world: DemoWorld) -> None:
    _below(session, world, WAITING)
    early = _actor(session, world.students[LOST][0], world.now - timedelta(days=3))
    with contextlib.suppress(Refused):  # meets another of the student's courses on the day the demonstration is made
        enrolment.enrol(session, early, world.offerings[CANCELLED])
    offering = _below(session, world, CANCELLED)
    registrar = _actor(session, world.cast[CANCELLED[0], "registrar"], world.now - timedelta(hours=2))
    services.cancel(session, registrar, offering.id, REASON)
    world.say("1 个教学班待确认开班，1 个停开")


def _below(session: Session, world: DemoWorld, which: tuple[str, str]) -> Offering:
    """A minimum that its students did not reach, set while enrolling was open."""
    offering = session.get_one(Offering, world.offerings[which])
    for pool in offering.pools:
        session.refresh(pool)
    teacher = _actor(session, offering.course.staff[0].person_id, world.now - timedelta(days=5))
    return update_offering(session, teacher, offering, {"minimum": offering.taken + MORE})


def _actor(session: Session, person_id: int, now: datetime) -> Actor:
    return load_actor(session, session.get_one(Person, person_id), now)
