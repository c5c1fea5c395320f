"""The one way out for tables: rows become a workbook (.xlsx) or CSV in which no cell can run a formula.

What people typed is text in both. In a workbook such a cell is an inline string with `quotePrefix`, so that it stays
text when somebody edits it. CSV has no types: there a text that a spreadsheet program would take for a formula gets a
leading `'`, which the importer takes away again. Numbers that are numbers in Python stay numbers; student numbers are
text and stay whole in a workbook (in CSV Excel itself shortens them: offer people the workbook, programs the CSV).

Rows are read once, as they come; what is written lies in a temporary file, so the number of rows costs no memory.
"""

from __future__ import annotations

import csv
import math
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from itertools import chain, islice
from typing import IO, Any, cast

from flask import Response, send_file
from openpyxl import Workbook
from openpyxl.cell.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from zutuan.clock import local

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"
BOM = "\ufeff"
# What Excel, WPS and LibreOffice begin a formula (or a DDE call) with, full width too.
STARTERS = "=+-@|%\uff1d\uff0b\uff0d\uff20"
MAX_ROWS = 1_048_576  # of a worksheet, the heads included
MAX_TEXT = 32_767  # characters of a cell
MAX_DIGITS = 15  # of a whole number that a spreadsheet keeps exactly
FIRST_YEAR = 1900  # Excel's own calendar is wrong in it, and knows nothing before
IN_MEMORY = 1024 * 1024
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LEADING = re.compile("[\\s\ufeff\u200b-\u200f\u2060\u202a-\u202e\u2066-\u2069\ufffd]*")
_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f]")

Cell = str | int | float | Decimal | bool | date | datetime | time | None
Rows = Iterable[Sequence[Any]]


@dataclass(frozen=True)
class Table:
    """One sheet of a workbook: its name, the heads, the rows, and (optional) the columns' widths in characters and what
    stands above the heads, a line each."""

    name: str
    heads: Sequence[Any]
    rows: Rows
    widths: Sequence[int] = ()
    above: Sequence[str] = ()


# --- values -----------------------------------------------------------------------------------------------------


def clean(value: object) -> Cell:
    """What a cell may hold. Instants are shown on Shanghai's clock; whatever has no type of its own becomes its text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 10**MAX_DIGITS else str(value)
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        value = (local(value) if value.tzinfo else value).replace(tzinfo=None, microsecond=0)
    if isinstance(value, (date, time)):
        return value if isinstance(value, time) or value.year > FIRST_YEAR else value.isoformat()
    text = _NO_XML.sub("\ufffd", str(value))
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def could_run(text: str) -> bool:
    """Whether a spreadsheet program that reads this text from CSV might take it for a formula."""
    if text[:1] in ("\t", "\r", "\n"):
        return True
    skipped = _LEADING.match(text)
    start = skipped.end() if skipped else 0
    return text[start : start + 1] != "" and text[start] in STARTERS


def harmless(value: object) -> Cell:
    """`clean`, and as CSV shows it: text that could run starts with `'`."""
    cell = clean(value)
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, str):
        return "'" + cell if could_run(cell) else cell
    return cell.isoformat(sep=" ") if isinstance(cell, datetime) else cell


# --- workbooks --------------------------------------------------------------------------------------------------


class _Styles:
    """The few styles of a workbook, made once: styling every cell anew would double the time."""

    def __init__(self, sheet: Any) -> None:
        self.text = self._make(sheet, number_format="@", quotePrefix=True)
        # Old Excel shows ##### for a longer text in a cell of the text format.
        self.long = self._make(sheet, quotePrefix=True, alignment=Alignment(wrap_text=True, vertical="top"))
        self.head = self._make(
            sheet, number_format="@", quotePrefix=True, font=Font(bold=True), fill=PatternFill("solid", "E8EEF0")
        )
        self.moment = self._make(sheet, number_format="yyyy-mm-dd hh:mm")
        self.day = self._make(sheet, number_format="yyyy-mm-dd")
        self.time = self._make(sheet, number_format="hh:mm")

    @staticmethod
    def _make(sheet: Any, **style: Any) -> Any:
        cell = WriteOnlyCell(sheet)
        for name, value in style.items():
            setattr(cell, name, value)
        return cell._style

    def of(self, value: Cell) -> Any:
        if isinstance(value, str):
            return self.text if len(value) < 256 else self.long
        for kind, style in ((datetime, self.moment), (date, self.day), (time, self.time)):
            if isinstance(value, kind):
                return style
        return None


def _cell(sheet: Any, value: Cell, style: Any) -> Any:
    cell = WriteOnlyCell(sheet, value)
    if isinstance(value, str):
        cell.data_type = "s"  # openpyxl had guessed a formula or an error value
    if style is not None:
        cell._style = copy(style)
    return cell


def _sheet_name(wanted: str, used: set[str]) -> str:
    """31 characters, none that Excel forbids, no name twice."""
    base = _NAME.sub(" ", _NO_XML.sub(" ", wanted)).strip(" '") or "Sheet"
    number, name = 1, base[:31]
    while name.lower() in used:
        number += 1
        name = f"{base[: 31 - len(str(number)) - 3]} ({number})"
    used.add(name.lower())
    return name


def _width(head: object) -> int:
    shown = sum(2 if ord(char) > 0x2E7F else 1 for char in str(head))
    return max(10, min(shown + 4, 40))


def _write_sheet(book: Workbook, table: Table, used: set[str], rows: Iterator[Sequence[Any]]) -> None:
    """As many rows as one sheet holds."""
    sheet = book.create_sheet(_sheet_name(table.name, used))
    sheet.freeze_panes = f"A{len(table.above) + 2}"
    for number, head in enumerate(table.heads):
        width = table.widths[number] if number < len(table.widths) else _width(head)
        sheet.column_dimensions[get_column_letter(number + 1)].width = width
    styles = _Styles(sheet)
    for line in table.above:
        sheet.append([_cell(sheet, str(clean(line)), styles.text)])
    sheet.append([_cell(sheet, str(clean(head) or ""), styles.head) for head in table.heads])
    for row in islice(rows, MAX_ROWS - 1 - len(table.above)):
        cells = (clean(value) for value in row)
        sheet.append([_cell(sheet, value, styles.of(value)) for value in cells])


def workbook(*tables: Table) -> IO[bytes]:
    """An .xlsx of these sheets, open at its start. More rows than a sheet holds go on in another sheet."""
    book, used = Workbook(write_only=True), set[str]()
    for table in tables:
        rows = iter(table.rows)
        _write_sheet(book, table, used, rows)
        with suppress(StopIteration):
            while True:
                _write_sheet(book, table, used, chain([next(rows)], rows))
    file = cast("IO[bytes]", tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115  (the caller's to close)
    book.save(file)
    file.seek(0)
    return file


# --- CSV --------------------------------------------------------------------------------------------------------


class _Echo:
    """`csv.writer` writes a line into this and gets it back."""

    def write(self, line: str) -> str:
        return line


class NotInCharset(ValueError):
    """A character that the charset of the file does not have: in which line (from 1), under which head, and which."""

    def __init__(self, line: int, head: str, character: str) -> None:
        super().__init__(f"line {line}: {character}")
        self.line, self.head, self.character = line, head, character


def csv_lines(heads: Sequence[Any], rows: Rows, charset: str = "utf-8", above: Sequence[str] = ()) -> Iterator[bytes]:
    """UTF-8 with BOM (without it Excel reads GBK), every text in quotes, CRLF; line by line. Raises NotInCharset."""
    writer = csv.writer(_Echo(), quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    start = BOM if charset == "utf-8" else ""
    for number, row in enumerate(chain(([line] for line in above), [heads], rows), start=1):
        cells = ["" if value is None else harmless(value) for value in row]
        line = cast(str, writer.writerow(cells))
        try:
            yield (start + line).encode(charset)
        except UnicodeEncodeError as error:
            raise NotInCharset(number, _head_of(heads, cells, charset), line[error.start - len(start)]) from error
        start = ""


def _head_of(heads: Sequence[Any], cells: Sequence[Cell], charset: str) -> str:
    """The head over the first cell that the charset does not have."""
    fits = [str(cell).encode(charset, "ignore").decode(charset) == str(cell) for cell in cells]
    place = fits.index(False)
    return str(heads[place]) if place < len(heads) else ""


# --- answers ----------------------------------------------------------------------------------------------------


def xlsx_download(filename: str, *tables: Table) -> Response:
    """The workbook as a download; `filename` (with .xlsx) may be Chinese."""
    response = send_file(workbook(*tables), mimetype=XLSX, as_attachment=True, download_name=filename, max_age=0)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def csv_download(
    filename: str, heads: Sequence[Any], rows: Rows, charset: str = "utf-8", above: Sequence[str] = ()
) -> Response:
    """The table as a CSV download. The rows are read before the request's session closes, into a temporary file."""
    file = cast("IO[bytes]", tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115  (closed by the answer)
    file.writelines(csv_lines(heads, rows, charset, above))
    file.seek(0)
    kind = f"text/csv; charset={charset}"
    response = send_file(file, mimetype=kind, as_attachment=True, download_name=filename, max_age=0)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
