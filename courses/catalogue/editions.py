"""Published editions of a course: what it said, from when, what had changed and by whom. None is ever rewritten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from courses.catalogue.models import Course, CourseEdition
from zutuan.errors import NotFound
from zutuan.sharing.actor import Actor

MOST = 2**31 - 1  # what the column holds

_ITEM = ("title_zh", "title_en", "summary_zh", "summary_en", "keywords")
_OWN = (
    "code", "hours", "category", "level", "language", "delivery", "description_zh", "description_en", "prerequisites",
    "assessment", "discipline_scheme", "discipline_version", "discipline_code", "syllabus", "textbooks",
)  # fmt: skip


def content(course: Course) -> dict[str, Any]:
    """What the course says of itself now. Names of people and courses are kept as ids: whoever closes an account is named
    nowhere."""
    return {
        **{name: getattr(course.item, name) for name in _ITEM},
        **{name: getattr(course, name) for name in _OWN},
        "credits": str(Decimal(course.credits).normalize()),
        "teacher_ids": sorted(each.person_id for each in course.staff),
        "requires_ids": sorted(each.required_id for each in course.requires),
    }


def record(session: Session, actor: Actor | None, course: Course, said: dict[str, Any], at: datetime) -> None:
    """Keep `said` as the newest edition, unless the newest says just that."""
    last = latest(session, course.id)
    changed = sorted(name for name, value in said.items() if last is None or last.content.get(name) != value)
    if changed:
        number = last.number + 1 if last else 1
        person = actor.person_id if actor else None
        session.add(
            CourseEdition(
                course_id=course.id, number=number, at=at, person_id=person, changed=changed if last else [], content=said
            )
        )  # fmt: skip


def begin(session: Session, course: Course) -> None:
    """A course that was published before there were editions has its first one: what it says before it changes."""
    if course.item.published_at is not None and latest(session, course.id) is None:
        record(session, None, course, content(course), course.item.published_at)
        session.flush()


def latest(session: Session, course_id: int) -> CourseEdition | None:
    return session.scalar(_of(course_id).order_by(CourseEdition.number.desc()).limit(1))


def _of(course_id: int) -> sa.Select[CourseEdition]:
    return sa.select(CourseEdition).where(CourseEdition.course_id == course_id)


def of(session: Session, course_id: int) -> Sequence[CourseEdition]:
    """All of them, the newest first."""
    query = _of(course_id).options(joinedload(CourseEdition.person)).order_by(CourseEdition.number.desc())
    return list(session.scalars(query))


def one(session: Session, course_id: int, number: int) -> CourseEdition:
    if number > MOST:
        raise NotFound
    found = session.scalar(
        _of(course_id).where(CourseEdition.number == number).options(joinedload(CourseEdition.person))
    )
    if found is None:
        raise NotFound
    return found


def at(session: Session, course_id: int, moment: datetime) -> CourseEdition | None:
    """The one that stood at that moment, where a newer one has followed it."""
    both = list(session.scalars(_of(course_id).order_by(CourseEdition.number.desc()).limit(200)))
    stood = next((each for each in both if each.at <= moment), None)
    return stood if stood is not None and stood is not both[0] else None
