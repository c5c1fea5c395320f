"""Courses when persons merge or leave a school, and when a school is taken over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session, aliased

from courses.catalogue.models import ENDED, Course, CourseTeacher, Offering
from courses.catalogue.services import teaching_ends
from zutuan.calendar.models import Term
from zutuan.clusters.hooks import SuccessionHook
from zutuan.decision import Refusal
from zutuan.people.hooks import Holding, PeopleHook
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import SharedItem
from zutuan.web.texts import title


def _prepare(session: Session, kept: int, gone: int, now: datetime) -> None:
    """Nobody teaches a course twice."""
    own = aliased(CourseTeacher)
    taught = sa.select(own.course_id).where(own.person_id == kept)
    twice = sa.delete(CourseTeacher).where(CourseTeacher.person_id == gone, CourseTeacher.course_id.in_(taught))
    session.execute(twice.execution_options(synchronize_session=False))


def _holdings(session: Session, person_id: int, school_id: int, now: datetime) -> list[Holding]:
    query = (
        sa.select(SharedItem).join(Course, Course.id == SharedItem.id)
        .join(CourseTeacher, CourseTeacher.course_id == Course.id)
        .where(CourseTeacher.person_id == person_id, Course.school_id == school_id, SharedItem.state != "archived")
    )  # fmt: skip
    items = session.scalars(query.order_by(SharedItem.id))
    return [Holding(_("任课"), title(item), f"/courses/{item.id}") for item in items]


PEOPLE = PeopleHook({"course_teacher.person_id": _l("任课")}, prepare=_prepare, holdings=_holdings)


# --- a school is taken over -------------------------------------------------------------------------------------


def _against(session: Session, old_id: int, new_id: int, now: datetime) -> list[Refusal]:
    """A course's code is its school's own: two of the same cannot stand in one catalogue."""
    taken = sa.select(Course.code).where(Course.school_id == new_id)
    codes = session.scalars(sa.select(Course.code).where(Course.school_id == old_id, Course.code.in_(taken))).all()
    found = [Refusal("succession_codes", {"codes": sorted(codes)[:20], "count": len(codes)})] if codes else []
    return [*_running(session, old_id, now), *found]


def _running(session: Session, old_id: int, now: datetime) -> list[Refusal]:
    """An offering keeps the hours and the weeks of the school where it began: it has to end there."""
    query = sa.select(Term).join(Offering, Offering.term_id == Term.id).join(Course, Course.id == Offering.course_id)
    terms = session.scalars(query.where(Course.school_id == old_id, Offering.state.not_in(ENDED)))
    count = sum(teaching_ends(term) > now for term in terms)
    return [Refusal("succession_offerings", {"count": count})] if count else []


def _pass_on(
    session: Session, actor: Actor | None, old_id: int, new_id: int, departments: Mapping[int, int], now: datetime
) -> dict[str, int]:
    """Courses follow their shared items, and their departments are the successor's."""
    mine = sa.select(Course.id, Course.department_id).where(Course.school_id == old_id)
    rows = [(id_, department) for id_, department in session.execute(mine)]
    for id_, department in rows:
        change = sa.update(Course).where(Course.id == id_)
        values = {"school_id": new_id, "department_id": departments.get(department or 0)}
        session.execute(change.values(values).execution_options(synchronize_session=False))
    return {"course": len(rows)}


SUCCESSION = SuccessionHook(moves={"course.school_id", "course.department_id"}, against=_against, pass_on=_pass_on)
