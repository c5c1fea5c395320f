"""`/schools` and `/clusters`."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from zutuan.clusters import figures, queries, schemas, services
from zutuan.paging import Page
from zutuan.web.api import IDEMPOTENCY, Blueprint, ListQuery, listing, query_schema, tagged
from zutuan.web.requests import actor, db

schools_api = Blueprint("api-schools", __name__, url_prefix="/api/v1/schools", description="schools")
clusters_api = Blueprint("api-clusters", __name__, url_prefix="/api/v1/clusters", description="clusters of schools")


class SchoolsQuery(schemas.SchoolQuery, ListQuery):
    """By part of the name or the beginning of the code, province, and cluster (members of now)."""


@schools_api.route("")
class Schools(MethodView):
    @schools_api.arguments(query_schema(SchoolsQuery), location="query")
    @schools_api.response(200, listing(schemas.SchoolOut))
    def get(self, query: dict[str, Any]) -> Any:
        """Schools."""
        return queries.schools_page(db(), actor(), query)


@schools_api.route("/<id:school_id>")
class School(MethodView):
    @schools_api.response(200, schemas.SchoolDetailOut)
    def get(self, school_id: int) -> Any:
        """A school with its memberships of all time."""
        who = actor()
        view = queries.school_view(db(), who, school_id)
        memberships = [queries.shown(stay, who.now) for stay in (*view.now, *view.before)]
        school = view.school
        changes = {
            "former_names": view.former,
            "successor_id": school.successor_id,
            "succeeded_on": school.succeeded_on,
        }
        return {**schemas.SchoolOut().dump(school), **changes, "memberships": memberships}


@schools_api.route("/<id:school_id>/departments")
class Departments(MethodView):
    @schools_api.response(200, listing(schemas.DepartmentOut))
    def get(self, school_id: int) -> Any:
        """A school's departments."""
        found = queries.departments_of(db(), actor(), school_id)
        return Page(found, None, len(found))


class ClustersQuery(ListQuery):
    """All clusters."""


@clusters_api.route("")
class Clusters(MethodView):
    @clusters_api.arguments(query_schema(ClustersQuery), location="query")
    @clusters_api.response(200, listing(schemas.ClusterOut))
    def get(self, query: dict[str, Any]) -> Any:
        """Clusters with their counts of now and where they depart from 1+M+N."""
        return queries.clusters_page(db(), actor(), query["cursor"], query["limit"])


@clusters_api.route("/<id:cluster_id>")
class Cluster(MethodView):
    @clusters_api.response(200, schemas.ClusterOut)
    def get(self, cluster_id: int) -> Any:
        """A cluster. Its version grows when a school joins or its leaving is written down."""
        view = queries.cluster_view(db(), actor(), cluster_id)
        return view, tagged(view.version)


@clusters_api.route("/<id:cluster_id>/figures")
class Figures(MethodView):
    @clusters_api.response(200, listing(schemas.FigureOut))
    def get(self, cluster_id: int) -> Any:
        """Published items by kind and task of the plan; each count is that of `/courses?plan=…&cluster_id=…`."""
        found = figures.by_task(db(), actor(), cluster_id)
        return Page(found, None, len(found))


class MembershipsQuery(schemas.MembershipQuery, ListQuery):
    """All over time, or only those open now, or only the others."""


@clusters_api.route("/<id:cluster_id>/memberships")
class Memberships(MethodView):
    @clusters_api.arguments(query_schema(MembershipsQuery), location="query")
    @clusters_api.response(200, listing(schemas.ClusterMembershipOut))
    def get(self, query: dict[str, Any], cluster_id: int) -> Any:
        """Which schools belong to a cluster, belonged, and will belong."""
        return queries.memberships_page(db(), actor(), cluster_id, query)

    @clusters_api.arguments(schemas.MembershipIn)
    @clusters_api.response(201, schemas.ClusterMembershipOut)
    @clusters_api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any], cluster_id: int) -> Any:
        """Make a school a member: from then on each sees what the other shares with the cluster."""
        who = actor()
        joining = services.Joining(data["school_id"], data["role"], data["from_"] or who.now)
        membership = services.add_membership(db(), who, cluster_id, joining, who.now)
        return queries.membership(db(), membership.id, who.now)


@clusters_api.route("/<id:cluster_id>/memberships/<id:membership_id>/end")
class MembershipEnd(MethodView):
    @clusters_api.arguments(schemas.MembershipEndIn, required=False)
    @clusters_api.response(200, schemas.ClusterMembershipOut)
    def post(self, data: dict[str, Any], cluster_id: int, membership_id: int) -> Any:
        """End a membership: at that instant the school loses both directions. One that has not begun is called off."""
        who = actor()
        services.end_membership(db(), who, cluster_id, membership_id, data["at"], who.now)
        db().flush()
        return queries.membership(db(), membership_id, who.now)
