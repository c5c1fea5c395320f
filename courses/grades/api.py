"""`/offerings/{id}/grade-scheme`, `/offerings/{id}/grade-sheets`, `/grade-sheets`, `/grade-corrections`,
`/enrolments/{id}/grades`."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from courses.enrolment import queries as enrolments
from courses.grades import confirming, correcting, entering, lists, queries, schemas, services, views
from courses.grades.entering import Draft
from courses.grades.permissions import allow
from courses.grades.schemes import WHOLE, Scheme, Written
from zutuan.errors import Denial, Forbidden
from zutuan.paging import Page
from zutuan.web.api import IDEMPOTENCY, IF_MATCH, Blueprint, ListQuery, listing, query_schema, require_match, tagged
from zutuan.web.requests import actor, db

class_api = Blueprint("api-class-grades", __name__, url_prefix="/api/v1/offerings", description="grades of a class")
sheets_api = Blueprint("api-grade-sheets", __name__, url_prefix="/api/v1/grade-sheets", description="grade sheets")
corrections_api = Blueprint(
    "api-grade-corrections", __name__, url_prefix="/api/v1/grade-corrections", description="corrections of grades"
)
own_api = Blueprint("api-own-grades", __name__, url_prefix="/api/v1/enrolments", description="what a student got")


class GradeSheetsQuery(schemas.GradeSheetQuery, ListQuery):
    """Filters of the sheets that I may read."""


class GradeCorrectionsQuery(schemas.GradeCorrectionQuery, ListQuery):
    """Filters of the corrections that I may read."""


@class_api.route("/<id:offering_id>/grade-scheme")
class SchemeOf(MethodView):
    @class_api.response(200, schemas.GradeSchemeOut)
    def get(self, offering_id: int) -> Any:
        """How the class is graded: as its teacher has said, or as the school has it (version 0)."""
        return _scheme(offering_id)

    @class_api.arguments(schemas.GradeSchemeIn)
    @class_api.response(200, schemas.GradeSchemeOut)
    @class_api.doc(parameters=[IF_MATCH])
    def put(self, data: dict[str, Any], offering_id: int) -> Any:
        """Say how the class is graded; fixed while a sheet is submitted or confirmed."""
        offering = queries.view_class(db(), actor(), offering_id, "grades.scheme")
        row = queries.scheme_row(db(), offering_id)
        allow.require(actor(), "grades.scheme", queries.subject(offering))
        require_match(row.version if row else 0)
        parts = tuple((each["name"], each["weight"]) for each in data["parts"])
        services.set_scheme(db(), actor(), offering, Scheme(data["scale"], data["places"], parts))
        return _scheme(offering_id)


def _scheme(offering_id: int) -> Any:
    offering = queries.view_class(db(), actor(), offering_id)
    row = queries.scheme_row(db(), offering_id)
    version = row.version if row else 0
    return views.scheme_out(queries.scheme_of(db(), offering, actor().now), version), 200, tagged(version)


@class_api.route("/<id:offering_id>/grade-sheets")
class SheetsOfClass(MethodView):
    @class_api.response(200, listing(schemas.GradeSheetOut))
    def get(self, offering_id: int) -> Any:
        """The class's sheets, in the order in which they were opened."""
        queries.view_class(db(), actor(), offering_id)
        found = [views.sheet_out(each) for each in queries.sheets_of(db(), offering_id)]
        return Page(found, None, len(found))

    @class_api.arguments(schemas.GradeOpenIn)
    @class_api.response(201, schemas.WholeGradeSheetOut)
    @class_api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any], offering_id: int) -> Any:
        """Open a sheet: the first, a later one for deferred exams (`first` again), or a resit."""
        made = services.open_sheet(db(), actor(), offering_id, data["attempt"])
        return _whole(made.id, 201)


def _whole(sheet_id: int, status: int = 200) -> Any:
    db().flush()
    db().expire_all()
    sheet = queries.view_sheet(db(), actor(), sheet_id)
    scheme = queries.scheme_of(db(), sheet.offering, actor().now)
    location = {"Location": f"/api/v1/grade-sheets/{sheet_id}"} if status == 201 else {}
    return views.whole_out(sheet, scheme, queries.rows_of(db(), sheet)), status, {**location, **tagged(sheet.version)}


@sheets_api.route("")
class Sheets(MethodView):
    @sheets_api.arguments(query_schema(GradeSheetsQuery), location="query")
    @sheets_api.response(200, listing(schemas.GradeSheetOut))
    def get(self, query: dict[str, Any]) -> Any:
        """Sheets of my school's classes (its office) or of my own (who teaches)."""
        if not allow.schools(actor(), "grades.list") and not actor().holds(["teacher"]):
            raise Forbidden(Denial("grades.list"))
        page = lists.sheets(db(), actor(), query)
        return Page([views.sheet_out(each) for each in page.items], page.next, page.total)


@sheets_api.route("/<id:sheet_id>")
class SheetById(MethodView):
    @sheets_api.response(200, schemas.WholeGradeSheetOut)
    def get(self, sheet_id: int) -> Any:
        """One sheet with every row."""
        return _whole(sheet_id)


@sheets_api.route("/<id:sheet_id>/entries")
class Entries(MethodView):
    @sheets_api.arguments(schemas.GradeEntriesIn)
    @sheets_api.response(200, schemas.WholeGradeSheetOut)
    @sheets_api.doc(parameters=[IF_MATCH])
    def put(self, data: dict[str, Any], sheet_id: int) -> Any:
        """Write these rows, all or none; each bad one is named as `entries.<index>`. Rows that are not sent stay."""
        require_match(queries.view_sheet(db(), actor(), sheet_id, "grades.save").version)
        entering.save(db(), actor(), sheet_id, [_draft(each) for each in data["entries"]], "api")
        return _whole(sheet_id)


def _draft(each: dict[str, Any]) -> Draft:
    return Draft(each["enrolment_id"], _written(each), each["version"])


def _written(each: dict[str, Any]) -> Written:
    whole = {WHOLE: each["grade"]} if each["grade"] else {}
    return Written({**each["parts"], **whole}, each["mark"] or "", each["remark"])


@sheets_api.route("/<id:sheet_id>/submit")
class Submit(MethodView):
    @sheets_api.response(200, schemas.WholeGradeSheetOut)
    def post(self, sheet_id: int) -> Any:
        """The teacher hands it in: it is locked."""
        services.submit(db(), actor(), sheet_id)
        return _whole(sheet_id)


@sheets_api.route("/<id:sheet_id>/return")
class Return(MethodView):
    @sheets_api.arguments(schemas.GradeReasonIn)
    @sheets_api.response(200, schemas.WholeGradeSheetOut)
    def post(self, data: dict[str, Any], sheet_id: int) -> Any:
        """退回: the registrar gives it back, with a reason."""
        services.return_(db(), actor(), sheet_id, data["reason"])
        return _whole(sheet_id)


@sheets_api.route("/<id:sheet_id>/confirm")
class Confirm(MethodView):
    @sheets_api.response(200, schemas.WholeGradeSheetOut)
    def post(self, sheet_id: int) -> Any:
        """The registrar lets it count: enrolments are completed, students and home schools are told."""
        confirming.confirm(db(), actor(), sheet_id)
        return _whole(sheet_id)


@sheets_api.route("/<id:sheet_id>/discard")
class Discard(MethodView):
    @sheets_api.response(204)
    def post(self, sheet_id: int) -> None:
        """Take away an open sheet that nobody is on."""
        services.discard(db(), actor(), sheet_id)


# --- 成绩更正 ---------------------------------------------------------------------------------------------------


@corrections_api.route("")
class Corrections(MethodView):
    @corrections_api.arguments(query_schema(GradeCorrectionsQuery), location="query")
    @corrections_api.response(200, listing(schemas.GradeCorrectionOut))
    def get(self, query: dict[str, Any]) -> Any:
        """Corrections of my school's grades (its office) or of my own classes' (who teaches)."""
        if not allow.schools(actor(), "grades.list") and not actor().holds(["teacher"]):
            raise Forbidden(Denial("grades.list"))
        page = lists.corrections(db(), actor(), query)
        return Page([views.correction_out(each) for each in page.items], page.next, page.total)

    @corrections_api.arguments(schemas.GradeCorrectionIn)
    @corrections_api.response(201, schemas.GradeCorrectionOut)
    @corrections_api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any]) -> Any:
        """Ask for another grade in a confirmed row."""
        made = correcting.ask(db(), actor(), data["entry_id"], _written(data), data["reason"])
        return _correction(made.id), 201


def _correction(correction_id: int) -> dict[str, Any]:
    db().expire_all()
    return views.correction_out(correcting.view(db(), actor(), correction_id))


@corrections_api.route("/<id:correction_id>/approve")
class Approve(MethodView):
    @corrections_api.arguments(schemas.GradeReasonIn)
    @corrections_api.response(200, schemas.GradeCorrectionOut)
    def post(self, data: dict[str, Any], correction_id: int) -> Any:
        """The registrar agrees: the grade is changed, and what stands for the student with it."""
        correcting.decide(db(), actor(), correction_id, "approve", data["reason"])
        return _correction(correction_id)


@corrections_api.route("/<id:correction_id>/deny")
class Deny(MethodView):
    @corrections_api.arguments(schemas.GradeReasonIn)
    @corrections_api.response(200, schemas.GradeCorrectionOut)
    def post(self, data: dict[str, Any], correction_id: int) -> Any:
        """The registrar does not agree, and says why."""
        correcting.decide(db(), actor(), correction_id, "deny", data["reason"])
        return _correction(correction_id)


@corrections_api.route("/<id:correction_id>/withdraw")
class Withdraw(MethodView):
    @corrections_api.response(200, schemas.GradeCorrectionOut)
    def post(self, correction_id: int) -> Any:
        """Who teaches the class takes it back."""
        correcting.decide(db(), actor(), correction_id, "withdraw")
        return _correction(correction_id)


@own_api.route("/<id:enrolment_id>/grades")
class Own(MethodView):
    @own_api.response(200, schemas.GradeOwnOut)
    def get(self, enrolment_id: int) -> Any:
        """What was got in this enrolment: for its student and for whoever at either school may read it."""
        enrolment = enrolments.view_enrolment(db(), actor(), enrolment_id)
        return views.own_out(queries.of_enrolments(db(), [enrolment.id]).get(enrolment.id, []))
