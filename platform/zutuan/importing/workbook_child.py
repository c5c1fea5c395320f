"""Reads one workbook from standard input and writes its rows as JSON: run as a process of its own, never imported.

A workbook is a program for somebody else's parser. Here it can cost no more than the limits below and can take nothing
down but this process. Rows come as `[line, [cell, …]]`, a cell as text or as `[text, flaw]`.
"""

import io
import json
import math
import re
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.sax.handler import ContentHandler, feature_external_ges  # noqa: S406 — only the interface, the parser is defused

import python_calamine as calamine
from defusedxml.ElementTree import fromstring
from defusedxml.sax import make_parser

MEMORY, SECONDS = 1536 * 1024 * 1024, 25
MAX_UNPACKED = 256 * 1024 * 1024
MAX_PARTS = 2000
MAX_LINE, MAX_COLUMN = 60_000, 400
EXACT = 10**15  # spreadsheets keep 15 digits of a number


class Refused(Exception):
    """What is wrong with the workbook, as a code of the importer."""


def limit() -> None:
    try:
        import resource
    except ImportError:  # not on Windows, where the server does not run
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


# --- .xlsx: what its XML says before a parser trusts it ----------------------------------------------------------


def unpack_all(archive: zipfile.ZipFile) -> None:
    """Unpack every part once, counting what really comes out: the sizes that an archive states are only claims."""
    parts = archive.infolist()
    if len(parts) > MAX_PARTS:
        raise Refused("import_bomb")
    total = 0
    for part in parts:
        with archive.open(part) as stream:
            while block := stream.read(1 << 20):
                total += len(block)
                if total > MAX_UNPACKED:
                    raise Refused("import_bomb")


class Marks(ContentHandler):
    """Where a worksheet holds formulas and errors, and how far it reaches."""

    def __init__(self) -> None:
        self.flaws: dict[tuple[int, int], str] = {}
        self.line, self.column = 0, 0
        self.in_cell = False

    def startElement(self, name: str, attrs: Any) -> None:  # noqa: N802
        tag = name.rpartition(":")[2]
        if tag == "row":
            self.line = int(attrs.get("r") or self.line + 1)
            self.column = 0
        elif tag == "c":
            self._cell(attrs)
        elif tag == "f":
            self.flaws[self.line, self.column] = "import_formula"
        if self.line > MAX_LINE or self.column > MAX_COLUMN:
            raise Refused("import_too_far")

    def _cell(self, attrs: Any) -> None:
        reference = re.fullmatch(r"([A-Z]{1,3})([0-9]{1,7})", attrs.get("r") or "")
        if reference:
            self.column, self.line = column_number(reference[1]), int(reference[2])
        else:
            self.column += 1
        if attrs.get("t") == "e":
            self.flaws.setdefault((self.line, self.column), "import_cell_error")


def column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def marks_of(archive: zipfile.ZipFile) -> dict[str, Marks]:
    """Part name → marks, of every worksheet: the one that is read is not known by its part's name."""
    found = {}
    for part in archive.namelist():
        if re.fullmatch(r"/?xl/worksheets/[^/]+\.xml", part, re.IGNORECASE):
            handler = Marks()
            parser = make_parser()
            parser.forbid_dtd = True
            parser.setFeature(feature_external_ges, False)
            parser.setContentHandler(handler)
            with archive.open(part) as stream:
                parser.parse(stream)
            found[part.rpartition("/")[2].lower()] = handler
    return found


def part_of_sheet(archive: zipfile.ZipFile, name: str) -> str:
    """The file that holds the sheet of that name, by the workbook's own relations."""
    relations = fromstring(archive.read("xl/_rels/workbook.xml.rels"), forbid_dtd=True)
    targets = {each.get("Id"): each.get("Target", "").rpartition("/")[2].lower() for each in relations}
    for sheet in fromstring(archive.read("xl/workbook.xml"), forbid_dtd=True).iter():
        if sheet.tag.endswith("}sheet") and sheet.get("name") == name:
            reference = next((value for key, value in sheet.attrib.items() if key.endswith("}id")), "")
            return targets.get(reference, "")
    return ""


# --- rows -------------------------------------------------------------------------------------------------------


def text_of(value: Any) -> Any:
    """A cell as text, or `[text, flaw]` where the text is not what was typed."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float):
        if not math.isfinite(value) or abs(value) >= EXACT:
            return [f"{value:.15g}", "import_number_rounded"]
        return str(int(value)) if value == int(value) else f"{value:.15g}"
    if isinstance(value, int):
        return [str(value), "import_number_rounded"] if abs(value) >= EXACT else str(value)
    if isinstance(value, datetime):
        return value.isoformat(" ") if value.time() != time() else value.date().isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    text = str(value).strip()
    if re.fullmatch(r"[0-9](\.[0-9]+)?[eE]\+[0-9]{1,3}", text):
        return [text, "import_number_rounded"]
    return text


def read(data: bytes) -> dict[str, Any]:
    archive = None
    if data[:2] == b"PK":
        archive = zipfile.ZipFile(io.BytesIO(data))
        if "[Content_Types].xml" not in archive.namelist():
            raise Refused("import_not_workbook")
        unpack_all(archive)
    marks = marks_of(archive) if archive else {}
    book = calamine.load_workbook(io.BytesIO(data))
    sheet, others = choose(book)
    flaws = marks[part].flaws if archive and (part := part_of_sheet(archive, sheet.name)) in marks else {}
    start = sheet.start or (0, 0)
    merged = merged_cells(sheet)
    rows = []
    for offset, cells in enumerate(sheet.to_python(skip_empty_area=False)):
        line = offset + 1
        row = [
            mark(text_of(value), flaws.get((line, number)) or merged.get((line, number)))
            for number, value in enumerate(cells, 1)
        ]
        if any(row):
            rows.append([line, row])
    return {"rows": rows, "sheet": sheet.name, "others": others, "start": start}


def choose(book: Any) -> tuple[Any, list[str]]:
    """The first visible worksheet with anything in it, and the names of the other ones."""
    visible = [
        each.name
        for each in book.sheets_metadata
        if each.typ == calamine.SheetTypeEnum.WorkSheet and each.visible == calamine.SheetVisibleEnum.Visible
    ]
    filled = [sheet for name in visible if (sheet := book.get_sheet_by_name(name)).height]
    if not filled:
        raise Refused("import_empty")
    return filled[0], [sheet.name for sheet in filled[1:]]


def merged_cells(sheet: Any) -> dict[tuple[int, int], str]:
    """Cells of every merged range: which of its rows the value was meant for cannot be known."""
    try:
        ranges = sheet.merged_cell_ranges or []
    except calamine.CalamineError:
        return {}
    return dict(covered(ranges))


def covered(ranges: list[tuple[tuple[int, int], tuple[int, int]]]) -> Iterator[tuple[tuple[int, int], str]]:
    budget = 200_000
    for (top, left), (bottom, right) in ranges:
        for line in range(top, min(bottom, MAX_LINE) + 1):
            for column in range(left, min(right, MAX_COLUMN) + 1):
                budget -= 1
                if budget < 0:
                    raise Refused("import_merged_everywhere")
                yield (line + 1, column + 1), "import_merged"


def mark(cell: Any, flaw: str | None) -> Any:
    if flaw is None:
        return cell
    return [cell[0] if isinstance(cell, list) else cell, flaw]


def main() -> None:
    data = sys.stdin.buffer.read()
    limit()
    try:
        answer = read(data)
    except Refused as error:
        answer = {"refused": str(error)}
    except calamine.PasswordError:
        answer = {"refused": "import_password"}
    except Exception:  # whatever a parser stumbles over, the file is at fault
        locked = "EncryptedPackage".encode("utf-16-le") in data
        answer = {"refused": "import_password" if locked else "import_workbook_broken"}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
