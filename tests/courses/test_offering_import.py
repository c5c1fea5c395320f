"""Teaching classes from an export: what is understood, what is not and where, and what is written of it."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask
from support.cast import NOW, Cast
from support.http import api
from support.teaching import changes_nothing, drain, ok

from courses.catalogue.models import Course, Offering
from courses.catalogue.offering_import import offering_import
from zutuan.cli import main
from zutuan.db import Database
from zutuan.importing import Report, run
from zutuan.people.models import Person
from zutuan.people.services import load_actor

TERM = "2026-2027-1"
TIME = "星期三第6-8节{2-8周,10-16周(双)}"
ROW = {
    "课程代码": "EDU900", "课程名称": "教育测量", "学分": "2.0", "学时": "32", "课程性质": "专业选修", "教学班号": "01",
    "教师工号": "A002", "上课时间": TIME, "教室": "教二 204", "容量": "30", "面向学校": "甲参与师范大学:10、甲支持师范学院(5人)",
    "开课学院": "教育学院", "开课人数下限": "",
}  # fmt: skip


def _file(*rows: dict[str, str]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(ROW))
    writer.writeheader()
    writer.writerows({**ROW, **row} for row in rows)
    return out.getvalue().encode()


def _run(database: Database, cast: Cast, *rows: dict[str, str], dry_run: bool = False) -> Report:
    kind = offering_import(cast.schools["A"], TERM)
    with database.write() as session:
        who = load_actor(session, session.get_one(Person, cast.who("A", "registrar").id), NOW)
        return run(session, kind, _file(*rows), now=NOW, actor=who, dry_run=dry_run)


@pytest.fixture
def teacher(cast: Cast) -> str:
    return cast.who("A", "teacher").number


def test_an_export_makes_draft_courses_and_classes_with_their_pools(
    app: Flask, database: Database, cast: Cast, teacher: str
) -> None:
    second = {
        "教学班号": "02",
        "上课时间": "周一1-2节{1-16周}",
        "面向学校": "甲参与师范大学",
        "容量": "8",
        "教师工号": teacher,
    }
    report = _run(database, cast, {"教师工号": teacher}, second)
    assert not report.errors and report.written and report.created == 2
    found = ok(api(app, cast.who("A", "teacher")).get("/courses?mine=1"))["items"]
    assert [(c["code"], c["title_zh"], c["credits"], c["category"], c["state"]) for c in found] == [
        ("EDU900", "教育测量", 2, "discipline", "draft")
    ]
    assert [each["id"] for each in found[0]["teachers"]] == [cast.who("A", "teacher").id]
    first, other = ok(api(app, cast.who("A", "teacher")).get(f"/courses/{found[0]['id']}/offerings"))["items"]
    home, away = f"school:{cast.schools['B']}", f"school:{cast.schools['C']}"
    assert {p["scope"]: p["wanted"] for p in first["pools"]} == {home: 10, away: 5, "all": 15}
    assert {p["scope"]: p["wanted"] for p in other["pools"]} == {home: 8}
    assert first["state"] == "draft" and first["room"] == "教二 204"
    assert [(m["weekday"], m["first_period"], m["last_period"]) for m in first["meetings"]][0] == (3, 6, 8)


def test_importing_again_changes_nothing_and_a_change_updates(database: Database, cast: Cast, teacher: str) -> None:
    same = {"教师工号": teacher}
    _run(database, cast, same)
    with changes_nothing(database):
        again = _run(database, cast, same)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 1)
    changed = _run(
        database, cast, {**same, "学分": "3", "容量": "40", "上课时间": "星期三第6-8节{2-8周}", "开课人数下限": "12"}
    )
    assert (changed.created, changed.updated) == (0, 1)
    assert [column for column, _before, _after in changed.differences[0].values] == [
        "credits",
        "time",
        "minimum",
        "seats",
    ]
    with database.read() as session:
        assert session.scalar(sa.select(Course.credits)) == 3
        assert sum(p.wanted for p in session.scalars(sa.select(Offering)).one().pools) == 40
        assert session.scalar(sa.select(Offering.minimum)) == 12


def test_rows_of_one_class_that_differ_in_time_are_one(sqlite_database: Database, cast: Cast, teacher: str) -> None:
    report = _run(
        sqlite_database, cast, {"教师工号": teacher}, {"教师工号": teacher, "上课时间": "星期五第1-2节{1-16周}"}
    )
    assert not report.errors and report.created == 1
    with sqlite_database.read() as session:
        meetings = session.scalars(sa.select(Offering)).one().meetings
        assert {each.weekday for each in meetings} == {3, 5}


BAD: list[tuple[dict[str, str], str, str]] = [
    ({"上课时间": "星期三第6-8节{2-8周,什么}"}, "time", "什么"),
    ({"上课时间": "星期三第6-8节{2-30周}"}, "time", "30"),
    ({"上课时间": "星期三第16-18节{2-8周}"}, "time", "16"),
    ({"教师工号": "B002"}, "teacher_number", "B002"),
    ({"课程代码": "课 程"}, "code", ""),
    ({"学分": "很多"}, "credits", ""),
    ({"学时": "0"}, "hours", ""),
    ({"课程性质": "不知道"}, "category", ""),
    ({"容量": "-1"}, "seats", ""),
    ({"开课人数下限": "31"}, "minimum", "31"),
    ({"开课人数下限": "0"}, "minimum", ""),
    ({"容量": "9"}, "schools", "15"),
    ({"容量": ""}, "seats", ""),
    ({"课程名称": ""}, "title", ""),
    ({"面向学校": "没有这所大学:5"}, "schools", "没有这所大学"),
    ({"面向学校": "甲参与师范大学、甲支持师范学院"}, "schools", ""),
    ({"面向学校": "甲参与师范大学:3、甲参与师范大学:4"}, "schools", ""),
]


@pytest.mark.parametrize(("says", "column", "named"), BAD)
def test_a_bad_row_is_named_and_nothing_is_written(
    sqlite_database: Database, cast: Cast, teacher: str, says: dict[str, str], column: str, named: str
) -> None:
    good = {"课程代码": "EDU901", "教师工号": teacher}
    _run(sqlite_database, cast, {**good, "容量": ""})  # what locks the calendar is there from now on
    with changes_nothing(sqlite_database):
        report = _run(sqlite_database, cast, good, {"教师工号": teacher, **says})
    assert [(each.line, each.column) for each in report.errors] == [(3, column)] and not report.written
    assert named in report.errors[0].sentence


def test_two_rows_that_contradict_each_other_are_refused(sqlite_database: Database, cast: Cast, teacher: str) -> None:
    other = {"教师工号": teacher, "教学班号": "02", "学分": "4"}
    report = _run(sqlite_database, cast, {"教师工号": teacher}, other)
    assert [(each.line, each.column, each.code) for each in report.errors] == [(3, "credits", "differs_from_line")]
    twice = _run(sqlite_database, cast, {"教师工号": teacher}, {"教师工号": teacher, "容量": "31"})
    assert [(each.line, each.code) for each in twice.errors] == [(3, "import_duplicate_row")]


def test_times_of_a_class_with_students_stay(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, teacher: str
) -> None:
    _run(sqlite_database, cast, {"教师工号": teacher})
    who = api(sqlite_app, cast.who("A", "teacher"))
    course = ok(who.get("/courses?mine=1"))["items"][0]["id"]
    offering = ok(who.get(f"/courses/{course}/offerings"))["items"][0]["id"]
    ok(who.post(f"/courses/{course}/publish", {"audience": [f"cluster:{cast.clusters['A']}"]}))
    ok(who.post(f"/offerings/{offering}/publish"))
    ok(api(sqlite_app, cast.who("B", "student")).post(f"/offerings/{offering}/enrolments", {}), 201)
    report = _run(sqlite_database, cast, {"教师工号": teacher, "上课时间": "星期五第1-2节{1-16周}"})
    assert [(each.column, each.code) for each in report.errors] == [("time", "meetings_fixed")]
    assert _run(sqlite_database, cast, {"教师工号": teacher, "容量": "31"}).updated == 1


def test_a_registrar_hands_it_in_and_a_teacher_may_not(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, teacher: str
) -> None:
    def sent(**more: Any) -> dict[str, Any]:
        file = (io.BytesIO(_file({"教师工号": teacher})), "开课.csv")
        return {
            "kind": "offerings",
            "school_id": str(cast.schools["A"]),
            "params": f'{{"term": "{TERM}"}}',
            "file": file,
        }

    ok(api(sqlite_app, cast.who("A", "teacher")).post("/imports", data=sent()), 404)
    registrar = api(sqlite_app, cast.who("A", "registrar"))
    made = ok(registrar.post("/imports", data=sent()), 201)
    drain(sqlite_database)
    assert ok(registrar.get(f"/imports/{made['id']}"))["counts"]["created"] == 1
    ok(registrar.post(f"/imports/{made['id']}/apply"))
    drain(sqlite_database)
    assert ok(registrar.get(f"/imports/{made['id']}"))["state"] == "applied"


def test_the_command_names_who_answers(
    sqlite_database: Database, cast: Cast, teacher: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "开课.csv"
    file.write_bytes(_file({"教师工号": teacher}))
    url = sqlite_database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("ZUTUAN_DATABASE", url)
    monkeypatch.setenv("ZUTUAN_MODE", "test")
    said = ["import", "offerings", str(file), "--school", cast.name_of("A"), "--term", TERM, "--by"]
    refused = CliRunner().invoke(main, [*said, cast.who("A", "teacher").email])
    assert refused.exit_code == 2 and "--by" in refused.output
    done = CliRunner().invoke(main, [*said, cast.who("A", "registrar").email])
    assert done.exit_code == 0, done.output
    with sqlite_database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Offering)) == 1
