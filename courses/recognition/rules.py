"""学分认定 on plain values: which word of a home school holds, and what it may say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from zutuan.decision import FieldError, Refusal

COUNTS, REFUSED = "counts", "refused"

# How many credits a school recognises: what its table says, up to the host's; the host's, always; the lesser of the two;
# or what its table says, whatever the host gives.
UP_TO, HOST, LESSER, FREE = "up_to", "host", "lesser", "free"
WAYS = (UP_TO, HOST, LESSER, FREE)


# --- which word holds -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """One word of a school on a course: of its table, or (`person_id`) to one student. It holds in [since, until)."""

    id: int
    person_id: int | None
    outcome: str
    since: datetime
    until: datetime | None = None

    def open_at(self, now: datetime) -> bool:
        return self.since <= now and (self.until is None or now < self.until)


def standing(answers: Iterable[Answer], person_id: int, now: datetime) -> Answer | None:
    """What the school says of the course to this person now: its answer to them goes before its table. None: nothing."""
    mine = [each for each in answers if each.open_at(now) and each.person_id in (None, person_id)]
    return max(mine, key=lambda each: (each.person_id is not None, each.since, each.id), default=None)


def counts(answers: Iterable[Answer], person_id: int, now: datetime) -> bool:
    found = standing(answers, person_id, now)
    return found is not None and found.outcome == COUNTS


# --- what may be said -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """What a registrar says of a course. Credits of None are the host's; a refusal says nothing else."""

    outcome: str = COUNTS
    code: str = ""
    name: str = ""
    name_en: str = ""
    category: str = ""
    credits: Decimal | None = None
    until: datetime | None = None
    note: str = ""


@dataclass(frozen=True)
class Ways:
    """What the home school has decided about its recognitions: the way of its credits, and its words for 课程类别."""

    credits: str = UP_TO
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Taught:
    """The course as its host gives it."""

    title_zh: str
    title_en: str
    credits: Decimal


_BETWEEN = re.compile(r"[、，,;；]")


def words(text: str) -> tuple[str, ...]:
    """The categories of a school's list, each once, in its order."""
    return tuple(dict.fromkeys(part.strip() for part in _BETWEEN.split(text) if part.strip()))


def credits_of(way: str, said: Decimal | None, host: Decimal) -> Decimal | Refusal:
    """How many credits are recognised; `said`: by the table (None: nothing of its own)."""
    if said is not None and said <= 0:
        return Refusal("no_credits")
    if said is None or (way == LESSER and said > host):
        return host
    if way == HOST and said != host:
        return Refusal("credits_are_the_hosts", {"credits": plain(host)})
    if way == UP_TO and said > host:
        return Refusal("exceeds_credits", {"credits": plain(said), "host": plain(host)})
    return said


def plain(value: Decimal) -> str:
    """2 and 2.5, as people write credits."""
    return f"{value.normalize():f}"


def settle(said: Said, taught: Taught, ways: Ways, now: datetime) -> Said | list[FieldError]:
    """What is written of it, or what stands against each of its fields."""
    errors = [FieldError("last_day", "until_not_ahead")] if said.until is not None and said.until <= now else []
    if said.outcome == REFUSED:
        extra = [name for name in ("credits", "code", "name", "category") if getattr(said, name)]
        errors += [FieldError(name, "refused_says_nothing_else") for name in extra]
        return errors or replace(said, name_en="", credits=Decimal(0))
    credits = credits_of(ways.credits, said.credits, taught.credits)
    if isinstance(credits, Refusal):
        errors.append(FieldError("credits", credits.code, credits.params))
    if said.category and said.category not in ways.categories:
        errors.append(not_a_category(said.category, ways.categories))
    if errors or isinstance(credits, Refusal):
        return errors
    if said.name:
        return replace(said, credits=credits)
    return replace(said, credits=credits, name=taught.title_zh, name_en=said.name_en or taught.title_en)


def not_a_category(word: str, known: Sequence[str]) -> FieldError:
    if not known:
        return FieldError("category", "no_categories", {"word": word})
    return FieldError("category", "not_a_category", {"word": word, "known": known})


def may_recognise(home_school_id: int, course_school_id: int) -> Refusal | None:
    return Refusal("own_course") if home_school_id == course_school_id else None


# --- 认定同 ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Target:
    """The row that another one counts as."""

    home_school_id: int
    in_table: bool
    answer: Answer


def may_follow(target: Target | None, home_school_id: int, now: datetime) -> Refusal | None:
    """Whether a row of that school may count as the target does."""
    if target is None or target.home_school_id != home_school_id or not target.in_table:
        return Refusal("no_such")
    if not target.answer.open_at(now):
        return Refusal("followed_is_over")
    return Refusal("followed_is_refused") if target.answer.outcome == REFUSED else None


def loop(start: int, same_as: Mapping[int, int]) -> tuple[int, ...]:
    """The way from `start` back to something that was met before, by what counts as what (course → course); empty: it
    ends."""
    met = [start]
    while met[-1] in same_as:
        following = same_as[met[-1]]
        if following in met:
            return (*met, following)
        met.append(following)
    return ()


def earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """The earlier end; None is never."""
    ends = [each for each in (one, other) if each is not None]
    return min(ends, default=None)


# --- requests ---------------------------------------------------------------------------------------------------


def may_ask(
    home_school_id: int, course_school_id: int, answer: Answer | None, *, asked: bool, in_standing: bool
) -> Refusal | None:
    """`answer`: what the school says to this person now; its own answer to them is its last word, its table's is not."""
    if home_school_id == course_school_id:
        return Refusal("own_course")
    if not in_standing:
        return Refusal("asks_not_in_standing")
    if asked:
        return Refusal("asked_already")
    return Refusal("answered_already") if answer is not None and answer.person_id is not None else None


def may_decide(state: str) -> Refusal | None:
    """Whether a request may still be answered or withdrawn."""
    return None if state == "open" else Refusal("request_is_over")


def may_answer(state: str, *, asker: int, answerer: int) -> Refusal | None:
    return Refusal("asked_oneself") if asker == answerer else may_decide(state)


def may_end(ended: bool, until: datetime | None, now: datetime) -> Refusal | None:
    return Refusal("recognition_is_over") if ended or (until is not None and until <= now) else None
