"""The demonstration's grades, all of classes of last term: a sheet that is half filled in and can be handed in, others that
wait for their registrar, and some that count, with students who failed and a correction that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue.models import Course, Offering
from courses.enrolment.demo import candidates
from courses.enrolment.models import Enrolment
from courses.grades import confirming, correcting, entering, last_term, queries, rules, services
from courses.grades.entering import Draft
from courses.grades.models import GradeSheet
from courses.grades.schemes import Written
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.sharing.actor import Actor

if TYPE_CHECKING:
    from zutuan.demo import DemoWorld

# (school, course) → how many students it had; the first is the printed teacher's.
HALF = (("北京师范大学", "EDU3290"), 12)
SUBMITTED = ((("北京师范大学", "EDU3046"), 14), (("陕西师范大学", "POL3044"), 8))
CONFIRMED = (
    (("北京师范大学", "PSY2052"), 16), (("安徽师范大学", "HIS3015"), 11), (("青海师范大学", "BIO3022"), 13),
    (("四川师范大学", "EDU2230"), 9), (("西北师范大学", "EDU3208"), 10),
)  # fmt: skip
# 平时 and 期末 of one student after another, or a mark in the place of the exam.
WRITTEN = (
    ("88", "91"), ("76", "55"), ("92", "84"), ("60", "49"), ("81", "缓考"), ("95", "97"), ("70", "66"), ("40", "缺考"),
    ("85", "78"), ("90", "73"),
)  # fmt: skip
SPREAD = 7  # how far a class's numbers lie from these
MISSED = 12  # points of an exam that somebody had not added


def load(session: Session, world: DemoWorld) -> None:
    _fill(session, world, _opened(session, world, *HALF), share=2)
    for which in SUBMITTED:
        _hand_in(session, world, _opened(session, world, *which), timedelta(hours=4))
    confirmed = [_opened(session, world, *which) for which in CONFIRMED]
    for sheet, ((school, _code), _count) in zip(confirmed, CONFIRMED, strict=True):
        _hand_in(session, world, sheet, timedelta(hours=5))
        registrar = _actor(session, world.cast[school, "registrar"], world, timedelta(hours=3))
        confirming.confirm(session, registrar, sheet.id)
    _ask_for_a_correction(session, world, confirmed[0], timedelta(hours=1))
    world.say(f"{1 + len(SUBMITTED) + len(CONFIRMED)} 张上学期的成绩单")


def _opened(session: Session, world: DemoWorld, which: tuple[str, str], count: int) -> GradeSheet:
    """The class of last term, and its sheet."""
    course = session.get_one(Offering, world.offerings[which]).course
    now_in_it = set(
        session.scalars(sa.select(Enrolment.person_id).join(Offering).where(Offering.course_id == course.id))
    )
    others = [
        each.person_id for each in candidates(session, world, which[0], course.id) if each.person_id not in now_in_it
    ]
    offering_id = last_term.taught(session, world, course, others[:count])[0].offering_id
    return services.open_sheet(session, _teacher(session, world, course, timedelta(hours=6)), offering_id, rules.FIRST)


def _actor(session: Session, person_id: int, world: DemoWorld, ago: timedelta) -> Actor:
    return load_actor(session, session.get_one(Person, person_id), world.now - ago)


def _teacher(session: Session, world: DemoWorld, course: Course, ago: timedelta) -> Actor:
    return _actor(session, course.staff[0].person_id, world, ago)


def _written(place: int, seed: int) -> tuple[str, ...]:
    """What the class's teacher gave the student at that place: another class, other numbers."""
    by = (place * 5 + seed * 3) % (2 * SPREAD + 1) - SPREAD
    given = WRITTEN[(place + seed) % len(WRITTEN)]
    return tuple(str(min(int(each) + by, 100)) if each.isdecimal() else each for each in given)


def _fill(
    session: Session, world: DemoWorld, sheet: GradeSheet, share: int = 1, ago: timedelta = timedelta(hours=6)
) -> None:
    """What a teacher would write; of every `share` students the first."""
    actor = _teacher(session, world, sheet.offering.course, ago)
    rows = queries.rows_of(session, sheet)
    columns = queries.scheme_of(session, sheet.offering, actor.now).columns
    drafts: Sequence[Draft] = [
        Draft(row.enrolment.id, Written(dict(zip(columns, _written(n, sheet.offering_id), strict=True))))
        for n, row in enumerate(rows[: max(len(rows) // share, 1)])
    ]
    entering.save(session, actor, sheet.id, drafts)


def _hand_in(session: Session, world: DemoWorld, sheet: GradeSheet, ago: timedelta) -> None:
    _fill(session, world, sheet, ago=ago)
    services.submit(session, _teacher(session, world, sheet.offering.course, ago), sheet.id)


def _ask_for_a_correction(session: Session, world: DemoWorld, sheet: GradeSheet, ago: timedelta) -> None:
    actor = _teacher(session, world, sheet.offering.course, ago)
    failed = [row for row in queries.rows_of(session, sheet) if row.entry and row.grade and row.grade.passed is False]
    entry = next(row.entry for row in failed if row.entry and not row.entry.mark)
    correcting.ask(
        session,
        actor,
        entry.id,
        Written({**entry.parts, "期末": str(int(entry.parts["期末"]) + MISSED)}),
        f"复查试卷，期末第四题漏登 {MISSED} 分。",
    )
