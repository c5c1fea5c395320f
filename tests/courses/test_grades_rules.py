"""Grades on plain values: what may be written, what it adds up to, what it is elsewhere, which attempt counts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses.grades.rules import (
    ABSENT,
    CHEATED,
    DEFERRED,
    FIRST,
    FIVE,
    LEVELS,
    MARKS,
    PERCENT,
    RESIT,
    RETAKE,
    SCALES,
    TWO,
    Formula,
    Grade,
    check_weights,
    counts,
    in_scale,
    may_attempt,
    points,
    read,
    total,
)
from zutuan.decision import Refusal


def percent(value: str | int) -> Grade:
    return Grade(PERCENT, Decimal(value))


def code(said: Grade | Refusal | None) -> str | None:
    return said.code if isinstance(said, Refusal) else None


@pytest.mark.parametrize(
    ("text", "scale", "places", "says"),
    [
        ("60", PERCENT, 0, "60"), (" 100 ", PERCENT, 0, "100"), ("0", PERCENT, 0, "0"), ("87.5", PERCENT, 1, "87.5"),
        ("87", PERCENT, 1, "87.0"), ("优秀", FIVE, 0, "优秀"), ("合格", TWO, 0, "合格"), ("缺考", PERCENT, 0, "缺考"),
        ("缓考", FIVE, 0, "缓考"),
        ("59.5", PERCENT, 0, "whole_grades_only"), ("59.55", PERCENT, 1, "too_many_decimals"),
        ("101", PERCENT, 0, "grade_out_of_scale"), ("-1", PERCENT, 0, "grade_out_of_scale"),
        ("NaN", PERCENT, 0, "grade_out_of_scale"), ("Infinity", PERCENT, 0, "grade_out_of_scale"),
        ("", PERCENT, 0, "not_a_grade"), ("九十", PERCENT, 0, "not_a_grade"), ("=1+1", PERCENT, 0, "not_a_grade"),
        ("良", FIVE, 0, "no_such_level"), ("优秀", TWO, 0, "no_such_level"), ("85", FIVE, 0, "no_such_level"),
    ],
)  # fmt: skip
def test_what_may_be_written(text: str, scale: str, places: int, says: str) -> None:
    found = read(text, scale, places)
    assert (found.code if isinstance(found, Refusal) else str(found)) == says


@given(st.decimals(0, 100, places=1), st.sampled_from(SCALES))
def test_a_pass_is_a_pass_in_every_scale(value: Decimal, scale: str) -> None:
    assert in_scale(Grade(PERCENT, value), scale, 1).passed == (value >= 60)


@given(st.sampled_from(SCALES), st.data())
def test_what_is_shown_can_be_written_again(scale: str, data: st.DataObject) -> None:
    text = data.draw(
        st.sampled_from([*LEVELS.get(scale, ()), *MARKS]) if scale != PERCENT else st.integers(0, 100).map(str)
    )
    grade = read(text, scale)
    assert isinstance(grade, Grade) and read(str(grade), scale) == grade


@pytest.mark.parametrize(
    ("weights", "wrong"),
    [({"usual": 40, "final": 60}, False), ({"final": 100}, False), ({}, True), ({"a": 50, "b": 49}, True),
     ({"a": 110, "b": -10}, True)],
)  # fmt: skip
def test_weights_are_the_whole(weights: dict[str, int], wrong: bool) -> None:
    assert (check_weights(weights) is not None) is wrong


def test_the_total_is_rounded_once_and_a_mark_stands_for_it() -> None:
    weights = {"usual": 50, "final": 50}
    assert total({"usual": percent(60), "final": percent(59)}, weights) == percent(60)  # 59.5, half up
    assert total({"usual": percent(60), "final": percent(59)}, weights, 1) == percent("59.5")
    assert code(total({"usual": percent(90)}, weights)) == "part_missing"
    assert total({"usual": percent(90), "final": Grade(PERCENT, mark=ABSENT)}, weights) == Grade(PERCENT, mark=ABSENT)
    cheated = {"usual": Grade(PERCENT, mark=DEFERRED), "final": Grade(PERCENT, mark=CHEATED)}
    assert total(cheated, weights) == Grade(PERCENT, mark=CHEATED)
    assert total({"final": percent(70)}, {"usual": 0, "final": 100}) == percent(70)


def test_points_follow_the_school_s_formula() -> None:
    linear, steps = Formula(), Formula(((Decimal(90), Decimal(4)), (Decimal(60), Decimal(1))))
    assert points(percent(87), linear) == Decimal("3.70") and points(percent(87), steps) == Decimal("1.00")
    assert points(percent(59), linear) == points(percent(59), steps) == Decimal("0.00")
    assert points(Grade(FIVE, level="优秀"), linear) == Decimal("4.50")
    assert points(Grade(TWO, level="合格"), linear) is None
    assert points(Grade(PERCENT, mark=DEFERRED), linear) is None
    assert points(Grade(PERCENT, mark=CHEATED), linear) == Decimal("0.00")


@pytest.mark.parametrize(
    ("kind", "before", "says"),
    [
        (FIRST, [], None), (FIRST, [(FIRST, percent(50))], "attempted_already"),
        (FIRST, [(FIRST, Grade(PERCENT, mark=DEFERRED))], None), (RESIT, [], "nothing_to_repeat"), (RESIT, [(FIRST, percent(50))], None),
        (RESIT, [(FIRST, percent(60))], "passed_already"), (RETAKE, [(FIRST, percent(60))], "passed_already"),
        (RESIT, [(FIRST, percent(50)), (RESIT, percent(50))], "resit_once"),
        (RETAKE, [(FIRST, percent(50)), (RESIT, percent(50))], None),
        (RESIT, [(FIRST, Grade(PERCENT, mark=CHEATED))], "no_resit_after_misconduct"),
        (RETAKE, [(FIRST, Grade(PERCENT, mark=CHEATED))], None),
        (RESIT, [(FIRST, Grade(PERCENT, mark=DEFERRED))], None),
    ],
)  # fmt: skip
def test_another_attempt(kind: str, before: list[tuple[str, Grade]], says: str | None) -> None:
    assert code(may_attempt(kind, before)) == says


def test_which_attempt_counts() -> None:
    assert counts([]) is None
    assert counts([(FIRST, Grade(PERCENT, mark=DEFERRED))]) == Grade(PERCENT, mark=DEFERRED)
    assert counts([(FIRST, percent(50)), (RESIT, percent(88))]) == percent(60)
    assert counts([(FIRST, percent(50)), (RESIT, percent(40)), (RETAKE, percent(88))]) == percent(88)
    assert counts([(FIRST, percent(50)), (RESIT, percent(40))]) == percent(50)
    assert counts([(FIRST, Grade(FIVE, level="不及格")), (RESIT, Grade(FIVE, level="优秀"))]) == Grade(
        FIVE, level="及格"
    )
