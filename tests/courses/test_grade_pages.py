"""Grades as people enter them: the page without JavaScript, the table that goes out and comes back, the registrar's page."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import Workbook, load_workbook
from support.cast import NOW, Cast, Player
from support.grading import AFTER, Class, taught_class
from support.http import api, browser_session, csrf_token, post_form
from support.teaching import add_people, calm, changes_nothing, ok

from courses.catalogue.models import CourseTeacher, Offering
from courses.grades import views
from courses.grades.rules import Grade
from zutuan.clock import Clock
from zutuan.db import Database

SELECT = re.compile(r'<select[^>]*name="(r-[^"]+)".*?</select>', re.DOTALL)


def controls(page: str) -> dict[str, str]:
    """What the page's rows would send back unchanged."""
    found = {}
    for tag in re.findall(r'<input[^>]*name="(?:r-[^"]+|via)"[^>]*>', page):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        assert name and value
        found[name[1]] = value[1]
    for match in SELECT.finditer(page):
        chosen = re.search(r'<option value="([^"]*)" selected', match[0])
        found[match[1]] = chosen[1] if chosen else ""
    return found


@pytest.fixture
def made(sqlite_app: Flask, sqlite_database: Database, cast: Cast, clock: Clock) -> Class:
    """平时 40, 期末 60, as the school has it."""
    return taught_class(sqlite_app, sqlite_database, cast, clock)


def test_nothing_is_handed_in_before_enrolling_is_over(made: Class, sqlite_database: Database, clock: Clock) -> None:
    sheet = f"/grade-sheets/{ok(made.open(), 201)['id']}"
    teacher = browser(made, made.cast.who("A", "teacher"))
    assert "现在还不能提交" not in text(teacher, sheet) and "保存并提交" in text(teacher, sheet)
    with sqlite_database.write() as session:
        session.get_one(Offering, made.taught.offering_id).enrol_until = clock.now() + timedelta(days=1)
        session.info["audited"] = True
    page = text(teacher, sheet)
    assert "现在还不能提交" in page and "才能提交" in page and "保存并提交" not in page


def browser(made: Class, who: Player) -> FlaskClient:
    client = made.app.test_client()
    browser_session(client, who)
    return client


def colleague(made: Class, database: Database) -> Player:
    """A second teacher of the course."""
    other = add_people(database, made.cast, "A", 1, "teacher")[0]
    with database.write() as session:
        session.add(CourseTeacher(course_id=made.taught.course_id, person_id=other.id))
        session.info["audited"] = True
    return other


def text(client: FlaskClient, path: str, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status, (path, response.status_code)
    return response.get_data(as_text=True)


def test_entering_on_the_page(made: Class, sqlite_database: Database) -> None:
    teacher = browser(made, made.cast.who("A", "teacher"))
    grades = f"/offerings/{made.taught.offering_id}/grades"
    assert grades in text(teacher, f"/offerings/{made.taught.offering_id}")
    assert "开始录入成绩（3 名学生）" in text(teacher, grades)
    refused_ = post_form(teacher, f"{grades}/scheme", {"scale": "percent", "places": "0", "parts": "平时40、期末50"})
    assert refused_.status_code == 422 and "合计须为 100" in refused_.get_data(as_text=True)
    assert (
        post_form(
            teacher, f"{grades}/scheme", {"scale": "percent", "places": "0", "parts": "平时50，期末50"}
        ).status_code
        == 302
    )
    sheet = post_form(teacher, f"{grades}/open", {"attempt": "first"}).headers["Location"]
    a, b, c = made.ids
    sent = controls(text(teacher, sheet))
    assert len(sent) == 3 * 6 and made.students[0].number in text(teacher, sheet)
    bad = sent | {f"r-{a}-0": "90", f"r-{a}-1": "80", f"r-{b}-0": "59.5", f"r-{c}-1": "120", f"r-{c}-remark": "补交"}
    with changes_nothing(sqlite_database):
        again = post_form(teacher, sheet, bad)
    page = again.get_data(as_text=True)
    assert again.status_code == 422 and "“59.5”不是整数" in page and "“120”不在 0 到 100 之间" in page
    kept = controls(page)
    assert (kept[f"r-{a}-0"], kept[f"r-{b}-0"], kept[f"r-{c}-remark"]) == ("90", "59.5", "补交")
    assert 'aria-invalid="true"' in page and f'href="#r-{b}-0"' in page
    good = kept | {f"r-{b}-0": "59", f"r-{b}-1": "60", f"r-{c}-1": "", f"r-{c}-mark": "absent"}
    assert post_form(teacher, sheet, good).status_code == 302
    rows = ok(made.teacher.get(sheet))["entries"]
    assert [(row["grade"], row["mark"], row["remark"]) for row in rows] == [
        ("85", "", ""),
        ("60", "", ""),
        ("", "absent", "补交"),
    ]
    with changes_nothing(sqlite_database):
        assert post_form(teacher, sheet, controls(text(teacher, sheet))).status_code == 302, "nothing was touched"
    assert post_form(teacher, sheet, {**controls(text(teacher, sheet)), "do": "submit"}).status_code == 302

    registrar = browser(made, made.cast.who("A", "registrar"))
    assert sheet in text(registrar, "/grade-sheets") and "待确认成绩" in text(registrar, "/")
    assert "<input form=" not in text(registrar, sheet)
    assert post_form(registrar, f"{sheet}/return", {"reason": "  "}).status_code == 422
    assert post_form(registrar, f"{sheet}/return", {"reason": "第三名请核实"}).status_code == 302
    assert "第三名请核实" in text(teacher, sheet) and "成绩单被退回" in text(teacher, "/")
    assert post_form(teacher, f"{sheet}/submit").status_code == 302
    assert post_form(registrar, f"{sheet}/confirm").status_code == 302
    student = browser(made, made.students[0])
    own = text(student, f"/enrolments/{a}")
    assert "平时 90" in own and "开课学校的成绩" in own and "成绩 85" in text(student, "/enrolments")
    assert made.students[1].number not in own
    text(student, sheet, 404)
    text(browser(made, made.cast.who("B", "teacher")), grades, 404)

    entry = ok(made.teacher.get(sheet))["entries"][2]["id"]
    form = text(teacher, f"/grade-entries/{entry}/correction")
    assert "缺考" in form
    wrong = post_form(teacher, f"/grade-entries/{entry}/correction", {"p0": "x", "mark": "", "reason": "r"})
    assert wrong.status_code == 422 and "“x”不是成绩" in wrong.get_data(as_text=True)
    right = {"p0": "70", "p1": "60", "mark": "", "reason": "已到考"}
    assert post_form(teacher, f"/grade-entries/{entry}/correction", right).status_code == 302
    assert "已到考" in text(registrar, "/grade-sheets") and "同意更正" in text(registrar, sheet)
    correction = ok(made.registrar.get("/grade-corrections"))["items"][0]["id"]
    assert post_form(registrar, f"/grade-corrections/{correction}/approve").status_code == 302
    assert made.own(2)["grade"] == "65"


def test_two_teachers_at_once(made: Class, sqlite_database: Database) -> None:
    other = colleague(made, sqlite_database)
    sheet = f"/grade-sheets/{ok(made.open(), 201)['id']}"
    mine, theirs = browser(made, made.cast.who("A", "teacher")), browser(made, other)
    a, b, _c = made.ids
    first, second = controls(text(mine, sheet)), controls(text(theirs, sheet))
    assert post_form(mine, sheet, first | {f"r-{a}-0": "90", f"r-{a}-1": "90"}).status_code == 302
    with changes_nothing(sqlite_database):
        late = post_form(theirs, sheet, second | {f"r-{a}-0": "50", f"r-{b}-0": "77"})
    page = late.get_data(as_text=True)
    assert late.status_code == 409 and "A teacher已在" in page and "改为“90”" in page
    kept = controls(page)
    assert (kept[f"r-{a}-0"], kept[f"r-{b}-0"]) == ("50", "77")
    # untouched rows never meet, and who looks again may overwrite
    assert post_form(theirs, sheet, kept | {f"r-{a}-1": "50"}).status_code == 302
    assert [row["parts"] for row in ok(made.teacher.get(sheet))["entries"]][:2] == [
        {"平时": "50", "期末": "50"},
        {"平时": "77"},
    ]
    ok(made.api(made.students[1]).post(f"/enrolments/{b}/withdraw", {}))
    left = post_form(mine, sheet, first | {f"r-{b}-0": "66"})
    page = left.get_data(as_text=True)
    assert left.status_code == 422 and f"{made.students[1].number}：这名学生不在这张成绩单上" in page
    assert post_form(mine, sheet, first | {f"r-{_c}-0": "66"}).status_code == 302, (
        "the rows it did not touch are not sent"
    )


def test_levels_are_chosen_and_who_is_late_is_reminded(made: Class, clock: Clock) -> None:
    teacher = browser(made, made.cast.who("A", "teacher"))
    assert "成绩待提交" not in text(teacher, "/")
    clock.set(AFTER + timedelta(days=40))
    teacher = browser(made, made.cast.who("A", "teacher"))
    assert "成绩待提交" in text(teacher, "/")
    ok(made.scheme(scale="five"))
    sheet = f"/grade-sheets/{ok(made.open(), 201)['id']}"
    page = text(teacher, sheet)
    sent = controls(page)
    assert '<option value="优秀">优秀</option>' in page and len(sent) == 3 * 5
    a, b, c = made.ids
    assert post_form(teacher, sheet, sent | {f"r-{a}-0": "85"}).status_code == 422
    levels = {f"r-{a}-0": "优秀", f"r-{b}-0": "不及格", f"r-{c}-mark": "misconduct", "do": "submit"}
    assert post_form(teacher, sheet, sent | levels).status_code == 302
    assert "成绩待提交" not in text(teacher, "/")
    assert [row["passed"] for row in ok(made.teacher.get(sheet))["entries"]] == [True, False, False]
    teacher.post("/language", data={"csrf_token": csrf_token(teacher), "lang": "en"})
    assert "Excellent" in text(teacher, sheet)


# --- the table --------------------------------------------------------------------------------------------------


def workbook(client: FlaskClient, sheet: str) -> list[list[Any]]:
    book = load_workbook(io.BytesIO(client.get(f"{sheet}/sheet.xlsx").data))
    return [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]


def as_xlsx(rows: list[list[Any]]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def upload(client: FlaskClient, sheet: str, data: bytes, name: str = "成绩.xlsx") -> tuple[int, str]:
    form = {"csrf_token": csrf_token(client), "file": (io.BytesIO(data), name)}
    response = client.post(f"{sheet}/upload", data=form, content_type="multipart/form-data")
    return response.status_code, response.get_data(as_text=True)


def test_a_table_goes_out_and_comes_back(made: Class, sqlite_database: Database) -> None:
    client = browser(made, made.cast.who("A", "teacher"))
    sheet = f"/grade-sheets/{ok(made.open(), 201)['id']}"
    heads, *rows = workbook(client, sheet)
    assert heads == [
        "学校",
        "学工号",
        "姓名",
        "平时",
        "期末",
        "总评（自动计算）",
        "标记",
        "备注",
        "选课编号（请勿修改）",
    ]
    assert [row[1] for row in rows] == [each.number for each in made.students]
    rows[0][3:5], rows[1][3:5], rows[2][6] = [90, 80], ["５９", 61.0], "缓考"
    with changes_nothing(sqlite_database):
        status, page = upload(client, sheet, as_xlsx([heads, *rows]))
    assert status == 200 and "变动 3 行" in page and "总评 空 → <b>84</b>" in page and "写入这 3 行" in page
    assert post_form(client, sheet, controls(page)).status_code == 302
    entries = ok(made.teacher.get(sheet))["entries"]
    assert [(row["grade"], row["mark"]) for row in entries] == [("84", ""), ("60", ""), ("", "deferred")]
    status, page = upload(client, sheet, as_xlsx(workbook(client, sheet)))
    assert status == 200 and "没有变化" in page
    # the file that was read before somebody else wrote
    ok(
        made.put(
            int(sheet.rsplit("/", maxsplit=1)[-1]), {"enrolment_id": made.ids[0], "parts": {"平时": "10", "期末": "10"}}
        )
    )
    status, page = upload(client, sheet, as_xlsx([heads, [*rows[0][:3], 91, *rows[0][4:]]]))
    assert status == 422 and "改为“10”" in page and "没有写入任何一行" in page


def test_exports_in_the_order_of_the_schools_own_system(made: Class) -> None:
    """One sheet for its teacher, and what other schools' students were given in a term for the office."""
    sheet = ok(made.open(), 201)["id"]
    made_up = [{"enrolment_id": id_, "parts": {"平时": "90", "期末": "80"}} for id_ in made.ids[1:]]
    ok(made.put(sheet, *made_up, {"enrolment_id": made.ids[0], "mark": "absent"}))

    def table(client: FlaskClient, path: str) -> list[dict[str, Any]]:
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        heads, *rows = load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True)
        return [dict(zip(heads, row, strict=True)) for row in rows]

    teacher = browser(made, made.cast.who("A", "teacher"))
    path = f"/grade-sheets/{sheet}/export"
    assert f"{path}?format=preset-office" in text(teacher, f"/grade-sheets/{sheet}")
    rows = table(teacher, f"{path}?format=preset-office")
    assert [each["成绩"] for each in rows] == ["缺考", 84, 84] and rows[0]["标记"] == "缺考"
    assert rows[1]["课程号"] == "EDU101" and rows[1]["学号"] == made.students[1].number
    assert table(teacher, path)[1]["各项成绩"] == "平时 90、期末 80"
    office = browser(made, made.cast.who("A", "registrar"))
    assert "/grade-sheets/given" not in text(office, "/grade-sheets"), "nothing is confirmed yet"
    ok(made.teacher.post(f"/grade-sheets/{sheet}/submit"))
    ok(made.registrar.post(f"/grade-sheets/{sheet}/confirm"))
    term = re.search(r'<option value="(20[^"]*)"', text(office, "/grade-sheets"))
    assert term
    rows = table(office, f"/grade-sheets/given?term={term[1]}&format=preset-office")
    assert [(each["成绩"], each["考试性质"]) for each in rows] == [("缺考", "正考"), (84, "正考"), (84, "正考")]
    assert office.get(f"/grade-sheets/given?term={term[1]}&format=7").status_code == 404
    assert (
        office.get("/grade-sheets/given").status_code == 404 and teacher.get("/grade-sheets/given").status_code == 403
    )
    assert browser(made, made.cast.who("B", "registrar")).get(path).status_code == 404


def test_attendance_proposes_the_daily_part_and_writes_nothing(
    made: Class, sqlite_database: Database, clock: Clock
) -> None:
    clock.set(NOW + timedelta(days=25))
    sheet = ok(made.open(), 201)["id"]
    first, second, _third = made.ids
    roll = f"{made.taught.offering}/attendance"
    meetings = ok(made.teacher.get(roll))["meetings"]
    held = [each["meeting"] for each in meetings if NOW.isoformat() < each["starts"] < clock.now().isoformat()][-3:]
    assert len(held) == 3
    for key in held:
        absent = [{"enrolment_id": second, "status": "absent"}] if key == held[0] else []
        marks = [
            {"enrolment_id": first, "status": "present"},
            *(absent or [{"enrolment_id": second, "status": "present"}]),
        ]
        ok(made.registrar.put(f"{roll}/{key}", {"marks": marks}, headers={"If-Match": '"v0"'}))
    teacher = browser(made, made.cast.who("A", "teacher"))
    assert "按考勤填平时" in text(teacher, f"/grade-sheets/{sheet}")
    with changes_nothing(sqlite_database):
        page = text(teacher, f"/grade-sheets/{sheet}?fill=attendance")
    filled = controls(page)
    assert "为 2 名学生" in page and [filled[f"r-{id_}-0"] for id_ in made.ids] == ["100", "67", ""]
    assert post_form(teacher, f"/grade-sheets/{sheet}", filled | {f"r-{second}-0": "70"}).status_code == 302
    rows = ok(made.teacher.get(f"/grade-sheets/{sheet}"))["entries"]
    assert [row["parts"].get("平时") for row in rows] == ["100", "70", None]
    kept = controls(text(teacher, f"/grade-sheets/{sheet}?fill=attendance"))
    assert kept[f"r-{second}-0"] == "70", "what was written stays"


def test_bad_tables(made: Class, sqlite_database: Database) -> None:
    client = browser(made, made.cast.who("A", "teacher"))
    sheet = f"/grade-sheets/{ok(made.open(), 201)['id']}"
    ok(made.api(made.students[2]).post(f"/enrolments/{made.ids[2]}/withdraw", {}))
    heads, first, second = workbook(client, sheet)
    gone = [
        *first[:1],
        made.students[2].number,
        "走了",
        80,
        80,
        None,
        None,
        None,
        f"{sheet.rsplit('/', maxsplit=1)[-1]}-{made.ids[2]}-0",
    ]
    rows = [
        heads, [*first[:3], 59.5, 80, *first[5:]], [*first[:3], 70, 80, *first[5:]], [*second[:3], 120, "八十", *second[5:]],
        gone, [None, "Z0", "谁", 80, 80, None, None, None, None], [*second[:8], "99-1-0"], [*second[:8], "坏了"],
        [first[0], second[1], "", 1, 1, None, None, None, first[8]], [*second[:6], "生病", None, None],
    ]  # fmt: skip
    with changes_nothing(sqlite_database), calm():
        status, page = upload(client, sheet, as_xlsx(rows))
        assert status == 422
        for said in (
            f'第 2 行 <span class="note">{first[2]}', "“59.5”不是整数", "与第 2 行是同一名学生", "“120”不在 0 到 100 之间", "“八十”不是成绩", "这名学生不在这张成绩单上",
            "这一行属于另一张成绩单", "选课编号被改动过", "与这一行的学工号不同", "写入这",
        ):  # fmt: skip
            assert (said in page) is (said != "写入这"), said
        assert "将要写入的变化" not in page and "这次没有写入" in page
        assert upload(client, sheet, b"\x00\x01")[0] == 422
        assert "缺少这一列" in upload(client, sheet, as_xlsx([["姓名", "分数"], ["甲", 80]]))[1]
        assert upload(client, sheet, b"")[0] == 422
    registrar = browser(made, made.cast.who("A", "registrar"))
    assert upload(registrar, sheet, as_xlsx(rows))[0] == 403
    assert upload(browser(made, made.students[0]), sheet, as_xlsx(rows))[0] == 404


def test_a_mean_is_rounded_as_grades_are() -> None:
    rows: Any = [SimpleNamespace(grade=Grade("percent", Decimal(text))) for text in ("77.2", "77.3")]
    assert views.figures(rows)["average"] == "77.3"


def test_a_gbk_file_of_another_system_by_number(made: Class) -> None:
    client = browser(made, made.cast.who("A", "teacher"))
    sheet = f"/grade-sheets/{ok(made.open(), 201)['id']}"
    lines = ["序号,学号,姓名,平时,期末", *(f"{n},{who.number},x,80,7{n}" for n, who in enumerate(made.students))]
    status, page = upload(client, sheet, "\r\n".join(lines).encode("gbk"), "成绩.csv")
    assert status == 200 and "写入这 3 行" in page
    assert post_form(client, sheet, controls(page)).status_code == 302
    assert [row["grade"] for row in ok(made.teacher.get(sheet))["entries"]] == ["74", "75", "75"]


def test_two_hundred_students_on_one_page(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, clock: Clock
) -> None:
    """Their rows are written as enrolments are; the form of all of them is accepted at once."""
    from support.cast import NOW

    from courses.catalogue.models import Offering
    from courses.enrolment.models import Enrolment

    made = taught_class(sqlite_app, sqlite_database, cast, clock, 1)
    people = add_people(sqlite_database, cast, "C", 199)
    with sqlite_database.write() as session:
        offering = session.get_one(Offering, made.taught.offering_id)
        for who in people:
            session.add(
                Enrolment(
                    offering_id=offering.id, pool_id=offering.pools[0].id, person_id=who.id, affiliation_id=who.affiliation_id,
                    home_school_id=cast.schools["C"], host_school_id=cast.schools["A"], home_state="accepted",
                    host_state="accepted", created_at=NOW, updated_at=NOW,
                )
            )  # fmt: skip
        offering.pools[0].taken += len(people)
        session.info["audited"] = True
    client = browser(made, cast.who("A", "teacher"))
    sheet = f"/grade-sheets/{ok(made.open(), 201)['id']}"
    sent = controls(text(client, sheet))
    assert len(sent) == 200 * 6
    filled = {name: "77" if re.fullmatch(r"r-\d+-[01]", name) else value for name, value in sent.items()}
    assert post_form(client, sheet, {**filled, "do": "submit"}).status_code == 302
    assert post_form(browser(made, cast.who("A", "registrar")), f"{sheet}/confirm").status_code == 302
    answer = ok(api(sqlite_app, cast.who("A", "registrar")).get(sheet))
    assert answer["state"] == "confirmed" and {row["grade"] for row in answer["entries"]} == {"77"}
