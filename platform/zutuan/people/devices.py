"""The mark a browser keeps of the accounts that have signed in with it: it waits only for its own mistakes."""

from __future__ import annotations

import secrets
from typing import cast

from flask import Response, after_this_request, current_app, request
from itsdangerous import BadSignature, URLSafeSerializer

from zutuan.people.throttle import Origin

COOKIE = "zutuan-device"
LIFE = 400 * 24 * 3600  # seconds; browsers keep none longer
MOST = 5  # accounts of one browser


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(cast(str, current_app.secret_key), salt="device")


def _name() -> str:
    return f"__Host-{COOKIE}" if current_app.config["SESSION_COOKIE_SECURE"] else COOKIE


def _known() -> list[tuple[str, str]]:
    try:
        found = _signer().loads(request.cookies.get(_name(), ""))
    except BadSignature:
        return []
    return [(str(account), str(mark)) for account, mark in found][:MOST]


def origin() -> Origin:
    """Where this request's sign-in comes from."""
    return Origin(request.remote_addr or "", tuple(_known()))


def remember(account: str) -> None:
    """This browser has signed in to that account: from now on it has a count of its own there."""
    known = _known()
    if account in dict(known):
        return
    value = _signer().dumps([(account, secrets.token_urlsafe(12)), *known][:MOST])

    @after_this_request
    def _set(response: Response) -> Response:
        response.set_cookie(
            _name(),
            value,
            max_age=LIFE,
            httponly=True,
            samesite="Lax",
            secure=current_app.config["SESSION_COOKIE_SECURE"],
        )
        return response
