"""Tables out: whatever people typed, no cell of a workbook or CSV can run."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from flask import Flask
from hypothesis import example, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from zutuan import exporting
from zutuan.exporting import Table, could_run, csv_download, csv_lines, workbook, xlsx_download

EVIL = [
    "=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=cmd|' /C calc'!A0", "＝1+1", "＋1", "－1", "＠A1",
    " =1", "\u3000=1", "\u200b=1", "\ufeff=1", '"=1"', "{=1}", "#N/A", "#REF!", "=", "\x00=1", "\x01=1", "'=1", "|1", "%0A=1",
]  # fmt: skip
texts = st.one_of(st.text(max_size=30), st.sampled_from(EVIL), st.text("=+-@\t\r\n'\",;1A(", max_size=8))
values = st.one_of(
    texts, st.none(), st.booleans(), st.integers(), st.floats(), st.decimals(allow_nan=True, places=2),
    st.dates(), st.datetimes(timezones=st.just(UTC)), st.times(),
)  # fmt: skip
rows = st.lists(st.lists(values, min_size=1, max_size=4), max_size=5)


def read(*tables: Table) -> openpyxl.Workbook:
    return openpyxl.load_workbook(workbook(*tables))


def shown(value: str) -> str:
    """What a reader gets back: XML has one kind of line end, and no control characters."""
    return str(exporting.clean(value)).replace("\r\n", "\n").replace("\r", "\n")


def decode(heads: list[Any], lines: list[list[Any]]) -> list[list[str]]:
    text = b"".join(csv_lines(heads, lines)).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


@given(rows, texts)
@settings(max_examples=150)
@example([[each] for each in EVIL], "=1")
def test_no_cell_of_a_workbook_is_a_formula(lines: list[list[Any]], head: str) -> None:
    file = workbook(Table(head, [head], lines))
    found = openpyxl.load_workbook(file).worksheets[0]
    cells = [cell for row in found.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type in ("f", "e")]
    file.seek(0)
    with zipfile.ZipFile(file) as parts:
        assert b"<f>" not in b"".join(parts.read(name) for name in parts.namelist() if "worksheets/" in name)
    file.seek(0)
    assert len(CalamineWorkbook.from_filelike(file).get_sheet_by_index(0).to_python()) <= len(lines) + 1


@given(st.lists(texts.filter(bool), min_size=1, max_size=5))
@settings(max_examples=100)
@example(EVIL)
def test_text_comes_back_as_it_was(words: list[str]) -> None:
    sheet = read(Table("文字", ["列"], [[word] for word in words])).worksheets[0]
    got = [row[0].value for row in sheet.iter_rows(min_row=2)]
    assert [str(each or "").replace("\r", "\n") for each in got] == [shown(word) for word in words]
    assert all(row[0].quotePrefix for row in sheet.iter_rows(min_row=2))


@given(rows)
@settings(max_examples=150)
@example([[each] for each in EVIL])
def test_no_text_of_a_csv_starts_like_a_formula(lines: list[list[Any]]) -> None:
    for written, given_ in zip(decode(["=头"], lines)[1:], lines, strict=True):
        for cell, value in zip(written, given_, strict=True):
            if isinstance(value, str):
                assert not could_run(cell), repr(cell)
                assert cell.removeprefix("'") == str(exporting.clean(value)).removeprefix("'"), repr(cell)
    assert decode(["=头"], lines)[0] == ["'=头"]


def test_numbers_of_students_stay_whole_and_numbers_stay_numbers() -> None:
    moment = datetime(2026, 11, 25, 2, tzinfo=UTC)
    line = ["00123456789012345678", 10**18, 7, Decimal("2.5"), date(2026, 1, 2), moment, True, None, float("nan")]
    midnight, ten = (datetime.fromisoformat(each) for each in ("2026-01-02", "2026-11-25T10:00"))
    cells = next(read(Table("数", list("123456789"), [line])).worksheets[0].iter_rows(min_row=2))
    assert [cell.value for cell in cells] == [
        "00123456789012345678", str(10**18), 7, 2.5, midnight, ten, True, None, None,
    ]  # fmt: skip
    assert cells[0].number_format == "@" and cells[0].data_type == "s"


def test_csv_is_what_excel_in_china_opens() -> None:
    data = b"".join(csv_lines(["姓名", "数"], [["张三", 2], ['引"号', None]]))
    assert data == '\ufeff"姓名","数"\r\n"张三",2\r\n"引""号",""\r\n'.encode()


@pytest.mark.parametrize("name", ["", "a" * 60, "[x]:*?/\\y", "'q'", "\x00"])
def test_any_name_makes_a_sheet(name: str) -> None:
    book = read(Table(name, ["a"], []), Table(name, ["a"], [[1]]))
    first, second = book.sheetnames
    assert first != second and 0 < len(first) <= 31 and len(second) <= 31


def test_long_text_is_cut_and_many_rows_go_on_in_another_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "MAX_ROWS", 4)
    book = read(Table("表", ["n", "x"], ([n, "长" * 40_000] for n in range(7))))
    assert [sheet.max_row for sheet in book] == [4, 4, 2] and book.sheetnames == ["表", "表 (2)", "表 (3)"]
    assert book["表 (3)"]["A2"].value == 6 and len(book["表"]["B2"].value) == exporting.MAX_TEXT


def test_a_download_has_a_chinese_name_and_is_no_page(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        for answer in (
            xlsx_download("名单.xlsx", Table("名单", ["姓名"], [["=1"]])),
            csv_download("名单.csv", ["a"], [["=1"]]),
        ):
            assert answer.headers["Content-Disposition"].startswith("attachment;")
            assert "filename*=UTF-8''%E5%90%8D%E5%8D%95" in answer.headers["Content-Disposition"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff" and "html" not in answer.mimetype
            answer.direct_passthrough = False
            assert len(answer.get_data()) > 3
