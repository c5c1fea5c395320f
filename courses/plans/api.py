"""`/clusters/{id}/term-plans`."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from courses.plans import queries, schemas, services, views
from zutuan.paging import Page
from zutuan.web.api import IDEMPOTENCY, IF_MATCH, Blueprint, listing, query_schema, require_match, tagged
from zutuan.web.requests import actor, db

plans_api = Blueprint("api-term-plans", __name__, url_prefix="/api/v1/clusters", description="term plans of clusters")


@plans_api.route("/<id:cluster_id>/term-plans")
class Plans(MethodView):
    @plans_api.response(200, listing(schemas.PlanOut))
    def get(self, cluster_id: int) -> Any:
        """The cluster's term plans, the latest term first; drafts for its admins only."""
        found = queries.of_cluster(db(), actor(), cluster_id)
        return Page(found, None, len(found))

    @plans_api.arguments(schemas.PlanIn)
    @plans_api.response(201, schemas.PlanOut)
    @plans_api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any], cluster_id: int) -> Any:
        """Draft the plan of a term."""
        plan = services.create(db(), actor(), cluster_id, data)
        address = f"/api/v1/clusters/{cluster_id}/term-plans/{plan.id}"
        return plan, 201, {"Location": address, **tagged(plan.version)}


@plans_api.route("/<id:cluster_id>/term-plans/<id:plan_id>")
class PlanById(MethodView):
    @plans_api.response(200, schemas.PlanOut)
    def get(self, cluster_id: int, plan_id: int) -> Any:
        """One term plan."""
        plan = queries.view_plan(db(), actor(), cluster_id, plan_id)
        return plan, 200, tagged(plan.version)

    @plans_api.arguments(schemas.PlanFields(partial=True))
    @plans_api.response(200, schemas.PlanOut)
    @plans_api.doc(parameters=[IF_MATCH])
    def patch(self, data: dict[str, Any], cluster_id: int, plan_id: int) -> Any:
        """Change its dates; offerings that follow it move along. Ask `/preview` first which."""
        plan = queries.view_plan(db(), actor(), cluster_id, plan_id)
        require_match(plan.version)
        services.update(db(), actor(), plan, data)
        return plan, 200, tagged(plan.version)


@plans_api.route("/<id:cluster_id>/term-plans/<id:plan_id>/preview")
class Preview(MethodView):
    @plans_api.arguments(schemas.PlanFields(partial=True))
    @plans_api.response(200, schemas.EffectsOut)
    def post(self, data: dict[str, Any], cluster_id: int, plan_id: int) -> Any:
        """Which offerings such a change would move, and which would lie outside. Nothing is changed."""
        plan = queries.view_plan(db(), actor(), cluster_id, plan_id)
        effects = services.update(db(), actor(), plan, data)
        db().rollback()
        return effects


@plans_api.route("/<id:cluster_id>/term-plans/<id:plan_id>/publish")
class Publish(MethodView):
    @plans_api.response(200, schemas.PlanOut)
    def post(self, cluster_id: int, plan_id: int) -> Any:
        """Let it hold: offerings may follow it, none may be given dates outside it."""
        plan = queries.view_plan(db(), actor(), cluster_id, plan_id)
        services.publish(db(), actor(), plan)
        return plan, 200, tagged(plan.version)


@plans_api.route("/<id:cluster_id>/term-plans/<id:plan_id>/board")
class Board(MethodView):
    @plans_api.response(200, listing(schemas.BoardLineOut))
    def get(self, cluster_id: int, plan_id: int) -> Any:
        """Which school has submitted what; each figure counts rows of `/submissions`."""
        plan = queries.view_plan(db(), actor(), cluster_id, plan_id)
        found = [views.line(each) for each in queries.board(db(), actor(), plan)]
        return Page(found, None, len(found))


@plans_api.route("/<id:cluster_id>/term-plans/<id:plan_id>/submissions")
class Submissions(MethodView):
    @plans_api.arguments(query_schema(schemas.SubmissionQuery), location="query")
    @plans_api.response(200, listing(schemas.SubmissionOut))
    def get(self, query: dict[str, Any], cluster_id: int, plan_id: int) -> Any:
        """The published offerings of the term, of one school or of all."""
        plan = queries.view_plan(db(), actor(), cluster_id, plan_id)
        found = [views.submission(each) for each in queries.submissions(db(), actor(), plan)]
        found = [each for each in found if query["school_id"] in (None, each["school"].id)]
        return Page(found, None, len(found))
