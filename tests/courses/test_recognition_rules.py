"""What a home school's word on a course may be, and which of its words holds."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cast import NOW

from courses.recognition import rules
from courses.recognition.rules import Answer, Said, Target, Taught, Ways
from zutuan.decision import FieldError, Refusal

DAY = timedelta(days=1)
ME, OTHER = 7, 8
TAUGHT = Taught("教育心理学", "Educational Psychology", Decimal(2))
WAYS = Ways(categories=("通识选修", "专业选修"))


def answer(
    id_: int, person: int | None = None, outcome: str = "counts", since: int = -1, until: int | None = None
) -> Answer:
    return Answer(id_, person, outcome, NOW + since * DAY, None if until is None else NOW + until * DAY)


def test_ones_own_answer_goes_before_the_table_and_only_what_is_open_counts() -> None:
    table, own, others = answer(1), answer(2, ME, "refused"), answer(3, OTHER)
    assert rules.standing([table, own, others], ME, NOW) == own and not rules.counts([table, own], ME, NOW)
    assert rules.standing([table, others], ME, NOW) == table
    assert rules.standing([others], ME, NOW) is None
    assert rules.standing([table, answer(2, ME, until=0)], ME, NOW) == table, "the end is not in it any more"
    assert rules.standing([answer(1, since=0)], ME, NOW) == answer(1, since=0), "the beginning is"
    assert rules.standing([answer(1, since=1)], ME, NOW) is None
    assert rules.standing([answer(1, until=1)], ME, NOW + DAY) is None
    assert rules.standing([answer(1, since=-3, until=-1), answer(4)], ME, NOW - 2 * DAY) == answer(
        1, since=-3, until=-1
    )


@given(
    st.lists(
        st.builds(
            answer, st.integers(1, 99), st.sampled_from([None, ME, OTHER]), st.sampled_from(["counts", "refused"]),
            st.integers(-3, 3), st.one_of(st.none(), st.integers(-3, 3)),
        ),
        max_size=6,
    )
)  # fmt: skip
def test_what_stands_is_open_mine_and_nothing_of_my_own_is_passed_over(answers: list[Answer]) -> None:
    found = rules.standing(answers, ME, NOW)
    open_ = [each for each in answers if each.open_at(NOW) and each.person_id in (None, ME)]
    assert (found is None) == (not open_)
    if found is not None:
        assert found in open_
        assert found.person_id == ME or not any(each.person_id == ME for each in open_)


@pytest.mark.parametrize(
    ("way", "said", "expected"),
    [
        ("up_to", "2", "2"), ("up_to", "1.5", "1.5"), ("up_to", None, "2"), ("up_to", "2.01", "exceeds_credits"),
        ("up_to", "0", "no_credits"), ("up_to", "-1", "no_credits"),
        ("host", None, "2"), ("host", "2", "2"), ("host", "1", "credits_are_the_hosts"), ("host", "3", "credits_are_the_hosts"),
        ("lesser", "3", "2"), ("lesser", "1", "1"), ("lesser", None, "2"), ("lesser", "0", "no_credits"),
        ("free", "3", "3"), ("free", None, "2"), ("free", "0", "no_credits"),
    ],
)  # fmt: skip
def test_credits_by_the_schools_way(way: str, said: str | None, expected: str) -> None:
    found = rules.credits_of(way, Decimal(said) if said else None, Decimal(2))
    assert (found.code if isinstance(found, Refusal) else str(found)) == expected


def test_a_refusal_of_credits_names_both() -> None:
    found = rules.credits_of("up_to", Decimal("2.50"), Decimal("2.00"))
    assert isinstance(found, Refusal) and found.params == {"credits": "2.5", "host": "2"}


def codes(found: Said | list[FieldError]) -> list[tuple[str, str]]:
    assert isinstance(found, list)
    return [(each.field, each.code) for each in found]


def test_what_is_settled_and_what_stands_against_it() -> None:
    done = rules.settle(Said(category="通识选修"), TAUGHT, WAYS, NOW)
    assert isinstance(done, Said) and (done.name, done.name_en, done.credits) == (TAUGHT.title_zh, TAUGHT.title_en, 2)
    own = rules.settle(Said(name="心理学基础", credits=Decimal(1)), TAUGHT, WAYS, NOW)
    assert isinstance(own, Said) and (own.name, own.name_en, own.credits) == ("心理学基础", "", 1)
    bad = Said(category="体育", credits=Decimal(3), until=NOW)
    assert codes(rules.settle(bad, TAUGHT, WAYS, NOW)) == [
        ("last_day", "until_not_ahead"), ("credits", "exceeds_credits"), ("category", "not_a_category"),
    ]  # fmt: skip
    assert codes(rules.settle(Said(category="体育"), TAUGHT, Ways(), NOW)) == [("category", "no_categories")]
    assert rules.settle(Said("refused", note="内容重复"), TAUGHT, WAYS, NOW) == Said(
        "refused", credits=Decimal(0), note="内容重复"
    )
    assert codes(rules.settle(Said("refused", credits=Decimal(1), name="x"), TAUGHT, WAYS, NOW)) == [
        ("credits", "refused_says_nothing_else"), ("name", "refused_says_nothing_else"),
    ]  # fmt: skip


def test_words_of_a_list() -> None:
    assert rules.words(" 通识选修、专业选修，实践;通识选修、 ") == ("通识选修", "专业选修", "实践")
    assert rules.words("") == ()


def code(found: Refusal | None) -> str:
    return found.code if found else ""


def test_what_a_row_may_follow() -> None:
    home = 1

    def follow(target: Target | None) -> str:
        return code(rules.may_follow(target, home, NOW))

    assert follow(Target(home, True, answer(1))) == ""
    assert follow(None) == follow(Target(2, True, answer(1))) == follow(Target(home, False, answer(1, ME))) == "no_such"
    assert follow(Target(home, True, answer(1, until=0))) == "followed_is_over"
    assert follow(Target(home, True, answer(1, outcome="refused"))) == "followed_is_refused"
    assert code(rules.may_recognise(1, 1)) == "own_course" and not rules.may_recognise(1, 2)


def test_chains_end_or_are_named() -> None:
    assert rules.loop(1, {}) == () == rules.loop(1, {1: 2, 2: 3})
    assert rules.loop(1, {1: 2, 2: 3, 3: 1}) == (1, 2, 3, 1)
    assert rules.loop(1, {1: 1}) == (1, 1)
    assert rules.loop(1, {1: 2, 2: 3, 3: 2}) == (1, 2, 3, 2), "a loop further on is one too"


@given(st.dictionaries(st.integers(1, 8), st.integers(1, 8)), st.integers(1, 8))
def test_following_a_chain_always_ends(same_as: dict[int, int], start: int) -> None:
    found = rules.loop(start, same_as)
    if found:
        assert found[-1] in found[:-1] and all(same_as[a] == b for a, b in zip(found, found[1:], strict=False))


def test_the_earlier_end() -> None:
    later: datetime = NOW + DAY
    assert rules.earlier(None, None) is None
    assert rules.earlier(NOW, None) == rules.earlier(None, NOW) == rules.earlier(later, NOW) == NOW


def test_asking_answering_ending() -> None:
    def ask(
        course_school: int = 2, said: Answer | None = None, *, asked: bool = False, in_standing: bool = True
    ) -> str:
        return code(rules.may_ask(1, course_school, said, asked=asked, in_standing=in_standing))

    assert ask() == ask(said=answer(1, outcome="refused")) == ""
    assert (ask(1), ask(asked=True), ask(in_standing=False)) == ("own_course", "asked_already", "asks_not_in_standing")
    assert ask(said=answer(1, ME)) == "answered_already"
    assert rules.may_decide("open") is None and code(rules.may_decide("answered")) == "request_is_over"
    assert rules.may_end(False, None, NOW) is None is rules.may_end(False, NOW + DAY, NOW)
    assert code(rules.may_end(True, NOW, NOW)) == code(rules.may_end(False, NOW, NOW)) == "recognition_is_over"
