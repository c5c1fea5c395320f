"""Text tables: CSV in UTF-8 with or without BOM, or in GB18030 (GBK), split by comma, semicolon or tab."""

from __future__ import annotations

import csv
import io
import re
import unicodedata

from zutuan.importing.sheets import Cell, Raw, Row, RowError, Unreadable, unreadable

MAX_BYTES = 10 * 1024 * 1024
DELIMITERS = (",", ";", "\t")
# Above this share of ideographs outside GB2312, bytes that happen to decode as GB18030 are another encoding (Big5 …).
MAX_STRANGE = 0.3
# What a spreadsheet makes of a long number when it saves as CSV: its last digits are gone.
_ROUNDED = re.compile(r"[0-9](\.[0-9]+)?E\+[0-9]{1,3}", re.IGNORECASE)


def read_text(data: bytes) -> Raw:
    try:
        text, encoding = decode(data)
    except Unreadable as error:
        return unreadable(error)
    rows, errors = _records(text, _delimiter(text))
    return Raw(tuple(rows), tuple(errors), encoding)


def decode(data: bytes) -> tuple[str, str]:
    """(text, encoding). Raises Unreadable: a wrong guess would store names that nobody can read."""
    if len(data) > MAX_BYTES:
        raise too_large()
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


def too_large() -> Unreadable:
    return Unreadable("import_too_large", limit=f"{MAX_BYTES // 1024 // 1024} MB")


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
    """The one that splits the head of the file into most columns; the comma when none does."""
    head = text[:10_000]

    def width(delimiter: str) -> int:
        try:
            rows = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
            return max((len(row) for row, _ in zip(rows, range(3), strict=False)), default=0)
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
                rows.append(Row(line, tuple(cell_of(cell) for cell in cells)))
            line = reader.line_num + 1
    except csv.Error:
        return rows, [RowError(line, "", "import_broken")]
    return rows, []


def cell_of(text: str) -> str:
    """The value without the ="…" by which exports keep spreadsheets from rounding long numbers."""
    quoted = re.fullmatch(r'\s*="([^"]*)"\s*', text)
    value = (quoted[1] if quoted else text).strip()
    return Cell(value, "import_number_rounded") if _ROUNDED.fullmatch(value) else value
