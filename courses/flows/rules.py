"""Figures on plain values: percentiles, sums of rows by school, what changed since a freeze, how dark a cell is."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

# (figure, home school, host school); without a school: over all of them
Cell = tuple[str, int | None, int | None]
Values = Mapping[Cell, Decimal | None]

_TERM = re.compile(r"(20[0-9]{2})-(20[0-9]{2})-([1-4])")
_TENTH = Decimal("0.1")
DARKEST = 5


@dataclass(frozen=True, order=True)
class TermKey:
    """学期 of a cluster: its schools' terms match by academic year and number. Written 2026-2027-1."""

    year: str
    number: int

    @property
    def text(self) -> str:
        return f"{self.year}-{self.number}"

    @classmethod
    def read(cls, text: str) -> TermKey | None:
        found = _TERM.fullmatch(text)
        if found is None or int(found[2]) != int(found[1]) + 1:
            return None
        return cls(f"{found[1]}-{found[2]}", int(found[3]))


# --- numbers ----------------------------------------------------------------------------------------------------


def percentile(values: Iterable[int], percent: int) -> int | None:
    """By nearest rank: the smallest value that at least so many percent do not exceed. None of nothing."""
    ordered = sorted(values)
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else None


def hours(seconds: int | None) -> Decimal | None:
    """In hours, to a tenth."""
    return None if seconds is None else (Decimal(seconds) / 3600).quantize(_TENTH, ROUND_HALF_UP)


def share(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    """`part` of `whole` in percent, to a tenth; None where there is no whole."""
    return ((part or Decimal(0)) * 100 / whole).quantize(_TENTH, ROUND_HALF_UP) if whole else None


@dataclass(frozen=True)
class Row:
    """One row that a figure counts: its id, its two schools as far as the figure tells them apart, and what it adds."""

    id: int
    home: int | None
    host: int | None
    adds: int | Decimal


def places(home: int | None, host: int | None) -> set[tuple[int | None, int | None]]:
    """Every cell that a row of these schools counts in: its pair, either school alone, and the whole."""
    return {(home, host), (home, None), (None, host), (None, None)}


def gather(
    rows: Iterable[Row], measure: Callable[[Sequence[int | Decimal]], Decimal | None]
) -> tuple[dict[tuple[int | None, int | None], Decimal | None], dict[tuple[int | None, int | None], list[int]]]:
    """(home, host) → what `measure` makes of the rows there; and (home, host) → their ids, each row once, at its pair."""
    adds: dict[tuple[int | None, int | None], list[int | Decimal]] = {}
    ids: dict[tuple[int | None, int | None], list[int]] = {}
    for row in rows:
        ids.setdefault((row.home, row.host), []).append(row.id)
        for place in places(row.home, row.host):
            adds.setdefault(place, []).append(row.adds)
    return {place: measure(found) for place, found in adds.items()}, ids


def rolled_up(cells: Mapping[tuple[int | None, int | None], Decimal]) -> dict[tuple[int | None, int | None], Decimal]:
    """The sums over either school and over all, beside the cells themselves."""
    found: dict[tuple[int | None, int | None], Decimal] = {}
    for (home, host), value in cells.items():
        for place in places(home, host):
            found[place] = found.get(place, Decimal(0)) + value
    return found


# --- whose ------------------------------------------------------------------------------------------------------


def of_schools(values: Values, schools: frozenset[int]) -> dict[Cell, Decimal | None]:
    """What concerns these schools: pairs with one of them, and their own lines; no sum over others."""
    return {cell: value for cell, value in values.items() if _concerns(cell, schools)}


def _concerns(cell: Cell, schools: frozenset[int]) -> bool:
    _figure, home, host = cell
    if home is not None and host is not None:
        return home in schools or host in schools
    return (home if home is not None else host) in schools


# --- then and now -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """A cell that says something else now; None: there was, or is, nothing to measure."""

    cell: Cell
    then: Decimal | None
    now: Decimal | None

    @property
    def change(self) -> Decimal | None:
        return None if self.then is None or self.now is None else self.now - self.then


def differences(then: Values, now: Values, empty: Mapping[str, Decimal | None]) -> list[Difference]:
    """The cells that differ. `empty`: figure → what a cell without rows says (0, or nothing)."""
    found = []
    for cell in sorted({*then, *now}, key=_in_order):
        before, after = then.get(cell, empty.get(cell[0])), now.get(cell, empty.get(cell[0]))
        if before != after:
            found.append(Difference(cell, before, after))
    return found


def _in_order(cell: Cell) -> tuple[str, int, int]:
    return cell[0], cell[1] or 0, cell[2] or 0


# --- looks ------------------------------------------------------------------------------------------------------


def shade(value: Decimal | None, highest: Decimal) -> int:
    """How dark a cell of the matrix is, from 0 (nothing) to DARKEST (the highest)."""
    return math.ceil(value * DARKEST / highest) if value and highest > 0 else 0
