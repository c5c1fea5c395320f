"""Attendance: what may be marked when, which word stands, and what it comes to. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from zutuan.decision import FieldError, Refusal

STATUSES = ("present", "late", "absent", "leave")
# How a mark came about. A scan never changes the teacher's word; it takes the place of a leave that was not used.
SOURCES = ("teacher", "scan", "leave")
LEAVE_STATES = ("asked", "accepted", "refused", "withdrawn")
# Minutes before a meeting and after its end in which one may sign in, minutes after which one is late, seconds of a code.
BEFORE, AFTER, LATE, CODE_SECONDS = 15, 10, 10, 90
FOUR_PLACES = Decimal("0.0001")
_KEY = re.compile(r"([a-z_]{1,20})-([1-9][0-9]{0,17})-([0-9]{1,4})-([0-9])-([0-9]{1,2})")


class Key(NamedTuple):
    """Which meeting of a class: the same wherever a changed calendar or a 调课 has moved it, and whatever row of the book
    holds it now."""

    source_type: str
    source_id: int
    week: int
    weekday: int
    period: int

    def __str__(self) -> str:
        return "-".join(str(part) for part in self)


def read_key(text: str) -> Key | None:
    """The key in an address; None for anything else."""
    match = _KEY.fullmatch(text)
    return Key(match[1], *(int(part) for part in match.groups()[1:])) if match else None


@dataclass(frozen=True)
class Window:
    """How long around a meeting one may sign in, and from when on one is late."""

    before: timedelta = timedelta(minutes=BEFORE)
    after: timedelta = timedelta(minutes=AFTER)
    late: timedelta = timedelta(minutes=LATE)


def may_mark(starts: datetime, now: datetime, window: Window) -> Refusal | None:
    """What lies ahead cannot be marked; a teacher may begin when the students may sign in."""
    opens = starts - window.before
    return Refusal("meeting_ahead", {"at": opens}) if now < opens else None


def may_check_in(starts: datetime, ends: datetime, now: datetime, window: Window) -> Refusal | None:
    if now < starts - window.before:
        return Refusal("check_in_ahead", {"at": starts - window.before})
    return Refusal("check_in_over", {"at": ends + window.after}) if now >= ends + window.after else None


def signed_in(starts: datetime, now: datetime, window: Window) -> str:
    """What somebody who signs in now is."""
    return "late" if now > starts + window.late else "present"


def expected(since: datetime, ends: datetime) -> bool:
    """Whether somebody enrolled since then could have been at a meeting that ended then."""
    return since < ends


def check_marks(
    rows: Sequence[Mapping[str, Any]], on_list: Collection[int], after: Collection[int]
) -> list[FieldError]:
    """What stands against these marks, each named by its row. `on_list`: enrolments that are marked in this meeting;
    `after`: those that began only after it."""
    errors, seen = [], set[int]()
    for number, row in enumerate(rows):
        field, id_ = f"marks.{number}.enrolment_id", row["enrolment_id"]
        if id_ in seen:
            errors.append(FieldError(field, "marked_twice"))
        elif id_ in after:
            errors.append(FieldError(field, "enrolled_after_meeting"))
        elif id_ not in on_list:
            errors.append(FieldError(field, "not_on_roster"))
        seen.add(id_)
    return errors


def rate(statuses: Mapping[str, int]) -> Decimal | None:
    """Of the meetings that were marked the share one attended, late or not; a leave counts for neither. None: nothing
    counts yet."""
    there = statuses.get("present", 0) + statuses.get("late", 0)
    counted = there + statuses.get("absent", 0)
    return (Decimal(there) / counted).quantize(FOUR_PLACES, ROUND_HALF_UP) if counted else None


def counted(marks: Iterable[tuple[int, str]]) -> dict[int, Counter[str]]:
    """Enrolment → how often each status."""
    found: dict[int, Counter[str]] = {}
    for enrolment_id, status in marks:
        found.setdefault(enrolment_id, Counter())[status] += 1
    return found


# state × event → state; whose event it is stands in the permission table
_LEAVE = {
    ("asked", "accept"): "accepted",
    ("asked", "refuse"): "refused",
    ("asked", "withdraw"): "withdrawn",
    ("accepted", "withdraw"): "withdrawn",
}
LEAVE_EVENTS = ("accept", "refuse", "withdraw")


def leave_after(state: str, event: str) -> str | Refusal:
    return _LEAVE.get((state, event)) or Refusal("leave_decided")


def may_ask_leave(
    starts: datetime, ends: datetime, since: datetime, now: datetime, latest: timedelta
) -> Refusal | None:
    """Before the meeting, or (ill) some days after it; not for one before one was enrolled."""
    if not expected(since, ends):
        return Refusal("enrolled_after_meeting")
    return Refusal("leave_too_late", {"days": latest.days}) if now > ends + latest else None
