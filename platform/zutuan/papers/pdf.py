"""A paper as a PDF: A4, its number on every page, every glyph embedded; the same content gives the same bytes.

What a paper may hold is said in `services.Draft`. Of a table that goes over a page, the heads come again on the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import segno
from fpdf import FPDF
from fpdf.enums import WrapMode, XPos, YPos
from fpdf.fonts import FontFace

from zutuan.papers.fonts import fonts_for

MARGIN, QR_SIZE = 22.0, 30.0
CHECKING = 74.0  # on a wide page: the lines beside the QR code
LABEL_WIDTH = 34.0
WIDTHS = {"portrait": 210, "landscape": 297}  # millimetres
INK, MUTED, LINE, SHADE = (27, 39, 51), (86, 99, 111), (160, 168, 176), (238, 241, 244)
LOCALES = {"zh": "zh-CN", "en": "en"}


@dataclass(frozen=True)
class Words:
    """What stands around the content, in the paper's language."""

    number: str
    page: str  # with {page} and {pages}
    verify: str
    school: str
    dated: str
    signatures: tuple[str, ...]


def texts_of(content: dict[str, Any], words: Words) -> Iterator[str]:
    """Everything that is printed."""
    yield from (
        content["title"],
        content["text"],
        content["school"],
        words.number,
        words.page,
        words.verify,
        words.dated,
    )
    yield from (text for pair in content["facts"] for text in pair)
    yield from (text for table in tables_of(content) for line in (table["heads"], *table["rows"]) for text in line)
    yield from (table.get("title", "") for table in tables_of(content))
    yield content.get("after", "")
    yield from words.signatures


def tables_of(content: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = content.get("tables", [])
    return found


def language_of(content: dict[str, Any]) -> str:
    return str(content.get("language", "zh"))


class _Sheet(FPDF):
    """fpdf2's page with our header and footer."""

    def __init__(self, words: Words, orientation: str) -> None:
        super().__init__(orientation=orientation, format="A4")
        self.words, self.wide, self.tall = words, WIDTHS[orientation], orientation == "portrait"

    def header(self) -> None:
        self.set_font("serif", size=10)
        self.set_text_color(*MUTED)
        self.multi_cell(0, 5, self.words.school, align="C", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_draw_color(*LINE)
        self.line(MARGIN, self.get_y() + 2, self.wide - MARGIN, self.get_y() + 2)
        self.ln(12 if self.tall else 7)

    def footer(self) -> None:
        self.set_y(-16)
        self.set_font("serif", size=9)
        self.set_text_color(*MUTED)
        page = self.words.page.replace("{page}", str(self.page_no())).replace("{pages}", "{nb}")
        self.cell(0, 5, self.words.number, align="L")
        self.set_x(MARGIN)
        self.cell(0, 5, page, align="R")


def render(content: dict[str, Any], words: Words, url: str, at: datetime) -> bytes:
    """The PDF. `url` is what its QR code opens; `at` the moment it was issued, which dates the file."""
    sheet = _Sheet(words, content.get("orientation", "portrait"))
    needed, _missing = fonts_for(texts_of(content, words))
    for font in needed:
        sheet.add_font(font.name, fname=font.path, collection_font_number=font.face)
    sheet.set_fallback_fonts([font.name for font in needed[1:]])
    sheet.set_creation_date(at)
    sheet.set_title(f"{content['title']} {words.number}")
    sheet.set_lang(LOCALES[language_of(content)])
    sheet.set_margins(MARGIN, 16, MARGIN)
    sheet.set_auto_page_break(True, 24)
    sheet.add_page()
    _body(sheet, content)
    _foot(sheet, words, url)
    return bytes(sheet.output())


def _body(sheet: _Sheet, content: dict[str, Any]) -> None:
    sheet.set_text_color(*INK)
    sheet.set_font("serif", size=22 if sheet.tall else 18)
    sheet.multi_cell(0, 12 if sheet.tall else 9, content["title"], align="C", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    sheet.ln(8 if sheet.tall else 4)
    if content["text"] or not tables_of(content):
        sheet.set_font("serif", size=12)
        wrap = _wrap(content) if tables_of(content) else WrapMode.WORD
        sheet.multi_cell(0, 8, content["text"], align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT, wrapmode=wrap)
        sheet.ln(4)
    if tables_of(content):
        _facts_side_by_side(sheet, content["facts"])
    else:
        for label, value in content["facts"]:
            _fact(sheet, label, value)
    sheet.ln(4)
    for table in tables_of(content):
        _table(sheet, table, _wrap(content))
    if content.get("after"):
        sheet.set_font("serif", size=9)
        sheet.set_text_color(*MUTED)
        sheet.multi_cell(0, 5, content["after"], align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _wrap(content: dict[str, Any]) -> WrapMode:
    """Chinese has no spaces to break a line at."""
    return WrapMode.CHAR if language_of(content) == "zh" else WrapMode.WORD


def _facts_side_by_side(sheet: _Sheet, facts: list[list[str]]) -> None:
    """Above a table they take no more room than they need: two or three to a line."""
    columns = 3 if sheet.wide > WIDTHS["portrait"] else 2
    width = (sheet.wide - 2 * MARGIN) / columns
    sheet.set_font("serif", size=10)
    for start in range(0, len(facts), columns):
        top = bottom = sheet.get_y()
        for place, (label, value) in enumerate(facts[start : start + columns]):
            sheet.set_xy(MARGIN + place * width, top)
            sheet.set_text_color(*INK)
            sheet.multi_cell(width - 4, 6, f"{label}  {value}", align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            bottom = max(bottom, sheet.get_y())
        sheet.set_y(bottom)


def _table(sheet: _Sheet, table: dict[str, Any], wrap: WrapMode) -> None:
    """`widths` are shares of the page's width; columns named in `numbers` stand to the right."""
    sheet.set_text_color(*INK)
    sheet.set_draw_color(*LINE)
    if table.get("title"):
        sheet.set_font("serif", size=11)
        sheet.multi_cell(0, 8, table["title"], align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    sheet.set_font("serif", size=9)
    numbers, count = set(table.get("numbers", ())), len(table["heads"])
    with sheet.table(
        (table["heads"], *table["rows"]), width=sheet.wide - 2 * MARGIN, col_widths=tuple(table["widths"]),
        text_align=tuple("RIGHT" if n in numbers else "LEFT" for n in range(count)), line_height=4.6, padding=1.2,
        headings_style=FontFace(emphasis=None, fill_color=SHADE), wrapmode=wrap,
    ):  # fmt: skip
        pass
    sheet.ln(4)


def _fact(sheet: _Sheet, label: str, value: str) -> None:
    """One row; a long value takes as many lines as it needs, and never starts at the foot of a page."""
    if sheet.will_page_break(16):
        sheet.add_page()
    top = sheet.get_y()
    sheet.set_font("serif", size=11)
    sheet.set_text_color(*MUTED)
    sheet.multi_cell(LABEL_WIDTH, 7, label, align="L", new_x=XPos.RIGHT, new_y=YPos.TOP)
    sheet.set_xy(MARGIN + LABEL_WIDTH, top)
    sheet.set_text_color(*INK)
    sheet.multi_cell(0, 7, value, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    sheet.set_draw_color(*LINE)
    sheet.line(MARGIN, sheet.get_y() + 1, sheet.wide - MARGIN, sheet.get_y() + 1)
    sheet.ln(2.5)


def _foot(sheet: _Sheet, words: Words, url: str) -> None:
    """Room for 签字 and 盖章, and the way to check the paper: under it, or on a wide page beside it."""
    if sheet.will_page_break(62 if sheet.tall else 42):
        sheet.add_page()
    top = sheet.get_y() + 6
    checking = f"{words.dated}\n{words.number}\n{words.verify}\n{url}"
    sheet.set_font("serif", size=10)
    sheet.set_text_color(*MUTED)
    if sheet.tall:
        _signatures(sheet, words.signatures, MARGIN, top, 18)
        _qr(sheet, url, MARGIN, top + 24)
        sheet.set_xy(MARGIN + QR_SIZE + 6, top + 26)
        sheet.multi_cell(0, 5.5, checking, align="L")
        return
    _qr(sheet, url, MARGIN, top)
    sheet.set_xy(MARGIN + QR_SIZE + 4, top)
    sheet.multi_cell(CHECKING, 5.2, checking, align="L")
    _signatures(sheet, words.signatures, MARGIN + QR_SIZE + CHECKING + 10, top, QR_SIZE)


def _signatures(sheet: _Sheet, labels: tuple[str, ...], left: float, top: float, height: float) -> None:
    """Boxes beside each other, from `left` to the margin."""
    width = (sheet.wide - MARGIN - left - 8 * (len(labels) - 1)) / len(labels)
    for place, label in enumerate(labels):
        at = left + place * (width + 8)
        sheet.rect(at, top, width, height)
        sheet.set_xy(at + 1, top + 1)
        sheet.cell(width - 2, 5, label)


def _qr(sheet: _Sheet, url: str, left: float, top: float) -> None:
    """Drawn as squares: sharp at any size, and the same bytes each time."""
    matrix = segno.make(url, error="m", micro=False).matrix
    module = QR_SIZE / len(matrix)
    sheet.set_fill_color(0, 0, 0)
    for row, line in enumerate(matrix):
        for column, dark in enumerate(line):
            if dark:
                sheet.rect(left + column * module, top + row * module, module, module, style="F")
