"""Every cell of a course's and an offering's life, and what meetings and windows must fit."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from courses.catalogue import rules
from zutuan.calendar.rules import Pattern, TermDates
from zutuan.decision import FieldError, Refusal
from zutuan.sharing import rules as sharing
from zutuan.sharing.rules import TITLE_KEY, title_key

TERM = TermDates(date(2026, 9, 7), 18)
PERIODS = {number: (480 + 50 * number, 525 + 50 * number) for number in range(1, 12)}
NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
ENDS = NOW + timedelta(days=40)
TICK = timedelta(microseconds=1)

# state: publish, suspend, archive; - is refused
COURSE_LIFE = """
draft      published  -          archived
published  -          suspended  archived
suspended  published  -          archived
archived   -          -          -
"""
# state: publish, archive, cancel (停开)
OFFERING_LIFE = """
draft      published  archived  -
published  -          archived  cancelled
archived   -          -         -
cancelled  -          -         -
"""


def _cells(table: str, events: tuple[str, ...]) -> dict[tuple[str, str], str]:
    rows = (line.split() for line in table.strip().splitlines())
    return {(state, event): after for state, *cells in rows for event, after in zip(events, cells, strict=True)}


def test_every_cell_of_a_course_s_life() -> None:
    expected = _cells(COURSE_LIFE, ("publish", "suspend", "archive"))
    states = ("draft", "published", "suspended", "archived")
    assert sharing.EVENTS == ("publish", "suspend", "archive")
    for cell in product(states, sharing.EVENTS):
        answer = sharing.next_state(*cell)
        if expected[cell] == "-":
            assert answer == Refusal("wrong_state", {"state": cell[0], "event": cell[1]}), cell
        else:
            assert answer == expected[cell], cell
    assert set(sharing.LIFE) == {cell for cell, after in expected.items() if after != "-"}
    assert isinstance(sharing.next_state("draft", "banana"), Refusal)


def test_every_cell_of_an_offering_s_life() -> None:
    expected = _cells(OFFERING_LIFE, ("publish", "archive", "cancel"))
    for cell, after in expected.items():
        answer = rules.next_offering_state(*cell)
        if after == "-":
            assert answer == Refusal("wrong_state", {"state": cell[0], "event": cell[1]}), cell
        else:
            assert answer == after, cell
    assert set(rules.OFFERING_LIFE) == {cell for cell, after in expected.items() if after != "-"}
    assert isinstance(rules.next_offering_state("published", "suspend"), Refusal)


@pytest.mark.parametrize("course", ["draft", "published", "suspended", "archived"])
def test_what_an_offering_needs_before_students_see_it(course: str) -> None:
    for meetings, seats in product((0, 1, 3), (0, 1, 2000)):
        answer = rules.may_publish_offering(meetings, seats, course)
        code = answer.code if answer else None
        if course == "archived":
            assert code == "course_archived"
        elif not meetings:
            assert code == "offering_without_meetings"
        else:
            assert code == (None if seats else "offering_without_seats")


# --- meetings ---------------------------------------------------------------------------------------------------


def check(*patterns: Pattern) -> list[FieldError]:
    return rules.check_meetings(patterns, TERM, PERIODS)


def test_meetings_that_fit() -> None:
    assert check() == []
    assert check(Pattern(1, 1, 11, "1-18"), Pattern(7, 11, 11, "18"), Pattern(2, 1, 2, "1-17o")) == []


@pytest.mark.parametrize(
    ("pattern", "field", "code", "params"),
    [
        (Pattern(1, 1, 2, "x"), "weeks", "bad_weeks", {}),
        (Pattern(1, 1, 2, "0"), "weeks", "bad_weeks", {}),
        (Pattern(1, 1, 2, "1-19"), "weeks", "week_not_in_term", {"week": 19, "weeks": 18}),
        (Pattern(1, 1, 2, "3,19"), "weeks", "week_not_in_term", {"week": 19, "weeks": 18}),
        (Pattern(1, 4, 3, "1"), "last_period", "ends_before_start", {}),
        (Pattern(1, 12, 12, "1"), "first_period", "no_such_period", {"period": 12}),
        (Pattern(1, 11, 12, "1"), "last_period", "no_such_period", {"period": 12}),
        (Pattern(1, 0, 1, "1"), "first_period", "no_such_period", {"period": 0}),
    ],
)
def test_a_meeting_that_does_not_fit_is_named(pattern: Pattern, field: str, code: str, params: dict[str, int]) -> None:
    good = Pattern(5, 1, 1, "1")
    assert check(pattern) == [FieldError(f"meetings.0.{field}", code, params)]
    assert check(good, pattern) == [FieldError(f"meetings.1.{field}", code, params)]


def test_every_bad_meeting_is_named_at_once() -> None:
    errors = check(Pattern(1, 1, 2, "x"), Pattern(2, 1, 2, "1"), Pattern(2, 12, 12, "1"))
    assert [error.field for error in errors] == ["meetings.0.weeks", "meetings.2.first_period"]


def test_meetings_of_one_offering_do_not_overlap() -> None:
    first = Pattern(3, 1, 2, "1-16")
    for clash in (first, Pattern(3, 2, 3, "16"), Pattern(3, 1, 1, "2e"), Pattern(3, 1, 11, "5-18")):
        assert check(first, clash) == [FieldError("meetings.1.weekday", "meetings_overlap")]
    for beside in (Pattern(4, 1, 2, "1-16"), Pattern(3, 3, 4, "1-16"), Pattern(3, 1, 2, "17,18")):
        assert check(first, beside) == []
    assert check(Pattern(3, 1, 2, "1-16o"), Pattern(3, 1, 2, "1-16e")) == []
    third = check(first, Pattern(4, 1, 2, "1"), Pattern(4, 2, 2, "1"), Pattern(3, 1, 1, "1"))
    assert [error.field for error in third] == ["meetings.2.weekday", "meetings.3.weekday"]


def test_without_a_period_table_no_meeting_fits() -> None:
    assert rules.check_meetings([Pattern(1, 1, 1, "1")], TERM, {}) == [
        FieldError("meetings.0.first_period", "no_such_period", {"period": 1})
    ]


# --- the window -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("opens", "closes", "code"),
    [
        (NOW, NOW + TICK, None),
        (NOW, NOW, "ends_before_start"),
        (NOW, NOW - TICK, "ends_before_start"),
        (NOW, ENDS, None),
        (NOW, ENDS + TICK, "window_after_term"),
        (ENDS - timedelta(days=366), ENDS, None),
        (ENDS - timedelta(days=366) - TICK, ENDS, "window_too_long"),
    ],
)
def test_the_window_of_enrolment(opens: datetime, closes: datetime, code: str | None) -> None:
    errors = rules.check_window(opens, closes, ENDS)
    assert errors == ([FieldError("enrol_until", code)] if code else [])


def test_titles_are_sorted_by_pinyin() -> None:
    titles = ["ai 伦理", "AI 与教育", "阿坝民歌", "大学语文", "儿童文学", "教育心理学", "人工智能", "中国教育史"]
    assert sorted(reversed(titles), key=title_key) == titles
    assert len(title_key("\U0003fffd" * 120)) <= TITLE_KEY
