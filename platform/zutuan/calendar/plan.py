"""A school's calendar as one pure value, and what it makes of meetings: which day's classes a date holds, and when.

A *special day* is what a registrar enters: a holiday, a swapped day (调休: the classes of another date are held), or a
day on which classes are held after all. Classes that are held on another date are not held on their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property

from zutuan.calendar.rules import Pattern, TermDates, at, weeks_of
from zutuan.decision import FieldError, Refusal

SPECIAL_KINDS = ("holiday", "swapped", "normal")
ALL_WEEKDAYS = "1234567"
ALL_YEAR = (101, 1231)
Times = Mapping[int, tuple[int, int]]  # period → (starts, ends) in minutes since midnight


@dataclass(frozen=True)
class Special:
    """What is special about a day. `takes` is the date whose classes a swapped day holds; `inherited` when it was
    entered for all schools."""

    day: date
    kind: str
    name: str = ""
    takes: date | None = None
    inherited: bool = False


@dataclass(frozen=True)
class Bells:
    """One period table and when it is in force: from a day (until another), in a season of each year given as month *
    100 + day (it may run over New Year), on these weekdays."""

    from_day: date
    times: Times
    until_day: date | None = None
    season: tuple[int, int] = ALL_YEAR
    weekdays: str = ALL_WEEKDAYS
    name: str = ""
    id: int = 0

    def covers(self, day: date, weekday: int) -> bool:
        if day < self.from_day or (self.until_day is not None and day > self.until_day):
            return False
        first, last = self.season
        here = day.month * 100 + day.day
        in_season = first <= here <= last if first <= last else here >= first or here <= last
        return in_season and str(weekday) in self.weekdays

    @property
    def rank(self) -> tuple[int, int, date]:
        """The more special table wins: season and weekday, then season, then weekday; among equals the later one."""
        seasonal, by_weekday = self.season != ALL_YEAR, len(self.weekdays) < 7
        return seasonal + by_weekday, int(seasonal), self.from_day


@dataclass(frozen=True)
class Calendar:
    """What decides when the meetings of one term (of one grade) take place."""

    term: TermDates
    specials: Mapping[date, Special] = field(default_factory=dict)
    bells: tuple[Bells, ...] = ()

    @cached_property
    def held_on(self) -> dict[date, date]:
        """Date → the other date on which its classes are held."""
        return {s.takes: s.day for s in self.specials.values() if s.kind == "swapped" and s.takes is not None}

    @cached_property
    def _times(self) -> dict[tuple[date, int], Times]:
        return {}

    @cached_property
    def periods(self) -> dict[int, tuple[int, int]]:
        """Every period that any table rings, for a first look at what was typed."""
        return {number: times for table in self.bells for number, times in table.times.items()}

    def times(self, day: date, weekday: int | None = None) -> Times:
        """The period table of a day. A swapped day rings as its own season does on the weekday whose classes it holds."""
        key = (day, weekday or day.isoweekday())
        if key not in self._times:
            table = bells_of(self.bells, *key)
            self._times[key] = table.times if table else {}
        return self._times[key]


def bells_of(tables: Iterable[Bells], day: date, weekday: int) -> Bells | None:
    """The period table in force on that day for classes of that weekday."""
    covering = [table for table in tables if table.covers(day, weekday)]
    return max(covering, key=lambda table: table.rank) if covering else None


def effective(inherited: Iterable[Special], own: Iterable[Special]) -> dict[date, Special]:
    """Special days of a school: its own word on a day goes before what was entered for all."""
    found = {each.day: replace(each, inherited=True) for each in inherited}
    return found | {each.day: each for each in own}


# --- what a day holds -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DayPlan:
    """What is held on a date: the classes of `held` (mostly of the date itself), or none, and why: `term` (an ordinary
    day), `normal` (held after all), `swapped`, `holiday`, `moved` (held on `elsewhere`), `outside` the term."""

    day: date
    held: date | None
    reason: str
    name: str = ""
    week: int | None = None
    elsewhere: date | None = None


def day_plan(calendar: Calendar, day: date) -> DayPlan:
    """Which date's classes are held on that day; `week` is the held classes' own week, else the day's."""
    special, elsewhere = calendar.specials.get(day), calendar.held_on.get(day)
    week = calendar.term.week_of(day)
    if special is not None and special.kind == "swapped" and special.takes is not None:
        taken = calendar.term.week_of(special.takes)
        held = special.takes if taken is not None else None
        return DayPlan(day, held, "swapped", special.name, taken if held else week, elsewhere)
    if special is not None and special.kind == "holiday":
        return DayPlan(day, None, "holiday", special.name, week, elsewhere)
    if elsewhere is not None:
        return DayPlan(day, None, "moved", calendar.specials[elsewhere].name, week, elsewhere)
    if week is None:
        return DayPlan(day, None, "outside")
    return DayPlan(day, day, "normal" if special else "term", special.name if special else "", week)


def date_of(calendar: Calendar, own_day: date) -> date | None:
    """On which date the classes of that day are held: its own, another one, or none."""
    elsewhere = calendar.held_on.get(own_day)
    if elsewhere is not None:
        return elsewhere
    special = calendar.specials.get(own_day)
    return own_day if special is None or special.kind == "normal" else None


# --- meetings ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class Meeting:
    """One meeting at its absolute time. Week, weekday and first period say which one of its pattern it is, wherever a
    changed calendar moves it."""

    starts: datetime
    ends: datetime
    week: int
    weekday: int
    period: int

    @property
    def key(self) -> tuple[int, int, int]:
        return self.week, self.weekday, self.period


@dataclass(frozen=True)
class Lost:
    """A meeting of a pattern that does not take place: `holiday` without make-up, or `outside` / `no_period`."""

    week: int
    weekday: int
    period: int
    day: date
    reason: str


@dataclass(frozen=True)
class Expansion:
    meetings: tuple[Meeting, ...]
    lost: tuple[Lost, ...]


def expand(patterns: Sequence[Pattern], calendar: Calendar) -> Expansion:
    """The absolute meetings of patterns, in time's order, and those that the calendar leaves no place for."""
    meetings: list[Meeting] = []
    lost: list[Lost] = []
    for pattern in patterns:
        for week in weeks_of(pattern):
            found = _place(pattern, week, calendar)
            if isinstance(found, Meeting):
                meetings.append(found)
            else:
                lost.append(found)
    return Expansion(tuple(sorted(meetings)), tuple(sorted(lost, key=lambda each: (each.day, each.period))))


def _place(pattern: Pattern, week: int, calendar: Calendar) -> Meeting | Lost:
    own_day = calendar.term.day(week, pattern.weekday)
    missing = (week, pattern.weekday, pattern.first_period, own_day)
    if week > calendar.term.weeks:
        return Lost(*missing, "outside")
    day = date_of(calendar, own_day)
    if day is None:
        return Lost(*missing, "holiday")
    times = calendar.times(day, pattern.weekday)
    if pattern.first_period not in times or pattern.last_period not in times:
        return Lost(*missing, "no_period")
    starts, ends = times[pattern.first_period][0], times[pattern.last_period][1]
    return Meeting(at(day, starts), at(day, ends), week, pattern.weekday, pattern.first_period)


def with_fixed(meetings: Iterable[Meeting], fixed: Mapping[tuple[int, int, int], Meeting | None]) -> list[Meeting]:
    """The meetings as they take place: one that somebody has moved is where it was put, also where the calendar itself
    would leave no place for it; one that was called off is none."""
    kept = [each for each in meetings if each.key not in fixed]
    return sorted([*kept, *(each for each in fixed.values() if each is not None)])


# --- what a registrar may enter ---------------------------------------------------------------------------------


def check_times(rows: Sequence[tuple[int, int, int]]) -> list[FieldError]:
    """Periods as (number, starts, ends): each ends after it starts, and after the one before has ended."""
    errors = []
    before = 0
    seen: set[int] = set()
    for index, (number, starts, ends) in enumerate(rows):
        if number in seen:
            errors.append(FieldError(f"periods.{index}.number", "period_twice", {"period": number}))
        elif ends <= starts:
            errors.append(FieldError(f"periods.{index}.ends", "ends_before_start"))
        elif starts < before:
            errors.append(FieldError(f"periods.{index}.starts", "period_overlaps", {"period": number}))
        seen.add(number)
        before = max(before, ends)
    return errors


def check_special(new: Special, others: Mapping[date, Special]) -> Refusal | None:
    """Whether a special day fits the school's (or all schools') others, `others` being without the day's own old row."""
    if new.kind == "swapped":
        return _check_swap(new, others)
    taken = next((s for s in others.values() if s.takes == new.day and s.kind == "swapped"), None)
    if new.kind == "normal" and taken is not None:
        return Refusal("swap_source_normal", {"day": new.day, "on": taken.day})
    return None


def _check_swap(new: Special, others: Mapping[date, Special]) -> Refusal | None:
    if new.takes is None:
        return Refusal("required")
    if new.takes == new.day:
        return Refusal("swap_same_day")
    here, source = others.get(new.day), others.get(new.takes)
    if here is not None and here.kind == "holiday":
        return Refusal("swap_onto_holiday", {"day": new.day, "name": here.name})
    if source is not None and source.kind == "swapped":
        return Refusal("swap_chain", {"day": new.takes})
    if source is not None and source.kind == "normal":
        return Refusal("swap_source_normal", {"day": new.takes, "on": new.day})
    for each in others.values():
        if each.kind == "swapped" and each.takes == new.takes and each.day != new.day:
            return Refusal("swap_twice", {"day": new.takes, "on": each.day})
        if each.kind == "swapped" and each.takes == new.day and each.day != new.day:
            return Refusal("swap_chain", {"day": new.day})
    return None


@dataclass(frozen=True)
class Span:
    """A term as its neighbours see it; `grade` where it is the exception of one."""

    first_day: date
    weeks: int
    grade: str = ""
    label: str = ""

    @property
    def end_day(self) -> date:
        return self.first_day + timedelta(weeks=self.weeks)


def overlapping(new: Sequence[Span], others: Iterable[Sequence[Span]]) -> tuple[Span, Span] | None:
    """A span of the new term and one of another that share a day for some grade. Each list is a term: its usual dates
    (grade '') and the exceptions; a grade with an exception of its own is not bound by the usual dates."""
    for other in others:
        grades = {span.grade for span in (*new, *other)}
        for grade in sorted(grades):
            mine, theirs = _for_grade(new, grade), _for_grade(other, grade)
            if mine.first_day < theirs.end_day and theirs.first_day < mine.end_day:
                return mine, theirs
    return None


def _for_grade(term: Sequence[Span], grade: str) -> Span:
    return next((span for span in term if span.grade == grade), term[0])
