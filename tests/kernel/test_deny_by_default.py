"""Nothing answers nobody: every address and method of the application is tried without signing in."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask
from support.cast import Cast
from support.everything import one_of_each
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from zutuan.db import Database

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

# Reviewed: who adds a line here opens a door to everyone. (GET speaks for HEAD and OPTIONS too.)
PUBLIC = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),  # for this machine and whoever has the token: test_metrics.py
    ("GET", "/static/<path:filename>"),
    ("GET", "/api/openapi.json"),
    ("GET", "/sign-in"),
    ("GET", "/verify"),
    ("GET", "/verify/<number>"),  # the paper of that number, and nothing but what it shows
    ("POST", "/sign-in"),
    ("POST", "/demo/sign-in"),
    ("POST", "/language"),
    ("GET", "/activate"),  # with a slip of paper
    ("POST", "/activate"),
    ("GET", "/privacy"),  # what the platform keeps is nobody's secret
    ("GET", "/forgot"),
    ("POST", "/forgot"),
    # A mailed link is open too: GET /key/<secret> says 404 to one that does not work, as `refused` wants it.
    ("POST", "/key/<secret>"),
    ("POST", "/api/v1/session"),
}
# What the open doors say to somebody who brings nothing along.
SAYS = {
    ("GET", "/verify/<number>"): 404,
    ("POST", "/sign-in"): 400,  # no CSRF token
    ("POST", "/demo/sign-in"): 400,
    ("POST", "/language"): 400,
    ("POST", "/activate"): 400,
    ("POST", "/forgot"): 400,
    ("POST", "/key/<secret>"): 400,
    ("POST", "/api/v1/session"): 422,
}


def address(app: Flask, rule: Rule) -> str:
    """The rule with its variables filled in: ids that exist, a file that exists."""
    values: dict[str, object] = {}
    for name in rule.arguments:
        converter = rule._converters[name]
        choices = getattr(converter, "items", None)
        values[name] = sorted(choices)[0] if choices else ("zutuan.css" if name == "filename" else 1)
    built = rule.build(values)
    assert built is not None
    return built[1]


def refused(response: TestResponse) -> bool:
    """401 for programs; for people a redirect to the sign-in page; or nothing is there."""
    if response.status_code in (401, 404, 405):
        return "X-Robots-Tag" not in response.headers  # the open door that checks papers says 404 itself
    return response.status_code == 302 and response.headers["Location"].split("?")[0] == "/sign-in"


def attempts(app: Flask) -> Iterator[tuple[str, str, TestResponse]]:
    client = app.test_client(use_cookies=False)
    for rule in app.url_map.iter_rules():
        path = address(app, rule)
        for method in METHODS:
            yield method, rule.rule, client.open(path, method=method)


def test_nobody_gets_no_answer(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    with sqlite_database.write() as session:
        one_of_each(session, cast)
    answered: dict[tuple[str, str], int] = {}
    tried = 0
    for method, rule, response in attempts(sqlite_app):
        tried += 1
        if not refused(response) and method not in ("HEAD", "OPTIONS"):
            answered[method, rule] = response.status_code
        if method in ("HEAD", "OPTIONS"):
            is_public = any(open_rule == rule for _method, open_rule in PUBLIC)
            assert refused(response) or is_public, (method, rule, response.status_code)
            assert response.data == b"" or refused(response), (method, rule)
    assert tried > 200
    assert answered == {key: SAYS.get(key, 200) for key in PUBLIC}


def test_a_refusal_is_the_same_whether_or_not_the_thing_exists(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast
) -> None:
    with sqlite_database.write() as session:
        one_of_each(session, cast)
    client = sqlite_app.test_client(use_cookies=False)
    for rule in sqlite_app.url_map.iter_rules():
        path = address(sqlite_app, rule)
        if "/1" in path and rule.endpoint != "papers.verify":
            there, absent = client.get(path), client.get(path.replace("/1", "/987654321"))
            assert there.status_code == absent.status_code and refused(there), path


def test_a_forged_identity_is_nobody(sqlite_app: Flask, cast: Cast) -> None:
    client = sqlite_app.test_client(use_cookies=False)
    student = cast.who("A", "student")
    for value in (
        "Bearer ",
        "Bearer zt_wrong",
        "Bearer " + student.token[:-1],
        "Basic " + student.token,
        student.token,
    ):
        assert client.get("/api/v1/me", headers={"Authorization": value}).status_code == 401, value
    client = sqlite_app.test_client()
    client.set_cookie("zutuan", "eyJzaWQiOiJ4In0.aaaaaa.forged")
    assert client.get("/api/v1/me").status_code == 401
