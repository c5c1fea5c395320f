"""Sheet → records: which column is what, and every cell parsed by its column's field."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields

from zutuan.fields import field_errors
from zutuan.importing.sheets import Cell, Row, RowError, Sheet

REPORT_EVERY = 500  # rows between two calls of `progress`

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Column:
    """A column: its name, the field that parses it, and what else its header may be called."""

    name: str
    field: fields.Field[Any]
    titles: tuple[str, ...] = ()
    needed: bool = False

    def matches(self, title: str) -> bool:
        return title_key(title) in {title_key(each) for each in (self.name, *self.titles)}

    @property
    def title(self) -> str:
        """What a template calls it."""
        return self.titles[0] if self.titles else self.name


@dataclass(frozen=True)
class Record:
    """A row whose every cell fits its column. A column that the file does not have is absent from `values`."""

    line: int
    values: Mapping[str, Any]


def title_key(text: str) -> str:
    """A header as it is compared: width, case, spaces, marks for "needed" and underscores do not matter."""
    return re.sub(r"[\s_\-*]+", "", unicodedata.normalize("NFKC", text)).casefold()


# Columns of other people's lists that say nothing to any import.
# The last two are what a returned workbook has more than the file it came from (`mending`).
PLACE, REASON = "原文件行号（请勿修改）", "错误原因"
_IGNORED = frozenset(
    title_key(text) for text in (PLACE, REASON, "序号", "编号", "备注", "说明", "no", "no.", "note", "remark")
)


def matches(titles: Sequence[str], columns: Sequence[Column]) -> int:
    """How many of the columns these titles name."""
    return sum(any(column.matches(title) for title in titles) for column in columns)


def map_columns(
    sheet: Sheet, columns: Sequence[Column], *, extra: bool = False, chosen: Mapping[str, str] | None = None
) -> tuple[list[Column | None], list[RowError]]:
    """For each of the sheet's columns what it is (None: ignored), and the errors of its header.

    With `extra`, columns that nobody knows are passed over instead of refused. `chosen` (title → column name, or ""
    for "not this one") goes before what the titles say.
    """
    found: list[Column | None] = []
    errors: list[RowError] = []
    names = tuple(each.name for each in columns)
    for number, title in enumerate(sheet.columns, 1):
        column = _column(title, columns, chosen or {})
        if column is not None and column in found:
            errors.append(RowError(sheet.header_line, title, "import_duplicate_column", {"column": column.name}))
        elif column is None and not extra and title_key(title) not in _IGNORED:
            where = title or f"#{number}"
            errors.append(RowError(sheet.header_line, where, "import_unknown_column", {"columns": names}))
        found.append(column)
    missing = [each for each in columns if each.needed and each not in found]
    for each in missing:
        said = {"titles": " / ".join((each.name, *each.titles[:1]))}
        errors.append(RowError(sheet.header_line, each.name, "import_missing_column", said))
    return found, errors


def _column(title: str, columns: Sequence[Column], chosen: Mapping[str, str]) -> Column | None:
    if title in chosen:
        return next((each for each in columns if each.name == chosen[title]), None)
    return next((each for each in columns if each.matches(title)), None)


def parse(
    sheet: Sheet,
    columns: Sequence[Column],
    progress: Progress | None = None,
    *,
    extra: bool = False,
    chosen: Mapping[str, str] | None = None,
) -> tuple[list[Record], list[RowError]]:
    """The records of all rows that fit, and every error of the others. A bad header yields no records."""
    mapping, errors = map_columns(sheet, columns, extra=extra, chosen=chosen)
    if errors or not sheet.columns:
        return [], errors
    records: list[Record] = []
    for number, row in enumerate(sheet.rows, 1):
        values, bad = _parse_row(row, mapping)
        errors += bad
        if not bad:
            records.append(Record(row.line, values))
        if progress and (number % REPORT_EVERY == 0 or number == len(sheet.rows)):
            progress(number, len(sheet.rows))
    return records, errors


def _parse_row(row: Row, mapping: Sequence[Column | None]) -> tuple[dict[str, Any], list[RowError]]:
    values: dict[str, Any] = {}
    errors: list[RowError] = []
    for column, text in zip(mapping, row.cells, strict=True):
        if column is None:
            continue
        if isinstance(text, Cell):
            errors.append(RowError(row.line, column.name, text.flaw, {"text": str(text)}))
            continue
        try:
            values[column.name] = column.field.deserialize(text)
        except ValidationError as error:
            found = field_errors(error.messages)
            errors += [RowError(row.line, column.name, each.code, each.params) for each in found]
    return values, errors


class Seen:
    """Values that must be unique within one file, and the line on which each was first."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, Any], int] = {}

    def again(self, line: int, column: str, value: Any) -> RowError | None:
        first = self._lines.setdefault((column, value), line)
        return None if first == line else RowError(line, column, "import_duplicate_row", {"line": first})
