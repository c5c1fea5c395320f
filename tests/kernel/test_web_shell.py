"""What every page and every API call shares: ids, problems, bad input, CSRF, idempotency, headers, sessions, tokens."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from support.cast import NOW, PASSWORD, Cast
from support.http import Api, api, browser_session, csrf_token, post_form
from werkzeug.test import TestResponse

from zutuan.clock import Clock
from zutuan.db import Database
from zutuan.notices.models import Notice
from zutuan.people.models import Person, PersonalToken, WebSession
from zutuan.people.services import TOKEN_LIFE, create_token, load_actor
from zutuan.people.signing_in import SESSION_LIFE
from zutuan.sharing.models import AuditEvent
from zutuan.web.models import IdempotencyKey

SESSION, TOKENS = "/api/v1/session", "/api/v1/me/tokens"
CREDENTIALS = {"email": "student@a.example.cn", "password": PASSWORD}


def problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The problem document, checked for its shape."""
    assert response.status_code == status, response.get_data(as_text=True)[:300]
    assert response.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.get_json(force=True)
    assert body["status"] == status and body["code"] == code
    assert body["type"] == f"urn:zutuan:problem:{code}" and body["title"]
    assert body["request_id"] == response.headers["X-Request-Id"]
    return body


def bad_fields(response: TestResponse) -> dict[str, str]:
    """Field → code of a 422."""
    body = problem(response, 422, "invalid")
    assert all(error["message"] for error in body["errors"])
    return {error["field"]: error["code"] for error in body["errors"]}


def count(database: Database, model: Any) -> int:
    with database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


@pytest.fixture
def student(sqlite_app: Flask, cast: Cast) -> Api:
    return api(sqlite_app, cast.who("A", "student"))


# --- ids, problems, bodies --------------------------------------------------------------------------------------


def test_every_answer_has_its_own_request_id(sqlite_client: FlaskClient) -> None:
    ids = {sqlite_client.get(path).headers["X-Request-Id"] for path in ("/healthz", "/sign-in", "/nope", "/api/v1/me")}
    assert len(ids) == 4 and all(re.fullmatch(r"[0-9a-f]{16}", each) for each in ids)


def test_a_request_id_from_outside_is_not_believed(sqlite_client: FlaskClient) -> None:
    response = sqlite_client.get("/healthz", headers={"X-Request-Id": "forged-request-id"})
    assert response.headers["X-Request-Id"] != "forged-request-id"


def test_nothing_here(sqlite_client: FlaskClient) -> None:
    problem(sqlite_client.get("/api/v1/nope"), 404, "not_found")
    page = sqlite_client.get("/nope")
    assert page.status_code == 404 and page.headers["X-Request-Id"] in page.get_data(as_text=True)


@pytest.mark.parametrize("id_", ["0", "-1", "01", "1.0", "9" * 18, "9" * 40, "abc", "%00", "1%00"])
def test_an_id_that_no_column_could_hold_is_not_found(student: Api, id_: str) -> None:
    problem(student.get(f"/clusters/{id_}"), 404, "not_found")


def test_another_method(sqlite_client: FlaskClient) -> None:
    response = sqlite_client.put("/api/v1/me")
    problem(response, 405, "method_not_allowed")
    assert "GET" in response.headers["Allow"]
    assert sqlite_client.post("/notices/bell").status_code == 405


def test_ten_megabytes_are_too_large(sqlite_client: FlaskClient, cast: Cast) -> None:
    body = b'{"email": "' + b"a" * (10 * 1024 * 1024) + b'"}'
    problem(sqlite_client.post(SESSION, data=body, content_type="application/json"), 413, "too_large")
    browser_session(sqlite_client, cast.who("A", "student"))
    form = post_form(sqlite_client, "/account/tokens", {"name": "a" * (10 * 1024 * 1024)})
    assert form.status_code == 413


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_other_media_are_not_read(sqlite_client: FlaskClient, student: Api, media: str) -> None:
    body = '{"name": "x"}'
    problem(sqlite_client.post(SESSION, data=body, content_type=media), 415, "unsupported_media_type")
    problem(student.request("POST", TOKENS, data=body, content_type=media), 415, "unsupported_media_type")


@pytest.mark.parametrize("body", [b"{", b"name", b"\xff\xfe", b'{"name": NaN}', b"[" * 100_000, b'{"name": "\xff"}'])
def test_not_json(sqlite_client: FlaskClient, student: Api, body: bytes) -> None:
    problem(sqlite_client.post(SESSION, data=body, content_type="application/json"), 400, "not_json")
    problem(student.request("POST", TOKENS, data=body, content_type="application/json"), 400, "not_json")


@pytest.mark.parametrize("body", ["[]", '"text"', "3", "null", "[[]]", "true"])
def test_json_of_another_shape(sqlite_client: FlaskClient, student: Api, body: str) -> None:
    for client, path in ((sqlite_client, SESSION), (student.client, TOKENS)):
        headers = student.headers if path == TOKENS else {}
        response = client.open(path, method="POST", data=body, content_type="application/json", headers=headers)
        problem(response, 422, "invalid")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (None, "null"),
        (3, "not_text"),
        (True, "not_text"),
        ([], "not_text"),
        ({}, "not_text"),
        ("", "required"),
        ("   ", "required"),
        ("a" * 61, "too_long"),
        ("a\x00b", "control_characters"),
        ("a\x1bb", "control_characters"),
        ("a\nb", "control_characters"),
        ("a\u202eb", "control_characters"),
        ("a\ufeffb", "control_characters"),
    ],
)
def test_a_bad_field_is_named(student: Api, sqlite_database: Database, name: Any, code: str) -> None:
    before = count(sqlite_database, PersonalToken)
    assert bad_fields(student.post(TOKENS, {"name": name})) == {"name": code}
    assert count(sqlite_database, PersonalToken) == before


def test_missing_and_unknown_fields_are_named_together(sqlite_client: FlaskClient, student: Api) -> None:
    assert bad_fields(student.post(TOKENS, {"nmae": "x", "person_id": 1})) == {
        "name": "required",
        "nmae": "unknown_field",
        "person_id": "unknown_field",
    }
    assert bad_fields(sqlite_client.post(SESSION, json={"email": "a@b.cn", "role": "admin"})) == {
        "password": "required",
        "role": "unknown_field",
    }
    assert bad_fields(sqlite_client.post(SESSION, json={"password": "x"})) == {"email": "email_or_number"}


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("email", 3, "not_text"),
        ("email", "a\x00@b.cn", "control_characters"),
        ("password", "p\x00", "control_characters"),
        ("password", ["x"], "not_text"),
        ("password", "x" * 201, "too_long"),
        ("school", {"id": 1}, "wrong_type"),
        ("school", True, "wrong_type"),
        ("number", 20240001, "not_text"),
    ],
)
def test_bad_credentials_are_bad_input_not_a_crash(
    sqlite_client: FlaskClient, field: str, value: Any, code: str
) -> None:
    good = {"school": "x", "number": "1", "password": "y"}
    assert bad_fields(sqlite_client.post(SESSION, json={**good, field: value}))[field] == code


@pytest.mark.parametrize("school", ["a\x00b", "学" * 61, "9" * 30, "٣", "-1", "1e3", "%", "'; DROP TABLE school; --"])
def test_an_unknown_school_is_a_clear_answer(sqlite_client: FlaskClient, cast: Cast, school: str) -> None:
    response = sqlite_client.post(SESSION, json={"school": school, "number": "A001", "password": PASSWORD})
    assert response.status_code in (401, 422)


@pytest.mark.parametrize(
    "query", ["q=%00", "limit=0", "limit=x", "limit=1000", "cursor=zzz", "nope=1", "school_id=1.5"]
)
def test_bad_queries_are_named_too(sqlite_app: Flask, cast: Cast, query: str) -> None:
    admin = api(sqlite_app, cast.who("A", "school_admin"))
    assert query.split("=", maxsplit=1)[0] in bad_fields(admin.get(f"/people?{query}"))


def test_a_refused_write_writes_nothing(app: Flask, database: Database, cast: Cast) -> None:
    before = count(database, AuditEvent)
    api(app, cast.who("A", "student")).post(TOKENS, {"name": ""})
    assert count(database, AuditEvent) == before


# --- CSRF -------------------------------------------------------------------------------------------------------


def test_a_cookie_needs_a_csrf_token(sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast) -> None:
    browser_session(sqlite_client, cast.who("A", "student"))
    before = count(sqlite_database, PersonalToken)
    problem(sqlite_client.post(TOKENS, json={"name": "x"}), 400, "csrf")
    wrong = {"X-CSRF-Token": csrf_token(sqlite_client)[:-2] + "zz"}
    problem(sqlite_client.post(TOKENS, json={"name": "x"}, headers=wrong), 400, "csrf")
    assert sqlite_client.post("/account/tokens", data={"name": "x"}).status_code == 400
    assert sqlite_client.post("/sign-out").status_code == 400
    problem(sqlite_client.delete(SESSION), 400, "csrf")
    assert count(sqlite_database, PersonalToken) == before and sqlite_client.get("/api/v1/me").status_code == 200


def test_with_its_csrf_token_a_cookie_writes(sqlite_client: FlaskClient, cast: Cast) -> None:
    signed_in = sqlite_client.post(SESSION, json=CREDENTIALS)
    headers = {"X-CSRF-Token": signed_in.json["csrf_token"]}
    assert sqlite_client.post(TOKENS, json={"name": "x"}, headers=headers).status_code == 201
    assert sqlite_client.delete(SESSION, headers=headers).status_code == 204
    assert sqlite_client.get("/api/v1/me").status_code == 401


def test_another_sessions_csrf_token_does_not_fit(sqlite_app: Flask, cast: Cast) -> None:
    mine, other = sqlite_app.test_client(), sqlite_app.test_client()
    browser_session(mine, cast.who("A", "student"))
    browser_session(other, cast.who("B", "student"))
    stolen = {"X-CSRF-Token": csrf_token(other)}
    problem(mine.post(TOKENS, json={"name": "x"}, headers=stolen), 400, "csrf")


def test_a_bearer_needs_none_and_ignores_the_cookie(sqlite_app: Flask, cast: Cast) -> None:
    browser = sqlite_app.test_client()
    browser_session(browser, cast.who("A", "student"))
    teacher = {"Authorization": f"Bearer {cast.who('B', 'teacher').token}"}
    assert browser.get("/api/v1/me", headers=teacher).json["id"] == cast.who("B", "teacher").id
    assert browser.post(TOKENS, json={"name": "x"}, headers=teacher).status_code == 201
    problem(browser.get("/api/v1/me", headers={"Authorization": "Bearer zt_wrong"}), 401, "sign_in_needed")
    problem(browser.post(TOKENS, json={"name": "x"}, headers={"Authorization": "Bearer "}), 401, "sign_in_needed")


# --- idempotency ------------------------------------------------------------------------------------------------


def test_the_same_key_gives_the_same_answer_once(app: Flask, database: Database, cast: Cast) -> None:
    student = api(app, cast.who("A", "student"))
    before = count(database, PersonalToken)
    key = {"Idempotency-Key": "key-1"}
    first = student.post(TOKENS, {"name": "x"}, headers=key)
    again = student.post(TOKENS, {"name": "x"}, headers=key)
    assert first.status_code == again.status_code == 201
    assert first.json["id"] == again.json["id"] and "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true" and again.mimetype == "application/json"
    assert count(database, PersonalToken) == before + 1


def test_another_body_under_the_same_key_is_refused(app: Flask, database: Database, cast: Cast) -> None:
    student = api(app, cast.who("A", "student"))
    key = {"Idempotency-Key": "key-1"}
    student.post(TOKENS, {"name": "x"}, headers=key)
    before = count(database, PersonalToken)
    problem(student.post(TOKENS, {"name": "y"}, headers=key), 422, "idempotency_mismatch")
    assert count(database, PersonalToken) == before


def test_a_key_belongs_to_its_person_and_route(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    key = {"Idempotency-Key": "key-1"}
    before = count(sqlite_database, PersonalToken)
    for school in "AB":
        person = cast.who(school, "student")
        assert api(sqlite_app, person).post(TOKENS, {"name": "x"}, headers=key).status_code == 201
        with sqlite_database.read() as session:
            latest = session.scalars(sa.select(PersonalToken).order_by(PersonalToken.id.desc())).first()
        assert latest is not None and latest.person_id == person.id
    assert count(sqlite_database, PersonalToken) == before + 2


def test_a_refused_request_frees_its_key(student: Api, sqlite_database: Database) -> None:
    key = {"Idempotency-Key": "key-1"}
    assert student.post(TOKENS, {"name": ""}, headers=key).status_code == 422
    assert count(sqlite_database, IdempotencyKey) == 0
    assert student.post(TOKENS, {"name": "x"}, headers=key).status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "a" * 101, "键"])
def test_a_malformed_key_is_refused(student: Api, key: str) -> None:
    response = student.post(TOKENS, {"name": "x"}, headers={"Idempotency-Key": key.encode().decode("latin-1")})
    problem(response, 400, "idempotency_key_bad")


def test_two_at_once_make_one(app: Flask, database: Database, cast: Cast) -> None:
    before = count(database, PersonalToken)
    barrier = threading.Barrier(2)
    answers: list[TestResponse] = []

    def send() -> None:
        client = api(app, cast.who("A", "student"))
        barrier.wait()
        answers.append(client.post(TOKENS, {"name": "x"}, headers={"Idempotency-Key": "key-1"}))

    threads = [threading.Thread(target=send) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json["id"] == answers[1].json["id"]
    assert count(database, PersonalToken) == before + 1 and count(database, IdempotencyKey) == 1


def test_a_form_sent_twice_is_done_once(sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast) -> None:
    browser_session(sqlite_client, cast.who("A", "student"))
    before = count(sqlite_database, PersonalToken)
    for _ in range(2):
        form = {"name": "x", "idempotency_key": "form-1"}
        assert post_form(sqlite_client, "/account/tokens", form).status_code == 200
    assert count(sqlite_database, PersonalToken) == before + 1


# --- redirects and headers --------------------------------------------------------------------------------------

ELSEWHERE = [
    "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
    "/\n/evil.example", "javascript:alert(1)", "evil.example", "", " //evil.example", "/x\\..\\\\evil.example",
]  # fmt: skip


@pytest.mark.parametrize("target", ELSEWHERE)
def test_signing_in_leads_nowhere_else(sqlite_client: FlaskClient, cast: Cast, target: str) -> None:
    response = post_form(sqlite_client, "/sign-in", {**CREDENTIALS, "next": target})
    assert response.status_code == 302 and response.headers["Location"] == "/"
    signed_in = sqlite_client.get("/sign-in", query_string={"next": target})
    assert signed_in.status_code == 302 and signed_in.headers["Location"] == "/"


def test_signing_in_leads_back(sqlite_client: FlaskClient, cast: Cast) -> None:
    asked = sqlite_client.get("/courses?q=心理&cursor=x")
    assert asked.status_code == 302
    page = sqlite_client.get(asked.headers["Location"])
    assert page.status_code == 200
    response = post_form(sqlite_client, "/sign-in", {**CREDENTIALS, "next": "/courses?q=a&sort=newest"})
    assert response.headers["Location"] == "/courses?q=a&sort=newest"


def policy(response: TestResponse) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in response.headers["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in parts}


@pytest.mark.parametrize(
    "path", ["/sign-in", "/", "/account", "/notices", "/courses", "/clusters", "/schools", "/nope"]
)
def test_pages_are_strict_about_what_runs(sqlite_client: FlaskClient, cast: Cast, path: str) -> None:
    if path != "/sign-in":
        browser_session(sqlite_client, cast.who("A", "school_admin"))
    response = sqlite_client.get(path)
    assert response.status_code in (200, 404)
    rules = policy(response)
    assert rules["default-src"] == "'self'" and rules["object-src"] == "'none'" and rules["base-uri"] == "'none'"
    assert rules["frame-ancestors"] == "'none'" and rules["form-action"] == "'self'"
    assert "unsafe" not in response.headers["Content-Security-Policy"] and "http" not in str(rules)
    assert response.headers["X-Content-Type-Options"] == "nosniff" and response.headers["X-Frame-Options"] == "DENY"
    html = response.get_data(as_text=True)
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", html) == []
    assert re.findall(r"<style\b|\sstyle=|\son[a-z]+=\"|javascript:", html) == []
    assert re.findall(r"(?:src|href|action)=\"(?:https?:)?//[^\"]*", html) == []


def test_private_answers_are_not_kept(sqlite_client: FlaskClient, student: Api) -> None:
    assert student.get("/me").headers["Cache-Control"] == "no-store"
    assert "no-store" not in sqlite_client.get("/static/zutuan.css").headers.get("Cache-Control", "")


def test_the_cookie_is_guarded(sqlite_client: FlaskClient, cast: Cast) -> None:
    cookie = sqlite_client.post(SESSION, json=CREDENTIALS).headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie


# --- sessions and tokens end ------------------------------------------------------------------------------------


def test_signing_out_ends_the_session_on_the_server(app: Flask, database: Database, cast: Cast) -> None:
    browser = app.test_client()
    browser_session(browser, cast.who("A", "student"))
    thief = app.test_client()
    cookie = browser.get_cookie("zutuan")
    assert cookie is not None
    thief.set_cookie("zutuan", cookie.value)
    assert thief.get("/api/v1/me").status_code == 200
    assert post_form(browser, "/sign-out").status_code == 302
    problem(thief.get("/api/v1/me"), 401, "sign_in_needed")
    assert thief.get("/").headers["Location"].startswith("/sign-in")
    assert count(database, WebSession) == 0


def test_signing_out_everywhere(sqlite_app: Flask, cast: Cast) -> None:
    browsers = [sqlite_app.test_client() for _ in range(3)]
    for each in browsers:
        browser_session(each, cast.who("A", "student"))
    post_form(browsers[0], "/sign-out")
    assert [each.get("/api/v1/me").status_code for each in browsers] == [401, 200, 200]
    post_form(browsers[1], "/sign-out", {"everywhere": "1"})
    assert [each.get("/api/v1/me").status_code for each in browsers] == [401, 401, 401]


def test_a_disabled_person_is_out_at_once(app: Flask, database: Database, cast: Cast) -> None:
    person = cast.who("A", "student")
    browser, program = app.test_client(), api(app, person)
    browser_session(browser, person)
    assert browser.get("/api/v1/me").status_code == program.get("/me").status_code == 200
    with database.engine.begin() as connection:
        connection.execute(sa.update(Person.__table__).where(Person.id == person.id).values(state="disabled"))
    problem(browser.get("/api/v1/me"), 401, "sign_in_needed")
    problem(program.get("/me"), 401, "sign_in_needed")
    problem(browser.post(SESSION, json=CREDENTIALS), 401, "sign_in_failed")


def test_a_revoked_token_stops_working(app: Flask, cast: Cast) -> None:
    student = api(app, cast.who("A", "student"))
    made = student.post(TOKENS, {"name": "x"}).json
    fresh = Api(app, made["token"])
    assert fresh.get("/me").status_code == 200
    assert api(app, cast.who("B", "student")).post(f"{TOKENS}/{made['id']}/revoke").status_code == 404
    assert fresh.post(f"{TOKENS}/{made['id']}/revoke").status_code == 204
    problem(fresh.get("/me"), 401, "sign_in_needed")
    assert student.post(f"{TOKENS}/{made['id']}/revoke").status_code == 404
    assert made["id"] not in [each["id"] for each in student.get(TOKENS).json["items"]]


def test_sessions_and_tokens_run_out(sqlite_app: Flask, cast: Cast, clock: Clock) -> None:
    person = cast.who("A", "student")
    browser, program = sqlite_app.test_client(), api(sqlite_app, person)
    browser_session(browser, person)
    clock.advance(SESSION_LIFE - timedelta(seconds=1))
    assert browser.get("/api/v1/me").status_code == 200
    clock.advance(timedelta(seconds=1))
    assert browser.get("/api/v1/me").status_code == 401 and program.get("/me").status_code == 200
    clock.advance(TOKEN_LIFE)
    assert program.get("/me").status_code == 401


def test_secrets_are_stored_as_hashes_only(sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast) -> None:
    """Neither the tokens nor the sessions can be used by somebody who reads the database."""
    student = api(sqlite_client.application, cast.who("A", "student"))
    key = {"Idempotency-Key": "key-1"}
    token = student.post(TOKENS, {"name": "x"}, headers=key).json["token"]
    assert student.post(TOKENS, {"name": "x"}, headers=key).json["token"] == ""  # shown once
    secret = browser_session(sqlite_client, cast.who("A", "student"))
    with sqlite_database.engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        dump = "\n".join(raw.iterdump())
    assert secret not in dump and token not in dump and PASSWORD not in dump


def test_a_new_sign_in_gets_a_new_session(sqlite_client: FlaskClient, cast: Cast) -> None:
    """A session fixed before signing in is worth nothing after it."""
    sqlite_client.get("/sign-in")
    before = csrf_token(sqlite_client)
    post_form(sqlite_client, "/sign-in", CREDENTIALS)
    problem(sqlite_client.post(TOKENS, json={"name": "x"}, headers={"X-CSRF-Token": before}), 400, "csrf")


# --- the crash nobody planned -----------------------------------------------------------------------------------


def test_a_crash_says_nothing_but_its_number(sqlite_app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def boom(*_args: Any) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr("zutuan.people.services.tokens_of", boom)
    response = api(sqlite_app, cast.who("A", "student")).get(TOKENS)
    problem(response, 500, "internal")
    assert "hunter2" not in response.get_data(as_text=True)
    browser = sqlite_app.test_client()
    browser_session(browser, cast.who("A", "student"))
    page = browser.get("/account")
    assert page.status_code == 500 and page.headers["X-Request-Id"] in page.get_data(as_text=True)


def test_alive_and_ready(client: FlaskClient, database: Database) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").json == {"status": "ok", "checks": {"database": "ok", "storage": "ok"}}
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'old'")
    response = client.get("/readyz")
    assert response.status_code == 503 and response.json["checks"]["database"] == "migration needed"


def test_how_long_the_server_took_is_not_told_unless_asked_for(sqlite_app: Flask, cast: Cast) -> None:
    client = sqlite_app.test_client()
    assert "Server-Timing" not in client.get("/healthz").headers
    runtime = sqlite_app.extensions["zutuan"]
    sqlite_app.extensions["zutuan"] = replace(runtime, config=replace(runtime.config, server_timing=True))
    assert client.get("/healthz").headers["Server-Timing"].startswith("app;dur=")


def test_signing_in_as_somebody_else_ends_the_session_before(
    sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast
) -> None:
    teacher, student = cast.who("A", "teacher"), cast.who("B", "student")
    for person in (teacher, student):
        post_form(sqlite_client, "/sign-in", {"email": person.email, "password": PASSWORD})
    with sqlite_database.read() as session:
        assert session.scalars(sa.select(WebSession.person_id)).all() == [student.id]


def test_what_belongs_to_somebody_else_is_hidden_and_the_look_is_kept(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast
) -> None:
    teacher, student = cast.who("A", "teacher"), cast.who("B", "student")
    with sqlite_database.write() as session:
        token = create_token(session, load_actor(session, session.get_one(Person, teacher.id), NOW), "hers", NOW)[0].id
        notice = Notice(person_id=teacher.id, kind="x", dedupe_key="x", params={}, link="/", created_at=NOW)
        session.add(notice)
        session.flush()
        number = notice.id
    client = sqlite_app.test_client()
    browser_session(client, student)
    assert post_form(client, f"/account/tokens/{token}/revoke").status_code == 404
    assert post_form(client, f"/notices/{number}/open").status_code == 404
    with sqlite_database.read() as session:
        done = session.scalars(sa.select(AuditEvent.action).where(AuditEvent.actor_id == student.id)).all()
    assert {"denied:token.revoke", "denied:notice.read"} <= set(done)
