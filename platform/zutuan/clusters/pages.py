"""Schools and clusters as pages; a cluster's admins add schools and end memberships here."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from zutuan.clock import at_shanghai, local
from zutuan.clusters import figures, queries, rules, schemas, services
from zutuan.clusters.models import MEMBER_ROLES, Membership, School
from zutuan.clusters.permissions import allow, cluster_subject, school_subject
from zutuan.clusters.words import PLANNED_CLUSTERS, ROLE_WORDS
from zutuan.errors import Invalid, Refused, say
from zutuan.people.permissions import allow as people
from zutuan.policies.permissions import allow as policies
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Place, Subject
from zutuan.web.forms import Errors, load_form, messages_by_field, once
from zutuan.web.lists import Listing
from zutuan.web.requests import actor, db

blueprint = Blueprint("clusters", __name__, template_folder="templates")

PAGE = 50
MAX_CHOICES = 12


@blueprint.before_request
def in_navigation() -> None:
    """All these pages belong to the one entry of the navigation."""
    g.nav_endpoint = "clusters.clusters"


@blueprint.context_processor
def words() -> dict[str, Any]:
    return {"role_words": ROLE_WORDS, "member_roles": MEMBER_ROLES}


# --- schools ----------------------------------------------------------------------------------------------------


@blueprint.get("/schools")
def schools() -> ResponseReturnValue:
    who = actor()
    query = {
        "q": request.args.get("q", "").strip().replace("\x00", "")[:60],
        "province": request.args.get("province", "").replace("\x00", "")[:20],
        "cluster_id": None,
        "cursor": request.args.get("cursor"),
        "limit": PAGE,
    }
    page = queries.schools_page(db(), who, query)
    clusters = queries.clusters_of_schools(db(), [school.id for school in page.items], who.now)
    return render_template(
        "clusters/schools.html", listing=Listing.of(page), query=query, clusters=clusters,
        provinces=queries.provinces(db()), mine=who.school_ids,
        former=queries.former_names(db(), [school.id for school in page.items]),
    )  # fmt: skip


@blueprint.get("/schools/<id:school_id>")
def school(school_id: int) -> ResponseReturnValue:
    who = actor()
    view = queries.school_view(db(), who, school_id)
    departments = queries.departments_of(db(), who, school_id)
    may_change = allow.may(who, "school.rename", school_subject(who, school_id)) and view.successor is None
    at = Subject("school", school_id, places={"school": Place(school_id)})
    return render_template(
        "clusters/school.html", view=view, departments=departments, now=who.now, mine=who.school_ids,
        may_change=may_change, runs=people.may(who, "people.manage", at),
        settings=policies.may(who, "policy.read_school", at),
    )  # fmt: skip


# --- clusters ---------------------------------------------------------------------------------------------------


@blueprint.get("/clusters")
def clusters() -> ResponseReturnValue:
    who = actor()
    page = queries.clusters_page(db(), who, request.args.get("cursor"), PAGE)
    mine = {member.cluster_id for member in who.memberships}
    return render_template("clusters/list.html", listing=Listing.of(page), mine=mine, planned=PLANNED_CLUSTERS)


@blueprint.get("/clusters/<id:cluster_id>")
def cluster(cluster_id: int) -> ResponseReturnValue:
    return _cluster_page(cluster_id)


@blueprint.get("/clusters/<id:cluster_id>/figures")
def figures_page(cluster_id: int) -> ResponseReturnValue:
    view = queries.cluster_view(db(), actor(), cluster_id)
    found = figures.by_task(db(), actor(), cluster_id)
    kinds = current_app.extensions["zutuan"].kinds
    listings = {name: (kind.label, kind.listing) for name, kind in kinds.items() if kind.listing}
    shown = [each for each in found if each.kind in listings]
    return render_template("clusters/figures.html", view=view, figures=shown, listings=listings)


def _cluster_page(
    cluster_id: int,
    status: int = 200,
    errors: Errors | None = None,
    alert: str = "",
    choices: list[School] | None = None,
) -> ResponseReturnValue:
    """The page, and after a refused form what was typed, what is wrong with it, and the schools to choose from."""
    who = actor()
    view = queries.cluster_view(db(), who, cluster_id)
    stays = queries.stays(db(), Membership.cluster_id == cluster_id)
    subject = cluster_subject(who, cluster_id)
    page = render_template(
        "clusters/cluster.html", view=view, errors=errors or {}, alert=alert, choices=choices or [],
        coming=[stay for stay in stays if stay.state(who.now) == "coming"],
        timeline=rules.timeline(stays, who.now), reasons=_reasons(view), now=who.now, mine=who.school_ids,
        may_add=allow.may(who, "cluster.add_member", subject), values=request.form, key=once(),
        may_count=allow.may(who, "cluster.figures", subject),
        may_end=allow.may(who, "cluster.end_membership", subject),
    )  # fmt: skip
    return page, status


def _reasons(view: queries.ClusterView) -> list[dict[str, str]]:
    said = (say(caution.code, caution.params) for caution in view.cautions)
    return [{"message": message, "cure": cure} for message, cure in said]


def _allowed(cluster_id: int, action: str) -> Actor:
    """404 before 403, and both before anything is said about the form."""
    who = actor()
    queries.cluster_view(db(), who, cluster_id)
    allow.require(who, action, cluster_subject(who, cluster_id))
    return who


@blueprint.post("/clusters/<id:cluster_id>/members")
def add_member(cluster_id: int) -> ResponseReturnValue:
    who = _allowed(cluster_id, "cluster.add_member")
    choices: list[School] = []
    try:
        data = load_form(schemas.AddMemberForm())
        choices, count = queries.find_schools(db(), data["school"], MAX_CHOICES)
        picked = _pick(choices, count, data)
        joining = services.Joining(picked.id, data["role"], _instant(data["since"], who.now) or who.now)
        services.add_membership(db(), who, cluster_id, joining, who.now)
    except Invalid as error:
        return _cluster_page(cluster_id, 422, _beside(error), choices=choices)
    except Refused as error:
        said = " ".join(say(error.code, error.params)).strip()
        return _cluster_page(cluster_id, 409, {"role" if error.code == "lead_taken" else "school": [said]})
    flash(_("%(school)s已加入。", school=picked.name), "good")
    return redirect(url_for("clusters.cluster", cluster_id=cluster_id))


def _pick(choices: list[School], count: int, data: dict[str, Any]) -> School:
    """The school that was meant: named in full, or picked. A part of a name alone never decides."""
    for school in choices:
        if data["school"] in (school.name, school.code) or school.id == data["school_id"]:
            return school
    if not choices:
        raise Invalid.field("school", "no_such_school")
    raise Invalid.field("school", "choose_school" if count <= MAX_CHOICES else "too_many_schools", count=count)


def _beside(error: Invalid) -> Errors:
    """The sentences beside the form's fields; the API's name of the start is another one."""
    return {"since" if name == "from" else name: said for name, said in messages_by_field(error.errors).items()}


@blueprint.post("/clusters/<id:cluster_id>/memberships/<id:membership_id>/end")
def end_membership(cluster_id: int, membership_id: int) -> ResponseReturnValue:
    who = _allowed(cluster_id, "cluster.end_membership")
    try:
        at = _instant(load_form(schemas.EndMembershipForm())["at"], who.now)
        ended = services.end_membership(db(), who, cluster_id, membership_id, at, who.now)
    except Invalid as error:
        said = [each for every in messages_by_field(error.errors).values() for each in every]
        return _cluster_page(cluster_id, 422, alert=_("退出日期：%(why)s", why=" ".join(said)))
    except Refused as error:
        return _cluster_page(cluster_id, 409, alert=" ".join(say(error.code, error.params)))
    flash(_ended(queries.stays(db(), Membership.id == ended.id)[0], who.now), "good")
    return redirect(url_for("clusters.cluster", cluster_id=cluster_id))


def _ended(stay: rules.Stay, now: datetime) -> str:
    if stay.called_off:
        return _("已取消%(school)s的加入。", school=stay.school_name)
    if stay.state(now) == "ended":
        return _("%(school)s已退出。", school=stay.school_name)
    return _("%(school)s的退出日期已登记。", school=stay.school_name)


def _instant(day: date | None, now: datetime) -> datetime | None:
    """When a form's date begins; today means now."""
    return None if day is None or day == local(now).date() else at_shanghai(day)
