"""Terms and period tables of schools, as everybody asks for them."""

from __future__ import annotations

from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from zutuan.calendar import calendars
from zutuan.calendar.book import book as book
from zutuan.calendar.calendars import dates as dates
from zutuan.calendar.models import PeriodTable, Term
from zutuan.calendar.plan import Times, bells_of

# Eleven periods of 45 minutes: what most schools of the plan print on their timetables. (start hour, minute)
USUAL_PERIODS = (
    (8, 0), (8, 50), (10, 0), (10, 50), (14, 30), (15, 20), (16, 15), (17, 5), (19, 0), (19, 50), (20, 40),
)  # fmt: skip


def term_on(session: Session, school_id: int, day: date) -> Term | None:
    """The school's term that holds this day, or else the next one, or else the latest."""
    terms = session.scalars(sa.select(Term).where(Term.school_id == school_id).order_by(Term.first_day)).all()
    coming = [term for term in terms if dates(term).end_day > day]
    return coming[0] if coming else (terms[-1] if terms else None)


def terms_of(session: Session, school_id: int) -> list[Term]:
    query = sa.select(Term).where(Term.school_id == school_id).order_by(Term.first_day.desc())
    return list(session.scalars(query.options(selectinload(Term.starts))))


def periods_on(session: Session, school_id: int, day: date) -> Times:
    """Period number → (starts, ends) in minutes since midnight, by the table in force on that day."""
    query = sa.select(PeriodTable).where(PeriodTable.school_id == school_id, PeriodTable.from_day <= day)
    tables = [calendars.bells(each) for each in session.scalars(query.options(selectinload(PeriodTable.periods)))]
    found = bells_of(tables, day, day.isoweekday())
    return found.times if found else {}


def usual_periods() -> list[tuple[int, int, int]]:
    """(number, starts, ends) of the usual eleven periods."""
    return [
        (number, hour * 60 + minute, hour * 60 + minute + 45)
        for number, (hour, minute) in enumerate(USUAL_PERIODS, start=1)
    ]


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())
