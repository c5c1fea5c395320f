"""Meeting times as 教务系统 print them, read and written: `星期三第6-8节{2-8周,10-16周(双)}` and its many cousins.

Reading is `pattern_reading.py`. Writing is canonical, so that what was written reads back as the same value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from zutuan.calendar.pattern_reading import DAYS, MAX_PERIOD, MOST_SEGMENTS, Written, of_parity, read
from zutuan.calendar.rules import Pattern, weeks_of
from zutuan.decision import Refusal

__all__ = [
    "MAX_PERIOD",
    "MOST_SEGMENTS",
    "Written",
    "lines_of",
    "read",
    "rows",
    "runs",
    "week_parts",
    "week_text",
    "write",
]

_EVERY = {"all": "每周", "odd": "单周", "even": "双周"}


# --- writing ----------------------------------------------------------------------------------------------------


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Consecutive numbers as (first, last): 1, 2, 5 → (1, 2), (5, 5)."""
    found: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def week_parts(weeks: Iterable[int]) -> list[tuple[int, int, str]]:
    """Weeks as few (first, last, parity): neighbours first, then every second week (`o`dd, `e`ven) from three on."""
    left = sorted(set(weeks))
    parts = []
    while left:
        close, wide = _stretch(left, 1), _stretch(left, 2)
        step = 1 if close > 1 or wide < 3 else 2
        length = close if step == 1 else wide
        first, last = left[0], left[0] + (length - 1) * step
        parts.append((first, last, "" if step == 1 else "eo"[first % 2]))
        left = [week for week in left if week not in range(first, last + 1, step)]
    return parts


def _stretch(weeks: Sequence[int], step: int) -> int:
    """How many weeks follow each other at that distance from the first on, with none of the others between."""
    there, length = set(weeks), 1
    while weeks[0] + length * step in there and (step == 1 or weeks[0] + length * step - 1 not in there):
        length += 1
    return length


def week_text(weeks: Iterable[int]) -> str:
    """As the forms keep them: 1-8,10-16e."""
    return ",".join(f"{_span(first, last)}{parity}" for first, last, parity in week_parts(weeks))


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def write(lines: Sequence[Written]) -> str:
    """`星期三第6-8节{2-8周,10-16周(双)}`, several joined by semicolons."""
    return "; ".join(_write_one(line) for line in lines)


def _write_one(line: Written) -> str:
    day = f"星期{DAYS[line.weekday - 1]}" if line.weekday else ""
    periods = ",".join(_span(*run) for run in runs(line.periods))
    return f"{day}第{periods}节{{{_EVERY[line.every] if line.every else _write_weeks(line.weeks)}}}"


def _write_weeks(weeks: Sequence[int]) -> str:
    sign = {"": "", "e": "(双)", "o": "(单)"}
    return ",".join(f"{_span(first, last)}周{sign[parity]}" for first, last, parity in week_parts(weeks))


# --- lines ↔ the rows that are kept -----------------------------------------------------------------------------


def rows(lines: Sequence[Written], weeks: int, weekday: int | None = None) -> list[Pattern] | Refusal:
    """The lines as rows of a term of so many weeks: periods apart become rows apart. `weekday` stands in for a line
    that names none."""
    found = []
    for line in lines:
        day = line.weekday or weekday
        if day is None:
            return Refusal("pattern_no_weekday", {"part": _write_one(line)})
        meant = of_parity(range(1, weeks + 1), {"odd": "o", "even": "e"}.get(line.every, ""))
        text = week_text(meant if line.every else line.weeks)
        found += [Pattern(day, first, last, text) for first, last in runs(line.periods)]
    return found


def lines_of(patterns: Sequence[Pattern]) -> list[Written]:
    """Rows as lines: rows of the same day and weeks become one."""
    found: dict[tuple[int, tuple[int, ...]], Written] = {}
    for each in patterns:
        weeks = tuple(weeks_of(each))
        periods = tuple(range(each.first_period, each.last_period + 1))
        known = found.get((each.weekday, weeks), Written(each.weekday, (), weeks))
        found[each.weekday, weeks] = replace(known, periods=tuple(sorted({*known.periods, *periods})))
    return list(found.values())
