"""Meeting times as 教务系统 print them: read, written back as the same value, and what is not understood is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zutuan.calendar.patterns import MAX_PERIOD, MOST_SEGMENTS, Written, lines_of, read, rows, runs, week_text, write
from zutuan.calendar.rules import MAX_WEEK, Pattern, parse_weeks
from zutuan.decision import Refusal

EVEN_4_16 = tuple(range(4, 17, 2))
ALL_16 = tuple(range(1, 17))
ODD_16 = tuple(range(1, 17, 2))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        # the four of the issue
        ("星期三第6-8节{2-8周,10-16周(双)}", [Written(3, (6, 7, 8), (2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16))]),
        ("周二第1,2节{第4-16周|双周}", [Written(2, (1, 2), EVEN_4_16)]),
        ("周一[3-4]节 1-16周(单)", [Written(1, (3, 4), ODD_16)]),
        ("1-16(周)[01-02节]", [Written(None, (1, 2), ALL_16)]),
        # widths, dashes, brackets, numerals
        ("星期三第６－８节｛２～８周｝", [Written(3, (6, 7, 8), tuple(range(2, 9)))]),  # noqa: RUF001
        ("周日 0102节 1—16周", [Written(7, (1, 2), ALL_16)]),
        ("礼拜天第1节-第2节【第1周至第16周】", [Written(7, (1, 2), ALL_16)]),
        ("周3 1-2节 1-16 周", [Written(3, (1, 2), ALL_16)]),
        ("(1-16周)周五(1、2节次)", [Written(5, (1, 2), ALL_16)]),
        # parity wherever it stands
        ("周四 1-2节 1-16单周", [Written(4, (1, 2), ODD_16)]),
        ("周四 1-2节 1-16(单周)", [Written(4, (1, 2), ODD_16)]),
        ("1-16周(单)周四[1-2]节", [Written(4, (1, 2), ODD_16)]),
        # lists
        ("周一第1,2,5节 1,3,5-9周", [Written(1, (1, 2, 5), (1, 3, 5, 6, 7, 8, 9))]),
        # the whole term, where it is said
        ("周三第1-2节 全学期", [Written(3, (1, 2), (), "all")]),
        ("每周三第1-2节", [Written(3, (1, 2), (), "all")]),
        ("每周三第1-2节{1-16周}", [Written(3, (1, 2), ALL_16)]),
        ("周三第1-2节(双周)", [Written(3, (1, 2), (), "even")]),
        # several
        ("周一1-2节1-16周；周三3-4节1-16周", [Written(1, (1, 2), ALL_16), Written(3, (3, 4), ALL_16)]),  # noqa: RUF001
        ("周一1-2节1-16周\n周三3-4节1-16周\r\n", [Written(1, (1, 2), ALL_16), Written(3, (3, 4), ALL_16)]),
        ("周一1-2节{1-16周},周三3-4节{1-16周}", [Written(1, (1, 2), ALL_16), Written(3, (3, 4), ALL_16)]),
        ("1-16周 周一 1-2节, 1-16周 周三 3-4节", [Written(1, (1, 2), ALL_16), Written(3, (3, 4), ALL_16)]),
        ("周一1-2节{1-16周}周三3-4节{1-16周}", [Written(1, (1, 2), ALL_16), Written(3, (3, 4), ALL_16)]),
    ],
)  # fmt: skip
def test_times_as_timetables_print_them(text: str, lines: list[Written]) -> None:
    assert read(text) == lines


@pytest.mark.parametrize(
    ("text", "code", "part"),
    [
        ("", "pattern_empty", None),
        (" ；\n", "pattern_empty", None),  # noqa: RUF001
        ("周三1-2节", "pattern_no_weeks", "周三1-2节"),
        ("周三 1-16周", "pattern_no_periods", "周三 1-16周"),
        ("周三 1-2节 5-3周", "pattern_backwards", "5-3"),
        ("周三 2-1节 5周", "pattern_backwards", "2-1"),
        ("周三 1-2节 1-16周 文科楼301", "pattern_unknown", "文科楼301"),
        ("周八 1-2节 1-16周", "pattern_unknown", "八"),
        ("周三 1-2节 1-99周", "pattern_number", "1-99"),
        ("周三 0-2节 1周", "pattern_number", "0-2"),
        ("周三 1-21节 1周", "pattern_number", "1-21"),
        ("周三 1-2 1-16周", "pattern_unit", "1-2"),
        ("周三 1-2", "pattern_unit", "1-2"),
        ("周三 1-2节 2周(单)", "pattern_no_such_week", "周三 1-2节 2周(单"),
        ("周三 1-2节 1-16周 全学期", "pattern_weeks_twice", None),
        ("周三 1-2-3节 1周", "pattern_unknown", "1-2-3"),
        ("周一,周三第1-2节{1-16周}", "pattern_no_periods", "周一"),
        ("周三 1,,2节 1周", "pattern_unknown", ","),
        ("周三<script>1-2节 1周", "pattern_unknown", "script>1-2节"),
        ("; ".join(["周三1-2节1周"] * (MOST_SEGMENTS + 1)), "pattern_too_many", None),
        ("周" * 2000, "pattern_too_long", None),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_named(text: str, code: str, part: str | None) -> None:
    answer = read(text)
    assert isinstance(answer, Refusal) and answer.code == code
    if part is not None:
        assert answer.params["part"] == part


@st.composite
def written(draw: st.DrawFn) -> Written:
    weekday = draw(st.one_of(st.none(), st.integers(1, 7)))
    periods = draw(st.sets(st.integers(1, MAX_PERIOD), min_size=1))
    every = draw(st.sampled_from(["", "", "", "all", "odd", "even"]))
    weeks = set() if every else draw(st.sets(st.integers(1, MAX_WEEK), min_size=1))
    return Written(weekday, tuple(sorted(periods)), tuple(sorted(weeks)), every)


@given(st.lists(written(), min_size=1, max_size=MOST_SEGMENTS))
def test_what_was_written_reads_back_as_the_same(lines: list[Written]) -> None:
    text = write(lines)
    if len(text) > 1000:
        return
    assert read(text) == lines
    again = read(text)
    assert isinstance(again, list) and write(again) == text
    if all(line.weekday for line in lines):  # then commas and nothing at all part them as well
        assert read(text.replace("; ", ",")) == read(text.replace("; ", "")) == lines


@given(st.text(max_size=60) | st.text("周星期一三1234567890-,节{}()单双第|; ", max_size=40))
def test_no_text_crashes_the_reader_and_what_it_reads_it_writes(text: str) -> None:
    answer = read(text)
    if not isinstance(answer, Refusal):
        assert read(write(answer)) == answer


@given(st.sets(st.integers(1, MAX_WEEK), min_size=1))
def test_the_form_s_weeks_say_the_same(weeks: set[int]) -> None:
    assert parse_weeks(week_text(weeks)) == sorted(weeks)


def test_periods_apart_become_rows_apart() -> None:
    lines = read("周一第1,2,5节{1-8周(单)}")
    assert not isinstance(lines, Refusal)
    patterns = rows(lines, 18)
    assert patterns == [Pattern(1, 1, 2, "1-7o"), Pattern(1, 5, 5, "1-7o")]
    assert lines_of(patterns) == [Written(1, (1, 2, 5), (1, 3, 5, 7))]
    assert runs([1, 2, 5, 6, 7]) == [(1, 2), (5, 7)]


def test_the_whole_term_is_as_long_as_the_term() -> None:
    assert rows([Written(2, (1,), (), "even")], 7) == [Pattern(2, 1, 1, "2-6e")]
    assert rows([Written(2, (1,), (), "all")], 16) == [Pattern(2, 1, 1, "1-16")]


def test_a_line_without_weekday_needs_one() -> None:
    (line,) = [Written(None, (1, 2), (1, 2))]
    assert isinstance(rows([line], 18), Refusal)
    assert rows([line], 18, weekday=4) == [Pattern(4, 1, 2, "1-2")]
