"""`/export-formats`."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from zutuan.exports import queries, schemas, services
from zutuan.paging import Page
from zutuan.web.api import IDEMPOTENCY, IF_MATCH, Blueprint, ListQuery, listing, query_schema, require_match, tagged
from zutuan.web.requests import actor, db

api = Blueprint("api-export-formats", __name__, url_prefix="/api/v1/export-formats", description="formats of exports")


class FormatsQuery(schemas.FormatQuery, ListQuery):
    """Filters of the saved formats; they are few, and come all at once."""


@api.route("")
class Formats(MethodView):
    @api.arguments(query_schema(FormatsQuery), location="query")
    @api.response(200, listing(schemas.FormatOut))
    def get(self, query: dict[str, Any]) -> Any:
        """Formats saved at the schools where I teach or work in the office."""
        found = queries.of_schools(db(), actor(), query["kind"], query["school_id"])
        return Page(found, None, len(found))

    @api.arguments(schemas.FormatIn)
    @api.response(201, schemas.FormatOut)
    @api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any]) -> Any:
        """Save a format: columns in their order, each under the head that the school's own system looks for."""
        made = services.create(db(), actor(), data.pop("school_id"), data)
        return made, 201, {"Location": f"/api/v1/export-formats/{made.id}", **tagged(made.version)}


@api.route("/<id:format_id>")
class FormatById(MethodView):
    @api.response(200, schemas.FormatOut)
    def get(self, format_id: int) -> Any:
        """One format."""
        saved = queries.view(db(), actor(), format_id)
        return saved, 200, tagged(saved.version)

    @api.arguments(schemas.FormatFields(partial=True))
    @api.response(200, schemas.FormatOut)
    @api.doc(parameters=[IF_MATCH])
    def patch(self, data: dict[str, Any], format_id: int) -> Any:
        """Change it; `columns` are given whole."""
        saved = queries.view(db(), actor(), format_id, "export_format.manage")
        require_match(saved.version)
        services.update(db(), actor(), saved, data)
        return saved, 200, tagged(saved.version)

    @api.response(204)
    @api.doc(parameters=[IF_MATCH])
    def delete(self, format_id: int) -> None:
        """Take it away."""
        saved = queries.view(db(), actor(), format_id, "export_format.manage")
        require_match(saved.version)
        services.delete(db(), actor(), saved)
