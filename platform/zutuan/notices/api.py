"""`/me/notices`, `/me/notice-choices`, `/schools/{id}/group-chat`."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from zutuan.notices import choices, groups, schemas, services, views
from zutuan.notices.permissions import allow, chat_subject
from zutuan.paging import Page
from zutuan.web.api import IF_MATCH, Blueprint, ListQuery, listing, query_schema, require_match, tagged
from zutuan.web.requests import actor, config, db

api = Blueprint("api-notices", __name__, url_prefix="/api/v1/me/notices", description="what I was told")
choices_api = Blueprint(
    "api-notice-choices", __name__, url_prefix="/api/v1/me/notice-choices", description="how I want to hear"
)
groups_api = Blueprint("api-group-chat", __name__, url_prefix="/api/v1/schools", description="a school's group chat")


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


@choices_api.route("")
class Choices(MethodView):
    @choices_api.response(200, listing(schemas.ChoiceOut))
    def get(self) -> Any:
        """Every kind of notice that concerns me, and how it reaches me."""
        found = choices.of_actor(db(), actor())
        return Page(found, None, len(found))


@choices_api.route("/<kind>")
class ChoiceByKind(MethodView):
    @choices_api.response(200, schemas.ChoiceOut)
    def get(self, kind: str) -> Any:
        """How one kind reaches me."""
        choice = choices.one(db(), actor(), kind)
        return choice, tagged(choice.version)

    @choices_api.arguments(schemas.ChoiceIn)
    @choices_api.response(200, schemas.ChoiceOut)
    @choices_api.doc(parameters=[IF_MATCH])
    def put(self, data: dict[str, Any], kind: str) -> Any:
        """Choose how one kind reaches me."""
        require_match(choices.one(db(), actor(), kind).version)
        choice = choices.choose(db(), actor(), kind, data)
        return choice, 200, tagged(choice.version)


@groups_api.route("/<id:school_id>/group-chat")
class GroupChat(MethodView):
    @groups_api.response(200, schemas.GroupChatOut)
    def get(self, school_id: int) -> Any:
        """The school's group chat, for its school admins: which host, and what it hears."""
        shown = self._shown(school_id)
        return shown, tagged(shown["version"])

    @groups_api.arguments(schemas.GroupChatIn)
    @groups_api.response(200, schemas.GroupChatOut)
    @groups_api.doc(parameters=[IF_MATCH])
    def put(self, data: dict[str, Any], school_id: int) -> Any:
        """Set the group chat's address and what it hears."""
        require_match(self._shown(school_id)["version"])
        groups.set_chat(db(), actor(), school_id, data, config().webhook_hosts)
        shown = self._shown(school_id)
        return shown, 200, tagged(shown["version"])

    @groups_api.response(204)
    @groups_api.doc(parameters=[IF_MATCH])
    def delete(self, school_id: int) -> None:
        """Forget the group chat."""
        require_match(self._shown(school_id)["version"])
        groups.end_chat(db(), actor(), school_id)

    @staticmethod
    def _shown(school_id: int) -> dict[str, Any]:
        views.school(school_id)
        allow.require(actor(), "group_chat.write", chat_subject(school_id))
        return views.group_chat(groups.chat_of(db(), school_id))
