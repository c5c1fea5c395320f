"""Grades on plain values: what may be written, what it adds up to, what it is elsewhere, which attempt counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses.grades import rules
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
from courses.grades.schemes import WHOLE, Scheme, Written, check_scheme, judge, read_parts, say_parts
from zutuan.decision import Refusal

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)


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
        ("NaN", PERCENT, 0, "not_a_grade"), ("Infinity", PERCENT, 0, "not_a_grade"),
        ("-0", PERCENT, 0, "grade_out_of_scale"), ("-0.0", PERCENT, 1, "grade_out_of_scale"), ("６０．５", PERCENT, 1, "60.5"),
        *((each, PERCENT, 2, "not_a_grade") for each in ("²", "⑩", "½", "٣", "十", "1e1", "1_0", "0x10", "60.", ".5", "6.0.1", "+60", "6 0")),
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


# --- the sheet's machine, and a correction's ----------------------------------------------------------------------

SHEET_SAYS = {
    # state: (save, submit, return, confirm, correct) by staff, then by the registrar
    "open": (("open", "submitted", "sheet_not_submitted", "sheet_not_submitted", "sheet_not_confirmed"),
             ("not_this_side", "not_this_side", "sheet_not_submitted", "sheet_not_submitted", "sheet_not_confirmed")),
    "submitted": (("sheet_locked", "sheet_locked", "not_this_side", "not_this_side", "sheet_not_confirmed"),
                  ("sheet_locked", "sheet_locked", "open", "confirmed", "sheet_not_confirmed")),
    "confirmed": (("sheet_confirmed", "sheet_confirmed", "sheet_confirmed", "sheet_confirmed", "confirmed"),
                  ("sheet_confirmed", "sheet_confirmed", "sheet_confirmed", "sheet_confirmed", "not_this_side")),
}  # fmt: skip


@pytest.mark.parametrize("state", rules.SHEET_STATES)
@pytest.mark.parametrize("event", rules.SHEET_EVENTS)
@pytest.mark.parametrize("who", rules.WHO)
def test_every_cell_of_a_sheet(state: str, event: str, who: str) -> None:
    after = rules.sheet_step(state, event, who)
    says = SHEET_SAYS[state][rules.WHO.index(who)][rules.SHEET_EVENTS.index(event)]
    assert (after.code if isinstance(after, Refusal) else after) == says


@pytest.mark.parametrize("state", rules.CORRECTION_STATES)
@pytest.mark.parametrize("event", rules.CORRECTION_EVENTS)
@pytest.mark.parametrize("who", rules.WHO)
def test_every_cell_of_a_correction(state: str, event: str, who: str) -> None:
    after = rules.correction_step(state, event, who)
    mine = {"approve": "registrar", "deny": "registrar", "withdraw": "staff"}[event] == who
    if state != "asked":
        assert code(after) == "correction_over"
    elif not mine:
        assert code(after) == "not_this_side"
    else:
        assert after == {"approve": "approved", "deny": "denied", "withdraw": "withdrawn"}[event]


def test_who_is_on_a_sheet() -> None:
    failed, deferred = [(FIRST, percent(50))], [(FIRST, Grade(PERCENT, mark=DEFERRED))]
    assert rules.belongs(FIRST, [], enrolled=True) is None
    assert code(rules.belongs(FIRST, [], enrolled=False)) == "not_enrolled_in_class"
    assert code(rules.belongs(FIRST, failed, enrolled=True)) == "attempted_already"
    assert rules.belongs(FIRST, deferred, enrolled=True) is None
    assert rules.belongs(RESIT, failed, enrolled=True) is None
    assert code(rules.belongs(RESIT, deferred, enrolled=True)) == "deferred_not_failed"
    assert rules.belongs(RESIT, [*failed, (RESIT, Grade(PERCENT, mark=DEFERRED))], enrolled=True) is None
    assert code(rules.belongs(RESIT, [(FIRST, percent(60))], enrolled=True)) == "passed_already"


def test_what_stands_against_handing_in() -> None:
    later = NOW + timedelta(days=1)
    assert code(rules.may_submit(NOW, later, 3, [])) == "enrolling_not_over"
    assert code(rules.may_submit(NOW, NOW, 0, [])) == "nobody_to_grade"
    missing = rules.may_submit(NOW, NOW, 12, [f"s{n}" for n in range(12)])
    assert missing and missing.params == {"n": 12, "students": tuple(f"s{n}" for n in range(10))}
    assert rules.may_submit(NOW, NOW, 3, []) is None
    assert code(rules.may_open(FIRST, ["open"], 3)) == "sheet_open_already"
    assert code(rules.may_open(RESIT, [], 0)) == code(rules.may_open(RESIT, ["open"], 0)) == "nobody_to_resit"
    assert [code(rules.may_discard(state, rows)) for state, rows in (("open", 0), ("open", 1), ("submitted", 0), ("confirmed", 0))] == [
        None, "sheet_has_students", "sheet_locked", "sheet_confirmed",
    ]  # fmt: skip
    assert code(rules.may_open(FIRST, [], 0)) == "nobody_to_grade" and rules.may_open(FIRST, ["confirmed"], 1) is None


def test_who_hands_in_does_not_decide_and_a_grade_does_not_become_none() -> None:
    assert code(rules.four_eyes(1, 1)) == "own_grades" and rules.four_eyes(1, 2) is None
    later = Grade(PERCENT, mark=DEFERRED)
    assert code(rules.may_correct(percent(50), later)) == "no_deferral_afterwards"
    assert rules.may_correct(later, percent(70)) is None and rules.may_correct(percent(59), percent(61)) is None


# --- a row under a scheme -----------------------------------------------------------------------------------------

PARTED = Scheme(PERCENT, 0, (("平时", 40), ("期末", 60)))


@pytest.mark.parametrize(
    ("scheme", "parts", "mark", "says"),
    [
        (PARTED, {"平时": "90", "期末": "80"}, "", "84"), (PARTED, {"平时": "９０", "期末": " 80 "}, "", "84"),
        (PARTED, {"平时": "90"}, "", ""), (PARTED, {"平时": "90", "期末": "缺考"}, "", "缺考"),
        (PARTED, {"平时": "90"}, DEFERRED, "缓考"), (PARTED, {}, "", ""),
        (PARTED, {"平时": "59.5", "期末": "101"}, "", {"平时": "whole_grades_only", "期末": "grade_out_of_scale"}),
        (PARTED, {"实验": "90"}, "", {"实验": "no_such_part"}), (PARTED, {}, "ill", {"mark": "no_such_mark"}),
        (Scheme(FIVE, 0, PARTED.parts), {"平时": "90", "期末": "80"}, "", "良好"),
        (Scheme(TWO), {WHOLE: "合格"}, "", "合格"), (Scheme(TWO), {WHOLE: "85"}, "", {WHOLE: "no_such_level"}),
        (Scheme(), {WHOLE: "59.5"}, "", {WHOLE: "whole_grades_only"}), (Scheme(PERCENT, 1), {WHOLE: "59.5"}, "", "59.5"),
        (Scheme(), {WHOLE: "85"}, ABSENT, {"mark": "grade_and_mark"}), (Scheme(), {WHOLE: "缺考"}, "", "缺考"),
        (Scheme(), {WHOLE: "8_5"}, "", {WHOLE: "not_a_grade"}), (Scheme(), {WHOLE: "1e1"}, "", {WHOLE: "not_a_grade"}),
    ],
)  # fmt: skip
def test_what_a_row_comes_to(scheme: Scheme, parts: dict[str, str], mark: str, says: str | dict[str, str]) -> None:
    found = judge(scheme, Written(parts, mark))
    assert ({name: each.code for name, each in found.items()} if isinstance(found, dict) else found.text) == says


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("平时40、期末60", (("平时", 40), ("期末", 60))), ("平时 40%，期末：60%", (("平时", 40), ("期末", 60))), ("", ()),
        ("期末100", (("期末", 100),)), ("平时", "parts_not_clear"), ("40", "parts_not_clear"),
    ],
)  # fmt: skip
def test_parts_as_people_write_them(text: str, says: object) -> None:
    found = read_parts(text)
    assert (found.code if isinstance(found, Refusal) else found) == says
    if isinstance(found, tuple):
        assert read_parts(say_parts(found)) == found and check_scheme(PERCENT, 0, found) is None


# What a table's reader takes for its own columns, however it is spelt
OF_THE_SHEET = (
    "remark", "Mark", "key", "number", "name", "school", "grade", "特殊情况", "总评成绩", "总成绩", "所在学校", "标记", "标 记", "备注*",
    "选课编号（请勿修改）", "学号", "总评（自动计算）", "version",
)  # fmt: skip


def test_schemes_that_are_none() -> None:
    assert code(check_scheme("letters", 0, ())) == code(check_scheme(PERCENT, 3, ())) == "no_such_scale"
    for parts in (
        [("平时", 50), ("平时", 50)],
        [("总评", 100)],
        [("", 100)],
        [(f"p{n}", 10) for n in range(10)],
        *([(each, 40), ("期末", 60)] for each in OF_THE_SHEET),
        [("平 时", 50), ("平时", 50)],
        [("A", 50), ("ａ", 50)],
        [("**", 100)],
    ):
        assert code(check_scheme(PERCENT, 0, parts)) == "parts_not_clear"
    assert code(check_scheme(PERCENT, 0, [("平时", 40), ("期末", 50)])) == "weights_not_whole"
