"""Offerings as the calendar knows them: their patterns, their names, and those who teach them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue import hooks
from courses.catalogue.models import ENDED, Course, CourseTeacher, MeetingPattern, Offering
from zutuan.calendar import changes
from zutuan.calendar.plan import Meeting
from zutuan.calendar.rules import Pattern
from zutuan.calendar.sources import CalendarSource, Described, Instant, Key, People, Source
from zutuan.clock import clock
from zutuan.feature import Problem
from zutuan.paging import Query
from zutuan.people.models import Affiliation
from zutuan.sharing.models import SharedItem

TYPE = "offering"


def sources(session: Session, term_ids: Sequence[int]) -> list[Source]:
    """Offerings of these terms that are not closed, drafts included: their book follows the calendar as well."""
    m, o = MeetingPattern, Offering
    columns: tuple[Any, ...] = (o.id, o.term_id, o.grade, m.weekday, m.first_period, m.last_period, m.weeks)
    query = sa.select(*columns).join(m, m.offering_id == o.id).order_by(o.id, m.id)
    found: dict[int, tuple[int, str, list[Pattern]]] = {}
    for id_, term_id, grade, *pattern in session.execute(query.where(o.term_id.in_(term_ids), o.state.not_in(ENDED))):
        found.setdefault(id_, (term_id, grade, []))[2].append(Pattern(*pattern))
    decided = hooks.adjusted(session, sorted(found))
    return [
        Source(id_, term_id, tuple(patterns), ((TYPE, id_),), grade=grade, fixed=fixed(decided.get(id_, {})))
        for id_, (term_id, grade, patterns) in found.items()
    ]


def fixed(decided: Mapping[Key, hooks.Adjusted]) -> dict[Key, Meeting | None]:
    """Those of the decisions that set a meeting's time, or call it off."""
    return {key: each.meeting for key, each in decided.items() if not each.follows}


def describe(session: Session, ids: Sequence[int]) -> Mapping[int, Described]:
    columns = (Offering.id, SharedItem.title_zh, SharedItem.title_en, Offering.room, Offering.code, Course.school_id)
    query = sa.select(*columns).join(Course, Course.id == Offering.course_id)
    query = query.join(SharedItem, SharedItem.id == Course.id).where(Offering.id.in_(ids))
    return {
        id_: Described(zh, en, room, f"/offerings/{id_}", code, "course", school)
        for id_, zh, en, room, code, school in session.execute(query)
    }


def concerned(session: Session, ids: Sequence[int], now: datetime) -> Iterable[tuple[int, int]]:
    """Those who teach them, while they are of the school."""
    query = _taught(now).with_only_columns(Offering.id, CourseTeacher.person_id).where(Offering.id.in_(ids))
    return [(id_, person) for id_, person in session.execute(query)]


def _taught(now: Instant) -> Query:
    here = sa.and_(Affiliation.person_id == CourseTeacher.person_id, Affiliation.school_id == Course.school_id)
    query: Query = (
        sa.select(CourseTeacher.person_id, sa.literal(TYPE).label("resource_type"), Offering.id.label("resource_id"))
        .join(Course, Course.id == CourseTeacher.course_id)
        .join(Offering, Offering.course_id == Course.id)
        .join(Affiliation, sa.and_(here, Affiliation.open_at(now)))
    )
    return query


def busy(people: People, now: Instant) -> Query:
    """Published offerings they teach, and those that were called off: their feeds say so."""
    published = _taught(now).join(SharedItem, SharedItem.id == Course.id)
    published = published.where(Offering.state.in_(("published", "cancelled")), SharedItem.state == "published")
    return published.where(CourseTeacher.person_id.in_(people))


HOOK = CalendarSource(TYPE, sources, describe, concerned, busy)


def book_follows_calendar(session: Session) -> list[Problem]:
    """Every meeting ahead stands in the book where its school's calendar has it."""
    return [
        Problem("book_follows_calendar", f"offering {move.source[1]}", f"{move.before} should be {move.after}")
        for move in changes.astray(session, (HOOK,), clock.now())
    ]
