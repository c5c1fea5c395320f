"""Enrolment's decisions on plain values (design 5): the two tracks, who may move them, and who may enrol."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from zutuan.decision import Refusal

STATES = ("pending", "queued", "offered", "accepted", "denied", "withdrawn", "expired", "completed")
FREEING = ("denied", "withdrawn", "expired")
EVENTS = ("approve", "deny", "withdraw", "expire")
WHO = ("student", "home", "host", "clock")

# How many days a home school may take before the seat is let go, unless its policy says otherwise.
DECIDE_DAYS = 5


@dataclass(frozen=True)
class Tracks:
    """Both sides of one enrolment."""

    home: str
    host: str

    @property
    def holds_seat(self) -> bool:
        return self.home not in FREEING and self.host not in FREEING


# (home state, host state, event, who) → both states after. What is not here is forbidden.
MACHINE: dict[tuple[str, str, str, str], Tracks] = {
    ("pending", "accepted", "approve", "home"): Tracks("accepted", "accepted"),
    ("pending", "accepted", "deny", "home"): Tracks("denied", "accepted"),
    ("pending", "accepted", "withdraw", "student"): Tracks("withdrawn", "withdrawn"),
    ("pending", "accepted", "expire", "clock"): Tracks("expired", "accepted"),
    ("pending", "accepted", "deny", "host"): Tracks("pending", "denied"),
    ("accepted", "accepted", "withdraw", "student"): Tracks("withdrawn", "withdrawn"),
    ("accepted", "accepted", "deny", "host"): Tracks("accepted", "denied"),
}


def combined(tracks: Tracks) -> str:
    """One word for both sides, first match (design 5)."""
    both = (tracks.home, tracks.host)
    for state in FREEING:
        if state in both:
            return state
    if tracks.host in ("queued", "offered"):
        return "waitlisted" if tracks.host == "queued" else "offered"
    if both == ("completed", "completed"):
        return "completed"
    if all(state in ("accepted", "completed") for state in both):
        return "enrolled"
    return "pending"


COMBINED = ("pending", "waitlisted", "offered", "enrolled", "completed", *FREEING)


def step(tracks: Tracks, event: str, who: str) -> Tracks | Refusal:
    """The tracks after the event, or why it is refused: already decided, or not this side's to do."""
    after = MACHINE.get((tracks.home, tracks.host, event, who))
    if after is not None:
        return after
    if not tracks.holds_seat:
        return Refusal("enrolment_over", {"state": combined(tracks)})
    if event in ("approve", "deny") and tracks.home != "pending":
        return Refusal("already_decided", {"state": combined(tracks)})
    return Refusal("not_possible_now", {"state": combined(tracks)})


@dataclass(frozen=True)
class Window:
    """When one may enrol and drop: [opens, closes)."""

    opens: datetime
    closes: datetime


@dataclass(frozen=True)
class Attempt:
    """Everything the rule needs to know of one student and one offering."""

    now: datetime
    window: Window
    offering_state: str
    course_state: str
    teaching_ends: datetime
    is_student: bool
    home_is_host: bool
    in_audience: bool
    already_active: bool
    seats_left: int
    standing: str = "active"


def may_enrol(attempt: Attempt) -> list[Refusal]:
    """Every reason against; empty means: go ahead (the seat itself is the database's word)."""
    checks: list[tuple[bool, Refusal]] = [
        (not attempt.is_student, Refusal("not_a_student")),
        (attempt.is_student and attempt.standing != "active", Refusal("not_in_standing")),
        (attempt.home_is_host, Refusal("own_school_course")),
        (not attempt.in_audience, Refusal("not_shared_with_you")),
        (attempt.offering_state != "published" or attempt.course_state != "published", Refusal("offering_closed")),
        (attempt.now < attempt.window.opens, Refusal("window_not_open", {"opens": attempt.window.opens})),
        (attempt.now >= attempt.window.closes, Refusal("window_closed", {"closes": attempt.window.closes})),
        (attempt.already_active, Refusal("already_enrolled")),
        (attempt.seats_left <= 0, Refusal("seats_gone")),
    ]
    return [refusal for failed, refusal in checks if failed]


def may_decide(now: datetime, decide_by: datetime | None) -> Refusal | None:
    """What lapsed is not approved any more, even before the clock has let go of its seat."""
    return Refusal("lapsed") if decide_by is not None and now >= decide_by else None


def not_ones_own(decider: int, student: int) -> Refusal | None:
    """Nobody decides their own enrolment, whatever roles they hold."""
    return Refusal("own_enrolment") if decider == student else None


def denying_side(tracks: Tracks, sides: Collection[str]) -> str | None:
    """For which of the `sides` somebody may decide for a denial counts: the home side while its word is still open."""
    if "home" in sides and (tracks.home == "pending" or "host" not in sides):
        return "home"
    return "host" if "host" in sides else None


def may_withdraw(now: datetime, teaching_ends: datetime) -> Refusal | None:
    """When the term is over there is nothing to give back."""
    return Refusal("term_over") if now >= teaching_ends else None


def withdrawal_event(now: datetime, window: Window) -> str:
    """Within add/drop it is a drop (退选), after it a withdrawal (退课); both free the seat."""
    return "drop" if now < window.closes else "withdraw"


def decide_by(now: datetime, teaching_ends: datetime, days: int = DECIDE_DAYS) -> datetime:
    """Until when the home school has to answer."""
    return min(now + timedelta(days=days), teaching_ends)
