"""HTML saved as .xls: what many a 教务系统 calls an Excel export. The first table with more than one row counts."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from zutuan.importing.sheets import Cell, Raw, Row, RowError, Unreadable, unreadable
from zutuan.importing.text import cell_of, decode

_LOOKS = re.compile(rb"^\s*(<!doctype|<html|<head|<meta|<body|<style|<table|<div|<!--)", re.IGNORECASE)
MAX_SPAN = 200


def is_html(data: bytes) -> bool:
    return _LOOKS.match(data.removeprefix(b"\xef\xbb\xbf")[:200]) is not None


def read_html(data: bytes) -> Raw:
    try:
        text, encoding = decode(data)
    except Unreadable as error:
        return unreadable(error)
    tables = LexborHTMLParser(text).css("table")
    table = next((each for each in tables if len(each.css("tr")) > 1), None)
    if table is None:
        return unreadable(Unreadable("import_no_table"))
    rows: list[Row] = []
    errors: list[RowError] = []
    for line, tr in enumerate(table.css("tr"), 1):
        cells = [_cell(td) for td in tr.css("td, th")]
        if any(cells):
            rows.append(Row(line, tuple(cells)))
        if any(_spans(td, "rowspan") for td in tr.css("td, th")):
            errors.append(RowError(line, "", "import_merged"))
    return Raw(tuple(rows), tuple(errors), f"HTML {encoding}")


def _cell(node: LexborNode) -> str:
    text = re.sub(r"\s+", " ", node.text()).strip()
    return Cell(text, "import_merged") if _spans(node, "colspan") else cell_of(text)


def _spans(node: LexborNode, name: str) -> bool:
    value = (node.attributes.get(name) or "1").strip()
    return value.isascii() and value.isdecimal() and len(value) < 6 and int(value) > 1
