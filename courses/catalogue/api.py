"""`/courses`, `/courses/{id}/offerings`, `/offerings/{id}`."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from courses.catalogue import editions, hooks, queries, schemas, services, views
from courses.catalogue.models import Course
from courses.catalogue.permissions import allow
from zutuan.paging import Page
from zutuan.web.api import IDEMPOTENCY, IF_MATCH, Blueprint, ListQuery, listing, query_schema, require_match, tagged
from zutuan.web.requests import actor, db

courses_api = Blueprint("api-courses", __name__, url_prefix="/api/v1/courses", description="shared courses")
offerings_api = Blueprint(
    "api-offerings", __name__, url_prefix="/api/v1/offerings", description="their teaching in a term"
)


class CoursesQuery(schemas.CourseQuery, ListQuery):
    """The catalogue's filters."""


@courses_api.route("")
class Courses(MethodView):
    @courses_api.arguments(query_schema(CoursesQuery), location="query")
    @courses_api.response(200, listing(schemas.CourseOut))
    def get(self, query: dict[str, Any]) -> Any:
        """Courses shared with me (or, with `mine`, those I may edit, drafts included)."""
        page = queries.find(db(), actor(), query)
        counts = hooks.recognised(db(), actor(), page.items)
        shown = [views.course(each, counts.get(each.id)) for each in queries.whole(db(), page.items)]
        return Page(shown, page.next, page.total)

    @courses_api.arguments(schemas.CourseIn)
    @courses_api.response(201, schemas.CourseDetailOut)
    @courses_api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any]) -> Any:
        """Make a draft course. `audience` holds scopes: platform, cluster:{id}, cluster:{id}:{role}."""
        course = services.create_course(db(), actor(), data)
        location = {"Location": f"/api/v1/courses/{course.id}"}
        return _changed(course), 201, {**location, **tagged(course.item.version)}


@courses_api.route("/<id:course_id>")
class CourseById(MethodView):
    @courses_api.response(200, schemas.CourseDetailOut)
    def get(self, course_id: int) -> Any:
        """One course with its audience."""
        body = _detail(course_id)
        return body, 200, tagged(body["item"].version)

    @courses_api.arguments(schemas.CoursePatch(partial=True))
    @courses_api.response(200, schemas.CourseDetailOut)
    @courses_api.doc(parameters=[IF_MATCH])
    def patch(self, data: dict[str, Any], course_id: int) -> Any:
        """Change fields of a course."""
        course = queries.view_course(db(), actor(), course_id, "course.edit").course
        allow.require(actor(), "course.edit", queries.subject(course))
        require_match(course.item.version)
        services.update_course(db(), actor(), course, data)
        return _changed(course), 200, tagged(course.item.version)


def _detail(course_id: int) -> dict[str, Any]:
    view = queries.view_course(db(), actor(), course_id)
    return views.course_detail(db(), actor(), view.course)


def _changed(course: Course) -> dict[str, Any]:
    """What was just written, also for whom the change itself has hidden it (a draft handed over to another teacher)."""
    return views.course_detail(db(), actor(), course)


@courses_api.route("/<id:course_id>/publish")
class Publish(MethodView):
    @courses_api.arguments(schemas.PublishIn)
    @courses_api.response(200, schemas.CourseDetailOut)
    def post(self, data: dict[str, Any], course_id: int) -> Any:
        """Show the course to its audience; with `audience`, set it first."""
        course = queries.view_course(db(), actor(), course_id, "course.publish").course
        services.publish_course(db(), actor(), course, data["audience"])
        return _changed(course), 200, tagged(course.item.version)


@courses_api.route("/<id:course_id>/copy")
class Copy(MethodView):
    @courses_api.arguments(schemas.CopyIn)
    @courses_api.response(201, schemas.CourseDetailOut)
    @courses_api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any], course_id: int) -> Any:
        """A new draft that says the same, under another code; offerings and audience are not copied."""
        course = queries.view_course(db(), actor(), course_id, "course.edit").course
        made = services.copy_course(db(), actor(), course, data["code"])
        location = {"Location": f"/api/v1/courses/{made.id}"}
        return _changed(made), 201, {**location, **tagged(made.item.version)}


@courses_api.route("/<id:course_id>/editions")
class Editions(MethodView):
    @courses_api.response(200, listing(schemas.EditionOut))
    def get(self, course_id: int) -> Any:
        """Everything the course has said since it was first published, newest first."""
        queries.view_course(db(), actor(), course_id)
        rows = list(editions.of(db(), course_id))
        return Page(rows, None, len(rows))


def _move(course_id: int, event: str) -> Any:
    course = queries.view_course(db(), actor(), course_id, f"course.{event}").course
    services.move_course(db(), actor(), course, event)
    return _changed(course), 200, tagged(course.item.version)


@courses_api.route("/<id:course_id>/suspend")
class Suspend(MethodView):
    @courses_api.response(200, schemas.CourseDetailOut)
    def post(self, course_id: int) -> Any:
        """Hide the course from its audience for now; seats held stay readable."""
        return _move(course_id, "suspend")


@courses_api.route("/<id:course_id>/archive")
class Archive(MethodView):
    @courses_api.response(200, schemas.CourseDetailOut)
    def post(self, course_id: int) -> Any:
        """Close the course for good. Nothing is deleted."""
        return _move(course_id, "archive")


@courses_api.route("/<id:course_id>/offerings")
class Offerings(MethodView):
    @courses_api.response(200, listing(schemas.OfferingOut))
    def get(self, course_id: int) -> Any:
        """The course's offerings that I may see."""
        view = queries.view_course(db(), actor(), course_id)
        rows = [
            views.offering(each, may_join=view.may_edit or (each.id in view.seats and each.state != "cancelled"))
            for each in view.offerings
        ]
        return Page(rows, None, len(rows))

    @courses_api.arguments(schemas.OfferingIn)
    @courses_api.response(201, schemas.OfferingDetailOut)
    @courses_api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any], course_id: int) -> Any:
        """Make a draft offering with meetings and seats; without `term_id`, in the school's current term."""
        course = queries.view_course(db(), actor(), course_id, "offering.create").course
        offering = services.create_offering(db(), actor(), course, data)
        headers = {"Location": f"/api/v1/offerings/{offering.id}", **tagged(offering.version)}
        return _offering(offering.id), 201, headers


def _offering(offering_id: int) -> dict[str, Any]:
    return views.offering_detail(db(), actor(), queries.view_offering(db(), actor(), offering_id))


@offerings_api.route("/<id:offering_id>")
class OfferingById(MethodView):
    @offerings_api.response(200, schemas.OfferingDetailOut)
    def get(self, offering_id: int) -> Any:
        """One offering with its course, seats and every meeting as an absolute interval."""
        body = _offering(offering_id)
        return body, 200, tagged(body["version"])

    @offerings_api.arguments(schemas.OfferingFields(partial=True))
    @offerings_api.response(200, schemas.OfferingDetailOut)
    @offerings_api.doc(parameters=[IF_MATCH])
    def patch(self, data: dict[str, Any], offering_id: int) -> Any:
        """Change an offering. Lowering `seats` takes nobody's."""
        offering = queries.view_offering(db(), actor(), offering_id, "offering.edit").offering
        allow.require(actor(), "offering.edit", queries.subject(offering.course))
        require_match(offering.version)
        services.update_offering(db(), actor(), offering, data)
        return _offering(offering_id), 200, tagged(offering.version)


def _move_offering(offering_id: int, event: str) -> Any:
    offering = queries.view_offering(db(), actor(), offering_id, f"offering.{event}").offering
    services.move_offering(db(), actor(), offering, event)
    return _offering(offering_id), 200, tagged(offering.version)


@offerings_api.route("/<id:offering_id>/publish")
class PublishOffering(MethodView):
    @offerings_api.response(200, schemas.OfferingDetailOut)
    def post(self, offering_id: int) -> Any:
        """Open the offering to its course's audience."""
        return _move_offering(offering_id, "publish")


@offerings_api.route("/<id:offering_id>/archive")
class ArchiveOffering(MethodView):
    @offerings_api.response(200, schemas.OfferingDetailOut)
    def post(self, offering_id: int) -> Any:
        """Close the offering."""
        return _move_offering(offering_id, "archive")
