"""`/offerings/{id}/attendance`, `/me/attendance`, `/enrolments/{id}/leave`, `/leave-requests`."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from courses.rosters import codes, leave, queries, rules, schemas, services, views
from courses.rosters.models import LeaveRequest
from zutuan.errors import NotFound
from zutuan.paging import Page
from zutuan.web.api import IDEMPOTENCY, IF_MATCH, Blueprint, listing, require_match, tagged
from zutuan.web.requests import actor, config, db

class_api = Blueprint("api-attendance", __name__, url_prefix="/api/v1/offerings", description="attendance of classes")
mine_api = Blueprint("api-my-attendance", __name__, url_prefix="/api/v1/me/attendance", description="my attendance")
leave_api = Blueprint("api-leave", __name__, url_prefix="/api/v1", description="leave from single meetings")


def _key(text: str) -> rules.Key:
    key = rules.read_key(text)
    if key is None:
        raise NotFound
    return key


@class_api.route("/<id:offering_id>/attendance")
class Attendance(MethodView):
    @class_api.response(200, schemas.AttendanceOut)
    def get(self, offering_id: int) -> Any:
        """The class's meetings, who is on its roll with every mark, and requests for leave that wait."""
        queries.view_class(db(), actor(), offering_id)
        meetings, lines = queries.meetings(db(), offering_id), queries.roll(db(), offering_id)
        return {
            "meetings": [views.meeting(each) for each in meetings],
            "students": [views.line(each, meetings) for each in lines],
            "leaves": [views.leave(each) for each in queries.asked_in(db(), offering_id)],
        }


def _sheet(offering_id: int, key: rules.Key) -> Any:
    meeting = queries.meeting(db(), offering_id, key)
    return views.sheet(meeting, queries.roll(db(), offering_id)), 200, tagged(meeting.version)


@class_api.route("/<id:offering_id>/attendance/<meeting>")
class Sheet(MethodView):
    @class_api.response(200, schemas.SheetOut)
    def get(self, offering_id: int, meeting: str) -> Any:
        """One meeting with everybody on its list."""
        queries.view_class(db(), actor(), offering_id)
        return _sheet(offering_id, _key(meeting))

    @class_api.arguments(schemas.SheetIn)
    @class_api.response(200, schemas.SheetOut)
    @class_api.doc(parameters=[IF_MATCH])
    def put(self, data: dict[str, Any], offering_id: int, meeting: str) -> Any:
        """Write these marks, and `rest` for whoever has none: all or nothing. Students whom it does not name keep
        what stands, a scan that came in meanwhile as well."""
        offering, key = queries.view_class(db(), actor(), offering_id, "attendance.mark"), _key(meeting)
        version = queries.meeting(db(), offering_id, key).version
        require_match(version)
        services.save(db(), actor(), offering, key, version, data["marks"], data["rest"])
        db().expire_all()
        return _sheet(offering_id, key)


# --- students ---------------------------------------------------------------------------------------------------


@mine_api.route("")
class MyAttendance(MethodView):
    @mine_api.response(200, listing(schemas.OwnOut))
    def get(self) -> Any:
        """My record of each class that I am taught in, the newest first."""
        found = []
        for enrolment in queries.mine(db(), actor()):
            leaves = queries.leaves(db(), LeaveRequest.enrolment_id == enrolment.id)
            meetings = queries.meetings(db(), enrolment.offering_id)
            found.append(views.own(queries.one(db(), enrolment), meetings, leaves))
        return Page(found, None, len(found))


@mine_api.route("/check-in")
class CheckIn(MethodView):
    @mine_api.arguments(schemas.CodeIn)
    @mine_api.response(200, schemas.MarkOut)
    def post(self, data: dict[str, Any]) -> Any:
        """Sign in to a meeting with the code on the classroom's screen. Twice changes nothing."""
        offering_id, key, until = codes.read(config().secret, data["code"])
        services.attending(db(), actor(), offering_id)
        codes.insist_fresh(until, actor().now)
        return {"meeting": str(key), **views.mark(services.check_in(db(), actor(), offering_id, key))}


@leave_api.route("/enrolments/<id:enrolment_id>/leave")
class Ask(MethodView):
    @leave_api.arguments(schemas.LeaveIn)
    @leave_api.response(201, schemas.LeaveOut)
    @leave_api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any], enrolment_id: int) -> Any:
        """Ask to miss one meeting; those who teach the class decide."""
        made = leave.ask(db(), actor(), enrolment_id, rules.read_key(data["meeting"]), data["reason"])
        return views.leave(made), 201


@leave_api.route("/leave-requests/<id:leave_id>/decide")
class Decide(MethodView):
    @leave_api.arguments(schemas.LeaveDecisionIn)
    @leave_api.response(200, schemas.LeaveOut)
    def post(self, data: dict[str, Any], leave_id: int) -> Any:
        """Accept or refuse it; accepted, it is a mark at that meeting."""
        return views.leave(leave.decide(db(), actor(), leave_id, accept=data["accept"], answer=data["answer"]))


@leave_api.route("/leave-requests/<id:leave_id>/withdraw")
class Withdraw(MethodView):
    @leave_api.response(200, schemas.LeaveOut)
    def post(self, leave_id: int) -> Any:
        """Take it back."""
        return views.leave(leave.withdraw(db(), actor(), leave_id))
