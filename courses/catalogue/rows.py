"""Courses as rows of a list: plain values by four statements built once, because a list shows many of them (design 7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue.models import Course, CourseTeacher, MeetingPattern, Offering, SeatPool
from zutuan.clock import clock
from zutuan.clusters.models import School
from zutuan.db import UtcDateTime, padded
from zutuan.people.models import Person
from zutuan.sharing.models import SharedItem


@dataclass(frozen=True)
class CourseRow:
    """What a list says of a course. Offerings and their seats are counted together, over the states and pools that
    were asked."""

    id: int
    code: str
    school_id: int
    school_name: str
    title_zh: str
    title_en: str
    state: str
    credits: Decimal
    delivery: str
    teachers: tuple[str, ...] = ()
    offerings: int = 0
    first_offering: int | None = None
    capacity: int = 0
    taken: int = 0
    enrolling: str = ""  # open, ahead or over: where no class is open now, whether one will be
    # The first weekly meeting (weekday, first_period, last_period, weeks) of the first offering, or of those asked for.
    meeting: Any = None


_IDS: sa.BindParameter[Sequence[int]] = sa.bindparam("ids", expanding=True)
_STATES: sa.BindParameter[Sequence[str]] = sa.bindparam("states", expanding=True)

_NOW: sa.BindParameter[datetime] = sa.bindparam("now", type_=UtcDateTime())
_EVERY: sa.BindParameter[bool] = sa.bindparam("every", type_=sa.Boolean())
_POOLS: sa.BindParameter[Sequence[str]] = sa.bindparam("pools", expanding=True)

_COURSES = (
    sa.select(
        Course.id, Course.code, Course.school_id, School.name.label("school_name"), SharedItem.title_zh,
        SharedItem.title_en, SharedItem.state, Course.credits, Course.delivery,
    )
    .join(SharedItem, SharedItem.id == Course.id)
    .join(School, School.id == Course.school_id)
    .where(Course.id.in_(_IDS))
)  # fmt: skip
_TEACHERS = (
    sa.select(CourseTeacher.course_id, Person.name)
    .join(Person, Person.id == CourseTeacher.person_id)
    .where(CourseTeacher.course_id.in_(_IDS))
    .order_by(CourseTeacher.id)
)
_SEATS = (
    sa.select(
        Offering.course_id,
        sa.func.count(Offering.id.distinct()).label("offerings"),
        sa.func.min(Offering.id).label("first_offering"),
        sa.func.coalesce(sa.func.sum(SeatPool.capacity), 0).label("capacity"),
        sa.func.coalesce(sa.func.sum(SeatPool.taken), 0).label("taken"),
        sa.func.max(sa.case((Offering.enrolling(_NOW), 2), (Offering.enrol_until > _NOW, 1), else_=0)).label(
            "enrolling"
        ),
    )
    .outerjoin(SeatPool, sa.and_(SeatPool.offering_id == Offering.id, sa.or_(_EVERY, SeatPool.scope.in_(_POOLS))))
    .where(Offering.course_id.in_(_IDS), Offering.state.in_(_STATES))
    .group_by(Offering.course_id)
)
_ENROLLING = ("over", "ahead", "open")
_FIRST = sa.select(sa.func.min(MeetingPattern.id)).where(MeetingPattern.offering_id.in_(_IDS))
_MEETING = (MeetingPattern.weekday, MeetingPattern.first_period, MeetingPattern.last_period, MeetingPattern.weeks)
_MEETINGS = sa.select(MeetingPattern.offering_id.label("key"), *_MEETING).where(
    MeetingPattern.id.in_(_FIRST.group_by(MeetingPattern.offering_id))
)


def _matching(meets: Sequence[sa.ColumnElement[bool]]) -> sa.Select[int, int, int, int, str]:
    """Of each course the first meeting that fits."""
    of_course = (
        sa.select(sa.func.min(MeetingPattern.id))
        .join(Offering, Offering.id == MeetingPattern.offering_id)
        .where(Offering.course_id.in_(_IDS), Offering.state.in_(_STATES), *meets)
        .group_by(Offering.course_id)
    )
    query = sa.select(Offering.course_id.label("key"), *_MEETING).join(
        Offering, Offering.id == MeetingPattern.offering_id
    )
    return query.where(MeetingPattern.id.in_(of_course))


def rows(
    session: Session,
    ids: Sequence[int],
    states: Iterable[str] = ("published",),
    pools: Sequence[str] | None = None,
    meets: Sequence[sa.ColumnElement[bool]] = (),
) -> list[CourseRow]:
    """The courses of these ids, in their order, with the seats of these `pools`, or of all, and a weekly meeting that
    `meets` these conditions. Whoever asks has made sure that they may be seen."""
    if not ids:
        return []
    teachers: dict[int, tuple[str, ...]] = {}
    chosen = {"ids": padded(ids)}
    for course_id, name in session.execute(_TEACHERS, chosen):
        teachers[course_id] = (*teachers.get(course_id, ()), name)
    counting = {"states": tuple(states), "every": pools is None, "pools": padded(pools or []), "now": clock.now()}
    seats = {row.course_id: row._mapping for row in session.execute(_SEATS, {**chosen, **counting})}
    first = [seat["first_offering"] for seat in seats.values()]
    statement, asked = (
        (_matching(meets), {**chosen, "states": tuple(states)}) if meets else (_MEETINGS, {"ids": padded(first)})
    )
    meetings = {row.key: row for row in session.execute(statement, asked)}
    found = {}
    for row in session.execute(_COURSES, chosen):
        counted = {key: value for key, value in seats.get(row.id, {}).items() if key != "course_id"}
        meeting = meetings.get(row.id if meets else counted.get("first_offering"))
        if counted:
            counted["enrolling"] = _ENROLLING[counted["enrolling"]]
        found[row.id] = CourseRow(*row, teachers=teachers.get(row.id, ()), meeting=meeting, **counted)
    return [found[id_] for id_ in ids]
