"""Adjustments as the calendar knows them.

Moves and cancellations are consulted whenever an offering's meetings are placed (`decided`). What takes time besides is a
source of the book of its own, `adjustment`: a make-up, the room of a new time, and the substitute's time, which is a
resource of the same name. A substitution alone follows the calendar as its meeting does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from courses.adjustments import rules
from courses.adjustments.models import Adjustment
from courses.catalogue.hooks import Adjusted
from courses.catalogue.models import ENDED, Course, CourseTeacher, MeetingPattern, Offering
from courses.catalogue.timing import TYPE as OFFERING
from zutuan.calendar.rules import Pattern
from zutuan.calendar.sources import CalendarSource, Described, Instant, Key, People, Ref, Remark, Source
from zutuan.paging import Query
from zutuan.sharing.models import SharedItem

TYPE = "adjustment"
_STANDS = Adjustment.state == "approved"
# kind → what stands behind the title in a week and in a feed
_MOVED, _MADE_UP, _STOOD_IN = ("（调课）", " (moved)"), ("（补课）", " (make-up)"), ("（代课）", " (substitute)")
_OFF = ("（停课）", " (cancelled)")


def decided(session: Session, ids: Sequence[int]) -> Mapping[int, Mapping[Key, Adjusted]]:
    """The hook of the catalogue: what was decided of single meetings of these offerings."""
    a = Adjustment
    found: dict[int, dict[Key, Adjusted]] = {}
    query = sa.select(a).where(a.offering_id.in_(ids), _STANDS, a.kind != "make_up")
    for each in session.scalars(query):
        assert each.key is not None
        adjusted = Adjusted(each.meeting, follows=each.kind == "substitute")
        found.setdefault(each.offering_id, {})[each.key] = adjusted
    return found


def remarks(session: Session, ids: Sequence[int]) -> Mapping[tuple[int, Key], Remark]:
    """What is said of meetings of these offerings: one may be made up for once the calendar has called it off."""
    a = Adjustment
    words = {"move": _MOVED, "cancel": _OFF, "substitute": _STOOD_IN}
    query = sa.select(a.offering_id, a.week, a.weekday, a.period, a.kind, a.place)
    rows = session.execute(query.where(a.offering_id.in_(ids), _STANDS, a.kind != "make_up"))
    return {
        (offering, (week, weekday, period)): Remark(*words[kind], place)
        for offering, week, weekday, period, kind, place in rows
        if week is not None and weekday is not None and period is not None
    }


def sources(session: Session, term_ids: Sequence[int]) -> list[Source]:
    """Substitutions of meetings of these terms, each with the one meeting of its pattern."""
    a = Adjustment
    query = sa.select(a, Offering.term_id, Offering.grade).join(Offering, Offering.id == a.offering_id)
    query = query.where(Offering.term_id.in_(term_ids), Offering.state.not_in(ENDED), _STANDS, a.kind == "substitute")
    return [
        Source(each.id, term_id, (pattern_of(each),), ((TYPE, each.id),), grade=grade)
        for each, term_id, grade in session.execute(query.order_by(a.id))
    ]


def pattern_of(each: Adjustment) -> Pattern:
    """The one meeting that it is about."""
    assert each.weekday is not None and each.period is not None
    return Pattern(each.weekday, each.period, each.last_period or each.period, str(each.week))


def as_pattern(written: MeetingPattern) -> Pattern:
    return Pattern(written.weekday, written.first_period, written.last_period, written.weeks)


def belonging(session: Session, offering_id: int) -> list[Ref]:
    """The hook of the catalogue: make-ups, rooms of new times and substitutes' time end with their class."""
    a = Adjustment
    return [(TYPE, id_) for id_ in session.scalars(sa.select(a.id).where(a.offering_id == offering_id, _STANDS))]


def describe(session: Session, ids: Sequence[int]) -> Mapping[int, Described]:
    a = Adjustment
    columns: tuple[Any, ...] = (
        a.id, a.kind, a.substitute_id, a.place, SharedItem.title_zh, SharedItem.title_en, Offering.room, Offering.id,
        Offering.code, Course.school_id,
    )  # fmt: skip
    query = sa.select(*columns).join(Offering, Offering.id == a.offering_id)
    query = query.join(Course, Course.id == Offering.course_id).join(SharedItem, SharedItem.id == Course.id)
    found = {}
    for id_, kind, _who, place, zh, en, room, offering, code, school in session.execute(query.where(a.id.in_(ids))):
        more = _MADE_UP if kind == "make_up" else _STOOD_IN
        found[id_] = Described(
            zh + more[0], (en or zh) + more[1], place or room, f"/offerings/{offering}", code, "course", school
        )
    return found


def concerned(session: Session, ids: Sequence[int], _now: datetime) -> Iterable[tuple[int, int]]:
    """Whoever stands in: the others hear of the meeting itself."""
    a = Adjustment
    query = sa.select(a.id, a.substitute_id).where(a.id.in_(ids), _STANDS, a.substitute_id.is_not(None))
    return [(id_, person) for id_, person in session.execute(query) if person is not None]


def busy(people: People, _now: Instant) -> Query:
    a = Adjustment
    query: Query = sa.select(
        a.substitute_id.label("person_id"), sa.literal(TYPE).label("resource_type"), a.id.label("resource_id")
    )
    return query.where(a.substitute_id.in_(people), _STANDS)


def spared(people: People) -> Query:
    """The meetings that a substitute teaches, for those who need not come (`rules.replaced`, as a statement)."""
    a, t, other = Adjustment, CourseTeacher, aliased(CourseTeacher)
    asker = sa.exists().where(other.course_id == t.course_id, other.person_id == a.asked_by)
    added = a.kind == "make_up"  # the one meeting of a source of its own, in whatever week that is
    columns: tuple[Any, ...] = (
        sa.case((added, TYPE), else_=OFFERING).label("source_type"),
        sa.case((added, a.id), else_=a.offering_id).label("source_id"),
        sa.case((added, sa.null()), else_=a.week).label("week"),
    )
    query: Query = sa.select(t.person_id, *columns, a.weekday, a.period).select_from(a)
    query = query.join(Offering, Offering.id == a.offering_id).join(t, t.course_id == Offering.course_id)
    query = query.where(t.person_id.in_(people), _STANDS, a.substitute_id.is_not(None))
    return query.where(sa.or_(a.asked_by == t.person_id, sa.not_(asker)))


HOOK = CalendarSource(TYPE, sources, describe, concerned, busy, spared=spared)
REMARKS = CalendarSource(OFFERING, remarks=remarks)


def standing_in(session: Session, offering_id: int, now: datetime) -> Iterable[int]:
    """The hook of the catalogue: who stands in for the offering's teachers, until some days after the last such meeting."""
    a = Adjustment
    query = sa.select(a).where(a.offering_id == offering_id, _STANDS, a.substitute_id.is_not(None))
    return [
        each.substitute_id
        for each in session.scalars(query)
        if each.substitute_id is not None and each.span is not None and rules.stands_in(now, each.span[1])
    ]
