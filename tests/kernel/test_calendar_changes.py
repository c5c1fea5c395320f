"""A changed calendar moves what lies ahead, says so before, and tells the right people once."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from support.cast import NOW, Cast
from support.databases import Fresh
from support.http import api
from support.teaching import add_people, drain, ok, teach

from zutuan.app import FEATURES
from zutuan.calendar import calendars, changes, editing
from zutuan.calendar.editing import NewDays
from zutuan.calendar.effects import Effects
from zutuan.calendar.models import Occurrence, Term
from zutuan.calendar.sources import hooks_of
from zutuan.clock import local
from zutuan.db import Database
from zutuan.errors import Forbidden, Invalid, Refused
from zutuan.notices.models import Notice
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import AuditEvent

HOOKS = hooks_of(FEATURES)
# The cast's now is Wednesday 2026-11-25 10:00, week 12; classes of the cast meet on Wednesdays, periods 1-2, weeks 1-16.
HOLIDAY = NewDays("holiday", "校庆", date(2026, 12, 2), date(2026, 12, 2))
MAKE_UP = NewDays("swapped", "校庆补课", date(2026, 12, 5), date(2026, 12, 5), takes=date(2026, 12, 2))


def actor(database: Database, cast: Cast, school: str = "A", role: str = "registrar") -> Actor:
    with database.read() as session:
        return load_actor(session, session.get_one(Person, cast.who(school, role).id), NOW)


def change(database: Database, cast: Cast, *new: NewDays, school: str = "A", **kw: Any) -> Effects:
    who = actor(database, cast, school)
    with database.write() as session:
        wanted = editing.add_days(session, cast.schools[school], new)
        return changes.apply(session, who, wanted, HOOKS, NOW, **kw)


def notices(database: Database) -> Counter[int]:
    drain(database)
    with database.read() as session:
        rows = session.scalars(sa.select(Notice.person_id).where(Notice.kind == changes.KIND))
        return Counter(rows)


def days(database: Database, offering_id: int, state: str = "active") -> list[date]:
    query = sa.select(Occurrence.starts).where(Occurrence.source_id == offering_id, Occurrence.state == state)
    with database.read() as session:
        return sorted(local(each).date() for each in session.scalars(query))


def test_a_holiday_with_make_up_moves_one_meeting_and_tells_each_once(
    app: Flask, database: Database, cast: Cast
) -> None:
    taught = teach(app, cast)
    ok(api(app, cast.who("B", "student")).post(taught.seats, {}), 201)
    other = teach(app, cast, "D", code="OTHER")
    effects = change(database, cast, HOLIDAY, MAKE_UP)
    assert [
        (local(m.before.starts).date(), local(m.after.starts).date()) for m in effects.moves if m.before and m.after
    ] == [(date(2026, 12, 2), date(2026, 12, 5))]
    assert date(2026, 12, 5) in days(database, taught.offering_id) and date(2026, 12, 2) not in days(
        database, taught.offering_id
    )
    assert date(2026, 12, 2) in days(database, other.offering_id)
    assert notices(database) == {cast.who("A", "teacher").id: 1, cast.who("B", "student").id: 1}
    again = change(database, cast, HOLIDAY, MAKE_UP)
    assert again.moves == [] and notices(database) == {cast.who("A", "teacher").id: 1, cast.who("B", "student").id: 1}


def test_what_has_begun_stays(app: Flask, database: Database, cast: Cast) -> None:
    taught = teach(app, cast)
    before = days(database, taught.offering_id)
    effects = change(database, cast, NewDays("holiday", "追记", date(2026, 10, 1), date(2026, 11, 25)))
    assert effects.moves == [] and days(database, taught.offering_id) == before
    lost = change(database, cast, HOLIDAY)
    assert [each.reason for each in lost.lost] == ["holiday"] and len(days(database, taught.offering_id)) == 15
    assert days(database, taught.offering_id, "cancelled") == [date(2026, 12, 2)]
    who = actor(database, cast)
    with database.write() as session:
        special = session.scalars(
            sa.select(editing.SpecialDay).where(editing.SpecialDay.day == date(2026, 12, 2))
        ).one()
        back = changes.apply(session, who, editing.remove_days(session, cast.schools["A"], [special.id]), HOOKS, NOW)
    assert len(back.added) == 1 and len(days(database, taught.offering_id)) == 16


def test_a_preview_writes_nothing_and_says_what_clashes(app: Flask, database: Database, cast: Cast) -> None:
    """The student of B has a Wednesday class at A and a Saturday-evening… no: Saturday class at C, at the same hour."""
    wednesday = teach(app, cast)
    teacher = api(app, cast.who("C", "teacher"))
    saturday = teach(app, cast, "C", code="SAT")
    meeting = {"weekday": 6, "first_period": 2, "last_period": 3, "weeks": "13"}
    etag = teacher.get(saturday.offering).headers["ETag"]
    ok(teacher.patch(saturday.offering, {"meetings": [meeting]}, headers={"If-Match": etag}))
    for taught in (wednesday, saturday):
        ok(api(app, cast.who("B", "student")).post(taught.seats, {}), 201)
    with database.write() as session:
        wanted = editing.add_days(session, cast.schools["A"], [HOLIDAY, MAKE_UP])
        effects = changes.preview(session, actor(database, cast), wanted, HOOKS, NOW)
        session.rollback()
    assert [(clash.other[1], clash.people) for clash in effects.clashes] == [(saturday.offering_id, 1)]
    assert effects.told == {cast.who("A", "teacher").id, cast.who("B", "student").id}
    assert {each.title_zh for each in effects.names.values()} == {"教育心理学"}
    assert date(2026, 12, 2) in days(database, wednesday.offering_id) and notices(database) == {}


def test_two_registrars_do_not_interleave(fresh: Fresh, app: Flask, database: Database, cast: Cast) -> None:
    teach(app, cast)
    with database.read() as session:
        seen = calendars.edition(session, cast.schools["A"])
    barrier, databases = Barrier(4), [Database(fresh.url) for _ in range(4)]

    def one(index: int) -> str:
        barrier.wait(30)
        try:
            change(
                databases[index],
                cast,
                NewDays("holiday", "", date(2026, 12, 7 + index), date(2026, 12, 7 + index)),
                seen=seen,
            )
        except Refused as refusal:
            return refusal.code
        return "done"

    with ThreadPoolExecutor(4) as pool:
        ends = Counter(pool.map(one, range(4)))
    for each in databases:
        each.dispose()
    assert ends == {"done": 1, "calendar_changed": 3}


def test_classes_made_while_the_calendar_changes_follow_it(
    fresh: Fresh, app: Flask, database: Database, cast: Cast
) -> None:
    """Teachers add classes while registrars enter holidays: whoever comes first, the book is the calendar's in the end."""
    from courses.catalogue import services as catalogue
    from courses.catalogue.models import Course
    from courses.catalogue.timing import book_follows_calendar

    taught = teach(app, cast)
    teacher, databases, barrier = (
        actor(database, cast, "A", "teacher"),
        [Database(fresh.url) for _ in range(8)],
        Barrier(8),
    )
    admin = actor(database, cast, "A", "platform_admin")

    def make(index: int) -> None:
        meeting = {"weekday": 1 + index % 5, "first_period": 1, "last_period": 2, "weeks": "1-16"}
        data = {
            "code": f"X{index}",
            "seats": 5,
            "enrol_from": NOW,
            "enrol_until": NOW + timedelta(days=5),
            "room": "",
            "online_url": "",
            "note": "",
            "meetings": [meeting],
        }
        with databases[index].write() as session:
            catalogue.create_offering(session, teacher, session.get_one(Course, taught.course_id), data)

    def enter(index: int) -> None:
        day = date(2026, 12, 7) + timedelta(days=index)
        if index % 2:
            change(databases[index], cast, NewDays("holiday", "", day, day))
            return
        with databases[index].write() as session:
            changes.apply(session, admin, editing.add_days(session, 0, [NewDays("holiday", "", day, day)]), HOOKS, NOW)

    def one(index: int) -> None:
        barrier.wait(30)
        (make if index < 4 else enter)(index)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(8)))
    for each in databases:
        each.dispose()
    with database.read() as session:
        assert book_follows_calendar(session) == []


def test_an_inherited_holiday_reaches_every_school_but_who_overrides(
    app: Flask, database: Database, cast: Cast
) -> None:
    here, there = teach(app, cast), teach(app, cast, "D", code="OTHER")
    change(database, cast, NewDays("normal", "照常上课", date(2026, 12, 2), date(2026, 12, 2)), school="D")
    admin = actor(database, cast, "A", "platform_admin")
    with database.write() as session:
        effects = changes.apply(session, admin, editing.add_days(session, 0, [HOLIDAY]), HOOKS, NOW)
    assert {each.source[1] for each in effects.lost} == {here.offering_id}
    assert date(2026, 12, 2) in days(database, there.offering_id)
    with pytest.raises(Invalid) as error:
        change(database, cast, NewDays("swapped", "", date(2026, 12, 2), date(2026, 12, 2), takes=date(2026, 12, 1)))
    assert [(each.field, each.code) for each in error.value.errors] == [("first", "swap_onto_holiday")]


@pytest.mark.parametrize("role", ["teacher", "student", "secretary", "cluster_admin", "platform_admin", "room_manager"])
def test_others_change_no_calendar(database: Database, cast: Cast, role: str) -> None:
    who = actor(database, cast, "A", role)
    with pytest.raises(Forbidden), database.write() as session:
        changes.apply(session, who, editing.add_days(session, cast.schools["A"], [HOLIDAY]), HOOKS, NOW)
    stranger = actor(database, cast, "B", "registrar")
    with pytest.raises(Forbidden), database.write() as session:
        changes.apply(session, stranger, editing.add_days(session, cast.schools["A"], [HOLIDAY]), HOOKS, NOW)


def test_a_term_that_begins_later_moves_its_meetings_and_a_shorter_one_loses_some(
    app: Flask, database: Database, cast: Cast
) -> None:
    taught = teach(app, cast)
    who = actor(database, cast)
    data = {"academic_year": "2026-2027", "number": 1, "first_day": date(2026, 9, 14), "weeks": 14, "starts": []}
    with database.write() as session:
        term = session.get_one(Term, cast.terms["A"])
        effects = changes.apply(session, who, editing.save_term(session, cast.schools["A"], data, term), HOOKS, NOW)
    # weeks 13 and 14 move by a week; 15 and 16 are no longer of the term; what has been held stays
    assert [(m.before.week, local(m.after.starts).date()) for m in effects.moved if m.before and m.after] == [
        (13, date(2026, 12, 9)), (14, date(2026, 12, 16))
    ]  # fmt: skip
    assert [(m.before.week, m.reason) for m in effects.lost if m.before] == [(15, "outside"), (16, "outside")]
    assert len(days(database, taught.offering_id)) == 14
    with database.read() as session:
        assert (
            session.scalar(sa.select(sa.func.count()).select_from(AuditEvent).where(AuditEvent.action == "term.edit"))
            == 1
        )


def test_an_offering_for_freshmen_keeps_their_weeks(app: Flask, database: Database, cast: Cast) -> None:
    from courses.catalogue.timing import book_follows_calendar

    taught, teacher, here = teach(app, cast), api(app, cast.who("A", "teacher")), cast.schools["A"]
    etag = teacher.get(taught.offering).headers["ETag"]
    unknown = teacher.patch(taught.offering, {"grade": "2026"}, headers={"If-Match": etag})
    assert unknown.status_code == 422 and unknown.json["errors"][0]["code"] == "no_such_grade"
    start = {"grade": "2026", "first_day": date(2026, 9, 21), "weeks": 16}
    data = {"academic_year": "2026-2027", "number": 1, "first_day": date(2026, 9, 7), "weeks": 18, "starts": [start]}
    with database.write() as session:
        term = session.get_one(Term, cast.terms["A"])
        changes.apply(session, actor(database, cast), editing.save_term(session, here, data, term), HOOKS, NOW)
    etag = teacher.get(taught.offering).headers["ETag"]
    ok(teacher.patch(taught.offering, {"grade": "2026"}, headers={"If-Match": etag}))
    assert days(database, taught.offering_id)[0] == date(2026, 9, 23)
    with database.write() as session:
        assert book_follows_calendar(session) == []
        session.execute(
            sa.update(Occurrence)
            .where(Occurrence.week == 15)
            .values(starts=Occurrence.ends, ends=NOW + timedelta(days=90))
        )
        assert len(book_follows_calendar(session)) == 1
        session.rollback()
    data["starts"] = [{**start, "first_day": date(2026, 9, 28), "weeks": 15}]
    with database.write() as session:
        term = session.get_one(Term, cast.terms["A"])
        effects = changes.apply(
            session, actor(database, cast), editing.save_term(session, here, data, term), HOOKS, NOW
        )
    assert [m.before.week for m in effects.lost if m.before] == [16] and effects.moved


BAD_TERMS = [
    ({"first_day": date(2026, 9, 8)}, "first_day", "term_not_monday"),
    ({"academic_year": "2026-2028"}, "academic_year", "bad_academic_year"),
    ({"number": 1, "first_day": date(2027, 2, 22)}, "number", "term_taken"),
    ({"first_day": date(2027, 1, 4)}, "first_day", "terms_overlap"),
    ({"first_day": date(2029, 1, 1)}, "first_day", "term_not_in_year"),
    (
        {"starts": [{"grade": "2026", "first_day": date(2026, 12, 28), "weeks": 3}]},
        "starts.0.first_day",
        "terms_overlap",
    ),
]


@pytest.mark.parametrize(("spoil", "field", "code"), BAD_TERMS)
def test_a_bad_term_is_told_which_field(
    database: Database, cast: Cast, spoil: dict[str, Any], field: str, code: str
) -> None:
    good = {"academic_year": "2026-2027", "number": 2, "first_day": date(2027, 2, 22), "weeks": 18, "starts": []}
    with pytest.raises(Invalid) as error, database.write() as session:
        changes.apply(
            session, actor(database, cast), editing.save_term(session, cast.schools["A"], {**good, **spoil}), HOOKS, NOW
        )
    assert (field, code) in [(each.field, each.code) for each in error.value.errors]


def test_four_thousand_meetings_move_in_seconds(app: Flask, database: Database, cast: Cast) -> None:
    """250 offerings with 16 meetings each, 40 students in every one of them: a new period table moves them all."""
    from courses.catalogue.models import MeetingPattern, Offering, SeatPool
    from courses.enrolment.models import Enrolment

    taught = teach(app, cast, seats=2000)
    people = add_people(database, cast, "B", 200)
    data = {"name": "", "from_day": date(2026, 11, 1), "until_day": None, "season_from": 101, "season_until": 1231,
            "weekdays": "1234567", "periods": [{"number": n, "starts": 500 + n * 60, "ends": 545 + n * 60} for n in range(1, 12)]}  # fmt: skip
    with database.write() as session:
        from zutuan.sharing.permissions import Subject
        from zutuan.sharing.services import audit

        term = session.get_one(Term, cast.terms["A"])
        term.first_day, term.weeks = date(2026, 11, 30), 18
        here = calendars.of_term(session, term)
        from courses.catalogue.services import place

        first = session.get_one(Offering, taught.offering_id)
        for number in range(250):
            offering = Offering(course_id=taught.course_id, term_id=term.id, code=f"N{number}", state="published",
                                enrol_from=NOW, enrol_until=NOW + timedelta(days=1), created_at=NOW, updated_at=NOW)  # fmt: skip
            period = 1 + number // 5 % 5 * 2
            offering.meetings = [
                MeetingPattern(weekday=1 + number % 5, first_period=period, last_period=period + 1, weeks="1-16")
            ]
            offering.pools = [SeatPool(capacity=100, wanted=100, taken=40)]
            session.add(offering)
            session.flush()
            place(session, offering, here)
            session.add_all(
                Enrolment(offering_id=offering.id, pool_id=offering.pools[0].id, person_id=who.id, affiliation_id=who.affiliation_id,
                          home_school_id=cast.schools["B"], host_school_id=cast.schools["A"], home_state="accepted",
                          host_state="accepted", created_at=NOW, updated_at=NOW)
                for who in people[number % 5 * 40 : number % 5 * 40 + 40]
            )  # fmt: skip
        audit(session, None, "test", Subject(), now=NOW)
        assert first.id
    who, started = actor(database, cast), time.perf_counter()
    with database.write() as session:
        effects = changes.apply(session, who, editing.save_table(session, cast.schools["A"], data), HOOKS, NOW)
    took = time.perf_counter() - started
    assert len(effects.moved) >= 4000 and took < 20, (len(effects.moved), took)
    print(f"{len(effects.moved)} meetings, {len(effects.told)} people, {took:.1f} s")
    assert set(notices(database).values()) == {1} and len(notices(database)) == 201
