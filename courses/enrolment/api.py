"""`/offerings/{id}/enrolments`, `/enrolments`, `/me/enrolments`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask.views import MethodView

from courses.catalogue import queries as catalogue
from courses.catalogue.timing import TYPE
from courses.enrolment import enrolling, papers, queries, schemas, services, views
from courses.enrolment.models import Enrolment
from courses.enrolment.permissions import allow
from zutuan.calendar import feeds
from zutuan.calendar.registered import hooks
from zutuan.errors import Denial, Forbidden, Invalid
from zutuan.paging import Page
from zutuan.papers import views as paper_views
from zutuan.papers.schemas import PaperOut
from zutuan.web.api import IDEMPOTENCY, Blueprint, ListQuery, listing, query_schema, tagged
from zutuan.web.requests import actor, db, reading

offering_api = Blueprint("api-seats", __name__, url_prefix="/api/v1/offerings", description="enrolling")
enrolments_api = Blueprint("api-enrolments", __name__, url_prefix="/api/v1/enrolments", description="enrolments")
mine_api = Blueprint("api-my-enrolments", __name__, url_prefix="/api/v1/me/enrolments", description="my enrolments")
time_api = Blueprint("api-my-timetable", __name__, url_prefix="/api/v1/me/timetable", description="my time")


class EnrolmentsQuery(schemas.EnrolmentQuery, ListQuery):
    """Filters of my enrolments and of a roster."""


class SchoolEnrolmentsQuery(schemas.SchoolEnrolmentQuery, ListQuery):
    """Filters of a school's enrolments."""


def _page(page: Page, places: views.Places | None = None) -> Page:
    return Page([views.enrolment(each, places) for each in page.items], page.next, page.total)


@offering_api.route("/<id:offering_id>/enrolments")
class Seats(MethodView):
    @offering_api.arguments(query_schema(EnrolmentsQuery), location="query")
    @offering_api.response(200, listing(schemas.EnrolmentOut))
    def get(self, query: dict[str, Any], offering_id: int) -> Any:
        """The roster, for the offering's staff and its school's registrars."""
        view = catalogue.view_offering(db(), actor(), offering_id, "roster.read")
        allow.require(actor(), "roster.read", services.roster_reader(db(), actor(), view.offering))
        places = queries.queue_places(db(), view.offering, actor().now)
        return _page(queries.roster(db(), offering_id, query, story=True), places)

    @offering_api.arguments(schemas.EnrolIn)
    @offering_api.response(201, schemas.EnrolmentOut)
    @offering_api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any], offering_id: int) -> Any:
        """Enrol: takes a seat at once and asks the home school."""
        made = enrolling.enrol(db(), actor(), offering_id, **data, reading=reading())
        place = services.place(db(), made.enrolment, actor().now)
        return views.enrolled(made, actor(), place), 201, _headers(made.enrolment, 201)


def _answer(enrolment_id: int, status: int = 200) -> Any:
    db().expire_all()
    enrolment = queries.view_enrolment(db(), actor(), enrolment_id)
    place = services.place(db(), enrolment, actor().now)
    return views.enrolment(enrolment, {enrolment.id: place} if place else None), status, _headers(enrolment, status)


def _headers(enrolment: Enrolment, status: int) -> dict[str, str]:
    location = {"Location": f"/api/v1/enrolments/{enrolment.id}"} if status == 201 else {}
    return {**location, **tagged(enrolment.version)}


@offering_api.route("/<id:offering_id>/eligibility")
class Eligibility(MethodView):
    @offering_api.response(200, schemas.EligibilityOut)
    def get(self, offering_id: int) -> Any:
        """Whether I could enrol now, and every reason against with what would cure it."""
        ahead = services.outlook(db(), actor(), offering_id, services.student_affiliation(actor()))
        return {
            "allowed": not ahead.against, "reasons": views.refusals(ahead.against), "may_wait": ahead.may_wait,
            "seats_left": ahead.seats_left, "waiting": ahead.waiting, "timetable_checked": ahead.timetable_checked,
            "approvals": ahead.asks, "decide_by": ahead.decide_by, "rescue_until": ahead.rescue,
        }  # fmt: skip


@enrolments_api.route("")
class Enrolments(MethodView):
    @enrolments_api.arguments(query_schema(SchoolEnrolmentsQuery), location="query")
    @enrolments_api.response(200, listing(schemas.EnrolmentOut))
    def get(self, query: dict[str, Any]) -> Any:
        """Enrolments of my school's students (`side` home) or in my school's offerings (host)."""
        if not allow.schools(actor(), f"enrolment.list_{query['side']}"):
            raise Forbidden(Denial(f"enrolment.list_{query['side']}"))
        return _page(queries.of_school(db(), actor(), query, story=True))


@enrolments_api.route("/decide")
class Decide(MethodView):
    @enrolments_api.arguments(schemas.DecideIn)
    @enrolments_api.response(200, schemas.DecidedOut)
    def post(self, data: dict[str, Any]) -> Any:
        """`approve`, `return` or `deny` up to 200 at once: all or none; what stands against one names it."""
        ids = sorted(data["ids"])
        services.decide_all(db(), actor(), ids, data["event"], data["reason"])
        return {"event": data["event"], "ids": ids}


@enrolments_api.route("/<id:enrolment_id>")
class EnrolmentById(MethodView):
    @enrolments_api.response(200, schemas.EnrolmentOut)
    def get(self, enrolment_id: int) -> Any:
        """One enrolment with every step."""
        return _answer(enrolment_id)


@enrolments_api.route("/<id:enrolment_id>/approve")
class Approve(MethodView):
    @enrolments_api.arguments(schemas.NoteIn)
    @enrolments_api.response(200, schemas.EnrolmentOut)
    def post(self, data: dict[str, Any], enrolment_id: int) -> Any:
        """The home school says yes."""
        services.approve(db(), actor(), enrolment_id, data["note"])
        return _answer(enrolment_id)


@enrolments_api.route("/<id:enrolment_id>/deny")
class Deny(MethodView):
    @enrolments_api.arguments(schemas.ReasonIn)
    @enrolments_api.response(200, schemas.EnrolmentOut)
    def post(self, data: dict[str, Any], enrolment_id: int) -> Any:
        """The home (or host) school says no, with a reason; the seat is free again."""
        services.deny(db(), actor(), enrolment_id, data["reason"])
        return _answer(enrolment_id)


@enrolments_api.route("/<id:enrolment_id>/withdraw")
class Withdraw(MethodView):
    @enrolments_api.arguments(schemas.WithdrawIn)
    @enrolments_api.response(200, schemas.EnrolmentOut)
    def post(self, data: dict[str, Any], enrolment_id: int) -> Any:
        """The student gives the seat back."""
        services.withdraw(db(), actor(), enrolment_id, data["reason"])
        return _answer(enrolment_id)


@enrolments_api.route("/<id:enrolment_id>/return")
class Return(MethodView):
    @enrolments_api.arguments(schemas.ReasonIn)
    @enrolments_api.response(200, schemas.EnrolmentOut)
    def post(self, data: dict[str, Any], enrolment_id: int) -> Any:
        """退回修改: the student is to mend it; the seat is kept."""
        services.return_(db(), actor(), enrolment_id, data["reason"])
        return _answer(enrolment_id)


@enrolments_api.route("/<id:enrolment_id>/resubmit")
class Resubmit(MethodView):
    @enrolments_api.arguments(schemas.StatementIn)
    @enrolments_api.response(200, schemas.EnrolmentOut)
    def post(self, data: dict[str, Any], enrolment_id: int) -> Any:
        """The student has mended what was returned."""
        services.resubmit(db(), actor(), enrolment_id, data["statement"])
        return _answer(enrolment_id)


@enrolments_api.route("/<id:enrolment_id>/remind")
class Remind(MethodView):
    @enrolments_api.response(200, schemas.EnrolmentOut)
    def post(self, enrolment_id: int) -> Any:
        """催办: once a day, to whoever's word is awaited."""
        services.remind(db(), actor(), enrolment_id)
        return _answer(enrolment_id)


@enrolments_api.route("/<id:enrolment_id>/accept")
class Accept(MethodView):
    @enrolments_api.response(200, schemas.EnrolmentOut)
    def post(self, enrolment_id: int) -> Any:
        """Take the seat that the queue has offered."""
        services.accept(db(), actor(), enrolment_id)
        return _answer(enrolment_id)


@enrolments_api.route("/<id:enrolment_id>/release")
class Release(MethodView):
    @enrolments_api.arguments(schemas.ReasonIn)
    @enrolments_api.response(200, schemas.EnrolmentOut)
    def post(self, data: dict[str, Any], enrolment_id: int) -> Any:
        """The home registrar gives back what a student holds who is no longer 在读."""
        services.release(db(), actor(), enrolment_id, data["reason"])
        return _answer(enrolment_id)


@enrolments_api.route("/<id:enrolment_id>/certificate")
class Certificate(MethodView):
    @enrolments_api.response(201, PaperOut)
    @enrolments_api.doc(parameters=[IDEMPOTENCY])
    def post(self, enrolment_id: int) -> Any:
        """Issue the 选课证明: by a registrar of either school, or by the student. Asked again, it is the one that stands."""
        paper = papers.certify(db(), actor(), enrolment_id)
        return paper_views.paper(paper), 201, {"Location": f"/api/v1/papers/{paper.id}"}


@mine_api.route("")
class MyEnrolments(MethodView):
    @mine_api.arguments(query_schema(EnrolmentsQuery), location="query")
    @mine_api.response(200, listing(schemas.EnrolmentOut))
    def get(self, query: dict[str, Any]) -> Any:
        """My enrolments, newest first."""
        return _page(queries.mine(db(), actor(), query))


@time_api.route("")
class MyTimetable(MethodView):
    @time_api.arguments(query_schema(schemas.TimetableQuery), location="query")
    @time_api.response(200, listing(schemas.SlotOut))
    def get(self, query: dict[str, Any]) -> Any:
        """What takes my time between two instants (without them, in the next seven days): courses that I attend or
        teach, my own school's timetable, and my busy periods."""
        starts = query["starts"] or actor().now
        ends = query["ends"] or starts + timedelta(days=7)
        if not timedelta(0) < ends - starts <= schemas.LONGEST_SPAN:
            raise Invalid.field("ends", "bad_span", days=schemas.LONGEST_SPAN.days)
        found = feeds.entries(db(), actor(), hooks(), starts, ends)
        offerings = queries.offerings(db(), {e.row.source_id for e in found if e.row.source_type == TYPE})
        slots = [
            views.slot(each, offerings.get(each.row.source_id) if each.row.source_type == TYPE else None)
            for each in found
        ]
        return Page(slots, None, len(slots))
