"""导出格式: a school's saved formats."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from marshmallow import ValidationError

from zutuan.clusters.models import School
from zutuan.errors import Denial, Forbidden, Invalid, Refused, Stale
from zutuan.exports import kinds, queries, rules, schemas, services, views
from zutuan.exports.kinds import ExportKind
from zutuan.exports.models import ExportFormat
from zutuan.exports.permissions import allow
from zutuan.exports.queries import Layout
from zutuan.fields import from_form
from zutuan.sharing.services import fetch
from zutuan.web.forms import Errors, load_form, once, refused
from zutuan.web.requests import actor, db
from zutuan.web.texts import give_templates

blueprint = Blueprint("exports", __name__, template_folder="templates")
give_templates(blueprint, export_types=views.FILE_TYPE)
SPARE = 4
NAMES = ("column", "head", "value")


@blueprint.before_request
def in_navigation() -> None:
    g.nav_endpoint = "exports.own"


@blueprint.get("/export-formats")
def own() -> ResponseReturnValue:
    """Of the first of the schools whose formats one may use."""
    schools = sorted(allow.schools(actor(), "export_format.list"))
    if not schools:
        raise Forbidden(Denial("export_format.list"))
    return redirect(url_for("exports.listing", school_id=schools[0]))


@blueprint.get("/export-formats/schools/<id:school_id>")
def listing(school_id: int) -> ResponseReturnValue:
    school = fetch(db(), School, school_id)
    allow.require(actor(), "export_format.list", queries.subject(school_id))
    saved = queries.of_schools(db(), actor(), school_id=school_id)
    by_kind = [(kind, [each for each in saved if each.kind == kind.name]) for kind in kinds.every()]
    manages = allow.may(actor(), "export_format.manage", queries.subject(school_id))
    return render_template("exports/list.html", school=school, by_kind=by_kind, manages=manages)


# --- forms ------------------------------------------------------------------------------------------------------


def _manager(school_id: int) -> School:
    school = fetch(db(), School, school_id)
    allow.require(actor(), "export_format.manage", queries.subject(school_id))
    return school


@blueprint.get("/export-formats/schools/<id:school_id>/<kind>/new")
def new(school_id: int, kind: str) -> ResponseReturnValue:
    """Empty (all columns), or a copy of a preset or of another saved format."""
    school, known, ref = _manager(school_id), queries.kind_or_404(kind), request.args.get("copy", "")
    start = queries.layout(db(), known, ref, [school_id]) if ref else queries.usual(known)
    named = dict(queries.choices(db(), known, [school_id])).get(ref)
    name = _("%(name)s（副本）", name=named) if named else ""
    return _form(school, known, None, _values(name, start), {}, "")


@blueprint.post("/export-formats/schools/<id:school_id>/<kind>/new")
def create(school_id: int, kind: str) -> ResponseReturnValue:
    school, known = _manager(school_id), queries.kind_or_404(kind)
    data: dict[str, Any] = {}
    try:
        data = _loaded()
        services.create(db(), actor(), school_id, {**data, "kind": kind})
    except (Invalid, Refused) as error:
        return refused(error, lambda *wrong: _form(fetch(db(), School, school.id), known, None, _typed(data), *wrong))
    return _saved(school_id)


@blueprint.get("/export-formats/<id:format_id>/edit")
def edit(format_id: int) -> ResponseReturnValue:
    saved = queries.view(db(), actor(), format_id, "export_format.manage")
    kind = queries.kind_or_404(saved.kind)
    start = queries.layout(db(), kind, str(saved.id), [saved.school_id])
    return _form(saved.school, kind, saved, _values(saved.name, start), {}, "")


@blueprint.post("/export-formats/<id:format_id>/edit")
def update(format_id: int) -> ResponseReturnValue:
    saved = queries.view(db(), actor(), format_id, "export_format.manage")
    kind, school_id = queries.kind_or_404(saved.kind), saved.school_id
    data: dict[str, Any] = {}
    try:
        data = _loaded()
        if data.pop("version") != saved.version:
            raise Stale
        services.update(db(), actor(), saved, data)
    except (Invalid, Refused, Stale) as error:

        def show(errors: Errors, overall: str) -> str:
            found = queries.view(db(), actor(), format_id, "export_format.manage")
            return _form(found.school, kind, found, _typed(data), errors, overall)

        return refused(error, show)
    return _saved(school_id)


@blueprint.post("/export-formats/<id:format_id>/delete")
def delete(format_id: int) -> ResponseReturnValue:
    saved = queries.view(db(), actor(), format_id, "export_format.manage")
    school_id = saved.school_id
    services.delete(db(), actor(), saved)
    flash(_("导出格式已删除。"), "good")
    return redirect(url_for("exports.listing", school_id=school_id))


def _saved(school_id: int) -> ResponseReturnValue:
    flash(_("导出格式已保存。"), "good")
    return redirect(url_for("exports.listing", school_id=school_id))


def _loaded() -> dict[str, Any]:
    """The form as a service takes it: columns in the order of their numbers."""
    data = load_form(schemas.FormatOfForm())
    rows = sorted(enumerate(data["columns"]), key=lambda each: (_place(*each), each[0]))
    kept = [{name: row[name] for name in NAMES} for _number, row in rows]
    data["columns"] = [row for row in kept if any(row.values())]  # one that only has a place was cleared
    if not data["columns"]:
        raise Invalid.field("columns", "too_few_items", min=1)
    data["above"] = _lines(data["above"])
    return data


def _place(number: int, row: dict[str, Any]) -> int:
    return number + 1 if row["order"] is None else int(row["order"])


def _lines(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > rules.MOST_LINES:
        raise Invalid.field("above", "too_many_items", max=rules.MOST_LINES)
    return lines


def _values(name: str, start: Layout) -> dict[str, Any]:
    rows = [{"column": column, "head": head, "value": value} for column, head, value in start.columns]
    return {"name": name, "file_type": start.file_type, "above": "\n".join(start.above), "columns": _numbered(rows)}


def _numbered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    spare: list[dict[str, Any]] = [{} for _row in range(SPARE)]
    return [{**row, "order": number} for number, row in enumerate(rows, start=1)] + spare


def _typed(data: dict[str, Any]) -> dict[str, Any]:
    """What was sent; once it could be read, its columns in their new order, as the messages count them."""
    typed = request.form.to_dict()
    if data:
        return {**typed, "columns": _numbered(data["columns"])}
    try:
        rows = from_form(schemas.FormatOfForm(), request.form)["columns"]
    except ValidationError:
        rows = []
    return {**typed, "columns": [*rows, *({} for _row in range(SPARE))]}


def _form(
    school: School, kind: ExportKind, saved: ExportFormat | None, values: dict[str, Any], errors: Errors, overall: str
) -> str:
    return render_template(
        "exports/form.html", school=school, kind=kind, saved=saved, values=values, errors=errors, overall=overall,
        once=once(),
    )  # fmt: skip
