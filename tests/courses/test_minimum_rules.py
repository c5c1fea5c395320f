"""When a class is confirmed or called off, and for whom the rescue window is open: on plain values."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from support.cast import NOW

from courses.catalogue.rules import OFFERING_LIFE, check_minimum, may_change_minimum
from courses.enrolment.rules import Round, Window, check_window, may_be_rescued
from courses.minimum import rules
from courses.minimum.rules import Class, Lost

DAY = timedelta(days=1)
BELOW = Class("published", 15, 9, 3, NOW - DAY, NOW + 60 * DAY)


def code(refusal: Any) -> str:
    return refusal.code if refusal else ""


@pytest.mark.parametrize(
    ("changes", "standing", "confirm", "cancel"),
    [
        ({}, "waiting", "", ""),
        ({"pending": 30}, "waiting", "", ""),  # who waits for a word may yet leave
        ({"enrolled": 15}, "reached", "minimum_reached", ""),
        ({"enrolled": 15, "closes": NOW + DAY}, "reached", "minimum_reached", ""),
        ({"closes": NOW + DAY}, "open", "decided_too_early", ""),
        ({"closes": NOW}, "waiting", "", ""),
        ({"minimum": None}, "unlimited", "no_minimum", ""),
        ({"ends": NOW}, "over", "teaching_over", "teaching_over"),
        ({"ends": NOW, "minimum": None}, "unlimited", "teaching_over", "teaching_over"),
        ({"graded": True}, "waiting", "", "offering_graded"),
        ({"decided": True}, "confirmed", "class_confirmed", "class_confirmed"),
        ({"decided": True, "state": "cancelled"}, "cancelled", "class_cancelled", "class_cancelled"),
        ({"state": "draft"}, "waiting", "class_not_published", "class_not_published"),
        ({"state": "archived"}, "waiting", "class_not_published", "class_not_published"),
    ],
)
def test_what_a_class_is_and_what_may_be_decided(
    changes: dict[str, Any], standing: str, confirm: str, cancel: str
) -> None:
    one = replace(BELOW, **changes)
    assert rules.standing(one, NOW) == standing and standing in rules.STANDINGS
    assert (code(rules.may_confirm(one, NOW)), code(rules.may_cancel(one, NOW))) == (confirm, cancel)


def test_deadlines_never_pass_the_end_of_teaching() -> None:
    ends = NOW + 2 * DAY
    assert rules.decide_by(NOW, ends + 9 * DAY, 3) == NOW + 3 * DAY and rules.decide_by(NOW, ends, 3) == ends
    assert rules.rescue_until(NOW, ends + 9 * DAY, 5) == NOW + 5 * DAY and rules.rescue_until(NOW, ends, 5) == ends


def lost(at: int, until: int, id_: int = 0) -> Lost:
    return Lost(NOW + at * DAY, NOW + until * DAY, id_)


@pytest.mark.parametrize(
    ("seats", "found", "until"),
    [
        ([], [], None),
        ([lost(-2, 3)], [], 3),
        ([lost(-9, 0)], [], None),  # by the clock: [at, until)
        ([lost(-2, 3)], [-3], 3),  # taken before it was lost
        ([lost(-2, 3)], [-1], None),
        ([lost(-2, 3), lost(-1, 4)], [], 4),
        ([lost(-2, 3), lost(-1, 4)], [-1], 4),  # makes good the first of two
        ([lost(-2, 3), lost(-1, 4)], [-2], 4),
        ([lost(-2, 3), lost(-1, 4)], [-1, -1], None),
        ([lost(-2, 5), lost(-1, 4)], [-1], 4),
    ],
)
def test_how_long_a_student_may_look_for_another(seats: list[Lost], found: list[int], until: int | None) -> None:
    taken = [(NOW + days * DAY, number) for number, days in enumerate(found, 1)]
    assert rules.open_until(seats, taken, NOW) == (None if until is None else NOW + until * DAY)


def test_a_seat_makes_good_one_lost_seat_and_no_second() -> None:
    first, second = lost(-3, 2, 1), lost(-2, 3, 2)
    assert rules.made_good([second, first], [(NOW - DAY, 7)]) == [(first, 7), (second, None)]
    assert rules.made_good([second, first], [(NOW - DAY, 7), (NOW - 2 * DAY, 8)]) == [(first, 8), (second, 7)]


def test_a_rescued_seat_that_is_lost_too_leaves_one_to_make_good() -> None:
    first, second = lost(-4, 1, 1), lost(-2, 3, 2)
    rescued = (NOW - 3 * DAY, 2)  # the seat whose loss is the second
    assert rules.made_good([first, second], [rescued]) == [(first, 2), (second, None)]
    assert rules.open_until([first, second], [rescued], NOW) == second.until
    assert rules.open_until([first, second], [rescued, (NOW - DAY, 3)], NOW) is None
    assert rules.made_good([second], [(second.at, 2)]) == [(second, None)], "never by itself"


# --- what the rescue opens --------------------------------------------------------------------------------------


def at(days: int) -> datetime:
    return NOW + days * DAY


@pytest.mark.parametrize(
    ("window", "rescue", "refused"),
    [
        (Window(at(-9), at(-1)), None, "window_closed"),
        (Window(at(-9), at(-1)), at(1), ""),
        (Window(at(-9), at(-1)), NOW, "window_closed"),
        (Window(at(1), at(9)), at(5), "window_not_open"),
        (Window(at(-9), at(9), (Round("main", at(-9), at(-1)), Round("add_drop", at(1), at(9)))), at(5), "window_not_open"),
        (Window(at(-9), at(9)), None, ""),
    ],
)  # fmt: skip
def test_the_rescue_window_opens_what_is_over_and_nothing_that_is_to_come(
    window: Window, rescue: datetime | None, refused: str
) -> None:
    assert code(check_window(window, NOW, rescue)) == refused
    assert may_be_rescued(window, NOW, rescue) == (rescue is not None and not refused)


# --- the minimum itself -----------------------------------------------------------------------------------------


def test_a_minimum_can_be_reached_with_the_seats_and_stays_when_enrolling_is_over() -> None:
    assert check_minimum(None, 0) == [] == check_minimum(15, 15)
    (error,) = check_minimum(16, 15)
    assert (error.field, error.code, error.params) == ("minimum", "minimum_above_seats", {"seats": 15, "minimum": 16})
    late = (15, {"minimum": 5}, "published", NOW, NOW)
    assert code(may_change_minimum(*late)) == "minimum_fixed"
    assert may_change_minimum(15, {"minimum": 15}, "published", NOW, NOW) is None
    assert may_change_minimum(15, {"room": "教一"}, "published", NOW, NOW) is None
    assert may_change_minimum(15, {"minimum": 5}, "draft", NOW, NOW) is None
    assert may_change_minimum(15, {"minimum": 5}, "published", NOW + DAY, NOW) is None


def test_what_was_called_off_stays_so() -> None:
    assert [after for (state, _event), after in OFFERING_LIFE.items() if state == "cancelled"] == []
    assert [key for key, after in OFFERING_LIFE.items() if after == "cancelled"] == [("published", "cancel")]
