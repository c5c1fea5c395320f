"""My week: its grid, pure; and what the page, the API and the feed show of classes, courses and busy periods."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from support.cast import NOW, Cast, Player
from support.http import api, browser_session, post_form
from support.teaching import ok, refused, teach

from zutuan.app import FEATURES
from zutuan.calendar import book, busy, feeds, my_week, week
from zutuan.calendar.busy import NewBusy
from zutuan.calendar.models import BusyPeriod, Occurrence, SpecialDay
from zutuan.calendar.sources import hooks_of
from zutuan.calendar.timetable_import import timetable_import
from zutuan.calendar.week import Band, Slot
from zutuan.clock import at_shanghai
from zutuan.db import Database
from zutuan.importing import run
from zutuan.people.models import Affiliation, Person
from zutuan.people.services import load_actor
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

HOOKS = hooks_of(FEATURES)
MONDAY = date(2026, 11, 23)
USUAL = {1: (480, 525), 2: (530, 575), 3: (600, 645), 4: (650, 695), 5: (870, 915)}
SATURDAY = {"title": "家教", "day": "2026-11-28", "starts": "09:00", "ends": "11:00"}


# --- the grid ---------------------------------------------------------------------------------------------------


def test_two_periods_make_a_row() -> None:
    assert week.bands(USUAL) == [Band(1, 2, 480, 575), Band(3, 4, 600, 695), Band(5, 5, 870, 915)]
    assert [(each.first, each.last) for each in week.bands({2: (1, 2), 3: (3, 4), 4: (5, 6)})] == [(2, 2), (3, 4)]
    assert [each.starts for each in week.bands({})] == [0, 720, 1080]


@pytest.mark.parametrize(
    ("starts", "ends", "rows"),
    [
        (480, 575, [0]), (540, 620, [0, 1]), (480, 920, [0, 1, 2]),
        (575, 600, [0]),  # between two rows: the nearer one, of equals the first
        (585, 600, [1]), (720, 760, [1]), (800, 860, [2]), (1200, 1260, [2]), (0, 60, [0]),
    ],
)  # fmt: skip
def test_nothing_falls_out_of_the_grid(starts: int, ends: int, rows: list[int]) -> None:
    assert week.rows_touched(week.bands(USUAL), starts, ends) == rows


def test_a_day_with_other_hours_keeps_its_periods_rows() -> None:
    """On Friday everything rings an hour later: its periods 1 and 2 are still the first row's."""
    friday, late = MONDAY + timedelta(days=4), {n: (a + 60, b + 60) for n, (a, b) in USUAL.items()}
    slot = Slot(friday, at_shanghai(friday, 9), at_shanghai(friday, 10, 35), "home", "数学")
    rows = week.grid([slot], MONDAY, week.bands(USUAL), {friday: late})
    assert [[len(cell) for cell in row.cells] for row in rows] == [[0, 0, 0, 0, 1, 0, 0], [0] * 7, [0] * 7]


def test_what_ends_after_midnight_is_of_its_first_day() -> None:
    slot = Slot(MONDAY, at_shanghai(MONDAY, 23), at_shanghai(MONDAY + timedelta(days=1), 1), "own", "值班")
    assert slot.minutes == (1380, 1500)


# --- busy periods: rules ----------------------------------------------------------------------------------------


def test_a_weekly_period_has_only_the_weekdays_that_come_round() -> None:
    new = NewBusy("x", date(2026, 11, 28), 540, 660, date(2026, 12, 18))
    assert (new.last, len(new.days)) == (date(2026, 12, 12), 3)
    assert [each.key for each in new.meetings] == [(1, 6, 0), (2, 6, 0), (3, 6, 0)]
    assert NewBusy("x", date(2026, 11, 28), 540, 660).days == [date(2026, 11, 28)]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"ends": 540}, "ends"), ({"until": date(2026, 11, 27)}, "until"), ({"until": date(2027, 12, 31)}, "until"),
        ({"day": date(2028, 1, 1)}, "day"),
    ],
)  # fmt: skip
def test_a_period_that_cannot_be_is_named(change: dict[str, Any], field: str) -> None:
    values: dict[str, Any] = {"title": "x", "day": date(2026, 11, 28), "starts": 540, "ends": 660, **change}
    assert [each.field for each in busy.check(NewBusy(**values), date(2026, 11, 25))] == [field]


# --- busy periods: through the API and on the page --------------------------------------------------------------


def taken(database: Database, who: Player, day: date, hour: int) -> list[str]:
    with database.read() as session:
        during = [(at_shanghai(day, hour), at_shanghai(day, hour, 30))]
        return [each.source_type for each in book.clashes_with(session, ("person", who.id), during, HOOKS)]


def test_a_busy_period_counts_until_it_is_removed(app: Flask, database: Database, cast: Cast) -> None:
    student = cast.who("B", "student")
    client = api(app, student)
    made = ok(client.post("/me/busy-periods", {**SATURDAY, "until": "2026-12-20"}), 201)
    assert (made["weekly"], made["day"], made["until"], made["starts"]) == (True, "2026-11-28", "2026-12-19", "09:00")
    assert taken(database, student, date(2026, 12, 5), 9) == ["busy"] and not taken(database, student, MONDAY, 9)
    assert [each["id"] for each in ok(client.get("/me/busy-periods"))["items"]] == [made["id"]]
    (slot,) = ok(client.get("/me/timetable?starts=2026-11-28T00:00:00%2B08:00&ends=2026-11-29T00:00:00%2B08:00"))[
        "items"
    ]
    assert (slot["kind"], slot["title_zh"], slot["course"]) == ("own", "家教", None)
    other = api(app, cast.who("A", "student"))
    assert other.post(f"/me/busy-periods/{made['id']}/remove").status_code == 404
    assert ok(other.get("/me/busy-periods"))["items"] == []
    assert client.post(f"/me/busy-periods/{made['id']}/remove").status_code == 204
    assert not taken(database, student, date(2026, 12, 5), 9)


def test_so_many_and_no_more(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    student = cast.who("B", "student")
    day = date(2026, 11, 28)
    with sqlite_database.write() as session:
        session.add_all(
            BusyPeriod(person_id=student.id, title="x", from_day=day, until_day=day, weekday=6, starts=1, ends=2)
            for _n in range(busy.MOST)
        )
        audit(session, None, "test", Subject(), now=NOW)
    refused(api(sqlite_app, student).post("/me/busy-periods", SATURDAY), 409, "too_many_busy")


def test_busy_periods_on_the_page(sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast) -> None:
    browser_session(sqlite_client, cast.who("B", "student"))
    wrong = post_form(sqlite_client, "/me/busy-periods", {**SATURDAY, "ends": "08:00", "until": ""})
    assert wrong.status_code == 422 and 'value="家教"' in wrong.text
    assert post_form(sqlite_client, "/me/busy-periods", {**SATURDAY, "until": ""}).status_code == 302
    assert "2026-11-28 周六" in sqlite_client.get("/me/busy-periods").text
    assert "家教" in sqlite_client.get("/me/timetable?day=2026-11-26").text
    post_form(sqlite_client, "/me/busy-periods/1/remove")
    assert "家教" not in sqlite_client.get("/me/timetable?day=2026-11-26").text


# --- the week ---------------------------------------------------------------------------------------------------


def import_timetable(database: Database, cast: Cast, klass: str = "小教2401") -> None:
    file = f"课程名称,上课时间,班级,教室\n高等数学,周一第1-2节{{1-16周}},{klass},逸夫楼305\n"
    with database.write() as session:
        assert run(session, timetable_import(cast.schools["B"], "2026-2027-1"), file.encode(), now=NOW).written


def test_my_week_has_my_class_s_lessons_and_my_courses(
    client: FlaskClient, database: Database, cast: Cast, clock: object
) -> None:
    student = cast.who("B", "student")
    page = browser_session(client, student) and client.get("/me/timetable").text
    assert "本校课表未导入，未检查冲突" in page
    import_timetable(database, cast)
    assert "本校课表里没有您的行政班" in client.get("/me/timetable").text
    with database.write() as session:
        session.get_one(Affiliation, student.affiliation_id).class_name = "小教2401"
        audit(session, None, "test", Subject(), now=NOW)
    taught = teach(client.application, cast)
    ok(api(client.application, student).post(taught.seats, {}), 201)
    page = client.get("/me/timetable").text
    assert "未检查冲突" not in page and "高等数学" in page and "逸夫楼305" in page and "教育心理学" in page
    assert 'data-kind="home"' in page and "第 12 周" in page and "双周" in page and "11 月 23 日至 11 月 29 日" in page
    assert "甲牵头师范大学" in page and "08:00–09:35" in page
    slots = ok(
        api(client.application, student).get("/me/timetable?starts=2026-11-23T00:00:00Z&ends=2026-11-28T00:00:00Z")
    )
    kinds = [(each["kind"], each["title_zh"], each["offering_id"]) for each in slots["items"]]
    assert kinds == [("home", "高等数学", None), ("course", "教育心理学", taught.offering_id)]


def test_a_feed_says_what_is_the_own_school_s(sqlite_database: Database, cast: Cast) -> None:
    import_timetable(sqlite_database, cast)
    with sqlite_database.write() as session:
        session.get_one(Affiliation, cast.who("B", "student").affiliation_id).class_name = "小教2401"
        audit(session, None, "test", Subject(), now=NOW)
    with sqlite_database.read() as session:
        actor = load_actor(session, session.get_one(Person, cast.who("B", "student").id), NOW)
        found = feeds.entries(session, actor, HOOKS, at_shanghai(MONDAY), at_shanghai(MONDAY + timedelta(days=7)))
    text = feeds.ics(found, "x", "https://x.example", english=False).decode()
    assert "SUMMARY:高等数学" in text and "CATEGORIES:本校课程" in text


def test_who_belongs_nowhere_has_a_week_too(sqlite_database: Database, cast: Cast, clock: object) -> None:
    with sqlite_database.read() as session:
        found = my_week.of(session, Actor(cast.who("A", "student").id, "x", NOW), HOOKS, MONDAY)
    assert (found.number, found.missing, len(found.rows), found.school_id) == (None, "", 3, None)


def test_busy_periods_go_with_the_account(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    student = cast.who("B", "student")
    ok(api(sqlite_app, student).post("/me/busy-periods", SATURDAY), 201)
    with sqlite_database.write() as session:
        busy.forget(session, student.id)
        audit(session, None, "test", Subject(), now=NOW)
    assert not taken(sqlite_database, student, date(2026, 11, 28), 9)


def test_weeks_follow_each_other_and_addresses_that_mean_nothing_are_this_week(
    sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast, clock: object
) -> None:
    browser_session(sqlite_client, cast.who("A", "teacher"))
    page = sqlite_client.get("/me/timetable?day=2026-12-02").text
    assert 'href="/me/timetable?day=2026-11-23"' in page and 'href="/me/timetable?day=2026-12-07"' in page
    assert "未检查冲突" not in page  # nobody asks that of a teacher
    for wrong in ("x", "2026-13-01", "0001-01-01", "9999-12-31"):
        assert "第 12 周" in sqlite_client.get(f"/me/timetable?day={wrong}").text
    assert "不在学期内" in sqlite_client.get("/me/timetable?day=2027-08-01").text


def test_a_meeting_on_a_holiday_is_not_counted(app: Flask, database: Database, cast: Cast, clock: object) -> None:
    """共 n 次 is what is really held, from the calendar as it is, a single date too; the exam is no class."""
    with database.write() as session:
        session.add(SpecialDay(school_id=cast.schools["A"], day=date(2026, 12, 2), kind="holiday", name="校庆"))
        audit(session, None, "test", Subject(), now=NOW)
    sunday, last = datetime(2026, 12, 6, 6, tzinfo=UTC), datetime(2027, 1, 9, 6, tzinfo=UTC)
    dates = [
        {"kind": kind, "starts": at.isoformat(), "ends": (at + timedelta(hours=2)).isoformat()}
        for kind, at in (("class", sunday), ("exam", last))
    ]
    taught, student = teach(app, cast, offering={"dates": dates}), cast.who("B", "student")
    enrolment = ok(api(app, student).post(taught.seats, {}), 201)
    with database.read() as session:
        held = sa.select(sa.func.count()).where(Occurrence.source_type == "offering")
        assert session.scalar(held) == 15
    client = app.test_client()
    browser_session(client, student)
    for path in (f"/enrolments/{enrolment['id']}", f"/offerings/{taught.offering_id}"):
        assert "共 16 次" in client.get(path).text, path
