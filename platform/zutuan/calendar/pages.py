"""校历: the year of a school at a glance. Its forms are in `term_pages.py`, `table_pages.py` and `day_pages.py`."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from zutuan.calendar import calendars, views
from zutuan.calendar.permissions import allow, edit_action, place_subject
from zutuan.clock import clock
from zutuan.clusters.models import School
from zutuan.sharing.services import fetch
from zutuan.web.requests import actor, db
from zutuan.web.texts import SHORT_WEEKDAYS, give_templates

blueprint = Blueprint("calendar", __name__, template_folder="templates")
give_templates(
    blueprint, calendar_kinds=views.KINDS, calendar_terms=views.TERMS, short_weekdays=SHORT_WEEKDAYS,
    clock_minutes_filter=views.clock_text, day_with_weekday_filter=views.day_with_weekday,
    bells_scope_filter=views.scope_text, month_day_filter=views.month_day, day_text_filter=views.day_text,
)  # fmt: skip


@blueprint.before_request
def in_navigation() -> None:
    g.nav_endpoint = "calendar.my_timetable" if request.path.startswith("/me/") else "calendar.home"


@blueprint.get("/calendar")
def home() -> ResponseReturnValue:
    """The calendar of the first school of mine; who belongs to none keeps the inherited days."""
    first = next(iter(actor().affiliations), None)
    if first is None:
        return redirect(url_for("calendar.days", place=0))
    return redirect(url_for("calendar.school", school_id=first.school_id))


@blueprint.get("/calendar/schools/<id:school_id>")
def school(school_id: int) -> ResponseReturnValue:
    who = actor()
    row = fetch(db(), School, school_id)
    found = calendars.of_school(db(), school_id)
    grade = next((each.grade for each in who.affiliations if each.school_id == school_id), "")
    today = clock.today()
    known = views.years(found.terms)
    current = found.term_on(today, grade) or next(iter(reversed(found.terms)), None)
    year = request.args.get("year", "")
    year = year if year in known else (current.academic_year if current else "")
    return render_template(
        "calendar/school.html", school=row, years=known, year=year, today=today, grade=grade,
        terms=views.term_views(found, year, today, grade), bells=found.bells_on(today), tables=found.bells,
        may_edit=allow.may(who, "calendar.edit", place_subject(school_id)),
        may_inherited=allow.may(who, "calendar.edit_inherited"), specials=views.shown_days(db(), school_id),
    )  # fmt: skip


@blueprint.get("/calendar/schools/<id:school_id>/import")
def imports(school_id: int) -> ResponseReturnValue:
    """Where calendars and timetables were imported once."""
    return redirect(url_for("imports.listing", school=school_id, kind="timetable"))


def editor(place: int) -> School | None:
    """403 for who may not change that calendar; the school, or None for what all inherit."""
    row = fetch(db(), School, place) if place else None
    allow.require(actor(), edit_action(place), place_subject(place))
    return row
