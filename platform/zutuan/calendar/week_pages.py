"""课表: my week, and the time that I say is taken."""

from __future__ import annotations

from datetime import date, timedelta

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from marshmallow import ValidationError

from zutuan.calendar import busy, my_week, schemas, week
from zutuan.calendar.pages import blueprint
from zutuan.calendar.registered import hooks
from zutuan.clock import clock
from zutuan.clusters.schemas import Day
from zutuan.errors import Invalid, Refused
from zutuan.web.forms import Errors, load_form, once, refused
from zutuan.web.requests import actor, db


@blueprint.get("/me/timetable")
def my_timetable() -> ResponseReturnValue:
    today = clock.today()
    found = my_week.of(db(), actor(), hooks(), _day() or today)
    back, on = found.monday - timedelta(days=7), found.monday + timedelta(days=7)
    return render_template(
        "calendar/week.html", week=found, today=today, back=back, on=on, kinds=my_week.KINDS, spans=week.spans,
    )  # fmt: skip


def _day() -> date | None:
    """The day in the address; what is no day of these years is today."""
    try:
        day: date = Day().deserialize(request.args.get("day", ""))
    except ValidationError:
        return None
    return day if 2000 <= day.year <= 2100 else None


# --- my busy periods --------------------------------------------------------------------------------------------


@blueprint.get("/me/busy-periods")
def busy_periods() -> ResponseReturnValue:
    return _busy_page({}, "")


def _busy_page(errors: Errors, overall: str) -> str:
    return render_template(
        "calendar/busy.html", periods=busy.mine(db(), actor()), values=request.form, errors=errors, overall=overall,
        once=once(),
    )  # fmt: skip


@blueprint.post("/me/busy-periods")
def add_busy() -> ResponseReturnValue:
    try:
        row = busy.add(db(), actor(), load_form(schemas.BusyIn()))
    except (Invalid, Refused) as error:
        return refused(error, _busy_page)
    flash(_("已添加“%(title)s”。", title=row.title), "good")
    return redirect(url_for("calendar.busy_periods"))


@blueprint.post("/me/busy-periods/<id:busy_id>/remove")
def remove_busy(busy_id: int) -> ResponseReturnValue:
    busy.remove(db(), actor(), busy_id)
    flash(_("已删去。"), "good")
    return redirect(url_for("calendar.busy_periods"))
