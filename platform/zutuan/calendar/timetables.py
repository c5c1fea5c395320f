"""Imported timetables as the calendar knows them: what each line takes in the book, what it is called, whose time it is.

Importing is `timetable_import.py`; what was typed on the platform is never touched by it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.calendar import patterns
from zutuan.calendar.models import Occurrence, Place, Term, TimetableEntry, TimetableStudent
from zutuan.calendar.rules import Pattern
from zutuan.calendar.sources import CalendarSource, Described, Instant, People, Resource, Source
from zutuan.decision import Refusal
from zutuan.paging import Query
from zutuan.people.models import Affiliation

TYPE = "timetable"


@cache
def patterns_of(times: str, weeks: int) -> tuple[Pattern, ...]:
    """The rows of a line that was accepted when it was imported."""
    lines = patterns.read(times)
    assert not isinstance(lines, Refusal), times
    found = patterns.rows(lines, weeks)
    assert not isinstance(found, Refusal), times
    return tuple(found)


def classes_of(text: str) -> list[str]:
    """Classes taught together, however they are separated."""
    plain = text.translate(dict.fromkeys(map(ord, ",，、;；/|\n"), ","))  # noqa: RUF001
    return list(dict.fromkeys(name for name in (part.strip() for part in plain.split(",")) if name))


Places = Mapping[tuple[int, str, str], int]


def named(row: TimetableEntry) -> list[tuple[int, str, str]]:
    """(school, kind, name) of every class, teacher and room of a line."""
    found = [("class", name) for name in classes_of(row.classes)]
    found += [("teacher", row.teacher_number)] if row.teacher_number else []
    found += [("room", row.room)] if row.room else []
    return [(row.school_id, kind, name) for kind, name in found]


def known_places(session: Session, school_ids: Sequence[int]) -> dict[tuple[int, str, str], int]:
    query = sa.select(Place.school_id, Place.kind, Place.name, Place.id).where(Place.school_id.in_(school_ids))
    return {(school, kind, name): id_ for school, kind, name, id_ in session.execute(query)}


def source(row: TimetableEntry, places: Places, weeks: int, by_student: Collection[int]) -> Source:
    """What a line takes. One that names students is a resource itself: they are joined to it when somebody asks."""
    resources: list[Resource] = [(TYPE, row.id)] if row.id in by_student else []
    resources += [(key[1], places[key]) for key in named(row) if key in places]
    rooms = tuple(each for each in resources if each[0] == "room" and not row.room_shared)
    others = tuple(each for each in resources if each not in rooms)
    return Source(row.id, row.term_id, patterns_of(row.times, weeks), others, rooms)


# --- what the calendar asks -------------------------------------------------------------------------------------


def sources(session: Session, term_ids: Sequence[int]) -> list[Source]:
    query = sa.select(TimetableEntry, Term.weeks).join(Term, Term.id == TimetableEntry.term_id)
    rows = session.execute(query.where(TimetableEntry.term_id.in_(term_ids)).order_by(TimetableEntry.id)).all()
    places = known_places(session, sorted({row.school_id for row, _weeks in rows})) if rows else {}
    by_student = with_students(session, term_ids)
    return [source(row, places, weeks, by_student) for row, weeks in rows]


def with_students(session: Session, term_ids: Sequence[int]) -> set[int]:
    """The lines of these terms that name students."""
    query = sa.select(TimetableStudent.entry_id).join(TimetableEntry, TimetableEntry.id == TimetableStudent.entry_id)
    return set(session.scalars(query.where(TimetableEntry.term_id.in_(term_ids)).distinct()))


def describe(session: Session, ids: Sequence[int]) -> Mapping[int, Described]:
    e = TimetableEntry
    query = sa.select(e.id, e.course, e.room, e.classes, e.school_id).where(e.id.in_(ids))
    return {
        id_: Described(course, place=room, note=classes, kind="home", school_id=school)
        for id_, course, room, classes, school in session.execute(query)
    }


def busy(people: People, now: Instant) -> Query:
    """Students have their class's timetable, teachers what is under their 学工号, at every school they belong to."""
    mine = sa.and_(
        Place.school_id == Affiliation.school_id,
        sa.or_(
            sa.and_(Place.kind == "class", Affiliation.kind == "student", Place.name == Affiliation.class_name),
            sa.and_(Place.kind == "teacher", Affiliation.kind != "student", Place.name == Affiliation.number),
        ),
    )
    query: Query = (
        sa.select(Affiliation.person_id, Place.kind.label("resource_type"), Place.id.label("resource_id"))
        .join(Place, mine)
        .where(Affiliation.person_id.in_(people), Affiliation.open_at(now))
    )
    return query


def busy_by_number(people: People, now: Instant) -> Query:
    """Lines that name a student."""
    query = _named_students(now).with_only_columns(
        Affiliation.person_id,
        sa.literal(TYPE).label("resource_type"),
        TimetableStudent.entry_id.label("resource_id"),
    )
    return query.where(Affiliation.person_id.in_(people))


def _named_students(now: Instant) -> Query:
    s, a, e = TimetableStudent, Affiliation, TimetableEntry
    mine = sa.and_(a.school_id == e.school_id, a.number == s.number, a.kind == "student", a.open_at(now))
    query: Query = sa.select(s.entry_id, a.person_id).join(e, e.id == s.entry_id).join(a, mine)
    return query


def concerned(session: Session, ids: Sequence[int], now: datetime) -> Iterable[tuple[int, int]]:
    """Teachers of these lines, and students of their classes or named by them, who have an account."""
    o, a = Occurrence, Affiliation
    lines = (
        sa.select(o.source_id, o.resource_id).where(o.source_type == TYPE, o.source_id.in_(ids)).distinct().subquery()
    )
    mine = sa.or_(
        sa.and_(Place.kind == "class", a.kind == "student", Place.name == a.class_name),
        sa.and_(Place.kind == "teacher", a.kind != "student", Place.name == a.number),
    )
    query = (
        sa.select(lines.c.source_id, a.person_id)
        .join(Place, Place.id == lines.c.resource_id)
        .join(a, sa.and_(a.school_id == Place.school_id, mine, a.open_at(now)))
        .where(Place.kind != "room")
        .distinct()
    )
    by_number = _named_students(now).where(TimetableStudent.entry_id.in_(ids))
    return [(source_id, person) for each in (query, by_number) for source_id, person in session.execute(each)]


HOOK = CalendarSource(TYPE, sources, describe, concerned, busy)
BY_NUMBER = CalendarSource(TYPE, busy=busy_by_number)


def imported(session: Session, term_ids: Sequence[int]) -> dict[int, int]:
    """Term → how many lines of it are there."""
    e = TimetableEntry
    query = sa.select(e.term_id, sa.func.count()).where(e.term_id.in_(term_ids)).group_by(e.term_id)
    return {term_id: count for term_id, count in session.execute(query)}
