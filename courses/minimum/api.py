"""`/offerings/decisions`, `/offerings/{id}/confirm`, `/offerings/{id}/cancel`, `/me/lost-seats`, `/lost-seats`."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from courses.admission.queries import TermKey
from courses.enrolment.schemas import DecidedOut, ReasonIn
from courses.minimum import queries, reading, schemas, services, views
from courses.minimum.permissions import allow
from zutuan.errors import Denial, Forbidden, Refused
from zutuan.paging import Page
from zutuan.web.api import Blueprint, ListQuery, listing, query_schema, tagged
from zutuan.web.requests import actor, db

offering_api = Blueprint(
    "api-decisions", __name__, url_prefix="/api/v1/offerings", description="whether classes take place"
)
mine_api = Blueprint("api-my-lost-seats", __name__, url_prefix="/api/v1/me/lost-seats", description="seats I lost")
lost_api = Blueprint("api-lost-seats", __name__, url_prefix="/api/v1/lost-seats", description="seats our students lost")


class ClassesQuery(schemas.ClassQuery, ListQuery):
    """Filters of the classes of my school."""


@offering_api.route("/decisions")
class Decisions(MethodView):
    @offering_api.arguments(query_schema(ClassesQuery), location="query")
    @offering_api.response(200, listing(schemas.ClassOut))
    def get(self, query: dict[str, Any]) -> Any:
        """Classes of my school in a term with their numbers, what waits for a decision first."""
        if not allow.schools(actor(), "minimum.read"):
            raise Forbidden(Denial("minimum.read"))
        given = query["academic_year"] and query["number"]
        term = TermKey(query["academic_year"], query["number"]) if given else queries.terms(db(), actor())[1]
        if term is None:
            raise Refused("no_term")
        page = queries.classes(db(), actor(), term, query)
        return Page([views.row(each) for each in page.items], page.next, page.total)

    @offering_api.arguments(schemas.ClassDecisionIn)
    @offering_api.response(200, DecidedOut)
    def post(self, data: dict[str, Any]) -> Any:
        """`confirm` or `cancel` up to 50 at once: all or none; what stands against one names it."""
        ids = sorted(data["ids"])
        services.decide_all(db(), actor(), ids, data["event"], data["reason"])
        return {"event": data["event"], "ids": ids}


def _answer(offering_id: int) -> Any:
    row = queries.row_of(db(), actor(), offering_id)
    return views.row(row), 200, tagged(row.offering.version)


@offering_api.route("/<id:offering_id>/confirm")
class Confirm(MethodView):
    @offering_api.arguments(ReasonIn)
    @offering_api.response(200, schemas.ClassOut)
    def post(self, data: dict[str, Any], offering_id: int) -> Any:
        """The class takes place though it has fewer students than its minimum."""
        services.confirm(db(), actor(), offering_id, data["reason"])
        return _answer(offering_id)


@offering_api.route("/<id:offering_id>/cancel")
class Cancel(MethodView):
    @offering_api.arguments(ReasonIn)
    @offering_api.response(200, schemas.ClassOut)
    def post(self, data: dict[str, Any], offering_id: int) -> Any:
        """停开: every place in it ends; who held a seat may enrol elsewhere until `rescue_until`."""
        services.cancel(db(), actor(), offering_id, data["reason"])
        return _answer(offering_id)


@mine_api.route("")
class MyLostSeats(MethodView):
    @mine_api.response(200, listing(schemas.MyLostOut))
    def get(self) -> Any:
        """Seats that I lost with classes that were called off, and where I could still enrol instead."""
        rows = [views.my_lost(each.lost, each.instead, each.others) for each in reading.mine(db(), actor())]
        return Page(rows, None, len(rows))


@lost_api.route("")
class LostSeats(MethodView):
    @lost_api.arguments(query_schema(ListQuery), location="query")
    @lost_api.response(200, listing(schemas.AffectedOut))
    def get(self, query: dict[str, Any]) -> Any:
        """Students of my school who lost a seat, the latest first, with what they have in its place."""
        if not allow.schools(actor(), "minimum.affected"):
            raise Forbidden(Denial("minimum.affected"))
        page = queries.affected(db(), actor(), query)
        return Page([views.affected(each) for each in page.items], page.next, page.total)
