"""Attendance: who was at which meeting, by the teacher's word, a scan or a leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from support.cast import NOW, Cast, Player
from support.databases import Fresh
from support.http import api, browser_session, post_form
from support.teaching import Taught, add_people, changes_nothing, ok, refused, statements, teach

from courses.enrolment.models import Enrolment, EnrolmentEvent
from courses.rosters import codes, queries, rules, services
from courses.rosters.models import AttendanceMark, AttendanceSheet
from courses.rosters.rules import Key, Window
from zutuan.calendar.models import Occurrence
from zutuan.clock import Clock
from zutuan.clock import clock as the_clock
from zutuan.db import Database
from zutuan.errors import NotFound, Refused, Stale
from zutuan.people.models import Person
from zutuan.people.services import load_actor

EARLY = NOW - timedelta(days=90)


# --- rules ------------------------------------------------------------------------------------------------------


def test_a_key_reads_back_and_nothing_else_does() -> None:
    key = Key("offering_date", 17, 0, 3, 11)
    assert rules.read_key(str(key)) == key
    for text in ("", "offering-0-1-1-1", "offering-1-1-1", "Offering-1-1-1-1", "offering-1-1-1-1-1", "a-1-1-1-111"):
        assert rules.read_key(text) is None


def test_when_one_may_mark_and_sign_in() -> None:
    window, ends = Window(), NOW + timedelta(minutes=90)
    minute = timedelta(minutes=1)
    assert (
        rules.may_mark(NOW, NOW - 16 * minute, window) is not None
        and rules.may_mark(NOW, NOW - 15 * minute, window) is None
    )
    said = [rules.may_check_in(NOW, ends, NOW + n * minute, window) for n in (-16, -15, 99, 100)]
    assert [each and each.code for each in said] == ["check_in_ahead", None, None, "check_in_over"]
    assert [rules.signed_in(NOW, NOW + n * minute, window) for n in (-5, 10, 11)] == ["present", "present", "late"]


def test_a_rate_counts_late_as_there_and_leave_as_nothing() -> None:
    assert rules.rate({"present": 1, "late": 1, "absent": 1, "leave": 5}) == Decimal("0.6667")
    assert rules.rate({"leave": 2}) is None and rules.rate({}) is None


def test_every_cell_of_the_leaves_machine() -> None:
    allowed = {("asked", "accept"), ("asked", "refuse"), ("asked", "withdraw"), ("accepted", "withdraw")}
    cells = {(state, event) for state in rules.LEAVE_STATES for event in rules.LEAVE_EVENTS}
    assert {cell for cell in cells if isinstance(rules.leave_after(*cell), str)} == allowed


# --- a class ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Class:
    app: Flask
    database: Database
    cast: Cast
    taught: Taught
    students: list[Player]
    ids: list[int]
    keys: list[str]

    @property
    def path(self) -> str:
        return f"{self.taught.offering}/attendance"

    def teacher(self) -> Any:
        return api(self.app, self.cast.who("A", "teacher"))

    def put(self, key: str, marks: list[dict[str, Any]], rest: str | None = None, match: str | None = None) -> Any:
        who = self.teacher()
        match = match or ok_etag(who.get(f"{self.path}/{key}"))
        return who.put(f"{self.path}/{key}", {"marks": marks, "rest": rest}, headers={"If-Match": match})

    def marks(self, key: str) -> dict[int, str | None]:
        body = ok(self.teacher().get(f"{self.path}/{key}"))
        return {each["enrolment_id"]: each["status"] for each in body["marks"]}


def ok_etag(response: Any) -> str:
    ok(response)
    tag: str = response.headers["ETag"]
    return tag


def seat(database: Database, cast: Cast, taught: Taught, who: Player, at: Any) -> int:
    """Enrolled, as of then."""
    with database.write() as session:
        person = session.get_one(Person, who.id)
        pool = session.scalar(sa.text(f"SELECT id FROM seat_pool WHERE offering_id = {taught.offering_id}"))
        session.execute(sa.text(f"UPDATE seat_pool SET taken = taken + 1 WHERE id = {pool}"))
        enrolment = Enrolment(
            offering_id=taught.offering_id, pool_id=pool, person_id=who.id, affiliation_id=person.affiliations[0].id,
            home_school_id=cast.schools[who.school], host_school_id=cast.schools["A"], home_state="accepted",
            host_state="accepted", created_at=at, updated_at=at,
        )  # fmt: skip
        enrolment.events.append(EnrolmentEvent(at=at, event="enrol", actor_id=who.id))
        session.add(enrolment)
        session.flush()
        services.audit(session, None, "test.seat", queries.Subject("enrolment", enrolment.id), now=at)
        return enrolment.id


def make(app: Flask, database: Database, cast: Cast) -> Class:
    the_clock.set(EARLY)
    taught = teach(app, cast, seats=20)
    the_clock.set(NOW)
    students = [cast.who("B", "student"), *add_people(database, cast, "B", 2)]
    began = (EARLY, EARLY, NOW - timedelta(days=1))
    ids = [seat(database, cast, taught, who, at) for who, at in zip(students, began, strict=True)]
    body = ok(api(app, cast.who("A", "teacher")).get(f"{taught.offering}/attendance"))
    return Class(app, database, cast, taught, students, ids, [each["meeting"] for each in body["meetings"]])


@pytest.fixture
def room(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> Class:
    return make(sqlite_app, sqlite_database, cast)


@pytest.fixture
def both(app: Flask, database: Database, cast: Cast) -> Class:
    return make(app, database, cast)


def _at(room: Class, key: str, clock: Clock, minutes: int = 5) -> None:
    with room.database.read() as session:
        clock.set(
            queries.meeting(session, room.taught.offering_id, rules.read_key(key)).starts + timedelta(minutes=minutes)
        )


def test_the_teacher_marks_a_meeting_and_the_rest_at_once(both: Class) -> None:
    first, second, late = both.ids
    body = ok(both.put(both.keys[0], [{"enrolment_id": first, "status": "absent", "note": "没有说明"}], "present"))
    assert body["version"] == 1 and {each["enrolment_id"] for each in body["marks"]} == {first, second}
    assert both.marks(both.keys[0]) == {first: "absent", second: "present"}  # who came later is not on it
    ok(both.put(both.keys[0], [{"enrolment_id": first, "status": "late"}]))
    with both.database.read() as session:
        assert queries.rate(session, both.taught.offering_id) == {first: Decimal(1), second: Decimal(1)}
        assert queries.rates(session, [first]) == {first: Decimal(1)}
    lines = {each["enrolment_id"]: each for each in ok(both.teacher().get(both.path))["students"]}
    assert lines[first]["late"] == 1 and lines[late]["rate"] is None


def test_what_does_not_fit_names_its_row_and_nothing_is_written(room: Class) -> None:
    first, _second, late = room.ids
    bad = [
        {"enrolment_id": first, "status": "present"}, {"enrolment_id": first, "status": "absent"},
        {"enrolment_id": late, "status": "absent"}, {"enrolment_id": 99999, "status": "present"},
    ]  # fmt: skip
    with changes_nothing(room.database):
        body = ok(room.put(room.keys[0], bad, "absent"), 422)
        assert {each["field"]: each["code"] for each in body["errors"]} == {
            "marks.1.enrolment_id": "marked_twice", "marks.2.enrolment_id": "enrolled_after_meeting",
            "marks.3.enrolment_id": "not_on_roster",
        }  # fmt: skip
        assert ok(room.put(room.keys[0], [{"enrolment_id": first, "status": "ill"}]), 422)["errors"]
        refused(room.put(room.keys[-1], [], "present"), 409, "meeting_ahead")
        refused(room.put(room.keys[0], [], "present", '"v7"'), 412, "stale")
        ok(room.teacher().put(f"{room.path}/{room.keys[0]}", {"marks": []}), 428)
        ok(room.teacher().get(f"{room.path}/offering-{room.taught.offering_id}-99-1-1"), 404)


def test_a_moved_meeting_and_a_changed_class_keep_what_was_marked(room: Class) -> None:
    first = room.ids[0]
    ok(room.put(room.keys[0], [{"enrolment_id": first, "status": "absent"}]))
    with room.database.write() as session:  # a 调课 moves the row of the book
        row = session.scalars(
            sa.select(Occurrence).where(Occurrence.resource_id == room.taught.offering_id).order_by(Occurrence.starts)
        ).first()
        assert row is not None
        row.starts, row.ends = row.starts + timedelta(days=1), row.ends + timedelta(days=1)
        services.audit(session, None, "test.moved", queries.Subject(), now=NOW)
    assert room.marks(room.keys[0])[first] == "absent"
    with room.database.write() as session:  # other times: the rows of the book are others, this meeting is gone
        session.execute(sa.delete(Occurrence).where(Occurrence.resource_id == room.taught.offering_id))
        services.audit(session, None, "test.gone", queries.Subject(), now=NOW)
    body = ok(room.teacher().get(room.path))
    assert [(each["meeting"], each["gone"]) for each in body["meetings"]] == [(room.keys[0], True)]
    refused(room.put(room.keys[0], [], "present"), 409, "meeting_gone")


def test_who_left_keeps_the_record_and_is_off_the_list(room: Class) -> None:
    first, second, _late = room.ids
    ok(room.put(room.keys[0], [], "present"))
    ok(api(room.app, room.students[0]).post(f"/enrolments/{first}/withdraw", {"reason": "转专业"}))
    body = ok(room.teacher().get(room.path))
    assert first not in {each["enrolment_id"] for each in body["students"]}
    assert room.marks(room.keys[0]) == {second: "present"}
    with room.database.read() as session:
        assert session.scalar(sa.select(AttendanceMark.status).where(AttendanceMark.enrolment_id == first)) == "present"
    ok(room.put(room.keys[0], [{"enrolment_id": first, "status": "absent"}]), 422)


# --- signing in -------------------------------------------------------------------------------------------------

SECRET = "a secret of the tests that is long enough 0123456789"


def _code(room: Class, key: str, clock: Clock) -> str:
    read = rules.read_key(key)
    assert read is not None
    return codes.sign(SECRET, room.taught.offering_id, read, clock.now(), 90)


def test_students_sign_in_with_the_code_of_the_moment(both: Class, clock: Clock) -> None:
    key, (first, second, _late) = both.keys[0], both.ids
    _at(both, key, clock)
    code, path = _code(both, key, clock), "/me/attendance/check-in"
    ok(api(both.app, both.cast.who("D", "student")).post(path, {"code": code}), 404)
    ok(api(both.app, both.students[0]).post(path, {"code": code[:-2] + "xx"}), 404)
    assert ok(api(both.app, both.students[0]).post(path, {"code": code}))["status"] == "present"
    clock.set(clock.now() + timedelta(seconds=91))
    refused(api(both.app, both.students[1]).post(path, {"code": code}), 409, "check_in_code_over")
    _at(both, key, clock, 30)
    code = _code(both, key, clock)
    assert ok(api(both.app, both.students[1]).post(path, {"code": code}))["status"] == "late"
    assert ok(api(both.app, both.students[0]).post(path, {"code": code}))["status"] == "present"  # once
    ok(both.put(key, [{"enrolment_id": first, "status": "absent"}], "absent"))
    assert both.marks(key) == {first: "absent", second: "late"}  # the teacher's own word, and the scan before the rest
    assert ok(api(both.app, both.students[0]).post(path, {"code": code}))["status"] == "absent"
    clock.set(clock.now() + timedelta(days=1))
    refused(api(both.app, both.students[1]).post(path, {"code": _code(both, key, clock)}), 409, "check_in_over")


def test_a_whole_class_scans_while_the_teacher_saves(fresh: Fresh, both: Class, clock: Clock) -> None:
    """Nobody gets an error, everybody has one mark, and the teacher's own words stand whoever came first."""
    more = add_people(both.database, both.cast, "B", 10)
    ids = [*both.ids[:2], *(seat(both.database, both.cast, both.taught, each, EARLY) for each in more)]
    key = rules.read_key(both.keys[0])
    assert key is not None
    _at(both, both.keys[0], clock)
    now, offering_id = clock.now(), both.taught.offering_id
    said = [{"enrolment_id": id_, "status": "absent", "note": ""} for id_ in ids[:4]]

    def scan(player: Player) -> Callable[[Any], None]:
        def job(session: Any) -> None:
            actor = load_actor(session, session.get_one(Person, player.id), now)
            services.check_in(session, actor, offering_id, key)

        return job

    def save(session: Any) -> None:
        teacher = load_actor(session, session.get_one(Person, both.cast.who("A", "teacher").id), now)
        offering = queries.view_class(session, teacher, offering_id)
        services.save(session, teacher, offering, key, 0, said, "absent")

    jobs = [save, *(scan(each) for each in [*both.students[:2], *more]), save]
    ended = list(_at_once(fresh, jobs))
    assert sorted(ended) == sorted(["ok"] * (len(jobs) - 1) + ["stale"])
    marks = both.marks(both.keys[0])
    assert set(marks) == set(ids) and all(marks[id_] == "absent" for id_ in ids[:4])
    with both.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(AttendanceSheet)) == 1
        assert session.scalar(sa.select(sa.func.count()).select_from(AttendanceMark)) == len(ids)


def _at_once(fresh: Fresh, jobs: list[Callable[[Any], None]]) -> Iterator[str]:
    databases, barrier = [Database(fresh.url, pool_size=1) for _job in jobs], Barrier(len(jobs))

    def one(number: int) -> str:
        barrier.wait(60)
        try:
            with databases[number].write() as session:
                jobs[number](session)
        except (Stale, Refused, NotFound) as error:
            return error.code
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return "ok"

    with ThreadPoolExecutor(len(jobs)) as pool:
        yield from list(pool.map(one, range(len(jobs))))
    for each in databases:
        each.dispose()


# --- leave ------------------------------------------------------------------------------------------------------


def test_a_student_asks_the_teacher_decides(both: Class, clock: Clock) -> None:
    first, me = both.ids[0], api(both.app, both.students[0])
    ahead = both.keys[-1]
    ok(me.post(f"/enrolments/{first}/leave", {"meeting": ahead, "reason": ""}), 422)
    made = ok(me.post(f"/enrolments/{first}/leave", {"meeting": ahead, "reason": "参加学校运动会"}), 201)
    refused(me.post(f"/enrolments/{first}/leave", {"meeting": ahead, "reason": "再请一次"}), 409, "leave_asked")
    ok(me.post(f"/leave-requests/{made['id']}/decide", {"accept": True}), 403)
    ok(api(both.app, both.students[1]).post(f"/leave-requests/{made['id']}/withdraw"), 404)
    assert ok(both.teacher().get(both.path))["leaves"][0]["reason"] == "参加学校运动会"
    assert ok(both.teacher().post(f"/leave-requests/{made['id']}/decide", {"accept": True}))["state"] == "accepted"
    refused(both.teacher().post(f"/leave-requests/{made['id']}/decide", {"accept": False}), 409, "leave_decided")
    assert both.marks(ahead)[first] == "leave"
    ok(me.post(f"/leave-requests/{made['id']}/withdraw"))
    assert both.marks(ahead)[first] is None
    again = ok(me.post(f"/enrolments/{first}/leave", {"meeting": ahead, "reason": "还是要去"}), 201)
    ok(both.teacher().post(f"/leave-requests/{again['id']}/decide", {"accept": True}))
    _at(both, ahead, clock)
    code = _code(both, ahead, clock)
    assert ok(me.post("/me/attendance/check-in", {"code": code}))["status"] == "present"  # a leave that was not used


def test_a_leave_makes_an_absence_good_and_is_not_for_long_ago(room: Class, clock: Clock) -> None:
    first, me = room.ids[0], api(room.app, room.students[0])
    _at(room, room.keys[3], clock)
    ok(room.put(room.keys[3], [], "absent"))
    made = ok(me.post(f"/enrolments/{first}/leave", {"meeting": room.keys[3], "reason": "发烧"}), 201)
    ok(room.teacher().post(f"/leave-requests/{made['id']}/decide", {"accept": True, "answer": "好好休息"}))
    assert room.marks(room.keys[3])[first] == "leave"
    refused(me.post(f"/enrolments/{first}/leave", {"meeting": room.keys[0], "reason": "发烧"}), 409, "leave_too_late")
    mine = ok(me.get("/me/attendance"))["items"][0]
    assert mine["leave"] == 1 and mine["rate"] is None and mine["leaves"][0]["answer"] == "好好休息"


def test_who_has_left_needs_no_leave(room: Class) -> None:
    first, me = room.ids[0], api(room.app, room.students[0])
    made = ok(me.post(f"/enrolments/{first}/leave", {"meeting": room.keys[-1], "reason": "参加比赛"}), 201)
    ok(me.post(f"/enrolments/{first}/withdraw", {"reason": "转专业"}))
    assert ok(room.teacher().get(room.path))["leaves"] == []
    refused(room.teacher().post(f"/leave-requests/{made['id']}/decide", {"accept": True}), 409, "not_on_roster")
    with room.database.read() as session:
        assert session.scalars(sa.select(AttendanceMark.id)).all() == []


# --- pages and rights -------------------------------------------------------------------------------------------


def test_who_may_read_and_mark(room: Class) -> None:
    expected = {
        ("A", "teacher"): 200,
        ("A", "registrar"): 200,
        ("A", "student"): 403,
        ("B", "registrar"): 403,
        ("D", "teacher"): 404,
    }
    for (school, role), status in expected.items():
        assert api(room.app, room.cast.who(school, role)).get(room.path).status_code == status, (school, role)
    headers = {"If-Match": '"v0"'}
    for (school, role), status in (expected | {("A", "school_admin"): 403}).items():
        answer = api(room.app, room.cast.who(school, role)).put(
            f"{room.path}/{room.keys[0]}",
            {"marks": [{"enrolment_id": room.ids[0], "status": "present"}]},
            headers=headers,
        )
        assert answer.status_code in ({200, 412} if status == 200 else {status}), (school, role)
    with room.app.test_client() as browser:
        browser_session(browser, room.cast.who("B", "registrar"))
        page = browser.get(f"/enrolments/{room.ids[0]}/attendance")
        assert page.status_code == 200 and "出勤" in page.text


def test_the_pages_of_a_class(room: Class, clock: Clock) -> None:
    first, second, _late = room.ids
    _at(room, room.keys[0], clock)
    with room.app.test_client() as browser:
        browser_session(browser, room.cast.who("A", "teacher"))
        path = f"/offerings/{room.taught.offering_id}/attendance"
        assert browser.get(path).status_code == 200
        code = browser.get(f"{path}/{room.keys[0]}/code")
        assert code.headers["Refresh"] == "30" and "data:image/svg" in code.text
        form = {
            "version": "0", "rest": "present", "marks-0-enrolment_id": str(first), "marks-0-status": "absent",
            "marks-0-seen": "", "marks-1-enrolment_id": str(second), "marks-1-seen": "",
        }  # fmt: skip
        assert post_form(browser, f"{path}/{room.keys[0]}", form).status_code == 302
        assert room.marks(room.keys[0]) == {first: "absent", second: "present"}
        again = post_form(browser, f"{path}/{room.keys[0]}", form)
        assert again.status_code == 412
        assert browser.get(f"{path}.xlsx").status_code == 200
        poster = browser.get(f"/offerings/{room.taught.offering_id}/poster.pdf")
        assert poster.data[:5] == b"%PDF-"
        roster = browser.get(f"/offerings/{room.taught.offering_id}/roster")
        assert "按格式导出" in roster.text and "海报" in roster.text
    with room.app.test_client() as browser:
        browser_session(browser, room.students[0])
        scanned = _code(room, room.keys[0], clock)
        assert "缺勤" in browser.get(f"/check-in/{scanned}").text
        assert post_form(browser, f"/check-in/{scanned}").status_code == 302
        assert browser.get("/check-in/nonsense").status_code == 404
        page = browser.get(f"/enrolments/{first}/attendance")
        assert "缺勤" in page.text and "提出请假" in page.text
        sent = post_form(browser, f"/enrolments/{first}/leave", {"meeting": room.keys[1], "reason": ""})
        assert sent.status_code == 422
        assert (
            post_form(browser, f"/enrolments/{first}/leave", {"meeting": room.keys[1], "reason": "回家"}).status_code
            == 302
        )


def test_registrars_see_and_export_who_is_away_and_who_is_here(room: Class) -> None:
    ok(room.put(room.keys[0], [], "present"))
    for school, side in (("B", "outgoing"), ("A", "incoming")):
        with room.app.test_client() as browser:
            browser_session(browser, room.cast.who(school, "registrar"))
            page = browser.get(f"/{side}")
            assert page.status_code == 200 and "100%" in page.text and "按格式导出" in page.text
            sheet = browser.get(f"/{side}/export?format=preset-office")
            assert sheet.status_code == 200 and "spreadsheetml" in sheet.headers["Content-Type"]
            assert browser.get(f"/{side}/export?format=preset-nothing").status_code == 404
            assert browser.get(f"/{side}/export").status_code == 200
        with room.app.test_client() as browser:
            browser_session(browser, room.cast.who(school, "student"))
            assert browser.get(f"/{side}").status_code == 403


def test_a_class_of_many_takes_no_more_statements(room: Class, clock: Clock) -> None:
    ok(room.put(room.keys[0], [], "present"))
    mine = f"{room.taught.offering}/attendance"
    paths = (f"/api/v1{mine}", mine, f"{mine}/{room.keys[0]}", f"{mine}.xlsx", "/incoming")
    office = room.cast.who("A", "registrar")
    with room.app.test_client() as browser:
        browser_session(browser, office)

        def count(path: str) -> int:
            assert browser.get(path).status_code == 200, path
            with statements(room.database) as seen:
                browser.get(path)
            return len(seen)

        few = [count(path) for path in paths]
        for each in add_people(room.database, room.cast, "C", 6):
            seat(room.database, room.cast, room.taught, each, EARLY)
        ok(room.put(room.keys[0], [], "late"))
        ok(room.put(room.keys[1], [], "absent"))
        assert [count(path) for path in paths] == few
