"""抽签: who gets which seat, on plain values. The same lots, entrants and seed give the same result anywhere: whoever has
the published statement can recompute it.

The draw goes in turns. In each turn everybody asks once for the first of their wishes that can still be had, those
first who have got the fewest credits so far (the seats they held before included), then by lottery number. A number is
SHA-256 of the seed and the entrant's ticket, so nobody, the host included, can know it before the seed is published;
that the seed was not chosen afterwards is shown by its commitment, published when wishing begins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from courses.enrolment.rules import Pool, pools_for
from zutuan.decision import Refusal

MOST_WISHES = 10


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
class _Standing:
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
    standings = [_Standing(each, number(seed, each.ticket), each.had) for each in entrants]
    won: list[Won] = []
    turn, before = 0, -1
    while len(won) > before:
        turn, before = turn + 1, len(won)
        for standing in sorted(standings, key=lambda each: each.place):
            won += _ask(standing, known, left, turn)
    missed = {each.entrant.ticket: dict(_missed(each, known)) for each in standings}
    return Drawn(tuple(won), {ticket: why for ticket, why in missed.items() if why})


def _ask(standing: _Standing, lots: Mapping[int, Lot], left: dict[int, int], turn: int) -> Iterator[Won]:
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


def _missed(standing: _Standing, lots: Mapping[int, Lot]) -> Iterator[tuple[int, str]]:
    entrant = standing.entrant
    for id_ in entrant.wishes:
        if id_ in standing.got:
            continue
        lot = lots.get(id_)
        why = against(standing.got, standing.credits, entrant, lot) if lot else "not_drawn_for"
        if lot is not None and why is None:
            why = "seats_gone" if pools_for(lot.pools, entrant.scopes) else "no_seats_for_school"
        yield id_, why or ""
