"""What later features do when an offering changes; each says so once, when it is registered."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session

from courses.catalogue.models import Course, Offering
from courses.catalogue.rules import Rounds
from zutuan.calendar.models import Term
from zutuan.sharing.actor import Actor

# More seats than before, in the same transaction: they go to those who wait.
more_seats: list[Callable[[Session, Actor, Offering], None]] = []
# The rounds of the published term plan to which the course keeps in that term; None: there is no such plan. `hold`: it
# stays as it is until the commit.
TermPlanOf = Callable[..., "Rounds | None"]
term_plans: list[TermPlanOf] = []


def plan_of(session: Session, course: Course, term: Term, *, hold: bool = True) -> Rounds | None:
    found = (each(session, course, term, hold=hold) for each in term_plans)
    return next((plan for plan in found if plan is not None), None)
