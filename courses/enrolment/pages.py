"""The offering page, my electives, approvals, the roster."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from courses.catalogue import queries as catalogue
from courses.enrolment import papers, queries, schemas, services, views
from courses.enrolment.models import Enrolment
from courses.enrolment.permissions import allow
from zutuan.errors import Denial, Forbidden, Invalid, Refused
from zutuan.papers.services import of_subject
from zutuan.web.forms import Errors, load_form, once, refused, refused_at_once
from zutuan.web.lists import Listing, load_query
from zutuan.web.requests import actor, db
from zutuan.web.texts import give_templates

blueprint = Blueprint("enrolment", __name__, template_folder="templates")
give_templates(
    blueprint, enrolment_states=views.STATE, enrolment_events=views.EVENT, enrolment_state_filter=queries.combined,
    enrolment_story_filter=views.story, enrolment_lanes_filter=views.lanes,
)  # fmt: skip

PAGE = 25
OLD_DAYS = 2


@blueprint.get("/offerings/<id:offering_id>")
def offering(offering_id: int) -> ResponseReturnValue:
    return _offering_page(offering_id)


def _offering_page(offering_id: int, overall: str = "") -> str:
    g.nav_endpoint = "catalogue.catalogue"
    who = actor()
    view = catalogue.view_offering(db(), who, offering_id)
    shown = view.offering
    mine = queries.active_in(db(), who.person_id, offering_id)
    home = next((each for each in who.affiliations if each.kind == "student"), None)
    against = services.reasons_against(db(), who, shown, home, promised=view.promised)
    return render_template(
        "enrolment/offering.html", view=view, offering=shown, course=shown.course, mine=mine, home=home,
        studying=[each for each in who.affiliations if each.kind == "student"],
        reasons=views.refusals(against), meetings=catalogue.occurrences(db(), offering_id),
        reach=catalogue.reach(db(), who, shown.course), once=once(), overall=overall,
        dropping=who.now < shown.enrol_until,
        days=services.approval_days(db(), home, who.now) if home and not against else 0,
        may_read_roster=allow.may(who, "roster.read", services.roster_subject(shown)),
    )  # fmt: skip


@blueprint.post("/offerings/<id:offering_id>/enrol")
def enrol(offering_id: int) -> ResponseReturnValue:
    try:
        data = load_form(schemas.EnrolIn())
        enrolment = services.enrol(db(), actor(), offering_id, data["affiliation_id"])
    except (Invalid, Refused) as error:
        return refused_at_once(error, lambda first: _offering_page(offering_id, first))
    flash(_("已提交，名额已为您保留。%(next)s。", next=views.pending_note(enrolment)), "good")
    return redirect(url_for("enrolment.enrolment", enrolment_id=enrolment.id))


# --- one enrolment ----------------------------------------------------------------------------------------------


@blueprint.get("/enrolments")
def mine() -> ResponseReturnValue:
    query = load_query(schemas.EnrolmentQuery(), PAGE)
    page = queries.mine(db(), actor(), query)
    return render_template("enrolment/mine.html", listing=Listing.of(page), query=query)


@blueprint.get("/enrolments/<id:enrolment_id>")
def enrolment(enrolment_id: int) -> ResponseReturnValue:
    return _enrolment_page(enrolment_id)


def _enrolment_page(enrolment_id: int, overall: str = "", errors: Errors | None = None) -> str:
    shown = queries.view_enrolment(db(), actor(), enrolment_id)
    subject = queries.subject(shown)
    own = shown.person_id == actor().person_id
    g.nav_endpoint = "enrolment.mine" if own else "enrolment.approvals"
    may = {event: allow.may(actor(), f"enrolment.{event}", subject) for event in ("approve", "withdraw")}
    may["deny"] = services.denying_side(actor(), shown) is not None
    return render_template(
        "enrolment/enrolment.html", enrolment=shown, may=may, own=own, overall="" if errors else overall,
        errors=errors or {}, reason=request.form.get("reason", ""), readable=queries.still_readable(db(), actor(), shown),
        state=queries.combined(shown), holds=queries.tracks(shown).holds_seat,
        dropping=actor().now < shown.offering.enrol_until,
        pending=shown.home_state == "pending" and shown.host_state == "accepted",
        papers=of_subject(db(), actor(), papers.about(enrolment_id)), once=once(),
        may_certify=papers.may_certify(db(), actor(), shown),
    )  # fmt: skip


@blueprint.post("/enrolments/<id:enrolment_id>/<any(approve, deny, withdraw):event>")
def move(enrolment_id: int, event: str) -> ResponseReturnValue:
    try:
        _move(enrolment_id, event)
    except (Invalid, Refused) as error:
        return refused(error, lambda errors, overall: _enrolment_page(enrolment_id, overall, errors))
    flash(
        {"approve": _("已通过。"), "deny": _("已退回，名额已释放。"), "withdraw": _("已退出，名额已释放。")}[event],
        "good",
    )
    back = request.form.get("back") == "approvals"
    return redirect(
        url_for("enrolment.approvals") if back else url_for("enrolment.enrolment", enrolment_id=enrolment_id)
    )


@blueprint.post("/enrolments/<id:enrolment_id>/certificate")
def certificate(enrolment_id: int) -> ResponseReturnValue:
    try:
        paper = papers.certify(db(), actor(), enrolment_id)
    except Refused as error:
        return refused(error, lambda errors, overall: _enrolment_page(enrolment_id, overall, errors))
    return redirect(url_for("papers.paper", paper_id=paper.id))


def _move(enrolment_id: int, event: str) -> Enrolment:
    if event == "approve":
        return services.approve(db(), actor(), enrolment_id, load_form(schemas.NoteIn())["note"])
    if event == "deny":
        return services.deny(db(), actor(), enrolment_id, load_form(schemas.WithdrawIn())["reason"])
    return services.withdraw(db(), actor(), enrolment_id, load_form(schemas.WithdrawIn())["reason"])


# --- approvals --------------------------------------------------------------------------------------------------


@blueprint.get("/approvals")
def approvals() -> ResponseReturnValue:
    return _approvals_page()


def _approvals_page(overall: str = "", chosen: Collection[int] = ()) -> str:
    query = load_query(schemas.SchoolEnrolmentQuery(), PAGE)
    if not allow.schools(actor(), f"enrolment.list_{query['side']}"):
        raise Forbidden(Denial(f"enrolment.list_{query['side']}"))
    if "state" not in request.args and query["side"] == "home":
        query["state"] = "pending"
    page = queries.of_school(db(), actor(), query)
    count, since = queries.waiting(db(), actor())
    may_decide = bool(allow.schools(actor(), "enrolment.approve"))
    return render_template(
        "enrolment/approvals.html", listing=Listing.of(page), query=query, count=count, since=since, overall=overall,
        deciding=may_decide and query["side"] == "home" and query["state"] == "pending", old_days=OLD_DAYS, now=actor().now, chosen=chosen,
        decides=may_decide, reason=request.form.get("reason", ""),
    )  # fmt: skip


@blueprint.post("/approvals")
def decide() -> ResponseReturnValue:
    """Several at once: all or none. Each is a real decision with its own notice and audit row."""
    ids = sorted({int(text) for text in request.form.getlist("id") if re.fullmatch(r"[1-9][0-9]{0,17}", text)})
    event = "deny" if request.form.get("do") == "deny" else "approve"
    try:
        if not ids:
            raise Refused("nothing_chosen")
        reason = load_form(schemas.WithdrawIn())["reason"] if event == "deny" else ""
        if len(ids) > PAGE:
            raise Refused("too_many_chosen", max=PAGE)
        for enrolment_id in ids:
            if event == "deny":
                services.deny(db(), actor(), enrolment_id, reason)
            else:
                services.approve(db(), actor(), enrolment_id)
    except (Invalid, Refused) as error:
        return refused_at_once(error, lambda first: _approvals_page(first, ids))
    done = _("已通过 %(n)s 项。", n=len(ids)) if event == "approve" else _("已退回 %(n)s 项，名额已释放。", n=len(ids))
    flash(done, "good")
    return redirect(url_for("enrolment.approvals"))


# --- roster -----------------------------------------------------------------------------------------------------


@blueprint.get("/offerings/<id:offering_id>/roster")
def roster(offering_id: int) -> ResponseReturnValue:
    g.nav_endpoint = "catalogue.mine"
    view = catalogue.view_offering(db(), actor(), offering_id, "roster.read")
    allow.require(actor(), "roster.read", services.roster_subject(view.offering))
    query: dict[str, Any] = load_query(schemas.EnrolmentQuery(), PAGE)
    if "state" not in request.args:
        query["state"] = "active"
    page = queries.roster(db(), offering_id, query)
    return render_template(
        "enrolment/roster.html", listing=Listing.of(page), query=query, offering=view.offering,
        course=view.offering.course,
    )  # fmt: skip
