"""`/results`, `/me/results`, `/workload`."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from courses.enrolment.schemas import ReasonIn
from courses.results import papers, queries, schemas, services, views, workload
from courses.results.models import Result
from courses.results.permissions import allow
from courses.results.rules import Said
from courses.results.workload import TermOf
from zutuan.errors import Denial, Forbidden, NotFound
from zutuan.paging import Page
from zutuan.papers import views as paper_views
from zutuan.papers.models import Paper
from zutuan.papers.schemas import PaperOut
from zutuan.web.api import IDEMPOTENCY, Blueprint, ListQuery, listing, query_schema, tagged
from zutuan.web.requests import actor, db

results_api = Blueprint("api-results", __name__, url_prefix="/api/v1/results", description="results at home")
mine_api = Blueprint("api-my-results", __name__, url_prefix="/api/v1/me/results", description="my results")
workload_api = Blueprint("api-workload", __name__, url_prefix="/api/v1/workload", description="teaching for others")


class ResultsQuery(schemas.ResultQuery, ListQuery):
    """Filters of a school's results."""


def _answer(result: Result) -> Any:
    db().flush()
    return views.result(result), 200, tagged(result.version)


def _paper(paper: Paper) -> Any:
    return paper_views.paper(paper), 201, {"Location": f"/api/v1/papers/{paper.id}"}


@results_api.route("")
class Results(MethodView):
    @results_api.arguments(query_schema(ResultsQuery), location="query")
    @results_api.response(200, listing(schemas.ResultOut))
    def get(self, query: dict[str, Any]) -> Any:
        """Results of my school's students at other schools: both grades, side by side."""
        if not allow.schools(actor(), "result.list_home"):
            raise Forbidden(Denial("result.list_home"))
        page = queries.of_school(db(), actor(), query)
        return Page([views.result(each) for each in page.items], page.next, page.total)


@results_api.route("/recognise")
class RecogniseMany(MethodView):
    @results_api.arguments(schemas.IdsIn)
    @results_api.response(200, schemas.RecognisedManyOut)
    def post(self, data: dict[str, Any]) -> Any:
        """Recognise up to 200 as they are proposed: all or none; those that cannot be are named."""
        found = services.recognise_all(db(), actor(), data["ids"])
        return {"ids": [each.id for each in found]}


@results_api.route("/forms")
class Forms(MethodView):
    @results_api.arguments(schemas.IdsIn)
    @results_api.response(201, listing(PaperOut))
    @results_api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any]) -> Any:
        """Issue the 学分认定表 of each student whose recognised results these are. Their files come together from
        `/papers/files.zip?paper=…&paper=…` of the pages."""
        found = [paper_views.paper(each) for each in papers.forms(db(), actor(), data["ids"])]
        return Page(found, None, len(found)), 201


@results_api.route("/<id:result_id>")
class ResultById(MethodView):
    @results_api.response(200, schemas.ResultOut)
    def get(self, result_id: int) -> Any:
        """One result."""
        return _answer(queries.view(db(), actor(), result_id))


@results_api.route("/<id:result_id>/recognise")
class Recognise(MethodView):
    @results_api.arguments(schemas.RecogniseIn)
    @results_api.response(200, schemas.ResultOut)
    def post(self, data: dict[str, Any], result_id: int) -> Any:
        """The home school recognises it, as it is proposed or with what is said here."""
        return _answer(services.recognise(db(), actor(), result_id, Said(**data)))


@results_api.route("/<id:result_id>/refuse")
class Refuse(MethodView):
    @results_api.arguments(ReasonIn)
    @results_api.response(200, schemas.ResultOut)
    def post(self, data: dict[str, Any], result_id: int) -> Any:
        """The home school does not recognise it, with a reason."""
        return _answer(services.refuse(db(), actor(), result_id, data["reason"]))


@results_api.route("/<id:result_id>/reopen")
class Reopen(MethodView):
    @results_api.arguments(ReasonIn)
    @results_api.response(200, schemas.ResultOut)
    def post(self, data: dict[str, Any], result_id: int) -> Any:
        """What was said was wrong: it waits again, and papers that show it are taken back."""
        return _answer(services.reopen(db(), actor(), result_id, data["reason"]))


@results_api.route("/students/<id:affiliation_id>")
class OfStudent(MethodView):
    @results_api.response(200, schemas.StudentResultsOut)
    def get(self, affiliation_id: int) -> Any:
        """All results of one student (by their affiliation with the home school), with totals."""
        place = queries.student(db(), actor(), affiliation_id)
        return views.of_student(queries.of_student(db(), [place.id]))


@results_api.route("/students/<id:affiliation_id>/transcript")
class Transcript(MethodView):
    @results_api.arguments(schemas.LanguageIn)
    @results_api.response(201, PaperOut)
    @results_api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any], affiliation_id: int) -> Any:
        """Issue the 跨校修读成绩单, in Chinese or in English."""
        return _paper(papers.transcript(db(), actor(), affiliation_id, data["language"]))


@mine_api.route("")
class Mine(MethodView):
    @mine_api.response(200, schemas.StudentResultsOut)
    def get(self) -> Any:
        """My results at other schools: both grades, and totals of what my school has recognised."""
        places = [each.id for each in queries.places(db(), actor().person_id)]
        return views.of_student(queries.of_student(db(), places))


@mine_api.route("/transcript")
class MyTranscript(MethodView):
    @mine_api.arguments(schemas.MyTranscriptIn)
    @mine_api.response(201, PaperOut)
    @mine_api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any]) -> Any:
        """Issue my own transcript, where my school lets students."""
        mine = [each.id for each in queries.places(db(), actor().person_id)]
        wanted = data["affiliation_id"] or next(iter(mine), None)
        if wanted not in mine:
            raise NotFound
        return _paper(papers.transcript(db(), actor(), wanted, data["language"]))


@workload_api.route("")
class Workload(MethodView):
    @workload_api.response(200, listing(schemas.WorkloadOut))
    def get(self) -> Any:
        """My classes with students of other schools, term by term."""
        who = actor()
        found = [
            views.workload(term, workload.lines(db(), who.person_id, term, who.now))
            for term in workload.terms(db(), who.person_id, who.now)
        ]
        return Page(found, None, len(found))

    @workload_api.arguments(schemas.WorkloadIn)
    @workload_api.response(201, PaperOut)
    @workload_api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any]) -> Any:
        """Issue the 教学工作量证明 of a term: for myself, where the school lets teachers, or as its registrar."""
        term = TermOf(data["school_id"], data["academic_year"], data["number"])
        return _paper(workload.certify(db(), actor(), data["person_id"] or actor().person_id, term))
