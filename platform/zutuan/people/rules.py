"""Decisions about people: who may grant what, how long a failed sign-in waits, what an e-mail address is."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
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
NUMBER_LENGTH = 40  # of a 学工号
FURTHEST_END = timedelta(days=366)
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


def may_hold_a_role(state: str, activated: bool, name: str) -> Refusal | None:
    """Whether an account can be given a role: it works, and its owner has opened it."""
    if state != "active":
        return Refusal("account_state")
    return None if activated else Refusal("role_before_activation", {"name": name})


# --- an affiliation's end ---------------------------------------------------------------------------------------


def check_affiliation_end(from_: datetime, until: datetime | None, at: datetime, now: datetime) -> Refusal | None:
    """Whether an affiliation can be ended at that instant: what has ended stays as it was, a planned end may move."""
    if until is not None and until <= now:
        return Refusal("affiliation_ended")
    if at < max(from_, now):
        return Refusal("ends_in_the_past")
    return Refusal("more_than_a_year") if at > now + FURTHEST_END else None


def kept_until(closed_at: datetime, years: int) -> datetime:
    """The instant so many years later; what was closed on the 29th of February is kept to the 28th of a plain year."""
    try:
        return closed_at.replace(year=closed_at.year + years)
    except ValueError:
        return closed_at.replace(year=closed_at.year + years, day=28)


def number_after(number: str, school: str, taken: Collection[str]) -> str | None:
    """A 学工号 at the school that takes the person's own over: the same, or where that is somebody else's already, with
    the old school behind it; None where that cannot be either."""
    if number not in taken:
        return number
    longer = f"{number}-{school}"
    return longer if len(longer) <= NUMBER_LENGTH and longer not in taken else None


# --- two persons that are one -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Account:
    """A person as the merge looks at them. `activated`: the owner has set a password."""

    id: int
    state: str
    email: str | None = None
    activated: bool = False
    demonstration: bool = False


def may_merge(kept: Account, gone: Account, actor_id: int) -> Refusal | None:
    """Whether `gone` can become a tombstone that points to `kept`; nobody decides that about themselves."""
    if kept.id == gone.id:
        return Refusal("merge_same")
    if actor_id in (kept.id, gone.id):
        return Refusal("merge_oneself")
    if kept.state != "active" or gone.state not in ("active", "disabled"):
        return Refusal("merge_state")
    return Refusal("merge_demonstration") if kept.demonstration != gone.demonstration else None


def sign_in_after(kept: Account, gone: Account) -> tuple[str | None, int]:
    """(address, whose password) of the merged account. The survivor's sign-in stays; where nobody has ever opened the
    survivor's, the other's does. An address that its owner has not proved never joins an account that is in use."""
    if kept.activated:
        return kept.email or (gone.email if gone.activated else None), kept.id
    if gone.activated:
        return gone.email, gone.id
    return kept.email or gone.email, kept.id


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
