"""Leaving a school, and being forgotten when the time of keeping is over."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from support.cast import NOW, PASSWORD, Cast, Player
from support.everything import one_of_each
from support.http import api, browser_session, post_form
from support.teaching import drain, ok, teach

from courses.enrolment.models import Enrolment, EnrolmentEvent
from zutuan.app import FEATURES, make_worker
from zutuan.clock import Clock
from zutuan.db import Database
from zutuan.errors import Hidden, Invalid, Refused
from zutuan.notices.models import Notice
from zutuan.papers.models import Paper
from zutuan.people import leaving, own_data, retention
from zutuan.people.hooks import hooks_of
from zutuan.people.models import Affiliation, Person, RoleAssignment
from zutuan.people.services import load_actor
from zutuan.policies.models import PolicyValue
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import AuditEvent

HOOKS = hooks_of(FEATURES)
YEAR = timedelta(days=366)


def actor(database: Database, player: Player, now: object = NOW) -> Actor:
    with database.read() as session:
        return load_actor(session, session.get_one(Person, player.id), now)  # type: ignore[arg-type]


def end(database: Database, who: Player, whose: Player, days: int = 0, reason: str = "调离") -> None:
    by, at = actor(database, who), NOW + timedelta(days=days) if days else None
    with database.write() as session:
        leaving.end(session, by, whose.affiliation_id, at, reason)


# --- leaving ----------------------------------------------------------------------------------------------------


def test_who_leaves_is_nothing_there_at_the_next_request_and_is_told(
    app: Flask, database: Database, cast: Cast
) -> None:
    librarian = cast.who("B", "librarian")
    end(database, cast.who("B", "school_admin"), librarian)
    me = actor(database, librarian)
    assert me.school_ids == frozenset() and me.roles == ()
    assert ok(api(app, librarian).get("/me"))["affiliations"] == []
    drain(database)
    with database.read() as session:
        row = session.get_one(Affiliation, librarian.affiliation_id)
        assert (row.until, row.end_reason) == (NOW, "调离")
        role = session.scalars(sa.select(RoleAssignment).where(RoleAssignment.person_id == librarian.id)).one()
        assert role.until == NOW  # who comes back does not find the role waiting
        event = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "affiliation.end")).one()
        assert event.subject_id == librarian.id and "调离" not in str(event.detail)
        told = session.scalars(sa.select(Notice.kind).where(Notice.person_id == librarian.id)).all()
        assert told == ["affiliation.ended"]


def test_it_may_be_planned_and_moved(database: Database, cast: Cast) -> None:
    student, registrar = cast.who("B", "student"), cast.who("B", "registrar")
    for days in (30, 20):
        end(database, registrar, student, days)
    assert actor(database, student, NOW + timedelta(days=19)).school_ids
    assert not actor(database, student, NOW + timedelta(days=20)).school_ids


def test_who_may_not_end_it(database: Database, cast: Cast) -> None:
    student, admin = cast.who("B", "student"), cast.who("B", "school_admin")
    for who in (cast.who("A", "school_admin"), cast.who("B", "secretary"), cast.who("B", "cluster_admin")):
        with pytest.raises(Hidden):
            end(database, who, student)
    with pytest.raises(Refused, match="affiliation_beyond_reach"):
        end(database, cast.who("B", "registrar"), admin)
    with pytest.raises(Refused, match="end_oneself"):
        end(database, admin, admin)
    for days, code in ((-1, "ends_in_the_past"), (800, "more_than_a_year")):
        with pytest.raises(Invalid) as refusal:
            end(database, admin, student, days)
        assert [each.code for each in refusal.value.errors] == [code]
    end(database, admin, student)
    with pytest.raises(Refused, match="affiliation_ended"):
        end(database, admin, student)


def test_the_page_says_what_they_hold(sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast) -> None:
    app, student = sqlite_client.application, cast.who("B", "student")
    taught = teach(app, cast)
    enrolment = ok(api(app, student).post(taught.seats, {}), 201)["id"]
    browser_session(sqlite_client, cast.who("B", "registrar"))
    page = f"/people/affiliations/{student.affiliation_id}/end"
    assert page in sqlite_client.get("/people").text
    assert f'href="/enrolments/{enrolment}"' in sqlite_client.get(page).text
    teacher = cast.who("A", "teacher")
    assert post_form(sqlite_client, page, {"reason": ""}).status_code == 422
    assert post_form(sqlite_client, page, {"reason": "x", "at": "2020-01-01"}).status_code == 422
    assert sqlite_client.get(f"/people/affiliations/{teacher.affiliation_id}/end").status_code == 404
    assert post_form(sqlite_client, page, {"reason": "转学", "at": "2026-11-25"}).status_code == 302
    assert "转学" in sqlite_client.get(page).text
    browser_session(sqlite_client, cast.who("A", "registrar"))
    assert taught.course in sqlite_client.get(f"/people/affiliations/{teacher.affiliation_id}/end").text


# --- being forgotten --------------------------------------------------------------------------------------------


def _closed(database: Database, cast: Cast) -> Player:
    """The student of B, with a row in every table, closes their account."""
    student = cast.who("B", "student")
    with database.write() as session:
        one_of_each(session, cast)
        for enrolment in session.scalars(sa.select(Enrolment)):
            enrolment.reason = "先修不足"
        for event in session.scalars(sa.select(EnrolmentEvent)):
            event.note = "先修不足"
        paper = session.scalars(sa.select(Paper)).one()
        paper.content = {"title": "选课证明", "text": "学生", "facts": [["姓名", "某"]], "school": "某校"}
    with database.write() as session:
        own_data.close(session, load_actor(session, session.get_one(Person, student.id), NOW), PASSWORD)
    return student


def _decide(database: Database, school_id: int | None, years: int) -> None:
    with database.write() as session:
        key = retention.YEARS.key
        session.add(PolicyValue(key=key, school_id=school_id, value=years, from_=NOW, decided_at=NOW))
        session.info["audited"] = True


def strip(database: Database, years: float) -> int:
    with database.write() as session:
        return retention.strip_due(session, HOOKS, NOW + years * YEAR)


def test_after_the_longest_time_of_the_schools_concerned_nothing_names_the_person(
    database: Database, cast: Cast
) -> None:
    student = _closed(database, cast)
    _decide(database, cast.schools["B"], 2)
    _decide(database, cast.schools["A"], 4)  # where the student took a course
    assert (strip(database, 3), strip(database, 3.9)) == (0, 0)
    assert strip(database, 4) == 1
    assert strip(database, 5) == 0
    with database.read() as session:
        row = session.get_one(Affiliation, student.affiliation_id)
        assert (row.number, row.major, row.grade) == (f"closed-{row.id}", "", "")
        assert set(session.scalars(sa.select(Enrolment.reason))) == {""}
        assert set(session.scalars(sa.select(EnrolmentEvent.note))) == {""}
        paper = session.scalars(sa.select(Paper)).one()
        assert paper.content["facts"] == [] and paper.revoked_at is not None
        person = session.get_one(Person, student.id)
        assert person.name == own_data.CLOSED_NAME and person.stripped_at is not None
        event = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "person.strip")).one()
        assert (event.subject_id, event.actor_id) == (student.id, None)


def test_nobody_is_forgotten_before_ten_years_unless_a_school_said_so(database: Database, cast: Cast) -> None:
    _closed(database, cast)
    assert strip(database, 9.9) == 0
    assert strip(database, 10) == 1


def test_a_worker_sees_to_it(sqlite_database: Database, cast: Cast, clock: Clock) -> None:
    student = _closed(sqlite_database, cast)
    clock.set(NOW + 11 * YEAR)
    make_worker(sqlite_database).tick()
    with sqlite_database.read() as session:
        assert session.get_one(Person, student.id).stripped_at is not None


def test_the_page_says_until_when(sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast) -> None:
    browser_session(sqlite_client, cast.who("B", "student"))
    _decide(sqlite_database, cast.schools["B"], 15)
    assert "2041-11-25" in sqlite_client.get("/account/data").text
