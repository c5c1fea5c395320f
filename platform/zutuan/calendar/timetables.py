"""A school's own timetable of a term, imported: classes, teachers and rooms are taken in the book. Importing the term
again makes its lines exactly those of the file; what was typed on the platform is never touched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.calendar import book, calendars, patterns
from zutuan.calendar.models import Occurrence, Place, Term, TimetableEntry
from zutuan.calendar.permissions import allow, place_subject
from zutuan.calendar.plan import Calendar, Meeting, expand
from zutuan.calendar.rules import Pattern, check_pattern, weeks_of
from zutuan.calendar.sources import CalendarSource, Described, Resource, Source
from zutuan.clock import local
from zutuan.db import chunks
from zutuan.decision import Refusal
from zutuan.fields import Text
from zutuan.importing import Column, Import, Plan, Record, RowError
from zutuan.paging import Query
from zutuan.people.models import Affiliation, Person
from zutuan.sharing.actor import Actor

TYPE = "timetable"
MOST_CLASSES = 20

COLUMNS = (
    Column("course", Text(120), ("课程名称", "课程", "课程名"), needed=True),
    Column("time", Text(400, multiline=True), ("上课时间", "时间", "上课时间安排", "周次节次"), needed=True),
    Column("classes", Text(400, min=0), ("班级", "上课班级", "行政班", "班级名称", "教学班组成")),
    Column("teacher_number", Text(40, min=0), ("教师学工号", "学工号", "教师工号", "职工号", "教工号", "工号")),
    Column("teacher", Text(60, min=0), ("教师", "任课教师", "教师姓名", "授课教师")),
    Column("room", Text(60, min=0), ("教室", "上课地点", "地点", "上课教室")),
)


@dataclass(frozen=True)
class Entry:
    """One line of the file, `times` in canonical writing."""

    course: str
    times: str
    classes: str = ""
    teacher_number: str = ""
    teacher_name: str = ""
    room: str = ""
    room_shared: bool = False


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


# --- planning ---------------------------------------------------------------------------------------------------


def timetable_import(school_id: int, term_id: int) -> Import:
    """The import of one school's term."""

    def plan(session: Session, records: Sequence[Record], _now: datetime) -> Plan:
        return _plan(session, _term(session, school_id, term_id), records)

    def apply(session: Session, actor: Actor | None, plan: Plan, now: datetime) -> None:
        _apply(session, actor, _term(session, school_id, term_id), plan, now)

    return Import("timetable", COLUMNS, plan, apply)


def _term(session: Session, school_id: int, term_id: int) -> Term:
    term = session.get_one(Term, term_id)
    assert term.school_id == school_id
    return term


def _plan(session: Session, term: Term, records: Sequence[Record]) -> Plan:
    """New lines, lines that are gone (counted as updates), and lines that stay."""
    here, plan = calendars.of_term(session, term), Plan()
    wanted: list[tuple[int, Entry]] = []
    for record in records:
        entry = _entry(record, here)
        if isinstance(entry, RowError):
            plan.errors.append(entry)
        else:
            wanted.append((record.line, entry))
    entries = _share_rooms(wanted, here)
    plan.errors += _rooms_taken(session, term, entries, here)
    known = {_as_entry(row): row for row in session.scalars(_of_term(term.id))}
    fresh = dict.fromkeys(entry for _line, entry in entries)
    plan.created = [entry for entry in fresh if entry not in known]
    plan.updated = [row for entry, row in known.items() if entry not in fresh]
    plan.unchanged = len(fresh) - len(plan.created)
    return plan


def _of_term(term_id: int) -> sa.Select[TimetableEntry]:
    return sa.select(TimetableEntry).where(TimetableEntry.term_id == term_id).order_by(TimetableEntry.id)


def _as_entry(row: TimetableEntry) -> Entry:
    names = ("course", "times", "classes", "teacher_number", "teacher_name", "room", "room_shared")
    return Entry(*(getattr(row, name) for name in names))


def _entry(record: Record, here: Calendar) -> Entry | RowError:
    values = {name: value or "" for name, value in record.values.items()}
    times = _times(record, here)
    if isinstance(times, RowError):
        return times
    classes = classes_of(values.get("classes", ""))
    if len(classes) > MOST_CLASSES:
        return RowError(record.line, "classes", "too_many_items", {"max": MOST_CLASSES})
    too_long = next((name for name in classes if len(name) > 60), None)
    if too_long is not None:
        return RowError(record.line, "classes", "too_long", {"max": 60})
    number, room = values.get("teacher_number", ""), values.get("room", "")
    if not (classes or number or room):
        return RowError(record.line, "classes", "entry_without_place")
    return Entry(values["course"], times, "、".join(classes), number, values.get("teacher", ""), room)


def _times(record: Record, here: Calendar) -> str | RowError:
    """The line's time in canonical writing, or why it does not fit the term."""
    lines = patterns.read(record.values["time"])
    found = lines if isinstance(lines, Refusal) else patterns.rows(lines, here.term.weeks)
    if isinstance(found, Refusal) or isinstance(lines, Refusal):
        refusal = found if isinstance(found, Refusal) else lines
        assert isinstance(refusal, Refusal)
        return RowError(record.line, "time", refusal.code, refusal.params)
    for pattern in found:
        misfit = check_pattern(pattern, here.term, sorted(here.periods))
        if misfit is not None:
            return RowError(record.line, "time", misfit[1].code, misfit[1].params)
        missing = next((each for each in expand([pattern], here).lost if each.reason == "no_period"), None)
        if missing is not None:
            params = {"day": missing.day.isoformat(), "period": pattern.last_period}
            return RowError(record.line, "time", "no_such_period_on", params)
    return patterns.write(lines)


def _share_rooms(entries: Sequence[tuple[int, Entry]], here: Calendar) -> list[tuple[int, Entry]]:
    """Lines that have a room at the same time (classes taught together, a playing field) share it."""
    taken: dict[tuple[str, tuple[int, int, int]], set[int]] = {}
    for number, (_line, entry) in enumerate(entries):
        for pattern in patterns_of(entry.times, here.term.weeks) if entry.room else ():
            for week in weeks_of(pattern):
                for period in range(pattern.first_period, pattern.last_period + 1):
                    taken.setdefault((entry.room, (week, pattern.weekday, period)), set()).add(number)
    shared = {number for group in taken.values() if len(group) > 1 for number in group}
    return [
        (line, replace(entry, room_shared=True) if number in shared else entry)
        for number, (line, entry) in enumerate(entries)
    ]


def _rooms_taken(session: Session, term: Term, entries: Sequence[tuple[int, Entry]], here: Calendar) -> list[RowError]:
    """Lines whose room something else of the platform has: a booking is not overrun by an import. One query."""
    rooms = {entry.room for _line, entry in entries if entry.room and not entry.room_shared}
    query = sa.select(Place.name, Place.id).where(Place.school_id == term.school_id, Place.kind == "room")
    ids = {name: id_ for name, id_ in session.execute(query) if name in rooms}
    if not ids:
        return []
    names = {id_: name for name, id_ in ids.items()}
    o = Occurrence
    own = sa.select(TimetableEntry.id).where(TimetableEntry.term_id == term.id)
    foreign = sa.or_(o.source_type != TYPE, o.source_id.not_in(own))
    taken = sa.select(o.resource_id, o.starts, o.ends).where(
        o.resource_type == "room", o.state == "active", o.exclusive
    )
    by_room: dict[str, list[tuple[datetime, datetime]]] = {}
    for id_, starts, ends in session.execute(taken.where(foreign)):
        if id_ in names:
            by_room.setdefault(names[id_], []).append((starts, ends))
    errors = []
    for line, entry in entries:
        busy = by_room.get(entry.room, []) if not entry.room_shared else []
        for meeting in expand(patterns_of(entry.times, here.term.weeks), here).meetings if busy else ():
            if any(meeting.starts < ends and starts < meeting.ends for starts, ends in busy):
                when = f"{local(meeting.starts):%Y-%m-%d %H:%M}"
                errors.append(RowError(line, "room", "room_taken_by_other", {"room": entry.room, "when": when}))
                break
    return errors


# --- writing ----------------------------------------------------------------------------------------------------


def _apply(session: Session, actor: Actor | None, term: Term, plan: Plan, now: datetime) -> None:
    if actor is not None:
        allow.require(actor, "timetable.import", place_subject(term.school_id))
    calendars.hold(session, term.school_id)
    gone = [row.id for row in plan.updated]
    for some in chunks(gone):
        mine = sa.and_(Occurrence.source_type == TYPE, Occurrence.source_id.in_(some))
        session.execute(sa.delete(Occurrence).where(mine).execution_options(synchronize_session=False))
        session.execute(
            sa.delete(TimetableEntry).where(TimetableEntry.id.in_(some)).execution_options(synchronize_session=False)
        )
    created: list[Entry] = plan.created
    rows = [TimetableEntry(school_id=term.school_id, term_id=term.id, **vars(entry)) for entry in created]
    session.add_all(rows)
    session.flush()
    _book(session, term, rows, now)


def _book(session: Session, term: Term, rows: Sequence[TimetableEntry], now: datetime) -> None:
    here = calendars.of_term(session, term)
    places = _places(session, term.school_id, rows)
    booked: list[dict[str, Any]] = []
    known: dict[str, tuple[Meeting, ...]] = {}
    for row in rows:
        if row.times not in known:
            known[row.times] = expand(patterns_of(row.times, here.term.weeks), here).meetings
        source = _source(row, places, here.term.weeks)
        resources = [(each, False) for each in source.resources] + [(each, True) for each in source.exclusive]
        booked += book.rows_of((TYPE, row.id), resources, known[row.times], now)
    book.add(session, booked)


_Places = Mapping[tuple[int, str, str], int]


def _named(row: TimetableEntry) -> list[tuple[int, str, str]]:
    found = [("class", name) for name in classes_of(row.classes)]
    found += [("teacher", row.teacher_number)] if row.teacher_number else []
    found += [("room", row.room)] if row.room else []
    return [(row.school_id, kind, name) for kind, name in found]


def _places(session: Session, school_id: int, rows: Iterable[TimetableEntry]) -> _Places:
    """The ids of every class, teacher and room these lines name; new ones are made."""
    wanted = {each for row in rows for each in _named(row)}
    known = _known_places(session, [school_id])
    new = [Place(school_id=s, kind=kind, name=name) for s, kind, name in sorted(wanted - known.keys())]
    session.add_all(new)
    session.flush()
    return {**known, **{(each.school_id, each.kind, each.name): each.id for each in new}}


def _known_places(session: Session, school_ids: Sequence[int]) -> dict[tuple[int, str, str], int]:
    query = sa.select(Place.school_id, Place.kind, Place.name, Place.id).where(Place.school_id.in_(school_ids))
    return {(school, kind, name): id_ for school, kind, name, id_ in session.execute(query)}


def _source(row: TimetableEntry, places: _Places, weeks: int) -> Source:
    resources: list[Resource] = [(key[1], places[key]) for key in _named(row) if key in places]
    rooms = tuple(each for each in resources if each[0] == "room" and not row.room_shared)
    others = tuple(each for each in resources if each not in rooms)
    return Source(row.id, row.term_id, patterns_of(row.times, weeks), others, rooms)


# --- what the calendar asks -------------------------------------------------------------------------------------


def sources(session: Session, term_ids: Sequence[int]) -> list[Source]:
    query = sa.select(TimetableEntry, Term.weeks).join(Term, Term.id == TimetableEntry.term_id)
    rows = session.execute(query.where(TimetableEntry.term_id.in_(term_ids)).order_by(TimetableEntry.id)).all()
    places = _known_places(session, sorted({row.school_id for row, _weeks in rows})) if rows else {}
    return [_source(row, places, weeks) for row, weeks in rows]


def describe(session: Session, ids: Sequence[int]) -> Mapping[int, Described]:
    e = TimetableEntry
    query = sa.select(e.id, e.course, e.room, e.classes).where(e.id.in_(ids))
    return {id_: Described(course, place=room, note=classes) for id_, course, room, classes in session.execute(query)}


def busy(people: Sequence[int], now: datetime) -> Query:
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


def own_time(people: Sequence[int], _now: datetime) -> Query:
    """Busy periods that are a person's own: rows of the book under their id."""
    type_ = sa.literal("person").label("resource_type")
    query: Query = sa.select(Person.id.label("person_id"), type_, Person.id.label("resource_id"))
    return query.where(Person.id.in_(people))


def concerned(session: Session, ids: Sequence[int], now: datetime) -> Iterable[tuple[int, int]]:
    """Teachers and students of the classes of these lines who have an account."""
    o, a = Occurrence, Affiliation
    named = (
        sa.select(o.source_id, o.resource_id).where(o.source_type == TYPE, o.source_id.in_(ids)).distinct().subquery()
    )
    mine = sa.or_(
        sa.and_(Place.kind == "class", a.kind == "student", Place.name == a.class_name),
        sa.and_(Place.kind == "teacher", a.kind != "student", Place.name == a.number),
    )
    query = (
        sa.select(named.c.source_id, a.person_id)
        .join(Place, Place.id == named.c.resource_id)
        .join(a, sa.and_(a.school_id == Place.school_id, mine, a.open_at(now)))
        .where(Place.kind != "room")
        .distinct()
    )
    return [(source_id, person) for source_id, person in session.execute(query)]


HOOK = CalendarSource(TYPE, sources, describe, concerned, busy)
PERSONAL = CalendarSource("person", busy=own_time)


def imported(session: Session, school_id: int, term_id: int) -> int:
    """How many lines of the term are there."""
    query = sa.select(sa.func.count()).select_from(TimetableEntry)
    mine = query.where(TimetableEntry.school_id == school_id, TimetableEntry.term_id == term_id)
    return session.scalar(mine) or 0
