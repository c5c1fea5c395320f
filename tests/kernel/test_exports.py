"""Formats in which a school wants its exports: saved by its office, used by whoever may read the table."""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import unquote

from flask import Flask
from openpyxl import load_workbook
from support.cast import Cast
from support.http import api, browser_session, post_form
from support.teaching import changes_nothing, ok, refused, teach

from zutuan.db import Database
from zutuan.exports import kinds
from zutuan.exports.rules import check_columns
from zutuan.people.models import Person

COLUMNS = [
    {"column": "number", "head": "学号"}, {"column": "name", "head": "姓名"}, {"head": "修读性质", "value": "校际选修"},
]  # fmt: skip


def body(cast: Cast, **changes: Any) -> dict[str, Any]:
    return {
        "school_id": cast.schools["A"], "kind": "roster", "name": "教务", "file_type": "csv_gbk", "columns": COLUMNS, **changes,
    }  # fmt: skip


def test_every_preset_names_columns_that_its_kind_has() -> None:
    for kind in kinds.every():
        names = [each.name for each in kind.columns]
        assert len(names) == len(set(names))
        for preset in kind.presets:
            rows = [{"column": column, "head": str(head or column), "value": ""} for column, head in preset.columns]
            assert check_columns(rows, names) == [], (kind.name, preset.name)


def test_what_is_wrong_with_columns_names_its_row(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    office = api(sqlite_app, cast.who("A", "registrar"))
    bad = [
        {"column": "number", "head": "学号"}, {"column": "number", "head": "编号"}, {"column": "salary", "head": "工资"},
        {"column": "name", "head": ""}, {"column": "grade", "head": "学号"}, {"column": "major", "head": "专业", "value": "x"},
    ]  # fmt: skip
    with changes_nothing(sqlite_database):
        errors = ok(office.post("/export-formats", body(cast, columns=bad)), 422)["errors"]
        assert {each["field"]: each["code"] for each in errors} == {
            "columns.1.column": "export_column_twice", "columns.2.column": "export_column_unknown",
            "columns.3.head": "export_head_empty", "columns.4.head": "export_head_twice",
            "columns.5.value": "export_value_of_column",
        }  # fmt: skip
        ok(office.post("/export-formats", body(cast, kind="salaries")), 422)
        ok(office.post("/export-formats", body(cast, columns=[])), 422)
    ok(office.post("/export-formats", body(cast, school_id=cast.schools["B"])), 403)
    ok(api(sqlite_app, cast.who("A", "teacher")).post("/export-formats", body(cast)), 403)


def test_names_are_unique_and_versions_are_kept(app: Flask, cast: Cast) -> None:
    office = api(app, cast.who("A", "registrar"))
    response = office.post("/export-formats", body(cast))
    made, tag = ok(response, 201), response.headers["ETag"]
    refused(office.post("/export-formats", body(cast)), 409, "export_name_taken")
    ok(office.post("/export-formats", body(cast, kind="incoming")), 201)
    path = f"/export-formats/{made['id']}"
    ok(office.patch(path, {"name": "新教务"}), 428)
    changed = office.patch(path, {"name": "新教务"}, headers={"If-Match": tag})
    assert ok(changed)["name"] == "新教务"
    ok(office.patch(path, {"name": "旧"}, headers={"If-Match": tag}), 412)
    ok(api(app, cast.who("B", "registrar")).get(path), 404)
    listed = ok(api(app, cast.who("A", "teacher")).get("/export-formats?kind=roster"))["items"]
    assert [each["id"] for each in listed] == [made["id"]]
    assert office.delete(path, headers={"If-Match": changed.headers["ETag"]}).status_code == 204
    ok(office.get(path), 404)


def test_a_roster_comes_in_the_order_that_was_saved(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    taught = teach(sqlite_app, cast)
    student = cast.who("B", "student")
    ok(api(sqlite_app, student).post(taught.seats, {}), 201)
    made = ok(api(sqlite_app, cast.who("A", "registrar")).post("/export-formats", body(cast, above=["选课名单"])), 201)
    wide = ok(
        api(sqlite_app, cast.who("A", "registrar")).post("/export-formats", body(cast, name="表", file_type="xlsx")),
        201,
    )
    elsewhere = ok(
        api(sqlite_app, cast.who("B", "registrar")).post("/export-formats", body(cast, school_id=cast.schools["B"])),
        201,
    )
    path = f"/offerings/{taught.offering_id}/roster/export?format="
    with sqlite_app.test_client() as browser:
        browser_session(browser, cast.who("A", "teacher"))
        answer = browser.get(f"{path}{made['id']}")
        text, name = answer.data.decode("gbk"), unquote(answer.headers["Content-Disposition"])
        assert body(cast)["name"] in name
        rows = list(csv.reader(io.StringIO(text)))
        assert rows[:2] == [["选课名单"], ["学号", "姓名", "修读性质"]]
        assert rows[2][0].lstrip("'") == student.number and rows[2][2] == "校际选修"
        sheet = load_workbook(io.BytesIO(browser.get(f"{path}{wide['id']}").data)).active
        assert [cell.value for cell in sheet[1]] == ["学号", "姓名", "修读性质"] and sheet.max_row == 2
        heads = load_workbook(io.BytesIO(browser.get(f"{path}preset-chaoxing").data)).active
        assert [cell.value for cell in heads[1]][:2] == ["姓名", "学号/工号"]
        assert browser.get(f"{path}{elsewhere['id']}").status_code == 404
        with sqlite_database.write() as session:
            person = session.get_one(Person, student.id)
            person.name = "王\U00020000"
            from zutuan.sharing.permissions import Subject
            from zutuan.sharing.services import audit

            audit(session, None, "test.name", Subject(), now=person.created_at)
        answer = browser.get(f"{path}{made['id']}")
        assert answer.status_code == 409 and "第 3 行" in answer.text and "\U00020000" in answer.text


def test_the_form_orders_its_rows_by_their_numbers(sqlite_app: Flask, cast: Cast) -> None:
    with sqlite_app.test_client() as browser:
        browser_session(browser, cast.who("A", "registrar"))
        path = f"/export-formats/schools/{cast.schools['A']}/roster/new"
        assert "学号/工号" in browser.get(f"{path}?copy=preset-chaoxing").text
        form = {
            "name": "次序", "file_type": "xlsx", "above": "", "columns-0-order": "2", "columns-0-column": "name",
            "columns-0-head": "姓名", "columns-1-order": "1", "columns-1-column": "number", "columns-1-head": "学号",
            "columns-2-order": "3", "columns-2-column": "", "columns-2-head": "",
        }  # fmt: skip
        assert post_form(browser, path, form).status_code == 302
        saved = ok(api(sqlite_app, cast.who("A", "registrar")).get("/export-formats"))["items"][0]
        assert [each["head"] for each in saved["columns"]] == ["学号", "姓名"]
        assert post_form(browser, path, form).status_code == 409
        edit = f"/export-formats/{saved['id']}/edit"
        wrong = post_form(browser, edit, {**form, "version": "1", "columns-0-head": ""})
        assert wrong.status_code == 422 and "请填写列名" in wrong.text
        assert post_form(browser, edit, {**form, "version": "7"}).status_code == 412
        assert post_form(browser, edit, {**form, "version": "1", "name": "改了"}).status_code == 302
        page = browser.get(f"/export-formats/schools/{cast.schools['A']}")
        assert "改了" in page.text and "学习通" in page.text
        assert post_form(browser, f"/export-formats/{saved['id']}/delete").status_code == 302
        assert browser.get("/export-formats").status_code == 302
