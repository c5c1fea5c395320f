"""`/recognitions`, `/recognition-requests`."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from courses.recognition import queries, schemas, services
from courses.recognition.permissions import allow
from zutuan.errors import Denial, Forbidden
from zutuan.sharing.actor import Actor
from zutuan.web.api import IDEMPOTENCY, Blueprint, ListQuery, listing, query_schema, tagged
from zutuan.web.requests import actor, db

recognitions_api = Blueprint(
    "api-recognitions", __name__, url_prefix="/api/v1/recognitions", description="what courses count as at home"
)
requests_api = Blueprint(
    "api-recognition-requests", __name__, url_prefix="/api/v1/recognition-requests", description="students who ask"
)


class RecognitionsQuery(schemas.RecognitionQuery, ListQuery):
    """Filters of a school's table."""


class RequestsQuery(schemas.RequestQuery, ListQuery):
    """Filters of requests."""


def own_school(who: Actor, school_id: int | None) -> int:
    """The school whose table is read: the one asked for, or the actor's first."""
    mine = allow.schools(who, "recognition.read")
    if not mine:
        raise Forbidden(Denial("recognition.read"))
    return school_id or min(mine)


@recognitions_api.route("")
class Recognitions(MethodView):
    @recognitions_api.arguments(query_schema(RecognitionsQuery), location="query")
    @recognitions_api.response(200, listing(schemas.RecognitionOut))
    def get(self, query: dict[str, Any]) -> Any:
        """The table of my school, newest first: for everybody of the school. `state=own` are its answers to single
        students: all for its registrars, else mine."""
        school_id = own_school(actor(), query["school_id"])
        queries.require_read(actor(), school_id)
        return queries.table(db(), actor(), school_id, query)

    @recognitions_api.arguments(schemas.RecognitionIn)
    @recognitions_api.response(201, schemas.RecognitionOut)
    @recognitions_api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any]) -> Any:
        """Say what a course counts as from now on, in the place of what the table said; answers all who ask."""
        row = services.put(db(), actor(), data["course_id"], data, data["school_id"])
        return row, 201, {"Location": f"/api/v1/recognitions/{row.id}"}


@recognitions_api.route("/<id:recognition_id>")
class RecognitionById(MethodView):
    @recognitions_api.response(200, schemas.RecognitionOut)
    def get(self, recognition_id: int) -> Any:
        """One row of my school's table, or an answer to one student."""
        return queries.view(db(), actor(), recognition_id)


@recognitions_api.route("/<id:recognition_id>/end")
class End(MethodView):
    @recognitions_api.response(200, schemas.RecognitionOut)
    def post(self, recognition_id: int) -> Any:
        """It holds no longer, nor does what counts as it; enrolments keep the answer that they have."""
        return services.end(db(), actor(), recognition_id)


@requests_api.route("")
class Requests(MethodView):
    @requests_api.arguments(query_schema(RequestsQuery), location="query")
    @requests_api.response(200, listing(schemas.RecognitionRequestOut))
    def get(self, query: dict[str, Any]) -> Any:
        """What I have asked, or (`side` school) what my school's students ask, oldest first."""
        if query["side"] == "school" and not allow.schools(actor(), "recognition.request_list"):
            raise Forbidden(Denial("recognition.request_list"))
        return queries.requests(db(), actor(), query)

    @requests_api.arguments(schemas.RecognitionAskIn)
    @requests_api.response(201, schemas.RecognitionRequestOut)
    @requests_api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any]) -> Any:
        """Ask my school what a course would count as."""
        made = services.ask(db(), actor(), **data)
        return _answer(made.id, 201)


def _answer(request_id: int, status: int = 200) -> Any:
    shown = queries.view_request(db(), actor(), request_id)
    location = {"Location": f"/api/v1/recognition-requests/{request_id}"} if status == 201 else {}
    return shown, status, {**location, **tagged(shown.version)}


@requests_api.route("/<id:request_id>")
class RequestById(MethodView):
    @requests_api.response(200, schemas.RecognitionRequestOut)
    def get(self, request_id: int) -> Any:
        """One request."""
        return _answer(request_id)


@requests_api.route("/<id:request_id>/answer")
class Answer(MethodView):
    @requests_api.arguments(schemas.AnswerIn)
    @requests_api.response(200, schemas.RecognitionRequestOut)
    def post(self, data: dict[str, Any], request_id: int) -> Any:
        """Answer this student, or (`for_all`) all students by a row of the table."""
        services.answer(db(), actor(), request_id, data, for_all=data["for_all"])
        return _answer(request_id)


@requests_api.route("/<id:request_id>/withdraw")
class Withdraw(MethodView):
    @requests_api.response(200, schemas.RecognitionRequestOut)
    def post(self, request_id: int) -> Any:
        """Ask no longer."""
        services.withdraw(db(), actor(), request_id)
        return _answer(request_id)
