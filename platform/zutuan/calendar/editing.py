"""What a registrar enters: terms, period tables, special days. Each answers a `Change`, to be previewed or applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from zutuan.calendar import calendars
from zutuan.calendar.changes import Change
from zutuan.calendar.models import Occurrence, Period, PeriodTable, SpecialDay, Term, TermStart, TimetableEntry
from zutuan.calendar.plan import Span, Special, check_special, check_times, effective, overlapping
from zutuan.calendar.services import monday_of
from zutuan.clusters.models import School
from zutuan.decision import FieldError, Refusal
from zutuan.errors import Invalid, NotFound, Refused
from zutuan.sharing.services import fetch

LONGEST_HOLIDAY = 62


# --- terms ------------------------------------------------------------------------------------------------------


def save_term(session: Session, school_id: int, data: Mapping[str, Any], term: Term | None = None) -> Change:
    """A new term (by `data`), or one changed. Raises Invalid when it begins on no Monday or overlaps another one."""

    def write() -> Iterable[int]:
        fetch(session, School, school_id)
        target = term or Term(school_id=school_id)
        check_term(session, school_id, data, target.id)
        for name in ("academic_year", "number", "first_day", "weeks"):
            setattr(target, name, data[name])
        known = {start.grade: start for start in target.starts}
        target.starts = [_start(known, each) for each in data["starts"]]
        session.add(target)
        session.flush()
        return [target.id]

    return Change(school_id, "term.edit" if term else "term.create", write)


def _start(known: Mapping[str, TermStart], data: Mapping[str, Any]) -> TermStart:
    start = known.get(data["grade"]) or TermStart(grade=data["grade"])
    start.first_day, start.weeks = data["first_day"], data["weeks"]
    return start


def spans(term: Term) -> list[Span]:
    """The term as its neighbours see it: usual dates first."""
    label = f"{term.academic_year}-{term.number}"
    usual = Span(term.first_day, term.weeks, label=label)
    return [usual, *(Span(start.first_day, start.weeks, start.grade, label) for start in term.starts)]


def spans_of(data: Mapping[str, Any]) -> list[Span]:
    """The same of a term that is not written yet."""
    label = f"{data['academic_year']}-{data['number']}"
    usual = Span(data["first_day"], data["weeks"], label=label)
    return [usual, *(Span(each["first_day"], each["weeks"], each["grade"], label) for each in data["starts"])]


def check_term(session: Session, school_id: int, data: Mapping[str, Any], own_id: int | None) -> None:
    """Raises Invalid where the term cannot stand beside the school's others."""
    query = sa.select(Term).where(Term.school_id == school_id).options(selectinload(Term.starts))
    others = [each for each in session.scalars(query) if each.id != own_id]
    errors = _mondays(data) + _years(data)
    if any((each.academic_year, each.number) == (data["academic_year"], data["number"]) for each in others):
        errors.append(FieldError("number", "term_taken"))
    mine = spans_of(data)
    found = overlapping(mine, [spans(each) for each in others])
    if found is not None and not errors:
        row = mine.index(found[0]) - 1
        field = f"starts.{row}.first_day" if row >= 0 else "first_day"
        last = found[1].end_day - timedelta(days=1)
        errors.append(
            FieldError(field, "terms_overlap", {"term": found[1].label, "first": found[1].first_day, "last": last})
        )
    if errors:
        raise Invalid(errors=errors)


def _mondays(data: Mapping[str, Any]) -> list[FieldError]:
    errors = []
    grades: set[str] = set()
    rows = [("first_day", data), *((f"starts.{n}.first_day", each) for n, each in enumerate(data["starts"]))]
    for field, row in rows:
        if row["first_day"].isoweekday() != 1:
            errors.append(FieldError(field, "term_not_monday", {"monday": monday_of(row["first_day"])}))
        if "grade" in row and row["grade"] in grades:
            errors.append(FieldError(field.replace("first_day", "grade"), "duplicate_item"))
        grades.add(row.get("grade", ""))
    return errors


def _years(data: Mapping[str, Any]) -> list[FieldError]:
    first, last = (int(part) for part in data["academic_year"].split("-"))
    if last != first + 1:
        return [FieldError("academic_year", "bad_academic_year")]
    if not date(first, 7, 1) <= data["first_day"] <= date(last, 9, 1):
        return [FieldError("first_day", "term_not_in_year", {"year": data["academic_year"]})]
    return []


def delete_term(session: Session, term: Term, in_use: bool) -> Change:
    """Only what nothing stands on: a term with classes or an imported timetable stays."""

    def write() -> Iterable[int]:
        imported = sa.select(TimetableEntry.id).where(TimetableEntry.term_id == term.id).limit(1)
        if in_use or session.scalar(imported) is not None:
            raise Refused("term_in_use")
        session.delete(term)
        session.flush()
        return [term.id]

    return Change(term.school_id, "term.delete", write)


# --- period tables ----------------------------------------------------------------------------------------------


def save_table(session: Session, school_id: int, data: Mapping[str, Any], table: PeriodTable | None = None) -> Change:
    """A period table: `periods` as rows of number, starts and ends in minutes."""

    def write() -> Iterable[int]:
        fetch(session, School, school_id)
        target = table or PeriodTable(school_id=school_id)
        check_table(data, taken=_same_scope(session, school_id, data, target.id))
        for name in ("name", "from_day", "until_day", "season_from", "season_until", "weekdays"):
            setattr(target, name, data[name])
        _set_periods(target, _rows(data))
        session.add(target)
        session.flush()
        return [target.id]

    return Change(school_id, "period_table.edit" if table else "period_table.create", write)


def _rows(data: Mapping[str, Any]) -> list[tuple[int, int, int]]:
    return [(row["number"], row["starts"], row["ends"]) for row in data["periods"]]


def check_table(data: Mapping[str, Any], *, taken: bool = False) -> None:
    """Raises Invalid where a period table cannot be."""
    errors = check_times(_rows(data))
    until = data["until_day"]
    if until is not None and until < data["from_day"]:
        errors.append(FieldError("until_day", "ends_before_start"))
    if taken:
        errors.append(FieldError("from_day", "table_taken"))
    if errors:
        raise Invalid(errors=errors)


def _set_periods(table: PeriodTable, rows: Sequence[tuple[int, int, int]]) -> None:
    known = {period.number: period for period in table.periods}
    periods = []
    for number, starts, ends in rows:
        period = known.get(number) or Period(number=number)
        period.starts, period.ends = starts, ends
        periods.append(period)
    table.periods = periods


def _same_scope(session: Session, school_id: int, data: Mapping[str, Any], own_id: int | None) -> bool:
    names = ("from_day", "season_from", "season_until", "weekdays")
    query = sa.select(PeriodTable.id).where(PeriodTable.school_id == school_id)
    found = session.scalars(query.where(*(getattr(PeriodTable, name) == data[name] for name in names)))
    return any(id_ != own_id for id_ in found)


def delete_table(session: Session, table: PeriodTable) -> Change:
    def write() -> Iterable[int]:
        session.delete(table)
        session.flush()
        return [table.id]

    return Change(table.school_id, "period_table.delete", write)


# --- special days -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NewDays:
    """Days of one kind: a holiday or ordinary days from `first` to `last`, or one swapped day that holds `takes`."""

    kind: str
    name: str
    first: date
    last: date
    takes: date | None = None

    @property
    def days(self) -> list[Special]:
        length = (self.last - self.first).days + 1
        each = [self.first + timedelta(days=n) for n in range(length)]
        return [Special(day, self.kind, self.name, self.takes) for day in each]


def add_days(session: Session, place: int, new: Sequence[NewDays]) -> Change:
    """Enter special days. A day that has a row of this place already gets the new one."""

    def write() -> Iterable[int]:
        found = check_days(session, place, new)
        if found:
            raise Invalid(errors=[error for _number, error in found])
        return _write_days(session, place, [day for each in new for day in each.days])

    return Change(place, "special_day.create", write)


def check_days(session: Session, place: int, new: Sequence[NewDays]) -> list[tuple[int, FieldError]]:
    """What stands against them, with the number of each in `new`. Holidays are looked at first, so that a swap in the
    same breath finds its holiday."""
    known = _specials_at(session, place)
    errors: list[tuple[int, FieldError]] = []
    for number in sorted(range(len(new)), key=lambda n: (new[n].kind == "swapped", n)):
        error = _enter(new[number], known)
        if error is not None:
            errors.append((number, error))
    return errors


def _specials_at(session: Session, place: int) -> dict[date, Special]:
    rows = [
        calendars.special(row)
        for row in session.scalars(
            sa.select(SpecialDay).where(sa.or_(SpecialDay.school_id.is_(None), SpecialDay.school_id == (place or None)))
        )
    ]
    return effective([row for row in rows if row.inherited], [row for row in rows if not row.inherited])


def _enter(new: NewDays, known: dict[date, Special]) -> FieldError | None:
    if new.last < new.first:
        return FieldError("last", "ends_before_start")
    if (new.last - new.first).days >= LONGEST_HOLIDAY:
        return FieldError("last", "holiday_too_long", {"max": LONGEST_HOLIDAY})
    for day in new.days:
        refusal = check_special(day, _others(known, day))
        if refusal is not None:
            return FieldError(_blamed(refusal), refusal.code, refusal.params)
        known[day.day] = day
    return None


def _others(known: Mapping[date, Special], new: Special) -> dict[date, Special]:
    """Without the row that a new one replaces; a holiday is not silently replaced by a swapped day."""
    here = known.get(new.day)
    keeps = new.kind == "swapped" and here is not None and here.kind == "holiday"
    return {day: each for day, each in known.items() if day != new.day or keeps}


def _blamed(refusal: Refusal) -> str:
    return "takes" if refusal.code in ("required", "swap_same_day", "swap_twice", "swap_source_normal") else "first"


def _write_days(session: Session, place: int, days: Sequence[Special]) -> list[int]:
    found = sa.select(SpecialDay).where(SpecialDay.day.in_([each.day for each in days]))
    here = SpecialDay.school_id == place if place else SpecialDay.school_id.is_(None)
    rows = {row.day: row for row in session.scalars(found.where(here))}
    for each in days:
        row = rows.get(each.day) or SpecialDay(school_id=place or None, day=each.day)
        row.kind, row.name, row.takes = each.kind, each.name, each.takes
        rows[each.day] = row
        session.add(row)
    session.flush()
    return [row.id for row in rows.values()]


def remove_days(session: Session, place: int, ids: Sequence[int]) -> Change:
    """Take special days away again. A holiday that a swapped day makes up for may go: its classes stay moved."""

    def write() -> Iterable[int]:
        here = SpecialDay.school_id == place if place else SpecialDay.school_id.is_(None)
        rows = session.scalars(sa.select(SpecialDay).where(SpecialDay.id.in_(ids), here)).all()
        if not rows:
            raise NotFound
        for row in rows:
            session.delete(row)
        session.flush()
        return [row.id for row in rows]

    return Change(place, "special_day.delete", write)


def term_in_book(session: Session, type_: str, ids: Sequence[int]) -> bool:
    """Whether any of these sources has a row in the book."""
    query = sa.select(Occurrence.id).where(Occurrence.source_type == type_, Occurrence.source_id.in_(ids)).limit(1)
    return session.scalar(query) is not None
