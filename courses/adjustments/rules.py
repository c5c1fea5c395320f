"""What may become of a meeting, and who may do what to a request: plain values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from zutuan.clock import local
from zutuan.decision import FieldError, Refusal

KINDS = ("move", "cancel", "make_up", "substitute")
STATES = ("asked", "approved", "denied", "withdrawn")
LIVE = ("asked", "approved")  # of one meeting there is one of these at most
LONGEST = timedelta(hours=12)
EXAM_WEEKS = timedelta(weeks=2)  # classes may still be held so long after the last week of teaching
READS_AFTER = timedelta(days=14)  # whoever stood in reads the roster for so long after the meeting

Span = tuple[datetime, datetime]

# (state, event, who) → state; `teacher`: who asked and those who teach the course, `registrar`: the host school's
MACHINE: Mapping[tuple[str, str, str], str] = {
    ("asked", "approve", "registrar"): "approved",
    ("asked", "deny", "registrar"): "denied",
    ("asked", "withdraw", "teacher"): "withdrawn",
    ("approved", "withdraw", "registrar"): "withdrawn",
}
EVENTS = ("approve", "deny", "withdraw")


def step(state: str, event: str, who: str) -> str | Refusal:
    """The state after the event, or why it is refused."""
    after = MACHINE.get((state, event, who))
    if after is not None:
        return after
    if state in ("denied", "withdrawn") or event in ("approve", "deny"):
        return Refusal("adjustment_decided", {"state": state})
    return Refusal("adjustment_stands" if state == "approved" else "adjustment_waits")


def may_decide(decider: int, asker: int | None, teachers: Collection[int]) -> Refusal | None:
    """A registrar who teaches the class does not decide what they asked for themselves."""
    return Refusal("own_adjustment") if decider == asker and decider in teachers else None


# --- what may be asked ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Held:
    """A meeting of the pattern as the book has it."""

    starts: datetime
    ends: datetime
    active: bool = True


@dataclass(frozen=True)
class Wish:
    """What is asked, with all that the rules need to know. `meeting`: the one it is about, as it stands in the book; None:
    there is no such meeting. `named`: a make-up names the meeting it is for. `taken`: something is already asked or
    decided of it. [opens, closes) is the term of teaching; `own`: the class's other meetings and exams; `elsewhere`: the
    place differs from the usual one."""

    kind: str
    now: datetime
    opens: datetime
    closes: datetime
    meeting: Held | None = None
    named: bool = True
    taken: bool = False
    new: Span | None = None
    own: Sequence[Span] = ()
    elsewhere: bool = False
    substitute: int | None = None
    teachers: frozenset[int] = field(default_factory=frozenset)
    of_school: bool = True
    offering_state: str = "published"
    asked: int = 0
    cap: int = 0


def wrong(wish: Wish) -> list[FieldError]:
    """What does not fit, by field."""
    return [*_wrong_time(wish), *_wrong_substitute(wish)]


def _wrong_time(wish: Wish) -> list[FieldError]:
    if wish.kind not in ("move", "make_up"):
        return []
    if wish.new is None:
        return [FieldError("date", "required")]
    starts, ends = wish.new
    if ends <= starts:
        return [FieldError("last_period", "ends_before_start")]
    if ends - starts > LONGEST:
        return [FieldError("last_period", "date_too_long")]
    if starts <= wish.now:
        return [FieldError("date", "adjusted_into_past")]
    if starts < wish.opens or ends > wish.closes + EXAM_WEEKS:
        return [FieldError("date", "adjusted_outside_term", {"weeks": EXAM_WEEKS.days // 7})]
    same = wish.meeting is not None and wish.new == (wish.meeting.starts, wish.meeting.ends)
    if wish.kind == "move" and same and not wish.elsewhere:
        return [FieldError("date", "adjusted_nowhere")]
    return []


def replaced(asked_by: int | None, teachers: frozenset[int]) -> frozenset[int]:
    """Whom a substitute stands in for: the teacher who asked; all of them when the school asked for them."""
    return teachers & {asked_by} if asked_by in teachers else teachers


def _wrong_substitute(wish: Wish) -> list[FieldError]:
    if wish.kind == "cancel" or wish.substitute is None:
        return [FieldError("substitute", "required")] if wish.kind == "substitute" else []
    if not wish.of_school:
        return [FieldError("substitute", "not_a_teacher_here")]
    if wish.substitute in wish.teachers:
        return [FieldError("substitute", "teaches_already")]
    return []


def against(wish: Wish) -> list[Refusal]:
    """Every rule that stands against it, whoever asks; also when it is to be approved."""
    checks: list[tuple[object, Refusal]] = [
        (wish.offering_state != "published", Refusal("adjustment_closed")),
        (wish.cap and wish.asked >= wish.cap, Refusal("adjustments_used_up", {"cap": wish.cap})),
    ]
    found = [refusal for failed, refusal in checks if failed]
    return [*found, *_about_meeting(wish), *_about_time(wish)]


def _about_meeting(wish: Wish) -> list[Refusal]:
    if wish.kind == "make_up" and not wish.named:
        return []
    if wish.meeting is None:
        return [Refusal("no_such_meeting")]
    if wish.taken:
        return [Refusal("already_adjusted")]
    if wish.kind == "make_up":
        return [Refusal("meeting_is_held")] if wish.meeting.active else []
    if not wish.meeting.active:
        return [Refusal("meeting_not_held")]
    return [Refusal("meeting_over")] if wish.meeting.starts <= wish.now else []


def _about_time(wish: Wish) -> list[Refusal]:
    """The class's own meetings leave room for it."""
    if wish.new is None:
        return []
    met = next((each for each in wish.own if meets(each, wish.new)), None)
    return [Refusal("own_meeting_then", {"starts": met[0]})] if met else []


def meets(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def may_take_back(
    now: datetime, was: datetime | None, new: datetime | None, *, made_up: bool, offering_state: str = "published"
) -> Refusal | None:  # fmt: skip
    """An approved one is taken back while neither the meeting nor its new time has begun, and nothing makes up for it: and
    only of a class that is taught, so that no meeting comes back of one that was called off."""
    if offering_state != "published":
        return Refusal("adjustment_of_ended_class")
    if any(each is not None and each <= now for each in (was, new)):
        return Refusal("adjustment_begun")
    return Refusal("made_up_already") if made_up else None


def stands_in(now: datetime, ends: datetime) -> bool:
    """Whether somebody who stands in for this meeting still reads the roster."""
    return now < ends + READS_AFTER


# --- free times -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Free:
    """A time at which the class could meet: how many of its students could not come."""

    starts: datetime
    ends: datetime
    first: int
    last: int
    students: int


def block_starts(times: Mapping[int, tuple[int, int]], long: int, pause: int) -> list[int]:
    """First periods of rows of `long` periods, as a school usually begins: double periods from the first of the morning,
    and anew from the first after each longer pause, over which no class goes on. `times`: period → (starts, ends) in
    minutes."""
    runs: list[list[int]] = []
    for number in sorted(times):
        if runs and number == runs[-1][-1] + 1 and times[number][0] - times[number - 1][1] <= pause:
            runs[-1].append(number)
        else:
            runs.append([number])
    step = 1 if long == 1 else 2
    return [run[n] for run in runs for n in range(0, len(run) - long + 1, step)]


def ranked(found: Iterable[Free], most: int, of_a_day: int = 2) -> list[Free]:
    """The times that fewest students miss, the earliest first, and not all on one day."""
    kept: list[Free] = []
    for each in sorted(found, key=lambda each: (each.students, each.starts)):
        same = [other for other in kept if local(other.starts).date() == local(each.starts).date()]
        if len(same) < of_a_day and len(kept) < most:
            kept.append(each)
    return kept
