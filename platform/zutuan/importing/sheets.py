"""A table as it was read, whatever the file was: rows of text cells, and what stands against reading them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zutuan.errors import known_codes, say

MAX_COLUMNS = 100
MAX_ROWS = 50_000
# Titles and remarks that schools put above the header are looked through this far.
HEADER_WITHIN = 10


@dataclass(frozen=True)
class RowError:
    """What is wrong with a row. `line` is the file's own (1 is the first, 0 the file); `code` as in `errors.say`."""

    line: int
    column: str
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        code = self.code if self.code in known_codes() else "field_invalid"
        return " ".join(part for part in say(code, self.params) if part)


class Cell(str):
    """Text of a cell that cannot be taken at its word: `flaw` is the code that says why (a formula, a rounded number)."""

    flaw: str

    def __new__(cls, text: str, flaw: str) -> Cell:
        self = super().__new__(cls, text)
        self.flaw = flaw
        return self


@dataclass(frozen=True)
class Row:
    """One row of a sheet, with the line of the file on which it starts."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Raw:
    """What a reader found: rows that are not blank, in the file's order, ragged as they may be."""

    rows: tuple[Row, ...] = ()
    errors: tuple[RowError, ...] = ()
    encoding: str = ""


@dataclass(frozen=True)
class Sheet:
    """A table with its header (on `header_line`), full rows, and what could not be read; `ragged` rows are errors too."""

    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    errors: tuple[RowError, ...] = ()
    encoding: str = ""
    header_line: int = 1
    ragged: tuple[Row, ...] = ()


class Unreadable(Exception):
    """The bytes are no table of ours; `code` says why."""

    def __init__(self, code: str, **params: Any) -> None:
        self.code, self.params = code, params
        super().__init__(code)


def unreadable(error: Unreadable) -> Raw:
    return Raw(errors=(RowError(0, "", error.code, error.params),))


def to_sheet(raw: Raw, header_at: int = 0) -> Sheet:
    """The sheet whose header is the row of that index. Nothing above it is kept."""
    if not raw.rows:
        return Sheet(errors=raw.errors or (RowError(0, "", "import_empty"),), encoding=raw.encoding)
    header, *body = _trimmed(raw.rows[header_at:])
    width, line = len(header.cells), header.line
    if width > MAX_COLUMNS:
        return _refused(raw, RowError(line, "", "import_too_wide", {"columns": width, "max": MAX_COLUMNS}))
    if len(body) > MAX_ROWS:
        return _refused(raw, RowError(0, "", "import_too_many_rows", {"rows": len(body), "max": MAX_ROWS}))
    full = [row for row in body if len(row.cells) == width]
    ragged = tuple(row for row in body if len(row.cells) != width)
    errors = (*raw.errors, *(_ragged(row, width) for row in ragged))
    return Sheet(header.cells, tuple(full), errors, raw.encoding, line, ragged)


def _refused(raw: Raw, error: RowError) -> Sheet:
    return Sheet(errors=(error,), encoding=raw.encoding)


def _trimmed(rows: Sequence[Row]) -> list[Row]:
    """Without the empty columns that spreadsheets leave behind the header's last."""
    width = max((number for number, cell in enumerate(rows[0].cells, 1) if cell), default=0)
    return [row if any(row.cells[width:]) else Row(row.line, row.cells[:width]) for row in rows]


def _ragged(row: Row, width: int) -> RowError:
    return RowError(row.line, "", "import_ragged", {"columns": width, "cells": len(row.cells)})
