"""校历: the year of a school at a glance, and the registrars' forms. Every change is shown before it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from zutuan.calendar import calendars, changes, editing, forms, proposals, schemas, views
from zutuan.calendar.changes import Change, Effects
from zutuan.calendar.models import PeriodTable, SpecialDay, Term
from zutuan.calendar.permissions import allow, edit_action, place_subject
from zutuan.calendar.sources import Hooks, hooks_of
from zutuan.clock import clock
from zutuan.clusters.models import School
from zutuan.errors import Invalid, Refused
from zutuan.sharing.services import fetch
from zutuan.web.forms import Errors, load_form, once, refused
from zutuan.web.requests import actor, db
from zutuan.web.texts import SHORT_WEEKDAYS, give_templates

blueprint = Blueprint("calendar", __name__, template_folder="templates")
give_templates(
    blueprint, calendar_kinds=views.KINDS, calendar_terms=views.TERMS, short_weekdays=SHORT_WEEKDAYS,
    clock_minutes_filter=views.clock_text, day_with_weekday_filter=views.day_with_weekday,
    bells_scope_filter=views.scope_text,
)  # fmt: skip

SHOWN = 200  # meetings in a preview; their number is always said
NOT_KEPT = ("csrf_token", "seen", "idempotency_key")


@blueprint.before_request
def in_navigation() -> None:
    g.nav_endpoint = "calendar.home"


def hooks() -> Hooks:
    return hooks_of(current_app.extensions["zutuan"].features)


# --- the year ---------------------------------------------------------------------------------------------------


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
        may_inherited=allow.may(who, "calendar.edit_inherited"), specials=_shown_days(school_id),
    )  # fmt: skip


@blueprint.get("/calendar/schools/<id:school_id>/import")
def imports(school_id: int) -> ResponseReturnValue:
    """Where calendars and timetables were imported once."""
    return redirect(url_for("imports.listing", school=school_id, kind="timetable"))


def _shown_days(place: int) -> dict[str, list[views.Group]]:
    rows = db().scalars(
        sa.select(SpecialDay).where(sa.or_(SpecialDay.school_id.is_(None), SpecialDay.school_id == (place or None)))
    )
    listed = list(rows)
    own = [row for row in listed if (row.school_id or 0) == place]
    return {
        "own": views.groups(own),
        "inherited": views.groups([row for row in listed if row.school_id is None]) if place else [],
    }


def editor(place: int) -> School | None:
    """403 for who may not change that calendar; the school, or None for what all inherit."""
    row = fetch(db(), School, place) if place else None
    allow.require(actor(), edit_action(place), place_subject(place))
    return row


# --- every change -----------------------------------------------------------------------------------------------


def _change(change: Change, show: Callable[[Errors, str], str], done: str, back: str) -> ResponseReturnValue:
    """First the effects are shown; with `seen`, the edition they were shown for, it is done. What moves nothing is done
    at once."""
    seen, who = request.form.get("seen"), actor()
    try:
        effects = changes.preview(db(), who, change, hooks(), who.now, seen=seen)
        if effects.moves and seen is None:
            return _shown(effects, change, "")
        changes.finish(db(), who, change, effects, who.now)
    except Refused as error:
        if error.code != "calendar_changed":
            return refused(error, show)
        return _again(change, show, error)
    except Invalid as error:
        return refused(error, show)
    told = len(effects.told)
    flash(f"{done} {_('已通知 %(n)s 人。', n=told)}" if told else done, "good")
    return redirect(back)


def _shown(effects: Effects, change: Change, alert: str) -> str:
    db().rollback()
    kept = [(name, value) for name, values in request.form.lists() for value in values if name not in NOT_KEPT]
    return render_template(
        "calendar/preview.html", effects=effects, kept=kept, alert=alert, place=change.place, most=SHOWN,
        moved=views.lines(effects, effects.moved, SHOWN), lost=views.lines(effects, effects.lost, SHOWN),
        added=views.lines(effects, effects.added, SHOWN), clashes=_clash_lines(effects), told=len(effects.told),
        affected=len({each.source for each in effects.moves}),
    )  # fmt: skip


def _clash_lines(effects: Effects) -> list[dict[str, Any]]:
    return [
        {
            "title": views.title(effects.names.get(each.source)), "other": views.title(effects.names.get(each.other)),
            "at": each.after.starts, "people": each.people,
        }
        for each in effects.clashes[:SHOWN]
    ]  # fmt: skip


def _again(change: Change, show: Callable[[Errors, str], str], error: Refused) -> ResponseReturnValue:
    """Somebody was faster: the effects anew, to be confirmed once more."""
    db().rollback()
    try:
        effects = changes.preview(db(), actor(), change, hooks(), actor().now)
    except (Invalid, Refused) as other:
        return refused(other, show)
    from zutuan.errors import say

    return _shown(effects, change, " ".join(say(error.code))), 409


# --- terms ------------------------------------------------------------------------------------------------------


@blueprint.get("/calendar/schools/<id:school_id>/terms/new")
def new_term(school_id: int) -> ResponseReturnValue:
    return _term_form(editor(school_id), None, forms.empty_term(db(), school_id), {}, "")


@blueprint.post("/calendar/schools/<id:school_id>/terms/new")
def create_term(school_id: int) -> ResponseReturnValue:
    return _save_term(editor(school_id), None)


@blueprint.get("/calendar/terms/<id:term_id>/edit")
def edit_term(term_id: int) -> ResponseReturnValue:
    term = fetch(db(), Term, term_id)
    return _term_form(editor(term.school_id), term, forms.term_values(term), {}, "")


@blueprint.post("/calendar/terms/<id:term_id>/edit")
def update_term(term_id: int) -> ResponseReturnValue:
    term = fetch(db(), Term, term_id)
    return _save_term(editor(term.school_id), term)


def _save_term(row: School | None, term: Term | None) -> ResponseReturnValue:
    assert row is not None
    term_id = term.id if term else None

    def show(errors: Errors, overall: str) -> str:
        known = db().get(Term, term_id) if term_id else None
        return _term_form(fetch(db(), School, row_id), known, forms.typed_term(), errors, overall)

    row_id = row.id
    try:
        data = load_form(schemas.TermIn())
    except Invalid as error:
        return refused(error, show)
    change = editing.save_term(db(), row_id, data, term)
    year = data["academic_year"]
    return _change(change, show, _("学期已保存。"), url_for("calendar.school", school_id=row_id, year=year))


@blueprint.post("/calendar/terms/<id:term_id>/delete")
def delete_term(term_id: int) -> ResponseReturnValue:
    term = fetch(db(), Term, term_id)
    editor(term.school_id)
    school_id = term.school_id
    change = editing.delete_term(db(), term, _in_use(term_id))
    show = _term_again(term_id)
    return _change(change, show, _("学期已删除。"), url_for("calendar.school", school_id=school_id))


def _in_use(term_id: int) -> bool:
    return any(hook.sources(db(), [term_id]) for hook in hooks() if hook.sources is not None)


def _term_again(term_id: int) -> Callable[[Errors, str], str]:
    def show(errors: Errors, overall: str) -> str:
        term = fetch(db(), Term, term_id)
        return _term_form(fetch(db(), School, term.school_id), term, forms.term_values(term), errors, overall)

    return show


def _term_form(row: School | None, term: Term | None, values: Any, errors: Errors, overall: str) -> str:
    return render_template(
        "calendar/term_form.html", school=row, term=term, values=values, errors=errors, overall=overall, once=once(),
    )  # fmt: skip


# --- period tables ----------------------------------------------------------------------------------------------


@blueprint.get("/calendar/schools/<id:school_id>/tables/new")
def new_table(school_id: int) -> ResponseReturnValue:
    return _table_form(editor(school_id), None, forms.empty_table(clock.today()), {}, "")


@blueprint.post("/calendar/schools/<id:school_id>/tables/new")
def create_table(school_id: int) -> ResponseReturnValue:
    return _save_table(editor(school_id), None)


@blueprint.get("/calendar/tables/<id:table_id>/edit")
def edit_table(table_id: int) -> ResponseReturnValue:
    table = fetch(db(), PeriodTable, table_id)
    return _table_form(editor(table.school_id), table, forms.table_values(table), {}, "")


@blueprint.post("/calendar/tables/<id:table_id>/edit")
def update_table(table_id: int) -> ResponseReturnValue:
    table = fetch(db(), PeriodTable, table_id)
    return _save_table(editor(table.school_id), table)


def _save_table(row: School | None, table: PeriodTable | None) -> ResponseReturnValue:
    assert row is not None
    row_id, table_id = row.id, table.id if table else None

    def show(errors: Errors, overall: str) -> str:
        known = db().get(PeriodTable, table_id) if table_id else None
        return _table_form(fetch(db(), School, row_id), known, forms.typed_table(), errors, overall)

    try:
        change = editing.save_table(db(), row_id, forms.table_data(), table)
    except Invalid as error:
        return refused(error, show)
    return _change(change, show, _("作息时间表已保存。"), url_for("calendar.school", school_id=row_id))


@blueprint.post("/calendar/tables/<id:table_id>/delete")
def delete_table(table_id: int) -> ResponseReturnValue:
    table = fetch(db(), PeriodTable, table_id)
    editor(table.school_id)
    school_id = table.school_id

    def show(errors: Errors, overall: str) -> str:
        known = fetch(db(), PeriodTable, table_id)
        return _table_form(fetch(db(), School, school_id), known, forms.table_values(known), errors, overall)

    change = editing.delete_table(db(), table)
    return _change(change, show, _("作息时间表已删除。"), url_for("calendar.school", school_id=school_id))


def _table_form(row: School | None, table: PeriodTable | None, values: Any, errors: Errors, overall: str) -> str:
    return render_template(
        "calendar/table_form.html", school=row, table=table, values=values, errors=errors, overall=overall, once=once(),
    )  # fmt: skip


# --- holidays and swapped days ----------------------------------------------------------------------------------


@blueprint.get("/calendar/days/<int:place>")
def days(place: int) -> ResponseReturnValue:
    return _days_page(place, {"kind": "holiday"}, {}, "")


def _days_page(place: int, values: Any, errors: Errors, overall: str) -> str:
    """The special days of a school, or with place 0 those that all schools inherit."""
    row = fetch(db(), School, place) if place else None
    may = allow.may(actor(), edit_action(place), place_subject(place))
    year = clock.today().year
    proposed = {each: proposals.proposed(each) for each in (year, year + 1)} if may else {}
    listed = _shown_days(place)
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
    return _change(change, show, _("已保存。"), url_for("calendar.days", place=place))


@blueprint.post("/calendar/days/<int:place>/proposal")
def take_proposal(place: int) -> ResponseReturnValue:
    """All that is proposed for a year and not there yet."""
    editor(place)
    year = request.form.get("year", type=int) or 0
    found = (proposals.proposed(year) if abs(year - clock.today().year) <= 1 else None) or []
    own = {group.first for group in _shown_days(place)["own"]}
    change = editing.add_days(db(), place, [new for new in found if new.first not in own])
    show = _days_again(place)
    return _change(change, show, _("已录入 %(year)s 年的放假安排。", year=year), url_for("calendar.days", place=place))


@blueprint.post("/calendar/days/<int:place>/remove")
def remove_days(place: int) -> ResponseReturnValue:
    editor(place)
    ids = [int(text) for text in request.form.getlist("id") if text.isdecimal() and len(text) < 19][:100]
    change = editing.remove_days(db(), place, ids)
    return _change(change, _days_again(place), _("已撤销。"), url_for("calendar.days", place=place))


def _days_again(place: int) -> Callable[[Errors, str], str]:
    def show(errors: Errors, overall: str) -> str:
        said = _("；").join(each for every in errors.values() for each in every)
        return _days_page(place, {"kind": "holiday"}, {}, said or overall)

    return show
