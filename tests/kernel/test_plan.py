"""Holidays, swapped days, seasons and grades: which date's classes a day holds, and what that makes of meetings."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zutuan.calendar.patterns import week_text
from zutuan.calendar.plan import (
    Bells,
    Calendar,
    Expansion,
    Meeting,
    Span,
    Special,
    bells_of,
    check_special,
    check_times,
    date_of,
    day_plan,
    effective,
    expand,
    overlapping,
)  # fmt: skip
from zutuan.calendar.rules import Pattern, TermDates, overlap, weeks_of
from zutuan.calendar.rules import expand as bare
from zutuan.calendar.services import monday_of, usual_periods
from zutuan.clock import local

TIMES = {number: (starts, ends) for number, starts, ends in usual_periods()}
EVERYDAY = Bells(date(2020, 1, 1), TIMES)
TERM = TermDates(date(2026, 9, 7), 18)
NATIONAL = [Special(date(2026, 10, day), "holiday", "国庆节") for day in range(1, 8)]
MAKE_UP = Special(date(2026, 10, 10), "swapped", "国庆节调休", takes=date(2026, 10, 6))


def calendar(*specials: Special, term: TermDates = TERM, bells: tuple[Bells, ...] = (EVERYDAY,)) -> Calendar:
    return Calendar(term, effective([], specials), bells)


# --- by hand ----------------------------------------------------------------------------------------------------


def test_the_swapped_saturday_holds_the_tuesday_of_its_own_week_number() -> None:
    here = calendar(*NATIONAL, MAKE_UP)
    plan = day_plan(here, date(2026, 10, 10))
    assert (plan.held, plan.reason, plan.week) == (date(2026, 10, 6), "swapped", 5)
    assert day_plan(here, date(2026, 10, 6)).held is None
    assert day_plan(here, date(2026, 10, 6)).elsewhere == date(2026, 10, 10)
    # a class of odd weeks: week 5 is odd
    odd = expand([Pattern(2, 1, 2, "1-17o")], here)
    assert date(2026, 10, 10) in {local(m.starts).date() for m in odd.meetings} and not odd.lost
    even = expand([Pattern(2, 1, 2, "2-18e")], here)
    assert date(2026, 10, 10) not in {local(m.starts).date() for m in even.meetings}


def test_a_holiday_without_make_up_loses_its_classes() -> None:
    answer = expand([Pattern(4, 1, 2, "1-18")], calendar(*NATIONAL, MAKE_UP))
    assert [(each.week, each.day, each.reason) for each in answer.lost] == [(4, date(2026, 10, 1), "holiday")]
    assert len(answer.meetings) == 17


def test_an_ordinary_day_whose_classes_moved_is_free() -> None:
    here = calendar(Special(date(2026, 9, 12), "swapped", takes=date(2026, 9, 11)))
    assert day_plan(here, date(2026, 9, 11)).reason == "moved"
    answer = expand([Pattern(5, 1, 2, "1-2")], here)
    assert [local(each.starts).date() for each in answer.meetings] == [date(2026, 9, 12), date(2026, 9, 18)]


def test_a_school_s_own_word_goes_before_the_inherited_one() -> None:
    kept = Special(date(2026, 10, 1), "normal", "照常上课")
    days = effective(NATIONAL, [kept])
    assert days[date(2026, 10, 1)] == kept and days[date(2026, 10, 2)].inherited
    assert expand([Pattern(4, 1, 1, "4")], Calendar(TERM, days, (EVERYDAY,))).lost == ()


def test_days_around_the_term() -> None:
    here = calendar()
    assert day_plan(here, date(2026, 9, 6)).reason == "outside"
    assert day_plan(here, date(2026, 9, 7)).week == 1
    assert day_plan(here, TERM.end_day).reason == "outside"


def test_the_more_special_period_table_rings() -> None:
    summer = Bells(date(2020, 1, 1), {1: (600, 645)}, season=(501, 930), name="夏季")
    friday = Bells(date(2020, 1, 1), {1: (400, 445)}, weekdays="5", name="周五")
    winter = Bells(date(2020, 1, 1), {1: (700, 745)}, season=(1115, 228), name="冬季")
    later = Bells(date(2027, 1, 1), {1: (500, 545)}, name="新")
    tables = (EVERYDAY, summer, friday, winter, later)

    def name(year: int, month: int, day: int) -> str:
        found = bells_of(tables, date(year, month, day), date(year, month, day).isoweekday())
        return found.name if found else ""

    assert name(2026, 9, 29) == "夏季" and name(2026, 10, 1) == "" and name(2026, 10, 2) == "周五"
    assert name(2026, 12, 31) == name(2027, 1, 2) == "冬季" and name(2027, 3, 1) == "新"
    assert bells_of([later], date(2026, 1, 1), 1) is None


def test_xinjiang_s_day_starts_late_and_friday_is_its_own() -> None:
    late = Bells(date(2020, 1, 1), {1: (600, 645), 2: (655, 700)})
    friday = Bells(date(2020, 1, 1), {1: (590, 635)}, weekdays="5")
    here = calendar(MAKE_UP, *NATIONAL, bells=(late, friday))
    (monday,) = expand([Pattern(1, 1, 1, "1")], here).meetings
    assert local(monday.starts).strftime("%H:%M") == "10:00"
    assert expand([Pattern(5, 1, 2, "1")], here).lost[0].reason == "no_period"


def test_a_swapped_day_rings_like_the_weekday_it_holds() -> None:
    friday = Bells(date(2020, 1, 1), {1: (590, 635)}, weekdays="5")
    swap = Special(date(2026, 9, 12), "swapped", takes=date(2026, 9, 11))
    (meeting,) = expand([Pattern(5, 1, 1, "1")], calendar(swap, bells=(EVERYDAY, friday))).meetings
    assert local(meeting.starts).strftime("%m-%d %H:%M") == "09-12 09:50"


# --- refusals ---------------------------------------------------------------------------------------------------

D = [date(2026, 9, day) for day in range(7, 14)]


@pytest.mark.parametrize(
    ("new", "others", "code"),
    [
        (Special(D[5], "swapped", takes=D[4]), [], None),
        (Special(D[5], "swapped", takes=D[4]), [Special(D[4], "holiday")], None),
        (Special(D[5], "swapped", takes=D[4]), [Special(D[5], "holiday", "节")], "swap_onto_holiday"),
        (Special(D[5], "swapped", takes=D[5]), [], "swap_same_day"),
        (Special(D[5], "swapped", takes=D[4]), [Special(D[6], "swapped", takes=D[4])], "swap_twice"),
        (Special(D[5], "swapped", takes=D[4]), [Special(D[4], "swapped", takes=D[3])], "swap_chain"),
        (Special(D[5], "swapped", takes=D[4]), [Special(D[3], "swapped", takes=D[5])], "swap_chain"),
        (Special(D[5], "swapped", takes=D[4]), [Special(D[4], "normal")], "swap_source_normal"),
        (Special(D[5], "swapped"), [], "required"),
        (Special(D[4], "normal"), [Special(D[5], "swapped", takes=D[4])], "swap_source_normal"),
        (Special(D[4], "holiday"), [Special(D[5], "swapped", takes=D[4])], None),
    ],
)
def test_which_special_days_fit(new: Special, others: list[Special], code: str | None) -> None:
    answer = check_special(new, {each.day: each for each in others})
    assert (answer.code if answer else None) == code


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        ([(1, 480, 525), (2, 530, 575)], []),
        ([(1, 480, 480)], [("periods.0.ends", "ends_before_start")]),
        ([(1, 480, 470)], [("periods.0.ends", "ends_before_start")]),
        ([(1, 480, 525), (2, 520, 575)], [("periods.1.starts", "period_overlaps")]),
        ([(1, 480, 525), (1, 530, 575)], [("periods.1.number", "period_twice")]),
    ],
)
def test_period_tables_that_cannot_be(rows: list[tuple[int, int, int]], wrong: list[tuple[str, str]]) -> None:
    assert [(each.field, each.code) for each in check_times(rows)] == wrong


def test_terms_overlap_for_a_grade_or_not_at_all() -> None:
    autumn = [Span(date(2026, 9, 7), 18), Span(date(2026, 9, 21), 16, "2026")]
    early = [Span(date(2026, 8, 17), 4)]
    assert overlapping(early, [autumn]) is not None
    short = [Span(date(2026, 8, 17), 3)]
    assert overlapping(short, [autumn]) is None
    freshmen = [Span(date(2026, 8, 17), 3), Span(date(2026, 9, 7), 2, "2026")]
    assert overlapping(freshmen, [autumn]) is None
    assert overlapping([*short, Span(date(2026, 9, 14), 2, "2026")], [autumn]) is not None


# --- for every calendar -----------------------------------------------------------------------------------------


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """A term with holidays and swaps that a registrar could have entered, and tables by season and weekday."""
    first = monday_of(draw(st.dates(date(2021, 1, 1), date(2035, 12, 31))))
    term = TermDates(first, draw(st.integers(1, 20)))
    days = [term.first_day + timedelta(days=n) for n in range(term.weeks * 7)]
    specials: dict[date, Special] = {}
    for day in draw(st.lists(st.sampled_from(days), max_size=12)):
        kind = draw(st.sampled_from(["holiday", "holiday", "swapped", "normal"]))
        takes = draw(st.sampled_from(days)) if kind == "swapped" else None
        new = Special(day, kind, takes=takes)
        if day not in specials and check_special(new, specials) is None:
            specials[day] = new
    late = {number: (starts + 120, ends + 120) for number, (starts, ends) in TIMES.items()}
    bells = (EVERYDAY, Bells(date(2020, 1, 1), late, season=(501, 930)), Bells(date(2020, 1, 1), TIMES, weekdays="5"))
    return Calendar(term, specials, bells)


@st.composite
def disjoint_patterns(draw: st.DrawFn, weeks: int) -> list[Pattern]:
    found: list[Pattern] = []
    for _ in range(draw(st.integers(1, 5))):
        first = draw(st.integers(1, 11))
        chosen = draw(st.sets(st.integers(1, weeks), min_size=1))
        new = Pattern(draw(st.integers(1, 7)), first, draw(st.integers(first, 11)), week_text(chosen))
        if not any(overlap(new, each) for each in found):
            found.append(new)
    return found


def own_day(here: Calendar, meeting: Meeting) -> date:
    return here.term.day(meeting.week, meeting.weekday)


@given(st.data(), calendars())
def test_what_every_calendar_makes_of_meetings(data: st.DataObject, here: Calendar) -> None:
    patterns = data.draw(disjoint_patterns(here.term.weeks))
    answer = expand(patterns, here)
    # every week of a pattern is one meeting, or lost for a day without a place
    assert len(answer.meetings) + len(answer.lost) == sum(len(weeks_of(each)) for each in patterns)
    assert len({each.key for each in answer.meetings}) == len(answer.meetings)
    for each in answer.lost:
        assert date_of(here, each.day) is None and here.specials[each.day].kind in ("holiday", "swapped")
        assert each.day not in here.held_on
    for each in answer.meetings:
        day = local(each.starts).date()
        plan = day_plan(here, day)
        assert plan.held == own_day(here, each), "no meeting on a holiday, or on a day that holds another's classes"
        assert each.starts < each.ends and local(each.ends).date() == day
    # in order, and apart where the patterns are
    assert list(answer.meetings) == sorted(answer.meetings)
    for one, other in zip(answer.meetings, answer.meetings[1:], strict=False):
        assert one.ends <= other.starts


@given(st.data(), calendars())
def test_days_and_dates_agree(data: st.DataObject, here: Calendar) -> None:
    """Asked from either side the answer is the same: the day that holds a date's classes is where its meetings are."""
    for n in range(here.term.weeks * 7):
        day = here.term.first_day + timedelta(days=n)
        place = date_of(here, day)
        assert place is None or day_plan(here, place).held == day
        held = day_plan(here, day).held
        assert held is None or date_of(here, held) == day


@given(st.data(), calendars())
def test_a_swap_loses_nothing(data: st.DataObject, here: Calendar) -> None:
    """A make-up for a holiday, on a day without classes of its own, gives back exactly what the holiday took."""
    patterns = data.draw(disjoint_patterns(here.term.weeks))
    before: Expansion = expand(patterns, here)
    free = [d for d in before.lost if d.reason == "holiday" and here.specials[d.day].kind == "holiday"]
    beyond = here.term.end_day + timedelta(days=data.draw(st.integers(0, 20)))
    if not free or check_special(Special(beyond, "swapped", takes=free[0].day), here.specials):
        return
    swap = Special(beyond, "swapped", takes=free[0].day)
    after = expand(patterns, Calendar(here.term, {**here.specials, beyond: swap}, here.bells))
    taken = sum(each.day == free[0].day for each in before.lost)
    assert len(after.meetings) == len(before.meetings) + taken and len(after.lost) == len(before.lost) - taken


@given(st.data(), st.integers(1, 20))
def test_a_bare_calendar_is_the_plain_arithmetic(data: st.DataObject, weeks: int) -> None:
    here = calendar(term=TermDates(date(2026, 9, 7), weeks))
    patterns = data.draw(disjoint_patterns(weeks))
    plain = sorted((i.starts, i.ends, i.week) for p in patterns for i in bare(p, here.term, TIMES))
    assert [(m.starts, m.ends, m.week) for m in expand(patterns, here).meetings] == plain
