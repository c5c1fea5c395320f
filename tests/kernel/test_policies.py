"""Policies: typed, dated, inherited, audited; one form for each; read in few statements."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import DBAPIError
from support.cast import NOW, PASSWORD, Cast
from support.http import api, browser_session, post_form
from support.teaching import ok, refused, statements, teach

from zutuan.clock import Clock
from zutuan.clusters.models import Membership
from zutuan.db import Database
from zutuan.errors import Invalid, Unauthenticated
from zutuan.people import keys, slips
from zutuan.people.throttle import Origin
from zutuan.policies import services
from zutuan.policies.models import PolicyValue
from zutuan.policies.rules import Decision, Place, Policy, effective
from zutuan.sharing.models import AuditEvent

DAYS, HOUR, OWN = "enrolment.approval_days", "notices.digest_hour", "enrolment.own_certificate"


def decide(app: Flask, cast: Cast, level: str, key: str, value: Any, **more: Any) -> Any:
    path, role = {
        "school": (f"/schools/{cast.schools['B']}/policies/{key}", "school_admin"),
        "cluster": (f"/clusters/{cast.clusters['A']}/policies/{key}", "cluster_admin"),
        "platform": (f"/policies/{key}", "platform_admin"),
    }[level]
    who = api(app, cast.who("B", role))
    tag = who.get(path).headers.get("ETag", '"v0"')
    return who.put(path, {"value": value, **more}, headers={"If-Match": tag})


def holds(database: Database, cast: Cast, key: str, letter: str = "B", after: timedelta = timedelta(0)) -> Any:
    with database.read() as session:
        return services.value(session, key, cast.schools[letter], NOW + after)


def test_the_nearest_decision_holds(app: Flask, database: Database, cast: Cast) -> None:
    assert holds(database, cast, DAYS) == 5
    ok(decide(app, cast, "platform", DAYS, 7))
    assert holds(database, cast, DAYS) == holds(database, cast, DAYS, "D") == 7
    ok(decide(app, cast, "cluster", DAYS, 8))
    assert (holds(database, cast, DAYS), holds(database, cast, DAYS, "D"), holds(database, cast, DAYS, "E")) == (
        8,
        7,
        7,
    )
    mine = ok(decide(app, cast, "school", DAYS, 9))
    assert (mine["value"], mine["inherited"], mine["above"]) == (9, False, 8)
    assert (holds(database, cast, DAYS), holds(database, cast, DAYS, "A")) == (9, 8)
    back = ok(decide(app, cast, "school", DAYS, None))
    assert (back["value"], back["inherited"], len(back["decisions"])) == (8, True, 2)
    assert holds(database, cast, DAYS) == 8


def test_a_school_of_two_clusters_is_bound_by_neither(app: Flask, database: Database, cast: Cast) -> None:
    ok(decide(app, cast, "cluster", DAYS, 8))
    with database.write() as session:
        session.add(Membership(cluster_id=cast.clusters["D"], school_id=cast.schools["B"], role="partner", from_=NOW))
        session.info["audited"] = True
    assert holds(database, cast, DAYS) == 5


def test_a_decision_may_be_planned(app: Flask, database: Database, cast: Cast, clock: Clock) -> None:
    start = NOW + timedelta(days=10)
    planned = ok(decide(app, cast, "school", HOUR, 7, **{"from": start.isoformat()}))
    assert planned["value"] == 18 and planned["decisions"][0]["value"] == 7
    assert holds(database, cast, HOUR) == 18 and holds(database, cast, HOUR, after=timedelta(days=10)) == 7
    for moment, code in (
        (NOW - timedelta(hours=1), "policy_in_the_past"),
        (NOW + timedelta(days=800), "policy_too_far"),
    ):
        body = refused(decide(app, cast, "school", HOUR, 7, **{"from": moment.isoformat()}), 422, "invalid")
        assert body["errors"][0]["code"] == code


@pytest.mark.parametrize(
    ("key", "value"),
    [(DAYS, 0), (DAYS, 15), (DAYS, "7"), (DAYS, 7.5), (DAYS, True), (DAYS, [7]), (OWN, 1), (OWN, "yes")],
)
def test_values_are_typed_and_bounded(sqlite_app: Flask, cast: Cast, key: str, value: Any) -> None:
    refused(decide(sqlite_app, cast, "school", key, value), 422, "invalid")


def test_who_decides_and_who_reads(sqlite_app: Flask, cast: Cast) -> None:
    app, school, cluster = sqlite_app, cast.schools["B"], cast.clusters["A"]
    for path, letter, role, read, write in (
        (f"/schools/{school}/policies/{DAYS}", "B", "registrar", 200, 403),
        (f"/schools/{school}/policies/{DAYS}", "B", "student", 403, 403),
        (f"/schools/{school}/policies/{DAYS}", "A", "school_admin", 403, 403),
        (f"/schools/{school}/policies/{DAYS}", "A", "platform_admin", 200, 403),
        (f"/clusters/{cluster}/policies/{DAYS}", "B", "school_admin", 403, 403),
        (f"/clusters/{cluster}/policies/{DAYS}", "D", "cluster_admin", 403, 403),
        (f"/policies/{DAYS}", "B", "school_admin", 403, 403),
        (f"/schools/{school}/policies/none", "B", "school_admin", 404, 404),
        (f"/clusters/{cluster}/policies/{HOUR}", "B", "cluster_admin", 404, 404),
        ("/schools/98765/policies", "B", "school_admin", 404, 405),
    ):
        who = api(app, cast.who(letter, role))
        assert who.get(path).status_code == read, path
        assert who.put(path, {"value": 6}, headers={"If-Match": '"v0"'}).status_code == write, path
    path = f"/schools/{school}/policies/{DAYS}"
    refused(api(app, cast.who("B", "school_admin")).put(path, {"value": 6}), 428, "precondition_needed")
    refused(api(app, cast.who("B", "school_admin")).put(path, {"value": 6}, headers={"If-Match": '"v9"'}), 412, "stale")


def test_decisions_are_kept_and_audited(app: Flask, database: Database, cast: Cast) -> None:
    ok(decide(app, cast, "school", DAYS, 9))
    with database.read() as session:
        (event,) = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "policy.decide"))
        assert event.detail["key"] == DAYS and event.detail["value"] == 9 and event.school_id == cast.schools["B"]
    with pytest.raises(DBAPIError, match="append-only"), database.engine.begin() as connection:
        connection.execute(sa.update(PolicyValue).values(value=1))


def test_many_schools_are_read_at_once(database: Database, cast: Cast) -> None:
    with statements(database) as seen, database.read() as session:
        found = services.values(session, DAYS, [*cast.schools.values(), None], NOW)
    assert set(found.values()) == {5} and len(found) == 6 and len(seen) <= 2


def test_what_a_newer_version_no_longer_takes_counts_as_undecided() -> None:
    policy = Policy("k", "", "", 5, "whole", low=1, high=7)
    place = Place(school_id=1)
    rows = [Decision(1, place, 9, NOW), Decision(2, Place(), 6, NOW)]
    assert effective(policy, [place, Place()], rows, NOW) == 6


# --- what they do -----------------------------------------------------------------------------------------------


def test_the_days_of_approval_are_the_schools(app: Flask, cast: Cast) -> None:
    ok(decide(app, cast, "school", DAYS, 2))
    taught = teach(app, cast)
    client = app.test_client()
    browser_session(client, cast.who("B", "student"))
    assert "2 天内未审核则自动释放" in client.get(taught.offering).text
    made = ok(api(app, cast.who("B", "student")).post(taught.seats, {}), 201)
    assert made["decide_by"] == (NOW + timedelta(days=2)).isoformat()


def test_a_school_may_keep_certificates_to_its_registrars(app: Flask, cast: Cast) -> None:
    taught = teach(app, cast)
    made = ok(api(app, cast.who("B", "student")).post(taught.seats, {}), 201)
    ok(api(app, cast.who("B", "registrar")).post(f"/enrolments/{made['id']}/approve", {}))
    ok(decide(app, cast, "school", OWN, False))
    path = f"/enrolments/{made['id']}/certificate"
    refused(api(app, cast.who("B", "student")).post(path), 403, "forbidden")
    client = app.test_client()
    browser_session(client, cast.who("B", "student"))
    assert "开具选课证明" not in client.get(f"/enrolments/{made['id']}").text
    ok(api(app, cast.who("B", "registrar")).post(path), 201)


def test_the_form(sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast) -> None:
    school = cast.schools["B"]
    browser_session(sqlite_client, cast.who("B", "school_admin"))
    assert sqlite_client.get("/settings/own").headers["Location"] == f"/schools/{school}/settings"
    path = f"/schools/{school}/settings"
    assert "选课审核期限" in sqlite_client.get(path).text
    wrong = post_form(sqlite_client, path, {"key": DAYS, "value": "99"})
    assert wrong.status_code == 422 and "不能大于 14" in wrong.text and 'value="99"' in wrong.text
    assert post_form(sqlite_client, path, {"key": DAYS, "value": "3", "from": "2026-13-01"}).status_code == 422
    assert post_form(sqlite_client, path, {"key": DAYS, "value": "3", "from": "2026-12-01"}).status_code == 302
    assert post_form(sqlite_client, path, {"key": OWN, "value": "no"}).status_code == 302
    page = sqlite_client.get(path).text
    assert "将生效" in page and "B school_admin" in page
    assert (holds(sqlite_database, cast, OWN), holds(sqlite_database, cast, DAYS)) == (False, 5)
    assert holds(sqlite_database, cast, DAYS, after=timedelta(days=7)) == 3
    assert post_form(sqlite_client, path, {"key": OWN, "value": "inherit"}).status_code == 302
    assert holds(sqlite_database, cast, OWN) is True
    assert post_form(sqlite_client, path, {"key": "none", "value": "no"}).status_code == 404
    browser_session(sqlite_client, cast.who("B", "registrar"))
    assert sqlite_client.get(path).status_code == 200
    assert post_form(sqlite_client, path, {"key": OWN, "value": "no"}).status_code == 403


# --- text and duration ------------------------------------------------------------------------------------------

LINE, LIFE, LENGTH = "people.help_line", "people.slip_life", "people.password_length"


@pytest.mark.parametrize(
    ("text", "found"),
    [("P30D", "P30D"), ("PT48H", "P2D"), ("P1DT12H", "PT36H"), ("PT90M", "PT90M"), ("P0DT60M", "PT1H"),
     ("P", None), ("PT", None), ("P1DT", None), ("30", None), ("P-1D", None), ("P1.5D", None), ("P1Y", None), ("P１D", None)],
)  # fmt: skip
def test_a_duration_is_days_hours_and_minutes(text: str, found: str | None) -> None:
    policy = Policy("k", "", "", "P1D", "duration", low=1, high=60 * 24 * 60)
    wrong = policy.wrong(text)
    assert (None if wrong else policy.plain(text)) == found
    assert found is None or policy.read(text) == policy.read(found)


@pytest.mark.parametrize(
    ("key", "value"),
    [(LIFE, "PT1H"), (LIFE, "P181D"), (LIFE, 30), (LIFE, ["P1D"]), (LINE, "长" * 61), (LINE, 5),
     (LINE, "两\n行"), (LINE, "\u202e反"), (LENGTH, 9), (LENGTH, 33)],
)  # fmt: skip
def test_texts_and_durations_are_bounded(sqlite_app: Flask, cast: Cast, key: str, value: Any) -> None:
    refused(decide(sqlite_app, cast, "school", key, value), 422, "invalid")


def test_texts_and_durations_are_decided_and_read(app: Flask, database: Database, cast: Cast) -> None:
    assert ok(decide(app, cast, "school", LINE, "  教务处 0917-1 "))["value"] == "教务处 0917-1"
    made = ok(decide(app, cast, "cluster", LIFE, "PT48H"))
    assert (made["value"], made["bounds"]) == ("P2D", "2 天 至 180 天")
    assert holds(database, cast, LINE) == "教务处 0917-1" and holds(database, cast, LINE, "A") == ""
    assert holds(database, cast, LIFE, "A") == timedelta(days=2) and holds(database, cast, LIFE, "D") == timedelta(
        days=30
    )


def test_their_forms(sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast) -> None:
    browser_session(sqlite_client, cast.who("B", "school_admin"))
    path = f"/schools/{cast.schools['B']}/settings"
    assert post_form(sqlite_client, path, {"key": LIFE, "value": "60", "unit": "H"}).status_code == 302
    assert post_form(sqlite_client, path, {"key": LINE, "value": "inherit"}).status_code == 302  # a text like any other
    assert holds(sqlite_database, cast, LIFE) == timedelta(hours=60) and holds(sqlite_database, cast, LINE) == "inherit"
    page = sqlite_client.get(path).text
    assert "60 小时" in page and '<option value="H" selected>' in page
    for wrong in ({"value": "3", "unit": "M"}, {"value": "x", "unit": "D"}, {"value": "5", "unit": "Y"}, {"value": ""}):
        assert post_form(sqlite_client, path, {"key": LIFE, **wrong}).status_code == 422
    assert post_form(sqlite_client, path, {"key": LINE, "value": "x", "inherit": "1"}).status_code == 302
    assert holds(sqlite_database, cast, LINE) == ""


def test_new_passwords_are_as_long_as_the_strictest_school_asks(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast
) -> None:
    """And never shorter than the built-in minimum; the old one goes on working."""
    app, database = sqlite_app, sqlite_database
    ok(decide(app, cast, "school", LENGTH, 16))
    student, twelve = cast.who("B", "student"), "twelve chars"
    client = app.test_client()
    browser_session(client, student)
    assert "至少 16 个字符" in client.get("/account").text
    form = {"old": PASSWORD, "password": twelve, "again": twelve}
    refusal = post_form(client, "/account/password", form)
    assert refusal.status_code == 422 and "密码至少 16 个字符" in refusal.text
    links: list[str] = []
    with database.write() as session:
        keys.ask_reset(session, student.email, NOW, lambda _s, _k, _p, secret: links.append(secret))
    with pytest.raises(Invalid, match="invalid"):
        keys.use_link(database, links[0], twelve, NOW)
    assert "至少 16 个字符" in client.get(f"/key/{links[0]}").text
    keys.use_link(database, links[0], "sixteen chars is", NOW)
    browser_session(client, cast.who("A", "student"))
    assert post_form(client, "/account/password", form).status_code == 302


def test_a_slip_lives_as_long_and_says_whom_to_ask(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    ok(decide(sqlite_app, cast, "school", LIFE, "P2D"))
    ok(decide(sqlite_app, cast, "school", LINE, "教务处 0917-1"))
    ok(decide(sqlite_app, cast, "school", LENGTH, 16))
    client = sqlite_app.test_client()
    browser_session(client, cast.who("B", "registrar"))
    form = {"purpose": "reset", "numbers": cast.who("B", "student").number}
    made = post_form(client, f"/people/keys?school={cast.schools['B']}", form)
    page = client.get(made.headers["Location"]).text
    code = re.search(r'class="code">([\w-]+)<', page)
    assert code and "有问题请找：教务处 0917-1" in page and "2026-11-27" in page
    number = cast.who("B", "student").number
    with pytest.raises(Invalid):
        slips.activate(sqlite_database, "甲参与师范大学", number, code[1], "twelve chars", Origin("10.0.0.1"), NOW)
    with pytest.raises(Unauthenticated):
        late = NOW + timedelta(days=2)
        slips.activate(sqlite_database, "甲参与师范大学", number, code[1], "sixteen chars is", Origin("10.0.0.1"), late)
