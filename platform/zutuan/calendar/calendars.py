"""Calendars as values, read from the database, and the lock under which meetings are placed by them.

Order of locks, for everybody: the inherited calendar (place 0), then schools' by id, then rooms and other resources by
id, then rows of the book. Who places meetings shares the first two; who changes a calendar has its own alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from zutuan.calendar.models import CalendarEdition, PeriodTable, SpecialDay, Term
from zutuan.calendar.plan import Bells, Calendar, Special, bells_of, effective
from zutuan.calendar.rules import TermDates
from zutuan.db import insert_or

EVERYWHERE = 0  # the place of what all schools inherit


def dates(term: Term, grade: str = "") -> TermDates:
    """The term's weeks, as that grade has them."""
    for start in term.starts if grade else ():
        if start.grade == grade:
            return TermDates(start.first_day, start.weeks)
    return TermDates(term.first_day, term.weeks)


@dataclass(frozen=True)
class SchoolCalendar:
    """Everything a school's calendar says."""

    school_id: int
    terms: Sequence[Term] = ()
    specials: dict[date, Special] = field(default_factory=dict)
    bells: tuple[Bells, ...] = ()

    @cached_property
    def _known(self) -> dict[tuple[int, str], Calendar]:
        return {}

    def of(self, term: Term, grade: str = "") -> Calendar:
        key = (term.id, grade)
        if key not in self._known:
            self._known[key] = Calendar(dates(term, grade), self.specials, self.bells)
        return self._known[key]

    def term_on(self, day: date, grade: str = "") -> Term | None:
        """The term that holds this day, for that grade."""
        return next((term for term in self.terms if dates(term, grade).week_of(day) is not None), None)

    def bells_on(self, day: date) -> Bells | None:
        return bells_of(self.bells, day, day.isoweekday())


def bells(table: PeriodTable) -> Bells:
    return Bells(
        table.from_day,
        {period.number: (period.starts, period.ends) for period in table.periods},
        table.until_day,
        (table.season_from, table.season_until),
        table.weekdays,
        table.name,
        table.id,
    )


def special(row: SpecialDay) -> Special:
    return Special(row.day, row.kind, row.name, row.takes, inherited=row.school_id is None)


def load(session: Session, school_ids: Sequence[int]) -> dict[int, SchoolCalendar]:
    """The calendars of these schools, in the same few statements however many they are."""
    ids = sorted(set(school_ids))
    terms: dict[int, list[Term]] = {id_: [] for id_ in ids}
    query = sa.select(Term).where(Term.school_id.in_(ids)).order_by(Term.first_day).options(selectinload(Term.starts))
    for term in session.scalars(query):
        terms[term.school_id].append(term)
    tables: dict[int, list[Bells]] = {id_: [] for id_ in ids}
    found = sa.select(PeriodTable).where(PeriodTable.school_id.in_(ids)).options(selectinload(PeriodTable.periods))
    for table in session.scalars(found):
        tables[table.school_id].append(bells(table))
    inherited, own = _specials(session, ids)
    return {id_: SchoolCalendar(id_, terms[id_], effective(inherited, own[id_]), tuple(tables[id_])) for id_ in ids}


def _specials(session: Session, ids: Sequence[int]) -> tuple[list[Special], dict[int, list[Special]]]:
    inherited: list[Special] = []
    own: dict[int, list[Special]] = {id_: [] for id_ in ids}
    query = sa.select(SpecialDay).where(sa.or_(SpecialDay.school_id.is_(None), SpecialDay.school_id.in_(ids)))
    for row in session.scalars(query):
        (inherited if row.school_id is None else own[row.school_id]).append(special(row))
    return inherited, own


def of_school(session: Session, school_id: int) -> SchoolCalendar:
    return load(session, [school_id])[school_id]


def of_term(session: Session, term: Term, grade: str = "") -> Calendar:
    return of_school(session, term.school_id).of(term, grade)


def find_term(session: Session, school_id: int, text: str) -> Term | None:
    """The school's term that people write as 2026-2027-1: academic year and number."""
    year, _, number = text.rpartition("-")
    if number not in ("1", "2", "3", "4"):
        return None
    query = sa.select(Term).where(Term.school_id == school_id, Term.academic_year == year)
    return session.scalar(query.where(Term.number == int(number)))


def term_name(term: Term) -> str:
    return f"{term.academic_year}-{term.number}"


# --- the lock ---------------------------------------------------------------------------------------------------


def hold(session: Session, school_id: int) -> None:
    """Until this transaction ends, the calendar by which it places meetings does not change."""
    _ensure(session, (EVERYWHERE, school_id))
    _lock(session, (EVERYWHERE, school_id), share=True)


def take(session: Session, place: int) -> str:
    """Have a calendar alone, to change it; answers its edition."""
    places = (EVERYWHERE, place) if place else (EVERYWHERE,)
    _ensure(session, places)
    if place:
        _lock(session, (EVERYWHERE,), share=True)
    _lock(session, (place,), share=False)
    return edition(session, place)


def _ensure(session: Session, places: Iterable[int]) -> None:
    for place in sorted(set(places)):
        session.execute(insert_or(session, CalendarEdition).values(place=place, number=0).on_conflict_do_nothing())


def _lock(session: Session, places: Sequence[int], *, share: bool) -> None:
    query = sa.select(CalendarEdition.id).where(CalendarEdition.place.in_(places)).order_by(CalendarEdition.place)
    session.execute(query.with_for_update(read=share)).all()


def edition(session: Session, place: int) -> str:
    """What a form was filled in under: `3` of all schools', `3.7` of a school's own calendar."""
    wanted = (EVERYWHERE, place) if place else (EVERYWHERE,)
    query = sa.select(CalendarEdition.place, CalendarEdition.number).where(CalendarEdition.place.in_(wanted))
    numbers = {place: number for place, number in session.execute(query)}
    return ".".join(str(numbers.get(each, 0)) for each in wanted)


def next_edition(session: Session, place: int) -> None:
    change = sa.update(CalendarEdition).where(CalendarEdition.place == place)
    session.execute(change.values(number=CalendarEdition.number + 1).execution_options(synchronize_session=False))
