"""`/me/notices`."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from zutuan.notices import schemas, services, views
from zutuan.web.api import Blueprint, ListQuery, listing, query_schema
from zutuan.web.requests import actor, db

api = Blueprint("api-notices", __name__, url_prefix="/api/v1/me/notices", description="what I was told")


class NoticesQuery(schemas.NoticeQuery, ListQuery):
    """All, or only the unread ones."""


@api.route("")
class Notices(MethodView):
    @api.arguments(query_schema(NoticesQuery), location="query")
    @api.response(200, listing(schemas.NoticeOut))
    def get(self, query: dict[str, Any]) -> Any:
        """My notices, newest first."""
        page = services.notices_of(db(), actor(), query["cursor"], query["limit"], unread=query["unread"])
        return views.shown_page(page)


@api.route("/<id:notice_id>/read")
class Read(MethodView):
    @api.response(200, schemas.NoticeOut)
    def post(self, notice_id: int) -> Any:
        """Mark one as read."""
        return views.shown(services.mark_read(db(), actor(), notice_id))
