"""The code that students scan in class: which meeting, and until when. It is signed, so nobody makes their own, and short
lived, so that it is of no use to whoever is sent a picture of it later."""

from __future__ import annotations

from datetime import datetime, timedelta

from itsdangerous import BadData, URLSafeSerializer

from courses.rosters.rules import Key, read_key
from zutuan.errors import NotFound, Refused

_SALT = "zutuan attendance"


def sign(secret: str, offering_id: int, key: Key, now: datetime, seconds: int) -> str:
    until = int((now + timedelta(seconds=seconds)).timestamp())
    return str(URLSafeSerializer(secret, salt=_SALT).dumps([offering_id, str(key), until]))


def read(secret: str, code: str) -> tuple[int, Key, int]:
    """(offering, meeting, until when as seconds since 1970). Raises NotFound for what we have not signed."""
    try:
        offering_id, text, until = URLSafeSerializer(secret, salt=_SALT).loads(code)
    except (BadData, ValueError, TypeError) as error:
        raise NotFound from error
    key = read_key(text)
    if key is None:
        raise NotFound
    return offering_id, key, until


def insist_fresh(until: int, now: datetime) -> None:
    if now.timestamp() > until:
        raise Refused("check_in_code_over")
