"""A home registrar admits courses of other schools for the own students."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from support.cast import YEAR, Cast
from support.http import api, browser_session, csrf_token
from support.teaching import add_people, at_time, changes_nothing, ok, pick_only, refused, teach

from courses.admission.rules import may_choose
from zutuan.db import Database


def body(*courses: int, admitted: bool = True) -> dict[str, Any]:
    return {"course_ids": list(courses), "academic_year": YEAR, "number": 1, "admitted": admitted}


def test_all_or_what_is_picked() -> None:
    assert may_choose("all", False) and may_choose("picked", True) and not may_choose("picked", False)


def test_only_admitted_courses_may_be_chosen_and_who_sits_keeps_the_seat(
    app: Flask, database: Database, cast: Cast
) -> None:
    first, second = teach(app, cast), teach(app, cast, code="EDU102", meeting=at_time(4))
    path, registrar = f"/schools/{cast.schools['B']}/admissions", api(app, cast.who("B", "registrar"))
    early, late = add_people(database, cast, "B", 2)
    ok(api(app, early).post(first.seats, {}), 201)
    pick_only(database, cast, "B")
    reasons = ok(api(app, late).get(f"{first.offering}/eligibility"))["reasons"]
    assert [each["code"] for each in reasons] == ["not_admitted"]
    refused(api(app, late).post(first.seats, {}), 409, "not_admitted")
    assert ok(api(app, cast.who("C", "student")).get(f"{first.offering}/eligibility"))["allowed"], "C picks nothing"

    assert ok(registrar.post(path, body(first.course_id, second.course_id))) == {"changed": 2}
    assert ok(registrar.post(path, body(first.course_id))) == {"changed": 0}
    taken = ok(api(app, late).post(first.seats, {}), 201)
    assert ok(registrar.post(path, body(first.course_id, admitted=False))) == {"changed": 1}
    assert ok(registrar.post(f"/enrolments/{taken['id']}/approve", {}))["state"] == "enrolled"
    refused(api(app, cast.who("B", "student")).post(first.seats, {}), 409, "not_admitted")
    listed = {each["id"]: each["admitted"] for each in ok(registrar.get(path))["items"]}
    assert listed == {first.course_id: False, second.course_id: True}
    assert [each["id"] for each in ok(registrar.get(f"{path}?admitted=1"))["items"]] == [second.course_id]
    assert ok(registrar.get(f"{path}?academic_year=2030-2031&number=1"))["items"] == []
    for year in ("2026-2029", "2099-2001"):
        error = refused(registrar.post(path, body(first.course_id) | {"academic_year": year}), 422, "invalid")
        assert error["errors"][0]["code"] == "bad_academic_year"


def test_what_is_not_shared_cannot_be_admitted_and_only_by_ones_own_registrar(
    app: Flask, database: Database, cast: Cast
) -> None:
    taught, foreign = teach(app, cast), teach(app, cast, "D", code="D1")
    own, path = teach(app, cast, "B", code="B1"), f"/schools/{cast.schools['B']}/admissions"
    registrar = api(app, cast.who("B", "registrar"))
    for bad in (foreign.course_id, own.course_id, 987654):
        with changes_nothing(database):
            error = refused(registrar.post(path, body(taught.course_id, bad)), 422, "invalid")
        assert [(each["field"], each["code"]) for each in error["errors"]] == [
            ("course_ids.1", "not_shared_with_school")
        ]
    refused(api(app, cast.who("B", "secretary")).post(path, body(taught.course_id)), 403, "forbidden")
    refused(api(app, cast.who("A", "registrar")).post(path, body(taught.course_id)), 404, "not_found")
    refused(api(app, cast.who("B", "student")).get(path), 404, "not_found")


def test_the_page(sqlite_app: Flask, sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast) -> None:
    first = teach(sqlite_app, cast)
    teach(sqlite_app, cast, code="EDU102", title_zh="班级管理", meeting=at_time(4))
    pick_only(sqlite_database, cast, "B")
    browser_session(sqlite_client, cast.who("B", "registrar"))
    token = {"csrf_token": csrf_token(sqlite_client)}
    page = sqlite_client.get("/admissions").text
    assert "教育心理学" in page and "班级管理" in page and "不可选" in page and "待决定" in page
    assert "班级管理" not in sqlite_client.get("/admissions?q=心理").text
    assert "还没有选中任何课程" in sqlite_client.post("/admissions", data={"do": "admit", **token}).text
    done = sqlite_client.post("/admissions?q=心理", data={"do": "admit", "id": first.course_id, **token})
    assert done.status_code == 302 and "已列入" in sqlite_client.get("/admissions?admitted=1").text
    assert sqlite_client.post("/admissions", data={"do": "end", "id": first.course_id, **token}).status_code == 302
    assert "没有符合条件" in sqlite_client.get("/admissions?admitted=1").text
    browser_session(sqlite_client, cast.who("B", "secretary"))
    assert "列入所选" not in sqlite_client.get("/admissions").text
    browser_session(sqlite_client, cast.who("B", "student"))
    assert sqlite_client.get("/admissions").status_code == 403
