"""The offering page, my electives, approvals, the roster."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from courses.catalogue import editions
from courses.catalogue import hooks as course_hooks
from courses.catalogue import queries as catalogue
from courses.catalogue.models import Offering
from courses.enrolment import choosing, differences, hooks, papers, queries, schemas, seats, services, views
from courses.enrolment.models import Enrolment
from courses.enrolment.permissions import allow
from zutuan.errors import Denial, Forbidden, Invalid, Refused
from zutuan.exporting import xlsx_download
from zutuan.papers.services import of_subject
from zutuan.people.labels import STANDING
from zutuan.web.forms import Errors, load_form, once, refused, refused_at_once
from zutuan.web.lists import Listing, load_query
from zutuan.web.requests import actor, db, reading
from zutuan.web.texts import give_templates

blueprint = Blueprint("enrolment", __name__, template_folder="templates")
give_templates(
    blueprint, enrolment_events=views.EVENT, standing_words=STANDING, enrolment_state_filter=queries.combined,
    enrolment_story_filter=views.story, enrolment_lanes_filter=views.lanes, enrolment_chip_filter=views.chip,
    enrolment_called_off_filter=views.called_off,
)  # fmt: skip

PAGE = 25
SIZES = (25, 50, 100, services.AT_ONCE)
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
    holding = mine is not None and queries.tracks(mine).active
    studying = [each for each in who.affiliations if each.kind == "student"]
    home = next(iter(studying), None)
    # Who holds a place, or only teaches here, is not about to apply.
    applying = not holding and shown.state != "cancelled" and (studying or not view.may_edit)
    ahead = services.outlook(db(), who, offering_id, home) if applying else None
    may_read = allow.may(who, "roster.read", services.roster_reader(db(), who, shown))
    return render_template(
        "enrolment/offering.html", view=view, offering=shown, course=shown.course, mine=mine, home=home,
        studying=studying, ahead=ahead, holding=holding,
        place=services.place(db(), mine, who.now) if mine else None,
        counts=course_hooks.recognised(db(), who, [shown.course_id]).get(shown.course_id),
        edition=editions.at(db(), shown.course_id, mine.created_at) if mine else None,
        pool_names=catalogue.pool_names(db(), shown),
        reasons=_with_links(views.refusals(ahead.against), shown) if ahead else [], now=who.now,
        waiting=seats.waiting(db(), offering_id) if may_read else 0, meetings=catalogue.occurrences(db(), offering_id),
        reach=catalogue.reach(db(), who, shown.course), once=once(), overall=overall,
        dropping=who.now < shown.enrol_until,
        may_read_roster=may_read,
        heads=queries.roster_counts(db(), offering_id) if shown.minimum else {},
    )  # fmt: skip


OTHER_CLASS = ("offering_closed", "no_seats_for_school", "not_your_grade", "not_your_major")
OWN = ("time_clash", "exam_clash", "travel_clash", "credit_cap", "already_enrolled")


def _with_links(reasons: list[dict[str, str]], offering: Offering) -> list[dict[str, str]]:
    """Each cure leads to where it can be done."""
    links = {
        **dict.fromkeys(("window_closed", "already_passed"), url_for("catalogue.catalogue", available=1)),
        **dict.fromkeys(OTHER_CLASS, url_for("catalogue.course", course_id=offering.course_id)),
        **dict.fromkeys(OWN, url_for("enrolment.mine", state="active")),
    }
    return [{**each, "url": each["url"] or links.get(each["code"], "")} for each in reasons]


@blueprint.post("/offerings/<id:offering_id>/enrol")
def enrol(offering_id: int) -> ResponseReturnValue:
    try:
        data = load_form(schemas.EnrolIn())
        enrolment = services.enrol(db(), actor(), offering_id, **data, reading=reading())
    except (Invalid, Refused) as error:
        return refused_at_once(error, lambda first: _offering_page(offering_id, first))
    flash(views.submitted(enrolment), "good")
    return redirect(url_for("enrolment.enrolment", enrolment_id=enrolment.id))


# --- one enrolment ----------------------------------------------------------------------------------------------


@blueprint.get("/enrolments")
def mine() -> ResponseReturnValue:
    query = load_query(schemas.EnrolmentQuery(), PAGE)
    page = queries.mine(db(), actor(), query)
    places = {each.id: services.place(db(), each, actor().now) for each in page.items if each.host_state == "queued"}
    return render_template(
        "enrolment/mine.html",
        listing=Listing.of(page),
        query=query,
        places=places,
        lines=hooks.lines_of(db(), actor(), page.items),
    )


@blueprint.get("/enrolments/<id:enrolment_id>")
def enrolment(enrolment_id: int) -> ResponseReturnValue:
    return _enrolment_page(enrolment_id)


def _enrolment_page(enrolment_id: int, overall: str = "", errors: Errors | None = None) -> str:
    shown = queries.view_enrolment(db(), actor(), enrolment_id)
    own = shown.person_id == actor().person_id
    g.nav_endpoint = "enrolment.mine" if own else "enrolment.approvals"
    may = services.possible(actor(), shown)
    return render_template(
        "enrolment/enrolment.html", change=queries.changes_of_class(db(), [shown.id]).get(shown.id), enrolment=shown, may=may, own=own, overall="" if errors else overall,
        errors=errors or {}, reason=request.form.get("reason", ""), readable=queries.still_readable(db(), actor(), shown),
        state=queries.combined(shown), dropping=actor().now < shown.offering.enrol_until,
        place=services.place(db(), shown, actor().now), statement=request.form.get("statement", shown.statement),
        waits_because=views.waits_because(shown), offering=shown.offering,
        pool_names=catalogue.pool_names(db(), shown.offering) if shown.host_state == "queued" else {},
        look=differences.of(db(), [shown], actor().now).get(shown.id) if may["approve"] or may["return"] else None,
        papers=of_subject(db(), actor(), papers.about(enrolment_id)), once=once(),
        may_certify=papers.may_certify(db(), actor(), shown),
    )  # fmt: skip


MOVES = "approve, deny, return, resubmit, remind, accept, withdraw, release"


@blueprint.post(f"/enrolments/<id:enrolment_id>/<any({MOVES}):event>")
def move(enrolment_id: int, event: str) -> ResponseReturnValue:
    try:
        _move(enrolment_id, event)
    except (Invalid, Refused) as error:
        return refused(error, lambda errors, overall: _enrolment_page(enrolment_id, overall, errors))
    flash(str(views.DONE[event]), "good")
    back = request.form.get("back") == "approvals"  # from there its filters come along in the address
    return redirect(_same_list() if back else url_for("enrolment.enrolment", enrolment_id=enrolment_id))


@blueprint.post("/enrolments/<id:enrolment_id>/certificate")
def certificate(enrolment_id: int) -> ResponseReturnValue:
    try:
        paper = papers.certify(db(), actor(), enrolment_id)
    except Refused as error:
        return refused(error, lambda errors, overall: _enrolment_page(enrolment_id, overall, errors))
    return redirect(url_for("papers.paper", paper_id=paper.id))


def _move(enrolment_id: int, event: str) -> Enrolment:
    if event in ("remind", "accept"):
        step = {"remind": services.remind, "accept": services.accept}[event]
        return step(db(), actor(), enrolment_id)
    if event == "approve":
        return services.approve(db(), actor(), enrolment_id, load_form(schemas.NoteIn())["note"])
    if event == "resubmit":
        return services.resubmit(db(), actor(), enrolment_id, load_form(schemas.StatementIn())["statement"])
    with_reason = {
        "deny": services.deny, "return": services.return_, "withdraw": services.withdraw, "release": services.release,
    }  # fmt: skip
    return with_reason[event](db(), actor(), enrolment_id, load_form(schemas.WithdrawIn())["reason"])


# --- approvals --------------------------------------------------------------------------------------------------


@blueprint.get("/approvals")
def approvals() -> ResponseReturnValue:
    return _approvals_page()


def _approvals_page(overall: str = "", chosen: Collection[int] = ()) -> str:
    who, query = actor(), load_query(schemas.SchoolEnrolmentQuery(), _page_size())
    side = query["side"]
    if not allow.schools(who, f"enrolment.list_{side}"):
        raise Forbidden(Denial(f"enrolment.list_{side}"))
    awaited = {"home": "pending", "host": "requested"}[side]
    if query["mine"] or query["step"] or "state" not in request.args and side == "home":
        query["state"] = awaited
    decides = services.decides(who, side)
    deciding = decides and query["state"] == awaited
    page = queries.of_school(db(), who, query, deciding=deciding)
    count, since = queries.WAITING.of(db(), who)
    courses, departments = queries.choices(db(), who, side)
    return render_template(
        "enrolment/approvals.html", listing=Listing.of(page), query=query, count=count, since=since, overall=overall,
        deciding=deciding, old_days=OLD_DAYS, now=who.now, chosen=chosen, decides=decides,
        reason=request.form.get("reason", ""), courses=courses, departments=departments, sizes=SIZES,
        may={each.id: services.may_approve(who, each) for each in page.items} if deciding else {},
        look=differences.of(db(), page.items, who.now) if deciding else {},
        may_deny=bool(allow.schools(who, "enrolment.deny" if side == "home" else "enrolment.host_deny")),
        steps=[(name, views.STEP[name]) for name in queries.STEPS[side]],
    )  # fmt: skip


def _page_size() -> int:
    wanted = request.args.get("n", type=int)
    return wanted if wanted in SIZES else PAGE


@blueprint.post("/approvals")
def decide() -> ResponseReturnValue:
    """Several at once: all or none. Each is a real decision with its own notice and audit row."""
    ids = _ticked()
    event = request.form.get("do", "approve")
    event = event if event in ("deny", "return") else "approve"
    try:
        reason = load_form(schemas.WithdrawIn())["reason"] if event != "approve" else ""
        services.decide_all(db(), actor(), ids, event, reason)
    except (Invalid, Refused) as error:
        return refused_at_once(error, lambda first: _approvals_page(first, ids))
    flash(views.decided(event, len(ids)), "good")
    return redirect(_same_list())


def _ticked() -> list[int]:
    return sorted({int(text) for text in request.form.getlist("id") if re.fullmatch(r"[1-9][0-9]{0,17}", text)})


def _same_list() -> str:
    """The approval centre with the filters that it had."""
    kept = [(key, value) for key, value in request.args.items(multi=True) if key != "cursor"]
    return url_for("enrolment.approvals") + (f"?{urlencode(kept)}" if kept else "")


# --- roster -----------------------------------------------------------------------------------------------------


@blueprint.get("/offerings/<id:offering_id>/roster")
def roster(offering_id: int) -> ResponseReturnValue:
    return _roster_page(offering_id)


def _roster_of(offering_id: int) -> catalogue.OfferingView:
    """404 for who does not see the offering, 403 for who may not read its roster."""
    g.nav_endpoint = "catalogue.mine"
    view = catalogue.view_offering(db(), actor(), offering_id, "roster.read")
    allow.require(actor(), "roster.read", services.roster_reader(db(), actor(), view.offering))
    return view


def _roster_query() -> dict[str, Any]:
    query: dict[str, Any] = load_query(schemas.EnrolmentQuery(), _page_size())
    return query if "state" in request.args else {**query, "state": "active"}


def _roster_page(
    offering_id: int, overall: str = "", chosen: Collection[int] = (), results: Sequence[choosing.Outcome] = ()
) -> str:
    view, query = _roster_of(offering_id), _roster_query()
    offering, page = view.offering, queries.roster(db(), offering_id, query)
    chooses = offering.seats_by == "choice" and allow.may(
        actor(), "enrolment.choose", services.roster_subject(offering)
    )
    return render_template(
        "enrolment/roster.html", listing=Listing.of(page), query=query, offering=offering, course=offering.course,
        places=queries.queue_places(db(), offering, actor().now), counts=queries.roster_counts(db(), offering_id), sizes=SIZES,
        queue_pools=queries.queue_pools(db(), offering, actor().now),
        pool_names=catalogue.pool_names(db(), offering) if len(offering.pools) > 1 else {},
        may_choose={each.id for each in page.items if chooses and services.may_choose(each)},
        overall=overall, chosen=chosen, reason=request.form.get("reason", ""),
        done=sum(each.refused is None for each in results), left=len(chosen), refused=views.refused_ones(results),
    )  # fmt: skip


@blueprint.post("/offerings/<id:offering_id>/roster")
def choose(offering_id: int) -> ResponseReturnValue:
    """The teacher takes or declines several of those who ask: each for itself, and what stands against one is shown."""
    offering = _roster_of(offering_id).offering
    ids, event = _ticked(), "deny" if request.form.get("do") == "deny" else "approve"
    try:
        reason = load_form(schemas.WithdrawIn())["reason"] if event == "deny" else ""
        results = choosing.choose_each(db(), actor(), offering, ids, event, reason)
    except (Invalid, Refused) as error:
        return refused_at_once(error, lambda first: _roster_page(offering_id, first, ids))
    left = [each.enrolment_id for each in results if each.refused is not None]
    if left:
        return _roster_page(offering_id, "", left, results)
    flash(views.chosen(event, len(ids)), "good")
    return redirect(url_for("enrolment.roster", offering_id=offering_id, state=_roster_query()["state"]))


@blueprint.get("/offerings/<id:offering_id>/roster.xlsx")
def roster_workbook(offering_id: int) -> ResponseReturnValue:
    """The roster as it is filtered, whole."""
    offering = _roster_of(offering_id).offering
    rows = queries.whole_roster(db(), offering_id, _roster_query())
    table = views.roster_table(offering, rows, queries.queue_places(db(), offering, actor().now))
    return xlsx_download(f"{offering.course.code}-{offering.code}.xlsx", table)
