"""1+M+N, joining and leaving, on plain values."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from zutuan.clusters import errors as _errors  # noqa: F401
from zutuan.clusters.rules import Counts, Stay, cautions, check_end, check_start, may_end, may_join, timeline
from zutuan.errors import say

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
YEAR = timedelta(days=366)


def days(count: int) -> datetime:
    return NOW + timedelta(days=count)


def stay(school: int, role: str = "partner", from_: int = -100, until: int | None = None) -> Stay:
    return Stay(
        school, 1, "甲组团", school, f"{school} 号学校", role, days(from_), None if until is None else days(until)
    )


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (Counts(1, 3, 3), []),
        (Counts(1, 4, 0), []),
        (Counts(0, 3, 3), ["cluster_without_lead"]),
        (Counts(2, 3, 3), ["cluster_with_leads"]),
        (Counts(1, 2, 2), ["cluster_few_partners"]),
        (Counts(1, 3, 4), ["cluster_more_supported"]),
        (Counts(), ["cluster_without_lead", "cluster_few_partners"]),
        (Counts(1, 2, 3), ["cluster_few_partners", "cluster_more_supported"]),
    ],
)
def test_1_m_n_cautions(counts: Counts, expected: list[str]) -> None:
    found = cautions(counts)
    assert [caution.code for caution in found] == expected
    assert all(say(caution.code, caution.params)[0] for caution in found)


def test_counts_are_by_role() -> None:
    assert Counts.of(["partner", "lead", "supported", "partner"]) == Counts(1, 2, 1)
    assert Counts(1, 2, 1).schools == 4


@pytest.mark.parametrize(
    ("stays", "school", "role", "from_", "expected"),
    [
        ([], 1, "lead", 0, None),
        ([stay(2)], 1, "partner", 0, None),
        ([stay(1)], 1, "partner", 0, "already_member"),
        ([stay(1, from_=50)], 1, "supported", 0, "already_member"),
        ([stay(1, until=-1)], 1, "partner", 0, None),
        ([stay(1, until=0)], 1, "partner", 0, None),
        ([stay(1, until=-1)], 1, "partner", -2, "membership_overlaps"),
        ([stay(1, until=5)], 1, "partner", 0, "membership_overlaps"),
        ([stay(1, until=5)], 1, "partner", 5, None),
        ([stay(1, from_=50, until=50)], 1, "partner", 0, None),
        ([stay(2, "lead")], 1, "lead", 0, "lead_taken"),
        ([stay(2, "lead")], 1, "partner", 0, None),
        ([stay(2, "lead", until=10)], 1, "lead", 0, "lead_taken"),
        ([stay(2, "lead", until=10)], 1, "lead", 10, None),
        ([stay(2, "lead"), stay(1)], 1, "lead", 0, "already_member"),
    ],
)
def test_who_may_join(stays: list[Stay], school: int, role: str, from_: int, expected: str | None) -> None:
    refusal = may_join(stays, school, role, days(from_))
    assert (refusal.code if refusal else None) == expected
    assert refusal is None or say(refusal.code, refusal.params)[0]


def test_a_membership_begins_at_most_a_year_ahead() -> None:
    assert check_start(NOW + YEAR, NOW) is None
    assert check_start(days(-4000), NOW) is None
    error = check_start(NOW + YEAR + timedelta(seconds=1), NOW)
    assert error is not None
    assert (error.field, error.code) == ("from", "more_than_a_year")


@pytest.mark.parametrize(
    ("until", "expected"), [(None, None), (1, None), (0, "membership_ended"), (-1, "membership_ended")]
)
def test_what_has_ended_cannot_end_again(until: int | None, expected: str | None) -> None:
    refusal = may_end(stay(1, until=until), NOW)
    assert (refusal.code if refusal else None) == expected


@pytest.mark.parametrize(
    ("until", "at", "expected"),
    [
        (None, 0, None),
        (None, -100, None),
        (None, -101, "ends_before_joined"),
        (None, 366, None),
        (None, 367, "more_than_a_year"),
        (10, 5, None),
        (10, 10, None),
        (10, 11, "ends_after_planned"),
    ],
)
def test_when_a_membership_may_end(until: int | None, at: int, expected: str | None) -> None:
    error = check_end(stay(1, until=until), days(at), NOW)
    assert (error.code if error else None) == expected
    assert error is None or (error.field == "at" and say(error.code, error.params)[0])


def test_the_timeline_is_by_shanghai_day_the_latest_first() -> None:
    midnight = datetime(2026, 11, 24, 16, tzinfo=UTC)  # the 25th begins in Shanghai
    before = Stay(1, 1, "", 1, "a", "lead", midnight - timedelta(minutes=1))
    after = Stay(2, 1, "", 2, "b", "partner", midnight, days(30))
    found = timeline([before, after], NOW)
    assert [(day.day, day.ahead, len(day.joined), len(day.left)) for day in found] == [
        (date(2026, 12, 25), True, 0, 1), (date(2026, 11, 25), False, 1, 0), (date(2026, 11, 24), False, 1, 0),
    ]  # fmt: skip


def test_states_over_time() -> None:
    assert [stay(1, until=1).state(days(at)) for at in (-101, -100, 0, 1)] == ["coming", "open", "open", "ended"]


def test_what_was_called_off_never_was() -> None:
    off = stay(1, from_=5, until=5)
    assert off.called_off
    assert [off.state(days(at)) for at in (0, 5, 6)] == ["ended", "ended", "ended"]
    assert timeline([off], NOW) == []
