"""调停课 as plain values: the state machine cell by cell, and what may be asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from courses.adjustments.rules import (
    EVENTS,
    EXAM_WEEKS,
    MACHINE,
    READS_AFTER,
    STATES,
    Free,
    Held,
    Wish,
    against,
    block_starts,
    may_decide,
    may_take_back,
    ranked,
    replaced,
    stands_in,
    step,
    wrong,
)
from zutuan.decision import Refusal

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MEETING = Held(NOW + 7 * DAY, NOW + 7 * DAY + 2 * HOUR)
NEW = (NOW + 9 * DAY, NOW + 9 * DAY + 2 * HOUR)
MOVE = Wish("move", NOW, NOW - 80 * DAY, NOW + 40 * DAY, MEETING, new=NEW, teachers=frozenset({7}))
CANCEL = replace(MOVE, kind="cancel", new=None)
STANDING_IN = replace(CANCEL, kind="substitute", substitute=9)
MAKE_UP = replace(MOVE, kind="make_up", meeting=replace(MEETING, active=False))


@pytest.mark.parametrize(("state", "event", "who"), product(STATES, EVENTS, ("teacher", "registrar")))
def test_every_cell_of_the_machine(state: str, event: str, who: str) -> None:
    expected = {
        ("asked", "approve", "registrar"): "approved", ("asked", "deny", "registrar"): "denied",
        ("asked", "withdraw", "teacher"): "withdrawn", ("approved", "withdraw", "registrar"): "withdrawn",
    }.get((state, event, who))  # fmt: skip
    after = step(state, event, who)
    if expected is None:
        assert isinstance(after, Refusal) and (state, event, who) not in MACHINE
        codes = {
            ("asked", "withdraw"): "adjustment_waits", ("approved", "withdraw"): "adjustment_stands",
        }  # fmt: skip
        assert after.code == codes.get((state, event), "adjustment_decided")
    else:
        assert after == expected


@pytest.mark.parametrize("wish", [MOVE, CANCEL, STANDING_IN, MAKE_UP, replace(MAKE_UP, meeting=None, named=False)])
def test_what_may_be_asked(wish: Wish) -> None:
    assert wrong(wish) == [] and against(wish) == []


@pytest.mark.parametrize(
    ("wish", "changes", "field", "code"),
    [
        (MOVE, {"new": None}, "date", "required"),
        (MOVE, {"new": (NEW[1], NEW[0])}, "last_period", "ends_before_start"),
        (MOVE, {"new": (NEW[0], NEW[0] + 13 * HOUR)}, "last_period", "date_too_long"),
        (MOVE, {"new": (NOW - HOUR, NOW + HOUR)}, "date", "adjusted_into_past"),
        (MOVE, {"opens": NEW[1]}, "date", "adjusted_outside_term"),
        (MOVE, {"closes": NEW[1] - EXAM_WEEKS - HOUR}, "date", "adjusted_outside_term"),
        (MOVE, {"new": (MEETING.starts, MEETING.ends)}, "date", "adjusted_nowhere"),
        (STANDING_IN, {"substitute": None}, "substitute", "required"),
        (STANDING_IN, {"of_school": False}, "substitute", "not_a_teacher_here"),
        (STANDING_IN, {"substitute": 7}, "substitute", "teaches_already"),
        (MOVE, {"substitute": 7}, "substitute", "teaches_already"),
    ],
)
def test_what_does_not_fit_is_named(wish: Wish, changes: dict[str, Any], field: str, code: str) -> None:
    found = wrong(replace(wish, **changes))
    assert [(each.field, each.code) for each in found] == [(field, code)]


def test_another_room_at_the_same_time_is_a_change_and_exam_weeks_belong_to_the_term() -> None:
    assert wrong(replace(MOVE, new=(MEETING.starts, MEETING.ends), elsewhere=True)) == []
    assert wrong(replace(MOVE, closes=NEW[1] - EXAM_WEEKS)) == []


@pytest.mark.parametrize(
    ("wish", "changes", "code"),
    [
        (MOVE, {"meeting": None}, "no_such_meeting"),
        (MOVE, {"taken": True}, "already_adjusted"),
        (CANCEL, {"meeting": replace(MEETING, active=False)}, "meeting_not_held"),
        (CANCEL, {"meeting": Held(NOW, NOW + HOUR)}, "meeting_over"),
        (STANDING_IN, {"meeting": Held(NOW - HOUR, NOW)}, "meeting_over"),
        (MAKE_UP, {"meeting": MEETING}, "meeting_is_held"),
        (MAKE_UP, {"meeting": None}, "no_such_meeting"),
        (MAKE_UP, {"taken": True}, "already_adjusted"),
        (MOVE, {"own": [(NEW[0] + HOUR, NEW[1] + HOUR)]}, "own_meeting_then"),
        (MOVE, {"offering_state": "archived"}, "adjustment_closed"),
        (MOVE, {"asked": 3, "cap": 3}, "adjustments_used_up"),
    ],
)
def test_what_stands_against_it(wish: Wish, changes: dict[str, Any], code: str) -> None:
    assert [each.code for each in against(replace(wish, **changes))] == [code]


def test_what_only_touches_is_no_clash_and_no_cap_is_no_limit() -> None:
    assert against(replace(MOVE, own=[(NEW[1], NEW[1] + HOUR)], asked=30, cap=0)) == []


def test_who_teaches_and_asks_does_not_decide() -> None:
    assert may_decide(7, 7, {7}) == Refusal("own_adjustment")
    assert may_decide(7, 8, {7}) is None and may_decide(9, 9, {7}) is None


def test_what_has_begun_is_not_taken_back() -> None:
    assert may_take_back(NOW, NOW + HOUR, NOW + DAY, made_up=False) is None
    assert may_take_back(NOW, NOW, NOW + DAY, made_up=False) == Refusal("adjustment_begun")
    assert may_take_back(NOW, None, NOW - HOUR, made_up=False) == Refusal("adjustment_begun")
    assert may_take_back(NOW, NOW + HOUR, None, made_up=True) == Refusal("made_up_already")
    ended = may_take_back(NOW, NOW + HOUR, None, made_up=False, offering_state="cancelled")
    assert ended == Refusal("adjustment_of_ended_class")


def test_a_substitute_reads_the_roster_for_a_while() -> None:
    assert stands_in(NOW, NOW + DAY) and stands_in(NOW, NOW - READS_AFTER + HOUR)
    assert not stands_in(NOW, NOW - READS_AFTER)


def test_a_new_time_begins_where_the_school_usually_begins() -> None:
    """Five periods in the morning, four in the afternoon, three in the evening: no double period over a long break."""
    begins = {480: range(1, 6), 840: range(6, 10), 1140: range(10, 13)}
    times = {
        period: (start + 50 * n, start + 50 * n + 45)
        for start, periods in begins.items()
        for n, period in enumerate(periods)
    }
    assert block_starts(times, 2, 60) == [1, 3, 6, 8, 10]
    assert block_starts(times, 3, 60) == [1, 3, 6, 10] and block_starts(times, 4, 60) == [1, 6]
    assert block_starts(times, 1, 60) == list(times) and block_starts({}, 2, 60) == []


def test_times_are_ranked_by_who_could_not_come() -> None:
    later, none = Free(*NEW, 1, 2, 3), Free(NEW[0] + DAY, NEW[1] + DAY, 1, 2, 0)
    assert ranked([later, none, replace(none, starts=NEW[0])], 2) == [replace(none, starts=NEW[0]), none]


def test_a_substitute_stands_in_for_who_asked() -> None:
    both = frozenset({7, 8})
    assert replaced(7, both) == {7}, "the colleague who shares the class still comes"
    assert replaced(99, both) == both and replaced(None, both) == both, "asked by the school: for all of them"
