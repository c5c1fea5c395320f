"""`/search`."""

from __future__ import annotations

from typing import Any

from flask import current_app, url_for
from flask.views import MethodView
from marshmallow import fields

from zutuan.fields import Schema, Text
from zutuan.paging import Page
from zutuan.search import services
from zutuan.sharing.models import SharedItem
from zutuan.web.api import Blueprint, ListQuery, listing, query_schema
from zutuan.web.requests import actor, db

api = Blueprint("api-search", __name__, url_prefix="/api/v1/search", description="one search over everything shared")


class SearchQuery(ListQuery):
    q = Text(100, required=True)


class HitOut(Schema):
    id = fields.Integer()
    kind = fields.String()
    title_zh = fields.String()
    title_en = fields.String()
    summary_zh = fields.String()
    school_id = fields.Integer(attribute="owner_school_id")
    school_name = fields.String(attribute="owner.name")
    url = fields.String()


def hit_url(item: SharedItem) -> str:
    kind = current_app.extensions["zutuan"].kinds[item.kind]
    arguments: dict[str, Any] = {kind.arg: item.id}
    return url_for(kind.endpoint, **arguments)


@api.route("")
class Search(MethodView):
    @api.arguments(query_schema(SearchQuery), location="query")
    @api.response(200, listing(HitOut))
    def get(self, query: dict[str, Any]) -> Any:
        """Shared items that I may see, by title."""
        page = services.search(db(), actor(), query["q"], query["cursor"], query["limit"])
        own = ("id", "kind", "title_zh", "title_en", "summary_zh", "owner_school_id", "owner")
        hits = [{**{name: getattr(item, name) for name in own}, "url": hit_url(item)} for item in page.items]
        return Page(hits, page.next, page.total)
