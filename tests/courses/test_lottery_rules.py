"""The draw: the same anywhere, within pools and clashes, kind to who got less."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cast import NOW

from courses.enrolment.rules import Pool, Slot, pools_for
from courses.lottery import recompute, statement
from courses.lottery.rules import (
    MOST_WISHES,
    STATES,
    Drawn,
    Entrant,
    Lot,
    Meets,
    Standing,
    Won,
    against,
    against_enrolling,
    check_draw,
    check_wishes,
    commitment,
    draw,
    excludes,
    figures,
    may_change,
    moved,
    next_state,
    number,
    places,
    whole_seed,
)

B, C = "school:2", "school:3"
HERE = frozenset({B})
TWO = Decimal(2)


def sealed(entrants: list[Entrant]) -> str:
    return statement.wishes_digest((each.ticket, each.most, each.wishes) for each in entrants)


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


# --- the statement -----------------------------------------------------------------------------------------------


@given(draws(), st.sampled_from(["", "03 09 17"]))
def test_two_programs_draw_the_same_from_the_statement(
    given_: tuple[list[Lot], list[Entrant], str], public: str
) -> None:  # fmt: skip
    """What is published is enough, and the program that is handed out, written apart, comes to the same."""
    lots, entrants, seed = given_
    drawn = draw(lots, entrants, whole_seed(seed, public))
    content = json.loads(
        statement.text(statement.build({"id": 1}, seed, public, lots, {}, entrants, drawn, sealed=sealed(entrants)))
    )
    assert recompute.differences(content) == []
    again_lots, again_entrants, said = statement.read(content)
    assert draw(again_lots, again_entrants, whole_seed(seed, public)) == said == drawn
    summed = figures(again_lots, again_entrants, said)
    assert summed.given == sum(summed.ranks.values()) == sum(each[3] for each in summed.per_lot.values())
    assert summed.with_seat + summed.without == len(entrants)


@given(draws(), st.data())
def test_a_seat_that_changed_hands_is_found_out(
    given_: tuple[list[Lot], list[Entrant], str], data: st.DataObject
) -> None:  # fmt: skip
    lots, entrants, seed = given_
    drawn = draw(lots, entrants, seed)
    content = json.loads(
        statement.text(statement.build({}, seed, "", lots, {}, entrants, drawn, sealed=sealed(entrants)))
    )
    won = content["result"]["won"]
    if won:
        seat = data.draw(st.sampled_from(won))
        seat["ticket"] = data.draw(
            st.sampled_from(["nobody", *(e.ticket for e in entrants if e.ticket != seat["ticket"])])
        )
        assert recompute.differences(content)


@pytest.mark.parametrize("content", [None, [], {}, {"algorithm": recompute.ALGORITHM}, {"algorithm": "other"}, "x"])
def test_what_is_no_statement_is_said_to_be_none(content: object) -> None:
    assert recompute.differences(content)


# --- lots that exclude each other, places ------------------------------------------------------------------------


def slot(hour: float, length: float, campus: int | None = None) -> Slot:
    return Slot(NOW + timedelta(hours=hour), NOW + timedelta(hours=hour + length), campus)


def test_lots_that_meet_at_once_or_too_far_apart_exclude_each_other() -> None:
    hour = timedelta(hours=1)
    lots = [
        Meets(1, 10, [slot(0, 2, 1)], hour), Meets(2, 20, [slot(1, 2)], timedelta(0)),
        Meets(3, 30, [slot(2.5, 1, 2)], timedelta(0)), Meets(4, 30, [slot(300, 1)], timedelta(0)),
        Meets(5, 50, [slot(21, 2)], timedelta(0)), Meets(6, 60, [slot(22, 3)], timedelta(0)),
    ]  # fmt: skip
    found = {id_: sorted(others) for id_, others in excludes(lots).items()}
    assert found == {1: [2, 3], 2: [1, 3], 3: [1, 2, 4], 4: [3], 5: [6], 6: [5]}


def test_places_are_those_of_the_first_turn_and_pass_by_who_is_barred() -> None:
    people = [
        Entrant("a", (1, 2), HERE, had=TWO), Entrant("b", (1,), HERE), Entrant("c", (1,), HERE, barred=frozenset({1})),
    ]  # fmt: skip
    assert places([lot(1), lot(2)], people, "s") == {("b", 1): (1, 2), ("a", 1): (2, 2), ("a", 2): (1, 1)}
    assert places([lot(2)], people, "s") == {("a", 2): (1, 1)}, "none where nothing was drawn for"


# --- the draw's own life -----------------------------------------------------------------------------------------


def test_every_cell_of_its_life() -> None:
    codes = {
        state: [after if isinstance(after := next_state(state, event), str) else after.code for event in ("publish", "cancel", "run")]
        for state in STATES
    }  # fmt: skip
    assert codes == {
        "draft": ["published", "cancelled", "draw_not_published"],
        "published": ["draw_published", "cancelled", "drawn"],
        "drawn": ["drawn_already"] * 3,
        "cancelled": ["draw_cancelled"] * 3,
    }


@pytest.mark.parametrize(
    ("state", "begun", "sealed", "changed", "later", "code"),
    [
        ("draft", 9, False, {"opens", "closes", "most"}, -1, None),
        ("published", -1, False, {"opens", "closes", "most"}, -1, None),
        ("published", 1, False, {"closes", "note"}, 1, None),
        ("published", 1, False, {"closes"}, -1, "closes_later_only"),
        ("published", 1, False, {"most"}, 0, "wishing_has_begun"),
        ("published", 2, False, {"closes"}, 1, "wishing_is_over"),
        ("published", 1, True, {"closes"}, 1, "wishing_is_over"),
        ("published", 2, False, {"note"}, 0, None),
        ("drawn", 1, False, {"note"}, 0, "drawn_already"),
        ("cancelled", 1, False, {"note"}, 0, "draw_cancelled"),
    ],
)  # fmt: skip
def test_what_may_change_of_a_draw(
    state: str, begun: int, sealed: bool, changed: set[str], later: int, code: str | None
) -> None:
    """Wishing is open for two hours and began `begun` hours ago."""
    opens = NOW - timedelta(hours=begun)
    standing = Standing(state, opens, opens + timedelta(hours=2), sealed)
    found = may_change(standing, changed, standing.closes + timedelta(hours=later), NOW)
    assert (found.code if found else None) == code


@pytest.mark.parametrize(
    ("state", "hours", "code"),
    [
        (None, 0, "lot_unannounced"), ("published", -2, "lot_not_open"), ("published", 0, "lot_wishing"),
        ("published", 1, "lot_closed"), ("cancelled", 0, None),
    ],
)  # fmt: skip
def test_when_a_seat_that_is_drawn_for_may_be_taken(state: str | None, hours: int, code: str | None) -> None:
    opens, closes = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
    found = against_enrolling(state, opens, closes, NOW + timedelta(hours=hours))
    assert (found.code if found else None) == code


@pytest.mark.parametrize(
    ("event", "id_", "after"),
    [
        ("add", 9, [1, 2, 3, 9]), ("up", 2, [2, 1, 3]), ("up", 1, [1, 2, 3]), ("down", 3, [1, 2, 3]),
        ("down", 1, [2, 1, 3]), ("remove", 2, [1, 3]), ("remove", 7, [1, 2, 3]), ("most", 0, [1, 2, 3]),
    ],
)  # fmt: skip
def test_what_a_button_does_to_the_list(event: str, id_: int, after: list[int]) -> None:
    assert moved([1, 2, 3], id_, event) == after
