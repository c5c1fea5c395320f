"""Files as schools have them: workbooks, old workbooks, HTML called .xls, and what only looks like one of them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marshmallow import fields

from zutuan.importing import Column, Sheet, map_columns, parse, read

DATA = Path(__file__).parents[1] / "data"
COLUMNS = (
    Column("number", fields.String(), ("学号", "学工号"), needed=True),
    Column("name", fields.String(), ("姓名",), needed=True),
    Column("department", fields.String(), ("院系",)),
    Column("grade", fields.String(), ("年级",)),
)


def workbook(*rows: Sequence[Any], change: Any = None) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    if change:
        change(book.active)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def cells(sheet: Sheet) -> list[tuple[int, tuple[str, ...]]]:
    return [(row.line, tuple(map(str, row.cells))) for row in sheet.rows]


def codes(sheet: Sheet) -> list[str]:
    return [error.code for error in sheet.errors]


def flaws(data: bytes) -> list[tuple[int, str, str]]:
    _, errors = parse(read(data, COLUMNS), COLUMNS, extra=True)
    return [(error.line, error.column, error.code) for error in errors]


# --- what is read -----------------------------------------------------------------------------------------------


def test_a_workbook_is_read_as_it_was_typed() -> None:
    sheet = read(workbook(["学号", "姓名", "年级"], ["0024", "张三", 2024], [202411002, "李 四", date(2024, 9, 1)]))
    assert sheet.columns == ("学号", "姓名", "年级")
    assert cells(sheet) == [(2, ("0024", "张三", "2024")), (3, ("202411002", "李 四", "2024-09-01"))]


def test_titles_above_the_header_are_passed_over_and_lines_stay_the_files_own() -> None:
    def merge(ws: Any) -> None:
        ws.merge_cells("A1:C1")

    sheet = read(
        workbook(["2024级学生名单"], [], ["学号", "姓名", "年级"], ["1", "张三", "2024"], change=merge), COLUMNS
    )
    assert (sheet.header_line, sheet.columns) == (3, ("学号", "姓名", "年级"))
    assert cells(sheet) == [(4, ("1", "张三", "2024"))]


def test_an_old_workbook_is_read() -> None:
    sheet = read((DATA / "roster.xls").read_bytes(), COLUMNS)
    assert sheet.encoding == "XLS"
    assert cells(sheet) == [
        (3, ("202411001", "张三", "教育学院", "2024", "在读")),
        (4, ("0024110021", "买买提·艾力", "教育学院", "2024", "休学")),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_html_called_xls_is_read(encoding: str) -> None:
    text = (
        "<html><head><meta charset='gb2312'></head><body><table><tr><td>说明</td></tr></table><table>"
        "<tr><th>学号</th><th>姓 名</th></tr><tr><td>0024</td><td>张三&nbsp;</td></tr></table></body></html>"
    )
    sheet = read(text.encode(encoding), COLUMNS)
    assert sheet.columns == ("学号", "姓 名")
    assert cells(sheet) == [(2, ("0024", "张三"))]


def test_the_first_visible_sheet_with_anything_in_it_counts() -> None:
    book = openpyxl.Workbook()
    book.active.title = "隐藏"
    book.active.append(["x"])
    book.active.sheet_state = "hidden"
    book.create_sheet("空")
    book.create_sheet("名单 & <甲>").append(["学号", "姓名"])
    stream = io.BytesIO()
    book.save(stream)
    assert read(stream.getvalue()).columns == ("学号", "姓名")


def test_columns_nobody_knows_are_passed_over_where_the_import_says_so() -> None:
    sheet = read("学号,姓名,身份证号\n1,张三,x\n".encode(), COLUMNS)
    assert [error.code for error in map_columns(sheet, COLUMNS)[1]] == ["import_unknown_column"]
    records, errors = parse(sheet, COLUMNS, extra=True)
    assert (errors, dict(records[0].values)) == ([], {"number": "1", "name": "张三"})


def test_a_chosen_column_goes_before_what_its_title_says() -> None:
    sheet = read("学号,姓名,真实姓名\n1,昵称,张三\n".encode(), COLUMNS)
    records, errors = parse(sheet, COLUMNS, extra=True, chosen={"姓名": "", "真实姓名": "name"})
    assert (errors, dict(records[0].values)) == ([], {"number": "1", "name": "张三"})


# --- what cannot be taken at its word ---------------------------------------------------------------------------


def test_formulas_errors_and_merged_cells_are_named_by_row_and_column() -> None:
    def change(ws: Any) -> None:
        ws["B2"] = "=A2"
        ws["B3"] = "#N/A"
        ws["B3"].data_type = "e"
        ws.merge_cells("C4:C5")

    data = workbook(["学号", "姓名", "院系"], ["1", ""], ["2", ""], ["3", "丙", "教育"], ["4", "丁"], change=change)
    assert flaws(data) == [
        (2, "name", "import_formula"), (3, "name", "import_cell_error"),
        (4, "department", "import_merged"), (5, "department", "import_merged"),
    ]  # fmt: skip


def test_a_formula_in_a_column_that_is_passed_over_does_not_matter() -> None:
    def change(ws: Any) -> None:
        ws["C2"] = "=1+1"

    assert flaws(workbook(["学号", "姓名", "合计"], ["1", "甲", ""], change=change)) == []


@pytest.mark.parametrize("data", ["学号,姓名\n2.02E+11,甲\n".encode(), workbook(["学号", "姓名"], [2.02e17, "甲"])])
def test_a_number_that_a_spreadsheet_rounded_is_no_number(data: bytes) -> None:
    assert flaws(data) == [(2, "number", "import_number_rounded")]


def test_merged_cells_of_html_are_named() -> None:
    text = (
        "<table><tr><td>学号</td><td>姓名</td></tr><tr><td rowspan=2>1</td><td>甲</td></tr><tr><td>乙</td></tr></table>"
    )
    assert codes(read(text.encode(), COLUMNS)) == ["import_merged", "import_ragged"]


# --- what is no table, or a weapon ------------------------------------------------------------------------------


def zipped(**parts: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return stream.getvalue()


def replaced(data: bytes, part: str, old: bytes, new: bytes) -> bytes:
    """The workbook with another text in one of its parts."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            content = before.read(name)
            if name == part:
                assert old in content
                content = content.replace(old, new)
            after.writestr(name, content)
    return stream.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
GOOD = workbook(["学号", "姓名"], ["1", "甲"])
ENTITIES = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (GOOD[: len(GOOD) // 2], "import_workbook_broken"),
        (b"\xd0\xcf\x11\xe0" + b"\x00" * 600, "import_workbook_broken"),
        (zipped(readme=b"x"), "import_not_workbook"),
        ((DATA / "password.xlsx").read_bytes(), "import_password"),
        (replaced(GOOD, SHEET, b'r="B2"', b'r="XFD1048576"'), "import_too_far"),
        (replaced(GOOD, SHEET, b'<row r="2"', b'<row r="1048576"'), "import_too_far"),
        (replaced(GOOD, SHEET, b"<worksheet", ENTITIES + b"<worksheet"), "import_workbook_broken"),
        (replaced(GOOD, "docProps/app.xml", b"<", b" " * (300 * 1024 * 1024) + b"<"), "import_bomb"),
        (workbook([f"c{n}" for n in range(200)], ["x"] * 200), "import_too_wide"),
        (workbook(), "import_empty"),
        (b"<?xml version='1.0'?><Workbook/>", "import_xml"),
        (b"<html><body>no table</body></html>", "import_no_table"),
    ],
    ids=["half", "ole", "zip", "password", "far cell", "far row", "entities", "bomb", "wide", "empty", "xml", "page"],
)
def test_what_cannot_be_read_is_refused_with_the_reason(data: bytes, code: str) -> None:
    sheet = read(data, COLUMNS)
    assert (codes(sheet), sheet.rows) == ([code], ())
    assert sheet.errors[0].sentence


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200), st.sampled_from([b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"<table>", b""]))
def test_any_bytes_give_a_sheet_or_a_reason(data: bytes, start: bytes) -> None:
    sheet = read(start + data, COLUMNS)
    assert sheet.errors or sheet.columns
