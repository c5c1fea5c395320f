"""Weeks, periods and meetings as pure values: from "weekday + periods + weeks" to absolute intervals."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from zutuan.clock import at_shanghai, local
from zutuan.decision import Refusal

MAX_WEEK = 60
_PART = re.compile(r"([0-9]{1,2})(?:\s*[-–~]\s*([0-9]{1,2}))?([eo]?)")  # noqa: RUF001


@dataclass(frozen=True)
class TermDates:
    first_day: date
    weeks: int

    @property
    def end_day(self) -> date:
        """The day after the last Sunday."""
        return self.first_day + timedelta(weeks=self.weeks)

    def day(self, week: int, weekday: int) -> date:
        return self.first_day + timedelta(days=(week - 1) * 7 + weekday - 1)

    def week_of(self, day: date) -> int | None:
        """1-based week number, or None outside the term."""
        week = (day - self.first_day).days // 7 + 1
        return week if 1 <= week <= self.weeks else None


@dataclass(frozen=True)
class Pattern:
    """Meets on `weekday` (1 Monday … 7 Sunday) in periods first..last of these weeks."""

    weekday: int
    first_period: int
    last_period: int
    weeks: str


@dataclass(frozen=True)
class Interval:
    """[starts, ends) in UTC, and the week it falls into."""

    week: int
    starts: datetime
    ends: datetime


def parse_weeks(text: str) -> list[int] | Refusal:
    """`1-8,10-16e` → week numbers (e: even weeks only, o: odd), sorted, without repeats."""
    weeks: set[int] = set()
    for part in re.split(r"\s*[,，]\s*", text.strip()):  # noqa: RUF001
        match = _PART.fullmatch(part)
        if match is None:
            return Refusal("bad_weeks")
        first = int(match[1])
        last = int(match[2] or match[1])
        if not 1 <= first <= last <= MAX_WEEK:
            return Refusal("bad_weeks")
        parity = {"e": 0, "o": 1}.get(match[3])
        weeks |= {week for week in range(first, last + 1) if parity is None or week % 2 == parity}
    return sorted(weeks) or Refusal("bad_weeks")


def weeks_of(pattern: Pattern) -> list[int]:
    """The weeks of a pattern that was accepted when it was written."""
    weeks = parse_weeks(pattern.weeks)
    assert not isinstance(weeks, Refusal), pattern.weeks
    return weeks


def check_pattern(pattern: Pattern, term: TermDates, periods: Sequence[int]) -> tuple[str, Refusal] | None:
    """The field that does not fit the school's term and period table, and why."""
    weeks = parse_weeks(pattern.weeks)
    if isinstance(weeks, Refusal):
        return "weeks", weeks
    if weeks[-1] > term.weeks:
        return "weeks", Refusal("week_not_in_term", {"week": weeks[-1], "weeks": term.weeks})
    if pattern.last_period < pattern.first_period:
        return "last_period", Refusal("ends_before_start")
    for name, number in (("first_period", pattern.first_period), ("last_period", pattern.last_period)):
        if number not in periods:
            return name, Refusal("no_such_period", {"period": number})
    return None


def expand(pattern: Pattern, term: TermDates, periods: Mapping[int, tuple[int, int]]) -> list[Interval]:
    """The absolute intervals of a pattern that `check_pattern` accepts. `periods`: number → (starts, ends) in minutes."""
    weeks = weeks_of(pattern)
    starts, ends = periods[pattern.first_period][0], periods[pattern.last_period][1]
    intervals = []
    for week in weeks:
        day = term.day(week, pattern.weekday)
        intervals.append(Interval(week, at(day, starts), at(day, ends)))
    return intervals


def at(day: date, minutes: int) -> datetime:
    """The instant of so many minutes after that day's midnight in Shanghai."""
    return at_shanghai(day) + timedelta(minutes=minutes)


def overlap(first: Pattern, second: Pattern) -> bool:
    """Whether two patterns of one school and term share a period in some week."""
    if first.weekday != second.weekday:
        return False
    if first.last_period < second.first_period or second.last_period < first.first_period:
        return False
    mine, theirs = parse_weeks(first.weeks), parse_weeks(second.weeks)
    return not isinstance(mine, Refusal) and not isinstance(theirs, Refusal) and bool(set(mine) & set(theirs))


def clock_text(moment: datetime) -> str:
    return local(moment).strftime("%H:%M")
