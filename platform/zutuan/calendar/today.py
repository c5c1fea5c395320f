"""What today is, for the bar of every page: one statement."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.calendar.models import SpecialDay, Term, TermStart
from zutuan.calendar.plan import Calendar, DayPlan, Special, day_plan, effective
from zutuan.calendar.rules import TermDates

_SCHOOL: sa.BindParameter[int] = sa.bindparam("school")
_TODAY: sa.BindParameter[date] = sa.bindparam("today", type_=sa.Date)
_LATEST = (
    sa.select(Term.id)
    .where(Term.school_id == _SCHOOL, Term.first_day <= _TODAY)
    .order_by(Term.first_day.desc())
    .limit(1)
    .scalar_subquery()
)
_SPECIAL = sa.and_(
    sa.or_(SpecialDay.day == _TODAY, SpecialDay.takes == _TODAY),
    sa.or_(SpecialDay.school_id == _SCHOOL, SpecialDay.school_id.is_(None)),
)
_QUERY = (
    sa.select(
        Term.first_day, Term.weeks, TermStart.first_day, TermStart.weeks,
        SpecialDay.school_id, SpecialDay.day, SpecialDay.kind, SpecialDay.name, SpecialDay.takes,
    )
    .outerjoin(TermStart, sa.and_(TermStart.term_id == Term.id, TermStart.grade == sa.bindparam("grade")))
    .outerjoin(SpecialDay, _SPECIAL)
    .where(Term.id == _LATEST)
)  # fmt: skip


def today_plan(session: Session, school_id: int, grade: str, today: date) -> DayPlan | None:
    """The day by the school's latest term that has begun; None before the first one."""
    rows = session.execute(_QUERY, {"school": school_id, "today": today, "grade": grade}).all()
    if not rows:
        return None
    first, weeks, own_first, own_weeks = rows[0][:4]
    term = TermDates(own_first or first, own_weeks or weeks)
    inherited = [Special(*row[5:]) for row in rows if row[5] is not None and row[4] is None]
    own = [Special(*row[5:]) for row in rows if row[5] is not None and row[4] is not None]
    return day_plan(Calendar(term, effective(inherited, own)), today)
