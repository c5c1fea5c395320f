"""流向与用量: the board, the rows behind its figures, freezing, and what was frozen beside what is now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from courses.flows import charts, figures, listing, queries, rules, schemas, services, views
from courses.flows.counting import UNMARKED, Scope
from courses.flows.figures import BY_KEY
from courses.flows.models import FigureFreeze
from courses.flows.permissions import allow
from courses.flows.queries import Access, Board
from courses.flows.rules import TermKey
from zutuan.clusters.words import ROLE_WORDS
from zutuan.errors import Invalid, NotFound, Refused
from zutuan.exporting import xlsx_download
from zutuan.sharing import plan
from zutuan.web.forms import Errors, load_form, once, refused
from zutuan.web.lists import Listing, load_query
from zutuan.web.requests import actor, db
from zutuan.web.texts import give_templates

blueprint = Blueprint("flows", __name__, template_folder="templates")
give_templates(
    blueprint, flow_figures=BY_KEY, flow_roles=ROLE_WORDS, flow_shown=views.shown, flow_term_filter=views.term,
    flow_signed_filter=views.signed, flow_shade=rules.shade, flow_cell=views.cell, flow_balance=views.balance,
    flow_added=views.added, flow_place=views.place, flow_task=views.task, flow_states=views.STATE,
)  # fmt: skip

PAGE = 50
MOST_CHANGES = 200


@blueprint.before_request
def in_navigation() -> None:
    g.nav_endpoint = "flows.mine"


@dataclass(frozen=True)
class Chosen:
    """What the address asks for, of what the reader may see."""

    seen: Access
    scope: Scope
    terms: list[TermKey]
    query: dict[str, Any]


def _chosen(cluster_id: int, schema: Any) -> Chosen:
    seen = queries.access(db(), actor(), cluster_id)
    query = load_query(schema, PAGE)
    terms, now = queries.terms(db(), cluster_id, actor().now)
    term = query["term"] or now
    if term is None:
        raise NotFound
    return Chosen(seen, Scope(cluster_id, term, query["plan"], seen.schools), terms, query)


@blueprint.get("/flows")
def mine() -> ResponseReturnValue:
    found = queries.mine(db(), actor())
    if len(found) == 1:
        return redirect(url_for("flows.board", cluster_id=found[0].id))
    return render_template("flows/list.html", clusters=found)


@blueprint.get("/clusters/<id:cluster_id>/flows")
def board(cluster_id: int) -> ResponseReturnValue:
    return _board_page(cluster_id)


def _board_page(cluster_id: int, errors: Errors | None = None, overall: str = "") -> str:
    chosen = _chosen(cluster_id, schemas.BoardQuery())
    seen, scope, key = chosen.seen, chosen.scope, chosen.query["figure"]
    key = key if key in views.MATRIX else "enrolled"
    found = queries.board(db(), scope, actor().now)
    homes, hosts = views.axes(found, key, seen.schools)
    return render_template(
        "flows/board.html", cluster=seen.cluster, seen=seen, scope=scope, terms=chosen.terms, board=found, key=key,
        homes=homes, hosts=hosts, highest=views.highest(found, key), tiles=views.TILES if seen.whole else (),
        matrices=views.MATRIX, columns=views.COLUMNS, outcomes=views.OUTCOMES, offered=views.OFFERED,
        flow=views.flow(found, key), narrow=views.flow(found, key, charts.NARROW), both=views.sent_and_received(found), times={s: views.times(found, s) for s in ("home", "host")},
        freezes=queries.freezes(db(), cluster_id, scope.term), tasks=_tasks(), errors=errors or {}, overall=overall,
        once=once(), values=request.form, all_figures=figures.FIGURES, now=actor().now,
        lines=[each for each in found.schools if seen.whole or each.id in seen.named],
    )  # fmt: skip


def _tasks() -> list[tuple[str, str]]:
    return [("", _("全部计划任务")), *plan.options(), (UNMARKED, _("未标注"))]


@blueprint.get("/clusters/<id:cluster_id>/flows.xlsx")
def board_workbook(cluster_id: int) -> ResponseReturnValue:
    chosen = _chosen(cluster_id, schemas.BoardQuery())
    scope, cluster = chosen.scope, chosen.seen.cluster
    found = queries.board(db(), scope, actor().now)
    name = f"{cluster.name}-{scope.term.text}-{_('流向与用量')}.xlsx"
    return xlsx_download(name, *views.tables(found, cluster.name, scope.term, scope.plan, actor().now))


# --- rows -----------------------------------------------------------------------------------------------------------


@blueprint.get("/clusters/<id:cluster_id>/flows/rows")
def rows(cluster_id: int) -> ResponseReturnValue:
    chosen = _chosen(cluster_id, schemas.FigureRowsQuery())
    seen, query, scope = chosen.seen, chosen.query, queries.narrowed(chosen.scope, chosen.query["school"])
    figure, at = BY_KEY[query["figure"]], (query["home"], query["host"])
    page = listing.page(db(), figure, scope, seen.named, *at, query["cursor"], PAGE)
    sides = queries.schools(db(), cluster_id, {id_ for id_ in (*at, query["school"]) if id_}, actor().now)
    return render_template(
        "flows/rows.html", cluster=seen.cluster, seen=seen, scope=scope, figure=figure, listing=Listing.of(page),
        query=query, value=listing.value(db(), figure, scope, *at), names={each.id: each.name for each in sides},
        freeze=None, title=figure.title, unit=figure.unit, definition=figure.definition,
        back=url_for("flows.board", cluster_id=cluster_id, term=scope.term.text, plan=scope.plan or None),
        workbook=url_for("flows.rows_workbook", cluster_id=cluster_id, **_kept()),
    )  # fmt: skip


def _kept() -> dict[str, Any]:
    names = ("term", "plan", "figure", "home", "host", "school")
    return {name: request.args[name] for name in names if name in request.args}


@blueprint.get("/clusters/<id:cluster_id>/flows/rows.xlsx")
def rows_workbook(cluster_id: int) -> ResponseReturnValue:
    chosen = _chosen(cluster_id, schemas.FigureRowsQuery())
    figure, query = BY_KEY[chosen.query["figure"]], chosen.query
    lines = listing.every(
        db(),
        figure,
        queries.narrowed(chosen.scope, chosen.query["school"]),
        chosen.seen.named,
        query["home"],
        query["host"],
    )
    name = f"{chosen.seen.cluster.name}-{chosen.scope.term.text}-{figure.title}.xlsx"
    return xlsx_download(name, views.rows_table(figure.key, lines, frozen=False))


# --- frozen ---------------------------------------------------------------------------------------------------------


@blueprint.post("/clusters/<id:cluster_id>/flows")
def freeze(cluster_id: int) -> ResponseReturnValue:
    queries.access(db(), actor(), cluster_id)
    allow.require(actor(), "flows.freeze", queries.subject(cluster_id))
    try:
        made = services.freeze(db(), actor(), cluster_id, load_form(schemas.FreezeIn()))
    except (Invalid, Refused) as error:
        return refused(error, lambda errors, overall: _board_page(cluster_id, errors, overall))
    flash(_("已定格，以后不再改变。"), "good")
    return redirect(url_for("flows.frozen", cluster_id=cluster_id, freeze_id=made.id))


@dataclass(frozen=True)
class Both:
    """A freeze as it was, and the same counted again."""

    seen: Access
    freeze: FigureFreeze
    then: Board
    now: Board


def _both(cluster_id: int, freeze_id: int) -> Both:
    seen = queries.access(db(), actor(), cluster_id)
    found = queries.view_freeze(db(), seen, freeze_id)
    now = queries.board(db(), queries.scope_of(found, seen.schools), actor().now)
    return Both(seen, found, queries.frozen_board(db(), seen, found), now)


@blueprint.get("/clusters/<id:cluster_id>/flows/freezes/<id:freeze_id>")
def frozen(cluster_id: int, freeze_id: int) -> ResponseReturnValue:
    both = _both(cluster_id, freeze_id)
    changes = rules.differences(both.then.values, both.now.values, figures.EMPTY)
    homes, hosts = views.axes(both.then, "enrolled", both.seen.schools)
    return render_template(
        "flows/freeze.html", freeze=both.freeze, seen=both.seen, board=both.then, then_now=both.now,
        rows=views.then(both.then, both.now, both.freeze) if both.seen.whole else [], homes=homes, hosts=hosts,
        highest=views.highest(both.then, "enrolled"), titles={each.figure: views.words(each)[0] for each in both.freeze.figures},
        changes=changes[:MOST_CHANGES], count=len(changes), by=queries.name_of(db(), both.freeze.made_by),
        term=TermKey(both.freeze.academic_year, both.freeze.number),
        said=[(each, *views.words(each)) for each in both.freeze.figures],
    )  # fmt: skip


@blueprint.get("/clusters/<id:cluster_id>/flows/freezes/<id:freeze_id>.xlsx")
def frozen_workbook(cluster_id: int, freeze_id: int) -> ResponseReturnValue:
    both = _both(cluster_id, freeze_id)
    by = queries.name_of(db(), both.freeze.made_by)
    name = f"{both.freeze.cluster_name}-{both.freeze.academic_year}-{both.freeze.number}-{both.freeze.name}.xlsx"
    return xlsx_download(name, *views.frozen_tables(both.then, both.now, both.freeze, by, whole=both.seen.whole))


@blueprint.get("/clusters/<id:cluster_id>/flows/freezes/<id:freeze_id>/rows")
def frozen_rows(cluster_id: int, freeze_id: int) -> ResponseReturnValue:
    """What was counted, as it is now."""
    seen = queries.access(db(), actor(), cluster_id)
    found, query = queries.view_freeze(db(), seen, freeze_id), load_query(schemas.FrozenRowsQuery(), PAGE)
    figure, at = BY_KEY[query["figure"]], (query["home"], query["host"])
    ids, scope = queries.frozen_ids(db(), seen, found, figure.key, *at), queries.scope_of(found, seen.schools)
    page = listing.frozen_page(db(), figure, scope, seen.named, ids, query["cursor"], PAGE)
    title, unit, definition = next(views.words(each) for each in found.figures if each.figure == figure.key)
    sides = queries.frozen_board(db(), seen, found).schools
    return render_template(
        "flows/rows.html", cluster=seen.cluster, seen=seen, scope=scope, figure=figure, listing=Listing.of(page),
        query={**query, "school": None}, names={each.id: each.name for each in sides}, freeze=found, title=title,
        unit=unit, definition=definition, value=queries.frozen_value(db(), seen, found, figure.key, *at),
        back=url_for("flows.frozen", cluster_id=cluster_id, freeze_id=freeze_id),
        workbook=url_for("flows.frozen_rows_workbook", cluster_id=cluster_id, freeze_id=freeze_id, **_kept()),
    )  # fmt: skip


@blueprint.get("/clusters/<id:cluster_id>/flows/freezes/<id:freeze_id>/rows.xlsx")
def frozen_rows_workbook(cluster_id: int, freeze_id: int) -> ResponseReturnValue:
    seen = queries.access(db(), actor(), cluster_id)
    found, query = queries.view_freeze(db(), seen, freeze_id), load_query(schemas.FrozenRowsQuery(), PAGE)
    figure = BY_KEY[query["figure"]]
    ids = queries.frozen_ids(db(), seen, found, figure.key, query["home"], query["host"])
    lines = listing.frozen_every(db(), figure, queries.scope_of(found, seen.schools), seen.named, ids)
    return xlsx_download(f"{found.name}-{figure.title}.xlsx", views.rows_table(figure.key, lines, frozen=True))
