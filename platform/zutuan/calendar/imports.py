"""The import of a calendar: terms, period tables and special days of a school in one file, one kind of thing a line.

It goes the same way as the forms: meetings that lie ahead follow the new calendar, and those concerned hear of it once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from marshmallow import fields
from sqlalchemy.orm import Session

from zutuan.calendar import changes, editing
from zutuan.calendar.changes import Change
from zutuan.calendar.editing import NewDays
from zutuan.calendar.models import PeriodTable, SpecialDay, Term
from zutuan.calendar.plan import ALL_WEEKDAYS, ALL_YEAR, overlapping
from zutuan.calendar.schemas import Clock, MonthDay, Weekdays
from zutuan.calendar.sources import Hooks
from zutuan.clusters.schemas import Day
from zutuan.errors import Invalid
from zutuan.fields import Text, bad
from zutuan.importing import Column, Import, Plan, Record, RowError
from zutuan.sharing.actor import Actor

_KINDS = {
    "term": ("学期", "term"), "grade": ("年级开学", "年级", "grade"), "holiday": ("节假日", "放假", "假日", "holiday"),
    "swapped": ("调休", "补课", "swapped"), "normal": ("照常上课", "照常", "normal"), "period": ("作息", "节次", "period"),
}  # fmt: skip


class _Kind(fields.Field[str]):
    _known = {title: kind for kind, titles in _KINDS.items() for title in titles}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> str:
        kind = self._known.get(str(value).strip().lower())
        if kind is None:
            raise bad("not_a_kind", choices=tuple(titles[0] for titles in _KINDS.values()))
        return kind


class _Optional(fields.Field[Any]):
    """An empty cell is nothing, any other the inner field's."""

    def __init__(self, inner: fields.Field[Any]) -> None:
        self.inner = inner
        super().__init__()

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> Any:
        text = str(value).strip()
        return self.inner.deserialize(text) if text else None


class _FileDay(Day):
    """A date as spreadsheets write it: 2026-9-7, 2026/9/7 or 2026年9月7日."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> date:
        parts = (
            str(value).strip().rstrip("日").replace("年", "-").replace("月", "-").replace("/", "-").replace(".", "-")
        )
        numbers = parts.split(" ")[0].split("-")
        text = "-".join(part.zfill(2) for part in numbers) if all(part.isdecimal() for part in numbers) else parts
        return super()._deserialize(text, attr, data, **kw)


class _Number(fields.Field[int]):
    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> int:
        text = str(value)
        if not text.isdecimal() or not 1 <= int(text[:4]) <= 60 or len(text) > 2:
            raise bad("not_whole")
        return int(text)


COLUMNS = (
    Column("kind", _Kind(), ("类型",), needed=True),
    Column("name", Text(40, min=0), ("名称",)),
    Column("from", _Optional(_FileDay()), ("开始", "日期", "开始日期", "从"), needed=True),
    Column("until", _Optional(_FileDay()), ("结束", "结束日期", "到")),
    Column("takes", _Optional(_FileDay()), ("补课日期", "补哪天的课", "上哪天的课")),
    Column("year", Text(9, min=0), ("学年",)),
    Column("number", _Optional(_Number()), ("学期", "第几学期")),
    Column("weeks", _Optional(_Number()), ("周数",)),
    Column("grade", Text(10, min=0), ("年级",)),
    Column("season_from", _Optional(MonthDay()), ("每年从",)),
    Column("season_until", _Optional(MonthDay()), ("每年到",)),
    Column("weekdays", _Optional(Weekdays()), ("星期",)),
    Column("period", _Optional(_Number()), ("节", "第几节")),
    Column("starts", _Optional(Clock()), ("上课", "上课时间")),
    Column("ends", _Optional(Clock()), ("下课", "下课时间")),
)
_NEEDED = {
    "term": ("from", "weeks", "year", "number"), "grade": ("from", "weeks", "year", "number", "grade"),
    "holiday": ("from",), "normal": ("from",), "swapped": ("from", "takes"), "period": ("from", "period", "starts", "ends"),
}  # fmt: skip


class _Draft:
    """The file's lines as terms, period tables and days, each with the line it came from."""

    def __init__(self) -> None:
        self.terms: dict[tuple[str, int], tuple[int, dict[str, Any]]] = {}
        self.tables: dict[tuple[Any, ...], tuple[int, dict[str, Any]]] = {}
        self.days: list[tuple[int, NewDays]] = []
        self.errors: list[RowError] = []

    def read(self, records: Iterable[Record]) -> None:
        for record in records:
            values = record.values
            missing = [name for name in _NEEDED[values["kind"]] if not values.get(name)]
            if missing:
                self.errors += [RowError(record.line, name, "required") for name in missing]
            else:
                getattr(self, f"_{values['kind']}")(record.line, values)

    def _term(self, line: int, values: Any) -> None:
        key = (values["year"], values["number"])
        if key in self.terms:
            self.errors.append(RowError(line, "number", "import_duplicate_row", {"line": self.terms[key][0]}))
            return
        if not _is_year(values["year"]):
            self.errors.append(RowError(line, "year", "bad_academic_year"))
        elif not values["number"] <= 4:
            self.errors.append(RowError(line, "number", "too_big", {"max": 4}))
        elif not values["weeks"] <= 30:
            self.errors.append(RowError(line, "weeks", "too_big", {"max": 30}))
        else:
            data = {"academic_year": key[0], "number": key[1], "first_day": values["from"], "weeks": values["weeks"]}
            self.terms[key] = (line, {**data, "starts": []})

    def _grade(self, line: int, values: Any) -> None:
        term = self.terms.get((values["year"], values["number"]))
        if term is None:
            self.errors.append(RowError(line, "number", "no_such_term_above"))
        elif not values["weeks"] <= 30:
            self.errors.append(RowError(line, "weeks", "too_big", {"max": 30}))
        else:
            start = {"grade": values["grade"], "first_day": values["from"], "weeks": values["weeks"]}
            term[1]["starts"].append(start)

    def _period(self, line: int, values: Any) -> None:
        season = (values.get("season_from") or ALL_YEAR[0], values.get("season_until") or ALL_YEAR[1])
        weekdays = values.get("weekdays") or ALL_WEEKDAYS
        key = (values["from"], *season, weekdays)
        fresh = {
            "name": values.get("name", ""), "from_day": key[0], "until_day": values.get("until"),
            "season_from": season[0], "season_until": season[1], "weekdays": weekdays, "periods": [],
        }  # fmt: skip
        row = {"number": values["period"], "starts": values["starts"], "ends": values["ends"]}
        if row["ends"] <= row["starts"]:
            self.errors.append(RowError(line, "ends", "ends_before_start"))
        self.tables.setdefault(key, (line, fresh))[1]["periods"].append(row)

    def _day(self, line: int, values: Any) -> None:
        first = values["from"]
        last = values.get("until") or first
        takes = values.get("takes") if values["kind"] == "swapped" else None
        if takes is not None and last != first:
            self.errors.append(RowError(line, "until", "swap_one_day"))
        else:
            self.days.append((line, NewDays(values["kind"], values.get("name", ""), first, last, takes)))

    _holiday = _normal = _swapped = _day


def _is_year(text: str) -> bool:
    first, _, last = text.partition("-")
    return first.isdecimal() and last.isdecimal() and len(first) == len(last) == 4 and int(last) == int(first) + 1


def calendar_import(place: int, hooks: Hooks) -> Import:
    """The import of one school's calendar (place 0: special days for all schools)."""

    def plan(session: Session, records: Sequence[Record], now: datetime) -> Plan:
        draft = _Draft()
        draft.read(records)
        plan = Plan(errors=list(draft.errors))
        if place == 0:
            first = [line for line, _data in (*draft.terms.values(), *draft.tables.values())]
            plan.errors += [RowError(line, "kind", "only_special_days") for line in first]
        if not plan.errors:
            _sort(session, place, draft, plan)
        return plan

    def apply(session: Session, actor: Actor | None, plan: Plan, now: datetime) -> None:
        steps = [*plan.created, *plan.updated]
        change = Change(place, "calendar.import", lambda: _write_all(session, place, steps))
        changes.apply(session, actor, change, hooks, now)

    return Import("calendar", COLUMNS, plan, apply)


_Step = tuple[int, str, Any]  # line, what, its data


def _sort(session: Session, place: int, draft: _Draft, plan: Plan) -> None:
    """What is new, changed, or there already; and whether all of it together can stand."""
    steps: list[tuple[_Step, bool | None]] = []
    for line, data in draft.terms.values():
        steps.append(((line, "term", data), _same_term(session, place, data)))
    for line, data in draft.tables.values():
        data["periods"].sort(key=lambda row: row["number"])
        steps.append(((line, "table", data), _same_table(session, place, data)))
    known = _known_days(session, place)
    for line, new in draft.days:
        rows = [known.get(each.day) for each in new.days[: editing.LONGEST_HOLIDAY]]
        same = all(
            row is not None and (row.kind, row.name, row.takes) == (new.kind, new.name, new.takes) for row in rows
        )
        steps.append(((line, "day", new), True if same and rows else (False if any(rows) else None)))
    for step, state in steps:
        if state:
            plan.unchanged += 1
        else:
            (plan.created if state is None else plan.updated).append(step)
    plan.errors += _rehearse(session, place, [*plan.created, *plan.updated])


def _same_term(session: Session, place: int, data: dict[str, Any]) -> bool | None:
    """True: there as it is in the file; False: there, but different; None: new."""
    term = _term(session, place, data)
    if term is None:
        return None
    starts = [{"grade": each.grade, "first_day": each.first_day, "weeks": each.weeks} for each in term.starts]
    wanted = sorted(data["starts"], key=lambda each: each["grade"])
    return (term.first_day, term.weeks, starts) == (data["first_day"], data["weeks"], wanted)


def _term(session: Session, place: int, data: dict[str, Any]) -> Term | None:
    query = sa.select(Term).where(Term.school_id == place, Term.academic_year == data["academic_year"])
    return session.scalar(query.where(Term.number == data["number"]))


def _same_table(session: Session, place: int, data: dict[str, Any]) -> bool | None:
    table = _table(session, place, data)
    if table is None:
        return None
    rows = [{"number": p.number, "starts": p.starts, "ends": p.ends} for p in table.periods]
    return (table.name, table.until_day, rows) == (data["name"], data["until_day"], data["periods"])


def _table(session: Session, place: int, data: dict[str, Any]) -> PeriodTable | None:
    names = ("from_day", "season_from", "season_until", "weekdays")
    query = sa.select(PeriodTable).where(PeriodTable.school_id == place)
    return session.scalar(query.where(*(getattr(PeriodTable, name) == data[name] for name in names)))


def _known_days(session: Session, place: int) -> dict[date, SpecialDay]:
    here = SpecialDay.school_id == place if place else SpecialDay.school_id.is_(None)
    return {row.day: row for row in session.scalars(sa.select(SpecialDay).where(here))}


def _write_all(session: Session, place: int, steps: Sequence[_Step]) -> list[int]:
    ids: list[int] = []
    for _line, what, data in steps:
        if what == "term":
            ids += editing.save_term(session, place, data, _term(session, place, data)).write()
        elif what == "table":
            ids += editing.save_table(session, place, data, _table(session, place, data)).write()
    days = [data for _line, what, data in steps if what == "day"]
    return ids + list(editing.add_days(session, place, days).write()) if days else ids


_COLUMN_OF = {
    "first_day": "from", "academic_year": "year", "from_day": "from", "until_day": "until", "first": "from",
    "last": "until", "takes": "takes", "weeks": "weeks", "number": "number",
}  # fmt: skip


def _rehearse(session: Session, place: int, steps: Sequence[_Step]) -> list[RowError]:
    """Check each line by the same rules as the forms, the lines before it taken as written."""
    errors: list[RowError] = []
    for line, what, data in steps:
        if what == "term":
            known = _term(session, place, data)
            errors += _blame(line, partial(editing.check_term, session, place, data, known.id if known else None))
        elif what == "table":
            errors += _blame(line, partial(editing.check_table, data))
    errors += _term_against_term([(line, data) for line, what, data in steps if what == "term"])
    days = [(line, data) for line, what, data in steps if what == "day"]
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
