"""`/papers`."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from zutuan.paging import Page
from zutuan.papers import schemas, services, views
from zutuan.web.api import Blueprint, ListQuery, listing, query_schema
from zutuan.web.requests import actor, db

api = Blueprint("api-papers", __name__, url_prefix="/api/v1/papers", description="papers that were issued")


class PapersQuery(schemas.PaperQuery, ListQuery):
    """My own, or those of the schools I work for."""


@api.route("")
class Papers(MethodView):
    @api.arguments(query_schema(PapersQuery), location="query")
    @api.response(200, listing(schemas.PaperOut))
    def get(self, query: dict[str, Any]) -> Any:
        """Papers, newest first."""
        page = services.papers_of(db(), actor(), query)
        return Page([views.paper(each) for each in page.items], page.next, page.total)


@api.route("/<id:paper_id>")
class PaperById(MethodView):
    @api.response(200, schemas.PaperOut)
    def get(self, paper_id: int) -> Any:
        """One paper. Its file is at `/papers/{id}/file` of the pages; anybody may check it at `verify_url`."""
        return views.paper(services.view(db(), actor(), paper_id))


@api.route("/<id:paper_id>/revoke")
class Revoke(MethodView):
    @api.arguments(schemas.RevokeIn)
    @api.response(200, schemas.PaperOut)
    def post(self, data: dict[str, Any], paper_id: int) -> Any:
        """Take a paper back, with a reason that whoever checks it reads."""
        return views.paper(services.revoke(db(), actor(), paper_id, data["reason"]))
