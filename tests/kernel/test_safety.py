"""Headers, cookies, redirects, limits: what keeps a browser and its person safe."""

from __future__ import annotations

import re
import time
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from conftest import make_app
from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from support.cast import PASSWORD, Cast
from support.http import api, browser_session

from zutuan.app import FEATURES
from zutuan.db import Database
from zutuan.web.auth import safe_next
from zutuan.web.limits import Limits

ROOT = Path(__file__).parents[2]
SITE = "https://zutuan.example.cn"


@pytest.fixture
def https(sqlite_database: Database, tmp_path: Path) -> Flask:
    """As in production, behind a proxy that ends TLS."""
    return make_app(
        sqlite_database, tmp_path, mode="production", url=SITE, trusted_proxies=1, access_logs=tmp_path / "access"
    )


# --- headers and cookies ----------------------------------------------------------------------------------------


def test_cookies_behind_tls_are_bound_to_the_host(https: Flask, cast: Cast) -> None:
    client, who = https.test_client(), cast.who("A", "student")
    proxy = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "10.1.2.3", "X-Forwarded-Host": "evil.example"}
    sent = {"json": {"email": who.email, "password": PASSWORD}, "headers": {**proxy, "Host": "evil.example"}}
    answer = client.post("/api/v1/session", **sent)  # type: ignore[arg-type]
    cookies = answer.headers.getlist("Set-Cookie")
    assert answer.status_code == 200 and any(cookie.startswith("__Host-zutuan=") for cookie in cookies)
    for cookie in cookies:
        parts = {part.strip().partition("=")[0].lower() for part in cookie.split(";")[1:]}
        assert cookie.startswith("__Host-") and {"secure", "httponly", "path", "samesite"} <= parts
        assert "domain" not in parts and "Path=/;" in cookie + ";"
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert "evil" not in str(answer.headers)


def test_hsts_does_not_depend_on_the_proxys_own_connection(https: Flask) -> None:
    assert "Strict-Transport-Security" in https.test_client().get("/sign-in").headers


def test_without_https_nothing_promises_it(sqlite_app: Flask) -> None:
    assert "Strict-Transport-Security" not in sqlite_app.test_client().get("/sign-in").headers


@pytest.mark.parametrize("path", ["/sign-in", "/static/app.js", "/api/openapi.json", "/api/v1/me", "/nope", "/healthz"])
def test_every_answer_is_strict(sqlite_app: Flask, path: str) -> None:
    headers = sqlite_app.test_client().get(path).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-src"] == policy["worker-src"] == policy["frame-ancestors"] == "'none'"
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"] and "geolocation=()" in headers["Permissions-Policy"]


def test_templates_hold_nothing_inline_and_mark_nothing_safe() -> None:
    """What the policy would refuse is not written, and what would let people's words be HTML is not either."""
    templates = [path for top in ("platform", "courses") for path in (ROOT / top).rglob("templates/**/*.html")]
    bad = re.compile(
        r"<style\b|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|javascript:|\bhx-on|\|\s*safe\b|autoescape|(src|href)=.https?://(?!beian\.)"
    )
    assert len(templates) > 30
    assert [f"{path.name}: {m[0]}" for path in templates for m in bad.finditer(path.read_text(encoding="utf-8"))] == []


def test_python_marks_nothing_safe_but_what_it_made() -> None:
    allowed = {"platform/zutuan/web/texts.py", "platform/zutuan/web/translations.py", "platform/zutuan/web/home.py"}
    sources = [path for top in ("platform", "courses") for path in (ROOT / top).rglob("*.py")]
    uses = {path.relative_to(ROOT).as_posix() for path in sources if re.search(r"\bMarkup\(", path.read_text())}
    assert uses <= allowed, uses - allowed


# --- redirects --------------------------------------------------------------------------------------------------

_PIECES = st.sampled_from(
    ["/", "//", "\\", "\t", "\n", "\r", "\x00", ".", "..", "@", ":", "evil.example", "https:", "javascript:", "%2f", "%5c",
     "%09", "?", "#", ";", "&", "a", " ", "\u3000", "\uff0f", "\u2044", "\ufeff", "\u202e", "[", "]"]
)  # fmt: skip


def as_browsers_do(target: str) -> str:
    """WHATWG: tabs and line ends vanish, ends are trimmed, a backslash is a slash."""
    return target.strip("".join(map(chr, range(33)))).translate({9: None, 10: None, 13: None}).replace("\\", "/")


@given(st.one_of(st.lists(_PIECES, max_size=7).map("".join), st.text(max_size=40)))
@example("/\t/evil.example")
@example("/\\evil.example")
@example("/./\\evil.example")
@example("//evil.example")
@example("https://evil.example")
@example("/@evil.example")
def test_next_never_leads_elsewhere(target: str) -> None:
    found = safe_next(target, "/home")
    assert found.startswith("/") and not found.startswith(("//", "/\\"))
    landed = urlsplit(urljoin(SITE + "/sign-in", as_browsers_do(found)))
    assert f"{landed.scheme}://{landed.netloc}" == SITE


def test_a_path_of_ours_is_kept() -> None:
    for target in ("/", "/courses?q=a&sort=newest#x", "/courses/1", "/a//b"):
        assert safe_next(target, "/home") == target


# --- how often --------------------------------------------------------------------------------------------------


def test_one_person_too_often_waits_and_nobody_else(sqlite_database: Database, tmp_path: Path, cast: Cast) -> None:
    app = make_app(sqlite_database, tmp_path, requests_per_minute=5)
    student, neighbour = api(app, cast.who("A", "student")), api(app, cast.who("A", "teacher"))
    assert {student.get("/me").status_code for _ in range(5)} == {200}
    refused = student.get("/me")
    assert refused.status_code == 429 and refused.mimetype == "application/problem+json"
    assert refused.json["code"] == "too_many" and 1 <= int(refused.headers["Retry-After"]) <= 61
    assert neighbour.get("/me").status_code == 200
    browser = app.test_client()
    browser_session(browser, cast.who("A", "student"))
    page = browser.get("/account")
    assert page.status_code == 429 and "Retry-After" in page.headers and page.mimetype == "text/html"
    assert browser.get("/static/app.js").status_code == browser.get("/healthz").status_code == 200


def test_three_hundred_behind_one_address_sign_in(sqlite_database: Database, tmp_path: Path, cast: Cast) -> None:
    """Who is nobody yet is never counted: a campus has one address."""
    app = make_app(sqlite_database, tmp_path, requests_per_minute=5)
    assert {app.test_client().get("/sign-in").status_code for _ in range(300)} == {200}


def test_tests_and_demo_have_no_limit_unless_asked(sqlite_app: Flask, cast: Cast) -> None:
    names = {getattr(hook, "__qualname__", "") for hook in sqlite_app.before_request_funcs[None]}
    assert not any("limits" in name or name.endswith("register.<locals>.ask") for name in names)


def test_a_dead_redis_stops_nobody_for_long() -> None:
    limits = Limits(3, "redis://127.0.0.1:9")
    started = time.monotonic()
    assert [limits.seconds_to_wait(1) > 0 for _ in range(5)] == [False, False, False, True, True]
    assert time.monotonic() - started < 2, "asked once, then left alone for a while"


# --- the foot of the page ---------------------------------------------------------------------------------------


def test_the_filing_numbers_stand_at_the_foot(sqlite_database: Database, tmp_path: Path, cast: Cast) -> None:
    app = make_app(sqlite_database, tmp_path, icp="皖ICP备12345678号-1", psb="皖公网安备 34010402700001号")
    client = app.test_client()
    for path in ("/sign-in", "/account"):
        if path == "/account":
            browser_session(client, cast.who("A", "student"))
        page = client.get(path).text
        assert (
            '<a href="https://beian.miit.gov.cn/" target="_blank" rel="noopener noreferrer">皖ICP备12345678号-1</a>'
            in page
        )
        assert "https://beian.mps.gov.cn/#/query/webSearch?code=34010402700001" in page and "皖公网安备" in page


def test_without_numbers_the_foot_is_empty(sqlite_app: Flask) -> None:
    page = sqlite_app.test_client().get("/sign-in").text
    assert "beian" not in page and re.search(r'<footer class="foot[^>]*></footer>', page)  # an empty foot takes no room


def test_a_secret_in_an_address_is_not_logged(sqlite_database: Database, tmp_path: Path, cast: Cast) -> None:
    app = make_app(sqlite_database, tmp_path)

    @app.get("/feed/<secret>/<id:number>")
    def feed(secret: str, number: int) -> str:
        return "x"

    with capture_logs() as logs:
        app.test_client().get("/feed/verysecret/7")
        app.test_client().get("/schools/7")
    assert [line["path"] for line in logs] == ["/feed/<secret>/<id:number>", "/schools/7"]


def test_features_open_no_door_without_review() -> None:
    """`Feature.public` is what test_deny_by_default reviews; operations opens exactly one."""
    assert {name for f in FEATURES if f.name == "operations" for name in f.public} == {"operations.show"}
