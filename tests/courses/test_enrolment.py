"""The thread: a course shared in a cluster, taken across schools, with both schools' word. Through the API."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from support.cast import NOW, Cast, Player
from support.http import Api, api
from support.teaching import (
    CLOSES,
    OPENS,
    Taught,
    add_people,
    all_pages,
    at_time,
    calm,
    changes_nothing,
    course_body,
    drain,
    offering_body,
    ok,
    refused,
    teach,
    to_cluster,
)

from courses.catalogue.models import SeatPool
from courses.enrolment import steps
from courses.enrolment.checks import seats_add_up
from courses.enrolment.models import Enrolment
from zutuan.app import make_worker
from zutuan.clock import Clock
from zutuan.clusters.models import Membership
from zutuan.db import Database
from zutuan.importing import run
from zutuan.people.rosters import roster_import
from zutuan.sharing import scopes

TITLE = "教育心理学"


def _pool(who: Api, taught: Taught) -> dict[str, int]:
    (pool,) = ok(who.get(taught.offering))["pools"]
    return {name: pool[name] for name in ("capacity", "wanted", "taken", "left")}


def _heard(app: Flask, player: Player) -> list[str]:
    """The kinds of the person's notices, oldest first."""
    return [each["kind"] for each in reversed(ok(api(app, player).get("/me/notices"))["items"])]


def _sound(database: Database) -> None:
    with database.read() as session:
        assert seats_add_up(session) == []


# --- the whole thread -------------------------------------------------------------------------------------------


def test_from_publishing_to_a_seat(app: Flask, cast: Cast, database: Database) -> None:
    student, registrar = cast.who("B", "student"), cast.who("B", "registrar")
    teacher, host = cast.who("A", "teacher"), cast.who("A", "registrar")
    taught = teach(app, cast, title_zh=TITLE)
    as_student, as_registrar = api(app, student), api(app, registrar)

    for find in ("/courses?q=心理", "/search?q=心理"):
        assert [each["id"] for each in ok(as_student.get(find))["items"]] == [taught.course_id]
    assert ok(as_student.get(f"{taught.offering}/eligibility")) == {
        "allowed": True, "reasons": [], "may_wait": False, "seats_left": 10, "waiting": 0, "timetable_checked": False,
        "approvals": ["registrar"], "decide_by": (NOW + timedelta(days=5)).isoformat(), "rescue_until": None,
    }  # fmt: skip

    made = as_student.post(taught.seats, {})
    enrolment = ok(made, 201)
    path = f"/enrolments/{enrolment['id']}"
    assert made.headers["Location"] == f"/api/v1{path}" and made.headers["ETag"]
    assert (enrolment["state"], enrolment["home_state"], enrolment["host_state"]) == ("pending", "pending", "accepted")
    assert enrolment["student"]["id"] == student.id and enrolment["number"] == student.number
    assert enrolment["home_school"]["id"] == cast.schools["B"] and enrolment["host_school"]["id"] == cast.schools["A"]
    assert enrolment["decide_by"] == (NOW + timedelta(days=5)).isoformat()
    assert _pool(as_student, taught) == {"capacity": 10, "wanted": 10, "taken": 1, "left": 9}
    assert [each["code"] for each in ok(as_student.get(f"{taught.offering}/eligibility"))["reasons"]] == ["already_enrolled"]  # fmt: skip

    assert [each["id"] for each in ok(as_registrar.get("/enrolments?state=pending"))["items"]] == [enrolment["id"]]
    assert ok(as_registrar.get("/enrolments?side=host"))["items"] == []
    assert [each["id"] for each in ok(api(app, host).get("/enrolments?side=host"))["items"]] == [enrolment["id"]]
    assert [each["student"]["id"] for each in ok(api(app, teacher).get(taught.seats))["items"]] == [student.id]
    refused(as_registrar.get(taught.seats), 403, "forbidden")  # the roster is the host's

    approved = ok(as_registrar.post(f"{path}/approve", {"note": "同意"}))
    assert approved["state"] == "enrolled" and [each["event"] for each in approved["events"]] == ["enrol", "approve"]
    assert approved["events"][1]["actor"]["id"] == registrar.id and approved["events"][1]["note"] == "同意"
    assert ok(as_student.get("/me/enrolments"))["items"][0]["state"] == "enrolled"
    assert ok(as_registrar.get("/enrolments?state=pending"))["total"] == 0
    assert ok(api(app, teacher).get(f"{taught.seats}?state=enrolled"))["total"] == 1
    refused(as_registrar.post(f"{path}/approve", {}), 409, "already_decided")

    with calm():
        drain(database)
    assert _heard(app, student) == ["enrolment.submitted", "enrolment.approve"]
    assert _heard(app, registrar) == ["enrolment.to_approve"]
    assert _heard(app, teacher) == ["enrolment.incoming"] and _heard(app, host) == ["enrolment.incoming"]
    for outsider in (cast.who("C", "registrar"), cast.who("B", "teacher"), cast.who("A", "student")):
        assert _heard(app, outsider) == []
    for player in (student, registrar, teacher):
        for notice in ok(api(app, player).get("/me/notices"))["items"]:
            assert TITLE in notice["text"]
    assert drain(database) == 0 and len(_heard(app, student)) == 2  # nobody hears it twice
    _sound(database)


def test_the_student_s_own_timetable_holds_the_lessons_of_the_seat(app: Flask, cast: Cast) -> None:
    taught, student = teach(app, cast), api(app, cast.who("B", "student"))
    week = "/me/timetable?starts=2026-11-23T00:00:00%2B08:00&ends=2026-11-30T00:00:00%2B08:00"
    assert ok(student.get(week))["items"] == []
    enrolment = ok(student.post(taught.seats, {}), 201)
    (slot,) = ok(student.get(week))["items"]
    assert (slot["starts"], slot["week"], slot["offering_id"]) == ("2026-11-25T00:00:00+00:00", 12, taught.offering_id)
    ok(student.post(f"/enrolments/{enrolment['id']}/withdraw", {}))
    assert ok(student.get(week))["items"] == []


def test_a_denial_says_why_and_frees_the_seat(app: Flask, cast: Cast, database: Database) -> None:
    taught, student, registrar = teach(app, cast, seats=1), cast.who("B", "student"), cast.who("B", "registrar")
    path = f"/enrolments/{ok(api(app, student).post(taught.seats, {}), 201)['id']}"
    (late,) = add_people(database, cast, "C", 1)
    refused(api(app, late).post(taught.seats, {}), 409, "seats_gone")
    for body in ({}, {"reason": ""}, {"reason": "  "}):
        assert refused(api(app, registrar).post(f"{path}/deny", body), 422, "invalid")["errors"][0]["field"] == "reason"
    denied = ok(api(app, registrar).post(f"{path}/deny", {"reason": "与必修课冲突"}))
    assert denied["state"] == "denied" and denied["reason"] == "与必修课冲突"
    assert ok(api(app, student).get(path))["reason"] == "与必修课冲突"
    assert _pool(api(app, student), taught)["taken"] == 0
    ok(api(app, late).post(taught.seats, {}), 201)
    for event, body in (("approve", {}), ("deny", {"reason": "x"})):
        refused(api(app, registrar).post(f"{path}/{event}", body), 409, "enrolment_over")
    refused(api(app, student).post(f"{path}/withdraw", {}), 409, "enrolment_over")
    drain(database)
    assert _heard(app, student) == ["enrolment.submitted", "enrolment.deny"]
    assert "与必修课冲突" in ok(api(app, student).get("/me/notices"))["items"][0]["text"]
    _sound(database)


def test_the_host_may_say_no_after_the_home_school_s_yes(app: Flask, cast: Cast, database: Database) -> None:
    taught, student, home = teach(app, cast), cast.who("B", "student"), cast.who("B", "registrar")
    path = f"/enrolments/{ok(api(app, student).post(taught.seats, {}), 201)['id']}"
    ok(api(app, home).post(f"{path}/approve", {}))
    denied = ok(api(app, cast.who("A", "registrar")).post(f"{path}/deny", {"reason": "实验室容量不足"}))
    assert (denied["state"], denied["home_state"], denied["host_state"]) == ("denied", "accepted", "denied")
    assert _pool(api(app, student), taught)["taken"] == 0
    drain(database)
    assert _heard(app, student)[-1] == "enrolment.host_deny"
    assert _heard(app, home)[-1] == "enrolment.host_deny_home"
    _sound(database)


def test_who_withdraws_may_come_again_in_a_new_row(app: Flask, cast: Cast, clock: Clock, database: Database) -> None:
    taught, student = teach(app, cast), api(app, cast.who("B", "student"))
    first = ok(student.post(taught.seats, {}), 201)
    refused(student.post(taught.seats, {}), 409, "already_enrolled")
    left = ok(student.post(f"/enrolments/{first['id']}/withdraw", {"reason": "时间冲突"}))
    assert left["state"] == "withdrawn" and left["events"][-1]["event"] == "drop"
    assert _pool(student, taught)["taken"] == 0
    second = ok(student.post(taught.seats, {}), 201)
    assert second["id"] != first["id"] and second["state"] == "pending"
    assert [each["state"] for each in ok(student.get("/me/enrolments"))["items"]] == ["pending", "withdrawn"]
    clock.set(CLOSES + timedelta(minutes=1))
    refused(api(app, cast.who("B", "registrar")).post(f"/enrolments/{second['id']}/approve", {}), 409, "lapsed")
    late = ok(student.post(f"/enrolments/{second['id']}/withdraw", {}))
    assert late["events"][-1]["event"] == "withdraw"  # after add/drop it is a withdrawal
    refused(student.post(taught.seats, {}), 409, "window_closed")
    drain(database)
    assert _heard(app, cast.who("A", "teacher")) == ["enrolment.left", "enrolment.left"]
    _sound(database)


@pytest.mark.parametrize(("role", "school", "code"), [("student", "A", "own_school_course"), ("student", "C", None)])
def test_who_may_enrol(app: Flask, cast: Cast, role: str, school: str, code: str | None) -> None:
    taught, who = teach(app, cast), api(app, cast.who(school, role))
    if code is None:
        ok(who.post(taught.seats, {}), 201)
        return
    refused(who.post(taught.seats, {}), 409, code)
    assert [each["code"] for each in ok(who.get(f"{taught.offering}/eligibility"))["reasons"]] == [code]
    assert ok(who.get(f"{taught.offering}/eligibility"))["allowed"] is False


def test_the_window_opens_and_closes(app: Flask, cast: Cast, clock: Clock) -> None:
    taught, student = teach(app, cast), api(app, cast.who("B", "student"))
    for at, code in ((OPENS - timedelta(seconds=1), "window_not_open"), (CLOSES, "window_closed")):
        clock.set(at)
        reasons = ok(student.get(f"{taught.offering}/eligibility"))["reasons"] if at > OPENS else []
        assert at < OPENS or [each["code"] for each in reasons] == [code]
    refused(student.post(taught.seats, {}), 409, "window_closed")
    clock.set(CLOSES - timedelta(microseconds=1))
    ok(student.post(taught.seats, {}), 201)


def test_an_offering_that_is_not_open_yet(app: Flask, cast: Cast) -> None:
    teacher, student = api(app, cast.who("A", "teacher")), api(app, cast.who("B", "student"))
    taught = teach(app, cast)
    opens = (NOW + timedelta(hours=1)).isoformat()
    made = ok(teacher.post(f"{taught.course}/offerings", offering_body(code="02", enrol_from=opens)), 201)
    ok(teacher.post(f"/offerings/{made['id']}/publish"))
    error = refused(student.post(f"/offerings/{made['id']}/enrolments", {}), 409, "window_not_open")
    assert "2026-11-25 11:00" in error["detail"]  # on Shanghai's clock


# --- seats ------------------------------------------------------------------------------------------------------


def test_a_lowered_capacity_takes_nobody_s_seat(app: Flask, cast: Cast, clock: Clock, database: Database) -> None:
    taught, teacher = teach(app, cast, seats=5), api(app, cast.who("A", "teacher"))
    students = [api(app, each) for each in add_people(database, cast, "B", 4)]
    held = [ok(each.post(taught.seats, {}), 201)["id"] for each in students[:3]]

    def set_seats(number: int) -> dict[str, int]:
        clock.advance(timedelta(seconds=1))
        version = teacher.get(taught.offering).headers["ETag"]
        ok(teacher.patch(taught.offering, {"seats": number}, headers={"If-Match": version}))
        return _pool(teacher, taught)

    assert set_seats(1) == {"capacity": 3, "wanted": 1, "taken": 3, "left": 0}
    refused(students[3].post(taught.seats, {}), 409, "seats_gone")
    for index, (capacity, taken) in enumerate([(2, 2), (1, 1)]):
        ok(students[index].post(f"/enrolments/{held[index]}/withdraw", {}))
        assert _pool(teacher, taught) == {"capacity": capacity, "wanted": 1, "taken": taken, "left": 0}
        refused(students[3].post(taught.seats, {}), 409, "seats_gone")
    ok(students[2].post(f"/enrolments/{held[2]}/withdraw", {}))
    assert _pool(teacher, taught) == {"capacity": 1, "wanted": 1, "taken": 0, "left": 1}
    ok(students[3].post(taught.seats, {}), 201)
    assert set_seats(2) == {"capacity": 2, "wanted": 2, "taken": 1, "left": 1}
    assert set_seats(0) == {"capacity": 1, "wanted": 0, "taken": 1, "left": 0}
    _sound(database)


def test_the_check_finds_a_pool_that_does_not_add_up(app: Flask, cast: Cast, database: Database) -> None:
    taught = teach(app, cast)
    ok(api(app, cast.who("B", "student")).post(taught.seats, {}), 201)
    _sound(database)
    with database.engine.begin() as connection:
        connection.execute(sa.update(SeatPool).values(taken=3))
    with database.read() as session:
        (problem,) = seats_add_up(session)
    assert problem.check == "seats_add_up" and problem.detail == "taken 3, held 1"
    with database.engine.begin() as connection:
        connection.execute(sa.update(SeatPool).values(taken=1))
        connection.execute(sa.update(Enrolment).values(home_state="denied"))
    with database.read() as session:
        assert [each.detail for each in seats_add_up(session)] == ["taken 1, held 0"]


# --- the clock --------------------------------------------------------------------------------------------------


def test_what_no_home_school_answers_in_time_expires(app: Flask, cast: Cast, clock: Clock, database: Database) -> None:
    taught, student = teach(app, cast), cast.who("B", "student")
    (decided,) = add_people(database, cast, "B", 1)
    path = f"/enrolments/{ok(api(app, student).post(taught.seats, {}), 201)['id']}"
    kept = f"/enrolments/{ok(api(app, decided).post(taught.seats, {}), 201)['id']}"
    ok(api(app, cast.who("B", "registrar")).post(f"{kept}/approve", {}))
    worker = make_worker(database)
    clock.set(NOW + timedelta(days=5) - timedelta(microseconds=1))
    assert worker.tick() == 0
    clock.set(NOW + timedelta(days=5))
    assert worker.tick() == 1 and worker.tick() == 0
    gone = ok(api(app, student).get(path))
    assert (gone["state"], gone["home_state"], gone["host_state"]) == ("expired", "expired", "accepted")
    assert gone["events"][-1]["event"] == "expire" and gone["events"][-1]["actor"] is None
    assert ok(api(app, decided).get(kept))["state"] == "enrolled"
    assert _pool(api(app, student), taught)["taken"] == 1
    refused(api(app, cast.who("B", "registrar")).post(f"{path}/approve", {}), 409, "enrolment_over")
    worker.drain()
    assert _heard(app, student)[-1] == "enrolment.expire"
    assert _heard(app, cast.who("B", "registrar"))[-1] == "enrolment.expire_home"
    ok(api(app, student).post(taught.seats, {}), 201)
    _sound(database)


def test_many_that_are_due_expire_in_a_few_rounds(
    app: Flask, cast: Cast, clock: Clock, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "EXPIRED_AT_ONCE", 4)
    taught = teach(app, cast, seats=60)
    for each in add_people(database, cast, "B", 5):
        ok(api(app, each).post(taught.seats, {}), 201)
    clock.advance(timedelta(days=6))
    worker = make_worker(database)
    done = [worker.tick() for _ in range(3)]
    assert sum(done) == 5 and done[-1] == 0
    assert _pool(api(app, cast.who("A", "teacher")), taught)["taken"] == 0
    _sound(database)


# --- once only --------------------------------------------------------------------------------------------------


def test_the_same_key_enrols_once(app: Flask, cast: Cast, database: Database) -> None:
    taught, student = teach(app, cast), api(app, cast.who("B", "student"))
    key = {"Idempotency-Key": "first-try-0001"}
    first = student.post(taught.seats, {}, headers=key)
    again = student.post(taught.seats, {}, headers=key)
    assert ok(first, 201) == ok(again, 201) and again.headers["Idempotent-Replayed"] == "true"
    assert (again.headers["Location"], again.headers["ETag"]) == (first.headers["Location"], first.headers["ETag"])
    other = {"affiliation_id": cast.who("B", "student").affiliation_id}
    refused(student.post(taught.seats, other, headers=key), 422, "idempotency_mismatch")
    assert _pool(student, taught)["taken"] == 1
    refused(student.post(taught.seats, {}), 409, "already_enrolled")
    another = api(app, cast.who("C", "student")).post(taught.seats, {}, headers=key)  # a key is its owner's
    assert ok(another, 201)["id"] != first.json["id"]
    drain(database)
    assert _heard(app, cast.who("B", "student")) == ["enrolment.submitted"]
    _sound(database)


def test_a_refusal_does_not_use_the_key_up(app: Flask, cast: Cast, database: Database) -> None:
    taught = teach(app, cast, seats=1)
    (first,) = add_people(database, cast, "B", 1)
    held = ok(api(app, first).post(taught.seats, {}), 201)
    student, key = api(app, cast.who("B", "student")), {"Idempotency-Key": "k1"}
    refused(student.post(taught.seats, {}, headers=key), 409, "seats_gone")
    ok(api(app, first).post(f"/enrolments/{held['id']}/withdraw", {}))
    ok(student.post(taught.seats, {}, headers=key), 201)


# --- bad input --------------------------------------------------------------------------------------------------


def test_bad_input_around_enrolments(app: Flask, cast: Cast, database: Database) -> None:
    taught, student, registrar = (
        teach(app, cast),
        api(app, cast.who("B", "student")),
        api(app, cast.who("B", "registrar")),
    )
    path = f"/enrolments/{ok(student.post(taught.seats, {}), 201)['id']}"
    (other,) = add_people(database, cast, "B", 1)
    late = api(app, other)
    cases: list[tuple[Api, str, dict[str, Any], str]] = [
        *((late, taught.seats, {"affiliation_id": bad}, "affiliation_id")
          for bad in (0, -1, "x", 1.5, True, [1], 10**40, 2**63, 999_999, cast.who("B", "student").affiliation_id)),
        (late, taught.seats, {"person_id": 1}, "person_id"),
        (late, taught.seats, {"home_state": "accepted"}, "home_state"),
        *((registrar, f"{path}/deny", {"reason": bad}, "reason")
          for bad in (None, 5, ["x"], "", "x" * 401, "a\x00b", "a\x1bb", "\u2066x")),
        (registrar, f"{path}/deny", {}, "reason"),
        (registrar, f"{path}/deny", {"reason": "x", "note": "x"}, "note"),
        *((registrar, f"{path}/approve", {"note": bad}, "note") for bad in (None, 5, "x" * 401, "\x00")),
        (registrar, f"{path}/approve", {"reason": "x"}, "reason"),
        *((student, f"{path}/withdraw", {"reason": bad}, "reason") for bad in (None, {}, "x" * 401, "\x07")),
    ]  # fmt: skip
    with changes_nothing(database):
        for who, where, body, field in cases:
            answer = who.request("POST", where, data=json.dumps(body), headers={"Content-Type": "application/json"})
            assert answer.status_code == 422, (where, body, answer.json)
            assert [each["field"] for each in answer.json["errors"]] == [field], (where, body, answer.json)
        for query in ("state=banana", "side=left", "limit=x", "cursor=x", "q=%00", "colour=red"):
            error = refused(registrar.get(f"/enrolments?{query}"), 422, "invalid")
            assert error["errors"][0]["field"] == query.split("=")[0]
        for nowhere in ("/enrolments/999999", f"/enrolments/{10**18}", f"/enrolments/{10**40}", "/enrolments/0"):
            refused(registrar.get(nowhere), 404, "not_found")
            refused(registrar.post(f"{nowhere}/approve", {}), 404, "not_found")
        refused(student.post("/offerings/999999/enrolments", {}), 404, "not_found")


# --- a school leaves the cluster --------------------------------------------------------------------------------


def _end(app: Flask, cast: Cast, letter: str) -> None:
    database = app.extensions["zutuan"].database
    with database.read() as session:
        query = sa.select(Membership.id).where(Membership.school_id == cast.schools[letter])
        membership = session.scalars(query.where(Membership.cluster_id == cast.clusters["A"])).one()
    path = f"/clusters/{cast.clusters['A']}/memberships/{membership}/end"
    refused(api(app, cast.who(letter, "registrar")).post(path, {}), 403, "forbidden")
    assert ok(api(app, cast.who("A", "cluster_admin")).post(path, {}))["state"] == "ended"


def test_when_a_school_leaves_its_students_keep_what_was_promised(app: Flask, cast: Cast, database: Database) -> None:
    taught, other, theirs = (
        teach(app, cast, title_zh=TITLE),
        teach(app, cast, code="X2", title_zh=TITLE),
        teach(app, cast, "B", title_zh="古代汉语"),
    )
    teacher = api(app, cast.who("A", "teacher"))
    second = ok(teacher.post(f"{taught.course}/offerings", offering_body(code="02")), 201)
    ok(teacher.post(f"/offerings/{second['id']}/publish"))
    seated, free = api(app, cast.who("B", "student")), api(app, add_people(database, cast, "B", 1)[0])
    enrolment = ok(seated.post(taught.seats, {}), 201)
    assert ok(seated.get(taught.offering))["promised"] is False
    ok(free.get(taught.offering))

    _end(app, cast, "B")

    # Without a seat: nothing of it exists any more, from the next request on.
    everything = (
        taught.course,
        f"{taught.course}/offerings",
        taught.offering,
        f"{taught.offering}/eligibility",
        other.course,
    )
    for path in everything:
        refused(free.get(path), 404, "not_found")
    refused(free.post(taught.seats, {}), 404, "not_found")
    for who in (free, seated):
        for path in ("/courses?q=心理", "/search?q=心理", f"/courses?school_id={cast.schools['A']}"):
            assert ok(who.get(path)) == {"items": [], "next": None, "total": 0}

    # With one: that offering, marked; no other; and no new seat.
    assert ok(seated.get(taught.offering))["promised"] is True
    assert ok(seated.get(taught.course))["id"] == taught.course_id
    assert [each["id"] for each in ok(seated.get(f"{taught.course}/offerings"))["items"]] == [taught.offering_id]
    refused(seated.get(f"/offerings/{second['id']}"), 404, "not_found")
    refused(seated.post(f"/offerings/{second['id']}/enrolments", {}), 404, "not_found")
    refused(seated.get(other.course), 404, "not_found")
    refused(seated.post(taught.seats, {}), 409, "not_shared_with_you")
    reasons = [each["code"] for each in ok(seated.get(f"{taught.offering}/eligibility"))["reasons"]]
    assert reasons == ["not_shared_with_you", "already_enrolled"]

    # Both directions, for everybody of the school that left and of those that stay.
    for role in ("teacher", "registrar", "secretary", "school_admin", "librarian", "platform_admin"):
        refused(api(app, cast.who("B", role)).get(taught.course), 404, "not_found")
        refused(api(app, cast.who("A", role)).get(theirs.course), 404, "not_found")
        refused(api(app, cast.who("C", role)).get(theirs.offering), 404, "not_found")
    ok(api(app, cast.who("C", "student")).get(taught.course))
    ok(free.get(theirs.course))

    # The home school still answers for its student; the host still has the roster.
    path = f"/enrolments/{enrolment['id']}"
    assert ok(api(app, cast.who("B", "registrar")).post(f"{path}/approve", {}))["state"] == "enrolled"
    assert ok(teacher.get(taught.seats))["total"] == 1
    assert ok(seated.post(f"{path}/withdraw", {}))["state"] == "withdrawn"
    refused(seated.get(taught.offering), 404, "not_found")
    refused(seated.get(taught.course), 404, "not_found")
    refused(seated.post(taught.seats, {}), 404, "not_found")
    assert ok(seated.get(path))["state"] == "withdrawn"  # one's own story stays readable
    _sound(database)


def test_when_the_owner_leaves_it_takes_its_courses_along(app: Flask, cast: Cast, clock: Clock) -> None:
    taught = teach(app, cast, "B")
    student = api(app, cast.who("C", "student"))
    ok(student.post(taught.seats, {}), 201)
    assert ok(api(app, cast.who("B", "teacher")).get(taught.course))["audience"]["count"] == 2
    _end(app, cast, "B")
    refused(api(app, cast.who("A", "student")).get(taught.course), 404, "not_found")
    assert ok(student.get(taught.offering))["promised"] is True
    own = ok(api(app, cast.who("B", "teacher")).get(taught.course))
    assert own["audience"]["count"] == 0  # "7 所学校可见" says the truth of now
    again = api(app, cast.who("B", "teacher")).post("/courses", course_body(code="N", audience=to_cluster(cast)))
    refused(again, 409, "not_a_member")
    clock.set(NOW + timedelta(days=60))  # the term is over: what was promised has ended
    refused(student.get(taught.offering), 404, "not_found")


def test_an_end_in_the_future_takes_nothing_yet(app: Flask, cast: Cast, clock: Clock) -> None:
    taught, student = teach(app, cast), api(app, cast.who("B", "student"))
    with app.extensions["zutuan"].database.read() as session:
        query = sa.select(Membership.id).where(Membership.school_id == cast.schools["B"])
        membership = session.scalars(query).one()
    end = NOW + timedelta(days=2)
    path = f"/clusters/{cast.clusters['A']}/memberships/{membership}/end"
    ok(api(app, cast.who("A", "cluster_admin")).post(path, {"at": end.isoformat()}))
    ok(student.get(taught.course))
    clock.set(end - timedelta(microseconds=1))
    ok(student.get(taught.course))
    clock.set(end)
    refused(student.get(taught.course), 404, "not_found")


def test_a_suspended_course_keeps_its_seats_readable(app: Flask, cast: Cast) -> None:
    taught = teach(app, cast)
    seated, free = api(app, cast.who("B", "student")), api(app, cast.who("C", "student"))
    ok(seated.post(taught.seats, {}), 201)
    ok(api(app, cast.who("A", "teacher")).post(f"{taught.course}/suspend"))
    assert ok(seated.get(taught.offering))["promised"] is True
    refused(free.get(taught.offering), 404, "not_found")


# --- lists ------------------------------------------------------------------------------------------------------


def test_enrolments_page_without_gap_or_repeat(app: Flask, cast: Cast, database: Database) -> None:
    taught = teach(app, cast, seats=50)
    other = teach(app, cast, "C", seats=50, audience=[scopes.PLATFORM], meeting=at_time(1))
    students = add_people(database, cast, "B", 9)
    rows = [ok(api(app, each).post(taught.seats, {}), 201)["id"] for each in students]
    foreign = ok(api(app, cast.who("D", "student")).post(other.seats, {}), 201)["id"]
    mine = [ok(api(app, students[0]).post(other.seats, {}), 201)["id"], rows[0]]
    lists = [
        (cast.who("B", "registrar"), "/enrolments", [*rows, mine[0]]),
        (cast.who("B", "secretary"), "/enrolments?side=home", [*rows, mine[0]]),
        (cast.who("A", "registrar"), "/enrolments?side=host", rows),
        (cast.who("C", "school_admin"), "/enrolments?side=host", [foreign, mine[0]]),
        (cast.who("A", "teacher"), taught.seats, rows),
        (students[0], "/me/enrolments", mine),
        (cast.who("D", "registrar"), "/enrolments", [foreign]),
        (cast.who("E", "registrar"), "/enrolments", []),
    ]
    for player, path, expected in lists:
        for limit in (1, 4, 50):
            assert [each["id"] for each in all_pages(api(app, player).get, path, limit)] == expected, (path, limit)
    number = students[4].number
    assert [
        each["id"] for each in ok(api(app, cast.who("B", "registrar")).get(f"/enrolments?q={number}"))["items"]
    ] == [rows[4]]


def test_who_is_no_longer_enrolled_at_school_enrols_nowhere_and_stands_on_the_registrars_list(
    app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    first, second = teach(app, cast), teach(app, cast, code="EDU9")
    student, registrar = api(app, cast.who("B", "student")), api(app, cast.who("B", "registrar"))
    held = ok(student.post(f"{first.offering}/enrolments", {}), 201)
    text = f"学号,姓名,学籍状态\n{cast.who('B', 'student').number},B student,休学\n".encode()
    with database.write() as session:
        assert run(session, roster_import(cast.schools["B"]), text, now=NOW).updated == 1
    refused(student.post(f"{second.offering}/enrolments", {}), 409, "not_in_standing")
    listed = ok(registrar.get("/enrolments?state=standing"))["items"]
    assert [each["id"] for each in listed] == [held["id"]]
