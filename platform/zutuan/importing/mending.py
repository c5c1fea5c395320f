"""Bad rows as a workbook that goes back to whoever made them, and comes home mended.

Its first column says which line of which file a row is, so that a mended row takes the place of the bad one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import IO

from flask_babel import gettext as _

from zutuan.exporting import Table, workbook
from zutuan.importing.mapping import PLACE, REASON, title_key
from zutuan.importing.sheets import Row, RowError, Sheet

_PLACE = re.compile(r"(?:([0-9]{1,18})-)?([0-9]{1,6})")


def failed_workbook(sheet: Sheet, errors: Sequence[RowError], batch: str = "") -> IO[bytes]:
    """The bad rows of the sheet, each with its reasons; text only, so that numbers stay whole."""
    reasons: dict[int, list[str]] = {}
    for error in errors:
        said = f"{error.column}{_('：')}{error.sentence}" if error.column else error.sentence
        reasons.setdefault(error.line, []).append(said)
    width = len(sheet.columns)
    whole = [*sheet.rows, *(Row(row.line, (*row.cells, *[""] * width)[:width]) for row in sheet.ragged)]
    rows = sorted((row for row in whole if row.line in reasons), key=lambda row: row.line)
    body = (
        (f"{batch}-{row.line}" if batch else str(row.line), *map(str, row.cells), " ".join(reasons[row.line]))
        for row in rows
    )
    return workbook(Table(_("有误的行"), (PLACE, *sheet.columns, REASON), body))


def is_returned(sheet: Sheet) -> bool:
    return any(title_key(title) == title_key(PLACE) for title in sheet.columns)


def batch_of(sheet: Sheet) -> int | None:
    """The batch whose rows a returned workbook holds, where all of them say the same one."""
    found = {match[1] for place in _places(sheet) if (match := _PLACE.fullmatch(place)) and match[1]}
    return int(found.pop()) if len(found) == 1 else None


def _places(sheet: Sheet) -> list[str]:
    at = next(n for n, title in enumerate(sheet.columns) if title_key(title) == title_key(PLACE))
    return [str(row.cells[at]) for row in sheet.rows]


def with_mended(sheet: Sheet, returned: Sheet) -> Sheet:
    """`sheet` with the returned rows in their places; a row whose place says nothing comes at the end."""
    if not is_returned(returned):
        return replace(sheet, errors=(*sheet.errors, RowError(0, "", "import_not_returned")))
    titles = {title_key(title): number for number, title in enumerate(returned.columns)}
    order = [titles.get(title_key(title)) for title in sheet.columns]
    mended: dict[int, Row] = {}
    last = max((row.line for row in sheet.rows), default=sheet.header_line)
    for place, row in zip(_places(returned), returned.rows, strict=True):
        match = _PLACE.fullmatch(place)
        line = int(match[2]) if match else (last := last + 1)
        mended[line] = Row(line, tuple("" if at is None else row.cells[at] for at in order))
    kept = tuple(error for error in sheet.errors if error.line not in mended)
    ragged = tuple(row for row in sheet.ragged if row.line not in mended)
    rows = [mended.pop(row.line, row) for row in sheet.rows] + list(mended.values())
    return replace(
        sheet, rows=tuple(sorted(rows, key=lambda row: row.line)), errors=(*kept, *returned.errors), ragged=ragged
    )
