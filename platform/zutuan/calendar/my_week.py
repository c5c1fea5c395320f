"""我的一周: everything that takes somebody's time, laid on the days and periods of their own school."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from zutuan.calendar import calendars, feeds, timetables, views, week
from zutuan.calendar.calendars import SchoolCalendar
from zutuan.calendar.feeds import Entry
from zutuan.calendar.models import Occurrence, Place, Term, TimetableEntry, TimetableStudent
from zutuan.calendar.plan import Calendar, Times, day_plan
from zutuan.calendar.rules import TermDates
from zutuan.calendar.sources import Hooks
from zutuan.calendar.week import Row, Slot
from zutuan.clock import at_shanghai, local
from zutuan.clusters.models import School
from zutuan.people.models import Affiliation
from zutuan.sharing.actor import Actor, Belongs

KINDS = {"home": _l("本校课程"), "course": _l("跨校课程"), "session": _l("联合教研"), "own": _l("自己的忙碌时间")}


@dataclass(frozen=True)
class Day:
    """A day's head, and what is on it."""

    day: date
    mark: str
    story: str
    slots: tuple[Slot, ...]


@dataclass(frozen=True)
class Week:
    monday: date
    number: int | None  # of one's own term; None between terms
    days: tuple[Day, ...]
    rows: tuple[Row, ...]
    elsewhere: tuple[tuple[str, int], ...]  # schools whose meetings are in it and that count another week
    missing: str  # why clashes with the own school's classes are not known: `timetable`, `class` or nothing
    school_id: int | None

    @property
    def sunday(self) -> date:
        return self.monday + timedelta(days=6)

    @property
    def kinds(self) -> list[str]:
        found = {slot.kind for each in self.days for slot in each.slots}
        return [kind for kind in KINDS if kind in found]


def of(session: Session, actor: Actor, hooks: Hooks, day: date) -> Week:
    """The week of that day."""
    monday = week.monday_of(day)
    starts, ends = at_shanghai(monday), at_shanghai(monday + timedelta(days=7))
    found = feeds.entries(session, actor, hooks, starts, ends)
    home = own_school(actor)
    ids = {each.name.school_id for each in found} | ({home.school_id} if home else set())
    schools = calendars.load(session, sorted(ids - {0}))
    names = _names(session, ids - {0})
    own = schools.get(home.school_id) if home else None
    term = _term_of(own, monday, home.grade) if own and home else None
    calendar = _calendar(own, term, home.grade if home else "", monday)
    times = {each: calendar.times(each) for each in _days(monday)}
    slots = [_slot(each, schools, names, times, home) for each in found]
    rows = week.bands(_usual(times))
    number = calendar.term.week_of(monday)
    return Week(
        monday, number, tuple(_day(calendar, each, slots) for each in _days(monday)),
        tuple(week.grid(slots, monday, rows, times)), _elsewhere(schools, names, home, monday, number, found),
        _missing(session, term, home), home.school_id if home else None,
    )  # fmt: skip


def own_school(actor: Actor) -> Belongs | None:
    """Where somebody studies, or else first belongs to."""
    studies = [each for each in actor.affiliations if each.kind == "student"]
    return next(iter(studies or actor.affiliations), None)


def _days(monday: date) -> list[date]:
    return [monday + timedelta(days=n) for n in range(7)]


def _term_of(school: SchoolCalendar, monday: date, grade: str) -> Term | None:
    return next((term for day in _days(monday) if (term := school.term_on(day, grade))), None)


def _calendar(school: SchoolCalendar | None, term: Term | None, grade: str, monday: date) -> Calendar:
    if school is None:
        return Calendar(TermDates(monday, 0))
    return school.of(term, grade) if term else Calendar(TermDates(monday, 0), school.specials, school.bells)


def _usual(times: dict[date, Times]) -> Times:
    """The rows of the week: every period that rings on some day, at the first day's hours."""
    found: dict[int, tuple[int, int]] = {}
    for each in times.values():
        found = {**each, **found}
    return found


def _names(session: Session, ids: set[int]) -> dict[int, str]:
    query = sa.select(School.id, School.name).where(School.id.in_(ids))
    return {id_: name for id_, name in session.execute(query)} if ids else {}


def _slot(
    entry: Entry, schools: dict[int, SchoolCalendar], names: dict[int, str], times: dict[date, Times],
    home: Belongs | None,
) -> Slot:  # fmt: skip
    row, name = entry.row, entry.name
    day = local(row.starts).date()
    minutes = week.minutes_of(row.starts, day), week.minutes_of(row.ends, day)
    host = schools.get(name.school_id) if home is None or name.school_id != home.school_id else None
    theirs = _calendar(host, None, "", day).times(day, row.weekday or None) if host and row.period else {}
    return Slot(
        day, row.starts, row.ends, name.kind, name.title_zh, name.title_en, name.place, name.url, name.note,
        names.get(name.school_id, "") if host else "", week.touched(times.get(day, {}), *minutes),
        week.touched(theirs, *minutes), own_hours=not row.period,
    )  # fmt: skip


def _day(calendar: Calendar, day: date, slots: list[Slot]) -> Day:
    cell = views.cell(day_plan(calendar, day))
    return Day(day, cell.mark, cell.title, tuple(each for each in slots if each.day == day))


def _elsewhere(
    schools: dict[int, SchoolCalendar], names: dict[int, str], home: Belongs | None, monday: date, number: int | None,
    found: list[Entry],
) -> tuple[tuple[str, int], ...]:  # fmt: skip
    """北京师范大学 is in another week: said where something of it is in this one."""
    others = dict.fromkeys(e.name.school_id for e in found if e.name.school_id and e.name.school_id in schools)
    said = []
    for id_ in others:
        term = _term_of(schools[id_], monday, "")
        theirs = calendars.dates(term).week_of(monday) if term else None
        if theirs is not None and theirs != number and (home is None or id_ != home.school_id):
            said.append((names[id_], theirs))
    return tuple(said)


def _missing(session: Session, term: Term | None, home: Belongs | None) -> str:
    """A student's own classes are known only where the school's timetable names them."""
    if home is None or home.kind != "student":
        return ""
    if term is None or not timetables.imported(session, [term.id]):
        return "timetable"
    return "" if _named(session, term, home) else "class"


def _named(session: Session, term: Term, home: Belongs) -> bool:
    """Whether the school's timetable of that term has the student's class or number."""
    a, o, e, s = Affiliation, Occurrence, TimetableEntry, TimetableStudent
    lines = sa.select(e.id).where(e.term_id == term.id)
    booked = sa.select(o.id).where(
        o.resource_type == "class", o.resource_id == Place.id, o.source_type == timetables.TYPE, o.source_id.in_(lines)
    )
    klass = sa.select(Place.id).where(Place.school_id == a.school_id, Place.kind == "class", Place.name == a.class_name)
    number = sa.select(s.id).where(s.number == a.number, s.entry_id.in_(lines))
    either = sa.or_(klass.where(booked.exists()).exists(), number.exists())
    return session.scalar(sa.select(a.id).where(a.id == home.affiliation_id, either)) is not None
