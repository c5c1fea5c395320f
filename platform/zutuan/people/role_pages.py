"""Who holds a role at a cluster or over the whole platform, and giving and taking it there."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from zutuan.clock import clock
from zutuan.clusters.models import Cluster
from zutuan.errors import Invalid, Refused
from zutuan.people import labels, roles, schemas, staff_queries
from zutuan.people.permissions import allow
from zutuan.people.roles import At
from zutuan.people.staff_pages import ends, starts
from zutuan.sharing.services import fetch
from zutuan.web.forms import Errors, load_form, refused, refused_at_once
from zutuan.web.requests import actor, db

blueprint = Blueprint("role", __name__, template_folder="templates")


@blueprint.get("/clusters/<id:cluster_id>/roles")
def cluster(cluster_id: int) -> ResponseReturnValue:
    return _page(At(cluster_id=cluster_id), {}, "")


@blueprint.get("/platform/roles")
def platform() -> ResponseReturnValue:
    return _page(At(), {}, "")


def _page(at: At, errors: Errors, alert: str, values: MultiDict[str, str] | None = None) -> str:
    who = actor()
    g.nav_endpoint = "clusters.clusters" if at.cluster_id else "staff.people"
    name = fetch(db(), Cluster, at.cluster_id).name if at.cluster_id else _("全平台")
    allow.require(who, "role.list", roles.subject_of(0, at))
    role = "cluster_admin" if at.cluster_id else "platform_admin"
    page = roles.assignments(db(), who, at, {"cursor": request.args.get("cursor"), "limit": 200})
    people = {held.person_id for held, _name in page.items}
    return render_template(
        "people/roles.html", at=at, place=name, role=role, held=page.items, errors=errors, alert=alert,
        schools=staff_queries.at_schools(db(), people), values=values or {}, now=who.now,
        may_grant=roles.may_grant(who, role, at),
    )  # fmt: skip


@blueprint.post("/clusters/<id:cluster_id>/roles")
def grant_at_cluster(cluster_id: int) -> ResponseReturnValue:
    fetch(db(), Cluster, cluster_id)
    return _grant(At(cluster_id=cluster_id), "cluster_admin")


@blueprint.post("/platform/roles")
def grant_at_platform() -> ResponseReturnValue:
    return _grant(At(), "platform_admin")


def _grant(at: At, role: str) -> ResponseReturnValue:
    allow.require(actor(), f"role.grant.{role}", roles.subject_of(0, at))
    now = clock.now()
    try:
        data = load_form(schemas.AppointForm())
        person = _named(data)
        made = roles.grant_many(db(), actor(), [person], role, at, starts(data["from_"], now), ends(data["until"]))
    except (Invalid, Refused) as error:
        return refused(error, lambda errors, said: _page(at, errors, said, request.form))
    said = (
        _("已授予“%(role)s”。", role=labels.ROLE[role])
        if made
        else _("这个人已经是“%(role)s”。", role=labels.ROLE[role])
    )
    flash(said, "good")
    return redirect(_address(at))


def _named(data: dict[str, Any]) -> int:
    """Whom the form means: somebody who is at that school under that number now."""
    person = staff_queries.person_of_number(db(), data["school"], data["number"], actor().now)
    if person is None:
        raise Invalid.field("number", "nobody_of_that_number")
    return person


def _address(at: At) -> str:
    return url_for("role.cluster", cluster_id=at.cluster_id) if at.cluster_id else url_for("role.platform")


@blueprint.post("/roles/<id:assignment_id>/revoke")
def revoke(assignment_id: int) -> ResponseReturnValue:
    at = roles.place_of(roles.revocable(db(), actor(), assignment_id))
    try:
        roles.revoke(db(), actor(), assignment_id)
    except Refused as error:
        return refused_at_once(error, lambda said: _page(at, {}, said))
    flash(_("已撤销；下一次访问即失效。"), "good")
    return redirect(_address(at) if at.school_id is None else url_for("staff.people", school=at.school_id))
