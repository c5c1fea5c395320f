"""An offering as it is made: pools, rounds, whom it is for, single dates and exams, the room; form and API alike."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from support.cast import NOW, Cast, Player
from support.forms import form_of
from support.http import api, browser_session, post_form
from support.teaching import MEETING, Taught, add_people, changes_nothing, drain, offering_body, ok, refused, teach

from courses.catalogue.rules import Dated, date_changes
from courses.enrolment.models import Enrolment
from zutuan.calendar import feeds, sources
from zutuan.calendar.models import Occurrence
from zutuan.clusters.models import Membership
from zutuan.db import Database
from zutuan.people.models import Person
from zutuan.people.services import load_actor

EXAM = {"kind": "exam", "starts": "2026-12-30T14:00:00+08:00", "ends": "2026-12-30T16:00:00+08:00", "place": "教一 101"}
EXTRA = {"kind": "class", "starts": "2026-12-05T09:00:00+08:00", "ends": "2026-12-05T11:00:00+08:00"}


def _rounds() -> list[dict[str, str]]:
    at = [(NOW + timedelta(days=days)).isoformat() for days in (-3, 2, 4, 9)]
    return [
        {"kind": "preselection", "opens": at[0], "closes": at[1]},
        {"kind": "main", "opens": at[2], "closes": at[3]},
    ]


def _pools(cast: Cast) -> list[dict[str, Any]]:
    return [
        {"scope": f"school:{cast.schools['B']}", "seats": 3},
        {"scope": f"cluster:{cast.clusters['A']}:supported", "seats": 2},
        {"scope": "all", "seats": 5},
    ]


def _whole(app: Flask, cast: Cast) -> Taught:
    """An offering that says everything it can."""
    says = {
        "pools": _pools(cast), "rounds": _rounds(), "enrol_from": ..., "enrol_until": ..., "seats": ...,
        "seats_by": "choice", "waitlist": False, "for_grades": ["2024", "2025"], "for_majors": ["小学教育"],
        "room": "教二 204", "room_seats": 12, "dates": [EXAM, EXTRA], "note": "带笔记本",
    }  # fmt: skip
    return teach(app, cast, offering={**offering_body(**says), "seats": None, "enrol_from": None, "enrol_until": None})


def _said(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in ("version", "occurrences", "course")}


def _edit(client: FlaskClient, taught: Taught) -> str:
    return client.get(f"{taught.offering}/edit").get_data(as_text=True)


def test_saving_the_form_as_it_stands_changes_nothing(
    sqlite_app: Flask, sqlite_client: FlaskClient, cast: Cast
) -> None:
    taught = _whole(sqlite_app, cast)
    teacher = api(sqlite_app, cast.who("A", "teacher"))
    before = ok(teacher.get(taught.offering))
    browser_session(sqlite_client, cast.who("A", "teacher"))
    sent = form_of(_edit(sqlite_client, taught))
    answer = post_form(sqlite_client, f"{taught.offering}/edit", sent)
    assert answer.status_code == 302, answer.get_data(as_text=True)
    after = ok(teacher.get(taught.offering))
    assert after == before


def test_the_form_changes_pools_rounds_and_dates(sqlite_app: Flask, sqlite_client: FlaskClient, cast: Cast) -> None:
    taught = _whole(sqlite_app, cast)
    browser_session(sqlite_client, cast.who("A", "teacher"))
    sent = form_of(_edit(sqlite_client, taught))
    changed = {
        "pools-0-seats": "4", "pools-1-scope": "", "pools-3-scope": f"school:{cast.schools['C']}", "pools-3-seats": "1",
        "rounds-2-opens": "2026-12-06T08:00", "rounds-2-closes": "2026-12-08T17:00", "dates-0-kind": "exam",
        "dates-2-kind": "class", "dates-2-starts": "2026-12-12T09:00", "dates-2-ends": "2026-12-12T11:00",
    }  # fmt: skip
    assert post_form(sqlite_client, f"{taught.offering}/edit", {**sent.to_dict(), **changed}).status_code == 302
    now = ok(api(sqlite_app, cast.who("A", "teacher")).get(taught.offering))
    assert {each["scope"]: each["wanted"] for each in now["pools"]} == {
        f"school:{cast.schools['B']}": 4, f"cluster:{cast.clusters['A']}:supported": 0, "all": 5,
        f"school:{cast.schools['C']}": 1,
    }  # fmt: skip
    assert [each["kind"] for each in now["rounds"]] == ["preselection", "main", "add_drop"]
    assert now["enrol_until"] == "2026-12-08T09:00:00+00:00" and len(now["dates"]) == 3


def test_a_refused_form_keeps_every_row_as_it_was_typed(
    sqlite_app: Flask, sqlite_client: FlaskClient, cast: Cast
) -> None:
    taught = _whole(sqlite_app, cast)
    browser_session(sqlite_client, cast.who("A", "teacher"))
    sent = {**form_of(_edit(sqlite_client, taught)).to_dict(), "pools-0-seats": "9", "dates-1-place": "报告厅"}
    with changes_nothing(sqlite_app.extensions["zutuan"].database):
        answer = post_form(sqlite_client, f"{taught.offering}/edit", sent)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "名额共 16 个，教室只能容纳 12 人" in page
    again = form_of(page).to_dict()
    assert {name: again[name] for name in sent if name != "version"} == {
        k: v for k, v in sent.items() if k != "version"
    }


def test_only_schools_and_roles_of_its_clusters_are_offered(
    sqlite_app: Flask, sqlite_client: FlaskClient, cast: Cast
) -> None:
    taught = teach(sqlite_app, cast)
    browser_session(sqlite_client, cast.who("A", "teacher"))
    page = _edit(sqlite_client, taught)
    offered = {f'value="school:{cast.schools[letter]}"' in page for letter in "BC"}
    hidden = {f'value="school:{cast.schools[letter]}"' in page for letter in "ADE"}
    assert offered == {True} and hidden == {False}
    assert f'value="cluster:{cast.clusters["A"]}:supported"' in page and f"cluster:{cast.clusters['D']}" not in page


def test_seats_alone_are_those_of_the_general_pool(sqlite_app: Flask, cast: Cast) -> None:
    taught, teacher = _whole(sqlite_app, cast), api(sqlite_app, cast.who("A", "teacher"))
    tag = {"If-Match": teacher.get(taught.offering).headers["ETag"]}
    now = ok(teacher.patch(taught.offering, {"seats": 7}, headers=tag))
    assert sorted(each["wanted"] for each in now["pools"]) == [2, 3, 7]


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"seats": 11, "room_seats": 10}, "room_seats", "seats_above_room"),
    ({"room_seats": 0}, "room_seats", "too_small"),
    ({"dates": [{**EXAM, "ends": EXAM["starts"]}]}, "dates.0.ends", "ends_before_start"),
    ({"dates": [{**EXAM, "ends": "2026-12-31T16:00:00+08:00"}]}, "dates.0.ends", "date_too_long"),
    ({"dates": [{**EXTRA, "starts": "2026-09-01T09:00:00+08:00", "ends": "2026-09-01T10:00:00+08:00"}]}, "dates.0.starts", "outside_term"),
    ({"dates": [{**EXAM, "starts": "2027-06-01T09:00:00+08:00", "ends": "2027-06-01T10:00:00+08:00"}]}, "dates.0.starts", "outside_term"),
    ({"dates": [EXAM, EXAM]}, "dates.1.starts", "meetings_overlap"),
    ({"dates": [{**EXTRA, "starts": "2026-12-02T08:30:00+08:00", "ends": "2026-12-02T09:00:00+08:00"}]}, "dates.0.starts", "meetings_overlap"),
    ({"dates": [{"kind": "party", "starts": EXAM["starts"], "ends": EXAM["ends"]}]}, "dates.0.kind", "not_a_choice"),
    ({"dates": [{"kind": "exam", "starts": EXAM["starts"]}]}, "dates.0.ends", "required"),
]  # fmt: skip


@pytest.mark.parametrize(("says", "field", "code"), BAD)
def test_what_does_not_fit_is_named(sqlite_app: Flask, cast: Cast, says: dict[str, Any], field: str, code: str) -> None:
    taught, teacher = teach(sqlite_app, cast), api(sqlite_app, cast.who("A", "teacher"))
    with changes_nothing(sqlite_app.extensions["zutuan"].database):
        body = ok(teacher.post(f"{taught.course}/offerings", offering_body(code="02", **says)), 422)
    assert [(each["field"], each["code"]) for each in body["errors"]] == [(field, code)]
    tag = {"If-Match": teacher.get(taught.offering).headers["ETag"]}
    with changes_nothing(sqlite_app.extensions["zutuan"].database):
        body = ok(teacher.patch(taught.offering, says, headers=tag), 422)
    assert [(each["field"], each["code"]) for each in body["errors"]] == [(field, code)]


def _book(database: Database, offering: int) -> list[tuple[str, str]]:
    o = Occurrence
    query = sa.select(o.source_type, o.starts).where(o.resource_type == "offering", o.resource_id == offering)
    with database.read() as session:
        return [(type_, f"{starts:%m-%d}") for type_, starts in session.execute(query.order_by(o.starts))]


def test_single_dates_and_the_exam_stand_in_the_book_and_in_everyones_time(
    app: Flask, database: Database, cast: Cast
) -> None:
    taught = teach(app, cast, offering={"dates": [EXAM, EXTRA]})
    teacher, student = api(app, cast.who("A", "teacher")), api(app, cast.who("B", "student"))
    singles = [each for each in _book(database, taught.offering_id) if each[0] != "offering"]
    assert singles == [("offering_date", "12-05"), ("exam", "12-30")]
    ok(student.post(taught.seats, {}), 201)
    mine = ok(student.get("/me/timetable?starts=2026-12-30T00:00:00Z&ends=2026-12-31T00:00:00Z"))["items"]
    assert [each["starts"] for each in mine] == ["2026-12-30T06:00:00+00:00"], mine
    with database.read() as session:
        who = load_actor(session, session.get_one(Person, cast.who("B", "student").id), NOW)
        names = [each.name for each in feeds.entries(session, who, sources.known(), NOW, NOW + timedelta(days=60))]
    assert [(each.title_zh, each.place) for each in names if "考试" in each.title_zh] == [
        ("教育心理学（考试）", "教一 101")
    ]
    tag = {"If-Match": teacher.get(taught.offering).headers["ETag"]}
    later = {**EXAM, "starts": "2027-01-06T14:00:00+08:00", "ends": "2027-01-06T16:00:00+08:00"}
    refused(teacher.patch(taught.offering, {"dates": [later]}, headers=tag), 409, "meetings_fixed")
    moved = ok(teacher.patch(taught.offering, {"dates": [later, EXTRA]}, headers=tag))
    assert [each["kind"] for each in moved["dates"]] == ["class", "exam"]
    singles = [each for each in _book(database, taught.offering_id) if each[0] != "offering"]
    assert singles == [("offering_date", "12-05"), ("exam", "01-06")]


def _told(database: Database, app: Flask, who: Player) -> list[str]:
    drain(database)
    items = ok(api(app, who).get("/me/notices"))["items"]
    return [each["text"] for each in items if each["kind"] == "enrolment.dates"]


def test_who_holds_or_waits_hears_once_of_an_exam_that_is_set_moved_or_called_off(
    app: Flask, database: Database, cast: Cast
) -> None:
    taught = teach(app, cast, seats=1)
    teacher, holder, stranger = api(app, cast.who("A", "teacher")), cast.who("B", "student"), cast.who("C", "student")
    gone, waiting = add_people(database, cast, "B", 2)
    ok(api(app, holder).post(taught.seats, {}), 201)
    for who in (waiting, gone):
        ok(api(app, who).post(taught.seats, {"waitlist": True}), 201)
    left = ok(api(app, gone).get("/me/enrolments"))["items"][0]["id"]
    ok(api(app, gone).post(f"/enrolments/{left}/withdraw", {"reason": ""}))

    def put(*dates: dict[str, Any]) -> None:
        tag = {"If-Match": teacher.get(taught.offering).headers["ETag"]}
        ok(teacher.patch(taught.offering, {"dates": list(dates)}, headers=tag))

    later = {**EXAM, "starts": "2027-01-06T14:00:00+08:00", "ends": "2027-01-06T16:00:00+08:00"}
    was, is_ = "12-30 周三 14:00–16:00 教一 101", "01-06 周三 14:00–16:00 教一 101"
    said: list[str] = []
    for dates, words in (
        ([EXAM], f"考试定于 {was}"),
        ([EXAM], None),
        ([{**EXAM, "note": "带学生证"}], None),
        ([later], f"{was} 的考试改到 {is_}"),
        ([{**later, "place": "教二"}], f"{is_} 的考试改到 01-06 周三 14:00–16:00 教二"),
        ([], "01-06 周三 14:00–16:00 教二 的考试取消"),
    ):
        put(*dates)
        said = [f"「教育心理学」01 班：{words}。", *said] if words else said
        assert _told(database, app, holder) == _told(database, app, waiting) == said
    assert _told(database, app, gone) == _told(database, app, stranger) == []
    assert _told(database, app, cast.who("A", "teacher")) == []


def test_whose_school_has_left_hears_of_dates_only_with_a_seat(app: Flask, database: Database, cast: Cast) -> None:
    taught = teach(app, cast, seats=1)
    holder, waiting = add_people(database, cast, "C", 2)
    ok(api(app, holder).post(taught.seats, {}), 201)
    ok(api(app, waiting).post(taught.seats, {"waitlist": True}), 201)
    with database.write() as session:
        gone = sa.and_(Membership.school_id == cast.schools["C"], Membership.until.is_(None))
        session.execute(sa.update(Membership).where(gone).values(until=NOW))
        session.info["audited"] = True
    teacher = api(app, cast.who("A", "teacher"))
    tag = {"If-Match": teacher.get(taught.offering).headers["ETag"]}
    ok(teacher.patch(taught.offering, {"dates": [EXAM]}, headers=tag))
    assert len(_told(database, app, holder)) == 1 and _told(database, app, waiting) == []


def test_what_is_told_of_dates() -> None:
    def at(day: int, place: str = "") -> Dated:
        return Dated(NOW + timedelta(days=day), NOW + timedelta(days=day, hours=2), place)

    before = [("exam", at(30)), ("class", at(5)), ("class", at(6)), ("class", at(-9))]
    after = [("exam", at(31)), ("class", at(5)), ("class", at(7)), ("class", at(8))]
    assert [(each.kind, each.before, each.after) for each in date_changes(before, after, NOW)] == [
        ("class", at(6), at(7)), ("class", None, at(8)), ("exam", at(30), at(31)),
    ]  # fmt: skip
    assert date_changes([("class", at(-9))], [("class", at(-8))], NOW) == [], "what is over concerns nobody"
    assert date_changes(before, before[::-1], NOW) == []


def test_an_exam_at_the_time_of_another_exam_is_a_clash(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast
) -> None:
    first = teach(sqlite_app, cast, offering={"dates": [EXAM]})
    other = {**MEETING, "weekday": 5}
    second = teach(sqlite_app, cast, code="EDU2", meeting=other, offering={"dates": [EXAM]})
    student = api(sqlite_app, cast.who("B", "student"))
    ok(student.post(first.seats, {}), 201)
    body = ok(student.post(second.seats, {}), 409)
    assert "exam" in body["code"], body
    with sqlite_database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Enrolment)) == 1
