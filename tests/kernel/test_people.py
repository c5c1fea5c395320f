"""Signing in, failed tries, who may grant what, and roles that end with the affiliation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from support.cast import NOW, PASSWORD, Cast
from support.http import api
from werkzeug.test import TestResponse

from zutuan.clock import Clock
from zutuan.db import Database
from zutuan.errors import Forbidden, Invalid, Refused
from zutuan.people import rules
from zutuan.people.models import Affiliation, Person, RoleAssignment, SignInFailure
from zutuan.people.roles import At, grant_role, holders
from zutuan.people.services import NewPerson, create_person, load_actor
from zutuan.people.signing_in import set_password
from zutuan.sharing import scopes
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import AuditEvent
from zutuan.sharing.permissions import ROLES

SESSION = "/api/v1/session"


def sign_in(client: FlaskClient, address: str = "10.0.0.1", **credentials: Any) -> TestResponse:
    body = {"password": PASSWORD, **credentials}
    return client.post(SESSION, json=body, environ_overrides={"REMOTE_ADDR": address})


# --- signing in -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("email", ["student@a.example.cn", "Student@A.example.CN", "  student@a.example.cn "])
def test_by_email(client: FlaskClient, cast: Cast, email: str) -> None:
    response = sign_in(client, email=email)
    assert response.status_code == 200 and response.json["me"]["id"] == cast.who("A", "student").id
    assert client.get("/api/v1/me").json["id"] == cast.who("A", "student").id


def test_by_school_and_number(client: FlaskClient, cast: Cast) -> None:
    student = cast.who("B", "student")
    for school in (cast.name_of("B"), cast.code_of("B"), cast.schools["B"], str(cast.schools["B"])):
        response = sign_in(client.application.test_client(), school=school, number=student.number)
        assert response.status_code == 200 and response.json["me"]["id"] == student.id, school


def test_on_the_page_one_box_takes_either(sqlite_app: Flask, cast: Cast) -> None:
    from support.http import post_form

    student = cast.who("B", "student")
    for form in ({"email": student.email}, {"email": student.number, "school": cast.name_of("B")}):
        browser = sqlite_app.test_client()
        assert post_form(browser, "/sign-in", {"password": PASSWORD, **form}).status_code == 302
        assert browser.get("/api/v1/me").json["id"] == student.id


def test_a_failed_sign_in_keeps_what_was_typed_but_the_password(sqlite_client: FlaskClient, cast: Cast) -> None:
    from support.http import post_form

    form = {"email": "student@a.example.cn", "school": "某校", "password": "not the right one"}
    page = post_form(sqlite_client, "/sign-in", form)
    html = page.get_data(as_text=True)
    assert page.status_code == 401 and "student@a.example.cn" in html and "某校" in html
    assert "not the right one" not in html


def test_the_same_number_at_two_schools_is_two_people(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    with sqlite_database.write() as session:
        hashed = session.get_one(Person, cast.who("A", "student").id).password_hash
        for school in "AB":
            create_person(session, None, NewPerson(school, cast.schools[school], "2024", "student", None, hashed), NOW)
    found = [
        sign_in(sqlite_app.test_client(), school=cast.schools[school], number="2024").json["me"]["name"]
        for school in "AB"
    ]
    assert found == ["A", "B"]


def test_every_failure_sounds_the_same(sqlite_app: Flask, cast: Cast) -> None:
    """Nobody learns whether an account exists."""
    tries: list[dict[str, Any]] = [
        {"email": "student@a.example.cn", "password": "wrong password"},
        {"email": "nobody@a.example.cn"},
        {"email": "not an address"},
        {"school": cast.name_of("A"), "number": "nobody"},
        {"school": "没有这所学校", "number": "A001"},
        {"school": cast.name_of("A"), "number": cast.who("B", "student").number},
    ]
    answers = [sign_in(sqlite_app.test_client(), **each) for each in tries]
    assert {answer.status_code for answer in answers} == {401}
    assert len({(a.json["code"], a.json["title"], a.json["detail"]) for a in answers}) == 1


def test_the_number_of_an_ended_affiliation_does_not_sign_in(
    sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast
) -> None:
    student = cast.who("A", "student")
    end_affiliation(sqlite_database, student.affiliation_id)
    assert sign_in(sqlite_client, school=cast.schools["A"], number=student.number).status_code == 401
    assert sign_in(sqlite_client, email=student.email).status_code == 200  # the account stays the person's


def test_a_person_without_a_password_cannot_sign_in(
    sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast
) -> None:
    with sqlite_database.write() as session:
        create_person(session, None, NewPerson("新", cast.schools["A"], "N1", "student", "n@a.example.cn"), NOW)
    for password in ("", " ", "None", PASSWORD):
        assert sign_in(sqlite_client, email="n@a.example.cn", password=password).status_code in (401, 422)


# --- failed tries -----------------------------------------------------------------------------------------------

EMAIL = "student@a.example.cn"


def fail(client: FlaskClient, times: int, **more: Any) -> list[int]:
    return [sign_in(client, email=EMAIL, **{"password": "wrong password", **more}).status_code for _ in range(times)]


def test_failures_wait_ever_longer(client: FlaskClient, database: Database, cast: Cast, clock: Clock) -> None:
    assert fail(client, rules.FREE_TRIES) == [401] * rules.FREE_TRIES
    waits = []
    for _ in range(4):
        refused = sign_in(client, email=EMAIL)  # not even the right password
        assert refused.status_code == 429 and refused.json["code"] == "too_many"
        wait = int(refused.headers["Retry-After"])
        waits.append(wait)
        clock.advance(timedelta(seconds=wait - 1))
        assert fail(client, 1) == [401]
    assert waits == [2, 3, 5, 9]
    with database.read() as session:
        assert session.scalars(sa.select(SignInFailure.failures)).one() == rules.FREE_TRIES + 4


def test_waiting_does_not_lock_out_another_address_or_account(client: FlaskClient, cast: Cast) -> None:
    fail(client, rules.FREE_TRIES)
    assert fail(client, 1) == [429]
    assert sign_in(client, "10.0.0.2", email=EMAIL).status_code == 200
    assert sign_in(client, email="student@b.example.cn").status_code == 200
    stranger = client.application.test_client()
    assert fail(stranger, 1) == [429]
    assert fail(client, 1) == [401]  # this browser has signed in to the account: it has a count of its own


def test_the_count_is_in_the_database(sqlite_app: Flask, sqlite_database: Database, cast: Cast, clock: Clock) -> None:
    """A second process counts on."""
    from conftest import make_app

    fail(sqlite_app.test_client(), rules.FREE_TRIES)
    other = make_app(sqlite_database, sqlite_app.extensions["zutuan"].config.files)
    assert fail(other.test_client(), 1) == [429]


def test_success_and_a_day_forget(
    sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast, clock: Clock
) -> None:
    fail(sqlite_client, rules.FREE_TRIES - 1)
    assert sign_in(sqlite_client, email=EMAIL).status_code == 200
    assert fail(sqlite_client, rules.FREE_TRIES + 1) == [401] * rules.FREE_TRIES + [429]
    clock.advance(rules.FORGET_AFTER + timedelta(seconds=1))
    assert fail(sqlite_client, 1) == [401]
    with sqlite_database.read() as session:
        assert session.scalars(sa.select(SignInFailure.failures)).one() == 1


def test_an_unknown_account_waits_like_a_known_one(sqlite_client: FlaskClient, cast: Cast) -> None:
    codes = [sign_in(sqlite_client, email="nobody@a.example.cn").status_code for _ in range(rules.FREE_TRIES + 1)]
    assert codes == [401] * rules.FREE_TRIES + [429]


@pytest.mark.parametrize(("failures", "seconds"), [(4, 0), (5, 1), (6, 2), (10, 32), (14, 512), (15, 900), (5000, 900)])
def test_the_wait_doubles_to_a_quarter_of_an_hour(failures: int, seconds: int) -> None:
    assert rules.sign_in_wait(failures, NOW, NOW) == timedelta(seconds=seconds)


def test_nothing_typed_is_stored_in_clear(sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast) -> None:
    fail(sqlite_client, 1)
    with sqlite_database.read() as session:
        row = session.scalars(sa.select(SignInFailure)).one()
    assert EMAIL not in row.account_key and len(row.account_key) == 64


# --- who may grant what -----------------------------------------------------------------------------------------

# role → (where it is held, who may grant it at the same place). A platform admin grants what says so, anywhere.
GRANTERS: dict[str, tuple[str, set[str]]] = {
    "librarian": ("school", {"school_admin"}),
    "secretary": ("school", {"school_admin", "registrar"}),
    "registrar": ("school", {"school_admin"}),
    "room_manager": ("school", {"school_admin"}),
    "school_admin": ("school", {"school_admin", "platform_admin"}),
    "cluster_admin": ("cluster", {"cluster_admin", "platform_admin"}),
    "platform_admin": ("platform", {"platform_admin"}),
}


def actor_of(session: Session, person_id: int) -> Actor:
    return load_actor(session, session.get_one(Person, person_id), NOW)


def may_grant(database: Database, granter: int, target: int, role: str, at: At) -> bool:
    """Try it for real, then forget it."""
    with database.session(writes=True) as session:
        actor = actor_of(session, granter)
        try:
            grant_role(session, actor, session.get_one(Person, target), role, at, NOW)
        except Forbidden:
            return False
        session.flush()
        session.rollback()
        return True


@pytest.mark.parametrize("role", GRANTERS)
def test_who_may_grant(sqlite_database: Database, cast: Cast, role: str) -> None:
    """Every granter's role × the same place and others: allowed exactly where the table says so."""
    kind, granters = GRANTERS[role]
    for granter in ROLES:
        person = cast.who("A", granter).id
        for place in ("A", "B", "D"):  # own, sibling's, another cluster's
            at = {
                "school": At(cast.schools[place]),
                "cluster": At(cluster_id=cast.clusters["A" if place != "D" else "D"]),
                "platform": At(),
            }[kind]
            here = place == "A" or (kind == "cluster" and place == "B") or granter == "platform_admin"
            target = cast.who(place, "student").id
            expected = granter in granters and here
            assert may_grant(sqlite_database, person, target, role, at) == expected, (granter, role, place)


def test_the_matrix_covers_the_rules() -> None:
    assert {role: (place, set(granters)) for role, (place, granters) in rules.GRANTS.items()} == GRANTERS
    assert set(ROLES) - set(GRANTERS) == {"student", "teacher"}  # those come with the affiliation alone


def test_a_secretary_may_be_limited_to_a_department(sqlite_database: Database, cast: Cast) -> None:
    registrar, student = cast.who("A", "registrar").id, cast.who("A", "student").id
    at = At(cast.schools["A"], cast.departments["A"])
    assert may_grant(sqlite_database, registrar, student, "secretary", at)
    with sqlite_database.session(writes=True) as session, pytest.raises(Refused, match="role_wrong_place"):
        grant_role(session, None, session.get_one(Person, student), "librarian", at, NOW)


@pytest.mark.parametrize("role", ["student", "teacher", "emperor"])
def test_what_is_no_granted_role_is_refused(sqlite_database: Database, cast: Cast, role: str) -> None:
    person = cast.who("A", "librarian").id
    with sqlite_database.session(writes=True) as session, pytest.raises(Refused, match="role_not_granted"):
        grant_role(session, None, session.get_one(Person, person), role, At(cast.schools["A"]), NOW)


def test_a_role_needs_an_affiliation_there(sqlite_database: Database, cast: Cast) -> None:
    stranger = cast.who("B", "student").id
    with sqlite_database.session(writes=True) as session, pytest.raises(Refused, match="no_affiliation_here"):
        admin = actor_of(session, cast.who("A", "school_admin").id)
        grant_role(session, admin, session.get_one(Person, stranger), "librarian", At(cast.schools["A"]), NOW)


def test_granting_is_audited(database: Database, cast: Cast) -> None:
    admin, student = cast.who("A", "school_admin"), cast.who("A", "student")
    with database.write() as session:
        person = session.get_one(Person, student.id)
        grant_role(session, actor_of(session, admin.id), person, "librarian", At(cast.schools["A"]), NOW)
    with database.read() as session:
        event = session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert event is not None
    assert (event.action, event.actor_id, event.subject_id) == ("role.grant", admin.id, student.id)
    assert event.affiliation_id == admin.affiliation_id and event.detail["role"] == "librarian"


# --- roles end --------------------------------------------------------------------------------------------------


def end_affiliation(database: Database, affiliation_id: int) -> None:
    table = Affiliation.__table__
    with database.engine.begin() as connection:
        connection.execute(sa.update(table).where(table.c.id == affiliation_id).values(until=NOW))


def test_a_role_dies_with_the_affiliation(app: Flask, database: Database, cast: Cast) -> None:
    registrar = cast.who("A", "registrar")
    school = cast.schools["A"]
    assert api(app, registrar).get("/people").status_code == 200
    end_affiliation(database, registrar.affiliation_id)
    me = api(app, registrar).get("/me").json
    assert me["roles"] == me["affiliations"] == me["clusters"] == []
    assert api(app, registrar).get(f"/people?school_id={school}").status_code == 403
    with database.read() as session:
        actor = actor_of(session, registrar.id)
        assert actor.scopes == {scopes.PLATFORM, scopes.person(registrar.id)}
        assert registrar.id not in holders(session, "registrar", school, NOW)


def test_a_role_says_nothing_at_another_school(app: Flask, database: Database, cast: Cast) -> None:
    registrar = cast.who("A", "registrar")
    for school in "BDE":
        assert api(app, registrar).get(f"/people?school_id={cast.schools[school]}").status_code == 403
    with database.read() as session:
        denied = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "denied:people.list")).all()
    assert len(denied) == 1  # once per person, action and minute
    assert denied[0].actor_id == registrar.id


def test_a_role_ends_at_its_instant(sqlite_database: Database, cast: Cast) -> None:
    person = cast.who("A", "student").id
    with sqlite_database.write() as session:
        until = NOW + timedelta(hours=1)
        grant_role(session, None, session.get_one(Person, person), "librarian", At(cast.schools["A"]), NOW, until)
    with sqlite_database.read() as session:
        found = session.get_one(Person, person)
        held = [
            "librarian" in {each.role for each in load_actor(session, found, NOW + timedelta(minutes=m)).roles}
            for m in (-1, 0, 59, 60)
        ]
    assert held == [False, True, True, False]


def test_a_department_role_does_not_run_the_school(sqlite_database: Database, cast: Cast) -> None:
    """Even a row that no service would write: a registrar of one department has no `manage:` scope."""
    person = cast.who("A", "student").id
    row = {"person_id": person, "role": "registrar", "school_id": cast.schools["A"]}
    with sqlite_database.engine.begin() as connection:
        connection.execute(
            sa.insert(RoleAssignment.__table__).values(**row, department_id=cast.departments["A"], from_=NOW)
        )
    with sqlite_database.read() as session:
        assert scopes.manage(cast.schools["A"]) not in actor_of(session, person).scopes


# --- accounts ---------------------------------------------------------------------------------------------------


def test_addresses_and_numbers_are_unique(database: Database, cast: Cast) -> None:
    new = {"name": "新", "school_id": cast.schools["A"], "kind": "student"}
    with pytest.raises(Refused, match="email_taken"), database.write() as session:
        create_person(session, None, NewPerson(**new, number="N1", email="STUDENT@a.example.cn"), NOW)
    with pytest.raises(Refused, match="number_taken"), database.write() as session:
        create_person(session, None, NewPerson(**new, number=cast.who("A", "student").number), NOW)
    with pytest.raises(Invalid), database.write() as session:
        create_person(session, None, NewPerson(**new, number="N1", email="no address"), NOW)


@pytest.mark.parametrize("password", ["", "short", "aaaaaaaaaaaaaa"])
def test_weak_passwords_are_refused(sqlite_database: Database, cast: Cast, password: str) -> None:
    with pytest.raises(Invalid), sqlite_database.write() as session:
        set_password(session, None, session.get_one(Person, cast.who("A", "student").id), password, NOW)


def test_a_new_password_ends_every_session(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    from support.http import browser_session

    student = cast.who("A", "student")
    browser = sqlite_app.test_client()
    browser_session(browser, student)
    with sqlite_database.write() as session:
        set_password(session, None, session.get_one(Person, student.id), "another long one", NOW)
    assert browser.get("/api/v1/me").status_code == 401
    assert sign_in(browser, email=student.email).status_code == 401
    assert sign_in(browser, email=student.email, password="another long one").status_code == 200


def test_the_audit_keeps_no_personal_values(sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast) -> None:
    sign_in(sqlite_client, email="student@a.example.cn")
    with sqlite_database.read() as session:
        written = str(session.execute(sa.select(AuditEvent.detail, AuditEvent.action)).all())
    assert "example.cn" not in written and "A001" not in written
