"""An export as a download, in one format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from flask import Response

from zutuan.errors import Refused
from zutuan.exporting import NotInCharset, Table, csv_download, xlsx_download
from zutuan.exports import rules
from zutuan.exports.kinds import ExportColumn, ExportKind
from zutuan.exports.queries import Layout

_NO_NAME = re.compile(r'[\\/:*?"<>|\x00-\x1f]')  # no name of a file holds these


def download(filename: str, kind: ExportKind, layout: Layout, rows: Iterable[Any], name: str = "") -> Response:
    """`filename` without its ending; the format's name comes behind it. Raises Refused where the file's charset lacks a character: nothing is lost silently."""
    heads = [head for _column, head, _value in layout.columns]
    lines, sheet = _lines(kind, layout, rows), name or filename
    filename = f"{filename}-{_NO_NAME.sub(' ', layout.name)}" if layout.name else filename
    if layout.file_type == "xlsx":
        return xlsx_download(f"{filename}.xlsx", Table(sheet, heads, lines, above=layout.above))
    try:
        return csv_download(f"{filename}.csv", heads, lines, rules.CHARSETS[layout.file_type], layout.above)
    except NotInCharset as error:
        raise Refused("export_not_in_gbk", line=error.line, head=error.head, character=error.character) from error


def _lines(kind: ExportKind, layout: Layout, rows: Iterable[Any]) -> Iterable[Sequence[Any]]:
    """A column that a newer version of the platform no longer has stays, empty, so that the others keep their places."""
    columns: list[tuple[ExportColumn | None, str]] = [
        (kind.column(name), value) for name, _head, value in layout.columns
    ]
    for row in rows:
        yield [value if column is None else column.value(row) for column, value in columns]
