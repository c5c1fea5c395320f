"""What later features do when an offering changes, and what they say of courses; each says so once, when it is
registered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue.models import Course, Offering
from courses.catalogue.rules import DateChange, Rounds
from zutuan.calendar.models import Term
from zutuan.calendar.plan import Meeting
from zutuan.calendar.sources import Key, Ref
from zutuan.decision import Refusal
from zutuan.sharing.actor import Actor

T = TypeVar("T")

# More seats than before, in the same transaction: they go to those who wait.
more_seats: list[Callable[[Session, Actor, Offering], None]] = []
# Single dates and exams that are set, moved or called off, in the same transaction.
dates_changed: list[Callable[[Session, Actor, Offering, Sequence[DateChange]], None]] = []
# Whether grades of the offering (by id) are confirmed: then what was taught is not called off any more.
graded: list[Callable[[Session, int], bool]] = []
# The rounds of the published term plan to which the course keeps in that term; None: there is no such plan. `hold`: it
# stays as it is until the commit.
TermPlanOf = Callable[..., "Rounds | None"]
term_plans: list[TermPlanOf] = []


def once(known: list[T], one: T) -> None:
    """Say so once, however often features are loaded."""
    if one not in known:
        known.append(one)


def plan_of(session: Session, course: Course, term: Term, *, hold: bool = True) -> Rounds | None:
    found = (each(session, course, term, hold=hold) for each in term_plans)
    return next((plan for plan in found if plan is not None), None)


@dataclass(frozen=True)
class ReviewDates:
    """本校审核 of one cluster's plan for a home school: [opens, closes), and until when it may still be done late."""

    cluster: str
    opens: datetime
    closes: datetime
    ends: datetime


# What that plan says against handing in a class of the course now; None: nothing, or there is no plan. `hold` as above.
submission_rules: list[Callable[..., Refusal | None]] = []
# Courses (by id) that a home school may not admit in the term of that year and number now, because of their plans.
admission_rules: list[Callable[[Session, Sequence[int], str, int], Mapping[int, Refusal]]] = []


@dataclass(frozen=True)
class Adjusted:
    """What was decided of one meeting of an offering's pattern (调停课): it is held at `meeting`, or called off (None), or
    (`follows`) held when the calendar has it, though something else about it was decided."""

    meeting: Meeting | None = None
    follows: bool = False


# Offerings (by id) → what was decided of single meetings of theirs.
adjusted_meetings: list[Callable[[Session, Sequence[int]], Mapping[int, Mapping[Key, Adjusted]]]] = []


def adjusted(session: Session, ids: Sequence[int]) -> dict[int, dict[Key, Adjusted]]:
    found: dict[int, dict[Key, Adjusted]] = {}
    for each in adjusted_meetings:
        for id_, meetings in each(session, ids).items():
            found.setdefault(id_, {}).update(meetings)
    return found


# Sources of the book that are there for an offering only: what they take, whatever it is, is free again once the offering
# is called off.
belonging: list[Callable[[Session, int], Iterable[Ref]]] = []


def sources_of(session: Session, offering_id: int) -> list[Ref]:
    return [source for each in belonging for source in each(session, offering_id)]


# Who else may read an offering's roster now: whoever stands in for its teacher.
standing_in: list[Callable[[Session, int, datetime], Iterable[int]]] = []


# When the home school is to review the courses of the term of that year and number.
review_dates: list[Callable[[Session, int, str, int], Iterable[ReviewDates]]] = []


def against_submitting(session: Session, course: Course, term: Term, *, hold: bool = True) -> Refusal | None:
    found = (each(session, course, term, hold=hold) for each in submission_rules)
    return next((refusal for refusal in found if refusal is not None), None)


def against_admitting(session: Session, course_ids: Sequence[int], year: str, number: int) -> dict[int, Refusal]:
    """Course → what stands against it."""
    return {id_: said for each in admission_rules for id_, said in each(session, course_ids, year, number).items()}


def when_to_review(session: Session, school_id: int, year: str, number: int) -> list[ReviewDates]:
    """By each plan of the school's clusters that has such dates."""
    return [dates for each in review_dates for dates in each(session, school_id, year, number)]


# --- what a course counts as at home ----------------------------------------------------------------------------


@dataclass(frozen=True)
class CountsAs:
    """学分认定: what a home school says a course counts as there; `outcome` is counts, refused or unsaid. `asked`: the
    viewer's own request that the school has not answered."""

    outcome: str
    school_id: int
    school_name: str
    id: int | None = None
    code: str = ""
    name: str = ""
    name_en: str = ""
    category: str = ""
    credits: Decimal | None = None
    until: datetime | None = None
    note: str = ""
    asked: int | None = None


# Course (by id) → what it counts as for the viewer; nothing for who studies nowhere, and of their own school's courses.
counts_as: list[Callable[[Session, Actor, Sequence[int]], Mapping[int, CountsAs]]] = []
# The same as a condition on Course: those that count for the viewer.
counts_filters: list[Callable[[Actor], sa.ColumnElement[bool]]] = []


def recognised(session: Session, actor: Actor, course_ids: Sequence[int]) -> dict[int, CountsAs]:
    return {id_: said for each in counts_as for id_, said in each(session, actor, course_ids).items()}


def counting(actor: Actor) -> sa.ColumnElement[bool]:
    return sa.or_(sa.false(), *(each(actor) for each in counts_filters))
