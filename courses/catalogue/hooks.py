"""What later features do when an offering changes; each says so once, when it is registered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy.orm import Session

from courses.catalogue.models import Course, Offering
from courses.catalogue.rules import DateChange, Rounds
from zutuan.calendar.models import Term
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
