"""Talking to the application as one of the cast: through the API with a token, or as a browser with a cookie."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from support.cast import Player
from werkzeug.test import TestResponse

from drill.client import Api
from zutuan.clock import clock
from zutuan.people.models import Person
from zutuan.people.rules import PRIVACY_VERSION
from zutuan.people.signing_in import open_session


def api(app: Flask, person: Player | None) -> Api:
    """The API as this person sees it; None is nobody."""
    return Api(app, person.token if person else None)


def browser_session(client: FlaskClient, person: Player) -> str:
    """Sign the client in with a cookie, without hashing a password; answers the session's secret."""
    with client.application.extensions["zutuan"].database.write() as session:
        secret = open_session(session, person.id, clock.now())
        session.get_one(Person, person.id).privacy_version = PRIVACY_VERSION
    with client.session_transaction() as cookie:
        cookie["sid"] = secret
    return secret


def csrf_token(client: FlaskClient) -> str:
    """The token that the client's pages carry in their forms."""
    with client.session_transaction() as cookie:
        raw = cookie.setdefault("csrf_token", secrets.token_hex(20))
    signer = URLSafeTimedSerializer(client.application.secret_key or "", salt="wtf-csrf-token")
    token = signer.dumps(raw)
    return token.decode() if isinstance(token, bytes) else token


def post_form(client: FlaskClient, path: str, data: dict[str, Any] | None = None, **kw: Any) -> TestResponse:
    """Submit a form as a page would, CSRF token and all."""
    return client.post(path, data={"csrf_token": csrf_token(client), **(data or {})}, **kw)
