"""Enrolment's decisions on plain values (design 5): the two tracks, who may move them, and who may enrol."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product

from zutuan.decision import Refusal

STATES = ("pending", "queued", "offered", "accepted", "denied", "withdrawn", "expired", "completed")
FREEING = ("denied", "withdrawn", "expired")
EVENTS = ("approve", "return", "resubmit", "deny", "withdraw", "expire", "offer", "accept", "complete", "cancel")
# A school whose policy asks nobody approves as `home` or `host` all the same, without anybody's hand.
WHO = ("student", "home", "host", "clock")

# How many days a home school may take before the seat is let go, unless its policy says otherwise.
DECIDE_DAYS = 5
OFFER_HOURS = 24
TRAVEL_MINUTES = 60


@dataclass(frozen=True)
class Tracks:
    """Both sides of one enrolment."""

    home: str
    host: str

    @property
    def active(self) -> bool:
        return self.home not in FREEING and self.host not in FREEING


START = Tracks("pending", "pending")
WAITING = Tracks("pending", "queued")


def _machine() -> dict[tuple[str, str, str, str], Tracks]:
    table: dict[tuple[str, str, str, str], Tracks] = {}
    asked = ("pending", "accepted")  # the host has the student's seat or request before it
    for host in asked:
        table["pending", host, "approve", "home"] = Tracks("accepted", host)
        table["pending", host, "return", "home"] = Tracks("pending", host)
        table["pending", host, "resubmit", "student"] = Tracks("pending", host)
        table["pending", host, "deny", "home"] = Tracks("denied", host)
        table["pending", host, "expire", "clock"] = Tracks("expired", host)
    for home in ("pending", "accepted"):
        table[home, "pending", "approve", "host"] = Tracks(home, "accepted")
        for host in asked:
            table[home, host, "deny", "host"] = Tracks(home, "denied")
            table[home, host, "cancel", "host"] = Tracks(home, "denied")
    for host in ("queued", "offered"):
        table["pending", host, "deny", "host"] = Tracks("pending", "denied")
        table["pending", host, "cancel", "host"] = Tracks("pending", "denied")
        table["pending", host, "expire", "clock"] = Tracks("pending", "expired")
    table["accepted", "pending", "expire", "clock"] = Tracks("accepted", "expired")
    table["pending", "queued", "offer", "clock"] = Tracks("pending", "offered")
    table["pending", "offered", "accept", "student"] = START
    for home, host, who in product(("pending", "accepted"), (*asked, "queued", "offered"), ("student", "home")):
        if home == "pending" or host in asked:
            table[home, host, "withdraw", who] = Tracks("withdrawn", "withdrawn")
    table["accepted", "accepted", "complete", "host"] = Tracks("accepted", "completed")
    table["accepted", "completed", "complete", "home"] = Tracks("completed", "completed")
    return table


# (home state, host state, event, who) → both states after. What is not here is forbidden.
MACHINE = _machine()


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
    """The tracks after the event, or why it is refused: over, already decided, or not this side's to do."""
    after = MACHINE.get((tracks.home, tracks.host, event, who))
    if after is not None:
        return after
    if not tracks.active:
        return Refusal("enrolment_over", {"state": combined(tracks)})
    if "completed" in (tracks.home, tracks.host):
        return Refusal("enrolment_completed", {"state": combined(tracks)})
    if event in ("approve", "deny", "return") and who == "home" and tracks.home != "pending":
        return Refusal("already_decided", {"state": combined(tracks)})
    return Refusal("not_possible_now", {"state": combined(tracks)})


def settled(tracks: Tracks, *, home: bool, host: bool) -> Tracks:
    """The tracks after the sides that ask nobody (`home`, `host`: no approval needed) have said yes."""
    for side, automatic in (("home", home), ("host", host)):
        after = step(tracks, "approve", side) if automatic else tracks
        tracks = after if isinstance(after, Tracks) else tracks
    return tracks


# --- windows ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Round:
    """选课轮次: one may enrol during [opens, closes)."""

    kind: str
    opens: datetime
    closes: datetime


@dataclass(frozen=True)
class Window:
    """When one may enrol and drop: from the first opening to the last closing."""

    opens: datetime
    closes: datetime
    rounds: tuple[Round, ...] = ()

    def open_at(self, now: datetime) -> bool:
        return any(each.opens <= now < each.closes for each in self._rounds)

    def closed_at(self, now: datetime) -> bool:
        """Whether it is over: not open, and no round to come."""
        return not self.open_at(now) and self.next_opening(now) is None

    def next_opening(self, now: datetime) -> datetime | None:
        return min((each.opens for each in self._rounds if each.opens > now), default=None)

    @property
    def _rounds(self) -> tuple[Round, ...]:
        return self.rounds or (Round("main", self.opens, self.closes),)


def check_window(window: Window, now: datetime, rescue: datetime | None = None) -> Refusal | None:
    """`rescue` (停开补选): until when this student may enrol although enrolling is over."""
    if window.open_at(now) or may_be_rescued(window, now, rescue):
        return None
    opens = window.next_opening(now)
    return (
        Refusal("window_not_open", {"opens": opens}) if opens else Refusal("window_closed", {"closes": window.closes})
    )


def may_be_rescued(window: Window, now: datetime, rescue: datetime | None) -> bool:
    """Whether only the rescue window lets the student enrol: no round of this class is open or to come."""
    return rescue is not None and now < rescue and window.closed_at(now)


# --- seats ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pool:
    """Seats kept for a scope; `left` may be stale, the database has the last word."""

    id: int
    scope: str
    left: int


EVERYBODY = "all"


def _nearness(scope: str) -> int:
    """A school's own seats go first, then those of its role in a cluster, then the general ones."""
    return 0 if scope.startswith("school:") else 2 if scope == EVERYBODY else 1


def pools_for(pools: Iterable[Pool], scopes: Collection[str]) -> list[Pool]:
    """The pools from which a student of a school in these scopes may take a seat, nearest first."""
    mine = [pool for pool in pools if pool.scope == EVERYBODY or pool.scope in scopes]
    return sorted(mine, key=lambda pool: (_nearness(pool.scope), pool.id))


def check_seats(pools: Sequence[Pool], mine: Sequence[Pool]) -> Refusal | None:
    if not mine:
        return Refusal("no_seats_for_school")
    if any(pool.left > 0 for pool in mine):
        return None
    others = any(pool.left > 0 for pool in pools if pool not in mine)
    return Refusal("seats_of_school_gone") if others else Refusal("seats_gone")


Queue = Sequence[tuple[int, frozenset[int]]]


def place_in_queue(queue: Queue, enrolment_id: int) -> tuple[int, int]:
    """(my place, how many wait) among those who wait for any of the same pools; `queue` is (enrolment, its pools) in
    order. (0, 0) for who does not wait."""
    mine = next((pools for id_, pools in queue if id_ == enrolment_id), None)
    if mine is None:
        return 0, 0
    rivals = _rivals(queue, mine) or [enrolment_id]
    return rivals.index(enrolment_id) + 1, len(rivals)


def _rivals(queue: Queue, mine: frozenset[int]) -> list[int]:
    """Who waits for any of these pools; nobody, where there are none any more."""
    return [id_ for id_, pools in queue if pools & mine]


def places_in_queue(queue: Queue) -> dict[int, tuple[int, int]]:
    """The same of everybody in the queue."""
    found: dict[int, tuple[int, int]] = {}
    for mine in {pools for _id, pools in queue}:
        rivals = _rivals(queue, mine)
        number = {id_: n for n, id_ in enumerate(rivals, start=1)}
        found |= {id_: (number.get(id_, 1), max(len(rivals), 1)) for id_, pools in queue if pools == mine}
    return found


# --- time -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Slot:
    """An interval that takes a person's time. `campus` is the school where they must be, None wherever they like;
    `title` names it, `exam` when it is one."""

    starts: datetime
    ends: datetime
    campus: int | None = None
    title: str = ""
    exam: bool = False


@dataclass(frozen=True)
class Clash:
    """`mine` is the first meeting of what is asked for that cannot be attended, `other` what stands against it; `times`
    counts all such meetings; `travel` when only the way between two campuses is too long."""

    mine: Slot
    other: Slot
    times: int
    travel: bool


def _against(mine: Slot, other: Slot, travel: timedelta) -> bool | None:
    """Whether the way is what stands between them; None: both can be attended."""
    if mine.starts < other.ends and other.starts < mine.ends:
        return False
    apart = mine.campus is not None and other.campus is not None and mine.campus != other.campus
    near = mine.starts < other.ends + travel and other.starts < mine.ends + travel
    return True if apart and near else None


def clash(wanted: Iterable[Slot], taken: Sequence[Slot], travel: timedelta) -> Clash | None:
    """The first of the wanted meetings that cannot be attended, as absolute times whatever calendars they come from."""
    first: Clash | None = None
    times = 0
    for mine in sorted(wanted, key=lambda slot: slot.starts):
        found = [(other, way) for other in taken if (way := _against(mine, other, travel)) is not None]
        if found:
            times += 1
            other, way = min(found, key=lambda each: (each[1], each[0].starts))
            first = first or Clash(mine, other, 1, way)
    return Clash(first.mine, first.other, times, first.travel) if first else None


def clash_refusal(found: Clash) -> Refusal:
    code = "travel_clash" if found.travel else "exam_clash" if found.mine.exam or found.other.exam else "time_clash"
    params = {"starts": found.mine.starts, "title": found.other.title, "from": found.other.starts, "n": found.times}
    return Refusal(code, params)


# --- who may enrol ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Attempt:
    """Everything the rule needs to know of one student and one offering."""

    now: datetime
    window: Window
    offering_state: str
    course_state: str
    is_student: bool
    home_is_host: bool
    in_audience: bool
    already_active: bool
    pools: tuple[Pool, ...] = ()
    mine: tuple[Pool, ...] = ()
    standing: str = "active"
    admitted: bool = True
    grade: str = ""
    major: str = ""
    for_grades: tuple[str, ...] = ()
    for_majors: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    passed: bool = False
    credits: Decimal = Decimal(0)
    credits_held: Decimal = Decimal(0)
    credit_cap: int = 0
    in_other_class: bool = False
    clash: Clash | None = None
    draw: Refusal | None = None  # why a seat that is drawn for is not to be had directly
    rescue: datetime | None = None


def may_enrol(attempt: Attempt) -> list[Refusal]:
    """Every reason against; empty means: go ahead (the seat itself is the database's word)."""
    found = [*_who(attempt), *_when(attempt), *_record(attempt)]
    seats = check_seats(attempt.pools, attempt.mine) if attempt.is_student and not attempt.home_is_host else None
    return [*found, *([seats] if seats else [])]


def _who(attempt: Attempt) -> list[Refusal]:
    checks: list[tuple[bool, Refusal]] = [
        (not attempt.is_student, Refusal("not_a_student")),
        (attempt.is_student and attempt.standing != "active", Refusal("not_in_standing")),
        (attempt.home_is_host, Refusal("own_school_course")),
        (not attempt.in_audience, Refusal("not_shared_with_you")),
        (not attempt.admitted, Refusal("not_admitted")),
    ]
    return [refusal for failed, refusal in checks if failed]


def _when(attempt: Attempt) -> list[Refusal]:
    closed = attempt.offering_state != "published" or attempt.course_state != "published"
    window = check_window(attempt.window, attempt.now, attempt.rescue)
    found = [Refusal("offering_closed") if closed else None, attempt.draw, window if attempt.draw is None else None]
    return [each for each in found if each is not None]


def _record(attempt: Attempt) -> list[Refusal]:
    """What the student's own studies say against it."""
    over = attempt.credit_cap and attempt.credits_held + attempt.credits > attempt.credit_cap
    cap = {"cap": attempt.credit_cap, "held": f"{attempt.credits_held.normalize():f}"}
    checks: list[tuple[object, Refusal]] = [
        (
            attempt.for_grades and attempt.grade not in attempt.for_grades,
            Refusal("not_your_grade", {"for": attempt.for_grades}),
        ),
        (
            attempt.for_majors and attempt.major not in attempt.for_majors,
            Refusal("not_your_major", {"for": attempt.for_majors}),
        ),
        (attempt.missing, Refusal("prerequisite_missing", {"courses": attempt.missing})),
        (attempt.already_active, Refusal("already_enrolled")),
        (attempt.passed, Refusal("already_passed")),
        (attempt.in_other_class, Refusal("in_other_class")),
        (over, Refusal("credit_cap", cap)),
    ]
    found = [refusal for failed, refusal in checks if failed]
    return [*found, *([clash_refusal(attempt.clash)] if attempt.clash else [])]


# What stands against a seat now and may be gone when one is free: with only these, one may wait for it.
SEATS = frozenset({"seats_gone", "seats_of_school_gone"})


def may_wait(against: Sequence[Refusal], *, waitlist: bool) -> bool:
    """Whether the student may join the queue: a seat is all that is missing, and the offering keeps a queue."""
    return waitlist and bool(against) and all(refusal.code in SEATS for refusal in against)


# --- deciding ---------------------------------------------------------------------------------------------------


def may_decide(now: datetime, decide_by: datetime | None) -> Refusal | None:
    """What lapsed is not approved any more, even before the clock has let go of its seat."""
    return Refusal("lapsed") if decide_by is not None and now >= decide_by else None


def not_ones_own(decider: int, student: int) -> Refusal | None:
    """Nobody decides their own enrolment, whatever roles they hold."""
    return Refusal("own_enrolment") if decider == student else None


def may_accept(now: datetime, decide_by: datetime | None) -> Refusal | None:
    """An offer from the queue stands until it goes to the next."""
    return Refusal("offer_lapsed") if decide_by is not None and now >= decide_by else None


def may_release(standing: str) -> Refusal | None:
    """A registrar gives back the seat of a student who is no longer 在读, of nobody else."""
    return Refusal("still_in_standing") if standing == "active" else None


def may_remind(now: datetime, reminded_at: datetime | None, tracks: Tracks, *, returned: bool) -> Refusal | None:
    """催办: once a day, while somebody else's word is awaited."""
    if combined(tracks) != "pending" or returned:
        return Refusal("nothing_awaited")
    if reminded_at is not None and now - reminded_at < timedelta(days=1):
        return Refusal("reminded_already", {"again": reminded_at + timedelta(days=1)})
    return None


def awaited_side(tracks: Tracks, sides: Collection[str]) -> str | None:
    """For which of the `sides` somebody may speak for their word counts: the home side while its word is still open."""
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
    """Until when the school whose word is awaited has to answer."""
    return min(now + timedelta(days=days), teaching_ends)


def due(
    tracks: Tracks, now: datetime, teaching_ends: datetime, closes: datetime, *, chosen: bool,
    days: Callable[[str], int],
) -> datetime | None:  # fmt: skip
    """When what is awaited lapses: a school's word, or the end of a queue. None: nothing is awaited. The host's time runs
    from home's word, and where the host chooses not before all could ask. `days`: side → how many it has."""
    if tracks.host == "queued":
        return closes
    if tracks.home == "pending":
        return decide_by(now, teaching_ends, days("home"))
    if tracks.host == "pending":
        return decide_by(max(now, closes) if chosen else now, teaching_ends, days("host"))
    return None


def offer_until(now: datetime, closes: datetime, hours: int = OFFER_HOURS) -> datetime:
    """Until when an offered seat may be accepted: never after enrolling has closed, but for who is offered it then."""
    until = now + timedelta(hours=hours)
    return min(until, closes) if closes > now else until


# --- how a school approves --------------------------------------------------------------------------------------

# A policy's word → the roles whose approvals follow each other.
APPROVALS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "registrar": ("registrar",),
    "both": ("secretary", "registrar"),
}


def approver(steps: int, given: int) -> str:
    """Whose word the next step is: 学院审核 before 教务处审定."""
    return "secretary" if steps == 2 and given == 0 else "registrar"
