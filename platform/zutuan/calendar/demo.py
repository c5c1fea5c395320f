"""The demonstration's terms and period tables: this is week 7 everywhere."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from zutuan.calendar.models import Period, PeriodTable, Term
from zutuan.calendar.services import monday_of, usual_periods
from zutuan.clock import local
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

if TYPE_CHECKING:
    from zutuan.demo import DemoWorld

WEEK = 7
WEEKS = 18


def load(session: Session, world: DemoWorld) -> None:
    first_day = monday_of(local(world.now).date()) - timedelta(weeks=WEEK - 1)
    year = first_day.year if first_day.month >= 7 else first_day.year - 1
    number = 1 if first_day.month >= 7 else 2
    for school_id in world.schools.values():
        session.add(
            Term(
                school_id=school_id, academic_year=f"{year}-{year + 1}", number=number, first_day=first_day, weeks=WEEKS
            )
        )
        table = PeriodTable(school_id=school_id, from_day=first_day - timedelta(days=366))
        table.periods = [Period(number=n, starts=starts, ends=ends) for n, starts, ends in usual_periods()]
        session.add(table)
        audit(session, None, "calendar.demo", Subject("school", school_id), now=world.now, school_id=school_id)
