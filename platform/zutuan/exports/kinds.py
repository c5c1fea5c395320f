"""Which tables can be exported in an order that a school saves; features declare them, the composition root says so once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ExportColumn:
    """One column that a table can have; `value` reads it from a row of the feature's own."""

    name: str
    label: Any
    value: Callable[[Any], Any]


@dataclass(frozen=True)
class Preset:
    """A format that comes with the platform: to be used, or copied. `columns`: (column, head); without a head the
    column's own label stands there. Heads are written in Chinese whatever language the page is read in: other systems
    look for them."""

    name: str
    label: Any
    columns: Sequence[tuple[str, Any]]
    file_type: str = "xlsx"


@dataclass(frozen=True)
class ExportKind:
    """A table that a feature exports: the columns it can have, in their usual order, and the formats it comes with."""

    name: str
    label: Any
    columns: tuple[ExportColumn, ...]
    presets: tuple[Preset, ...] = ()

    def column(self, name: str) -> ExportColumn | None:
        return next((each for each in self.columns if each.name == name), None)


_kinds: dict[str, ExportKind] = {}


def learn(kinds: Iterable[ExportKind]) -> None:
    _kinds.update({kind.name: kind for kind in kinds})


def named(name: str) -> ExportKind | None:
    return _kinds.get(name)


def every() -> list[ExportKind]:
    return list(_kinds.values())
