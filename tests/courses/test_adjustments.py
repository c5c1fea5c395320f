"""调停课 over the API and on pages: what was approved stands in the book, in feeds and rosters, whatever the calendar does."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from icalendar import Calendar as ICalendar
from support.cast import NOW, Cast
from support.databases import Fresh
from support.http import Api, api, browser_session, post_form
from support.teaching import Taught, add_people, drain, offering_body, ok, refused, statements, teach

from courses.adjustments import clashes, queries, services
from courses.adjustments.checks import adjustments_stand_in_the_book
from courses.adjustments.facts import Draft
from courses.adjustments.models import Adjustment
from courses.catalogue.models import Offering
from courses.catalogue.timing import book_follows_calendar
from courses.enrolment import enrolling
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
            assert adjustments_stand_in_the_book(session) == [] and book_follows_calendar(session) == []

    def feed(self, school: str = "B", role: str = "student") -> dict[str, Any]:
        """UID → the event of the meeting."""
        who = self.actor(school, role)
        with self.database.read() as session:
            span = NOW - timedelta(days=200), NOW + timedelta(days=200)
            found = feeds.entries(session, who, HOOKS, *span, cancelled=True)
            body = feeds.ics(found, "x", "https://zutuan.example", english=False)
        return {str(event["uid"]): event for event in ICalendar.from_ical(body).walk("VEVENT")}

    def told(self, *kinds: str) -> Counter[tuple[str, int]]:
        drain(self.database)
        with self.database.read() as session:
            rows = session.execute(sa.select(Notice.kind, Notice.person_id).where(Notice.kind.startswith("adjustment.")))
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
        assert [(each.person_id, each.periods) for each in queries.stood_in(session, room.taught.offering_id)] == [
            (stand_in.id, 2)
        ]
    assert "（代课）" in str(room.feed()[room.uid]["summary"])
    clock.set(NOW + timedelta(days=40))
    refused(other.get(room.taught.seats), 403, "forbidden")
    room.sound()


def test_who_enrols_later_reads_the_new_times_and_who_read_the_old_ones_is_told(room: Room) -> None:
    elsewhere = teach(room.app, room.cast, "C", code="SUN", meeting={"weekday": 7, "first_period": 3, "last_period": 4, "weeks": "13"})  # fmt: skip
    late = add_people(room.database, room.cast, "B", 2)
    students = [load(room, each.id) for each in late]
    with room.database.write() as session, room.database.read() as reading:
        seen = enrolling._see(reading, students[0], room.taught.offering_id)
        assert seen
        room.approve(**MOVE) if room.database.dialect == "postgresql" else None
        del session
    if room.database.dialect != "postgresql":
        room.approve(**MOVE)
    ok(api(room.app, late[1]).post(elsewhere.seats, {}), 201)
    refused(api(room.app, late[1]).post(room.taught.seats, {}), 409, "time_clash")


def load(room: Room, person_id: int) -> Actor:
    with room.database.read() as session:
        return load_actor(session, session.get_one(Person, person_id), NOW)
