"""A class's grades, the registrar's list, and what a correction is asked with."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from courses.catalogue import labels
from courses.catalogue.models import Offering
from courses.grades import correcting, kinds, lists, queries, rules, schemas, schemes, services, views
from courses.grades.models import GradeEntry, GradeSheet
from courses.grades.permissions import allow
from courses.grades.schemes import Scheme, Written
from zutuan.decision import Refusal
from zutuan.errors import Denial, Forbidden, Invalid, NotFound, Refused
from zutuan.exports import queries as exports
from zutuan.exports.writing import download
from zutuan.sharing.actor import Actor
from zutuan.web.forms import Errors, load_form, once, refused, refused_at_once
from zutuan.web.lists import Listing, load_query
from zutuan.web.requests import actor, db
from zutuan.web.texts import give_templates

blueprint = Blueprint("grades", __name__, template_folder="templates")
give_templates(
    blueprint, grade_states=views.STATE, grade_scales=views.SCALE, grade_kinds=views.KIND,
    correction_states=views.CORRECTION, grade_word_filter=views.grade, grade_sitting_filter=views.sitting,
    grade_scheme_filter=views.scheme, grade_tone_filter=views.tone, grade_said_filter=views.said,
    grade_column_filter=views.column, grade_counted_filter=views.counted,
)  # fmt: skip
PAGE = 50


@blueprint.get("/grade-sheets")
def sheets() -> ResponseReturnValue:
    return _list()


def _list(overall: str = "") -> str:
    who = actor()
    if not allow.schools(who, "grades.list"):
        raise Forbidden(Denial("grades.list"))
    query = load_query(schemas.GradeSheetQuery(), PAGE)
    if "state" not in request.args:
        query["state"] = "submitted"
    page = lists.sheets(db(), who, query)
    asked = lists.corrections(db(), who, {"state": "asked", "cursor": None, "limit": PAGE})
    return render_template(
        "grades/list.html", listing=Listing.of(page), query=query, corrections=asked.items,
        counts=lists.counts(db(), [each.id for each in page.items]), formats=_formats(who),
        terms=[(f"{year}.{number}", labels.term_named(year, number)) for year, number in lists.terms_given(db(), who)],
        overall=overall,
    )  # fmt: skip


def _schools(who: Actor) -> list[int]:
    return sorted(allow.schools(who, "grades.list"))


def _formats(who: Actor) -> list[tuple[str, str]]:
    return [("", _("全部列")), *exports.choices(db(), kinds.GIVEN, _schools(who))]


@blueprint.get("/grade-sheets/given")
def given() -> ResponseReturnValue:
    """Confirmed grades of other schools' students in one term, in one of the school's formats."""
    who, kind = actor(), kinds.GIVEN
    if not _schools(who):
        raise Forbidden(Denial("grades.list"))
    match = re.fullmatch(r"(20[0-9]{2}-20[0-9]{2})\.([1-4])", request.args.get("term", ""))
    if match is None:
        raise NotFound
    layout = exports.asked(db(), kind, request.args.get("format", ""), _schools(who))
    rows = kinds.given(lists.given(db(), who, match[1], int(match[2])))
    try:
        return download(f"{kind.label}-{match[0]}", kind, layout, rows, str(kind.label))
    except Refused as error:
        return refused_at_once(error, _list)


# --- a class ----------------------------------------------------------------------------------------------------


@blueprint.get("/offerings/<id:offering_id>/grades")
def of_class(offering_id: int) -> ResponseReturnValue:
    return _class_page(offering_id)


def _class_page(offering_id: int, overall: str = "", errors: Errors | None = None) -> str:
    offering = queries.view_class(db(), actor(), offering_id)
    _here(offering)
    found = queries.sheets_of(db(), offering_id)
    scheme = queries.scheme_of(db(), offering, actor().now)
    return render_template(
        "grades/class.html", offering=offering, course=offering.course, sheets=found, scheme=scheme,
        counts=lists.counts(db(), [each.id for each in found]), overall="" if errors else overall, errors=errors or {},
        values=_scheme_values(scheme), once=once(), opens=_may_open(offering, found),
        fixed=any(each.state != "open" for each in found),
        may_say=allow.may(actor(), "grades.scheme", queries.subject(offering)),
    )  # fmt: skip


def _here(offering: Offering) -> None:
    teaches = allow.may(actor(), "grades.save", queries.subject(offering))
    g.nav_endpoint = "catalogue.mine" if teaches else "grades.sheets"


def _scheme_values(scheme: Scheme) -> dict[str, Any]:
    stands = {"scale": scheme.scale, "places": scheme.places, "parts": schemes.say_parts(scheme.parts)}
    return {**stands, **{name: request.form[name] for name in stands if name in request.form}}


def _may_open(offering: Offering, found: list[GradeSheet]) -> list[tuple[str, int]]:
    """(attempt, how many would be on it) of the sheets that could be opened now."""
    confirmed = any(each.state == "confirmed" for each in found)
    possible = []
    for attempt in (rules.FIRST, rules.RESIT) if confirmed else (rules.FIRST,):
        states = [each.state for each in found if each.attempt == attempt]
        again = attempt == rules.RESIT or bool(states)
        if not allow.may(actor(), "grades.open_again" if again else "grades.open", queries.subject(offering)):
            continue
        count = queries.candidates(db(), offering.id, attempt)
        if rules.may_open(attempt, states, count) is None:
            possible.append((attempt, count))
    return possible


@blueprint.post("/offerings/<id:offering_id>/grades/scheme")
def scheme(offering_id: int) -> ResponseReturnValue:
    try:
        data = load_form(schemas.GradeSchemeForm())
        parts = schemes.read_parts(data["parts"])
        if isinstance(parts, Refusal):
            raise Invalid.field("parts", parts.code, **parts.params)
        offering = queries.view_class(db(), actor(), offering_id, "grades.scheme")
        services.set_scheme(db(), actor(), offering, Scheme(data["scale"], data["places"], parts))
    except (Invalid, Refused) as error:
        return refused(error, lambda errors, overall: _class_page(offering_id, overall, errors))
    flash(str(views.DONE["scheme"]), "good")
    return redirect(url_for("grades.of_class", offering_id=offering_id))


@blueprint.post("/offerings/<id:offering_id>/grades/open")
def open_sheet(offering_id: int) -> ResponseReturnValue:
    try:
        attempt = load_form(schemas.GradeOpenIn())["attempt"]
        made = services.open_sheet(db(), actor(), offering_id, attempt)
    except (Invalid, Refused) as error:
        return refused_at_once(error, lambda first: _class_page(offering_id, first))
    flash(str(views.DONE["open"]), "good")
    return redirect(url_for("grades.sheet", sheet_id=made.id))


# --- 成绩更正 ---------------------------------------------------------------------------------------------------


@blueprint.get("/grade-entries/<id:entry_id>/correction")
def correction(entry_id: int) -> ResponseReturnValue:
    return _correction_page(entry_id)


def _correction_page(entry_id: int, overall: str = "", errors: Errors | None = None) -> str:
    entry, sheet = _entry(entry_id)
    allow.require(actor(), "grades.ask_correction", queries.sheet_subject(sheet))
    _here(sheet.offering)
    scheme = queries.scheme_of(db(), sheet.offering, actor().now)
    row = queries.Row(entry.enrolment, entry)
    values = {f"p{n}": row.part(name) for n, name in enumerate(scheme.columns)} | {"mark": row.mark, "reason": ""}
    return render_template(
        "grades/correction.html", entry=entry, sheet=sheet, scheme=scheme, row=row, course=sheet.offering.course,
        values={**values, **request.form.to_dict()}, errors=_by_column(errors or {}, scheme), marks=views.marks(),
        levels=views.levels(scheme), overall="" if errors else overall, once=once(),
    )  # fmt: skip


def _entry(entry_id: int) -> tuple[GradeEntry, GradeSheet]:
    entry = correcting.view_entry(db(), actor(), entry_id)
    return entry, queries.view_sheet(db(), actor(), entry.sheet_id)


def _by_column(errors: Errors, scheme: Scheme) -> Errors:
    columns = {name: f"p{n}" for n, name in enumerate(scheme.columns)}
    return {columns.get(name, "p0" if name == schemes.WHOLE else name): said for name, said in errors.items()}


@blueprint.post("/grade-entries/<id:entry_id>/correction")
def ask(entry_id: int) -> ResponseReturnValue:
    try:
        _found, sheet = _entry(entry_id)
        scheme = queries.scheme_of(db(), sheet.offering, actor().now)
        data = load_form(schemas.GradeCorrectionForm())
        parts = {name: request.form.get(f"p{n}", "") for n, name in enumerate(scheme.columns)}
        correcting.ask(db(), actor(), entry_id, Written(parts, data["mark"]), data["reason"])
    except (Invalid, Refused) as error:
        return refused(error, lambda errors, overall: _correction_page(entry_id, overall, errors))
    flash(str(views.DONE["ask"]), "good")
    return redirect(url_for("grades.sheet", sheet_id=sheet.id))
