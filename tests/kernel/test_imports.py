"""Tables that schools hand in: one way for rosters, calendars and timetables, on pages and through the API."""

from __future__ import annotations

import io
import json
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from support.cast import Cast, Player
from support.http import Api, api, browser_session, csrf_token, post_form
from support.teaching import drain, ok, teach
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from zutuan.calendar.models import Occurrence, SpecialDay, TimetableEntry
from zutuan.db import Database
from zutuan.importing.mapping import PLACE
from zutuan.imports.models import ImportBatch

TERM = "2026-2027-1"
HEAD = "课程名称,上课时间,班级,教师学工号,教师,教室\n"
GOOD = '高等数学,"周一第1-2节{1-16周}",小教2401,A002,王老师,教一101\n'
BAD = "心理学,周三第3-4节,小教2401,,,\n"  # no weeks
DAYS = "类型,名称,开始,结束\n节假日,校庆,2026-12-04,2026-12-05\n"


def count(database: Database, model: type) -> int:
    with database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def hand_in(client: Api, cast: Cast, text: str | bytes, kind: str = "timetable", **more: Any) -> TestResponse:
    data = text.encode() if isinstance(text, str) else text
    form = {"kind": kind, "school_id": str(cast.schools["A"]), "file": (io.BytesIO(data), "课表.csv"), **more}
    if kind == "timetable" and "params" not in form:
        form["params"] = json.dumps({"term": TERM})
    return client.post("/imports", data=form, content_type="multipart/form-data")


def mend(data: bytes, time: str) -> bytes:
    """The workbook of bad rows with their times filled in."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    sheet: Any = book.active
    titles = [cell.value for cell in sheet[1]]
    assert titles[0] == PLACE
    for row in sheet.iter_rows(min_row=2):
        row[titles.index("上课时间")].value = time
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


# --- the API ----------------------------------------------------------------------------------------------------


def test_a_timetable_is_checked_mended_and_applied(app: Flask, database: Database, cast: Cast) -> None:
    client = api(app, cast.who("A", "registrar"))
    made = ok(hand_in(client, cast, HEAD + GOOD + BAD), 201)
    assert (made["state"], made["params"], made["file_name"]) == ("checking", {"term": TERM}, "课表.csv")
    drain(database)
    path = f"/imports/{made['id']}"
    found = ok(client.get(path))
    assert (found["state"], found["rows"], found["bad_lines"], found["counts"]["created"]) == ("checked", 2, 1, 1)
    assert {"title": "课程名称", "column": "course"} in found["mapping"]
    (bad,) = ok(client.get(f"{path}/lines"))["items"]
    assert (bad["line"], bad["errors"][0]["column"], bad["errors"][0]["code"]) == (3, "time", "pattern_no_weeks")
    (new,) = ok(client.get(f"{path}/lines?outcome=created"))["items"]
    assert (
        new["label"] == "高等数学 小教2401" and {"column": "room", "before": "", "after": "教一101"} in new["changes"]
    )
    refused = client.post(f"{path}/apply")
    assert (refused.status_code, refused.json["code"]) == (409, "import_has_errors")
    back = client.get(f"{path}/failed")
    assert back.status_code == 200 and back.mimetype.endswith("sheet")
    workbook = {"file": (io.BytesIO(mend(back.data, "周三第3-4节{1-16周}")), "改好.xlsx")}
    second = ok(client.post(f"{path}/mend", data=workbook, content_type="multipart/form-data"), 201)
    assert second["mends_id"] == made["id"] and second["params"] == {"term": TERM}
    drain(database)
    mended = f"/imports/{second['id']}"
    assert ok(client.get(mended))["counts"]["created"] == 2
    assert ok(client.post(f"{mended}/apply"))["state"] == "applying"
    drain(database)
    assert ok(client.get(mended))["state"] == "applied" and count(database, TimetableEntry) == 2
    first = ok(client.get(path))
    assert (first["state"], first["superseded_by_id"]) == ("superseded", second["id"])
    listed = ok(client.get("/imports"))
    assert [each["id"] for each in listed["items"]] == [second["id"], made["id"]]


def test_what_is_left_out_of_a_timetable_goes_and_is_shown_first(app: Flask, database: Database, cast: Cast) -> None:
    client = api(app, cast.who("A", "registrar"))
    for text, removed in ((HEAD + GOOD, 0), (HEAD + GOOD.replace("101", "102"), 1)):
        made = ok(hand_in(client, cast, text), 201)
        drain(database)
        assert ok(client.get(f"/imports/{made['id']}"))["counts"].get("removed", 0) == removed
        ok(client.post(f"/imports/{made['id']}/apply"))
        drain(database)
    (gone,) = ok(client.get(f"/imports/{made['id']}/lines?outcome=removed"))["items"]
    assert {"column": "room", "before": "教一101", "after": ""} in gone["changes"]
    with database.read() as session:
        assert session.scalars(sa.select(TimetableEntry.room)).all() == ["教一102"]


def test_a_calendar_goes_the_same_way(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    client = api(sqlite_app, cast.who("A", "registrar"))
    made = ok(hand_in(client, cast, DAYS, "calendar"), 201)
    drain(sqlite_database)
    ok(client.post(f"/imports/{made['id']}/apply"))
    drain(sqlite_database)
    assert ok(client.get(f"/imports/{made['id']}"))["state"] == "applied" and count(sqlite_database, SpecialDay) == 2


def test_what_a_calendar_moves_is_shown_before_and_told_after(app: Flask, database: Database, cast: Cast) -> None:
    """Wednesday's lesson of 12-02 falls out, and those who teach and take it hear of it once it is written."""
    taught, student = teach(app, cast), cast.who("B", "student")
    ok(api(app, student).post(taught.seats, {}), 201)
    client = api(app, cast.who("A", "registrar"))
    made = ok(
        hand_in(client, cast, DAYS.replace("2026-12-04", "2026-12-02")[: -len("2026-12-05\n")] + "\n", "calendar"), 201
    )
    drain(database)
    found, path = ok(client.get(f"/imports/{made['id']}")), f"/imports/{made['id']}"
    assert found["told"] == 2 and found["counts"]["created"] == 1
    (moved,) = ok(client.get(f"{path}/lines?outcome=follows"))["items"]
    assert (moved["line"], moved["label"]) == (0, "教育心理学")
    assert moved["changes"] == [{"column": "meeting", "before": "2026-12-02 08:00–09:35", "after": ""}]
    with database.read() as session:
        held = sa.select(sa.func.count()).where(Occurrence.source_type == "offering", Occurrence.state == "active")
        assert session.scalar(held) == 16 and count(database, SpecialDay) == 0  # looking has left nothing behind
    ok(client.post(f"{path}/apply"))
    drain(database)
    with database.read() as session:
        assert session.scalar(held) == 15
    assert ok(client.get(path))["state"] == "applied"


def test_what_changed_since_it_was_shown_is_shown_again(app: Flask, database: Database, cast: Cast) -> None:
    client = api(app, cast.who("A", "registrar"))
    first, second = (ok(hand_in(client, cast, HEAD + GOOD), 201)["id"] for _n in range(2))
    drain(database)
    for made in (first, second):
        ok(client.post(f"/imports/{made}/apply"))
    drain(database)
    found = ok(client.get(f"/imports/{second}"))
    assert (found["state"], found["problem"], found["counts"]["unchanged"]) == ("checked", "import_changed_since", 1)
    assert ok(client.post(f"/imports/{second}/abandon"))["state"] == "dropped"
    assert client.post(f"/imports/{second}/apply").json["code"] == "import_wrong_state"
    answer = client.post(f"/imports/{second}/mend", data={"file": (io.BytesIO(b"x"), "x.csv")})
    assert (answer.status_code, answer.json["code"]) == (409, "import_wrong_state")


@pytest.mark.parametrize(
    ("params", "code"),
    [("{}", "required"), ('{"term": "2031-2032-1"}', "not_a_choice")],
)
def test_the_term_must_be_one_of_the_school_s(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, params: str, code: str
) -> None:
    answer = hand_in(api(sqlite_app, cast.who("A", "registrar")), cast, HEAD + GOOD, params=params)
    assert answer.status_code == 422
    assert [(each["field"], each["code"]) for each in answer.json["errors"]] == [("params.term", code)]


def test_a_stored_file_will_do(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    client, other = (api(sqlite_app, cast.who("A", role)) for role in ("registrar", "teacher"))
    stored = ok(other.post("/files?name=days.csv", data=DAYS.encode(), content_type="text/csv"), 201)
    body = {"kind": "calendar", "school_id": cast.schools["A"], "file_id": stored["id"]}
    assert client.post("/imports", body).status_code == 404  # somebody else's
    mine = ok(client.post("/files?name=days.csv", data=DAYS.encode(), content_type="text/csv"), 201)
    assert ok(client.post("/imports", {**body, "file_id": mine["id"]}), 201)["file_name"] == "days.csv"
    drain(sqlite_database)
    assert client.post("/imports", {"kind": "calendar", "school_id": cast.schools["A"]}).status_code == 422


def test_the_same_key_hands_a_file_in_once(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    client = api(sqlite_app, cast.who("A", "registrar"))
    client.headers["Idempotency-Key"] = "once"
    form = {"kind": "calendar", "school_id": str(cast.schools["A"])}
    boundary, body = encode_multipart({**form, "file": FileStorage(io.BytesIO(DAYS.encode()), "校历.csv")})
    kind = f"multipart/form-data; boundary={boundary}"
    first, second = (client.post("/imports", data=body, content_type=kind) for _n in range(2))
    assert ok(first, 201)["id"] == ok(second, 201)["id"] and count(sqlite_database, ImportBatch) == 1


def test_another_column_is_chosen(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    client = api(sqlite_app, cast.who("A", "registrar"))
    made = ok(hand_in(client, cast, (HEAD + GOOD).replace("班级", "教学对象")), 201)
    drain(sqlite_database)
    path = f"/imports/{made['id']}"
    assert ok(client.get(path))["bad_lines"] == 1
    ok(client.post(f"{path}/columns", {"columns": {"教学对象": "classes", "没有": "x"}}))
    drain(sqlite_database)
    found = ok(client.get(path))
    assert found["bad_lines"] == 0 and {"title": "教学对象", "column": "classes"} in found["mapping"]


def test_what_may_be_imported_is_said(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    client = api(sqlite_app, cast.who("A", "registrar"))
    found = {each["name"]: each for each in ok(client.get(f"/imports/kinds?school_id={cast.schools['A']}"))["items"]}
    assert set(found) >= {"people", "calendar", "timetable"}
    assert [option["value"] for option in found["timetable"]["params"][0]["options"]] == [TERM]
    assert client.get(f"/imports/kinds?school_id={cast.schools['B']}").status_code == 404


def test_only_who_runs_the_school_sees_an_import(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    made = ok(hand_in(api(sqlite_app, cast.who("A", "registrar")), cast, DAYS, "calendar"), 201)

    def answers(who: Player) -> tuple[int, ...]:
        client, path = api(sqlite_app, who), f"/imports/{made['id']}"
        reads = (client.get(path), client.get(f"{path}/lines"), client.get(f"{path}/failed"))
        writes = tuple(client.post(f"{path}/{verb}") for verb in ("apply", "check", "abandon", "mend"))
        return tuple(each.status_code for each in (*reads, *writes, hand_in(client, cast, DAYS, "calendar")))

    for who in (cast.who("A", "teacher"), cast.who("B", "registrar"), cast.who("A", "student")):
        assert set(answers(who)) == {404}, who
    assert api(sqlite_app, cast.who("A", "teacher")).get("/imports").status_code == 403


# --- pages ------------------------------------------------------------------------------------------------------


def test_on_the_page(client: FlaskClient, database: Database, cast: Cast) -> None:
    browser_session(client, cast.who("A", "registrar"))
    moved = client.get(f"/calendar/schools/{cast.schools['A']}/import")
    assert moved.headers["Location"] == f"/imports?school={cast.schools['A']}&kind=timetable"
    form = client.get(moved.headers["Location"]).text
    assert TERM in form and "学期（本校课表）" in form

    def send(text: str, **more: str) -> TestResponse:
        data = {"csrf_token": csrf_token(client), "school": str(cast.schools["A"]), "kind": "timetable", **more}
        return client.post("/imports", data={**data, "file": (io.BytesIO(text.encode()), "课表.csv")})

    wrong = send(HEAD + GOOD)
    assert wrong.status_code == 422 and 'id="f-params-term"' in wrong.text
    answer = send(HEAD + GOOD + BAD, **{"params-term": TERM})
    drain(database)
    page = client.get(answer.headers["Location"]).text
    assert "没有写周次" in page and "第一学期" in page and "下载有误的行" in page
    failed = client.get(answer.headers["Location"] + "/failed.xlsx")
    mended = (io.BytesIO(mend(failed.data, "周三第3-4节{1-16周}")), "改好.xlsx")
    token = csrf_token(client)
    after = client.post(answer.headers["Location"] + "/mended", data={"csrf_token": token, "file": mended})
    drain(database)
    assert "去掉文件里没有的 0 项" in client.get(after.headers["Location"]).text
    post_form(client, after.headers["Location"] + "/apply")
    drain(database)
    assert count(database, TimetableEntry) == 2
    first = client.get(answer.headers["Location"]).text
    assert "由修改后的工作簿接替" in first and f'href="{after.headers["Location"]}"' in first
    assert "由修改后的工作簿接替" in client.get("/imports").text and "已放弃" not in client.get("/imports").text


def test_a_mended_workbook_handed_in_anew_supersedes_too(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast
) -> None:
    client = api(sqlite_app, cast.who("A", "registrar"))
    first = ok(hand_in(client, cast, HEAD + GOOD + BAD), 201)["id"]
    drain(sqlite_database)
    workbook = mend(client.get(f"/imports/{first}/failed").data, "周三第3-4节{1-16周}")
    second = ok(hand_in(client, cast, workbook), 201)["id"]
    drain(sqlite_database)
    ok(client.post(f"/imports/{second}/apply"))
    drain(sqlite_database)
    with sqlite_database.read() as session:
        batch = session.get_one(ImportBatch, first)
        assert (batch.state, batch.superseded_by_id, batch.content) == ("superseded", second, None)


@pytest.mark.parametrize("kind", ["people", "calendar", "timetable"])
def test_each_kind_has_a_template(sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast, kind: str) -> None:
    browser_session(sqlite_client, cast.who("A", "registrar"))
    answer = sqlite_client.get(f"/imports/template/{kind}.xlsx")
    heads = [cell.value for cell in openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets[0][1]]
    assert answer.status_code == 200 and len(heads) > 5
