"""A school's year as its page shows it, and the words for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from zutuan.calendar.calendars import SchoolCalendar, dates
from zutuan.calendar.effects import Effects, Move
from zutuan.calendar.models import SpecialDay, Term
from zutuan.calendar.notices import when
from zutuan.calendar.plan import ALL_WEEKDAYS, ALL_YEAR, Bells, DayPlan, day_plan
from zutuan.calendar.sources import Described
from zutuan.calendar.text import clock_text as clock_text
from zutuan.calendar.text import season_text as season_text
from zutuan.clock import local
from zutuan.web.texts import SHORT_WEEKDAYS, english

TERMS = {1: _l("第一学期"), 2: _l("第二学期"), 3: _l("第三学期"), 4: _l("第四学期")}
KINDS = {"holiday": _l("放假"), "swapped": _l("补课"), "normal": _l("照常上课")}
REASONS = {
    "holiday": _l("放假，没有补课"),
    "outside": _l("不在学期内"),
    "no_period": _l("那天没有这一节"),
    "past": _l("新的时间已过"),
}


@dataclass(frozen=True)
class Cell:
    """One day of the year's table: `tone` and a `mark` besides its date, and the whole story as a title."""

    day: date
    tone: str
    mark: str
    title: str


@dataclass(frozen=True)
class Week:
    number: int
    cells: tuple[Cell, ...]
    current: bool


@dataclass(frozen=True)
class TermView:
    term: Term
    weeks: tuple[Week, ...]
    last_day: date
    current: bool


def years(terms: Iterable[Term]) -> list[str]:
    return sorted({term.academic_year for term in terms}, reverse=True)


def term_views(school: SchoolCalendar, year: str, today: date, grade: str) -> list[TermView]:
    found = []
    for term in school.terms:
        if term.academic_year == year:
            plan = dates(term, grade)
            weeks = tuple(_week(school, term, grade, number, today) for number in range(1, plan.weeks + 1))
            last = plan.end_day - timedelta(days=1)
            found.append(TermView(term, weeks, last, plan.week_of(today) is not None))
    return found


def _week(school: SchoolCalendar, term: Term, grade: str, number: int, today: date) -> Week:
    calendar = school.of(term, grade)
    days = [calendar.term.day(number, weekday) for weekday in range(1, 8)]
    return Week(number, tuple(cell(day_plan(calendar, day)) for day in days), today in days)


def cell(plan: DayPlan) -> Cell:
    if plan.reason == "swapped" and plan.held is not None:
        mark = _("补 %(day)s", day=f"{plan.held:%m-%d}")
        return Cell(plan.day, "swap", mark, swapped(plan))
    if plan.reason in ("holiday", "moved"):
        name = plan.name or str(KINDS["holiday"])
        story = _("%(name)s，课在 %(day)s 补", name=name, day=plan.elsewhere) if plan.elsewhere else name
        return Cell(plan.day, "off", _("休"), story)
    if plan.reason == "normal":
        return Cell(plan.day, "", _("班"), plan.name or str(KINDS["normal"]))
    return Cell(plan.day, "", "", "")


def swapped(plan: DayPlan) -> str:
    """补 10-06 周二（第5周）的课."""
    assert plan.held is not None
    weekday = SHORT_WEEKDAYS[plan.held.weekday()]
    return _("补 %(day)s %(weekday)s（第%(week)s周）的课", day=f"{plan.held:%m-%d}", weekday=weekday, week=plan.week)


# --- special days as they are listed ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """Neighbouring days of one kind and name."""

    kind: str
    name: str
    first: date
    last: date
    ids: tuple[int, ...]
    takes: date | None = None

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


def groups(rows: Sequence[SpecialDay]) -> list[Group]:
    """In the order of the days."""
    found: list[Group] = []
    for row in sorted(rows, key=lambda row: row.day):
        last = found[-1] if found else None
        same = last is not None and (last.kind, last.name) == (row.kind, row.name) and row.kind != "swapped"
        if last is not None and same and row.day - last.last == timedelta(days=1):
            found[-1] = Group(row.kind, row.name, last.first, row.day, (*last.ids, row.id))
        else:
            found.append(Group(row.kind, row.name, row.day, row.day, (row.id,), row.takes))
    return found


def shown_days(session: Session, place: int) -> dict[str, list[Group]]:
    """A calendar's own special days, and those that it inherits."""
    here = sa.or_(SpecialDay.school_id.is_(None), SpecialDay.school_id == (place or None))
    listed = list(session.scalars(sa.select(SpecialDay).where(here)))
    own = [row for row in listed if (row.school_id or 0) == place]
    return {"own": groups(own), "inherited": groups([row for row in listed if row.school_id is None]) if place else []}


def month_day(day: date) -> str:
    return f"{day:%m-%d}"


def day_text(day: date) -> str:
    return _("%(month)s 月 %(day)s 日", month=day.month, day=day.day)


def day_with_weekday(day: date) -> str:
    return f"{day:%Y-%m-%d} {SHORT_WEEKDAYS[day.weekday()]}"


# --- period tables ----------------------------------------------------------------------------------------------


def scope_text(bells: Bells) -> str:
    """When a table is in force, in words."""
    parts = [_("%(day)s 起", day=bells.from_day)]
    if bells.until_day:
        parts[0] = _("%(first)s 至 %(last)s", first=bells.from_day, last=bells.until_day)
    if bells.season != ALL_YEAR:
        first, last = (season_text(each) for each in bells.season)
        parts.append(_("每年 %(first)s 至 %(last)s", first=first, last=last))
    if bells.weekdays != ALL_WEEKDAYS:
        parts.append(_("、").join(str(SHORT_WEEKDAYS[int(digit) - 1]) for digit in bells.weekdays))
    return " · ".join(parts)


# --- what a change does -----------------------------------------------------------------------------------------


def title(name: Described | None) -> str:
    return ((english() and name.title_en) or name.title_zh) if name else "—"


@dataclass(frozen=True)
class Line:
    """One meeting in the preview."""

    title: str
    url: str
    week: int
    before: str
    after: str
    why: str


def lines(effects: Effects, moves: Sequence[Move], most: int) -> list[Line]:
    return [_line(effects, move) for move in moves[:most]]


def _line(effects: Effects, move: Move) -> Line:
    name = effects.names.get(move.source)
    shown = move.before or move.after
    assert shown is not None
    return Line(
        title(name), name.url if name else "", shown.week,
        when(move.before.starts) if move.before else "", _to(move), str(REASONS.get(move.reason, "")),
    )  # fmt: skip


def _to(move: Move) -> str:
    """Only the hour where the day stays the same."""
    if move.after is None:
        return ""
    same_day = move.before is not None and local(move.before.starts).date() == local(move.after.starts).date()
    span = f"{local(move.after.starts):%H:%M}–{local(move.after.ends):%H:%M}"
    return span if same_day else f"{when(move.after.starts)}–{local(move.after.ends):%H:%M}"
