"""Every cell of enrolment's machine, the forbidden ones too, and every reason not to enrol (design 5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from courses.enrolment import rules
from courses.enrolment.rules import Attempt, Tracks, Window
from zutuan.decision import Refusal

STATES = ("pending", "queued", "offered", "accepted", "denied", "withdrawn", "expired", "completed")
EVENTS = ("approve", "deny", "withdraw", "expire")
WHO = ("student", "home", "host", "clock")
OVER = {"denied", "withdrawn", "expired"}

# home host event who → home host. Everything else is forbidden.
ALLOWED = {
    "pending accepted approve home": "accepted accepted",
    "pending accepted deny home": "denied accepted",
    "pending accepted deny host": "pending denied",
    "pending accepted withdraw student": "withdrawn withdrawn",
    "pending accepted expire clock": "expired accepted",
    "accepted accepted deny host": "accepted denied",
    "accepted accepted withdraw student": "withdrawn withdrawn",
}

# Rows: the home side; columns: the host side, in the order of STATES.
COMBINED = """
            pending    queued     offered    accepted   denied     withdrawn  expired    completed
pending     pending    waitlisted offered    pending    denied     withdrawn  expired    pending
queued      pending    waitlisted offered    pending    denied     withdrawn  expired    pending
offered     pending    waitlisted offered    pending    denied     withdrawn  expired    pending
accepted    pending    waitlisted offered    enrolled   denied     withdrawn  expired    enrolled
denied      denied     denied     denied     denied     denied     denied     denied     denied
withdrawn   withdrawn  withdrawn  withdrawn  withdrawn  denied     withdrawn  withdrawn  withdrawn
expired     expired    expired    expired    expired    denied     withdrawn  expired    expired
completed   pending    waitlisted offered    enrolled   denied     withdrawn  expired    completed
"""


def _combined_table() -> dict[tuple[str, str], str]:
    header, *rows = COMBINED.strip().splitlines()
    hosts = header.split()
    cells = (row.split() for row in rows)
    return {(home, host): word for home, *words in cells for host, word in zip(hosts, words, strict=True)}


def test_the_machine_speaks_of_these_states_events_and_sides() -> None:
    assert (rules.STATES, rules.EVENTS, rules.WHO) == (STATES, EVENTS, WHO)
    for (home, host, event, who), after in rules.MACHINE.items():
        assert {home, host, after.home, after.host} <= set(STATES) and event in EVENTS and who in WHO


def _refusal(home: str, host: str, event: str) -> str:
    if home in OVER or host in OVER:
        return "enrolment_over"
    return "already_decided" if event in ("approve", "deny") and home != "pending" else "not_possible_now"


def test_every_cell_of_the_machine() -> None:
    cells = list(product(STATES, STATES, EVENTS, WHO))
    assert len(cells) == 8 * 8 * 4 * 4
    allowed = 0
    for home, host, event, who in cells:
        cell = f"{home} {host} {event} {who}"
        answer = rules.step(Tracks(home, host), event, who)
        if cell in ALLOWED:
            assert answer == Tracks(*ALLOWED[cell].split()), cell
            allowed += 1
        else:
            assert isinstance(answer, Refusal) and answer.code == _refusal(home, host, event), cell
            assert answer.params == {"state": rules.combined(Tracks(home, host))}, cell
    assert allowed == len(ALLOWED)


def test_no_step_leads_out_of_a_freed_seat() -> None:
    for home, host, event, who in product(STATES, STATES, EVENTS, WHO):
        if not Tracks(home, host).holds_seat:
            assert isinstance(rules.step(Tracks(home, host), event, who), Refusal)


def test_an_event_or_a_side_that_does_not_exist_is_refused() -> None:
    assert rules.step(Tracks("pending", "accepted"), "banana", "home") == Refusal(
        "not_possible_now", {"state": "pending"}
    )
    assert isinstance(rules.step(Tracks("pending", "accepted"), "approve", "nobody"), Refusal)


def test_both_sides_in_one_word() -> None:
    table = _combined_table()
    assert set(table) == set(product(STATES, STATES))
    for (home, host), word in table.items():
        assert rules.combined(Tracks(home, host)) == word, (home, host)
    assert set(table.values()) == set(rules.COMBINED)


def test_denied_withdrawn_and_expired_free_the_seat() -> None:
    for home, host in product(STATES, STATES):
        assert Tracks(home, host).holds_seat == (not {home, host} & OVER), (home, host)


# --- enrolling --------------------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WINDOW = Window(NOW - timedelta(days=1), NOW + timedelta(days=1))


def attempt(**changes: object) -> Attempt:
    """A student of another school, inside the window, with a seat left; `changes` spoil it."""
    good: dict[str, object] = {
        "now": NOW, "window": WINDOW, "offering_state": "published", "course_state": "published",
        "teaching_ends": NOW + timedelta(days=50), "is_student": True, "home_is_host": False, "in_audience": True,
        "already_active": False, "seats_left": 1,
    }  # fmt: skip
    return Attempt(**{**good, **changes})  # type: ignore[arg-type]


def test_nothing_stands_against_a_good_attempt() -> None:
    assert rules.may_enrol(attempt()) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"is_student": False}, "not_a_student"),
        ({"home_is_host": True}, "own_school_course"),
        ({"standing": "suspended"}, "not_in_standing"),
        ({"in_audience": False}, "not_shared_with_you"),
        ({"offering_state": "draft"}, "offering_closed"),
        ({"offering_state": "archived"}, "offering_closed"),
        ({"course_state": "draft"}, "offering_closed"),
        ({"course_state": "suspended"}, "offering_closed"),
        ({"course_state": "archived"}, "offering_closed"),
        ({"now": WINDOW.opens - MINUTE}, "window_not_open"),
        ({"now": WINDOW.closes + MINUTE}, "window_closed"),
        ({"already_active": True}, "already_enrolled"),
        ({"seats_left": 0}, "seats_gone"),
        ({"seats_left": -1}, "seats_gone"),
    ],
)
def test_each_refusal_alone(changes: dict[str, object], code: str) -> None:
    assert [refusal.code for refusal in rules.may_enrol(attempt(**changes))] == [code]


def test_the_window_is_half_open() -> None:
    tick = timedelta(microseconds=1)
    assert rules.may_enrol(attempt(now=WINDOW.opens)) == []
    assert rules.may_enrol(attempt(now=WINDOW.closes - tick)) == []
    assert rules.may_enrol(attempt(now=WINDOW.opens - tick)) == [Refusal("window_not_open", {"opens": WINDOW.opens})]
    assert rules.may_enrol(attempt(now=WINDOW.closes)) == [Refusal("window_closed", {"closes": WINDOW.closes})]


def test_every_reason_is_told_the_most_telling_first() -> None:
    everything = attempt(
        is_student=False, home_is_host=True, in_audience=False, offering_state="draft", now=WINDOW.closes,
        already_active=True, seats_left=0,
    )  # fmt: skip
    assert [refusal.code for refusal in rules.may_enrol(everything)] == [
        "not_a_student", "own_school_course", "not_shared_with_you", "offering_closed", "window_closed",
        "already_enrolled", "seats_gone",
    ]  # fmt: skip


def test_a_drop_becomes_a_withdrawal_when_the_window_closes() -> None:
    tick = timedelta(microseconds=1)
    assert rules.withdrawal_event(WINDOW.opens, WINDOW) == "drop"
    assert rules.withdrawal_event(WINDOW.closes - tick, WINDOW) == "drop"
    assert rules.withdrawal_event(WINDOW.closes, WINDOW) == "withdraw"
    assert rules.withdrawal_event(WINDOW.closes + timedelta(days=9), WINDOW) == "withdraw"


def test_the_home_school_has_five_days_but_never_longer_than_the_teaching() -> None:
    far, near = NOW + timedelta(days=90), NOW + timedelta(days=2)
    assert rules.decide_by(NOW, far) == NOW + timedelta(days=5)
    assert rules.decide_by(NOW, near) == near
    assert rules.decide_by(NOW, NOW + timedelta(days=5)) == NOW + timedelta(days=5)


def test_what_has_lapsed_is_not_approved_and_what_is_over_not_given_back() -> None:
    tick = timedelta(microseconds=1)
    assert rules.may_decide(NOW, None) is None and rules.may_decide(NOW - tick, NOW) is None
    assert rules.may_decide(NOW, NOW) == Refusal("lapsed")
    assert rules.may_withdraw(NOW - tick, NOW) is None
    assert rules.may_withdraw(NOW, NOW) == Refusal("term_over")


@pytest.mark.parametrize(
    ("home_state", "sides", "side"),
    [
        ("pending", [], None),
        ("pending", ["home"], "home"),
        ("accepted", ["home"], "home"),
        ("pending", ["host"], "host"),
        ("accepted", ["host"], "host"),
        ("pending", ["home", "host"], "home"),
        ("accepted", ["home", "host"], "host"),
    ],
)
def test_a_registrar_of_both_schools_denies_for_the_one_whose_word_is_open(
    home_state: str, sides: list[str], side: str | None
) -> None:
    assert rules.denying_side(Tracks(home_state, "accepted"), sides) == side
