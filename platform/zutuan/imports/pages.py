"""The pages of an import: hand in, look, apply."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from zutuan.errors import Denial, Forbidden, Invalid, NotFound, Refused, ZutuanError, say
from zutuan.exporting import Table, xlsx_download
from zutuan.feature import ImportKind
from zutuan.importing import MAX_BYTES
from zutuan.imports import intake, queries, services, views
from zutuan.imports import kinds as known
from zutuan.imports.kinds import Kinds
from zutuan.imports.models import ImportBatch
from zutuan.web.forms import Errors, refused, refused_at_once
from zutuan.web.lists import Listing
from zutuan.web.requests import actor, db

blueprint = Blueprint("imports", __name__, template_folder="templates")

PAGE = 50
MOST_SCHOOLS = 20  # whose terms a form offers at once


def kinds() -> Kinds:
    return Kinds(current_app.extensions["zutuan"].features)


@blueprint.get("/imports")
def listing() -> ResponseReturnValue:
    return _list_page({}, "")


def _list_page(errors: Errors, alert: str) -> str:
    who, all_kinds = actor(), kinds()
    schools = known.schools_of(all_kinds, who)
    if not schools:
        raise Forbidden(Denial("import.list"))
    mine = [kind for kind in all_kinds.values() if any(known.may(who, kind, school) for school in schools)]
    values = request.form or request.args
    asked = [kind for kind in mine if kind.name == values.get("kind")] or mine
    page = queries.batches(db(), schools, request.args.get("cursor"), PAGE)
    return render_template(
        "imports/list.html", listing=Listing.of(page), kinds=mine, all_kinds=all_kinds, errors=errors, alert=alert,
        schools=queries.school_names(db(), schools), values=values,
        params=_asked(asked, schools, values.get("school", "")), limit=MAX_BYTES // 1024 // 1024,
        words=queries.STATE, kind_options=[(kind.name, kind.title) for kind in mine],
    )  # fmt: skip


def _asked(asked: list[ImportKind], schools: frozenset[int], chosen: str) -> list[dict[str, Any]]:
    """What these kinds ask besides the file, each with its options at these schools (or at the one that is chosen)."""
    here = [school for school in sorted(schools) if not chosen or chosen == str(school)] or sorted(schools)
    return [
        {
            "name": f"params-{param.name}", "label": _("%(label)s（%(kind)s）", label=param.label, kind=kind.title),
            "options": list(dict(option for s in here[:MOST_SCHOOLS] for option in param.options(db(), s)).items()),
        }
        for kind in asked for param in kind.params
    ]  # fmt: skip


@blueprint.post("/imports")
def hand_in() -> ResponseReturnValue:
    try:
        kind, school_id = request.form.get("kind", ""), _whole(request.form.get("school"))
        said = {name.removeprefix("params-"): value for name, value in request.form.items()}
        batch = services.hand_in(db(), kinds(), actor(), kind, school_id, *intake.uploaded(), params=said)
    except Invalid as error:
        return refused(error, _list_page)
    return redirect(url_for("imports.batch", batch_id=batch.id))


def _whole(text: str | None) -> int:
    if not text or not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise NotFound
    return int(text)


@blueprint.get("/imports/template/<kind>.xlsx")
def template(kind: str) -> ResponseReturnValue:
    who, all_kinds = actor(), kinds()
    if kind not in all_kinds or not any(known.may(who, all_kinds[kind], s) for s in known.schools_of(all_kinds, who)):
        raise NotFound
    columns = all_kinds.make(kind).columns
    heads = [column.title for column in columns]
    hints = [
        [str(all_kinds[kind].labels.get(c.name, c.name)), "、".join(c.titles), _hint(all_kinds[kind], c.name)]
        for c in columns
    ]
    notes = Table(_("填写说明"), [_("列"), _("也可以叫"), _("可以填")], hints)
    return xlsx_download(
        f"{all_kinds[kind].title}{_('模板')}.xlsx", Table(str(all_kinds[kind].title), heads, []), notes
    )


def _hint(kind: ImportKind, column: str) -> str:
    return "、".join(str(word) for word in kind.words.get(column, {}).values())


# --- one batch --------------------------------------------------------------------------------------------------


@blueprint.get("/imports/<id:batch_id>")
def batch(batch_id: int) -> ResponseReturnValue:
    return _batch_page(batch_id, "")


def _batch_page(batch_id: int, alert: str, errors: Errors | None = None) -> str:
    found = services.batch_of(db(), kinds(), actor(), batch_id)
    kind = kinds()[found.kind]
    counts = queries.line_counts(db(), found.id)
    outcome = request.args.get("show", "") or next((each for each in queries.OUTCOME if counts.get(each)), "updated")
    page = queries.lines(db(), found.id, outcome, request.args.get("cursor"), PAGE)
    problem = found.report.get("problem", "")
    return render_template(
        "imports/batch.html", batch=found, kind=kind, counts=counts, outcome=outcome, listing=Listing.of(page),
        alert=alert or (" ".join(say(problem)) if problem else ""), errors=errors or {}, words=queries.STATE,
        outcomes=queries.OUTCOME, shown=lambda line: views.shown(kind, line), columns=kinds().make(kind.name).columns,
        params=known.said(db(), kind, found.school_id, found.params), followed_by=queries.followed_by(db(), found),
        mending=found.mends_id, limit=MAX_BYTES // 1024 // 1024,
    )  # fmt: skip


@blueprint.get("/imports/<id:batch_id>/progress")
def progress(batch_id: int) -> ResponseReturnValue:
    """The moving part of the page while the worker is busy; when it is done, the whole page is asked for."""
    found = services.batch_of(db(), kinds(), actor(), batch_id)
    if found.state not in ("checking", "applying"):
        return "", 200, {"HX-Redirect": url_for("imports.batch", batch_id=batch_id)}
    return render_template("imports/_progress.html", batch=found)


@blueprint.get("/imports/<id:batch_id>/failed.xlsx")
def failed(batch_id: int) -> ResponseReturnValue:
    """The bad rows, each with its reasons: mended, it is handed in again on the same page."""
    found = services.batch_of(db(), kinds(), actor(), batch_id)
    columns, rows = queries.failed_rows(db(), found, kinds()[found.kind].labels)
    return xlsx_download(
        _("有误的行-%(file)s.xlsx", file=found.file_name.rpartition(".")[0]), Table(_("有误的行"), columns, rows)
    )


@blueprint.post("/imports/<id:batch_id>/mended")
def mended(batch_id: int) -> ResponseReturnValue:
    try:
        after = services.mend(db(), kinds(), actor(), batch_id, *intake.uploaded())
    except (Invalid, Refused) as error:
        return refused(error, lambda errors, said: _batch_page(batch_id, "" if errors else said, errors))
    return redirect(url_for("imports.batch", batch_id=after.id))


def _act(batch_id: int, act: Any, *args: Any) -> ResponseReturnValue:
    try:
        found: ImportBatch = act(db(), kinds(), actor(), batch_id, *args)
    except ZutuanError as error:
        if error.status != 409:
            raise
        return refused_at_once(error, lambda said: _batch_page(batch_id, said))
    return redirect(url_for("imports.batch", batch_id=found.id))


@blueprint.post("/imports/<id:batch_id>/columns")
def columns(batch_id: int) -> ResponseReturnValue:
    found = services.batch_of(db(), kinds(), actor(), batch_id)
    titles = [title for title, _name in found.report.get("mapping", [])]
    picked = {title: request.form.get(f"column-{number}", "") for number, title in enumerate(titles)}
    return _act(batch_id, services.choose_columns, picked)


@blueprint.post("/imports/<id:batch_id>/check")
def check_again(batch_id: int) -> ResponseReturnValue:
    return _act(batch_id, services.check_again)


@blueprint.post("/imports/<id:batch_id>/apply")
def apply(batch_id: int) -> ResponseReturnValue:
    return _act(batch_id, services.apply)


@blueprint.post("/imports/<id:batch_id>/drop")
def drop(batch_id: int) -> ResponseReturnValue:
    answer = _act(batch_id, services.drop)
    flash(_("已放弃这份文件，没有写入任何内容。"), "good")
    return answer
