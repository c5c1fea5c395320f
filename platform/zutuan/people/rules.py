"""Decisions about people: who may grant what, how long a failed sign-in waits, what an e-mail address is."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from zutuan.decision import Refusal

# role granted → (kind of place it is held at, roles that may grant it at the same place or platform-wide)
GRANTS: dict[str, tuple[str, frozenset[str]]] = {
    "librarian": ("school", frozenset({"school_admin"})),
    "secretary": ("school", frozenset({"school_admin", "registrar"})),
    "registrar": ("school", frozenset({"school_admin"})),
    "room_manager": ("school", frozenset({"school_admin"})),
    "school_admin": ("school", frozenset({"school_admin", "platform_admin"})),
    "cluster_admin": ("cluster", frozenset({"cluster_admin", "platform_admin"})),
    "platform_admin": ("platform", frozenset({"platform_admin"})),
}

PRIVACY_VERSION = 1  # of people/privacy.html: a change of its substance is a new version, accepted anew
LONGEST_LEAVE = timedelta(days=190)  # a term and its holidays
FREE_TRIES = 5
LONGEST_WAIT = timedelta(minutes=15)
FORGET_AFTER = timedelta(hours=24)

_EMAIL = re.compile(r"[^@\s]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+")


def check_grant(role: str, place: str) -> Refusal | None:
    """Whether that role can be held at that kind of place (`school`, `department`, `cluster`, `platform`)."""
    if role not in GRANTS:
        return Refusal("role_not_granted", {"role": role})
    expected = GRANTS[role][0]
    if place == expected or (place == "department" and role == "secretary"):
        return None
    return Refusal("role_wrong_place", {"role": role})


def check_dates(from_: datetime, until: datetime | None, now: datetime) -> Refusal | None:
    """Whether a role can be held from then until then."""
    if until is not None and until <= max(from_, now):
        return Refusal("ends_before_start")
    return None


def check_leave(from_: datetime, until: datetime) -> Refusal | None:
    days = LONGEST_LEAVE.days
    return Refusal("leave_too_long", {"days": days}) if until - from_ > LONGEST_LEAVE else None


def may_delegate(role: str, delegated: bool, from_: datetime, until: datetime | None, now: datetime) -> Refusal | None:
    """Whether the holder of an assignment may let somebody else act in it. A delegation is not handed on."""
    if delegated:
        return Refusal("delegation_of_delegation")
    if role == "platform_admin":
        return Refusal("role_not_delegated")
    if not (from_ <= now and (until is None or until > now)):
        return Refusal("role_ended")
    return None


def sign_in_wait(failures: int, last_at: datetime, now: datetime) -> timedelta:
    """How long this account name must wait at this address: none for the first tries, then doubling."""
    if failures < FREE_TRIES or now - last_at > FORGET_AFTER:
        return timedelta(0)
    delay = min(timedelta(seconds=2 ** min(failures - FREE_TRIES, 10)), LONGEST_WAIT)
    return max(last_at + delay - now, timedelta(0))


def normal_email(text: str) -> str | Refusal:
    """The address in the form it is stored and compared in."""
    email = text.strip().lower()
    if len(email) > 254 or not _EMAIL.fullmatch(email):
        return Refusal("bad_email")
    return email
