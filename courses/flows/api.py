"""`/clusters/{id}/flows`, `/flow-figures` and `/freezes`."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from courses.flows import figures, listing, queries, rules, schemas, services
from courses.flows.counting import Scope
from courses.flows.figures import BY_KEY
from courses.flows.models import FigureFreeze
from courses.flows.queries import Access, Board
from courses.flows.rules import Values
from zutuan.errors import NotFound
from zutuan.paging import Page
from zutuan.web.api import IDEMPOTENCY, Blueprint, query_schema
from zutuan.web.api import listing as listed
from zutuan.web.requests import actor, db

flows_api = Blueprint("api-flows", __name__, url_prefix="/api/v1/clusters", description="flows and figures of clusters")


def _scope(cluster_id: int, query: dict[str, Any]) -> tuple[Access, Scope, list[rules.TermKey]]:
    seen = queries.access(db(), actor(), cluster_id)
    terms, now = queries.terms(db(), cluster_id, actor().now)
    term = query["term"] or now
    if term is None:
        raise NotFound
    return seen, Scope(cluster_id, term, query["plan"], seen.schools), terms


def _cells(values: Values) -> list[dict[str, Any]]:
    return [
        {"figure": figure, "home_id": home, "host_id": host, "value": value}
        for (figure, home, host), value in values.items()
    ]


@flows_api.route("/<id:cluster_id>/flows")
class Flows(MethodView):
    @flows_api.arguments(query_schema(schemas.TermQuery), location="query")
    @flows_api.response(200, schemas.FlowsOut)
    def get(self, query: dict[str, Any], cluster_id: int) -> Any:
        """Every figure of a term by home school, host school and both; cells without rows are left out."""
        _seen, scope, terms = _scope(cluster_id, query)
        found = queries.board(db(), scope, actor().now)
        return {
            "term": scope.term.text, "terms": [each.text for each in terms], "plan": scope.plan,
            "schools": found.schools, "cells": _cells(found.values),
        }  # fmt: skip


@flows_api.route("/<id:cluster_id>/flow-figures")
class Figures(MethodView):
    @flows_api.arguments(query_schema(schemas.TermQuery), location="query")
    @flows_api.response(200, listed(schemas.FlowFigureOut))
    def get(self, query: dict[str, Any], cluster_id: int) -> Any:
        """What the figures are, what exactly each counts, and what it says over all schools (to who runs the cluster)."""
        seen, scope, _terms = _scope(cluster_id, query)
        found = queries.board(db(), scope, actor().now)
        said = [
            {
                "key": each.key, "title": str(each.title), "unit": str(each.unit), "definition": str(each.definition),
                "plan_code": each.plan, "rows": each.rows, "value": found.get(each.key) if seen.whole else None,
            }
            for each in figures.FIGURES
        ]  # fmt: skip
        return Page(said, None, len(said))


@flows_api.route(f"/<id:cluster_id>/flow-figures/<any({', '.join(schemas.FIGURE_KEYS)}):key>/rows")
class Rows(MethodView):
    @flows_api.arguments(query_schema(schemas.RowsQuery), location="query")
    @flows_api.response(200, listed(schemas.FlowRowOut))
    def get(self, query: dict[str, Any], cluster_id: int, key: str) -> Any:
        """The rows that a figure counts: of a home school, of a host school, of both, or all."""
        seen, scope, _terms = _scope(cluster_id, query)
        where = (query["home"], query["host"], query["cursor"], query["limit"])
        return listing.page(db(), BY_KEY[key], queries.narrowed(scope, query["school"]), seen.named, *where)


@flows_api.route("/<id:cluster_id>/freezes")
class Freezes(MethodView):
    @flows_api.response(200, listed(schemas.FreezeOut))
    def get(self, cluster_id: int) -> Any:
        """What has been frozen, the latest first."""
        queries.access(db(), actor(), cluster_id)
        found = queries.freezes(db(), cluster_id)
        return Page(found, None, len(found))

    @flows_api.arguments(schemas.FreezeIn)
    @flows_api.response(201, schemas.FreezeOut)
    @flows_api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any], cluster_id: int) -> Any:
        """Freeze a term's figures as they are now, with definitions and rows; never changed afterwards."""
        queries.access(db(), actor(), cluster_id)
        made = services.freeze(db(), actor(), cluster_id, data)
        return made, 201, {"Location": f"/api/v1/clusters/{cluster_id}/freezes/{made.id}"}


@flows_api.route("/<id:cluster_id>/freezes/<id:freeze_id>")
class FreezeById(MethodView):
    @flows_api.response(200, schemas.FreezeDetailOut)
    def get(self, cluster_id: int, freeze_id: int) -> Any:
        """A freeze with its values, its definitions, and what says something else now."""
        seen = queries.access(db(), actor(), cluster_id)
        found = queries.view_freeze(db(), seen, freeze_id)
        then = queries.frozen_board(db(), seen, found)
        now = queries.board(db(), queries.scope_of(found, seen.schools), actor().now)
        return _detail(found, then, now)


def _detail(freeze: FigureFreeze, then: Board, now: Board) -> dict[str, Any]:
    changed = [
        {"figure": each.cell[0], "home_id": each.cell[1], "host_id": each.cell[2], "then": each.then, "now": each.now}
        for each in rules.differences(then.values, now.values, figures.EMPTY)
    ]
    return {
        **schemas.FreezeOut().dump(freeze), "frozen_at": freeze.frozen_at, "figures": freeze.figures,
        "schools": then.schools, "cells": _cells(then.values), "differences": changed,
    }  # fmt: skip


@flows_api.route(f"/<id:cluster_id>/freezes/<id:freeze_id>/figures/<any({', '.join(schemas.FIGURE_KEYS)}):key>/rows")
class FrozenRows(MethodView):
    @flows_api.arguments(query_schema(schemas.FrozenRows), location="query")
    @flows_api.response(200, listed(schemas.FlowRowOut))
    def get(self, query: dict[str, Any], cluster_id: int, freeze_id: int, key: str) -> Any:
        """The rows that were counted, as they are now; `counts`: whether they are counted now, too."""
        seen = queries.access(db(), actor(), cluster_id)
        found = queries.view_freeze(db(), seen, freeze_id)
        ids = queries.frozen_ids(db(), seen, found, key, query["home"], query["host"])
        scope = queries.scope_of(found, seen.schools)
        return listing.frozen_page(db(), BY_KEY[key], scope, seen.named, ids, query["cursor"], query["limit"])
