"""The demonstration: a class of the printed teacher has been marked week by week, one student is ill, and its registrar
has saved an order of columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from flask_babel import force_locale
from sqlalchemy.orm import Session

from courses.catalogue.models import CourseTeacher, Offering
from courses.enrolment.models import Enrolment
from courses.rosters import kinds, queries, rules, services
from courses.rosters.queries import Meeting
from zutuan.exports import services as exports
from zutuan.exports.models import ExportFormat
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.sharing.actor import Actor

if TYPE_CHECKING:
    from zutuan.demo import DemoWorld

HOST, FORMAT = "青海师范大学", "本校教务系统（GBK）"
MARKED = 8
ORDER = ("number", "name", "school", "major", "grade", "course_code", "class_code", "attendance")


def load(session: Session, world: DemoWorld) -> None:
    _format(session, world)
    for offering in _taught(session, world):
        _mark(session, world, offering)


def _format(session: Session, world: DemoWorld) -> None:
    school_id = world.schools[HOST]
    if session.scalar(sa.select(ExportFormat.id).where(ExportFormat.school_id == school_id)) is not None:
        return
    registrar = _actor(session, world, world.cast[HOST, "registrar"])
    with force_locale("zh"):
        heads = {each.name: str(each.label) for each in kinds.ROSTER.columns}
    columns = [{"column": name, "head": heads[name], "value": ""} for name in ORDER]
    fixed = {"column": "", "head": "修读性质", "value": "校际选修"}
    data = {"kind": "roster", "name": FORMAT, "file_type": "csv_gbk", "columns": [*columns, fixed]}
    exports.create(session, registrar, school_id, data)


def _actor(session: Session, world: DemoWorld, person_id: int) -> Actor:
    return load_actor(session, session.get_one(Person, person_id), world.now)


def _taught(session: Session, world: DemoWorld) -> list[Offering]:
    """What the school's printed teacher teaches."""
    mine = sa.select(CourseTeacher.course_id).where(CourseTeacher.person_id == world.cast[HOST, "teacher"])
    full = sa.select(Enrolment.id).where(Enrolment.offering_id == Offering.id).exists()
    return list(session.scalars(sa.select(Offering).where(Offering.course_id.in_(mine), full).limit(2)))


def _mark(session: Session, world: DemoWorld, offering: Offering) -> None:
    teacher = _actor(session, world, world.cast[HOST, "teacher"])
    past = [each for each in queries.meetings(session, offering.id) if each.ends < world.now]
    for number, meeting in enumerate(past[-MARKED:]):
        if meeting.version == 0:
            _one(session, teacher, offering, meeting, number)


def _one(session: Session, teacher: Actor, offering: Offering, meeting: Meeting, number: int) -> None:
    there = [each.enrolment.id for each in queries.roll(session, offering.id) if each.expected(meeting)]
    if not there:
        return
    said = [
        {"enrolment_id": id_, "status": rules.STATUSES[1 + (place + number) % 3], "note": ""}
        for place, id_ in enumerate(there)
        if (place * 7 + number * 5) % 11 == 0
    ]
    services.save(session, teacher, offering, meeting.key, 0, said, "present")
