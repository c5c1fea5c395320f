"""When a class is confirmed or called off, and who may enrol elsewhere then: on plain values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from zutuan.decision import Refusal

RESCUE_DAYS, DECIDE_DAYS = 5, 3
EVENTS = ("confirm", "cancel")
# What a class is, by its numbers and by what was decided: `waiting` is what somebody has to decide now.
STANDINGS = ("waiting", "open", "reached", "unlimited", "confirmed", "cancelled", "over")


@dataclass(frozen=True)
class Class:
    """One offering. `enrolled`: accepted by both schools; `pending`: a seat is held or asked for, and a word awaited. `closes`: the end
    of its last round; `ends`: of its teaching; `graded`: grades of it are confirmed."""

    state: str
    minimum: int | None
    enrolled: int
    pending: int
    closes: datetime
    ends: datetime
    decided: bool = False
    graded: bool = False

    @property
    def reached(self) -> bool:
        """With who is certain: a seat that waits for its school may still be given back."""
        return self.minimum is not None and self.enrolled >= self.minimum


def standing(one: Class, now: datetime) -> str:
    """Which of `STANDINGS` it is. Who has reached the minimum stands without anybody's hand."""
    if one.decided:
        return "cancelled" if one.state == "cancelled" else "confirmed"
    if one.minimum is None:
        return "unlimited"
    if one.reached:
        return "reached"
    if now < one.closes:
        return "open"
    return "waiting" if now < one.ends else "over"


def may_confirm(one: Class, now: datetime) -> Refusal | None:
    """Only what waits for a decision is confirmed."""
    against = {
        "unlimited": Refusal("no_minimum"),
        "reached": Refusal("minimum_reached", {"minimum": one.minimum, "n": one.enrolled}),
        "open": Refusal("decided_too_early", {"at": one.closes}),
    }
    return _against(one, now) or against.get(standing(one, now))


def may_cancel(one: Class, now: datetime) -> Refusal | None:
    """At any time of its teaching, whatever its numbers, as long as it was not confirmed and nothing in it is graded."""
    return _against(one, now) or (Refusal("offering_graded") if one.graded else None)


def _against(one: Class, now: datetime) -> Refusal | None:
    if one.decided:
        return Refusal("class_cancelled" if one.state == "cancelled" else "class_confirmed")
    if one.state != "published":
        return Refusal("class_not_published")
    return Refusal("teaching_over") if now >= one.ends else None


def decide_by(closes: datetime, ends: datetime, days: int) -> datetime:
    """Until when the host should have decided."""
    return min(closes + timedelta(days=days), ends)


def rescue_until(now: datetime, ends: datetime, days: int) -> datetime:
    """Until when the class's students may enrol elsewhere."""
    return min(now + timedelta(days=days), ends)


@dataclass(frozen=True)
class Lost:
    """A seat lost at an instant, and until when its student may look for another."""

    at: datetime
    until: datetime
    enrolment_id: int = 0


Found = tuple[datetime, int]


def made_good(lost: Iterable[Lost], found: Iterable[Found]) -> list[tuple[Lost, int | None]]:
    """Each lost seat with what is in its place: the first seat (`found`: when it was asked for, and the enrolment) taken
    after it, which makes good no second one; None: nothing yet. A seat that was lost in its turn is among `found` too: it
    stands in the place of the first, and only its own loss is still to be made good."""
    free = sorted(found)
    result: list[tuple[Lost, int | None]] = []
    for each in sorted(lost, key=lambda one: (one.at, one.until, one.enrolment_id)):
        instead = next((one for one in free if one[0] >= each.at and one[1] != each.enrolment_id), None)
        if instead is not None:
            free.remove(instead)
        result.append((each, instead[1] if instead else None))
    return result


def open_until(lost: Iterable[Lost], found: Iterable[Found], now: datetime) -> datetime | None:
    """补选窗口: until when the student may enrol although enrolling is over; None: no longer, or no seat is missing."""
    missing = (each for each, instead in made_good(lost, found) if instead is None)
    return max((each.until for each in missing if now < each.until), default=None)
