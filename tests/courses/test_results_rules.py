"""What a home school makes of another school's grade: proposals, what a registrar may say otherwise, formulas, totals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses.grades.rules import FIVE, LEVELS, PERCENT, SCALES, TWO, Formula, Grade, points
from courses.results import rules
from courses.results.rules import Counts, Home, Recognised, Said
from zutuan.decision import Refusal

D = Decimal
STEPS = "90=4.0、85=3.7、82=3.3、78=3.0、75=2.7、72=2.3、68=2.0、64=1.5、60=1.0"
COUNTS = Counts("教育心理学专题", D("1.5"), "PUB201", "Topics in Educational Psychology", "公共选修")


def percent(value: str) -> Grade:
    return Grade(PERCENT, D(value))


# --- the machine ------------------------------------------------------------------------------------------------


def test_every_cell_of_the_machine() -> None:
    allowed = {
        ("waiting", "recognise", "recognised"), ("waiting", "refuse", "refused"), ("waiting", "correct", "waiting"),
        ("recognised", "correct", "waiting"), ("refused", "correct", "waiting"), ("recognised", "reopen", "waiting"),
        ("refused", "reopen", "waiting"),
    }  # fmt: skip
    found = [(state, event, rules.step(state, event)) for state in rules.STATES for event in rules.EVENTS]
    assert {each for each in found if isinstance(each[2], str)} == allowed
    assert rules.step("recognised", "recognise") == Refusal("result_decided")
    assert rules.step("waiting", "reopen") == Refusal("result_waits")


# --- proposals --------------------------------------------------------------------------------------------------


def test_a_recognised_course_is_proposed_whole() -> None:
    found = rules.propose(percent("86"), D(2), COUNTS, Home())
    assert found == Recognised(
        percent("86"), D("3.60"), D("1.5"), "PUB201", "教育心理学专题", "Topics in Educational Psychology", "公共选修"
    )


@pytest.mark.parametrize(
    ("grade", "scale", "shown", "worth"),
    [
        (percent("86"), "original", "86", D("3.60")), (percent("86"), FIVE, "良好", D("3.50")),
        (percent("86"), TWO, "合格", None), (Grade(FIVE, level="优秀"), PERCENT, "95", D("4.50")),
        (Grade(TWO, level="合格"), PERCENT, "75", D("2.50")), (Grade(FIVE, level="中等"), "original", "中等", D("2.50")),
        (Grade(PERCENT, mark="absent"), FIVE, "缺考", D("0.00")), (percent("59"), FIVE, "不及格", D("0.00")),
    ],
)  # fmt: skip
def test_in_the_home_schools_scale(grade: Grade, scale: str, shown: str, worth: Decimal | None) -> None:
    found = rules.propose(grade, D(2), COUNTS, Home(scale))
    assert (str(found.grade), found.points) == (shown, worth)


def test_a_fail_earns_nothing_and_may_go_unrecorded() -> None:
    failed = rules.propose(percent("59"), D(2), COUNTS, Home())
    assert failed.credits == 0 and failed.recorded and failed.points == 0
    assert not rules.propose(percent("59"), D(2), COUNTS, Home(fail_recorded=False)).recorded
    assert rules.propose(percent("60"), D(2), COUNTS, Home(fail_recorded=False)).recorded


def test_without_a_recognition_the_registrar_has_to_say() -> None:
    proposed = rules.propose(percent("86"), D(2), None, Home())
    assert proposed.name == "" and proposed.credits == 2
    assert _codes(proposed, Said(), percent("86"), D(2)) == [("name", "counts_as_nothing")]
    settled = _settled(proposed, Said(name="教育心理学"), percent("86"), D(2))
    assert settled.name == "教育心理学" and settled.credits == 2
    unrecorded = rules.propose(percent("40"), D(2), None, Home(fail_recorded=False))
    assert _settled(unrecorded, Said(), percent("40"), D(2)).name == ""


# --- what may be said otherwise ---------------------------------------------------------------------------------


def _codes(proposed: Recognised, said: Said, grade: Grade, limit: Decimal) -> list[tuple[str, str]]:
    found = rules.settle(proposed, said, grade, limit, Home())
    assert isinstance(found, list)
    return [(each.field, each.code) for each in found]


def _settled(proposed: Recognised, said: Said, grade: Grade, limit: Decimal) -> Recognised:
    found = rules.settle(proposed, said, grade, limit, Home())
    assert isinstance(found, Recognised), found
    return found


def test_a_category_is_one_of_the_schools_list() -> None:
    home = Home(categories=("公共选修", "通识选修"))
    proposed = rules.propose(percent("86"), D(2), COUNTS, home)
    for said, wrong in (
        (Said(), []),
        (Said(category="通识选修"), []),
        (Said(category=""), []),
        (Said(category="别的"), ["not_a_category"]),
    ):
        found = rules.settle(proposed, said, percent("86"), D("1.5"), home)
        assert [each.code for each in found] == wrong if isinstance(found, list) else not wrong
    outdated = rules.settle(proposed, Said(), percent("86"), D("1.5"), Home(categories=("通识选修",)))
    assert isinstance(outdated, list) and outdated[0].field == "category"


def test_credits_never_exceed() -> None:
    proposed = rules.propose(percent("86"), D(2), COUNTS, Home())
    assert _settled(proposed, Said(credits=D("1.5")), percent("86"), D("1.5")).credits == D("1.5")
    assert _settled(proposed, Said(credits=D(0)), percent("86"), D("1.5")).credits == 0
    assert _codes(proposed, Said(credits=D(2)), percent("86"), D("1.5")) == [("credits", "result_exceeds_credits")]
    failed = rules.propose(percent("50"), D(2), COUNTS, Home())
    assert _codes(failed, Said(credits=D(1)), percent("50"), D(2)) == [("credits", "fail_earns_nothing")]


@pytest.mark.parametrize(
    ("grade", "home", "said", "code"),
    [
        (Grade(FIVE, level="优秀"), PERCENT, "92", ""), (Grade(FIVE, level="优秀"), PERCENT, "89", "not_the_same_grade"),
        (Grade(TWO, level="合格"), FIVE, "良好", ""), (Grade(TWO, level="合格"), FIVE, "不及格", "not_the_same_grade"),
        (percent("83"), PERCENT, "83", ""), (percent("83"), PERCENT, "84", "not_the_same_grade"),
        (percent("83"), FIVE, "优秀", "not_the_same_grade"), (Grade(FIVE, level="优秀"), PERCENT, "101", "grade_out_of_scale"),
        (Grade(FIVE, level="优秀"), PERCENT, "九十", "not_a_grade"), (Grade(FIVE, level="优秀"), PERCENT, "92.5", "whole_grades_only"),
        (percent("83"), FIVE, "很好", "no_such_level"), (percent("83"), PERCENT, "缺考", "not_the_same_grade"),
        (Grade(PERCENT, mark="absent"), PERCENT, "60", "not_the_same_grade"),
    ],
)  # fmt: skip
def test_another_grade_says_the_same_as_the_original(grade: Grade, home: str, said: str, code: str) -> None:
    proposed = rules.propose(grade, D(2), COUNTS, Home(home))
    found = rules.settle(proposed, Said(grade=said), grade, D(2), Home())
    if code:
        assert isinstance(found, list) and [each.code for each in found] == [code]
    else:
        assert isinstance(found, Recognised) and str(found.grade) == said
        assert found.points == points(found.grade, Formula())


def test_what_has_no_grade_is_not_recognised() -> None:
    assert rules.may_recognise(Grade(PERCENT, mark="deferred")) == Refusal("not_graded_yet")
    assert rules.may_recognise(Grade(PERCENT, mark="absent")) is None and rules.may_recognise(percent("0")) is None


@pytest.mark.parametrize(
    "kept",
    [{"scale": "percent", "grade": "86.5"}, {"scale": "five", "grade": "良好"}, {"scale": "two", "grade": "合格"}],
)
def test_the_original_is_read_as_it_was_kept(kept: dict[str, Any]) -> None:
    assert str(rules.original({**kept, "mark": ""})) == kept["grade"]
    assert rules.original({**kept, "grade": "", "mark": "misconduct"}).passed is False


# --- 绩点 formulas -----------------------------------------------------------------------------------------------


def test_formulas_as_schools_write_them() -> None:
    assert rules.formula("") == Formula() == rules.formula("（分数－50）÷10") == rules.formula("(x-50)/10")
    found = rules.formula(STEPS)
    assert isinstance(found, Formula)
    assert [points(percent(each), found) for each in ("100", "85", "84", "60", "59")] == [
        D("4.00"), D("3.70"), D("3.30"), D("1.00"), D("0.00"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code", "row"),
    [
        ("90=4.0、八十=3", "points_row", "八十=3"), ("90=4.0、85", "points_row", "85"), ("101=4.0", "points_row", "101=4.0"),
        ("90=11", "points_row", "90=11"), ("85=3.7、90=4.0", "points_order", "90=4.0"), ("90=4.0、90=3.0", "points_order", "90=3.0"),
        ("90=3.0、85=3.7", "points_order", "85=3.7"), ("90=4.0、70=2.0", "points_no_pass", "70=2.0"),
        ("(x-50)/0", "points_row", "(x-50)/0"), ("(x-70)/10", "points_row", "(x-70)/10"), ("、", "points_no_pass", ""),
        ("(x-0)/1", "points_row", "(x-0)/1"), ("(x-1.1.1)/10", "points_row", "(x-1.1.1)/10"),
    ],
)  # fmt: skip
def test_a_bad_formula_names_its_row(text: str, code: str, row: str) -> None:
    assert rules.formula(text) == Refusal(code, {"row": row})


@given(st.sampled_from(SCALES), st.sampled_from(rules.HOME_SCALES), st.integers(0, 100), st.booleans())
def test_whoever_passed_passes_at_home(scale: str, home: str, value: int, recorded: bool) -> None:
    given_ = (
        percent(str(value))
        if scale == PERCENT
        else Grade(scale, level=tuple(LEVELS[scale])[value % len(LEVELS[scale])])
    )
    found = rules.propose(given_, D(3), COUNTS, Home(home, fail_recorded=recorded))
    assert found.grade.passed == given_.passed and (found.credits > 0) == given_.passed
    assert found.points is None or 0 <= found.points <= 5
    assert rules.settle(found, Said(), given_, COUNTS.credits, Home()) == found


def test_totals() -> None:
    rows = [(D(2), D(2), D("3.60")), (D(0), D(1), D("0.00")), (D(1), D(1), None)]
    assert rules.totals(rows) == rules.Totals(3, D(3), D("2.40"))
    assert rules.totals([]) == rules.Totals(0, D(0), None)
