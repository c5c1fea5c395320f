"""iCalendar feeds: a secret address, its owner's rights of the moment, stable and standard."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar
from support.cast import NOW, Cast
from support.http import api, browser_session, post_form
from support.teaching import ok, teach

from zutuan.app import FEATURES
from zutuan.calendar import changes, editing
from zutuan.calendar.editing import NewDays
from zutuan.calendar.models import CalendarFeed
from zutuan.calendar.sources import hooks_of
from zutuan.clock import local
from zutuan.db import Database
from zutuan.people.models import Person


def subscribe(client: FlaskClient) -> str:
    text = post_form(client, "/calendar/feed/renew").get_data(as_text=True)
    found = re.search(r"/feeds/[\w-]+\.ics", text)
    assert found is not None
    return found[0]


@pytest.fixture
def student(client: FlaskClient, cast: Cast) -> FlaskClient:
    browser_session(client, cast.who("B", "student"))
    return client


def fetched(app: Flask, path: str) -> Calendar:
    answer = app.test_client(use_cookies=False).get(path)
    assert answer.status_code == 200 and answer.mimetype == "text/calendar"
    assert b"\r\n" in answer.data
    calendar = Calendar.from_ical(answer.data)
    assert isinstance(calendar, Calendar)
    return calendar


def test_a_student_s_feed(app: Flask, student: FlaskClient, database: Database, cast: Cast) -> None:
    taught = teach(app, cast)
    enrolled = ok(api(app, cast.who("B", "student")).post(taught.seats, {}), 201)
    path = subscribe(student)
    calendar = fetched(app, path)
    events = calendar.walk("VEVENT")
    assert len(events) == 16 and len({event["UID"] for event in events}) == 16
    coming = next(event for event in events if event["DTSTART"].dt.date() == date(2026, 12, 2))
    assert (
        coming["SUMMARY"] == "教育心理学"
        and coming["STATUS"] == "TENTATIVE"  # the home school has not said yes yet
        and "DTSTAMP" in coming
        and "LAST-MODIFIED" in coming
    )
    assert coming["DTSTART"].params["TZID"] == "Asia/Shanghai" and coming["DTSTART"].dt.hour == 8
    assert coming["URL"].endswith(taught.offering)
    assert (
        len(calendar.walk("VTIMEZONE")) == 1 and str(calendar["NAME"]) == "组团课表" and "REFRESH-INTERVAL" in calendar
    )
    ok(api(app, cast.who("B", "registrar")).post(f"/enrolments/{enrolled['id']}/approve"))
    assert {event["STATUS"] for event in fetched(app, path).walk("VEVENT")} == {"CONFIRMED"}
    # a cancelled meeting keeps its UID and says so
    with database.write() as session:
        from zutuan.people.services import load_actor

        registrar = load_actor(session, session.get_one(Person, cast.who("A", "registrar").id), NOW)
        change = editing.add_days(
            session, cast.schools["A"], [NewDays("holiday", "", date(2026, 12, 2), date(2026, 12, 2))]
        )
        changes.apply(session, registrar, change, hooks_of(FEATURES), NOW)
    later = {event["UID"]: event for event in fetched(app, path).walk("VEVENT")}
    assert (
        later[coming["UID"]]["STATUS"] == "CANCELLED"
        and int(later[coming["UID"]]["SEQUENCE"]) == 1
        and len(later) == 16
    )
    # who leaves the class no longer reads its times
    ok(api(app, cast.who("B", "student")).post(f"/enrolments/{enrolled['id']}/withdraw", {"reason": ""}))
    assert fetched(app, path).walk("VEVENT") == []


def test_the_etag_holds_still(app: Flask, student: FlaskClient, cast: Cast) -> None:
    ok(api(app, cast.who("B", "student")).post(teach(app, cast).seats, {}), 201)
    path = subscribe(student)
    nobody = app.test_client(use_cookies=False)
    first = nobody.get(path)
    assert nobody.get(path).headers["ETag"] == first.headers["ETag"]
    assert nobody.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_revoked_renewed_disabled_and_made_up(app: Flask, student: FlaskClient, database: Database, cast: Cast) -> None:
    nobody = app.test_client(use_cookies=False)
    first = subscribe(student)
    second = subscribe(student)
    assert nobody.get(first).status_code == 404 and nobody.get(second).status_code == 200
    with database.read() as session:
        hashes = session.scalars(sa.select(CalendarFeed.secret_hash)).all()
    assert len(hashes) == 2 and not any(each in second for each in hashes)
    assert "不再更新" in student.get("/calendar/feed").get_data(as_text=True)
    assert second not in student.get("/calendar/feed").get_data(as_text=True)
    post_form(student, "/calendar/feed/revoke")
    assert nobody.get(second).status_code == 404
    for made_up in ("/feeds/x.ics", "/feeds/zc_.ics", "/feeds/" + "a" * 80 + ".ics", "/feeds/" + "a" * 90 + ".ics"):
        assert nobody.get(made_up).status_code in (302, 404)
    third = subscribe(student)
    with database.write() as session:
        from zutuan.sharing.permissions import Subject
        from zutuan.sharing.services import audit

        session.get_one(Person, cast.who("B", "student").id).state = "disabled"
        audit(session, None, "test", Subject(), now=NOW)
    assert nobody.get(third).status_code == 404


def test_a_teacher_s_feed_holds_what_they_teach(app: Flask, client: FlaskClient, cast: Cast) -> None:
    teach(app, cast)
    browser_session(client, cast.who("A", "teacher"))
    events = fetched(app, subscribe(client)).walk("VEVENT")
    assert {local(event["DTSTART"].dt).isoweekday() for event in events} == {3} and len(events) == 16


def test_single_dates_are_of_their_kind_too(app: Flask, client: FlaskClient, cast: Cast) -> None:
    at = datetime(2026, 12, 6, 6, tzinfo=UTC)
    exam = {"kind": "exam", "starts": at.isoformat(), "ends": (at + timedelta(hours=2)).isoformat()}
    ok(api(app, cast.who("B", "student")).post(teach(app, cast, offering={"dates": [exam]}).seats, {}), 201)
    browser_session(client, cast.who("B", "student"))
    events = fetched(app, subscribe(client)).walk("VEVENT")
    assert len(events) == 17 and {event["CATEGORIES"].to_ical() for event in events} == {"跨校课程".encode()}
    page = client.get("/me/timetable?day=2026-12-06").text
    grid = page[page.index("week-grid") : page.index("week-list")]
    blocks = grid.split('<div class="slot course" data-kind="course">')[1:]
    assert len(blocks) == grid.count('class="slot') == 2
    said = [each for each in blocks if "（考试）" in each.split("</div>")[0]]
    assert said and all(
        "14:00–16:00" in each and cast.name_of("A") in each and " 节" not in each.split("</div>")[0] for each in said
    )
