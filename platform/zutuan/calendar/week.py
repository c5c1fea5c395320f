"""Somebody's week as a grid of their own school's periods: pure, so that every odd hour can be tried."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from zutuan.calendar.plan import Times
from zutuan.clock import local

# Parts of the day, where no school's periods are known: (starts, ends) in minutes since midnight.
PARTS = ((0, 720), (720, 1080), (1080, 1440))


@dataclass(frozen=True)
class Band:
    """A row of the grid: periods first..last (0: no periods are known), from the first one's start on."""

    first: int
    last: int
    starts: int
    ends: int


@dataclass(frozen=True)
class Slot:
    """Something that takes time on a day. `periods` are those of one's own school that it touches, `theirs` those of the
    school that holds it."""

    day: date
    starts: datetime
    ends: datetime
    kind: str
    title_zh: str
    title_en: str = ""
    place: str = ""
    url: str = ""
    note: str = ""
    school: str = ""
    periods: tuple[int, ...] = ()
    theirs: tuple[int, ...] = ()
    own_hours: bool = False  # its hours are those of no period

    @property
    def minutes(self) -> tuple[int, int]:
        """Since the day's midnight."""
        return minutes_of(self.starts, self.day), minutes_of(self.ends, self.day)


def minutes_of(moment: datetime, day: date) -> int:
    here = local(moment)
    return (here.date() - day).days * 1440 + here.hour * 60 + here.minute


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def bands(times: Times) -> list[Band]:
    """Two periods a row, as lessons are mostly held; without a period table morning, afternoon and evening."""
    numbers = sorted(times)
    found: list[Band] = []
    while numbers:
        first = numbers.pop(0)
        double = first % 2 == 1 and numbers and numbers[0] == first + 1
        last = numbers.pop(0) if double else first
        found.append(Band(first, last, times[first][0], times[last][1]))
    return found or [Band(0, 0, *part) for part in PARTS]


def touched(times: Times, starts: int, ends: int) -> tuple[int, ...]:
    """The periods that [starts, ends) touches."""
    return tuple(number for number, (a, b) in sorted(times.items()) if a < ends and starts < b)


def rows_touched(rows: Sequence[Band], starts: int, ends: int) -> list[int]:
    """The rows that [starts, ends) touches; what lies between all of them stands in the nearest."""
    found = [index for index, row in enumerate(rows) if row.starts < ends and starts < row.ends]
    if found:
        return found
    nearest = min(range(len(rows)), key=lambda index: _distance(rows[index], starts, ends))
    return [nearest]


def _distance(row: Band, starts: int, ends: int) -> int:
    return row.starts - ends if ends <= row.starts else starts - row.ends


@dataclass(frozen=True)
class Row:
    band: Band
    cells: tuple[tuple[Slot, ...], ...]  # Monday to Sunday


def grid(slots: Iterable[Slot], monday: date, rows: Sequence[Band], times: Mapping[date, Times]) -> list[Row]:
    """Each slot in every row it touches. A day that rings at other hours than the week's rows keeps its periods' rows."""
    cells: list[list[list[Slot]]] = [[[] for _day in range(7)] for _row in rows]
    for slot in slots:
        for index in _places(slot, rows, times.get(slot.day, {})):
            cells[index][(slot.day - monday).days].append(slot)
    return [Row(band, tuple(tuple(cell) for cell in cells[index])) for index, band in enumerate(rows)]


def _places(slot: Slot, rows: Sequence[Band], times: Times) -> list[int]:
    wanted = set(touched(times, *slot.minutes))
    by_period = [n for n, row in enumerate(rows) if row.first and wanted & set(range(row.first, row.last + 1))]
    return by_period or rows_touched(rows, *slot.minutes)


def spans(numbers: Sequence[int]) -> str:
    """1, 2, 3 → 1–3."""
    return "" if not numbers else f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]}–{numbers[-1]}"
