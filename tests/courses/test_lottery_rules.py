"""The draw: the same anywhere, within pools and clashes, kind to who got less."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses.enrolment.rules import Pool, pools_for
from courses.lottery.rules import (
    MOST_WISHES,
    Drawn,
    Entrant,
    Lot,
    Won,
    against,
    check_draw,
    check_wishes,
    commitment,
    draw,
    number,
)

B, C = "school:2", "school:3"
HERE = frozenset({B})
TWO = Decimal(2)


def lot(id_: int, *seats: tuple[str, int], excludes: tuple[int, ...] = ()) -> Lot:
    pools = tuple(Pool(id_ * 10 + n, scope, left) for n, (scope, left) in enumerate(seats))
    return Lot(id_, TWO, pools, frozenset(excludes))


@st.composite
def draws(pick: st.DrawFn) -> tuple[list[Lot], list[Entrant], str]:
    ids = range(1, 5)
    lots = [
        lot(id_, ("all", pick(st.integers(0, 3))), (B, pick(st.integers(0, 2))), excludes=pick(st.sampled_from([(), (5 - id_,)])))
        for id_ in ids
    ]  # fmt: skip
    mutual = {(a.id, b) for a in lots for b in a.excludes}
    lots = [Lot(a.id, a.credits, a.pools, frozenset(b for b in ids if {(a.id, b), (b, a.id)} & mutual)) for a in lots]
    entrants = [
        Entrant(
            f"t{n}", tuple(pick(st.lists(st.sampled_from(ids), unique=True, max_size=4))),
            frozenset({pick(st.sampled_from([B, C]))}), pick(st.integers(1, 3)), Decimal(pick(st.integers(0, 4))),
            pick(st.sampled_from([0, 4, 6])), frozenset(pick(st.sets(st.sampled_from(ids), max_size=1))),
        )
        for n in range(pick(st.integers(1, 9)))
    ]  # fmt: skip
    return lots, entrants, pick(st.text("abc", min_size=1, max_size=6))


@given(draws())
def test_the_result_keeps_every_promise(given_: tuple[list[Lot], list[Entrant], str]) -> None:
    lots, entrants, seed = given_
    drawn = draw(lots, entrants, seed)
    assert draw(reversed(lots), reversed(entrants), seed) == drawn, "whoever recomputes it gets the same"
    _within_pools(lots, drawn)
    for entrant in entrants:
        _nobody_is_passed_by(lots, entrant, drawn)
    _who_has_less_goes_first(lots, entrants, drawn, seed)


def _within_pools(lots: list[Lot], drawn: Drawn) -> None:
    for each in lots:
        for pool in each.pools:
            assert sum(won.pool == pool.id for won in drawn.won) <= pool.left


def _nobody_is_passed_by(lots: list[Lot], entrant: Entrant, drawn: Drawn) -> None:
    """What somebody got fits together, and what they missed was gone, or could not be had beside it."""
    got = [won.lot for won in drawn.won if won.ticket == entrant.ticket]
    credits = entrant.had + TWO * len(got)
    assert len(set(got)) == len(got) <= entrant.most and not set(got) & entrant.barred
    assert not entrant.cap or not got or credits <= entrant.cap
    for each in lots:
        assert each.id not in got or not set(got) & each.excludes
        wished = each.id in entrant.wishes and each.id not in got
        if wished and against(got, credits, entrant, each) is None:
            free = [p for p in pools_for(each.pools, entrant.scopes) if sum(w.pool == p.id for w in drawn.won) < p.left]
            assert not free
    assert set(got) | set(drawn.missed.get(entrant.ticket, {})) == set(entrant.wishes)


def _who_has_less_goes_first(lots: list[Lot], entrants: list[Entrant], drawn: Drawn, seed: str) -> None:
    """Within a turn seats are given in the order of credits, then of numbers."""
    credits = {each.ticket: each.had for each in entrants}
    for turn in range(1, 5):
        places = []
        for won in (each for each in drawn.won if each.turn == turn):
            places.append((credits[won.ticket], number(seed, won.ticket)))
        assert places == sorted(places)
        for won in (each for each in drawn.won if each.turn == turn):
            credits[won.ticket] += TWO


def test_the_one_who_got_nothing_goes_before_the_one_who_got_something() -> None:
    lots = [lot(1, ("all", 2)), lot(2, ("all", 1))]
    late = Entrant("late", (2,), HERE, most=2, had=Decimal(0))
    rich = Entrant("rich", (2,), HERE, most=2, had=Decimal(2))
    assert [won.ticket for won in draw(lots, [rich, late], "s").won] == ["late"]


def test_a_school_s_own_seats_go_first_and_rank_and_reason_are_said() -> None:
    lots = [lot(1, ("all", 1), (B, 1)), lot(2, (C, 1)), lot(3, ("all", 0))]
    drawn = draw(lots, [Entrant("x", (2, 3, 1), HERE, most=2)], "s")
    assert drawn.won == (Won(1, "x", 1, 11, 3),)
    assert drawn.missed == {"x": {2: "no_seats_for_school", 3: "seats_gone"}}


def test_numbers_and_commitment_are_plain_sha_256() -> None:
    """Written out, so that nobody who published a seed is told something else by a later version."""
    assert number("seed", "ticket") == "6d9e1078f2cae68850da1d58a2dab313af09ca7362c2dfdd6d3695c4632f6ac8"
    assert commitment("seed") == "557f639e28bade6563bae900c21593c130f3244a17e4a287e2ad6e1f8a4dd90d"


@pytest.mark.parametrize(
    ("wishes", "code"),
    [
        ((), "no_wishes"), (tuple(range(MOST_WISHES + 1)), "too_many_wishes"), ((1, 1), "wish_twice"),
        ((1, 9), "not_drawn_for"), ((2, 1), None),
    ],
)  # fmt: skip
def test_what_may_be_wished(wishes: tuple[int, ...], code: str | None) -> None:
    refusal = check_wishes(wishes, (1, 2, *range(20, 40)))
    assert (refusal.code if refusal else None) == code


@pytest.mark.parametrize(
    ("lots", "entrants", "code"),
    [
        ([], [Entrant("x", (1,), HERE)], "no_lots"),
        ([lot(1, ("all", 1))], [Entrant("x", (), HERE)], "no_wishes_at_all"),
        ([lot(1, ("all", 1))], [Entrant("x", (1,), HERE), Entrant("x", (1,), HERE)], "ticket_twice"),
        ([lot(1, ("all", 1))], [Entrant("x", (1,), HERE)], None),
    ],
)
def test_what_may_be_drawn(lots: list[Lot], entrants: list[Entrant], code: str | None) -> None:
    refusal = check_draw(lots, entrants)
    assert (refusal.code if refusal else None) == code
