"""学分认定表 from a file: what is understood, what is not and where, and what is written of it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from support.cast import NOW, Cast
from support.http import api, browser_session
from support.teaching import Taught, at_time, changes_nothing, ok, teach

from courses.recognition.models import Recognition
from courses.recognition.table_import import recognition_import
from zutuan.cli import main
from zutuan.db import Database
from zutuan.importing import Report, run
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.policies.rules import Place
from zutuan.policies.services import decide

HEADS = (
    "课程代码",
    "开课学校",
    "认定结果",
    "认定为课程代码",
    "认定课程名称",
    "学分",
    "课程类别",
    "认定同",
    "有效至",
    "备注",
)
HOST = "甲牵头师范大学"


@pytest.fixture
def courses(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> list[Taught]:
    """Three courses of A that B's students see, of 2, 2 and 1 credits, and one of D that they do not."""
    with sqlite_database.write() as session:
        admin = load_actor(session, session.get_one(Person, cast.who("B", "school_admin").id), NOW)
        decide(session, admin, Place(school_id=cast.schools["B"]), "recognition.categories", "通识选修、专业选修")
    teach(sqlite_app, cast, "D", code="D1", meeting=at_time(9))
    return [
        teach(sqlite_app, cast, code=f"C{n}", title_zh=f"课{n}", credits=credits, meeting=at_time(n))
        for n, credits in enumerate((2, 2, 1))
    ]


def row(code: str, **said: str) -> dict[str, str]:
    return {"课程代码": code, "开课学校": HOST, **said}


def hand_in(database: Database, cast: Cast, *rows: dict[str, str], dry_run: bool = False) -> Report:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(HEADS), restval="")
    writer.writeheader()
    writer.writerows(rows)
    with database.write() as session:
        who = load_actor(session, session.get_one(Person, cast.who("B", "registrar").id), NOW)
        kind = recognition_import(cast.schools["B"])
        return run(session, kind, out.getvalue().encode(), now=NOW, actor=who, dry_run=dry_run)


def table(database: Database) -> dict[str, tuple[Any, ...]]:
    with database.read() as session:
        query = sa.select(Recognition).where(Recognition.ended_at.is_(None)).order_by(Recognition.id)
        return {each.course.code: (each.name, str(each.credits), each.category) for each in session.scalars(query)}


def test_a_table_is_read_and_again_changes_nothing(
    sqlite_database: Database, cast: Cast, courses: list[Taught]
) -> None:
    rows = (
        row("C2", 认定同="C0"),  # before what it follows
        row("C0", 认定课程名称="心理学基础", 学分="1", 课程类别="专业选修", 有效至="2027/7/31", 备注="含实践"),
        row("C1", 认定结果="不认定"),
    )
    with changes_nothing(sqlite_database):
        assert hand_in(sqlite_database, cast, *rows, dry_run=True).created == 3
    report = hand_in(sqlite_database, cast, *rows)
    assert not report.errors and report.created == 3
    assert table(sqlite_database) == {
        "C0": ("心理学基础", "1", "专业选修"), "C1": ("", "0", ""), "C2": ("心理学基础", "1", "专业选修"),
    }  # fmt: skip
    with changes_nothing(sqlite_database):
        again = hand_in(sqlite_database, cast, *rows)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 3)
    with sqlite_database.read() as session:
        ends = session.scalars(sa.select(Recognition.until).where(Recognition.outcome == "counts")).all()
        assert [each.isoformat() for each in ends if each] == ["2027-07-31T16:00:00+00:00"] * 2

    changed = hand_in(sqlite_database, cast, row("C0", 认定课程名称="教育心理", 学分="1"))
    assert (changed.created, changed.updated) == (0, 1)
    assert [(each.outcome, each.label) for each in changed.differences] == [
        ("updated", "C0 课0"),
        ("follows", "C2 课2"),
    ]
    assert table(sqlite_database)["C2"] == ("教育心理", "1", "")


BAD: list[tuple[list[dict[str, str]], int, str, str]] = [
    ([row("C0", 学分="2.5")], 2, "credits", "exceeds_credits"),
    ([row("C0", 学分="0")], 2, "credits", "no_credits"),
    ([row("C0", 学分="很多")], 2, "credits", "not_number"),
    ([row("C0", 课程类别="体育")], 2, "category", "not_a_category"),
    ([row("C0", 有效至="2026-11-24")], 2, "last_day", "until_not_ahead"),
    ([row("C0", 有效至="明年")], 2, "last_day", "not_date"),
    ([row("C0", 认定结果="也许")], 2, "outcome", "not_a_choice"),
    ([row("C0", 认定结果="不认定", 学分="1")], 2, "credits", "refused_says_nothing_else"),
    ([row("C9")], 2, "course_code", "no_course_of_code"),
    ([{"课程代码": "D1", "开课学校": "乙牵头师范大学"}], 2, "course_code", "no_course_of_code"),
    ([row("C0"), row("C0", 学分="1")], 3, "course_code", "import_duplicate_row"),
    ([row("C0", 认定同="C1")], 2, "same_as", "no_row_to_follow"),
    ([row("C0", 认定同="没有")], 2, "same_as", "no_row_to_follow"),
    ([row("C0", 认定同="C1", 学分="1"), row("C1")], 2, "credits", "follows_and_says"),
    ([row("C0", 认定同="C1"), row("C1", 认定同=f"C0@{HOST}")], 2, "same_as", "recognition_loops"),
    ([row("C0", 认定同="C0")], 2, "same_as", "recognition_loops"),
    ([row("C2", 认定同="C0"), row("C0")], 2, "credits", "exceeds_credits"),
    ([row("C2", 认定同="C0"), row("C0", 学分="9")], 2, "same_as", "followed_is_bad"),
    ([row("C2", 认定同="C0"), row("C0", 认定结果="不认定")], 2, "same_as", "followed_is_refused"),
]


def test_bad_rows_are_named_by_row_and_column_and_nothing_is_written(
    sqlite_database: Database, cast: Cast, courses: list[Taught]
) -> None:
    for rows, line, column, code in BAD:
        with changes_nothing(sqlite_database):
            report = hand_in(sqlite_database, cast, *rows)
        found = [(each.line, each.column, each.code) for each in report.errors]
        assert (line, column, code) in found, (rows, found)
        assert all(each.sentence for each in report.errors)


def test_a_follower_that_would_exceed_is_named(sqlite_database: Database, cast: Cast, courses: list[Taught]) -> None:
    hand_in(sqlite_database, cast, row("C0", 学分="1"), row("C2", 认定同="C0"))
    with changes_nothing(sqlite_database):
        report = hand_in(sqlite_database, cast, row("C0", 学分="2"))
    assert [(each.line, each.code) for each in report.errors] == [(2, "follower_exceeds_credits")]
    assert "课2" in report.errors[0].sentence


def test_what_is_exported_is_read_back(
    sqlite_app: Flask, sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast, courses: list[Taught]
) -> None:
    hand_in(
        sqlite_database, cast, row("C0", 认定为课程代码="XL1", 认定课程名称="心理学基础", 学分="1", 课程类别="专业选修", 有效至="2027-07-31"),
        row("C1", 认定结果="不认定", 备注="内容重复"), row("C2", 认定同="C0"),
    )  # fmt: skip
    browser_session(sqlite_client, cast.who("B", "registrar"))
    book = sqlite_client.get("/recognitions.xlsx")
    assert book.status_code == 200
    with sqlite_database.write() as session:
        who = load_actor(session, session.get_one(Person, cast.who("B", "registrar").id), NOW)
        report = run(session, recognition_import(cast.schools["B"]), book.data, now=NOW, actor=who)
    assert (report.errors, report.created, report.updated, report.unchanged) == ((), 0, 0, 3)


def test_who_may_hand_it_in(sqlite_app: Flask, cast: Cast) -> None:
    kinds = {
        role: [each["name"] for each in ok(api(sqlite_app, cast.who("B", role)).get(f"/imports/kinds?school_id={cast.schools['B']}"))["items"]]
        for role in ("registrar", "school_admin")
    }  # fmt: skip
    assert "recognitions" in kinds["registrar"] and "recognitions" not in kinds["school_admin"]


def test_the_command(
    sqlite_database: Database, cast: Cast, courses: list[Taught], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZUTUAN_DATABASE", sqlite_database.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("ZUTUAN_MODE", "test")
    file = tmp_path / "认定.csv"
    file.write_text(f"课程代码,开课学校,学分\nC0,{HOST},1\n", encoding="utf-8")
    asked = ["import", "recognitions", str(file), "--school", cast.name_of("B"), "--by"]
    assert "may not say" in CliRunner().invoke(main, [*asked, cast.who("A", "registrar").email]).output
    done = CliRunner().invoke(main, [*asked, cast.who("B", "registrar").email])
    assert done.exit_code == 0, done.output
    assert table(sqlite_database) == {"C0": ("课0", "1", "")}
