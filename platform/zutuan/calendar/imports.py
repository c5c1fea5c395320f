"""The import of a calendar: what a file changes of a school's terms, period tables and special days.

It goes the same way as the forms: meetings that lie ahead follow the new calendar, and those concerned hear of it once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.calendar import calendars, changes, editing
from zutuan.calendar.calendar_file import COLUMNS, Draft
from zutuan.calendar.changes import Change
from zutuan.calendar.editing import NewDays
from zutuan.calendar.effects import Effects, Move
from zutuan.calendar.models import PeriodTable, SpecialDay, Term
from zutuan.calendar.plan import ALL_YEAR, Meeting, overlapping
from zutuan.calendar.sources import Hooks
from zutuan.calendar.text import clock_text, season_text
from zutuan.clock import local
from zutuan.errors import Invalid
from zutuan.importing import Difference, Import, Plan, Record, RowError
from zutuan.sharing.actor import Actor


def calendar_import(place: int, hooks: Hooks) -> Import:
    """The import of one school's calendar (place 0: special days for all schools)."""

    def plan(session: Session, records: Sequence[Record], now: datetime) -> Plan:
        draft = Draft()
        draft.read(records)
        plan = Plan(errors=list(draft.errors))
        if place == calendars.EVERYWHERE:
            first = [line for line, _data in (*draft.terms.values(), *draft.tables.values())]
            plan.errors += [RowError(line, "kind", "only_special_days") for line in first]
        if not plan.errors:
            _sort(session, place, draft, plan)
        return plan

    def change(session: Session, plan: Plan) -> Change:
        return Change(place, "calendar.import", lambda: _write_all(session, place, [*plan.created, *plan.updated]))

    def foresee(session: Session, plan: Plan, now: datetime) -> None:
        effects = changes.preview(session, None, change(session, plan), hooks, now)
        plan.differences += [_follows(effects, move) for move in effects.moves]
        plan.told = len(effects.told)

    def apply(session: Session, actor: Actor | None, plan: Plan, now: datetime) -> None:
        changes.apply(session, actor, change(session, plan), hooks, now)

    return Import("calendar", COLUMNS, plan, apply, lock=lambda session: _lock(session, place), foresee=foresee)


def _follows(effects: Effects, move: Move) -> Difference:
    """A meeting that the new calendar moves, ends or brings."""
    name = effects.names.get(move.source)
    before, after = (_span(each) if each else "" for each in (move.before, move.after))
    return Difference(0, "follows", name.title_zh if name else "", (("meeting", before, after),))


def _span(meeting: Meeting) -> str:
    return f"{local(meeting.starts):%Y-%m-%d %H:%M}–{local(meeting.ends):%H:%M}"


def _lock(session: Session, place: int) -> None:
    calendars.take(session, place)


@dataclass(frozen=True)
class _Step:
    """A thing of the file: `shown` is what it says, `before` what is there (None: nothing), both column → text."""

    line: int
    what: str
    data: Any
    label: str
    shown: Mapping[str, str]
    before: Mapping[str, str] | None
    same: bool

    @property
    def difference(self) -> Difference:
        before = self.before or {}
        values = [(name, before.get(name, ""), said) for name, said in self.shown.items()]
        outcome = "created" if self.before is None else "updated"
        return Difference(self.line, outcome, self.label, tuple(v for v in values if v[1] != v[2]))


def _sort(session: Session, place: int, draft: Draft, plan: Plan) -> None:
    """What is new, changed, or there already; and whether all of it together can stand."""
    for step in _steps(session, place, draft):
        if step.same:
            plan.unchanged += 1
            continue
        (plan.created if step.before is None else plan.updated).append(step)
        plan.differences.append(step.difference)
    plan.differences.sort(key=lambda each: each.line)
    plan.errors += _rehearse(session, place, [*plan.created, *plan.updated])


def _steps(session: Session, place: int, draft: Draft) -> list[_Step]:
    steps = []
    for line, data in draft.terms.values():
        data["starts"].sort(key=lambda each: each["grade"])
        known = _term(session, place, data)
        shown, before = _of_term(data), _of_term(_term_data(known)) if known else None
        steps.append(_Step(line, "term", data, _term_name(data), shown, before, shown == before))
    for line, data in draft.tables.values():
        data["periods"].sort(key=lambda row: row["number"])
        table = _table(session, place, data)
        shown, before = _of_table(data), _of_table(_table_data(table)) if table else None
        steps.append(_Step(line, "table", data, " ".join(_scope(data)), shown, before, shown == before))
    days = _known_days(session, place)
    for line, new in draft.days:
        there = [days.get(each.day) for each in new.days[: editing.LONGEST_HOLIDAY]]
        steps.append(_Step(line, "day", new, f"{new.first}", _of_days(new), _days_before(there), _same(new, there)))
    return steps


def _same(new: NewDays, rows: Sequence[SpecialDay | None]) -> bool:
    wanted = (new.kind, new.name, new.takes)
    return bool(rows) and all(row is not None and (row.kind, row.name, row.takes) == wanted for row in rows)


# --- as people read it: column → text ---------------------------------------------------------------------------


def _of_term(data: Mapping[str, Any]) -> dict[str, str]:
    starts = "；".join(f"{each['grade']} {each['first_day']} ({each['weeks']})" for each in data["starts"])
    return {"from": f"{data['first_day']}", "weeks": f"{data['weeks']}", "grade": starts}


def _term_name(data: Mapping[str, Any]) -> str:
    return f"{data['academic_year']}-{data['number']}"


def _term_data(term: Term) -> dict[str, Any]:
    starts = [{"grade": each.grade, "first_day": each.first_day, "weeks": each.weeks} for each in term.starts]
    return {"first_day": term.first_day, "weeks": term.weeks, "starts": starts}


def _of_table(data: Mapping[str, Any]) -> dict[str, str]:
    rows = "；".join(f"{p['number']} {clock_text(p['starts'])}–{clock_text(p['ends'])}" for p in data["periods"])
    return {"name": data["name"], "until": f"{data['until_day'] or ''}", "period": rows}


def _table_data(table: PeriodTable) -> dict[str, Any]:
    rows = [{"number": p.number, "starts": p.starts, "ends": p.ends} for p in table.periods]
    return {"name": table.name, "until_day": table.until_day, "periods": rows}


def _scope(data: Mapping[str, Any]) -> list[str]:
    """When a table is in force, which names it among the school's."""
    season = (data["season_from"], data["season_until"])
    seasonal = f"{season_text(season[0])}/{season_text(season[1])}" if season != ALL_YEAR else ""
    weekdays = data["weekdays"] if len(data["weekdays"]) < 7 else ""
    return [part for part in (data["name"], f"{data['from_day']}", seasonal, weekdays) if part]


def _of_days(new: NewDays) -> dict[str, str]:
    last = f"{new.last}" if new.last != new.first else ""
    return {"kind": new.kind, "name": new.name, "until": last, "takes": f"{new.takes or ''}"}


def _days_before(rows: Sequence[SpecialDay | None]) -> dict[str, str] | None:
    """The first and last of what these days are now."""
    there = [row for row in rows if row is not None]
    if not there:
        return None
    first = there[0]
    return _of_days(NewDays(first.kind, first.name, first.day, there[-1].day, first.takes))


# --- what is there ----------------------------------------------------------------------------------------------


def _term(session: Session, place: int, data: Mapping[str, Any]) -> Term | None:
    query = sa.select(Term).where(Term.school_id == place, Term.academic_year == data["academic_year"])
    return session.scalar(query.where(Term.number == data["number"]))


def _table(session: Session, place: int, data: Mapping[str, Any]) -> PeriodTable | None:
    names = ("from_day", "season_from", "season_until", "weekdays")
    query = sa.select(PeriodTable).where(PeriodTable.school_id == place)
    return session.scalar(query.where(*(getattr(PeriodTable, name) == data[name] for name in names)))


def _known_days(session: Session, place: int) -> dict[date, SpecialDay]:
    here = SpecialDay.school_id == place if place else SpecialDay.school_id.is_(None)
    return {row.day: row for row in session.scalars(sa.select(SpecialDay).where(here))}


# --- writing ----------------------------------------------------------------------------------------------------


def _write_all(session: Session, place: int, steps: Sequence[_Step]) -> list[int]:
    ids: list[int] = []
    for step in steps:
        if step.what == "term":
            ids += editing.save_term(session, place, step.data, _term(session, place, step.data)).write()
        elif step.what == "table":
            ids += editing.save_table(session, place, step.data, _table(session, place, step.data)).write()
    days = [step.data for step in steps if step.what == "day"]
    return ids + list(editing.add_days(session, place, days).write()) if days else ids


_COLUMN_OF = {
    "first_day": "from", "academic_year": "year", "from_day": "from", "until_day": "until", "first": "from",
    "last": "until", "takes": "takes", "weeks": "weeks", "number": "number",
}  # fmt: skip


def _rehearse(session: Session, place: int, steps: Sequence[_Step]) -> list[RowError]:
    """Check each line by the same rules as the forms, the lines before it taken as written."""
    errors: list[RowError] = []
    for step in steps:
        if step.what == "term":
            known = _term(session, place, step.data)
            check = partial(editing.check_term, session, place, step.data, known.id if known else None)
            errors += _blame(step.line, check)
        elif step.what == "table":
            errors += _blame(step.line, partial(editing.check_table, step.data))
    errors += _term_against_term([(step.line, step.data) for step in steps if step.what == "term"])
    days = [(step.line, step.data) for step in steps if step.what == "day"]
    found = editing.check_days(session, place, [new for _line, new in days])
    errors += [RowError(days[n][0], _COLUMN_OF[e.field], e.code, e.params) for n, e in found]
    return errors


def _blame(line: int, check: Callable[[], None]) -> list[RowError]:
    try:
        check()
    except Invalid as error:
        return [RowError(line, _COLUMN_OF.get(e.field.split(".")[-1], ""), e.code, e.params) for e in error.errors]
    return []


def _term_against_term(terms: Sequence[tuple[int, dict[str, Any]]]) -> list[RowError]:
    """Two terms of the same file that overlap."""
    errors = []
    for number, (line, data) in enumerate(terms):
        found = overlapping(editing.spans_of(data), [editing.spans_of(other) for _l, other in terms[:number]])
        if found is not None:
            other = found[1]
            last = other.end_day - timedelta(days=1)
            said = {"term": other.label, "first": other.first_day, "last": last}
            errors.append(RowError(line, "from", "terms_overlap", said))
    return errors
