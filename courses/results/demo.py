"""The demonstration's results: at 阜阳师范大学 one is recognised and two wait, of courses that ended last term."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue.models import Course, Offering
from courses.enrolment.models import Enrolment
from courses.grades import last_term
from courses.grades.models import GradeEntry, GradeSheet
from courses.recognition.models import Recognition
from courses.results import services
from courses.results.models import Result
from courses.results.rules import Said
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.sharing.actor import Actor
from zutuan.web.texts import credit

if TYPE_CHECKING:
    from zutuan.demo import DemoWorld

HOME = "阜阳师范大学"
# Whose registrar has recognised all that had come.
THROUGH = ("四川师范大学", "西北师范大学")
# (which student, scale, grade, what it counts as: code, name, English name, category; or nothing yet)
GIVEN: tuple[tuple[int, str, str, tuple[str, str, str, str] | None], ...] = (
    (0, "percent", "88", ("GX0217", "教师教育类选修", "Elective in Teacher Education", "公共选修")),
    (0, "five", "良好", ("GX0305", "通识教育选修", "General Education Elective", "通识选修")),
    (3, "percent", "76", None),
)


def load(session: Session, world: DemoWorld) -> None:
    registrar = load_actor(
        session, session.get_one(Person, world.cast[HOME, "registrar"]), world.now - timedelta(hours=5)
    )
    first = _last_term(session, world, registrar)
    services.recognise(session, registrar, first)
    count = sum(_recognise_all(session, world, school) for school in THROUGH)
    world.say(f"跨校成绩 3 项，另认定 {count} 项")


def _recognise_all(session: Session, world: DemoWorld, school: str) -> int:
    """What counts of the classes of last term, under the course's own name."""
    registrar = _registrar(session, world, school)
    waiting = sa.select(Result).where(Result.home_school_id == world.schools[school], Result.state == "waiting")
    found = session.scalars(waiting.order_by(Result.id)).all()
    for each in found:
        item = each.enrolment.offering.course.item
        said = Said(name=item.title_zh, name_en=item.title_en, category="专业选修")
        services.recognise(session, registrar, each.id, said)
    return len(found)


def _registrar(session: Session, world: DemoWorld, school: str) -> Actor:
    person = session.get_one(Person, world.cast[school, "registrar"])
    return load_actor(session, person, world.now - timedelta(hours=2))


def _last_term(session: Session, world: DemoWorld, registrar: Actor) -> int:
    """What was studied last term, and confirmed two days ago; answers the first result."""
    own = {each.offering_id for each in _of_students(session, world)}
    courses = [each for each in _courses(session, world) if not own & {offering.id for offering in each.offerings}]
    confirmed, originals = world.now - timedelta(days=2), {}
    for (place, scale, grade, counts), course in zip(GIVEN, courses, strict=False):
        (enrolment,) = last_term.taught(session, world, course, [world.students[HOME][place]])
        enrolment.host_state, enrolment.offering.state = "completed", "archived"
        if counts is not None:
            enrolment.recognition_id = _recognition(session, world, course, counts).id
        entry = _graded(session, enrolment, scale, grade, confirmed)
        originals[enrolment.id] = {
            "scale": scale, "grade": grade, "mark": "", "attempt": "first", "credits": credit(course.credits),
            "entry_id": entry.id, "entry_version": entry.version, "confirmed_at": confirmed.isoformat(),
        }  # fmt: skip
    session.flush()
    services.received(session, registrar, originals, confirmed)
    first = sa.select(Result.id).where(Result.enrolment_id == min(originals))
    return session.scalars(first).one()


def _graded(session: Session, enrolment: Enrolment, scale: str, grade: str, at: datetime) -> GradeEntry:
    """The host's confirmed sheet with the one row."""
    sheet = GradeSheet(
        offering_id=enrolment.offering_id, attempt="first", state="confirmed", submitted_at=at, confirmed_at=at,
        created_at=at, updated_at=at,
    )  # fmt: skip
    entry = GradeEntry(sheet=sheet, enrolment_id=enrolment.id, scale=scale, grade=grade, entered_at=at)
    enrolment.passed = True
    session.add_all([sheet, entry])
    session.flush()
    return entry


def _of_students(session: Session, world: DemoWorld) -> list[Enrolment]:
    people = [world.students[HOME][place] for place, *_rest in GIVEN]
    return list(session.scalars(sa.select(Enrolment).where(Enrolment.person_id.in_(people))))


def _courses(session: Session, world: DemoWorld) -> list[Course]:
    """Of other schools of the cluster, the last of the material first: the first are the demonstration's trail."""
    from zutuan.people.demo import SECOND_CLUSTER

    wanted = [
        world.offerings[each["school"], each["code"]]
        for each in reversed(world.material["course"])
        if each["school"] != HOME and each["school"] not in SECOND_CLUSTER and each["audience"] == "cluster"
    ]
    found = session.scalars(sa.select(Offering).where(Offering.id.in_(wanted)).order_by(Offering.id.desc()))
    return [each.course for each in found]


def _recognition(session: Session, world: DemoWorld, course: Course, counts: tuple[str, str, str, str]) -> Recognition:
    """What 阜阳师范大学 says that it counts as: as its table has it, or as is said here."""
    r, home = Recognition, world.schools[HOME]
    standing = sa.select(r).where(r.home_school_id == home, r.course_id == course.id, r.person_id.is_(None))
    found = session.scalars(standing.where(r.until.is_(None), r.outcome == "counts").limit(1)).first()
    if found is None:
        code, name, name_en, category = counts
        given: dict[str, Any] = {"code": code, "name": name, "name_en": name_en, "category": category}
        since = world.now - 2 * last_term.HALF_A_YEAR
        found = Recognition(
            home_school_id=home, course_id=course.id, outcome="counts", credits=course.credits, since=since,
            created_at=since, decided_by=world.cast[HOME, "registrar"], **given,
        )  # fmt: skip
        session.add(found)
        session.flush()
    return found
