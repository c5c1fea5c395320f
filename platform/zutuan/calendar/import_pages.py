"""Importing a school's calendar and its own timetable on a page: first looked at, then written, all rows or none."""

from __future__ import annotations

from flask import g, render_template, request
from flask.typing import ResponseReturnValue

from zutuan.calendar import calendars, timetables
from zutuan.calendar.imports import COLUMNS, calendar_import
from zutuan.calendar.models import Term
from zutuan.calendar.pages import blueprint, editor, hooks
from zutuan.calendar.timetables import timetable_import
from zutuan.clock import clock
from zutuan.clusters.models import School
from zutuan.errors import NotFound
from zutuan.importing import MAX_BYTES, Import, Report, run
from zutuan.sharing.services import fetch
from zutuan.web.requests import actor, db

SHOWN = 100


@blueprint.get("/calendar/schools/<id:school_id>/import")
def imports(school_id: int) -> ResponseReturnValue:
    editor(school_id)
    return _page(school_id)


def _page(school_id: int, kind: str = "", report: Report | None = None, dry_run: bool = False) -> str:
    found = calendars.of_school(db(), school_id)
    terms = [(term.id, term, timetables.imported(db(), school_id, term.id)) for term in reversed(found.terms)]
    current = found.term_on(clock.today())
    return render_template(
        "calendar/import.html", school=fetch(db(), School, school_id), terms=terms[:12], kind=kind, report=report,
        dry_run=dry_run, chosen=request.form.get("term_id", type=int) or (current.id if current else None),
        columns={"calendar": COLUMNS, "timetable": timetables.COLUMNS}, shown=SHOWN,
    )  # fmt: skip


@blueprint.post("/calendar/schools/<id:school_id>/import")
def run_import(school_id: int) -> ResponseReturnValue:
    editor(school_id)
    kind = "timetable" if request.form.get("kind") == "timetable" else "calendar"
    dry_run = "check" in request.form
    upload = request.files.get("file")
    data = upload.stream.read(MAX_BYTES + 1) if upload else b""
    report = run(db(), _import(kind, school_id), data, now=actor().now, actor=actor(), dry_run=dry_run)
    g.nav_endpoint = "calendar.home"
    page = _page(school_id, kind, report, dry_run)
    return (page, 422) if report.errors else page


def _import(kind: str, school_id: int) -> Import:
    if kind == "calendar":
        return calendar_import(school_id, hooks())
    term = db().get(Term, request.form.get("term_id", type=int) or 0)
    if term is None or term.school_id != school_id:
        raise NotFound
    return timetable_import(school_id, term.id)
