"""The one importer of tables. Bytes become a `Sheet`, a sheet becomes records, an `Import` plans what they change.

The three steps know nothing of each other's insides, so other formats only add a way to make a `Sheet`. A dry run
lists every bad row and writes nothing; a real run writes everything or nothing; a second run finds nothing to do.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from marshmallow import ValidationError, fields
from sqlalchemy.orm import Session

from zutuan.errors import known_codes, messages, say
from zutuan.fields import field_errors
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

MAX_BYTES = 5 * 1024 * 1024
MAX_COLUMNS = 500
DELIMITERS = (",", ";", "\t")
REPORT_EVERY = 500  # rows between two calls of `progress`
# Above this share of ideographs outside GB2312, bytes that happen to decode as GB18030 are another encoding (Big5 …).
MAX_STRANGE = 0.3

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class RowError:
    """What is wrong with a row. `line` is the file's own (1 is the header, 0 the file); `code` as in `errors.say`."""

    line: int
    column: str
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        code = self.code if self.code in known_codes() else "field_invalid"
        return " ".join(part for part in say(code, self.params) if part)


@dataclass(frozen=True)
class Row:
    """One row of a sheet, with the line of the file on which it starts."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """A table as it was read: header, full rows, and what could not be read."""

    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    errors: tuple[RowError, ...] = ()
    encoding: str = ""


# --- reading: bytes → sheet -------------------------------------------------------------------------------------


class Unreadable(Exception):
    """The bytes are no text of ours; `code` says why."""

    def __init__(self, code: str, **params: Any) -> None:
        self.code, self.params = code, params
        super().__init__(code)


def read_csv(data: bytes) -> Sheet:
    """The sheet of a CSV file in UTF-8 (with or without BOM) or GB18030 (GBK), split by comma, semicolon or tab."""
    try:
        text, encoding = decode(data)
    except Unreadable as error:
        return Sheet(errors=(RowError(0, "", error.code, error.params),))
    records, errors = _records(text, _delimiter(text))
    if not records:
        return Sheet(errors=tuple(errors) or (RowError(0, "", "import_empty"),), encoding=encoding)
    header, *body = _trimmed(records)
    width = len(header.cells)
    if width > MAX_COLUMNS:
        return Sheet(
            errors=(RowError(1, "", "import_too_wide", {"columns": width, "max": MAX_COLUMNS}),), encoding=encoding
        )
    full = [row for row in body if len(row.cells) == width]
    errors += [_ragged(row, width) for row in body if len(row.cells) != width]
    return Sheet(header.cells, tuple(full), tuple(errors), encoding)


def decode(data: bytes) -> tuple[str, str]:
    """(text, encoding). Raises Unreadable: a wrong guess would store names that nobody can read."""
    if len(data) > MAX_BYTES:
        raise Unreadable("import_too_large", limit=f"{MAX_BYTES // 1024 // 1024} MB")
    if b"\x00" in data:
        raise Unreadable("import_nul")
    try:
        return data.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError as error:
        raise Unreadable("import_encoding") from error
    if not _plausible(text):
        raise Unreadable("import_encoding")
    return text, "GB18030"


def _plausible(text: str) -> bool:
    """Whether GB18030 was the right reading: almost any bytes decode, but not to the characters people use."""
    kinds = [(char, unicodedata.category(char)) for char in text if char >= "\x80"]
    if any(kind in ("Co", "Cn", "Cc") for _, kind in kinds):
        return False
    ideographs = [char for char, kind in kinds if kind == "Lo"]
    return sum(map(_strange, ideographs)) <= len(ideographs) * MAX_STRANGE


def _strange(char: str) -> bool:
    try:
        char.encode("gb2312")
    except UnicodeEncodeError:
        return True
    return False


def _delimiter(text: str) -> str:
    """The one that splits the header into most columns; the comma when none does."""
    head = text[:10_000]

    def width(delimiter: str) -> int:
        try:
            return len(next(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter), []))
        except csv.Error:
            return 0

    return max(DELIMITERS, key=width)


def _records(text: str, delimiter: str) -> tuple[list[Row], list[RowError]]:
    """Rows that are not blank. Behind a broken quotation nothing can be trusted, so reading stops there."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[Row] = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(Row(line, tuple(_cell(cell) for cell in cells)))
            line = reader.line_num + 1
    except csv.Error:
        return rows, [RowError(line, "", "import_broken")]
    return rows, []


def _cell(text: str) -> str:
    """The value without the ="…" by which exports keep spreadsheets from rounding long numbers."""
    quoted = re.fullmatch(r'\s*="([^"]*)"\s*', text)
    return (quoted[1] if quoted else text).strip()


def _trimmed(records: Sequence[Row]) -> list[Row]:
    """Without the empty columns that spreadsheets leave behind the header's last."""
    width = max((number for number, cell in enumerate(records[0].cells, 1) if cell), default=0)
    return [row if any(row.cells[width:]) else Row(row.line, row.cells[:width]) for row in records]


def _ragged(row: Row, width: int) -> RowError:
    return RowError(row.line, "", "import_ragged", {"columns": width, "cells": len(row.cells)})


# --- mapping: sheet → records -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """A column: its name, the field that parses it, and what else its header may be called."""

    name: str
    field: fields.Field[Any]
    titles: tuple[str, ...] = ()
    needed: bool = False

    def matches(self, title: str) -> bool:
        return _title(title) in {_title(each) for each in (self.name, *self.titles)}


@dataclass(frozen=True)
class Record:
    """A row whose every cell fits its column. A column that the file does not have is absent from `values`."""

    line: int
    values: Mapping[str, Any]


def _title(text: str) -> str:
    """A header as it is compared: width, case, spaces and underscores do not matter."""
    return re.sub(r"[\s_\-]+", "", unicodedata.normalize("NFKC", text)).casefold()


# Columns of other people's lists that say nothing to any import.
_IGNORED = frozenset(_title(text) for text in ("序号", "编号", "备注", "说明", "no", "no.", "note", "remark"))


def map_columns(sheet: Sheet, columns: Sequence[Column]) -> tuple[list[Column | None], list[RowError]]:
    """For each of the sheet's columns what it is (None: ignored), and the errors of its header."""
    found: list[Column | None] = []
    errors: list[RowError] = []
    for number, title in enumerate(sheet.columns, 1):
        column = next((each for each in columns if each.matches(title)), None)
        if column is not None and column in found:
            errors.append(RowError(1, title, "import_duplicate_column", {"column": column.name}))
        elif column is None and _title(title) not in _IGNORED:
            names = tuple(each.name for each in columns)
            errors.append(RowError(1, title or f"#{number}", "import_unknown_column", {"columns": names}))
        found.append(column)
    missing = [each for each in columns if each.needed and each not in found]
    errors += [RowError(1, each.name, "import_missing_column", {"titles": _called(each)}) for each in missing]
    return found, errors


def _called(column: Column) -> str:
    return " / ".join((column.name, *column.titles[:1]))


def parse(
    sheet: Sheet, columns: Sequence[Column], progress: Progress | None = None
) -> tuple[list[Record], list[RowError]]:
    """The records of all rows that fit, and every error of the others. A bad header yields no records."""
    mapping, errors = map_columns(sheet, columns)
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


# --- planning and applying --------------------------------------------------------------------------------------


@dataclass
class Plan:
    """What an import would do, in its own values and in the order of the file."""

    created: list[Any] = field(default_factory=list)
    updated: list[Any] = field(default_factory=list)
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)

    @property
    def changes(self) -> bool:
        return bool(self.created or self.updated)


@dataclass(frozen=True)
class Import:
    """A kind of import. `plan` only reads; `apply` writes a plan without errors, through the feature's services."""

    name: str
    columns: tuple[Column, ...]
    plan: Callable[[Session, Sequence[Record], datetime], Plan]
    apply: Callable[[Session, Actor | None, Plan, datetime], None]


@dataclass(frozen=True)
class Report:
    """What an import did, or in a dry run would do. With errors it did nothing."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    errors: tuple[RowError, ...] = ()
    encoding: str = ""
    sha256: str = ""
    written: bool = False

    @property
    def bad_lines(self) -> int:
        """How many lines of the file have an error."""
        return len({error.line for error in self.errors})


def run(
    session: Session,
    kind: Import,
    data: bytes,
    *,
    now: datetime,
    actor: Actor | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Import a CSV file. For a dry run a reading session is enough. Without an actor it is the machine's operator."""
    sheet = read_csv(data)
    records, bad_cells = parse(sheet, kind.columns, progress)
    plan = kind.plan(session, records, now)
    errors = tuple(sorted([*sheet.errors, *bad_cells, *plan.errors], key=lambda error: error.line))
    digest = hashlib.sha256(data).hexdigest()
    writes = plan.changes and not errors and not dry_run
    if writes:
        kind.apply(session, actor, plan, now)
        audit(
            session, actor, f"import.{kind.name}", Subject("import"), now=now, sha256=digest,
            created=len(plan.created), updated=len(plan.updated), unchanged=plan.unchanged,
        )  # fmt: skip
    return Report(len(plan.created), len(plan.updated), plan.unchanged, errors, sheet.encoding, digest, writes)


messages(
    {
        "import_too_wide": (_l("表头有 %(columns)s 列，最多 %(max)s 列。"), _l("请删去多余的列。")),
        "import_too_large": (_l("文件太大。"), _l("上限为 %(limit)s，请分成几个文件。")),
        "import_nul": (
            _l("这不是 CSV 文本（含有 NUL 字节）。"),
            _l("请在表格软件中另存为“CSV UTF-8”或“CSV”，不要直接使用 xlsx。"),
        ),
        "import_encoding": (
            _l("认不出文件的编码：既不是 UTF-8，也不是 GBK / GB18030。"),
            _l("请另存为“CSV UTF-8”。"),
        ),
        "import_empty": _l("文件里没有内容。"),
        "import_broken": (
            _l("引号没有配对，从这一行起无法读取。"),
            _l("请检查这一行的双引号；单元格内的双引号要写成两个。"),
        ),
        "import_ragged": _l("表头有 %(columns)s 列，这一行有 %(cells)s 列。"),
        "import_duplicate_column": _l("表头中 %(column)s 出现了两次。"),
        "import_unknown_column": (_l("不认识这一列。"), _l("可用的列：%(columns)s。")),
        "import_missing_column": _l("表头缺少这一列（%(titles)s）。"),
        "import_duplicate_row": _l("与第 %(line)s 行重复。"),
    }
)
