"""What the calendar's forms show: their values, and what was typed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from zutuan.calendar import schemas, services, views
from zutuan.calendar.models import PeriodTable, Term
from zutuan.calendar.plan import ALL_YEAR
from zutuan.clock import clock
from zutuan.fields import Schema, from_form

EMPTY_STARTS, EMPTY_PERIODS = 2, 2


def typed(schema: Schema, rows: str, empty: int) -> dict[str, Any]:
    """The form as it was typed, its rows as a list with some empty ones behind."""
    listed = from_form(schema, request.form)[rows]
    return {**request.form.to_dict(), rows: [*listed, *({} for _row in range(empty))]}


def empty_term(session: Session, school_id: int) -> dict[str, Any]:
    """The term that follows the latest one."""
    terms = services.terms_of(session, school_id)
    today = clock.today()
    first = services.monday_of(max(terms[0].first_day + timedelta(weeks=terms[0].weeks + 4), today) if terms else today)
    year = first.year if first.month >= 7 else first.year - 1
    return {
        "academic_year": f"{year}-{year + 1}", "number": 1 if first.month >= 7 else 2, "first_day": first,
        "weeks": 18, "starts": [{} for _row in range(EMPTY_STARTS)],
    }  # fmt: skip


def term_values(term: Term) -> dict[str, Any]:
    starts = [{"grade": each.grade, "first_day": each.first_day, "weeks": each.weeks} for each in term.starts]
    return {
        "academic_year": term.academic_year, "number": term.number, "first_day": term.first_day, "weeks": term.weeks,
        "starts": [*starts, *({} for _row in range(EMPTY_STARTS))],
    }  # fmt: skip


def typed_term() -> dict[str, Any]:
    return typed(schemas.TermIn(), "starts", EMPTY_STARTS)


def _periods(rows: list[tuple[int, int, int]]) -> list[dict[str, Any]]:
    shown = [{"number": n, "starts": views.clock_text(a), "ends": views.clock_text(b)} for n, a, b in rows]
    return [*shown, *({} for _row in range(EMPTY_PERIODS))]


def empty_table(today: date) -> dict[str, Any]:
    return {"name": "", "from_day": today, "weekdays": "1234567", "periods": _periods(services.usual_periods())}


def table_values(table: PeriodTable) -> dict[str, Any]:
    seasonal = (table.season_from, table.season_until) != ALL_YEAR
    return {
        "name": table.name, "from_day": table.from_day, "until_day": table.until_day or "",
        "season_from": views.season_text(table.season_from) if seasonal else "",
        "season_until": views.season_text(table.season_until) if seasonal else "",
        "weekdays": table.weekdays,
        "periods": _periods([(p.number, p.starts, p.ends) for p in table.periods]),
    }  # fmt: skip


def typed_table() -> dict[str, Any]:
    values = typed(schemas.TableIn(), "periods", EMPTY_PERIODS)
    return {**values, "weekdays": "".join(request.form.getlist("weekdays"))}


def table_data() -> dict[str, Any]:
    """The form's data: ticked weekdays are several values of one name."""
    from zutuan.web.forms import load_form

    data = load_form(schemas.TableIn(exclude=["weekdays"]))
    ticked = "".join(request.form.getlist("weekdays")) or "1234567"
    return {**data, "weekdays": "".join(sorted(set(ticked) & set("1234567"))) or "1234567"}
