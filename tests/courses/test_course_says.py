"""What a course says of itself: discipline, syllabus, textbooks, prerequisites, editions, cover and files, copies."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support.cast import Cast
from support.forms import form_of
from support.http import Api, api, browser_session, post_form
from support.teaching import changes_nothing, course_body, ok, refused, teach, to_cluster

from courses.catalogue import disciplines
from zutuan.clock import Clock
from zutuan.db import Database

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)  # fmt: skip
SAYS = {
    "discipline_scheme": "gbt13745", "discipline_version": "2009", "discipline_code": "880.11",
    "syllabus": [{"weeks": "1-2", "topic": "绪论"}, {"weeks": "3-16e", "topic": "专题"}], "textbooks": "《教育学》\n《心理学》",
}  # fmt: skip


def _patch(who: Api, path: str, change: dict[str, Any]) -> Any:
    return who.patch(path, change, headers={"If-Match": who.get(path).headers["ETag"]})


def test_a_course_keeps_what_it_says_and_its_form_loses_nothing(
    sqlite_app: Flask, sqlite_client: FlaskClient, cast: Cast
) -> None:
    teacher = api(sqlite_app, cast.who("A", "teacher"))
    base = teach(sqlite_app, cast, code="BASE")
    made = ok(teacher.post("/courses", course_body(**SAYS, requires_ids=[base.course_id])), 201)
    assert {name: made[name] for name in SAYS} == SAYS and [each["code"] for each in made["requires"]] == ["BASE"]
    browser_session(sqlite_client, cast.who("A", "teacher"))
    page = sqlite_client.get(f"/courses/{made['id']}/edit").get_data(as_text=True)
    before = ok(teacher.get(f"/courses/{made['id']}"))
    assert post_form(sqlite_client, f"/courses/{made['id']}/edit", form_of(page)).status_code == 302
    assert ok(teacher.get(f"/courses/{made['id']}")) == before
    shown = sqlite_client.get(f"/courses/{made['id']}").get_data(as_text=True)
    assert "880.11 教育学（GB/T 13745 学科分类与代码 2009）" in shown and "《心理学》" in shown and "绪论" in shown


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"discipline_scheme": "gbt13745", "discipline_code": "88"}, "discipline_code", "bad_discipline"),
    ({"discipline_scheme": "gbt13745", "discipline_code": "999"}, "discipline_code", "no_such_discipline"),
    ({"discipline_scheme": "degree", "discipline_code": "15"}, "discipline_code", "no_such_discipline"),
    ({"discipline_scheme": "gbt13745", "discipline_version": "1992", "discipline_code": "880"}, "discipline_version", "no_such"),
    ({"discipline_scheme": "gbt13745"}, "discipline_code", "required"),
    ({"discipline_code": "880"}, "discipline_scheme", "required"),
    ({"discipline_scheme": "dewey", "discipline_code": "880"}, "discipline_scheme", "no_such"),
    ({"syllabus": [{"weeks": "五", "topic": "x"}]}, "syllabus.0.weeks", "bad_weeks"),
    ({"syllabus": [{"weeks": "1"}]}, "syllabus.0.topic", "required"),
    ({"textbooks": "x" * 1001}, "textbooks", "too_long"),
    ({"requires_ids": [999]}, "requires_ids", "no_such"),
]  # fmt: skip


@pytest.mark.parametrize(("says", "field", "code"), BAD)
def test_what_does_not_fit_is_named(sqlite_app: Flask, cast: Cast, says: dict[str, Any], field: str, code: str) -> None:
    taught, teacher = teach(sqlite_app, cast, code="OLD"), api(sqlite_app, cast.who("A", "teacher"))
    with changes_nothing(sqlite_app.extensions["zutuan"].database):
        for answer in (teacher.post("/courses", course_body(**says)), _patch(teacher, taught.course, says)):
            assert [(e["field"], e["code"]) for e in ok(answer, 422)["errors"]] == [(field, code)]


def test_prerequisites_go_in_no_circle_and_are_seen_by_who_names_them(sqlite_app: Flask, cast: Cast) -> None:
    teacher = api(sqlite_app, cast.who("A", "teacher"))
    first, second = (teach(sqlite_app, cast, code=code) for code in ("P1", "P2"))
    hidden = ok(api(sqlite_app, cast.who("B", "teacher")).post("/courses", course_body()), 201)
    ok(_patch(teacher, second.course, {"requires_ids": [first.course_id]}))
    for wanted, code in (
        (second.course_id, "requires_itself"),
        (first.course_id, "requires_itself"),
        (hidden["id"], "no_such"),
    ):
        body = ok(_patch(teacher, first.course, {"requires_ids": [wanted]}), 422)
        assert body["errors"][0]["code"] == code


@pytest.mark.parametrize("form", ["110", "880.11", "88011", "880.1110"])
def test_codes_of_the_standard_come_with_and_without_a_dot(form: str) -> None:
    assert disciplines.check("gbt13745", "", form) == ("gbt13745", "2009", form)
    assert disciplines.text("degree", "2022", "040101").startswith("040101 教育学")


# --- editions ---------------------------------------------------------------------------------------------------


def test_each_published_edition_stays_readable_and_a_student_keeps_theirs(
    app: Flask, client: FlaskClient, cast: Cast, clock: Clock
) -> None:
    taught, teacher = teach(app, cast, assessment="论文"), api(app, cast.who("A", "teacher"))
    student = cast.who("B", "student")
    ok(api(app, student).post(taught.seats, {}), 201)
    clock.advance(timedelta(hours=1))
    ok(_patch(teacher, taught.course, {"assessment": "闭卷考试"}))
    ok(_patch(teacher, taught.course, {"assessment": "闭卷考试"}))
    found = ok(api(app, student).get(f"{taught.course}/editions"))["items"]
    assert [(each["number"], each["changed"], each["content"]["assessment"]) for each in found] == [
        (2, ["assessment"], "闭卷考试"), (1, [], "论文"),
    ]  # fmt: skip
    assert found[0]["person"]["id"] == cast.who("A", "teacher").id
    browser_session(client, student)
    assert f"{taught.course}/editions/1" in client.get(taught.offering).get_data(as_text=True)
    assert "论文" in client.get(f"{taught.course}/editions/1").get_data(as_text=True)
    assert "考核方式" in client.get(f"{taught.course}/editions").get_data(as_text=True)
    for number in (9, 3_000_000_000, 10**20):
        assert client.get(f"{taught.course}/editions/{number}").status_code == 404
    browser_session(client, cast.who("D", "student"))
    assert client.get(f"{taught.course}/editions/1").status_code == 404


def test_a_draft_has_no_editions(sqlite_app: Flask, cast: Cast) -> None:
    teacher = api(sqlite_app, cast.who("A", "teacher"))
    made = ok(teacher.post("/courses", course_body()), 201)
    ok(_patch(teacher, f"/courses/{made['id']}", {"assessment": "论文"}))
    assert ok(teacher.get(f"/courses/{made['id']}/editions"))["items"] == []


# --- copies -----------------------------------------------------------------------------------------------------


def test_a_copy_is_a_draft_under_its_own_code(sqlite_app: Flask, sqlite_client: FlaskClient, cast: Cast) -> None:
    taught, teacher = teach(sqlite_app, cast, **SAYS), api(sqlite_app, cast.who("A", "teacher"))
    refused(teacher.post(f"{taught.course}/copy", {"code": "EDU101"}), 409, "course_code_taken")
    made = ok(teacher.post(f"{taught.course}/copy", {"code": "EDU102"}), 201)
    assert made["state"] == "draft" and made["audience"]["scopes"] == [] and made["syllabus"] == SAYS["syllabus"]
    assert ok(teacher.get(f"/courses/{made['id']}/offerings"))["items"] == []
    ok(api(sqlite_app, cast.who("B", "teacher")).post(f"{taught.course}/copy", {"code": "X"}), 403)
    browser_session(sqlite_client, cast.who("A", "teacher"))
    form = form_of(sqlite_client.get(f"/courses/new?copy={taught.course_id}").get_data(as_text=True))
    assert form["code"] == "" and form["textbooks"] == SAYS["textbooks"]
    assert post_form(sqlite_client, "/courses/new", {**form.to_dict(), "code": "EDU103"}).status_code == 302


# --- for whom ---------------------------------------------------------------------------------------------------


def test_the_new_form_says_whom_the_course_will_reach(
    sqlite_app: Flask, sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast
) -> None:
    browser_session(sqlite_client, cast.who("A", "teacher"))
    cluster, [b, c] = to_cluster(cast), [cast.name_of(each) for each in "BC"]
    page = sqlite_client.get("/courses/new").text
    assert f"除本校外 2 所学校，{b}、{c}" in page and 'hx-get="/courses/audience"' in page
    form = {**form_of(page).to_dict(), "code": "AUD1", "title_zh": "学习科学", "audience": cluster}
    typed = {name: value for name, value in form.items() if name not in ("audience", "idempotency_key")}
    with changes_nothing(sqlite_database):
        shown = post_form(sqlite_client, "/courses/new/audience", typed)
    assert shown.status_code == 200 and "只有本校师生" in shown.text and 'value="学习科学"' in shown.text
    for chosen, words in (
        ([], "只有本校师生"),
        (["platform"], "所有登录的师生"),
        (cluster, f"2 所学校，{b}、{c}"),
        (["x:1"], "只有本校"),
    ):
        part = sqlite_client.get("/courses/audience", query_string={"audience": chosen}).text
        assert words in part and "<html" not in part
    made = post_form(sqlite_client, "/courses/new", form)
    assert made.status_code == 302
    course = ok(api(sqlite_app, cast.who("A", "teacher")).get(made.headers["Location"]))
    assert (course["state"], course["audience"]["scopes"]) == ("draft", cluster)
    refused(api(sqlite_app, cast.who("B", "student")).get(made.headers["Location"]), 404, "not_found")
    assert f"2 所学校，{b}、{c}" in sqlite_client.get(f"{made.headers['Location']}/publish").text
    browser_session(sqlite_client, cast.who("B", "student"))
    assert sqlite_client.get("/courses/audience").status_code == 403


# --- files ------------------------------------------------------------------------------------------------------


def _upload(client: FlaskClient, taught: Any, name: str, data: bytes, purpose: str) -> Any:
    form = {"item_id": taught.course_id, "aspect": "record", "purpose": purpose, "file": (io.BytesIO(data), name)}
    return post_form(client, f"{taught.course}/files", form, content_type="multipart/form-data")


def test_a_course_has_a_cover_and_files_for_those_who_see_it(app: Flask, client: FlaskClient, cast: Cast) -> None:
    taught = teach(app, cast)
    browser_session(client, cast.who("A", "teacher"))
    assert _upload(client, taught, "封面.png", PNG, "image").status_code == 302
    assert _upload(client, taught, "大纲.txt", "教学大纲".encode(), "attachment").status_code == 302
    bad = _upload(client, taught, "封面.png", b"not a picture", "image")
    assert bad.status_code == 422 and "封面" in bad.get_data(as_text=True)
    browser_session(client, cast.who("B", "student"))
    page = client.get(taught.course).get_data(as_text=True)
    assert "大纲.txt" in page and f"{taught.course}/cover" in page
    picture = client.get(f"{taught.course}/cover")
    assert picture.data == PNG and picture.mimetype == "image/png"
    assert _upload(client, taught, "我的.txt", b"x", "attachment").status_code == 403
    browser_session(client, cast.who("D", "student"))
    assert client.get(f"{taught.course}/cover").status_code == 404


def test_a_new_cover_takes_the_place_of_the_old_and_files_go(
    sqlite_app: Flask, sqlite_client: FlaskClient, cast: Cast
) -> None:
    taught = teach(sqlite_app, cast)
    browser_session(sqlite_client, cast.who("A", "teacher"))
    for _turn in range(2):
        assert _upload(sqlite_client, taught, "封面.png", PNG, "image").status_code == 302
    page = sqlite_client.get(f"{taught.course}/files").get_data(as_text=True)
    assert page.count("去掉封面") >= 1
    found = ok(api(sqlite_app, cast.who("A", "teacher")).get(f"/files?item_id={taught.course_id}&aspect=record"))[
        "items"
    ]
    assert len(found) == 1
    path = f"{taught.course}/files/{found[0]['id']}/delete"
    assert post_form(sqlite_client, path).status_code == 302
    assert sqlite_client.get(f"{taught.course}/cover").status_code == 404 == post_form(sqlite_client, path).status_code
