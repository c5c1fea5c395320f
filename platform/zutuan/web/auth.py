"""Who is signed in: a cookie session or a personal token, through Flask-Login; deny by default; CSRF for cookies only."""

from __future__ import annotations

from flask import Flask, current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user
from flask_wtf.csrf import CSRFProtect

from zutuan.clock import clock
from zutuan.errors import Refused, Unauthenticated, Unmeasured
from zutuan.people.rules import PRIVACY_VERSION
from zutuan.people.services import actor_of_session, actor_of_token
from zutuan.sharing.actor import Actor
from zutuan.web import receiving
from zutuan.web.requests import SAFE, is_api, reading

csrf = CSRFProtect()


class SignedIn(UserMixin):
    """What Flask-Login calls the user: the actor of this request."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor

    def get_id(self) -> str:
        return str(self.actor.person_id)


def bearer() -> str | None:
    """The personal token of the request. With one, the cookie is ignored and CSRF does not apply."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def _load(_request: object) -> SignedIn | None:
    request_id = g.get("request_id", "")
    token = bearer()
    if token is not None:
        actor = actor_of_token(reading(), token, clock.now(), request_id)
    elif "sid" in session:
        actor = actor_of_session(reading(), session["sid"], clock.now(), request_id)
    else:
        actor = None
    g.signed_in_actor = actor
    return SignedIn(actor) if actor else None


def _gate() -> None:
    """Nothing answers nobody, but for the reviewed list (`Feature.public`) and addresses that do not exist."""
    if request.routing_exception is not None:
        return
    if request.method not in SAFE and request.content_length is None and "Transfer-Encoding" in request.headers:
        raise Unmeasured  # a body of unknown length would be cut at the limit instead of refused
    _let_large_bodies_in()
    public = request.endpoint in current_app.extensions["zutuan"].public
    open_to_all = request.method in SAFE or (request.method, request.endpoint) in _NO_CSRF
    if not (public and (open_to_all or not is_api())) and not current_user.is_authenticated:
        raise Unauthenticated  # of an address that several methods share, only the reviewed one is open
    if receiving.is_streamed():
        receiving.begin()
    _tie_hands()
    if not open_to_all and bearer() is None:
        csrf.protect()


# What somebody who only looks as another person may still do: stop looking.
_NOT_SHOWN = frozenset(
    {
        "own.export", "keys.slips", "keys.slips_xlsx", "files.download", "api-files.FileContent", "papers.file",
        "papers.bundle", "imports.failed",
    }
)  # fmt: skip
_UNTIED = frozenset({"staff.stop_viewing", "people.sign_out", "web.language"})


def _tie_hands() -> None:
    """Who looks at the pages as somebody else changes nothing, and takes nothing that is only theirs."""
    looks = getattr(current_user, "actor", None)
    if looks is None or looks.really is None:
        return
    if (request.method not in SAFE and request.endpoint not in _UNTIED) or request.endpoint in _NOT_SHOWN:
        raise Refused("viewing_only")


# Answered before the privacy notice has been accepted: reading it, leaving, and what is no page.
_BEFORE_PRIVACY = frozenset({"own.privacy", "own.accept", "people.sign_out", "web.language", "static", "notices.bell"})


def _privacy_first() -> ResponseReturnValue | None:
    """Pages wait until their reader has accepted the privacy notice as it is now (programs have no page to read it on)."""
    asks = request.method == "GET" and not is_api() and bearer() is None and request.endpoint not in _BEFORE_PRIVACY
    public = request.endpoint in current_app.extensions["zutuan"].public or request.routing_exception is not None
    if not asks or public:  # before asking who it is: a static file needs no database
        return None
    who = getattr(current_user, "actor", None)
    if who is None or who.really is not None or who.privacy_version >= PRIVACY_VERSION:
        return None
    return redirect(url_for("own.privacy", next=request.full_path.rstrip("?")))


def _let_large_bodies_in() -> None:
    """Before anything reads the form: where files are handed in, the body may be larger than elsewhere."""
    limit = current_app.extensions["zutuan"].bodies.get(request.endpoint)
    if limit is not None:
        request.max_content_length = limit


# Signing in by API has no cookie yet; it takes application/json only, which no foreign form can send.
_NO_CSRF = frozenset({("POST", "api-session.Session")})


def start_cookie(secret: str) -> None:
    """A fresh cookie for a fresh session: nothing of the one before stays but the language."""
    lang = session.get("lang")
    session.clear()
    g.pop("csrf_token", None)
    session["sid"] = secret
    if lang:
        session["lang"] = lang


def end_cookie() -> None:
    lang = session.get("lang")
    session.clear()
    if lang:
        session["lang"] = lang


def safe_next(target: str | None, default: str) -> str:
    """A path of ours, never another site's, and short enough for an address."""
    if not target or len(target) > 2000 or not target.startswith("/") or target.startswith(("//", "/\\")):
        return default
    return default if any(ord(char) < 32 for char in target) or "\\" in target else target


def is_loopback() -> bool:
    return request.remote_addr in ("127.0.0.1", "::1")


def register(app: Flask) -> None:
    manager = LoginManager(app)
    manager.session_protection = None  # sessions are rows of ours, not Flask-Login's cookie
    manager.request_loader(_load)
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False)
    csrf.init_app(app)
    app.before_request(_gate)
    app.before_request(_privacy_first)


__all__ = ["Actor", "is_api", "register"]
