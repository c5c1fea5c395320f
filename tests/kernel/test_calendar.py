"""From "weekday + periods + weeks" to absolute intervals: what a school writes is what its students' clocks show."""

from __future__ import annotations

from datetime import UTC, date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zutuan.calendar.rules import MAX_WEEK, Pattern, TermDates, check_pattern, expand, overlap, parse_weeks
from zutuan.calendar.services import monday_of, usual_periods
from zutuan.clock import local
from zutuan.decision import Refusal

PERIODS = {number: (starts, ends) for number, starts, ends in usual_periods()}
TERM = TermDates(date(2026, 9, 7), 18)
LAST = max(PERIODS)


# --- weeks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "weeks"),
    [
        ("1", [1]),
        ("1-4", [1, 2, 3, 4]),
        ("1-3,5", [1, 2, 3, 5]),
        ("1-3，5", [1, 2, 3, 5]),  # noqa: RUF001
        (" 2 - 4 , 6 ", [2, 3, 4, 6]),
        ("1–3", [1, 2, 3]),  # noqa: RUF001
        ("2~4", [2, 3, 4]),
        ("1-6e", [2, 4, 6]),
        ("1-6o", [1, 3, 5]),
        ("1-4,3-5", [1, 2, 3, 4, 5]),
        ("9,1", [1, 9]),
        ("4e", [4]),
        ("1-30", list(range(1, 31))),
    ],
)
def test_weeks_as_schools_write_them(text: str, weeks: list[int]) -> None:
    assert parse_weeks(text) == weeks


@pytest.mark.parametrize(
    "text",
    ["", " ", "0", "0-3", "61", "1-61", "5-3", "a", "1-", "-3", "1,,2", "1,", "1;2", "1-2-3", "1x", "e", "3e", "1o,2o",
     "1.5", "100", "-1", "1 2", "1-\u0000", "1\n2", "9" * 500],
)  # fmt: skip
def test_what_is_not_weeks(text: str) -> None:
    answer = parse_weeks(text)
    if text == "1o,2o":
        assert answer == [1]  # one part is empty, the whole is not
    else:
        assert answer == Refusal("bad_weeks")


Part = tuple[int, int, str]


@st.composite
def parts(draw: st.DrawFn, last: int = MAX_WEEK) -> Part:
    first = draw(st.integers(1, last))
    return first, draw(st.integers(first, last)), draw(st.sampled_from(["", "", "e", "o"]))


def _text(part: Part, dash: str) -> str:
    first, last, parity = part
    return f"{first}{parity}" if first == last else f"{first}{dash}{last}{parity}"


def _meant(part: Part) -> set[int]:
    first, last, parity = part
    return {week for week in range(first, last + 1) if not parity or (week % 2 == 0) == (parity == "e")}


@given(
    st.lists(parts(), min_size=1, max_size=6), st.sampled_from([",", "，", " , "]), st.sampled_from(["-", "–", " ~ "])
)  # noqa: RUF001
def test_weeks_are_those_that_are_meant(written: list[Part], comma: str, dash: str) -> None:
    meant = sorted(set().union(*(_meant(part) for part in written)))
    answer = parse_weeks(comma.join(_text(part, dash) for part in written))
    assert answer == (meant or Refusal("bad_weeks"))


@given(st.text(max_size=40))
def test_no_text_makes_weeks_crash(text: str) -> None:
    answer = parse_weeks(text)
    assert isinstance(answer, Refusal) or (answer == sorted(set(answer)) and 1 <= answer[0] <= answer[-1] <= MAX_WEEK)


# --- terms ------------------------------------------------------------------------------------------------------


def test_weeks_of_a_term_begin_on_monday() -> None:
    assert TERM.end_day == date(2027, 1, 11)
    assert [TERM.week_of(TERM.first_day + timedelta(days=n)) for n in (-1, 0, 6, 7, 125, 126)] == [
        None, 1, 1, 2, 18, None
    ]  # fmt: skip


# --- meetings ---------------------------------------------------------------------------------------------------


@st.composite
def terms(draw: st.DrawFn) -> TermDates:
    first = draw(st.dates(date(2020, 1, 1), date(2035, 12, 31)))
    return TermDates(monday_of(first), draw(st.integers(1, MAX_WEEK)))


@st.composite
def patterns(draw: st.DrawFn, weeks: int) -> Pattern:
    """A pattern that fits a term of so many weeks."""
    first = draw(st.integers(1, LAST))
    written = draw(st.lists(parts(weeks), min_size=1, max_size=3).filter(lambda ps: any(_meant(p) for p in ps)))
    text = ",".join(_text(part, "-") for part in written)
    return Pattern(draw(st.integers(1, 7)), first, draw(st.integers(first, LAST)), text)


@given(st.data(), terms())
def test_meetings_lie_where_the_school_meant_them(data: st.DataObject, term: TermDates) -> None:
    pattern = data.draw(patterns(term.weeks))
    assert check_pattern(pattern, term, sorted(PERIODS)) is None
    intervals = expand(pattern, term, PERIODS)
    weeks = parse_weeks(pattern.weeks)
    assert [each.week for each in intervals] == weeks
    for each in intervals:
        starts, ends = local(each.starts), local(each.ends)
        assert starts.isoweekday() == pattern.weekday and starts.date() == ends.date()
        assert starts.hour * 60 + starts.minute == PERIODS[pattern.first_period][0]
        assert ends.hour * 60 + ends.minute == PERIODS[pattern.last_period][1]
        assert term.first_day <= starts.date() < term.end_day and term.week_of(starts.date()) == each.week
        assert each.starts < each.ends and each.starts.tzinfo is UTC
    assert [each.starts for each in intervals] == sorted(each.starts for each in intervals)


@given(st.data(), terms())
def test_two_patterns_overlap_when_their_intervals_do(data: st.DataObject, term: TermDates) -> None:
    first, second = data.draw(patterns(term.weeks)), data.draw(patterns(term.weeks))
    mine, theirs = expand(first, term, PERIODS), expand(second, term, PERIODS)
    meet = any(a.starts < b.ends and b.starts < a.ends for a in mine for b in theirs)
    assert overlap(first, second) == overlap(second, first) == meet


@given(st.data(), st.integers(1, MAX_WEEK - 1))
def test_a_week_behind_the_term_s_end_does_not_fit(data: st.DataObject, weeks: int) -> None:
    term = TermDates(date(2026, 9, 7), weeks)
    late = data.draw(st.integers(weeks + 1, MAX_WEEK))
    answer = check_pattern(Pattern(1, 1, 1, f"1,{late}"), term, sorted(PERIODS))
    assert answer == ("weeks", Refusal("week_not_in_term", {"week": late, "weeks": weeks}))


def test_seven_o_clock_in_the_evening_is_eleven_in_utc() -> None:
    (only,) = expand(Pattern(3, 9, 10, "12"), TERM, PERIODS)
    assert only.starts.isoformat() == "2026-11-25T11:00:00+00:00"
    assert only.ends.isoformat() == "2026-11-25T12:35:00+00:00"
