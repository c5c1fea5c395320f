"""`/roles`: who holds which role where; granting, revoking, delegating."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from sqlalchemy.orm import Session

from zutuan.paging import Page
from zutuan.people import roles, schemas
from zutuan.people.models import Person, RoleAssignment
from zutuan.people.roles import At
from zutuan.web.api import IDEMPOTENCY, Blueprint, ListQuery, listing, query_schema
from zutuan.web.requests import actor, db

roles_api = Blueprint("api-roles", __name__, url_prefix="/api/v1/roles", description="roles that people hold")


class RolesQuery(schemas.AssignmentsQuery, ListQuery):
    """Roles at one place that are held now or from a day to come."""


def _shown(session: Session, held: RoleAssignment, name: str | None = None) -> dict[str, Any]:
    names = ("id", "person_id", "role", "school_id", "department_id", "cluster_id", "from_", "until", "delegates")
    said = session.get_one(Person, held.person_id).name if name is None else name
    return {**{each: getattr(held, each) for each in names}, "person_name": said}


@roles_api.route("")
class Roles(MethodView):
    @roles_api.arguments(query_schema(RolesQuery), location="query")
    @roles_api.response(200, listing(schemas.AssignmentOut))
    def get(self, query: dict[str, Any]) -> Any:
        """Who holds roles at a school (its managers see it), a cluster (its admins) or the platform; or one's own."""
        at = None if query["mine"] else At(query["school_id"], None, query["cluster_id"])
        page = roles.assignments(db(), actor(), at, query)
        return Page([_shown(db(), *each) for each in page.items], page.next, page.total)

    @roles_api.arguments(schemas.GrantIn)
    @roles_api.response(201, listing(schemas.AssignmentOut))
    @roles_api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any]) -> Any:
        """Grant a role to several people, all or none; who holds it already keeps it and is not in the answer."""
        who, at = actor(), At(data["school_id"], data["department_id"], data["cluster_id"])
        made = roles.grant_many(
            db(), who, data["person_ids"], data["role"], at, data["from_"] or who.now, data["until"]
        )
        return Page([_shown(db(), each) for each in made], None, len(made))


@roles_api.route("/<id:assignment_id>/revoke")
class RoleRevoke(MethodView):
    @roles_api.response(200, schemas.AssignmentOut)
    def post(self, assignment_id: int) -> Any:
        """End a role now, and what was delegated of it: by whoever may grant it, or whoever delegated it."""
        return _shown(db(), roles.revoke(db(), actor(), assignment_id))


@roles_api.route("/<id:assignment_id>/delegate")
class RoleDelegate(MethodView):
    @roles_api.arguments(schemas.DelegateIn)
    @roles_api.response(201, schemas.AssignmentOut)
    @roles_api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any], assignment_id: int) -> Any:
        """Let a colleague act in one's own role for some days. A delegation is not handed on."""
        who = actor()
        held = roles.delegate(db(), who, assignment_id, data["number"], data["from_"] or who.now, data["until"])
        return _shown(db(), held)
