"""The demonstration's recognitions: what 阜阳师范大学 says of courses of others, and one student who asks."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from courses.catalogue.models import Course, Offering
from courses.recognition import policies, services
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.policies.rules import Place
from zutuan.policies.services import decide
from zutuan.sharing.actor import Actor

if TYPE_CHECKING:
    from zutuan.demo import DemoWorld

HOME = "阜阳师范大学"
CATEGORIES = "公共选修、教师教育选修、专业选修、通识选修、实践环节"
WORDS = {
    "teacher_education": "教师教育选修", "discipline": "专业选修", "general": "通识选修", "practice": "实践环节",
}  # fmt: skip
# Of its cluster's courses, in their order, every fifth is left unsaid, and one is refused; of the later ones nothing is said.
EACH, REFUSED_AT, MOST = 5, 6, 24


def load(session: Session, world: DemoWorld) -> None:
    def at(days: int, role: str) -> Actor:
        return _actor(session, world.cast[HOME, role], world.now - timedelta(days=days))

    decide(session, at(10, "school_admin"), Place(school_id=world.schools[HOME]), policies.CATEGORIES.key, CATEGORIES)
    registrar, first = at(9, "registrar"), None
    unsaid = []
    for index, course in enumerate(_courses(session, world)[:MOST]):
        if index % EACH == EACH - 1:
            unsaid.append(course)
            continue
        row = services.put(session, registrar, course.id, _said(course, index, first))
        first = first or row.id
    student = _actor(session, world.students[HOME][0], world.now - timedelta(hours=20))
    services.ask(session, student, unsaid[0].id, "想计入教师教育选修，学分够毕业要求。")
    world.say("学分认定表")


def _courses(session: Session, world: DemoWorld) -> list[Course]:
    """The courses that the cluster shares with the school."""
    from zutuan.people.demo import SECOND_CLUSTER

    found = []
    for each in world.material["course"]:
        if each["school"] not in (HOME, *SECOND_CLUSTER) and each["audience"] == "cluster":
            found.append(session.get_one(Offering, world.offerings[each["school"], each["code"]]).course)
    return found


def _said(course: Course, index: int, first: int | None) -> dict[str, Any]:
    if index == REFUSED_AT:
        return {"outcome": "refused", "note": "与本校必修课内容重复，不计学分。"}
    if index == REFUSED_AT + 1 and first is not None and course.credits >= 2:
        return {"same_as_id": first}
    credits = min(course.credits, Decimal(2))
    return {"outcome": "counts", "category": WORDS[course.category], "credits": credits, "code": f"FYX{index + 101}"}


def _actor(session: Session, person_id: int, now: datetime) -> Actor:
    return load_actor(session, session.get_one(Person, person_id), now)
