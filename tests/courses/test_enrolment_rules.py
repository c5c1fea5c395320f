"""Every cell of enrolment's machine, the forbidden ones too, and every reason not to enrol (design 5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product

import pytest

from courses.enrolment import rules
from courses.enrolment.rules import Attempt, Pool, Round, Slot, Tracks, Window
from zutuan.decision import Refusal

STATES = ("pending", "queued", "offered", "accepted", "denied", "withdrawn", "expired", "completed")
EVENTS = ("approve", "return", "resubmit", "deny", "withdraw", "expire", "offer", "accept", "complete", "cancel")
WHO = ("student", "home", "host", "clock")
OVER = {"denied", "withdrawn", "expired"}

# home host event who → home host. Everything else is forbidden. `asked` stands for a host that has been asked.
ALLOWED = {
    "pending pending approve home": "accepted pending",
    "pending accepted approve home": "accepted accepted",
    "pending pending approve host": "pending accepted",
    "accepted pending approve host": "accepted accepted",
    "pending pending return home": "pending pending",
    "pending accepted return home": "pending accepted",
    "pending pending resubmit student": "pending pending",
    "pending accepted resubmit student": "pending accepted",
    "pending pending deny home": "denied pending",
    "pending accepted deny home": "denied accepted",
    "pending pending deny host": "pending denied",
    "pending accepted deny host": "pending denied",
    "accepted pending deny host": "accepted denied",
    "accepted accepted deny host": "accepted denied",
    "pending queued deny host": "pending denied",
    "pending offered deny host": "pending denied",
    # 停开: whoever has a place in the class, in whatever state
    "pending pending cancel host": "pending denied",
    "pending accepted cancel host": "pending denied",
    "accepted pending cancel host": "accepted denied",
    "accepted accepted cancel host": "accepted denied",
    "pending queued cancel host": "pending denied",
    "pending offered cancel host": "pending denied",
    "pending pending expire clock": "expired pending",
    "pending accepted expire clock": "expired accepted",
    "accepted pending expire clock": "accepted expired",
    "pending queued expire clock": "pending expired",
    "pending offered expire clock": "pending expired",
    "pending queued offer clock": "pending offered",
    "pending offered accept student": "pending pending",
    **{
        f"{sides} withdraw {who}": "withdrawn withdrawn"
        for who in ("student", "home")
        for sides in (
            "pending pending", "pending accepted", "accepted pending", "accepted accepted", "pending queued",
            "pending offered",
        )
    },
    "accepted accepted complete host": "accepted completed",
    "accepted completed complete home": "completed completed",
}  # fmt: skip

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


def _refusal(home: str, host: str, event: str, who: str) -> str:
    if home in OVER or host in OVER:
        return "enrolment_over"
    if "completed" in (home, host):
        return "enrolment_completed"
    decides = event in ("approve", "deny", "return") and who == "home"
    return "already_decided" if decides and home != "pending" else "not_possible_now"


def test_every_cell_of_the_machine() -> None:
    cells = list(product(STATES, STATES, EVENTS, WHO))
    assert len(cells) == 8 * 8 * 10 * 4
    allowed = 0
    for home, host, event, who in cells:
        cell = f"{home} {host} {event} {who}"
        answer = rules.step(Tracks(home, host), event, who)
        if cell in ALLOWED:
            assert answer == Tracks(*ALLOWED[cell].split()), cell
            allowed += 1
        else:
            assert isinstance(answer, Refusal) and answer.code == _refusal(home, host, event, who), cell
            assert answer.params == {"state": rules.combined(Tracks(home, host))}, cell
    assert allowed == len(ALLOWED)


def test_no_step_leads_out_of_a_freed_seat() -> None:
    for home, host, event, who in product(STATES, STATES, EVENTS, WHO):
        if not Tracks(home, host).active:
            assert isinstance(rules.step(Tracks(home, host), event, who), Refusal)


def test_every_state_is_reached_from_the_two_beginnings_by_the_table_alone() -> None:
    reached = {rules.START, rules.WAITING}
    while True:
        more = {after for (home, host, _e, _w), after in rules.MACHINE.items() if Tracks(home, host) in reached}
        if more <= reached:
            break
        reached |= more
    assert {Tracks(home, host) for home, host, _e, _w in rules.MACHINE} <= reached
    assert {rules.combined(each) for each in reached} == set(rules.COMBINED)


def test_a_school_that_asks_nobody_says_yes_at_once() -> None:
    assert rules.settled(rules.START, home=False, host=False) == rules.START
    assert rules.settled(rules.START, home=False, host=True) == Tracks("pending", "accepted")
    assert rules.settled(rules.START, home=True, host=True) == Tracks("accepted", "accepted")
    assert rules.settled(rules.WAITING, home=True, host=True) == rules.WAITING  # who waits has nothing to approve


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
        assert Tracks(home, host).active == (not {home, host} & OVER), (home, host)


# --- enrolling --------------------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WINDOW = Window(NOW - timedelta(days=1), NOW + timedelta(days=1))


ALL, OURS, LEADS = Pool(1, "all", 5), Pool(2, "school:7", 1), Pool(3, "cluster:4:lead", 2)


def attempt(**changes: object) -> Attempt:
    """A student of another school, inside the window, with a seat left; `changes` spoil it."""
    good: dict[str, object] = {
        "now": NOW, "window": WINDOW, "offering_state": "published", "course_state": "published", "is_student": True,
        "home_is_host": False, "in_audience": True, "already_active": False, "pools": (ALL,), "mine": (ALL,),
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
        ({"pools": (Pool(1, "all", 0),), "mine": (Pool(1, "all", 0),)}, "seats_gone"),
        ({"pools": (Pool(1, "all", -1),), "mine": (Pool(1, "all", -1),)}, "seats_gone"),
        ({"pools": (ALL, Pool(2, "school:7", 0)), "mine": (Pool(2, "school:7", 0),)}, "seats_of_school_gone"),
        ({"pools": (ALL,), "mine": ()}, "no_seats_for_school"),
        ({"admitted": False}, "not_admitted"),
        ({"for_grades": ("2025",), "grade": "2024"}, "not_your_grade"),
        ({"for_majors": ("数学与应用数学",), "major": ""}, "not_your_major"),
        ({"missing": ("高等代数",)}, "prerequisite_missing"),
        ({"passed": True}, "already_passed"),
        ({"in_other_class": True}, "in_other_class"),
        ({"credits": Decimal("2.5"), "credits_held": Decimal("8"), "credit_cap": 10}, "credit_cap"),
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
        already_active=True, pools=(), mine=(),
    )  # fmt: skip
    assert [refusal.code for refusal in rules.may_enrol(everything)] == [
        "not_a_student", "own_school_course", "not_shared_with_you", "offering_closed", "window_closed",
        "already_enrolled",
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
    assert rules.awaited_side(Tracks(home_state, "accepted"), sides) == side


# --- pools and the queue ----------------------------------------------------------------------------------------


def test_a_student_takes_from_the_nearest_pool_first() -> None:
    pools = [ALL, LEADS, OURS, Pool(9, "school:8", 3)]
    assert rules.pools_for(pools, {"school:7", "cluster:4", "cluster:4:lead"}) == [OURS, LEADS, ALL]
    assert rules.pools_for(pools, {"school:5", "cluster:4", "cluster:4:partner"}) == [ALL]
    assert rules.pools_for(pools[1:], {"school:5"}) == []


def test_seats_of_others_are_no_seats_of_mine() -> None:
    mine = [Pool(1, "school:7", 0)]
    assert rules.check_seats([*mine, ALL], mine) == Refusal("seats_of_school_gone")
    assert rules.check_seats(mine, mine) == Refusal("seats_gone")
    assert rules.check_seats([ALL], [ALL]) is None


def test_the_place_in_the_queue_counts_those_who_wait_for_the_same_seats() -> None:
    ours, theirs, both = frozenset({1}), frozenset({2}), frozenset({1, 2})
    queue = [(10, ours), (11, theirs), (12, both), (13, ours)]
    assert [rules.place_in_queue(queue, id_) for id_ in (10, 11, 12, 13)] == [(1, 3), (1, 2), (3, 4), (3, 3)]
    assert rules.place_in_queue(queue, 99) == (0, 0)
    assert rules.places_in_queue(queue) == {id_: rules.place_in_queue(queue, id_) for id_, _pools in queue}
    nowhere = [(10, frozenset({1})), (11, frozenset[int]())]
    assert rules.places_in_queue(nowhere) == {10: (1, 1), 11: (1, 1)} and rules.place_in_queue(nowhere, 11) == (1, 1)


def test_one_waits_only_when_a_seat_is_all_that_is_missing() -> None:
    gone, clash = Refusal("seats_gone"), Refusal("time_clash")
    assert rules.may_wait([gone], waitlist=True) and rules.may_wait([Refusal("seats_of_school_gone")], waitlist=True)
    assert not rules.may_wait([gone], waitlist=False)
    assert not rules.may_wait([gone, clash], waitlist=True) and not rules.may_wait([], waitlist=True)


def test_an_offer_never_outlives_the_round_it_is_made_in() -> None:
    closes = NOW + timedelta(hours=5)
    assert rules.offer_until(NOW, closes, 24) == closes
    assert rules.offer_until(NOW, closes, 2) == NOW + timedelta(hours=2)


def test_between_rounds_nobody_enrols() -> None:
    day = timedelta(days=1)
    rounds = (Round("main", NOW - 3 * day, NOW - day), Round("add_drop", NOW + day, NOW + 2 * day))
    window = Window(rounds[0].opens, rounds[1].closes, rounds)
    assert rules.check_window(window, NOW) == Refusal("window_not_open", {"opens": NOW + day})
    assert rules.check_window(window, NOW + day) is None and rules.check_window(window, NOW - 2 * day) is None
    assert rules.check_window(window, NOW + 2 * day) == Refusal("window_closed", {"closes": window.closes})


def test_a_reminder_once_a_day_while_somebody_elses_word_is_awaited() -> None:
    asked = Tracks("pending", "accepted")
    assert rules.may_remind(NOW, None, asked, returned=False) is None
    assert rules.may_remind(NOW, NOW - timedelta(days=1), asked, returned=False) is None
    again = Refusal("reminded_already", {"again": NOW + timedelta(hours=23)})
    assert rules.may_remind(NOW, NOW - timedelta(hours=1), asked, returned=False) == again
    assert rules.may_remind(NOW, None, asked, returned=True) == Refusal("nothing_awaited")
    assert rules.may_remind(NOW, None, Tracks("accepted", "accepted"), returned=False) == Refusal("nothing_awaited")


def test_only_who_is_not_in_standing_is_released() -> None:
    assert rules.may_release("active") == Refusal("still_in_standing") and rules.may_release("suspended") is None


# --- time -------------------------------------------------------------------------------------------------------


def slot(hour: float, hours: float = 1.5, campus: int | None = None, title: str = "", *, exam: bool = False) -> Slot:
    starts = NOW + timedelta(hours=hour)
    return Slot(starts, starts + timedelta(hours=hours), campus, title, exam)


HOUR = timedelta(hours=1)


def test_what_touches_does_not_clash() -> None:
    assert rules.clash([slot(0)], [slot(1.5), slot(-1.5)], HOUR) is None


def test_the_first_clash_is_named_and_all_are_counted() -> None:
    found = rules.clash([slot(24, title="b"), slot(0)], [slot(1, title="一"), slot(25), slot(48)], HOUR)
    assert found is not None and found.times == 2 and found.mine == slot(0) and found.other.title == "一"
    assert rules.clash_refusal(found).code == "time_clash"


def test_the_way_between_two_campuses_counts_only_when_one_must_be_at_both() -> None:
    here, there, online = slot(0, campus=1), slot(2, campus=2), slot(2, campus=None)
    found = rules.clash([here], [there], HOUR)
    assert found is not None and found.travel and rules.clash_refusal(found).code == "travel_clash"
    assert rules.clash([here], [online], HOUR) is None
    assert rules.clash([here], [slot(2, campus=1)], HOUR) is None
    assert rules.clash([here], [slot(2.5, campus=2)], HOUR) is None  # exactly an hour to get there
    assert rules.clash([here], [there], timedelta(0)) is None


def test_an_exam_is_named_as_one() -> None:
    found = rules.clash([slot(0, exam=True)], [slot(0.5)], HOUR)
    assert found is not None and rules.clash_refusal(found).code == "exam_clash"
