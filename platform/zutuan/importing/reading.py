"""Bytes → sheet, by what the bytes are: a file's name says little about what a 教务系统 put into it."""

from __future__ import annotations

from collections.abc import Sequence

from zutuan.importing.mapping import Column, matches
from zutuan.importing.markup import is_html, read_html
from zutuan.importing.sheets import HEADER_WITHIN, Raw, Row, Sheet, Unreadable, to_sheet, unreadable
from zutuan.importing.text import read_text
from zutuan.importing.workbook import is_workbook, read_workbook


def read_csv(data: bytes) -> Sheet:
    """The sheet of a text table whose header is its first row."""
    return to_sheet(read_text(data))


def read(data: bytes, columns: Sequence[Column] = ()) -> Sheet:
    """The sheet of .xlsx, .xls, CSV, or HTML saved as .xls. Titles above the header are passed over."""
    raw = _read(data)
    return to_sheet(raw, _header_at(raw.rows, columns))


def _read(data: bytes) -> Raw:
    if is_workbook(data):
        return read_workbook(data)
    if is_html(data):
        return read_html(data)
    head = data.removeprefix(b"\xef\xbb\xbf")[:300].lstrip()
    if head.startswith(b"<?xml"):
        return unreadable(Unreadable("import_xml"))
    if head.startswith(b"MIME-Version:"):
        return unreadable(Unreadable("import_xml"))
    return read_text(data)


def _header_at(rows: Sequence[Row], columns: Sequence[Column]) -> int:
    """The index of the row that knows most columns; the first one unless a later one knows at least two more."""
    known = [matches(row.cells, columns) for row in rows[:HEADER_WITHIN]]
    best = max(range(len(known)), key=known.__getitem__, default=0)
    return best if known and known[best] >= known[0] + 2 else 0
