"""Holidays and swapped days: of a school, or those that all inherit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from zutuan.calendar import editing, proposals, schemas, views
from zutuan.calendar.confirming import confirmed
from zutuan.calendar.pages import blueprint, editor
from zutuan.calendar.permissions import allow, edit_action, place_subject
from zutuan.clock import clock
from zutuan.clusters.models import School
from zutuan.errors import Invalid
from zutuan.sharing.services import fetch
from zutuan.web.forms import Errors, load_form, refused
from zutuan.web.requests import actor, db


@blueprint.get("/calendar/days/<int:place>")
def days(place: int) -> ResponseReturnValue:
    return _days_page(place, {"kind": "holiday"}, {}, "")


def _days_page(place: int, values: Any, errors: Errors, overall: str) -> str:
    """The special days of a school, or with place 0 those that all schools inherit."""
    row = fetch(db(), School, place) if place else None
    may = allow.may(actor(), edit_action(place), place_subject(place))
    year = clock.today().year
    proposed = {each: proposals.proposed(each) for each in (year, year + 1)} if may else {}
    listed = views.shown_days(db(), place)
    known = {day for group in (*listed["own"], *listed["inherited"]) for day in (group.first,)}
    missing = {
        each: [new for new in found if new.first not in known] for each, found in proposed.items() if found is not None
    }
    return render_template(
        "calendar/days.html", school=row, place=place, may_edit=may, groups=listed, values=values, errors=errors,
        overall=overall, proposed={each: found for each, found in missing.items() if found}, today=clock.today(),
    )  # fmt: skip


@blueprint.post("/calendar/days/<int:place>")
def add_days(place: int) -> ResponseReturnValue:
    editor(place)

    def show(errors: Errors, overall: str) -> str:
        return _days_page(place, request.form, errors, overall)

    try:
        data = load_form(schemas.DaysIn())
    except Invalid as error:
        return refused(error, show)
    new = editing.NewDays(data["kind"], data["name"], data["first"], data["last"] or data["first"], data["takes"])
    if new.kind != "swapped":
        new = editing.NewDays(new.kind, new.name, new.first, new.last)
    elif new.last != new.first:
        return refused(Invalid.field("last", "swap_one_day"), show)
    change = editing.add_days(db(), place, [new])
    return confirmed(change, show, _("已保存。"), url_for("calendar.days", place=place))


@blueprint.post("/calendar/days/<int:place>/proposal")
def take_proposal(place: int) -> ResponseReturnValue:
    """All that is proposed for a year and not there yet."""
    editor(place)
    year = request.form.get("year", type=int) or 0
    found = (proposals.proposed(year) if abs(year - clock.today().year) <= 1 else None) or []
    own = {group.first for group in views.shown_days(db(), place)["own"]}
    change = editing.add_days(db(), place, [new for new in found if new.first not in own])
    show = _days_again(place)
    return confirmed(
        change, show, _("已录入 %(year)s 年的放假安排。", year=year), url_for("calendar.days", place=place)
    )


@blueprint.post("/calendar/days/<int:place>/remove")
def remove_days(place: int) -> ResponseReturnValue:
    editor(place)
    ids = [int(text) for text in request.form.getlist("id") if text.isdecimal() and len(text) < 19][:100]
    change = editing.remove_days(db(), place, ids)
    return confirmed(change, _days_again(place), _("已撤销。"), url_for("calendar.days", place=place))


def _days_again(place: int) -> Callable[[Errors, str], str]:
    def show(errors: Errors, overall: str) -> str:
        said = _("；").join(each for every in errors.values() for each in every)
        return _days_page(place, {"kind": "holiday"}, {}, said or overall)

    return show
