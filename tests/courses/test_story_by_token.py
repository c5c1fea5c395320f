"""Issue 4's story once more, by people who hold personal tokens: from the plan to a seat that lapses, a batch, fewer seats,
and a clash of two calendars. (`tests/browser/test_story.py` tells it on the pages.)"""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask
from support.cast import NOW, Cast, Player
from support.http import api
from support.teaching import add_people, changes_nothing, drain, ok, plan_body, refused, teach, to_cluster

from zutuan.app import make_worker
from zutuan.calendar import feeds
from zutuan.calendar.models import Period, PeriodTable
from zutuan.clock import Clock
from zutuan.db import Database
from zutuan.people.models import Affiliation, Person
from zutuan.people.services import load_actor
from zutuan.sharing import scopes
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

TERM = "2026-2027-1"
TIMES = "星期五第3-4节{13-16周}"
FRIDAY = datetime(2026, 12, 4, 2, tzinfo=UTC)  # 10:00 in Shanghai, its first class
TITLE = "乡土课程资源"


def table(*rows: dict[str, str]) -> io.BytesIO:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return io.BytesIO(out.getvalue().encode())


def imported(app: Flask, database: Database, cast: Cast, school: str, kind: str, *rows: dict[str, str]) -> None:
    """Handed in, looked at, applied."""
    registrar = api(app, cast.who(school, "registrar"))
    form = {"kind": kind, "school_id": str(cast.schools[school]), "params": f'{{"term": "{TERM}"}}'}
    made = ok(registrar.post("/imports", data={**form, "file": (table(*rows), "导出.csv")}), 201)
    drain(database)
    checked = ok(registrar.get(f"/imports/{made['id']}"))
    assert (checked["state"], checked["counts"]["created"], checked["bad_lines"]) == ("checked", len(rows), 0)
    ok(registrar.post(f"/imports/{made['id']}/apply"))
    drain(database)
    assert ok(registrar.get(f"/imports/{made['id']}"))["state"] == "applied"


def feed(app: Flask, database: Database, who: Player, now: datetime) -> str:
    """What the person's calendar program fetches, from an address of its own."""
    with database.write() as session:
        secret = feeds.renew(session, load_actor(session, session.get_one(Person, who.id), now))
    return app.test_client().get(f"/feeds/{secret}.ics").get_data(as_text=True)


def attends(app: Flask, database: Database, clock: Clock, who: Player) -> bool:
    """Whether the class takes the person's time; the week and the feed say the same."""
    starts, ends = FRIDAY.isoformat(), (FRIDAY + timedelta(days=1)).isoformat()
    query = {"starts": starts, "ends": ends}
    slots = ok(api(app, who).get("/me/timetable", query_string=query))["items"]
    found = [each["starts"] for each in slots if each["title_zh"] == TITLE]
    assert found in ([], [FRIDAY.isoformat()])
    events = feed(app, database, who, clock.now()).replace("\r\n ", "").split("BEGIN:VEVENT")
    assert any(TITLE in each and "STATUS:CANCELLED" not in each for each in events) == bool(found)
    return bool(found)


def state(app: Flask, who: Player, enrolment: dict[str, Any]) -> Any:
    return ok(api(app, who).get(f"/enrolments/{enrolment['id']}"))


def patched(app: Flask, who: Player, path: str, **changes: Any) -> dict[str, Any]:
    client = api(app, who)
    tag = client.get(path).headers["ETag"]
    return dict(ok(client.patch(path, changes, headers={"If-Match": tag})))


def published(app: Flask, database: Database, cast: Cast) -> str:
    """A term plan, an import, a class that follows the plan: the class's address."""
    admin, teacher = api(app, cast.who("A", "cluster_admin")), cast.who("A", "teacher")
    plans = f"/clusters/{cast.clusters['A']}/term-plans"
    plan = ok(admin.post(plans, plan_body()), 201)
    ok(admin.post(f"{plans}/{plan['id']}/publish"))
    kept = f"{cast.name_of('B')}:2、{cast.name_of('C')}:1"
    row = {
        "课程代码": "XT2001", "课程名称": TITLE, "学分": "2", "学时": "32", "教学班号": "01", "教师工号": teacher.number,
        "上课时间": TIMES, "容量": "3", "面向学校": kept,
    }  # fmt: skip
    imported(app, database, cast, "A", "offerings", row)
    (course,) = ok(api(app, teacher).get("/courses?mine=1"))["items"]
    (offering,) = ok(api(app, teacher).get(f"/courses/{course['id']}/offerings"))["items"]
    path = f"/offerings/{offering['id']}"
    rounds = offering["rounds"]  # it follows the plan
    assert [each["kind"] for each in rounds] == ["preselection", "main", "add_drop"]
    ok(api(app, teacher).post(f"/courses/{course['id']}/publish", {"audience": to_cluster(cast)}))
    ok(api(app, teacher).post(f"{path}/publish"))
    board = ok(admin.get(f"{plans}/{plan['id']}/board"))["items"]
    assert [each["seats"] for each in board if each["school"]["id"] == cast.schools["A"]] == [3]
    return path


def test_from_the_plan_to_a_seat_that_lapses(app: Flask, database: Database, cast: Cast, clock: Clock) -> None:
    path = published(app, database, cast)
    seats, teacher = f"{path}/enrolments", cast.who("A", "teacher")
    b, c = add_people(database, cast, "B", 5), add_people(database, cast, "C", 2)
    held = [ok(api(app, who).post(seats, {}), 201) for who in (*b[:2], c[0])]
    refused(api(app, b[2]).post(seats, {}), 409, "seats_gone")
    queue = [ok(api(app, who).post(seats, {"waitlist": True}), 201) for who in b[2:]]
    other = ok(api(app, c[1]).post(seats, {"waitlist": True}), 201)
    assert [(each["place"], each["waiting"]) for each in (*queue, other)] == [(1, 1), (2, 2), (3, 3), (1, 1)]
    assert attends(app, database, clock, b[0]) and not attends(app, database, clock, b[2])

    ok(api(app, b[0]).post(f"/enrolments/{held[0]['id']}/withdraw", {}))
    assert not attends(app, database, clock, b[0]) and attends(app, database, clock, b[2])
    assert state(app, b[2], queue[0])["state"] == "offered"
    assert state(app, c[1], other)["state"] == "waitlisted", "the seat is one of B's"
    clock.advance(timedelta(hours=25))
    refused(api(app, b[2]).post(f"/enrolments/{queue[0]['id']}/accept", {}), 409, "offer_lapsed")
    make_worker(database).tick()
    assert [state(app, who, row)["state"] for who, row in zip(b[2:], queue, strict=True)] == [
        "expired", "offered", "waitlisted",
    ]  # fmt: skip
    assert not attends(app, database, clock, b[2]) and attends(app, database, clock, b[3])
    ok(api(app, b[3]).post(f"/enrolments/{queue[1]['id']}/accept", {}))

    pools = [{"scope": scopes.school(cast.schools[school]), "seats": n} for school, n in (("B", 3), ("C", 1))]
    patched(app, teacher, path, pools=pools)
    assert state(app, b[4], queue[2])["state"] == "offered", "more seats go to those who wait"
    pools[0]["seats"] = 1
    fewer = patched(app, teacher, path, pools=pools)["pools"][0]
    assert (fewer["wanted"], fewer["capacity"], fewer["taken"]) == (1, 3, 3), "nobody loses a seat"
    ok(api(app, b[4]).post(f"/enrolments/{queue[2]['id']}/withdraw", {}))
    pending = [held[1]["id"], queue[1]["id"]]
    registrar = api(app, cast.who("B", "registrar"))
    asked = ok(registrar.get("/enrolments?state=pending"))["items"]
    assert sorted(each["id"] for each in asked) == pending
    decided = {"event": "approve", "ids": pending}
    refused(api(app, cast.who("C", "registrar")).post("/enrolments/decide", decided), 404, "not_found")
    assert ok(registrar.post("/enrolments/decide", decided)) == decided
    roster = ok(api(app, teacher).get(f"{seats}?state=enrolled"))["items"]
    assert sorted(each["id"] for each in roster) == pending


def test_many_are_decided_all_or_none(app: Flask, database: Database, cast: Cast, clock: Clock) -> None:
    taught = teach(app, cast, seats=12)
    asked = [ok(api(app, who).post(taught.seats, {}), 201)["id"] for who in add_people(database, cast, "B", 12)]
    registrar = api(app, cast.who("B", "registrar"))
    refused(registrar.post("/enrolments/decide", {"event": "deny", "ids": asked[:1]}), 422, "invalid")
    said = {"event": "return", "ids": asked[:2], "reason": "请写明理由"}
    assert ok(registrar.post("/enrolments/decide", said))["ids"] == asked[:2]
    with changes_nothing(database):
        one = refused(registrar.post("/enrolments/decide", {"event": "approve", "ids": asked}), 409, "one_of_several")
    assert "等学生重新提交" in one["title"] + str(one.get("detail"))
    ok(registrar.post("/enrolments/decide", {"event": "approve", "ids": asked[2:]}))
    ok(registrar.post("/enrolments/decide", {"event": "deny", "ids": asked[:2], "reason": "没有重新提交"}))
    assert ok(registrar.get("/enrolments?state=enrolled"))["total"] == 10


def test_a_clash_of_two_calendars_names_its_cure(app: Flask, database: Database, cast: Cast, clock: Clock) -> None:
    """C's periods ring half an hour later than A's: its 1–2 meets A's 3–4 for a few minutes."""
    (student,) = add_people(database, cast, "C", 1)
    with database.write() as session:
        mine = sa.select(Period).join(PeriodTable, PeriodTable.id == Period.table_id)
        for each in session.scalars(mine.where(PeriodTable.school_id == cast.schools["C"])):
            each.starts, each.ends = each.starts + 30, each.ends + 30
        session.get_one(Affiliation, student.affiliation_id).class_name = "2024级高原1班"
        audit(session, None, "test.late", Subject("school", cast.schools["C"]), now=NOW)
    at = {"weekday": 5, "first_period": 3, "last_period": 4, "weeks": "13-16"}
    taught = teach(app, cast, meeting=at)
    before = ok(api(app, student).get(f"{taught.offering}/eligibility"))
    assert before["allowed"] and not before["timetable_checked"], "nothing is known of the home timetable"
    row = {"课程名称": "高原生态学", "上课时间": "星期五第1-2节{13-16周}", "班级": "2024级高原1班"}
    imported(app, database, cast, "C", "timetable", row)
    after = ok(api(app, student).get(f"{taught.offering}/eligibility"))
    (why,) = after["reasons"]
    assert (after["allowed"], after["timetable_checked"], why["code"]) == (False, True, "time_clash")
    assert "高原生态学" in why["message"] and "08:30" in why["message"] and "其他教学班" in why["cure"]
    with changes_nothing(database):
        refused(api(app, student).post(taught.seats, {}), 409, "time_clash")
