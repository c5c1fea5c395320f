"""One sheet: entering grades on the page or by a table, handing it in, returning, confirming and correcting it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from courses.grades import (
    confirming,
    correcting,
    entering,
    forms,
    kinds,
    lists,
    queries,
    rules,
    schemas,
    services,
    views,
    workbooks,
)
from courses.grades.entering import Draft
from courses.grades.models import GradeSheet
from courses.grades.pages import blueprint
from courses.grades.permissions import allow
from courses.grades.queries import Row
from courses.grades.schemes import DAILY, Scheme
from courses.rosters import queries as rosters
from zutuan.decision import Refusal
from zutuan.errors import Invalid, Refused, ZutuanError
from zutuan.exporting import xlsx_download
from zutuan.exports import queries as exports
from zutuan.exports.views import ways
from zutuan.exports.writing import download
from zutuan.importing import MAX_BYTES
from zutuan.imports import intake
from zutuan.web.forms import errors_of, load_form, refused_at_once
from zutuan.web.problems import note_refusal
from zutuan.web.requests import actor, db

Typed = Mapping[int, Mapping[str, str]]


def _may(sheet: GradeSheet) -> dict[str, bool]:
    """What the page offers: what the table of permissions and the machine both allow."""
    subject = queries.sheet_subject(sheet)
    who = {"save": "staff", "submit": "staff", "return": "registrar", "confirm": "registrar", "correct": "staff"}
    action = {"correct": "grades.ask_correction"}
    found = {
        event: allow.may(actor(), action.get(event, f"grades.{event}"), subject)
        and not isinstance(rules.sheet_step(sheet.state, event, side), Refusal)
        for event, side in who.items()
    }
    return found | {"decide": allow.may(actor(), "grades.decide_correction", subject)}


@blueprint.get("/grade-sheets/<id:sheet_id>")
def sheet(sheet_id: int) -> ResponseReturnValue:
    return sheet_page(sheet_id)


def sheet_page(sheet_id: int, overall: str = "", typed: Typed | None = None, error: Any = None) -> str:
    """The sheet; `typed` and `error` (the drafts, and what is wrong with them) where saving was refused. With
    `?fill=attendance` its form proposes 平时."""
    shown, scheme, rows = _read(sheet_id)
    may = _may(shown)
    fills = may["save"] and request.method == "GET" and request.args.get("fill") == "attendance"
    proposed = forms.by_attendance(rows, scheme, rosters.rate(db(), shown.offering_id)) if fills else None
    typed = typed or proposed
    cells = forms.shown(rows, scheme, typed)
    gone = forms.put_errors(cells, scheme, *error) if error else []
    left = queries.names_in(db(), shown.offering_id, {id_ for id_, _said in gone})
    return render_template(
        "grades/sheet.html", sheet=shown, offering=shown.offering, course=shown.offering.course, scheme=scheme,
        cells=cells, may=may, overall=overall, gone=[(left.get(id_, ""), said) for id_, said in gone], marks=views.marks(), levels=views.levels(scheme),
        figures=views.figures(rows), wrong=[each for each in cells if each.errors], own=actor().person_id,
        corrections=lists.corrections_of(db(), sheet_id) if shown.state == "confirmed" else [],
        limit=MAX_BYTES // 1024 // 1024, reason=request.form.get("reason", ""),
        proposed=None if proposed is None else len(proposed), fills=may["save"] and DAILY in scheme.columns,
        enrolling=actor().now < shown.offering.enrol_until,
        formats=ways(db(), kinds.SHEET, [shown.offering.course.school_id], "grades.export", sheet_id=sheet_id),
    )  # fmt: skip


def _read(sheet_id: int) -> tuple[GradeSheet, Scheme, list[Row]]:
    shown = queries.view_sheet(db(), actor(), sheet_id)
    teaches = allow.may(actor(), "grades.save", queries.sheet_subject(shown))
    g.nav_endpoint = "catalogue.mine" if teaches else "grades.sheets"
    return shown, queries.scheme_of(db(), shown.offering, actor().now), queries.rows_of(db(), shown)


# --- entering ---------------------------------------------------------------------------------------------------


@blueprint.post("/grade-sheets/<id:sheet_id>")
def save(sheet_id: int) -> ResponseReturnValue:
    """Every touched row, or none; with `do=submit` the sheet is handed in at once."""
    typed = forms.rows_typed(request.form)
    shown, scheme, _rows = _read(sheet_id)
    drafts, bad = forms.drafts(typed, scheme)
    submits = request.form.get("do") == "submit"
    try:
        if bad:
            raise Invalid(errors=bad)
        via = "file" if request.form.get("via") == "file" else "page"
        entering.save(db(), actor(), sheet_id, drafts, via)
        if submits:
            services.submit(db(), actor(), sheet_id)
    except (Invalid, Refused) as error:
        return _again(sheet_id, error, drafts, typed)
    flash(str(views.DONE["submit" if submits else "save"]), "good")
    return redirect(url_for("grades.sheet", sheet_id=shown.id))


def _again(sheet_id: int, error: ZutuanError, drafts: list[Draft], typed: Typed) -> ResponseReturnValue:
    """The page with what was typed, and every bad row's reason beside it."""
    db().rollback()
    note_refusal(error)
    return sheet_page(sheet_id, errors_of(error)[1], typed, (drafts, error.errors)), error.status


@blueprint.get("/grade-sheets/<id:sheet_id>/sheet.xlsx")
def workbook(sheet_id: int) -> ResponseReturnValue:
    shown, scheme, rows = _read(sheet_id)
    return xlsx_download(workbooks.file_name(shown), *workbooks.table(shown, scheme, rows))


@blueprint.get("/grade-sheets/<id:sheet_id>/export")
def export(sheet_id: int) -> ResponseReturnValue:
    """The sheet in one of the host school's formats, for whoever may read it."""
    shown, _scheme, rows = _read(sheet_id)
    offering, kind = shown.offering, kinds.SHEET
    layout = exports.asked(db(), kind, request.args.get("format", ""), [offering.course.school_id])
    name = f"{offering.course.code}-{offering.code}-{kind.label}"
    try:
        return download(name, kind, layout, kinds.of_sheet(shown, rows), str(kind.label))
    except Refused as error:
        return refused_at_once(error, lambda first: sheet_page(sheet_id, first))


@blueprint.post("/grade-sheets/<id:sheet_id>/upload")
def upload(sheet_id: int) -> ResponseReturnValue:
    """Looks at a filled-in table and shows what it would change. Writes nothing: that is the next form's to ask."""
    shown, scheme, rows = _read(sheet_id)
    allow.require(actor(), "grades.save", queries.sheet_subject(shown))
    after = rules.sheet_step(shown.state, "save", "staff")
    try:
        if isinstance(after, Refusal):
            raise Refused.because(after)
        name, data = intake.uploaded()
    except (Invalid, Refused) as error:
        return refused_at_once(error, lambda first: sheet_page(sheet_id, first))
    looked = workbooks.look(shown, scheme, rows, data)
    page = render_template(
        "grades/upload.html", sheet=shown, course=shown.offering.course, offering=shown.offering, name=name,
        **views.looked(looked, scheme),
    )  # fmt: skip
    return page, 422 if looked.errors else 200


# --- the sheet's way --------------------------------------------------------------------------------------------


@blueprint.post("/grade-sheets/<id:sheet_id>/<any(submit, return, confirm):event>")
def move(sheet_id: int, event: str) -> ResponseReturnValue:
    try:
        if event == "return":
            services.return_(db(), actor(), sheet_id, load_form(schemas.GradeReasonIn())["reason"])
        else:
            {"submit": services.submit, "confirm": confirming.confirm}[event](db(), actor(), sheet_id)
    except (Invalid, Refused) as error:
        return refused_at_once(error, lambda first: sheet_page(sheet_id, first))
    flash(str(views.DONE[event]), "good")
    return redirect(url_for("grades.sheet", sheet_id=sheet_id))


@blueprint.post("/grade-corrections/<id:correction_id>/<any(approve, deny, withdraw):event>")
def decide(correction_id: int, event: str) -> ResponseReturnValue:
    sheet_id = correcting.view(db(), actor(), correction_id).entry.sheet_id
    try:
        reason = load_form(schemas.GradeReasonIn())["reason"]
        correcting.decide(db(), actor(), correction_id, event, reason)
    except (Invalid, Refused) as error:
        return refused_at_once(error, lambda first: sheet_page(sheet_id, first))
    flash(str(views.DONE[event]), "good")
    return redirect(url_for("grades.sheet", sheet_id=sheet_id))
