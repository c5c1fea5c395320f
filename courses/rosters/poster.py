"""The poster of a class: what is taught by whom, when and where, and a code that opens its page. A4, in papers' fonts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import segno
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from zutuan.errors import Refused
from zutuan.papers.fonts import fonts_for

MARGIN, QR_SIZE, LABEL = 24.0, 74.0, 26.0
INK, MUTED, BRAND, LINE = (27, 39, 51), (86, 99, 111), (20, 86, 107), (160, 168, 176)


@dataclass(frozen=True)
class Poster:
    """`facts`: (label, value) of whatever is known; `scan`: what the code is for."""

    school: str
    title: str
    subtitle: str
    facts: Sequence[tuple[str, str]]
    scan: str
    url: str

    def texts(self) -> Iterator[str]:
        yield from (self.school, self.title, self.subtitle, self.scan, self.url)
        yield from (text for pair in self.facts for text in pair)


def render(poster: Poster, at: datetime) -> bytes:
    """The PDF, on one page. Raises Refused when a character could not be printed."""
    needed, missing = fonts_for(poster.texts())
    if missing:
        raise Refused("no_glyph", chars=[f"{char} (U+{ord(char):04X})" for char in missing[:10]])
    sheet = FPDF(format="A4")
    for font in needed:
        sheet.add_font(font.name, fname=font.path, collection_font_number=font.face)
    sheet.set_fallback_fonts([font.name for font in needed[1:]])
    sheet.set_creation_date(at)
    sheet.set_title(poster.title)
    sheet.set_lang("zh-CN")
    sheet.set_margins(MARGIN, 22, MARGIN)
    sheet.set_auto_page_break(False)
    sheet.add_page()
    _head(sheet, poster)
    _facts(sheet, poster)
    _code(sheet, poster)
    return bytes(sheet.output())


def _text(sheet: FPDF, size: float, colour: tuple[int, int, int], text: str, height: float, align: str = "C") -> None:
    sheet.set_font("serif", size=size)
    sheet.set_text_color(*colour)
    sheet.multi_cell(0, height, text, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _head(sheet: FPDF, poster: Poster) -> None:
    _text(sheet, 15, MUTED, poster.school, 8)
    sheet.ln(6)
    size = 34 if len(poster.title) <= 12 else 26 if len(poster.title) <= 24 else 19
    _text(sheet, size, BRAND, poster.title, size * 0.46)
    if poster.subtitle:
        sheet.ln(1)
        _text(sheet, 13, MUTED, poster.subtitle, 7)
    sheet.ln(7)


def _facts(sheet: FPDF, poster: Poster) -> None:
    """As many as leave room for the code; a long value is shortened to two lines."""
    room = 297 - 22 - QR_SIZE - 30
    for label, value in poster.facts:
        if sheet.get_y() > room - 16:
            break
        top = sheet.get_y()
        _text(sheet, 13, MUTED, label, 8, "L")
        sheet.set_xy(MARGIN + LABEL, top)
        shown = value if len(value) <= 60 else value[:59] + "…"
        sheet.set_text_color(*INK)
        sheet.multi_cell(0, 8, shown, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        sheet.set_draw_color(*LINE)
        sheet.line(MARGIN, sheet.get_y() + 1, 210 - MARGIN, sheet.get_y() + 1)
        sheet.ln(3)


def _code(sheet: FPDF, poster: Poster) -> None:
    top = 297 - 22 - QR_SIZE - 22
    matrix = segno.make(poster.url, error="m", micro=False).matrix
    module, left = QR_SIZE / len(matrix), (210 - QR_SIZE) / 2
    sheet.set_fill_color(0, 0, 0)
    for row, cells in enumerate(matrix):
        for column, dark in enumerate(cells):
            if dark:
                sheet.rect(left + column * module, top + row * module, module, module, style="F")
    sheet.set_y(top + QR_SIZE + 5)
    _text(sheet, 14, INK, poster.scan, 8)
    _text(sheet, 9, MUTED, poster.url, 6)
