"""The demonstration's grades: a sheet that is half filled in, one that waits for its registrar, and one that counts, with a
student who failed and a correction that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue.models import Course, CourseTeacher, Offering
from courses.enrolment.models import Enrolment
from courses.grades import confirming, correcting, entering, queries, rules, services
from courses.grades.entering import Draft
from courses.grades.models import GradeSheet
from courses.grades.schemes import Written
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.sharing.actor import Actor

if TYPE_CHECKING:
    from zutuan.demo import DemoWorld

SHOWN = "北京师范大学"
LEAST = 3
# 平时 and 期末 of one student after another, or a mark in the place of the exam.
WRITTEN = (
    ("88", "91"), ("76", "55"), ("92", "84"), ("60", "49"), ("81", "缓考"), ("95", "97"), ("70", "66"), ("40", "缺考"),
    ("85", "78"), ("90", "73"),
)  # fmt: skip


def load(session: Session, world: DemoWorld) -> None:
    confirmed, submitted, *_rest = _over(session, world)
    _half_filled(session, world)
    _hand_in(session, world, submitted, timedelta(hours=4))
    sheet = _hand_in(session, world, confirmed, timedelta(hours=5))
    registrar = _actor(session, world.cast[_school(world, confirmed), "registrar"], world, timedelta(hours=3))
    confirming.confirm(session, registrar, sheet.id)
    _ask_for_a_correction(session, world, sheet, timedelta(hours=1))
    world.say("3 张成绩单")


def _over(session: Session, world: DemoWorld) -> list[int]:
    """Classes whose enrolling is over, the one of a school with every account first."""
    known = list(world.offerings.values())
    taken = sa.select(sa.func.count()).where(Enrolment.offering_id == Offering.id, queries.ENROLLED)
    query = (
        sa.select(Offering.id).join(Course, Course.id == Offering.course_id)
        .where(Offering.id.in_(known), Offering.enrol_until < world.now - timedelta(hours=6))
        .where(taken.correlate(Offering).scalar_subquery() >= LEAST).order_by(Offering.id)
    )  # fmt: skip
    found = list(session.scalars(query))
    full = [id_ for id_ in found if (_school(world, id_), "school_admin") in world.cast]
    return [*full[:1], *(id_ for id_ in found if id_ not in full[:1])]


def _school(world: DemoWorld, offering_id: int) -> str:
    return next(school for (school, _code), id_ in world.offerings.items() if id_ == offering_id)


def _actor(session: Session, person_id: int, world: DemoWorld, ago: timedelta) -> Actor:
    return load_actor(session, session.get_one(Person, person_id), world.now - ago)


def _teacher(session: Session, world: DemoWorld, offering_id: int, ago: timedelta) -> Actor:
    offering = session.get_one(Offering, offering_id)
    return _actor(session, offering.course.staff[0].person_id, world, ago)


def _fill(session: Session, actor: Actor, sheet: GradeSheet, share: int = 1) -> None:
    """What a teacher would write; of every `share` students the first."""
    rows = queries.rows_of(session, sheet)
    columns = queries.scheme_of(session, sheet.offering, actor.now).columns
    drafts: Sequence[Draft] = [
        Draft(row.enrolment.id, Written(dict(zip(columns, WRITTEN[n % len(WRITTEN)], strict=True))))
        for n, row in enumerate(rows[: max(len(rows) // share, 1)])
    ]
    entering.save(session, actor, sheet.id, drafts)


def _half_filled(session: Session, world: DemoWorld) -> None:
    """Of the teacher whose account is printed first."""
    teacher = world.cast[SHOWN, "teacher"]
    mine = sa.select(CourseTeacher.course_id).where(CourseTeacher.person_id == teacher)
    query = sa.select(Offering.id).where(Offering.course_id.in_(mine), Offering.id.in_(list(world.offerings.values())))
    for offering_id in session.scalars(query.order_by(Offering.id)):
        if queries.candidates(session, offering_id, rules.FIRST) >= 2 * LEAST:
            actor = _actor(session, teacher, world, timedelta(hours=6))
            sheet = services.open_sheet(session, actor, offering_id, rules.FIRST)
            _fill(session, actor, sheet, 2)
            return


def _hand_in(session: Session, world: DemoWorld, offering_id: int, ago: timedelta) -> GradeSheet:
    actor = _teacher(session, world, offering_id, ago)
    sheet = services.open_sheet(session, actor, offering_id, rules.FIRST)
    _fill(session, actor, sheet)
    return services.submit(session, actor, sheet.id)


def _ask_for_a_correction(session: Session, world: DemoWorld, sheet: GradeSheet, ago: timedelta) -> None:
    actor = _teacher(session, world, sheet.offering_id, ago)
    row = next(row for row in queries.rows_of(session, sheet) if row.grade is not None and row.grade.passed is False)
    assert row.entry is not None
    parts = {**row.entry.parts, "期末": "67"}
    correcting.ask(session, actor, row.entry.id, Written(parts), "复查试卷，期末第四题漏登 12 分。")
