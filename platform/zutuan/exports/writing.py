"""An export as a download, in one format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import Response

from zutuan.errors import Refused
from zutuan.exporting import NotInCharset, Table, csv_download, xlsx_download
from zutuan.exports import rules
from zutuan.exports.kinds import ExportColumn, ExportKind
from zutuan.exports.queries import Layout


def download(filename: str, kind: ExportKind, layout: Layout, rows: Iterable[Any], name: str = "") -> Response:
    """`filename` without its ending. Raises Refused where the file's charset lacks a character: nothing is lost silently."""
    heads = [head for _column, head, _value in layout.columns]
    lines = _lines(kind, layout, rows)
    if layout.file_type == "xlsx":
        return xlsx_download(f"{filename}.xlsx", Table(name or filename, heads, lines, above=layout.above))
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
