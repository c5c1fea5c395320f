"""抽签: who gets which seat, on plain values. The same lots, entrants and seed give the same result anywhere: whoever has
the published statement can recompute it.

The draw goes in turns. In each turn everybody asks once for the first of their wishes that can still be had, those
first who have got the fewest credits so far (the seats they held before included), then by lottery number. A number is
SHA-256 of the seed and the entrant's ticket, so nobody, the host included, can know it before the seed is published;
that the seed was not chosen afterwards is shown by its commitment, published when wishing begins.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import combinations

from courses.enrolment.rules import Pool, Slot, clash, pools_for
from zutuan.decision import FieldError, Refusal

MOST_WISHES = 10
MOST_SEATS = 5
STATES = ("draft", "published", "drawn", "cancelled")
# state × event → state
LIFE: Mapping[tuple[str, str], str] = {
    ("draft", "publish"): "published",
    ("draft", "cancel"): "cancelled",
    ("published", "cancel"): "cancelled",
    ("published", "run"): "drawn",
}
ALGORITHM = "zutuan-turns-1"


@dataclass(frozen=True)
class Lot:
    """One offering that is drawn for: its pools with the seats to give, and the other lots whose meetings clash with it
    or are of the same course (nobody gets both)."""

    id: int
    credits: Decimal
    pools: tuple[Pool, ...]
    excludes: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Entrant:
    """One student under a `ticket` that does not tell who they are. `wishes`: lots, the dearest first; `scopes`: of their
    home school, as pools name them; `most`: how many seats they want; `had`: credits of seats held before the draw;
    `cap`: credits that their home school allows, 0 for no limit; `barred`: lots that a rule stands against by now."""

    ticket: str
    wishes: tuple[int, ...]
    scopes: frozenset[str]
    most: int = 1
    had: Decimal = Decimal(0)
    cap: int = 0
    barred: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Won:
    """A seat: in which turn, by which ticket, of which lot and pool, and the rank of the wish (1 is the first)."""

    turn: int
    ticket: str
    lot: int
    pool: int
    rank: int


@dataclass(frozen=True)
class Drawn:
    """`won` in the order of the draw; `missed`: ticket → lot → why it was not got (a refusal's code)."""

    won: tuple[Won, ...]
    missed: Mapping[str, Mapping[int, str]]


def commitment(seed: str) -> str:
    """What is published of the seed while it is secret."""
    return hashlib.sha256(f"zutuan-draw:{seed}".encode()).hexdigest()


def number(seed: str, ticket: str) -> str:
    """The entrant's lottery number: 64 hexadecimal digits, the lowest goes first."""
    return hashlib.sha256(f"{seed}:{ticket}".encode()).hexdigest()


def whole_seed(seed: str, public_value: str) -> str:
    """What is drawn with: the secret seed, and the public value that nobody could know before, if there is one."""
    return f"{seed}:{public_value}" if public_value else seed


# --- the draw's own life ----------------------------------------------------------------------------------------


def next_state(state: str, event: str) -> str | Refusal:
    """Where an event leads, or why it leads nowhere: a draw is drawn once."""
    after = LIFE.get((state, event))
    if after is not None:
        return after
    codes = {"drawn": "drawn_already", "cancelled": "draw_cancelled", "draft": "draw_not_published"}
    return Refusal(codes.get(state, "draw_published"))


def check_window(opens: datetime, closes: datetime, now: datetime) -> list[FieldError]:
    """When wishing may be announced for: it ends after it begins, and neither at once nor in the past."""
    if closes <= opens:
        return [FieldError("closes", "ends_before_start")]
    return [FieldError("closes", "draw_in_the_past")] if closes <= now else []


@dataclass(frozen=True)
class Standing:
    """How far a draw has come: wishing is [opens, closes); `sealed`: what everybody wished has been taken down."""

    state: str
    opens: datetime
    closes: datetime
    sealed: bool = False

    def over_at(self, now: datetime) -> bool:
        return self.sealed or self.closes <= now


def may_change(draw: Standing, changed: Collection[str], closes: datetime, now: datetime) -> Refusal | None:
    """Once wishing has begun only its end may move, to a later one (`closes`); once it is over nothing that counts, so
    that nobody adds a wish when the others' are known; once it is drawn or called off, nothing at all."""
    if draw.state in ("drawn", "cancelled"):
        return Refusal("drawn_already" if draw.state == "drawn" else "draw_cancelled")
    counts = set(changed) - {"note"}
    if draw.state != "published" or draw.opens > now or not counts:
        return None
    if draw.over_at(now):
        return Refusal("wishing_is_over", {"closes": draw.closes})
    if counts != {"closes"}:
        return Refusal("wishing_has_begun")
    return Refusal("closes_later_only", {"closes": draw.closes}) if closes < draw.closes else None


def may_wish(draw: Standing, now: datetime) -> Refusal | None:
    if draw.state != "published":
        return Refusal("drawn_already" if draw.state == "drawn" else "draw_cancelled")
    if now < draw.opens:
        return Refusal("wishing_not_open", {"opens": draw.opens})
    return Refusal("wishing_closed", {"closes": draw.closes}) if draw.over_at(now) else None


def may_run(state: str, closes: datetime, now: datetime, public_source: str, public_value: str) -> Refusal | None:
    """Once, when wishing is over; with the public value that was announced, and with none that was not."""
    after = next_state(state, "run")
    if isinstance(after, Refusal):
        return after
    if now < closes:
        return Refusal("wishing_still_open", {"closes": closes})
    if bool(public_source) != bool(public_value):
        return Refusal(
            "public_value_needed" if public_source else "public_value_unannounced", {"source": public_source}
        )
    return None


def against_enrolling(
    state: str | None, opens: datetime | None, closes: datetime | None, now: datetime
) -> Refusal | None:  # fmt: skip
    """Why a seat that is given by lot, and was not drawn for yet, is not to be had directly. `state`: of the draw that the
    class belongs to; None: no draw of it is announced, though others of its term may be over. What was to be drawn for
    before that was called off goes first come."""
    if state is None or opens is None or closes is None:
        return Refusal("lot_unannounced")
    if state == "cancelled":
        return None
    if now < opens:
        return Refusal("lot_not_open", {"opens": opens, "closes": closes})
    return Refusal("lot_wishing", {"closes": closes}) if now < closes else Refusal("lot_closed")


# --- wishes -----------------------------------------------------------------------------------------------------


def moved(wishes: Sequence[int], id_: int, event: str) -> list[int]:
    """The list after one button: `add` at the end, `up`, `down`, `remove`. What cannot be done changes nothing."""
    found = list(wishes)
    if event == "add":
        return [*found, id_]
    if id_ not in found:
        return found
    at = found.index(id_)
    if event == "remove":
        return [each for each in found if each != id_]
    other = at - 1 if event == "up" else at + 1
    if 0 <= other < len(found):
        found[at], found[other] = found[other], found[at]
    return found


def check_wishes(wishes: Sequence[int], lots: Iterable[int]) -> Refusal | None:
    """What stands against a list of wishes."""
    if not wishes:
        return Refusal("no_wishes")
    if len(wishes) > MOST_WISHES:
        return Refusal("too_many_wishes", {"max": MOST_WISHES})
    if len(set(wishes)) != len(wishes):
        return Refusal("wish_twice")
    return None if set(wishes) <= set(lots) else Refusal("not_drawn_for")


def check_draw(lots: Sequence[Lot], entrants: Sequence[Entrant]) -> Refusal | None:
    """What stands against drawing at all."""
    if not lots:
        return Refusal("no_lots")
    if not any(each.wishes for each in entrants):
        return Refusal("no_wishes_at_all")
    tickets = [each.ticket for each in entrants]
    return Refusal("ticket_twice") if len(set(tickets)) != len(tickets) else None


# --- the draw ---------------------------------------------------------------------------------------------------


@dataclass
class _Turn:
    """How far one entrant has come."""

    entrant: Entrant
    number: str
    credits: Decimal
    got: list[int] = field(default_factory=list)

    @property
    def place(self) -> tuple[Decimal, str, str]:
        return self.credits, self.number, self.entrant.ticket


def draw(lots: Iterable[Lot], entrants: Iterable[Entrant], seed: str) -> Drawn:
    """Give the seats, in turns, until a turn gives none."""
    known = {lot.id: lot for lot in lots}
    left = {pool.id: pool.left for lot in known.values() for pool in lot.pools}
    standings = [_Turn(each, number(seed, each.ticket), each.had) for each in entrants]
    won: list[Won] = []
    turn, before = 0, -1
    while len(won) > before:
        turn, before = turn + 1, len(won)
        for standing in sorted(standings, key=lambda each: each.place):
            won += _ask(standing, known, left, turn)
    missed = {each.entrant.ticket: dict(_missed(each, known)) for each in standings}
    return Drawn(tuple(won), {ticket: why for ticket, why in missed.items() if why})


def _ask(standing: _Turn, lots: Mapping[int, Lot], left: dict[int, int], turn: int) -> Iterator[Won]:
    """The first wish that can be had now, if any."""
    entrant = standing.entrant
    for rank, id_ in enumerate(entrant.wishes, 1):
        lot = lots.get(id_)
        if lot is None or against(standing.got, standing.credits, entrant, lot) is not None:
            continue
        pool = next((each for each in pools_for(lot.pools, entrant.scopes) if left[each.id] > 0), None)
        if pool is not None:
            left[pool.id] -= 1
            standing.got.append(id_)
            standing.credits += lot.credits
            yield Won(turn, entrant.ticket, id_, pool.id, rank)
            return


def against(got: Sequence[int], credits: Decimal, entrant: Entrant, lot: Lot) -> str | None:
    """Why this entrant cannot have that lot, whatever seats are left; None: they can."""
    if lot.id in got:
        return "already_enrolled"
    if lot.id in entrant.barred:
        return "barred"
    if len(got) >= entrant.most:
        return "enough"
    if any(each in lot.excludes for each in got):
        return "time_clash"
    return "credit_cap" if entrant.cap and credits + lot.credits > entrant.cap else None


def _missed(standing: _Turn, lots: Mapping[int, Lot]) -> Iterator[tuple[int, str]]:
    entrant = standing.entrant
    for id_ in entrant.wishes:
        if id_ in standing.got:
            continue
        lot = lots.get(id_)
        why = against(standing.got, standing.credits, entrant, lot) if lot else "not_drawn_for"
        if lot is not None and why is None:
            why = "seats_gone" if pools_for(lot.pools, entrant.scopes) else "no_seats_for_school"
        yield id_, why or ""


# --- what stands between lots, and what came of it --------------------------------------------------------------


@dataclass(frozen=True)
class Meets:
    """When one lot meets, of which course it is, and how long the way to its campus is reckoned."""

    id: int
    course_id: int
    slots: Sequence[Slot]
    travel: timedelta


def excludes(lots: Collection[Meets]) -> dict[int, frozenset[int]]:
    """Lot → the lots that nobody gets beside it: of the same course, or whose meetings clash with it."""
    found: dict[int, set[int]] = {each.id: set() for each in lots}
    known = {each.id: each for each in lots}
    for a, b in combinations(known.values(), 2):
        if a.course_id == b.course_id or (_near(a, b) and clash(a.slots, b.slots, max(a.travel, b.travel))):
            found[a.id].add(b.id)
            found[b.id].add(a.id)
    return {id_: frozenset(others) for id_, others in found.items()}


def _near(a: Meets, b: Meets) -> bool:
    """Whether they have a day in common at all: most have not, and need no closer look."""
    return bool({slot.starts.date() for slot in a.slots} & {day for slot in b.slots for day in _days(slot)})


def _days(slot: Slot) -> list[date]:
    day = timedelta(days=1)
    return [(slot.starts - day).date(), slot.starts.date(), (slot.starts + day).date()]


def places(
    lots: Iterable[Lot], entrants: Iterable[Entrant], seed: str
) -> dict[tuple[str, int], tuple[int, int]]:  # fmt: skip
    """(ticket, lot) → the entrant's place among those who wished it and whom nothing barred, in the order of the first
    turn, and how many they are; only of lots that were drawn for."""
    drawn_for = {lot.id for lot in lots}
    order = sorted(entrants, key=lambda each: (each.had, number(seed, each.ticket), each.ticket))
    rivals: dict[int, list[str]] = {}
    for each in order:
        for lot in each.wishes:
            if lot in drawn_for and lot not in each.barred:
                rivals.setdefault(lot, []).append(each.ticket)
    return {
        (ticket, lot): (place, len(tickets))
        for lot, tickets in rivals.items()
        for place, ticket in enumerate(tickets, 1)
    }


@dataclass(frozen=True)
class Figures:
    """What a draw comes to. `ranks`: rank → seats that were got as that wish; `per_lot`: lot → (seats, wishes, first
    wishes, seats given)."""

    lots: int
    seats: int
    lists: int
    wishes: int
    given: int
    with_seat: int
    ranks: Mapping[int, int]
    per_lot: Mapping[int, tuple[int, int, int, int]]

    @property
    def without(self) -> int:
        return self.lists - self.with_seat


def figures(lots: Sequence[Lot], entrants: Sequence[Entrant], drawn: Drawn) -> Figures:
    ranks = Counter(won.rank for won in drawn.won)
    given = Counter(won.lot for won in drawn.won)
    wished = Counter(lot for each in entrants for lot in each.wishes)
    first = Counter(each.wishes[0] for each in entrants if each.wishes)
    seats = {lot.id: sum(max(pool.left, 0) for pool in lot.pools) for lot in lots}
    return Figures(
        len(lots), sum(seats.values()), len(entrants), sum(wished.values()), len(drawn.won),
        len({won.ticket for won in drawn.won}), dict(sorted(ranks.items())),
        {lot.id: (seats[lot.id], wished[lot.id], first[lot.id], given[lot.id]) for lot in lots},
    )  # fmt: skip
