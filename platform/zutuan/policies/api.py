"""`/schools/{id}/policies`, `/clusters/{id}/policies`, `/policies`."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from zutuan.errors import NotFound
from zutuan.paging import Page
from zutuan.policies import schemas, services, views
from zutuan.web.api import IF_MATCH, Blueprint, listing, require_match, tagged
from zutuan.web.requests import actor, db

schools_api = Blueprint(
    "api-school-policies", __name__, url_prefix="/api/v1/schools", description="a school's policies"
)
clusters_api = Blueprint(
    "api-cluster-policies", __name__, url_prefix="/api/v1/clusters", description="a cluster's policies"
)
platform_api = Blueprint("api-policies", __name__, url_prefix="/api/v1/policies", description="the platform's policies")


def _all(level: str, id_: int | None) -> Page:
    where, _name = views.place(level, id_)
    found = views.shown(where)
    return Page(found, None, len(found))


def _one(level: str, id_: int | None, key: str) -> views.Shown:
    where, _name = views.place(level, id_)
    found = views.one(where, key)
    if found is None:
        raise NotFound
    return found


def _decide(level: str, id_: int | None, key: str, data: dict[str, Any]) -> Any:
    require_match(_one(level, id_, key).version)
    where, _name = views.place(level, id_)
    services.decide(db(), actor(), where, key, data["value"], data["from_"])
    found = _one(level, id_, key)
    return found, 200, tagged(found.version)


@schools_api.route("/<id:school_id>/policies")
class SchoolPolicies(MethodView):
    @schools_api.response(200, listing(schemas.PolicyOut))
    def get(self, school_id: int) -> Any:
        """What holds at the school, where it comes from, what is planned and what was."""
        return _all("school", school_id)


@schools_api.route("/<id:school_id>/policies/<key>")
class SchoolPolicy(MethodView):
    @schools_api.response(200, schemas.PolicyOut)
    def get(self, school_id: int, key: str) -> Any:
        """One policy of the school."""
        found = _one("school", school_id, key)
        return found, tagged(found.version)

    @schools_api.arguments(schemas.DecisionIn)
    @schools_api.response(200, schemas.PolicyOut)
    @schools_api.doc(parameters=[IF_MATCH])
    def put(self, data: dict[str, Any], school_id: int, key: str) -> Any:
        """Decide it for the school, from now or a later instant."""
        return _decide("school", school_id, key, data)


@clusters_api.route("/<id:cluster_id>/policies")
class ClusterPolicies(MethodView):
    @clusters_api.response(200, listing(schemas.PolicyOut))
    def get(self, cluster_id: int) -> Any:
        """What the cluster has decided for its members."""
        return _all("cluster", cluster_id)


@clusters_api.route("/<id:cluster_id>/policies/<key>")
class ClusterPolicy(MethodView):
    @clusters_api.response(200, schemas.PolicyOut)
    def get(self, cluster_id: int, key: str) -> Any:
        """One policy of the cluster."""
        found = _one("cluster", cluster_id, key)
        return found, tagged(found.version)

    @clusters_api.arguments(schemas.DecisionIn)
    @clusters_api.response(200, schemas.PolicyOut)
    @clusters_api.doc(parameters=[IF_MATCH])
    def put(self, data: dict[str, Any], cluster_id: int, key: str) -> Any:
        """Decide it for the cluster's members that have not decided it themselves."""
        return _decide("cluster", cluster_id, key, data)


@platform_api.route("")
class Policies(MethodView):
    @platform_api.response(200, listing(schemas.PolicyOut))
    def get(self) -> Any:
        """The platform's policies, for platform admins."""
        return _all("platform", None)


@platform_api.route("/<key>")
class Policy(MethodView):
    @platform_api.response(200, schemas.PolicyOut)
    def get(self, key: str) -> Any:
        """One policy of the platform."""
        found = _one("platform", None, key)
        return found, tagged(found.version)

    @platform_api.arguments(schemas.DecisionIn)
    @platform_api.response(200, schemas.PolicyOut)
    @platform_api.doc(parameters=[IF_MATCH])
    def put(self, data: dict[str, Any], key: str) -> Any:
        """Decide it for everybody who has not decided it themselves."""
        return _decide("platform", None, key, data)
