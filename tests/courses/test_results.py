"""Results at home: what a host confirms waits for the home registrar, who recognises, refuses or looks again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from io import BytesIO
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask
from support.cast import LONG_AGO, NOW, Cast
from support.hosting import confirm, graded
from support.http import api, browser_session, post_form
from support.teaching import add_people, changes_nothing, drain, ok, refused, teach

from courses.enrolment.models import Enrolment, EnrolmentEvent
from courses.recognition.models import Recognition
from courses.results import changes
from courses.results.checks import results_are_whole
from courses.results.models import Result
from zutuan.db import Database
from zutuan.notices.models import Notice
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.policies.rules import Place
from zutuan.policies.services import decide


def of(app: Flask, cast: Cast, result: int, letter: str = "B", role: str = "registrar") -> Any:
    return ok(api(app, cast.who(letter, role)).get(f"/results/{result}"))


def post(app: Flask, cast: Cast, path: str, body: Any = None, letter: str = "B", role: str = "registrar") -> Any:
    return api(app, cast.who(letter, role)).post(f"/results/{path}", {} if body is None else body)


def set_policy(database: Database, cast: Cast, key: str, value: Any, letter: str = "B") -> None:
    with database.write() as session:
        admin = load_actor(session, session.get_one(Person, cast.who(letter, "school_admin").id), NOW)
        decide(session, admin, Place(school_id=cast.schools[letter]), key, value)


# --- the main path ----------------------------------------------------------------------------------------------


def test_a_confirmed_grade_is_recognised_and_completes_the_enrolment(
    app: Flask, database: Database, cast: Cast
) -> None:
    enrolment, result = graded(app, database, cast)
    shown = of(app, cast, result)
    assert shown["state"] == "waiting" and shown["original"]["grade"] == "86" and shown["recognised"] is None
    assert shown["proposal"] == {
        "scale": "percent", "grade": "86", "mark": "", "points": "3.60", "credits": 1.5, "code": "PUB201", "name": "教育心理学专题",
        "name_en": "Topics in Educational Psychology", "category": "公共选修", "recorded": True,
    }  # fmt: skip
    done = ok(post(app, cast, f"{result}/recognise"))
    assert done["state"] == "recognised" and done["proposal"] is None and done["original"] == shown["original"]
    assert done["recognised"] == shown["proposal"]
    after = ok(api(app, cast.who("B", "student")).get(f"/enrolments/{enrolment}"))
    assert (after["state"], after["home_state"]) == ("completed", "completed")
    assert after["events"][-1]["event"] == "recognise"
    drain(database)
    with database.read() as session:
        kinds = session.scalars(sa.select(Notice.kind).where(Notice.person_id == cast.who("B", "student").id)).all()
        assert "result.recognise" in kinds and results_are_whole(session) == []
        told = sa.select(Notice.kind).where(Notice.person_id == cast.who("B", "registrar").id)
        assert "result.arrived" in session.scalars(told).all()
    refused(post(app, cast, f"{result}/recognise"), 409, "result_decided")


def test_the_student_sees_both_and_the_totals(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    _enrolment, first = graded(sqlite_app, sqlite_database, cast)
    graded(sqlite_app, sqlite_database, cast, code="EDU102", number=1, grade="55", counts=None)
    ok(post(sqlite_app, cast, f"{first}/recognise"))
    mine = ok(api(sqlite_app, cast.who("B", "student")).get("/me/results"))
    assert [each["state"] for each in mine["items"]] == ["recognised", "waiting"] and mine["total"] == 2
    assert mine["totals"] == {"courses": 1, "credits": 1.5, "average": "3.60"}


def test_what_the_registrar_may_say_otherwise(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    _enrolment, result = graded(sqlite_app, sqlite_database, cast)
    for body, field, code in (
        ({"credits": 2}, "credits", "result_exceeds_credits"), ({"name": ""}, "name", "counts_as_nothing"),
        ({"grade": "90"}, "grade", "not_the_same_grade"), ({"credits": -1}, "credits", "too_small"),
    ):  # fmt: skip
        problem = refused(post(sqlite_app, cast, f"{result}/recognise", body), 422, "invalid")
        assert [(each["field"], each["code"]) for each in problem["errors"]] == [(field, code)]
    said = {"name": "心理学基础", "code": "X1", "category": "专业选修", "credits": 1}
    done = ok(post(sqlite_app, cast, f"{result}/recognise", said))["recognised"]
    assert {name: done[name] for name in said} == said


def test_without_a_recognition_it_has_to_be_said(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    _enrolment, result = graded(sqlite_app, sqlite_database, cast, counts=None)
    assert of(sqlite_app, cast, result)["proposal"]["name"] == ""
    refused(post(sqlite_app, cast, f"{result}/recognise"), 422, "invalid")
    assert ok(post(sqlite_app, cast, f"{result}/recognise", {"name": "教育心理学"}))["recognised"]["credits"] == 2


def test_policies_of_the_home_school(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    set_policy(sqlite_database, cast, "results.scale", "five")
    set_policy(sqlite_database, cast, "results.points", "90=4、80=3、60=1.5")
    set_policy(sqlite_database, cast, "recognition.fail_recorded", False)
    _e, good = graded(sqlite_app, sqlite_database, cast)
    _e, bad = graded(sqlite_app, sqlite_database, cast, code="EDU102", number=1, grade="55")
    assert (of(sqlite_app, cast, good)["proposal"]["grade"], of(sqlite_app, cast, good)["proposal"]["points"]) == (
        "良好",
        "3.00",
    )
    failed = ok(post(sqlite_app, cast, f"{bad}/recognise"))["recognised"]
    assert (failed["grade"], failed["recorded"], failed["credits"]) == ("不及格", False, 0)


def test_a_bad_formula_is_refused_with_its_row(sqlite_app: Flask, cast: Cast) -> None:
    path = f"/schools/{cast.schools['B']}/policies/results.points"
    who = api(sqlite_app, cast.who("B", "school_admin"))
    problem = refused(who.put(path, json={"value": "90=4.0、八十=3"}, headers={"If-Match": '"v0"'}), 422, "invalid")
    assert problem["errors"][0]["code"] == "points_row" and "八十=3" in problem["errors"][0]["message"]


# --- refusing, looking again, corrections -----------------------------------------------------------------------


def test_refused_with_a_reason_and_looked_at_again(app: Flask, database: Database, cast: Cast) -> None:
    enrolment, result = graded(app, database, cast)
    refused(post(app, cast, f"{result}/refuse", {"reason": ""}), 422, "invalid")
    done = ok(post(app, cast, f"{result}/refuse", {"reason": "与本校必修课重复"}))
    assert (done["state"], done["reason"]) == ("refused", "与本校必修课重复")
    again = ok(post(app, cast, f"{result}/reopen", {"reason": "学院意见有误"}))
    assert again["state"] == "waiting" and again["before"]["state"] == "refused"
    assert ok(post(app, cast, f"{result}/recognise"))["state"] == "recognised"
    with database.read() as session:
        events = session.scalars(sa.select(EnrolmentEvent.event).where(EnrolmentEvent.enrolment_id == enrolment)).all()
    assert events[-3:] == ["not_recognised", "reopen_result", "recognise"]


def test_a_correction_makes_it_wait_again(app: Flask, database: Database, cast: Cast) -> None:
    enrolment, result = graded(app, database, cast)
    ok(post(app, cast, f"{result}/recognise"))
    confirm(database, cast, {enrolment: "86"})
    assert of(app, cast, result)["state"] == "recognised", "the same grade again changes nothing"
    confirm(database, cast, {enrolment: "58"}, version=2)
    shown = of(app, cast, result)
    assert shown["state"] == "waiting" and shown["original"]["grade"] == "58" and shown["proposal"]["credits"] == 0
    assert (shown["before"]["grade"], shown["before"]["credits"], shown["before"]["original"]["grade"]) == (
        "86",
        "1.5",
        "86",
    )
    assert ok(post(app, cast, f"{result}/recognise"))["recognised"]["points"] == "0.00"


def test_a_deferred_exam_waits(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    enrolment, result = graded(sqlite_app, sqlite_database, cast, grade="缓考")
    refused(post(sqlite_app, cast, f"{result}/recognise"), 409, "not_graded_yet")
    confirm(sqlite_database, cast, {enrolment: "77"}, version=2)
    assert of(sqlite_app, cast, result)["before"] is None
    assert ok(post(sqlite_app, cast, f"{result}/recognise"))["recognised"]["grade"] == "77"


# --- who may, and many at once ----------------------------------------------------------------------------------


def test_who_may(app: Flask, database: Database, cast: Cast) -> None:
    _enrolment, result = graded(app, database, cast)
    for letter, role, status in (
        ("B", "student", 200), ("B", "secretary", 200), ("B", "school_admin", 200), ("A", "registrar", 404),
        ("A", "teacher", 404), ("C", "registrar", 404), ("B", "teacher", 404),
    ):  # fmt: skip
        assert api(app, cast.who(letter, role)).get(f"/results/{result}").status_code == status, (letter, role)
        expected = 404 if status == 404 else 403
        assert post(app, cast, f"{result}/recognise", {}, letter, role).status_code == expected, (letter, role)
    refused(api(app, cast.who("B", "student")).get("/results"), 403, "forbidden")
    assert ok(api(app, cast.who("A", "registrar")).get("/results"))["items"] == []
    listed = ok(api(app, cast.who("B", "registrar")).get(f"/results?state=waiting&host_id={cast.schools['A']}"))
    assert [each["id"] for each in listed["items"]] == [result]
    for narrow in (
        "state=refused",
        "term=2019-2020/1",
        f"host_id={cast.schools['C']}",
        "department_id=9999",
        "q=没有这门",
    ):
        assert ok(api(app, cast.who("B", "registrar")).get(f"/results?{narrow}"))["items"] == [], narrow


def _many(app: Flask, database: Database, cast: Cast, count: int, **more: Any) -> tuple[list[int], list[int]]:
    taught = teach(app, cast, seats=count)
    made = [ok(api(app, each).post(taught.seats, {}), 201)["id"] for each in add_people(database, cast, "B", count)]
    ok(api(app, cast.who("B", "registrar")).post("/enrolments/decide", {"ids": made, "event": "approve", "reason": ""}))
    return made, confirm(database, cast, dict.fromkeys(made, "80"), course_id=taught.course_id, **more)


def test_many_at_once_all_or_none(app: Flask, database: Database, cast: Cast) -> None:
    made, results = _many(app, database, cast, 4)
    with database.write() as session:
        session.execute(sa.update(Enrolment).where(Enrolment.id.in_(made[1:3])).values(recognition_id=None))
        session.info["audited"] = True
    with changes_nothing(database):
        problem = refused(post(app, cast, "recognise", {"ids": results}), 409, "some_not_recognised")
    assert (
        problem["title"].startswith("2 项不能认定")
        and "B student" in problem["title"]
        and "《教育心理学》" in problem["title"]
    )
    good = [results[0], results[3]]
    assert ok(post(app, cast, "recognise", {"ids": good}))["ids"] == good
    refused(post(app, cast, "recognise", {"ids": []}), 422, "invalid")
    refused(post(app, cast, "recognise", {"ids": [*good, 999_999]}), 404, "not_found")


@pytest.mark.parametrize("fresh", ["postgres"], indirect=True)
def test_two_registrars_at_once(app: Flask, database: Database, cast: Cast) -> None:
    """One recognises while the host corrects: whoever comes second sees what the first has done."""
    _enrolment, result = graded(app, database, cast)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _n: post(app, cast, f"{result}/recognise").status_code, range(8)))
    assert sorted(answers) == [200] + [409] * 7
    with database.read() as session:
        steps = sa.select(sa.func.count()).select_from(EnrolmentEvent).where(EnrolmentEvent.event == "recognise")
        assert session.scalar(steps) == 1


# --- pages and workbook -----------------------------------------------------------------------------------------


def test_on_the_pages(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    enrolment, result = graded(sqlite_app, sqlite_database, cast)
    client = sqlite_app.test_client()
    browser_session(client, cast.who("B", "student"))
    for path in ("/enrolments", "/"):
        shown = client.get(path).text
        assert "成绩已公布" in shown and '<span class="chip good">已选上' not in shown
    browser_session(client, cast.who("B", "registrar"))
    listed = client.get("/results")
    assert listed.status_code == 200 and "教育心理学专题" in listed.text and "外校成绩等待认定" in client.get("/").text
    assert "最多 1.5 学分" in client.get(f"/results/{result}").text
    set_policy(sqlite_database, cast, "recognition.categories", "公共选修、通识选修")
    assert '<option value="公共选修" selected>' in client.get(f"/results/{result}").text
    outside = post_form(
        client, f"/results/{result}/recognise", {"category": "自拟", "name": "甲", "grade": "86", "credits": "1"}
    )
    assert outside.status_code == 422 and "可用的有：公共选修、通识选修" in outside.text
    wrong = post(sqlite_app, cast, f"{result}/recognise", {"category": "自拟"})
    assert refused(wrong, 422, "invalid")["errors"][0]["code"] == "not_a_category"
    set_policy(sqlite_database, cast, "recognition.categories", "通识选修")
    refused(post(sqlite_app, cast, "recognise", {"ids": [result]}), 409, "some_not_recognised")
    set_policy(sqlite_database, cast, "recognition.categories", "公共选修")
    wrong = post_form(client, f"/results/{result}/recognise", {"name": "", "credits": "9", "grade": "86"})
    assert wrong.status_code == 422 and "不能超过 1.5 学分" in wrong.text and "还没有写明认定为哪门课程" in wrong.text
    done = post_form(client, "/results?state=waiting", {"id": [result], "do": "recognise"})
    assert done.status_code == 302 and done.headers["Location"].endswith("/results?state=waiting")
    assert post_form(client, "/results", {"id": [result], "do": "recognise"}).status_code == 409
    book = openpyxl.load_workbook(BytesIO(client.get("/results.xlsx?state=recognised").data))
    row = [cell.value for cell in book.active[2]]
    assert {"教育心理学专题", "公共选修", "86", 1.5, 3.6} <= set(row)
    browser_session(client, cast.who("B", "student"))
    assert "认定成绩" in client.get(f"/enrolments/{enrolment}").text
    mine = client.get("/transcript").text
    assert "教育心理学专题" in mine and "开具成绩单（英文）" in mine and "3.60" in mine
    assert post_form(client, f"/results/{result}/reopen", {"reason": "x"}).status_code == 403
    browser_session(client, cast.who("A", "registrar"))
    assert client.get(f"/results/{result}").status_code == 404


def test_one_row_of_the_table_answers_all_who_wait(app: Flask, database: Database, cast: Cast) -> None:
    """Graded, and nobody has said what it counts as: said once, for everybody, and the batch can go on."""
    made, results = _many(app, database, cast, 3, counts=None)
    client = app.test_client()
    browser_session(client, cast.who("B", "registrar"))
    with database.read() as session:
        course_id = session.get_one(Enrolment, made[0]).offering.course_id
    wrong = post_form(client, "/results?state=waiting", {"id": results, "do": "recognise"})
    assert wrong.status_code == 409 and wrong.text.count("《教育心理学》：还没有写明认定为哪门课程") == 3
    assert "。；" not in wrong.text and "。、" not in wrong.text
    assert f"/recognitions/new?course_id={course_id}" in client.get(f"/results/{results[0]}").text
    said = {"outcome": "counts", "name": "教育心理学专题", "credits": "1"}
    assert post_form(client, f"/recognitions/new?course_id={course_id}", said).status_code == 302
    assert post_form(client, "/results?state=waiting", {"id": results, "do": "recognise"}).status_code == 302
    shown = client.get("/results?state=recognised").text
    assert shown.count("教育心理学专题") == 3


def test_a_recognition_of_ones_own_answer(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    """A refusal said before is no proposal, and does not bind the registrar's word of today."""
    enrolment, result = graded(sqlite_app, sqlite_database, cast, counts=None)
    with sqlite_database.write() as session:
        row = Recognition(
            home_school_id=cast.schools["B"], course_id=session.get_one(Enrolment, enrolment).offering.course_id,
            outcome="refused", credits=Decimal(0), since=LONG_AGO, created_at=LONG_AGO, note="与必修课重复",
        )  # fmt: skip
        session.add(row)
        session.flush()
        session.get_one(Enrolment, enrolment).recognition_id = row.id
        session.info["audited"] = True
    client = sqlite_app.test_client()
    browser_session(client, cast.who("B", "registrar"))
    assert "本校曾答复不予认定" in client.get(f"/results/{result}").text
    refused(post(sqlite_app, cast, f"{result}/recognise"), 422, "invalid")
    with sqlite_database.read() as session:
        assert session.scalars(sa.select(Result.state)).all() == ["waiting"]


def test_the_list_in_the_order_of_the_schools_own_system(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast
) -> None:
    _enrolment, result = graded(sqlite_app, sqlite_database, cast)
    ok(post(sqlite_app, cast, f"{result}/recognise"))
    client = sqlite_app.test_client()
    browser_session(client, cast.who("B", "registrar"))
    page = client.get("/results?state=recognised").text
    assert "按格式导出" in page and "/results/export?format=preset-office&amp;state=recognised" in page
    answer = client.get("/results/export?format=preset-office&state=recognised")
    heads, row = openpyxl.load_workbook(BytesIO(answer.data)).active.iter_rows(values_only=True)
    said = dict(zip(heads, row, strict=True))
    assert (said["课程号"], said["课程名称"], said["成绩"], said["学分"]) == ("PUB201", "教育心理学专题", 86, 1.5)
    assert (said["原课程号"], said["原成绩"], said["绩点"]) == ("EDU101", 86, 3.6)
    assert client.get("/results/export?format=preset-nothing").status_code == 404
    whole = openpyxl.load_workbook(BytesIO(client.get("/results/export?state=recognised").data)).active
    assert whole.max_row == 2 and whole.max_column > 30
    browser_session(client, cast.who("B", "student"))
    assert client.get("/results/export").status_code == 403


def test_a_school_decides_on_what_waits_before_it_is_taken_over(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast
) -> None:
    """Afterwards nobody works there who could."""
    _enrolment, result = graded(sqlite_app, sqlite_database, cast)
    against, pair = changes.SUCCESSION.against, (cast.schools["B"], cast.schools["C"], NOW)
    assert against is not None
    with sqlite_database.read() as session:
        assert [(each.code, each.params) for each in against(session, *pair)] == [("succession_results", {"count": 1})]
    ok(api(sqlite_app, cast.who("B", "registrar")).post(f"/results/{result}/recognise", {}))
    with sqlite_database.read() as session:
        assert against(session, *pair) == []
