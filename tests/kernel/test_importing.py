"""The importer: bytes → sheet → records → plan, and the promise of all or nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from zutuan.clusters.imports import SCHOOL_COLUMNS, SCHOOLS
from zutuan.clusters.models import School
from zutuan.db import Database
from zutuan.importing import MAX_BYTES, Report, RowError, decode, parse, read_csv, run
from zutuan.sharing.models import AuditEvent

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
HEADER = "code,name,province,city,level,supervisor\n"
TWO = HEADER + "4111010027,北京师范大学,北京市,北京市,本科,教育部\n,西昌民族幼儿师范高等专科学校,四川省,,专科,四川省\n"


def codes(report_or_sheet: object) -> list[tuple[int, str, str]]:
    return [(e.line, e.column, e.code) for e in report_or_sheet.errors]  # type: ignore[attr-defined]


def parsed_codes(text: str) -> list[tuple[int, str, str]]:
    _, errors = parse(read_csv(text.encode()), SCHOOL_COLUMNS)
    return [(e.line, e.column, e.code) for e in errors]


# --- reading ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "said"), [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("gbk", "GB18030"), ("gb18030", "GB18030")]
)
def test_what_schools_export_is_read(encoding: str, said: str) -> None:
    sheet = read_csv(TWO.encode(encoding))
    assert sheet.encoding == said
    assert sheet.columns[:2] == ("code", "name")
    assert [row.cells[1] for row in sheet.rows] == ["北京师范大学", "西昌民族幼儿师范高等专科学校"]
    assert sheet.errors == ()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (TWO.encode("utf-16"), "import_nul"),
        (b"PK\x03\x04\x00\x00", "import_nul"),
        (b"code,name\n4111010027,\xff\xff\xff\n", "import_encoding"),
        ("code,name\n4111010027,國立臺灣師範大學與臺灣藝術學院\n".encode("big5"), "import_encoding"),
        ("name\nUniversité française é,\n".encode("latin-1"), "import_encoding"),
        (b"", "import_empty"),
        (b"\n , ,\n", "import_empty"),
        (b"x" * (MAX_BYTES + 1), "import_too_large"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(data: bytes, code: str) -> None:
    assert codes(read_csv(data)) == [(0, "", code)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    sheet = read_csv(TWO.replace(",", delimiter).encode())
    assert len(sheet.columns) == 6
    assert len(sheet.rows) == 2


def test_lines_are_those_of_the_file() -> None:
    sheet = read_csv(b'name,note\r\n"a\r\nb",1\r\n\r\nc,2\r\nd\r\n')
    assert [(row.line, row.cells) for row in sheet.rows] == [(2, ("a\r\nb", "1")), (5, ("c", "2"))]
    assert codes(sheet) == [(6, "", "import_ragged")]
    assert sheet.errors[0].params == {"columns": 2, "cells": 1}


def test_empty_columns_behind_the_last_are_no_fault() -> None:
    sheet = read_csv("name,code,,\n甲,,,\n乙,,,x\n".encode())
    assert sheet.columns == ("name", "code")
    assert [row.cells for row in sheet.rows] == [("甲", "")]
    assert codes(sheet) == [(3, "", "import_ragged")]


@pytest.mark.parametrize("broken", ['a,"b', 'a,"b"c', '"' + "x" * 200_000 + '",b'])
def test_a_broken_quotation_is_reported_where_its_row_begins(broken: str) -> None:
    sheet = read_csv(f"name,code\n甲,\n{broken}\n乙,\n".encode())
    assert codes(sheet) == [(3, "", "import_broken")]
    assert [row.cells[0] for row in sheet.rows] == ["甲"]


def test_numbers_kept_as_text_by_a_formula_are_read() -> None:
    assert read_csv(b'code,name\n="4111010027",a\n').rows[0].cells[0] == "4111010027"


@given(st.binary(max_size=300))
def test_any_bytes_give_a_sheet_or_a_reason(data: bytes) -> None:
    sheet = read_csv(data)
    assert sheet.errors or sheet.columns is not None
    assert all(len(row.cells) == len(sheet.columns) for row in sheet.rows)


@given(st.lists(st.text(st.sampled_from("师范大学北京安徽华东院校教育科技职业 ·（）"), min_size=1), min_size=1))
def test_chinese_text_survives_both_encodings(names: list[str]) -> None:
    text = "学校名称\n" + "\n".join(names)
    assert decode(text.encode("gbk"))[0] == decode(text.encode())[0] == text


# --- mapping ----------------------------------------------------------------------------------------------------


def test_headers_have_synonyms() -> None:
    text = "序号,学校名称,学校标识码,主管部门,所在地,办学层次,备注\n1,北京大学,4111010001,教育部,北京市,本科,\n"
    records, errors = parse(read_csv(text.encode("gbk")), SCHOOL_COLUMNS)
    assert errors == []
    assert records[0].values == {
        "name": "北京大学", "code": "4111010001", "supervisor": "教育部", "city": "北京市", "level": "本科",
    }  # fmt: skip


def test_headers_that_do_not_fit_are_each_named() -> None:
    found = parsed_codes("School Name,name,颜色,\n甲,乙,红,\n")
    assert found == [
        (1, "name", "import_duplicate_column"), (1, "颜色", "import_unknown_column"), (1, "code", "import_missing_column"),
    ]  # fmt: skip


def test_every_bad_cell_is_named() -> None:
    found = parsed_codes(HEADER + f"41110,,{'省' * 21},,,\n4111010027,a\x07b,,,,\n4111010028,{'名' * 61},,,,\n")
    assert found == [
        (2, "code", "bad_school_code"), (2, "name", "required"), (2, "province", "too_long"),
        (3, "name", "control_characters"), (4, "name", "too_long"),
    ]  # fmt: skip


def test_every_error_has_a_sentence() -> None:
    assert "6 列" in RowError(2, "", "import_ragged", {"columns": 6, "cells": 5}).sentence
    assert RowError(2, "", "never heard of").sentence


# --- schools ----------------------------------------------------------------------------------------------------


def load(database: Database, text: str, **kw: bool) -> Report:
    with database.write() as session:
        return run(session, SCHOOLS, text.encode(), now=NOW, **kw)  # type: ignore[arg-type]


def counts(report: Report) -> tuple[int, int, int]:
    return report.created, report.updated, report.unchanged


def rows(database: Database) -> list[tuple[object, ...]]:
    with database.read() as session:
        table = School.__table__
        return [tuple(row) for row in session.execute(sa.select(table).order_by(table.c.id))]


def audits(database: Database) -> list[dict[str, object]]:
    with database.read() as session:
        return list(session.scalars(sa.select(AuditEvent.detail).where(AuditEvent.action == "import.schools")))


def test_twice_changes_nothing(database: Database) -> None:
    first = load(database, TWO)
    assert counts(first) == (2, 0, 0)
    assert first.written
    before = rows(database)
    again = load(database, TWO)
    assert counts(again) == (0, 0, 2)
    assert not again.written
    assert rows(database) == before
    assert audits(database) == [{"sha256": first.sha256, "created": 2, "updated": 0, "unchanged": 0}]


def test_a_dry_run_tells_and_writes_nothing(database: Database) -> None:
    with database.read() as session:
        report = run(session, SCHOOLS, TWO.encode(), now=NOW, dry_run=True)
    assert counts(report) == (2, 0, 0)
    assert rows(database) == []
    assert audits(database) == []


def test_one_bad_row_and_nothing_is_written(database: Database) -> None:
    report = load(database, TWO + "x,坏学校,,,,\n4111010027,同码大学,,,,\n,北京师范大学,,,,\n,少一列\n")
    assert codes(report) == [
        (4, "code", "bad_school_code"), (5, "code", "import_duplicate_row"),
        (6, "name", "import_duplicate_row"), (7, "", "import_ragged"),
    ]  # fmt: skip
    assert report.bad_lines == 4
    assert rows(database) == []


def test_a_school_is_matched_by_code_and_its_facts_follow_the_list(database: Database) -> None:
    load(database, TWO)
    report = load(database, "code,name,city\n4111010027,北京师范大学（新名）,珠海市\n")
    assert counts(report) == (0, 1, 0)
    assert rows(database)[0][1:5] == ("4111010027", "北京师范大学（新名）", "北京市", "珠海市")


def test_without_a_code_the_exact_name_counts_and_a_code_found_later_is_filled_in(database: Database) -> None:
    load(database, TWO)
    assert counts(load(database, "code,name\n,西昌民族幼儿师范高等专科学校\n")) == (0, 0, 1)
    assert counts(load(database, "code,name\n4151014000,西昌民族幼儿师范高等专科学校\n")) == (0, 1, 0)
    assert counts(load(database, "code,name\n,西昌民族幼儿师专\n")) == (1, 0, 0)


def test_an_empty_cell_leaves_what_is_there(database: Database) -> None:
    load(database, TWO)
    assert counts(load(database, HEADER + ",北京师范大学,,,,\n")) == (0, 0, 1)
    assert rows(database)[0][1:4] == ("4111010027", "北京师范大学", "北京市")


def test_code_and_name_of_different_schools_are_a_bad_row(database: Database) -> None:
    load(database, TWO + "4111010001,北京大学,北京市,北京市,本科,教育部\n")
    report = load(database, "code,name\n4111010001,北京师范大学\n4199999999,北京大学\n")
    assert codes(report) == [(2, "name", "school_name_taken"), (3, "code", "school_code_differs")]
    assert all(error.sentence for error in report.errors)


def test_progress_is_told(sqlite_database: Database) -> None:
    heard: list[tuple[int, int]] = []
    text = HEADER + "".join(f",第{n}师范学院,,,,\n" for n in range(1200))
    with sqlite_database.write() as session:
        run(session, SCHOOLS, text.encode(), now=NOW, progress=lambda done, total: heard.append((done, total)))
    assert heard == [(500, 1200), (1000, 1200), (1200, 1200)]


def test_a_table_of_thousands_of_columns_is_refused_at_once() -> None:
    assert codes(read_csv(",".join(f"c{n}" for n in range(20_000)).encode())) == [(1, "", "import_too_wide")]
