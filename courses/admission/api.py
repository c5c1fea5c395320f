"""`/schools/{id}/admissions`."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from courses.admission import queries, schemas, services
from courses.admission.queries import Choice, TermKey
from zutuan.clusters.models import School
from zutuan.errors import Refused
from zutuan.paging import Page
from zutuan.sharing.services import fetch
from zutuan.web.api import IDEMPOTENCY, Blueprint, ListQuery, listing, query_schema
from zutuan.web.requests import actor, db

admissions_api = Blueprint("api-admissions", __name__, url_prefix="/api/v1/schools", description="admitted courses")


class AdmissionsQuery(schemas.AdmissionQuery, ListQuery):
    """Filters of what a school could admit."""


def _shown(choice: Choice) -> dict[str, Any]:
    course = choice.course
    return {
        "id": course.id, "code": course.code, "title_zh": course.title_zh, "title_en": course.title_en,
        "school": {"id": course.school_id, "name": course.school_name}, "offerings": course.offerings,
        "admitted": choice.admitted, "decided": choice.decided,
    }  # fmt: skip


@admissions_api.route("/<id:school_id>/admissions")
class Admissions(MethodView):
    @admissions_api.arguments(query_schema(AdmissionsQuery), location="query")
    @admissions_api.response(200, listing(schemas.AdmittedOut))
    def get(self, query: dict[str, Any], school_id: int) -> Any:
        """Courses of other schools that are taught in the term, and whether the school has picked them for its students."""
        fetch(db(), School, school_id)
        queries.require_read(actor(), school_id)
        _all, current = queries.terms(db(), school_id, actor().now)
        given = query["academic_year"] and query["number"]
        term = TermKey(query["academic_year"], query["number"]) if given else current
        if term is None:
            raise Refused("no_term")
        page = queries.choices(db(), actor(), school_id, term, query)
        return Page([_shown(each) for each in page.items], page.next, page.total)

    @admissions_api.arguments(schemas.AdmissionIn)
    @admissions_api.response(200, schemas.ChangedOut)
    @admissions_api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any], school_id: int) -> Any:
        """Admit courses for the school's own students in a term, or no longer; all or none."""
        term = TermKey(data["academic_year"], data["number"])
        n = services.decide(db(), actor(), school_id, data["course_ids"], term, admit=data["admitted"])
        return {"changed": n}
