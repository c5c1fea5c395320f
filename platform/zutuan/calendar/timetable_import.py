"""Importing a school's own timetable of a term: classes, students, teachers and rooms are taken in the book. Importing the
term again makes its lines exactly those of the file; what was typed on the platform is never touched."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from zutuan.calendar import book, calendars, meeting_text
from zutuan.calendar.models import Occurrence, Place, Term, TimetableEntry, TimetableStudent
from zutuan.calendar.permissions import allow, place_subject
from zutuan.calendar.plan import Calendar, Meeting, expand
from zutuan.calendar.rules import weeks_of
from zutuan.calendar.timetables import TYPE, Places, classes_of, known_places, named, patterns_of
from zutuan.calendar.timetables import source as source_of
from zutuan.clock import local
from zutuan.db import chunks
from zutuan.decision import Refusal
from zutuan.errors import NotFound
from zutuan.fields import Text
from zutuan.importing import Column, Difference, Import, Plan, Record, RowError
from zutuan.sharing.actor import Actor

MOST_CLASSES = 20
SHOWN_STUDENTS = 30

COLUMNS = (
    Column("course", Text(120), ("课程名称", "课程", "课程名"), needed=True),
    Column("time", Text(400, multiline=True), ("上课时间", "时间", "上课时间安排", "周次节次"), needed=True),
    Column("students", Text(400, min=0), ("学号", "学生学号", "学生")),
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
    students: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return " ".join(part for part in (self.course, self.classes or self.teacher_name or self.room) if part)

    @property
    def shown(self) -> tuple[tuple[str, str], ...]:
        """(column, text) of everything it says."""
        named = (
            ("time", self.times), ("classes", self.classes), ("students", _few(self.students)),
            ("teacher_number", self.teacher_number), ("teacher", self.teacher_name), ("room", self.room),
        )  # fmt: skip
        return tuple((column, text) for column, text in named if text)


# --- planning ---------------------------------------------------------------------------------------------------


def _few(numbers: Sequence[str]) -> str:
    """The first of many students, and how many they are."""
    more = f" … ({len(numbers)})" if len(numbers) > SHOWN_STUDENTS else ""
    return "、".join(numbers[:SHOWN_STUDENTS]) + more


def timetable_import(school_id: int, term: str) -> Import:
    """The import of one school's term, named as 2026-2027-1."""

    def plan(session: Session, records: Sequence[Record], _now: datetime) -> Plan:
        return _plan(session, _term(session, school_id, term), records)

    def apply(session: Session, actor: Actor | None, plan: Plan, now: datetime) -> None:
        _apply(session, actor, _term(session, school_id, term), plan, now)

    return Import("timetable", COLUMNS, plan, apply, lock=lambda session: calendars.hold(session, school_id))


def _term(session: Session, school_id: int, text: str) -> Term:
    term = calendars.find_term(session, school_id, text)
    if term is None:  # it was there when the file was handed in
        raise NotFound
    return term


def _plan(session: Session, term: Term, records: Sequence[Record]) -> Plan:
    """New lines, lines that are gone, and lines that stay."""
    here, plan = calendars.of_term(session, term), Plan()
    found: list[tuple[int, Entry]] = []
    for record in records:
        entry = _entry(record, here)
        if isinstance(entry, RowError):
            plan.errors.append(entry)
        else:
            found.append((record.line, entry))
    entries = _share_rooms(_together(found), here)
    plan.errors += _rooms_taken(session, term, entries, here)
    known = {_as_entry(row): row for row in session.scalars(_of_term(term.id))}
    fresh = {entry: line for line, entry in entries}
    plan.created = [entry for entry in fresh if entry not in known]
    plan.removed = [row for entry, row in known.items() if entry not in fresh]
    plan.unchanged = len(fresh) - len(plan.created)
    plan.differences = [_difference(entry, fresh[entry]) for entry in plan.created]
    plan.differences += [_difference(entry, 0) for entry in known if entry not in fresh]
    return plan


def _difference(entry: Entry, line: int) -> Difference:
    """A line that is new, or (without a number) gone."""
    if line:
        return Difference(line, "created", entry.label, tuple((column, "", said) for column, said in entry.shown))
    return Difference(0, "removed", entry.label, tuple((column, said, "") for column, said in entry.shown))


def _together(entries: Sequence[tuple[int, Entry]]) -> list[tuple[int, Entry]]:
    """Lines that say the same of different students are one: 教务系统 print electives once for each."""
    found: dict[Entry, tuple[int, dict[str, None]]] = {}
    for line, entry in entries:
        found.setdefault(replace(entry, students=()), (line, {}))[1].update(dict.fromkeys(entry.students))
    return [(line, replace(entry, students=tuple(sorted(names)))) for entry, (line, names) in found.items()]


def _of_term(term_id: int) -> sa.Select[TimetableEntry]:
    return (
        sa.select(TimetableEntry)
        .where(TimetableEntry.term_id == term_id)
        .order_by(TimetableEntry.id)
        .options(selectinload(TimetableEntry.students))
    )


def _as_entry(row: TimetableEntry) -> Entry:
    students = tuple(sorted(each.number for each in row.students))
    teacher = row.teacher_number, row.teacher_name
    return Entry(row.course, row.times, row.classes, *teacher, row.room, row.room_shared, students)


def _entry(record: Record, here: Calendar) -> Entry | RowError:
    values = {name: value or "" for name, value in record.values.items()}
    times = meeting_text.read(record.values["time"], here)
    if isinstance(times, Refusal):
        return RowError(record.line, "time", times.code, times.params)
    classes = classes_of(values.get("classes", ""))
    if len(classes) > MOST_CLASSES:
        return RowError(record.line, "classes", "too_many_items", {"max": MOST_CLASSES})
    too_long = next((name for name in classes if len(name) > 60), None)
    if too_long is not None:
        return RowError(record.line, "classes", "too_long", {"max": 60})
    number, room = values.get("teacher_number", ""), values.get("room", "")
    students = tuple(classes_of(values.get("students", "")))
    if any(len(each) > 40 for each in students):
        return RowError(record.line, "students", "too_long", {"max": 40})
    if not (classes or number or room or students):
        return RowError(record.line, "classes", "entry_without_place")
    return Entry(
        values["course"], times.text, "、".join(classes), number, values.get("teacher", ""), room, students=students
    )


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
    _remove(session, [row.id for row in plan.removed])
    created: list[Entry] = plan.created
    rows = [_row(term, entry) for entry in created]
    session.add_all(rows)
    session.flush()
    students = [
        {"entry_id": row.id, "number": number}
        for row, entry in zip(rows, created, strict=True) for number in entry.students
    ]  # fmt: skip
    for some in chunks(students):
        session.execute(sa.insert(TimetableStudent), some)
    _book(session, term, rows, {row.id for row, entry in zip(rows, created, strict=True) if entry.students}, now)


def _row(term: Term, entry: Entry) -> TimetableEntry:
    values = {name: value for name, value in vars(entry).items() if name != "students"}
    return TimetableEntry(school_id=term.school_id, term_id=term.id, **values)


def _remove(session: Session, ids: Sequence[int]) -> None:
    for some in chunks(ids):
        clauses = (
            sa.delete(Occurrence).where(Occurrence.source_type == TYPE, Occurrence.source_id.in_(some)),
            sa.delete(TimetableStudent).where(TimetableStudent.entry_id.in_(some)),
            sa.delete(TimetableEntry).where(TimetableEntry.id.in_(some)),
        )
        for clause in clauses:
            session.execute(clause.execution_options(synchronize_session=False))


def _book(
    session: Session, term: Term, rows: Sequence[TimetableEntry], by_student: Collection[int], now: datetime
) -> None:
    here = calendars.of_term(session, term)
    places = _places(session, term.school_id, rows)
    booked: list[dict[str, Any]] = []
    known: dict[str, tuple[Meeting, ...]] = {}
    for row in rows:
        if row.times not in known:
            known[row.times] = expand(patterns_of(row.times, here.term.weeks), here).meetings
        source = source_of(row, places, here.term.weeks, by_student)
        resources = [(each, False) for each in source.resources] + [(each, True) for each in source.exclusive]
        booked += book.rows_of((TYPE, row.id), resources, known[row.times], now)
    book.add(session, booked)


def _places(session: Session, school_id: int, rows: Iterable[TimetableEntry]) -> Places:
    """The ids of every class, teacher and room these lines name; new ones are made."""
    wanted = {each for row in rows for each in named(row)}
    known = known_places(session, [school_id])
    new = [Place(school_id=s, kind=kind, name=name) for s, kind, name in sorted(wanted - known.keys())]
    session.add_all(new)
    session.flush()
    return {**known, **{(each.school_id, each.kind, each.name): each.id for each in new}}
