"""调停课 over the API and on pages: what was approved stands in the book, in feeds and rosters, whatever the calendar does."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar as ICalendar
from sqlalchemy.orm import Session
from support.cast import NOW, Cast
from support.databases import Fresh
from support.http import api, browser_session, post_form
from support.teaching import add_people, drain, offering_body, ok, refused, statements, teach

from courses.adjustments import changes as changes_of
from courses.adjustments import clashes, queries, services
from courses.adjustments.checks import adjustments_stand_in_the_book, nothing_is_ahead_of_what_was_called_off
from courses.adjustments.facts import Draft
from courses.adjustments.models import Adjustment
from courses.catalogue.models import Offering
from courses.catalogue.timing import book_follows_calendar
from courses.minimum import services as minimum
from zutuan.app import FEATURES
from zutuan.calendar import busy, changes, editing, feeds
from zutuan.calendar.editing import NewDays
from zutuan.calendar.models import Occurrence, Place, TimetableEntry
from zutuan.calendar.plan import Meeting
from zutuan.calendar.sources import hooks_of
from zutuan.clock import Clock, at_shanghai, local
from zutuan.db import Database
from zutuan.errors import Refused
from zutuan.notices.models import Notice
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.policies.rules import Place as PolicyPlace
from zutuan.policies.services import decide
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

HOOKS = hooks_of(FEATURES)
# The cast's now is Wednesday 2026-11-25, week 12; classes meet on Wednesdays, periods 1-2, weeks 1-16.
OF = {"week": 13, "weekday": 3, "period": 1}
WEDNESDAY, SUNDAY = date(2026, 12, 2), date(2026, 12, 6)
MOVE = {"kind": "move", **OF, "date": SUNDAY.isoformat(), "first_period": 3, "last_period": 4, "reason": "会议"}
CANCEL = {"kind": "cancel", **OF, "reason": "监考"}


class Room:
    """A class of A with one student of B, and everybody who has a say."""

    def __init__(self, app: Flask, database: Database, cast: Cast) -> None:
        self.app, self.database, self.cast = app, database, cast
        self.taught = teach(app, cast)
        self.student, self.teacher, self.registrar = (
            api(app, cast.who(*who)) for who in (("B", "student"), ("A", "teacher"), ("A", "registrar"))
        )
        ok(self.student.post(self.taught.seats, {}), 201)
        drain(database)

    @property
    def path(self) -> str:
        return f"{self.taught.offering}/adjustments"

    def ask(self, **body: Any) -> int:
        return int(ok(self.teacher.post(self.path, body), 201)["id"])

    def approve(self, **body: Any) -> int:
        id_ = self.ask(**body)
        ok(self.registrar.post(f"/adjustments/{id_}/approve", {}))
        return id_

    def actor(self, school: str, role: str) -> Actor:
        with self.database.read() as session:
            return load_actor(session, session.get_one(Person, self.cast.who(school, role).id), NOW)

    def change(self, *new: NewDays) -> changes.Effects:
        who = self.actor("A", "registrar")
        with self.database.write() as session:
            wanted = editing.add_days(session, self.cast.schools["A"], new)
            return changes.apply(session, who, wanted, HOOKS, NOW)

    def days(self, state: str = "active") -> list[date]:
        o = Occurrence
        own = sa.select(o.starts).where(o.resource_type == "offering", o.resource_id == self.taught.offering_id)
        with self.database.read() as session:
            return sorted(local(each).date() for each in session.scalars(own.where(o.state == state)))

    def sound(self) -> None:
        with self.database.read() as session:
            assert nothing_is_ahead_of_what_was_called_off(session) == []
            assert adjustments_stand_in_the_book(session) == [] and book_follows_calendar(session) == []

    def feed(self, school: str = "B", role: str = "student") -> dict[str, Any]:
        """UID → the event of the meeting."""
        return self.feed_of(self.cast.who(school, role).id)

    def feed_of(self, person_id: int) -> dict[str, Any]:
        with self.database.read() as session:
            who = load_actor(session, session.get_one(Person, person_id), NOW)
            span = NOW - timedelta(days=200), NOW + timedelta(days=200)
            found = feeds.entries(session, who, HOOKS, *span, cancelled=True)
            body = feeds.ics(found, "x", "https://zutuan.example", english=False)
        return {str(event["uid"]): event for event in ICalendar.from_ical(body).walk("VEVENT")}

    def told(self, *kinds: str) -> Counter[tuple[str, int]]:
        drain(self.database)
        with self.database.read() as session:
            rows = session.execute(
                sa.select(Notice.kind, Notice.person_id).where(Notice.kind.startswith("adjustment."))
            )
            return Counter((kind, person) for kind, person in rows)

    @property
    def uid(self) -> str:
        return f"offering-{self.taught.offering_id}-13-3-1@zutuan.example"


@pytest.fixture
def room(app: Flask, database: Database, cast: Cast) -> Room:
    return Room(app, database, cast)


@pytest.fixture
def sqlite_room(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> Room:
    return Room(sqlite_app, sqlite_database, cast)


# --- what was approved stands -----------------------------------------------------------------------------------


def test_a_moved_meeting_stays_where_it_was_put_whatever_the_calendar_does(room: Room) -> None:
    before = room.feed()[room.uid]
    id_ = room.ask(**MOVE)
    assert WEDNESDAY in room.days() and room.told() == {("adjustment.asked", room.cast.who("A", "registrar").id): 1}
    ok(room.registrar.post(f"/adjustments/{id_}/approve", {"note": "同意"}))
    assert SUNDAY in room.days() and WEDNESDAY not in room.days() and len(room.days()) == 16
    after = room.feed()[room.uid]
    assert after["sequence"] == before["sequence"] + 1 and "（调课）" in str(after["summary"])
    assert local(after["dtstart"].dt) == local(at_shanghai(SUNDAY, 10))
    student, teacher = (room.cast.who(*who).id for who in (("B", "student"), ("A", "teacher")))
    told = room.told()
    assert told["adjustment.approved", student] == told["adjustment.approved", teacher] == 1

    effects = room.change(
        NewDays("holiday", "校庆", date(2026, 12, 1), date(2026, 12, 3)),
        NewDays("swapped", "补课", date(2026, 12, 12), date(2026, 12, 12), takes=WEDNESDAY),
    )
    assert effects.moves == []  # neither lost with the holiday nor held with the swapped day
    effects = room.change(NewDays("holiday", "停课", SUNDAY, SUNDAY))
    assert effects.moves == [] and SUNDAY in room.days() and WEDNESDAY not in room.days() and len(room.days()) == 16
    room.sound()

    back = room.registrar.post(f"/adjustments/{id_}/withdraw", {"reason": "会议取消"})
    assert ok(back)["state"] == "withdrawn"
    assert date(2026, 12, 12) in room.days() and SUNDAY not in room.days()  # where the calendar has it now
    assert room.feed()[room.uid]["sequence"] == after["sequence"] + 1
    assert room.told()["adjustment.taken_back", student] == 1
    room.sound()


def test_a_cancelled_meeting_does_not_come_back_and_is_cancelled_in_feeds(room: Room) -> None:
    id_ = room.approve(**CANCEL)
    event = room.feed()[room.uid]
    assert WEDNESDAY not in room.days() and event["status"] == "CANCELLED" and event["sequence"] == 1
    day = NewDays("swapped", "补课", date(2026, 12, 12), date(2026, 12, 12), takes=WEDNESDAY)
    assert room.change(day).moves == [] and len(room.days()) == 15 and room.days("cancelled") == [WEDNESDAY]
    room.sound()
    made_up = room.approve(**{**MOVE, "kind": "make_up"})
    assert SUNDAY in room.days() and len(room.days()) == 16
    assert f"adjustment-{made_up}-13-7-3@zutuan.example" in room.feed()
    refused(room.registrar.post(f"/adjustments/{id_}/withdraw", {}), 409, "made_up_already")
    ok(room.registrar.post(f"/adjustments/{made_up}/withdraw", {}))
    assert SUNDAY not in room.days()
    ok(room.registrar.post(f"/adjustments/{id_}/withdraw", {}))
    assert date(2026, 12, 12) in room.days()
    room.sound()


def test_a_substitute_has_the_meeting_in_their_week_and_reads_the_roster(room: Room, clock: Clock) -> None:
    stand_in = add_people(room.database, room.cast, "A", 1, kind="teacher")[0]
    other = api(room.app, stand_in)
    refused(other.get(room.taught.seats), 403, "forbidden")
    room.approve(kind="substitute", **OF, substitute=stand_in.number, reason="病假")
    ok(other.get(room.taught.seats))
    assert room.told()["adjustment.approved", stand_in.id] == 1
    room.change(
        NewDays("holiday", "校庆", WEDNESDAY, WEDNESDAY),
        NewDays("swapped", "补课", date(2026, 12, 12), date(2026, 12, 12), takes=WEDNESDAY),
    )
    slots = ok(other.get("/me/timetable?starts=2026-12-01T00:00:00Z&ends=2026-12-30T00:00:00Z"))["items"]
    assert [each["starts"][:10] for each in slots] == ["2026-12-12"] and "（代课）" in slots[0]["title_zh"]
    with room.database.read() as session:
        assert [(each.person_id, each.periods) for each in queries.stood_in(session, [room.taught.offering_id])] == [
            (stand_in.id, 2)
        ]
    assert "（代课）" in str(room.feed()[room.uid]["summary"])
    mine = ok(room.teacher.get("/me/timetable?starts=2026-12-01T00:00:00Z&ends=2026-12-30T00:00:00Z"))["items"]
    assert [each["starts"][:10] for each in mine] == ["2026-12-09", "2026-12-16", "2026-12-23"]
    clock.set(NOW + timedelta(days=40))
    refused(other.get(room.taught.seats), 403, "forbidden")
    room.sound()


def test_a_move_may_bring_another_teacher_who_is_free_again_when_it_is_taken_back(sqlite_room: Room) -> None:
    room = sqlite_room
    colleague = add_people(room.database, room.cast, "A", 1, kind="teacher")[0]
    other = api(room.app, colleague)

    def week() -> list[str]:
        slots = ok(other.get("/me/timetable?starts=2026-12-01T00:00:00Z&ends=2026-12-30T00:00:00Z"))["items"]
        return [each["starts"][:10] for each in slots]

    id_ = room.approve(**MOVE, substitute_id=colleague.id)
    assert week() == [SUNDAY.isoformat()]
    with room.database.read() as session:
        holding = changes_of.PEOPLE.holdings
        assert holding is not None
        held = holding(session, colleague.id, room.cast.schools["A"], NOW)
        assert [each.url for each in held] == [f"/adjustments/{id_}"]
    busy_then = {**MOVE, "kind": "substitute", "week": 14, "substitute_id": colleague.id}
    assert ok(room.teacher.post(f"{room.path}/preview", _without_reason(busy_then)))["teacher_clashes"] == 0
    ok(room.registrar.post(f"/adjustments/{id_}/withdraw", {}))
    assert week() == [] and WEDNESDAY in room.days()
    room.sound()


def _without_reason(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "reason"}


def test_who_enrols_later_finds_the_new_times_and_who_read_the_old_ones_is_told(room: Room) -> None:
    sunday = {"weekday": 7, "first_period": 3, "last_period": 4, "weeks": "13"}
    elsewhere = teach(room.app, room.cast, "C", code="SUN", meeting=sunday)
    late = api(room.app, add_people(room.database, room.cast, "B", 1)[0])
    ok(late.post(elsewhere.seats, {}), 201)
    assert ok(late.get(f"{room.taught.offering}/eligibility"))["allowed"]
    before = editions(room)
    room.approve(**MOVE)
    assert [each - was for each, was in zip(editions(room), before, strict=True)] == [1]
    refused(late.post(room.taught.seats, {}), 409, "time_clash")


def editions(room: Room) -> list[int]:
    """What a request for a seat is held against, so that nobody takes one under times that they have not read."""
    with room.database.read() as session:
        return [pool.edition for pool in session.get_one(Offering, room.taught.offering_id).pools]


def test_a_class_keeps_what_was_decided_when_its_times_are_edited(room: Room) -> None:
    empty = teach(room.app, room.cast, code="E2", meeting={"weekday": 4, "first_period": 1, "last_period": 2, "weeks": "1-16"})  # fmt: skip
    asked = ok(room.teacher.post(f"{empty.offering}/adjustments", {**CANCEL, "weekday": 4}), 201)["id"]
    ok(room.registrar.post(f"/adjustments/{asked}/approve", {}))
    etag = room.teacher.get(empty.offering).headers["ETag"]

    def meets(weeks: str, period: int = 1) -> Any:
        meeting = {"weekday": 4, "first_period": period, "last_period": period + 1, "weeks": weeks}
        return room.teacher.patch(empty.offering, {"meetings": [meeting]}, headers={"If-Match": etag})

    refused(meets("14-16"), 409, "meeting_adjusted")
    refused(meets("1-16", 3), 409, "meeting_adjusted")
    ok(meets("12-14"))
    o = Occurrence
    with room.database.read() as session:
        rows = session.execute(sa.select(o.week, o.state).where(o.resource_id == empty.offering_id).order_by(o.week))
        assert [tuple(row) for row in rows] == [(12, "active"), (13, "cancelled"), (14, "active")]
    room.sound()


def test_a_moved_exam_is_the_same_event_in_feeds(room: Room) -> None:
    def sit(day: int, hour: int) -> None:
        at = at_shanghai(date(2027, 1, day), hour)
        exam = {
            "kind": "exam",
            "starts": at.isoformat(),
            "ends": (at + timedelta(hours=2)).isoformat(),
            "place": "考场一",
        }
        etag = room.teacher.get(room.taught.offering).headers["ETag"]
        ok(room.teacher.patch(room.taught.offering, {"dates": [exam]}, headers={"If-Match": etag}))

    sit(6, 8)
    before = {uid: event for uid, event in room.feed().items() if uid.startswith("exam-")}
    sit(15, 14)
    after = {uid: event for uid, event in room.feed().items() if uid.startswith("exam-")}
    assert before.keys() == after.keys() and len(after) == 1
    (was,), (now,) = before.values(), after.values()
    assert now["sequence"] == was["sequence"] + 1 and local(now["dtstart"].dt).day == 15


# --- what is refused --------------------------------------------------------------------------------------------


def test_what_cannot_be_asked_is_named(sqlite_room: Room) -> None:
    room, post = sqlite_room, sqlite_room.teacher.post

    def bad(code: str, field: str, **body: Any) -> None:
        found = refused(post(room.path, {"reason": "x", **body}), 422, "invalid")["errors"]
        assert [(each["field"], each["code"]) for each in found] == [(field, code)]

    bad("required", "week", kind="cancel", weekday=3, period=1)
    bad("required", "date", kind="make_up")
    bad("no_such_period", "last_period", **{**MOVE, "last_period": 25})
    bad("ends_before_start", "last_period", **{**MOVE, "first_period": 4, "last_period": 3})
    bad("adjusted_into_past", "date", **{**MOVE, "date": "2026-11-20"})
    bad("adjusted_outside_term", "date", **{**MOVE, "date": "2027-03-01"})
    bad("adjusted_nowhere", "date", **{**MOVE, "date": "2026-12-02", "first_period": 1, "last_period": 2})
    bad("not_a_teacher_here", "substitute", kind="substitute", **OF, substitute="B002")
    bad("not_a_teacher_here", "substitute", kind="substitute", **OF, substitute_id=room.cast.who("B", "teacher").id)
    bad("teaches_already", "substitute", kind="substitute", **OF, substitute_id=room.cast.who("A", "teacher").id)
    for code, body in (
        ("no_such_meeting", {**CANCEL, "week": 17}),
        ("no_such_meeting", {**CANCEL, "weekday": 4}),
        ("meeting_over", {**CANCEL, "week": 12}),
        ("meeting_is_held", {**MOVE, "kind": "make_up"}),
        ("own_meeting_then", {**MOVE, "date": "2026-12-09", "first_period": 2, "last_period": 3}),
    ):
        refused(post(room.path, body), 409, code)
    draft = ok(post(f"{room.taught.course}/offerings", offering_body(code="09")), 201)["id"]
    refused(post(f"/offerings/{draft}/adjustments", CANCEL), 409, "adjustment_closed")
    id_ = room.ask(**CANCEL)
    refused(post(room.path, MOVE), 409, "already_adjusted")
    ok(post(f"/adjustments/{id_}/withdraw", {}))
    refused(post(f"/adjustments/{id_}/withdraw", {}), 409, "adjustment_decided")
    room.approve(**MOVE)
    refused(post(f"/adjustments/{id_ + 1}/withdraw", {}), 409, "adjustment_stands")


def test_a_school_may_limit_how_often(sqlite_room: Room) -> None:
    room = sqlite_room
    with room.database.write() as session:
        admin = load_actor(session, session.get_one(Person, room.cast.who("A", "school_admin").id), NOW)
        decide(session, admin, PolicyPlace(school_id=room.cast.schools["A"]), "adjustment.cap", 1)
    id_ = room.approve(**CANCEL)
    refused(room.teacher.post(room.path, {**CANCEL, "week": 14}), 409, "adjustments_used_up")
    room.ask(**{**MOVE, "kind": "make_up"})  # makes up for it: does not count
    assert id_


def test_who_may_do_what(sqlite_room: Room) -> None:
    room, cast = sqlite_room, sqlite_room.cast
    refused(room.student.post(room.path, CANCEL), 403, "forbidden")
    refused(api(room.app, cast.who("D", "teacher")).post(room.path, CANCEL), 404, "not_found")
    id_ = room.ask(**CANCEL)
    refused(room.student.get(f"/adjustments/{id_}"), 404, "not_found")
    refused(room.student.post(f"/adjustments/{id_}/approve", {}), 404, "not_found")
    refused(room.teacher.post(f"/adjustments/{id_}/approve", {}), 403, "forbidden")
    refused(room.registrar.post(f"/adjustments/{id_}/withdraw", {}), 409, "adjustment_waits")
    for school in ("B", "D"):
        refused(api(room.app, cast.who(school, "registrar")).post(f"/adjustments/{id_}/approve", {}), 404, "not_found")
    assert ok(room.student.get(room.path))["items"] == []
    errors = refused(room.registrar.post(f"/adjustments/{id_}/deny", {}), 422, "invalid")["errors"]
    assert errors[0]["field"] == "reason"
    assert ok(room.registrar.post(f"/adjustments/{id_}/deny", {"reason": "请另找人监考"}))["state"] == "denied"
    assert room.told()["adjustment.denied", cast.who("A", "teacher").id] == 1
    again = room.approve(**CANCEL)
    shown = ok(room.student.get(f"/adjustments/{again}"))
    assert shown["text"] and shown["reason"] == "" and shown["asked_by"] is None and shown["clashes"] is None
    refused(room.student.post(f"/adjustments/{again}/withdraw", {}), 403, "forbidden")
    refused(room.student.get("/adjustments"), 403, "forbidden")
    assert [each["id"] for each in ok(room.registrar.get("/adjustments?state=approved"))["items"]] == [again]
    assert ok(api(room.app, cast.who("B", "registrar")).get("/adjustments"))["items"] == []


# --- whom it meets ----------------------------------------------------------------------------------------------


def test_the_registrar_sees_whom_it_meets_and_the_teacher_how_many(room: Room) -> None:
    cast, database = room.cast, room.database
    free, tied = add_people(database, cast, "B", 1)[0], add_people(database, cast, "C", 1)[0]
    for each in (free, tied):
        ok(api(room.app, each).post(room.taught.seats, {}), 201)
    sunday = {"weekday": 7, "first_period": 4, "last_period": 5, "weeks": "13"}
    elsewhere = teach(room.app, cast, "B", code="SUN", title_zh="书法", meeting=sunday)
    ok(api(room.app, tied).post(elsewhere.seats, {}), 201)
    own = {"title": "家教", "day": SUNDAY, "starts": 10 * 60, "ends": 11 * 60}
    with database.write() as session:
        busy.add(session, room.actor("B", "student"), own)
    seen = ok(room.teacher.post(f"{room.path}/preview", _without_reason(MOVE)))
    assert (seen["students"], seen["student_clashes"], seen["teacher_clashes"], seen["room_taken"]) == (3, 2, 0, False)
    assert seen["allowed"] and len(seen["free"]) == 6 and {each["students"] for each in seen["free"]} == {0}
    id_ = room.ask(**MOVE)
    assert ok(room.teacher.get(f"/adjustments/{id_}"))["clashes"]["against"] == []
    found = ok(room.registrar.get(f"/adjustments/{id_}"))["clashes"]
    said = {(each["name"], each["school"], each["title"]) for each in found["against"]}
    assert found["student_clashes"] == 2
    assert said == {("B student", cast.name_of("B"), ""), (name_of(room, tied.id), cast.name_of("C"), "书法")}
    page = browser(room, "A", "registrar").get(f"/adjustments/{id_}").text
    assert "个人安排" in page and "「书法」" in page and "家教" not in page


def name_of(room: Room, person_id: int) -> str:
    with room.database.read() as session:
        return session.get_one(Person, person_id).name


def browser(room: Room, school: str, role: str) -> FlaskClient:
    client = room.app.test_client()
    browser_session(client, room.cast.who(school, role))
    return client


def test_a_room_that_is_taken_is_refused_and_nothing_is_kept(room: Room) -> None:
    database, school = room.database, room.cast.schools["A"]
    at = at_shanghai(SUNDAY, 11)
    with database.write() as session:
        place = Place(school_id=school, kind="room", name="教一101")
        entry = TimetableEntry(school_id=school, term_id=room.cast.terms["A"], course="排练", times="星期日第4节{13周}")
        session.add_all([place, entry])
        session.flush()
        taken = Meeting(at, at + timedelta(minutes=45), 13, 7, 4)
        session.add(occurrence(("room", place.id), ("timetable", entry.id), taken))
        audit(session, None, "test.room", Subject("school", school), now=NOW)
    wanted = {**MOVE, "place": "教一101"}
    assert ok(room.teacher.post(f"{room.path}/preview", _without_reason(wanted)))["room_taken"]
    id_ = room.ask(**wanted)
    refused(room.registrar.post(f"/adjustments/{id_}/approve", {}), 409, "time_taken")
    assert WEDNESDAY in room.days() and ok(room.registrar.get(f"/adjustments/{id_}"))["state"] == "asked"
    ok(room.registrar.post(f"/adjustments/{id_}/deny", {"reason": "教室已占用"}))
    free = room.approve(**{**wanted, "first_period": 5, "last_period": 6})
    with database.read() as session:
        rows = session.scalars(sa.select(Occurrence).where(Occurrence.source_type == "adjustment"))
        assert [(row.resource_type, row.exclusive, row.source_id) for row in rows] == [("room", True, free)]
    event = room.feed()[room.uid]
    assert event["location"] == "教一101"


def occurrence(resource: tuple[str, int], source: tuple[str, int], meeting: Meeting) -> Occurrence:
    return Occurrence(
        resource_type=resource[0], resource_id=resource[1], source_type=source[0], source_id=source[1],
        starts=meeting.starts, ends=meeting.ends, week=meeting.week, weekday=meeting.weekday, period=meeting.period,
        exclusive=True,
    )  # fmt: skip


def test_looking_takes_as_many_statements_for_many_students_as_for_few(room: Room) -> None:
    def look() -> list[str]:
        with room.database.read() as session, statements(room.database) as seen:
            offering = session.get_one(Offering, room.taught.offering_id)
            at = at_shanghai(SUNDAY, 10)
            asked = Draft("move", (13, 3, 1), (at, at + timedelta(hours=2)), 3, 4)
            found = clashes.look(session, offering, asked, NOW, free=True)
            assert found.students == students
        return seen

    students = 1
    few = look()
    for each in add_people(room.database, room.cast, "B", 8):
        ok(api(room.app, each).post(room.taught.seats, {}), 201)
        students += 1
    assert len(look()) == len(few)


# --- at once ----------------------------------------------------------------------------------------------------


def rush(fresh: Fresh, room: Room, jobs: int, job: Any) -> Counter[str]:
    """The same in so many threads, each with a connection of its own; how each ended."""
    barrier = Barrier(jobs)

    def one(_number: int) -> str:
        database = Database(fresh.url, pool_size=1)
        try:
            barrier.wait(60)
            with database.write() as session:
                job(session)
            return "done"
        except Refused as refusal:
            return refusal.code
        finally:
            database.dispose()

    with ThreadPoolExecutor(jobs) as pool:
        return Counter(pool.map(one, range(jobs)))


def test_approving_at_once_approves_once(fresh: Fresh, room: Room) -> None:
    id_, registrar = room.ask(**MOVE), room.actor("A", "registrar")
    ends = rush(fresh, room, 4, lambda session: services.approve(session, registrar, id_))
    assert ends == {"done": 1, "adjustment_decided": 3}
    assert room.days().count(SUNDAY) == 1 and room.feed()[room.uid]["sequence"] == 1
    room.sound()


def test_of_one_meeting_one_thing_is_asked(fresh: Fresh, room: Room) -> None:
    teacher, offering = room.actor("A", "teacher"), room.taught.offering_id
    data = {**CANCEL, "place": "", "substitute": ""}
    ends = rush(fresh, room, 4, lambda session: services.ask(session, teacher, offering, data))
    assert ends == {"done": 1, "already_adjusted": 3}
    with room.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Adjustment)) == 1


# --- when the class is called off -------------------------------------------------------------------------------


def taking(room: Room) -> set[tuple[str, str]]:
    """(resource, state) of everything in the book that is there for an adjustment."""
    o = Occurrence
    with room.database.read() as session:
        rows = session.execute(sa.select(o.resource_type, o.state).where(o.source_type == "adjustment"))
        return {(resource, state) for resource, state in rows}


def test_what_was_adjusted_ends_with_its_class_and_does_not_come_back(room: Room) -> None:
    with room.database.write() as session:
        session.add(Place(school_id=room.cast.schools["A"], kind="room", name="教一101"))
        audit(session, None, "test.place", Subject("place", 1), now=NOW)
    (colleague,) = add_people(room.database, room.cast, "A", 1, kind="teacher")
    stood_in = room.approve(kind="substitute", **OF, substitute_id=colleague.id, reason="出差")
    made_up = {"date": SUNDAY.isoformat(), "first_period": 3, "last_period": 4, "place": "教一101", "reason": "补"}
    room.approve(kind="make_up", **made_up, substitute_id=colleague.id)
    moved = room.approve(**{**MOVE, "week": 14, "date": "2026-12-13"})
    assert taking(room) == {("adjustment", "active"), ("room", "active"), ("offering", "active")}
    ok(room.registrar.post(f"{room.taught.offering}/cancel", {"reason": "人数不足"}))
    off = {("adjustment", "cancelled"), ("room", "cancelled"), ("offering", "cancelled")}
    assert taking(room) == off and all(day <= NOW.date() for day in room.days())
    assert {str(each.get("status")) for each in room.feed_of(colleague.id).values()} == {"CANCELLED"}
    for id_ in (stood_in, moved):
        refused(room.registrar.post(f"/adjustments/{id_}/withdraw", {}), 409, "adjustment_of_ended_class")
    room.change(NewDays("swapped", "补课", date(2026, 12, 12), date(2026, 12, 12), takes=WEDNESDAY))
    assert taking(room) == off
    room.sound()
    another = teach(room.app, room.cast, code="R2", meeting={"weekday": 4, "first_period": 1, "last_period": 2, "weeks": "1-16"})  # fmt: skip
    asked = ok(room.teacher.post(f"{another.offering}/adjustments", {"kind": "make_up", **made_up}), 201)["id"]
    ok(room.registrar.post(f"/adjustments/{asked}/approve", {}))  # the room is free


def test_calling_off_and_approving_at_once_leave_nothing_ahead(fresh: Fresh, room: Room) -> None:
    id_, registrar = room.ask(**MOVE), room.actor("A", "registrar")
    jobs = [
        lambda session: services.approve(session, registrar, id_),
        lambda session: minimum.cancel(session, registrar, room.taught.offering_id, "人数不足"),
    ]

    def one(session: Session) -> None:
        jobs.pop()(session)

    ends = rush(fresh, room, 2, one)
    assert ends["done"] >= 1 and set(ends) <= {"done", "adjustment_closed"}
    assert all(day <= NOW.date() for day in room.days())
    room.sound()


# --- pages ------------------------------------------------------------------------------------------------------


def test_from_the_list_of_meetings_to_the_students_page(sqlite_room: Room) -> None:
    room = sqlite_room
    teacher, registrar = browser(room, "A", "teacher"), browser(room, "A", "registrar")
    student = browser(room, "B", "student")
    assert f'href="{room.path}"' in teacher.get(f"{room.taught.offering}/roster").text
    page = teacher.get(room.path).text
    link = f"{room.path}/new?kind=move&amp;week=13&amp;weekday=3&amp;period=1"
    assert link in page and "week=11&" not in page  # what is over has nothing to ask
    assert "12-02" in teacher.get(link.replace("&amp;", "&")).text
    values = {key: str(value) for key, value in MOVE.items()} | {"place": "", "substitute": ""}
    seen = post_form(teacher, f"{room.path}/new", {**values, "do": "preview"})
    assert seen.status_code == 200 and "1 人都能来" in seen.text and "换成这个时间" in seen.text
    wrong = post_form(teacher, f"{room.path}/new", {**values, "date": "2026-11-01"})
    assert wrong.status_code == 422 and "须在现在以后" in wrong.text
    made = post_form(teacher, f"{room.path}/new", values)
    assert made.status_code == 302
    todo = registrar.get("/").text
    assert "调停课等待审批" in todo
    assert made.headers["Location"] in registrar.get("/adjustments").text
    detail = registrar.get(made.headers["Location"]).text
    assert "没有冲突" in detail and "会议" in detail
    assert student.get(made.headers["Location"]).status_code == 404
    assert post_form(registrar, f"{made.headers['Location']}/deny", {}).status_code == 422
    assert post_form(registrar, f"{made.headers['Location']}/approve", {"note": ""}).status_code == 302
    shown = student.get(room.taught.offering).text
    assert "第 13 周周三" in shown and "12-06 10:00" in shown and "会议" not in shown
    assert "（调课）" in student.get("/me/timetable?day=2026-12-06").text
    assert student.get(room.path).status_code == 403
    taken = registrar.get("/adjustments?state=approved").text
    assert made.headers["Location"] in taken
    assert post_form(registrar, f"{made.headers['Location']}/withdraw", {"reason": ""}).status_code == 302
    assert "调停课" not in student.get(room.taught.offering).text
    off = {**{key: values[key] for key in ("week", "weekday", "period", "reason")}, "kind": "cancel"}
    made = post_form(teacher, f"{room.path}/new", off)
    assert "1 所学校的 1 名学生少上这次课" in registrar.get(made.headers["Location"]).text
