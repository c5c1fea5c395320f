"""`/offerings/{id}/adjustments`, `/adjustments`."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from courses.adjustments import clashes, queries, schemas, services, views
from courses.adjustments.facts import Draft
from courses.adjustments.models import Adjustment
from courses.adjustments.permissions import allow
from courses.catalogue import queries as catalogue
from courses.enrolment.schemas import NoteIn, WithdrawIn
from zutuan.errors import Denial, Forbidden
from zutuan.paging import Page
from zutuan.web.api import IDEMPOTENCY, Blueprint, ListQuery, listing, query_schema, tagged
from zutuan.web.requests import actor, db

of_offering = Blueprint("api-meetings", __name__, url_prefix="/api/v1/offerings", description="changes of meetings")
adjustments_api = Blueprint(
    "api-adjustments", __name__, url_prefix="/api/v1/adjustments", description="changes of meetings"
)


class AdjustmentsQuery(schemas.AdjustmentQuery, ListQuery):
    """Filters of a school's adjustments."""


def _whole(value: Adjustment) -> bool:
    return allow.may(actor(), "adjustment.read", queries.subject(value))


@of_offering.route("/<id:offering_id>/adjustments")
class OfOffering(MethodView):
    @of_offering.response(200, listing(schemas.AdjustmentOut))
    def get(self, offering_id: int) -> Any:
        """What has changed in the offering's meetings; for who runs it, also what waits, was denied or taken back."""
        offering = catalogue.view_offering(db(), actor(), offering_id).offering
        found = queries.of_offering(db(), actor(), offering)
        return Page([views.adjustment(each, whole=_whole(each)) for each in found], None, len(found))

    @of_offering.arguments(schemas.AdjustmentAskIn)
    @of_offering.response(201, schemas.AdjustmentOut)
    @of_offering.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any], offering_id: int) -> Any:
        """Ask for a meeting to be moved, cancelled, made up or taught by somebody else."""
        made = services.ask(db(), actor(), offering_id, data)
        headers = {"Location": f"/api/v1/adjustments/{made.id}", **tagged(made.version)}
        return views.adjustment(made, whole=True), 201, headers


@of_offering.route("/<id:offering_id>/adjustments/preview")
class Preview(MethodView):
    @of_offering.arguments(schemas.WishIn)
    @of_offering.response(200, schemas.PreviewOut)
    def post(self, data: dict[str, Any], offering_id: int) -> Any:
        """Whom such a change would meet, what stands against it, and better times of that week. Nothing is written."""
        return views.preview(*services.preview(db(), actor(), offering_id, data))


@adjustments_api.route("")
class Adjustments(MethodView):
    @adjustments_api.arguments(query_schema(AdjustmentsQuery), location="query")
    @adjustments_api.response(200, listing(schemas.AdjustmentOut))
    def get(self, query: dict[str, Any]) -> Any:
        """Those of my school's offerings."""
        if not allow.schools(actor(), "adjustment.list"):
            raise Forbidden(Denial("adjustment.list"))
        page = queries.of_schools(db(), actor(), query)
        return Page([views.adjustment(each, whole=True) for each in page.items], page.next, page.total)


def _answer(adjustment_id: int) -> Any:
    value = queries.view(db(), actor(), adjustment_id)
    whole, found = _whole(value), None
    if whole and value.state == "asked":
        look = clashes.look(db(), value.offering, Draft.of(value), actor().now)
        found = views.clashes(look, whole=allow.may(actor(), "adjustment.decide", queries.subject(value)))
    return {**views.adjustment(value, whole=whole), "clashes": found}, 200, tagged(value.version)


@adjustments_api.route("/<id:adjustment_id>")
class AdjustmentById(MethodView):
    @adjustments_api.response(200, schemas.DetailOut)
    def get(self, adjustment_id: int) -> Any:
        """One of them; while it waits, with whom it would meet."""
        return _answer(adjustment_id)


@adjustments_api.route("/<id:adjustment_id>/approve")
class Approve(MethodView):
    @adjustments_api.arguments(NoteIn)
    @adjustments_api.response(200, schemas.DetailOut)
    def post(self, data: dict[str, Any], adjustment_id: int) -> Any:
        """The host's registrar says yes: meetings, rosters and feeds follow at once."""
        services.approve(db(), actor(), adjustment_id, data["note"])
        return _answer(adjustment_id)


@adjustments_api.route("/<id:adjustment_id>/deny")
class Deny(MethodView):
    @adjustments_api.arguments(WithdrawIn)
    @adjustments_api.response(200, schemas.DetailOut)
    def post(self, data: dict[str, Any], adjustment_id: int) -> Any:
        """The host's registrar says no, with a reason."""
        services.deny(db(), actor(), adjustment_id, data["reason"])
        return _answer(adjustment_id)


@adjustments_api.route("/<id:adjustment_id>/withdraw")
class Withdraw(MethodView):
    @adjustments_api.arguments(WithdrawIn)
    @adjustments_api.response(200, schemas.DetailOut)
    def post(self, data: dict[str, Any], adjustment_id: int) -> Any:
        """Take back what still waits (its teacher), or what stands (the registrar): the meeting is as it was."""
        services.withdraw(db(), actor(), adjustment_id, data["reason"])
        return _answer(adjustment_id)
