"""Terms and period tables of schools, and writing to the book of time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from zutuan.calendar.models import Occurrence, PeriodTable, Term
from zutuan.calendar.rules import Interval, TermDates

# Eleven periods of 45 minutes: what most schools of the plan print on their timetables. (start hour, minute)
USUAL_PERIODS = (
    (8, 0), (8, 50), (10, 0), (10, 50), (14, 30), (15, 20), (16, 15), (17, 5), (19, 0), (19, 50), (20, 40),
)  # fmt: skip


def dates(term: Term) -> TermDates:
    return TermDates(term.first_day, term.weeks)


def term_on(session: Session, school_id: int, day: date) -> Term | None:
    """The school's term that holds this day, or else the next one, or else the latest."""
    terms = session.scalars(sa.select(Term).where(Term.school_id == school_id).order_by(Term.first_day)).all()
    coming = [term for term in terms if dates(term).end_day > day]
    return coming[0] if coming else (terms[-1] if terms else None)


def terms_of(session: Session, school_id: int) -> list[Term]:
    query = sa.select(Term).where(Term.school_id == school_id).order_by(Term.first_day.desc())
    return list(session.scalars(query))


def periods_on(session: Session, school_id: int, day: date) -> dict[int, tuple[int, int]]:
    """Period number → (starts, ends) in minutes since midnight, by the table in force on that day."""
    table = session.scalar(
        sa.select(PeriodTable)
        .where(PeriodTable.school_id == school_id, PeriodTable.from_day <= day)
        .order_by(PeriodTable.from_day.desc())
        .limit(1)
        .options(selectinload(PeriodTable.periods))
    )
    return {period.number: (period.starts, period.ends) for period in table.periods} if table else {}


def book(session: Session, resource: tuple[str, int], source: tuple[str, int], intervals: Iterable[Interval]) -> None:
    """Make these intervals what the source takes of the resource: whatever it took before is replaced."""
    session.execute(sa.delete(Occurrence).where(Occurrence.source_type == source[0], Occurrence.source_id == source[1]))
    session.add_all(
        Occurrence(
            resource_type=resource[0], resource_id=resource[1], source_type=source[0], source_id=source[1],
            starts=each.starts, ends=each.ends, week=each.week,
        )
        for each in intervals
    )  # fmt: skip


def usual_periods() -> list[tuple[int, int, int]]:
    """(number, starts, ends) of the usual eleven periods."""
    return [
        (number, hour * 60 + minute, hour * 60 + minute + 45)
        for number, (hour, minute) in enumerate(USUAL_PERIODS, start=1)
    ]


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())
