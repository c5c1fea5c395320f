"""调停课 on pages: an offering's meetings and what may be asked of each, the form with its preview, the registrar's list."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from courses.adjustments import clashes, facts, queries, rules, schemas, services, views, words
from courses.adjustments.facts import Draft
from courses.adjustments.permissions import allow
from courses.catalogue import queries as catalogue
from courses.catalogue.models import Offering
from courses.enrolment.schemas import NoteIn, WithdrawIn
from zutuan.errors import Denial, Forbidden, Invalid, Refused
from zutuan.web.forms import Errors, load_form, once, refused, refused_at_once
from zutuan.web.lists import Listing, load_query
from zutuan.web.requests import actor, db
from zutuan.web.texts import give_templates

blueprint = Blueprint("adjustments", __name__, template_folder="templates")
give_templates(
    blueprint, adjustment_kinds=words.KIND, adjustment_roles=views.ROLE, adjustment_states=words.STATE,
    adjustment_text_filter=words.sentence, adjustment_chip_filter=views.state_chip,
    adjustment_against_filter=views.against_text, adjustment_line_filter=views.line_text,
    adjustment_free_filter=views.free_text, adjustment_free_date_filter=views.free_date, adjustment_span_filter=lambda span: views.span(*span),
)  # fmt: skip

PAGE = 25
FIELDS = (
    "kind", "week", "weekday", "period", "date", "first_period", "last_period", "place", "substitute", "reason"
)  # fmt: skip


# --- an offering's meetings -------------------------------------------------------------------------------------


def _running(offering_id: int) -> Offering:
    """The offering, for whoever may ask of it: 404 for whom it is not there, 403 for the others."""
    g.nav_endpoint = "catalogue.mine"
    offering = catalogue.view_offering(db(), actor(), offering_id, "adjustment.ask").offering
    allow.require(actor(), "adjustment.ask", queries.subject_of(offering))
    return offering


@blueprint.get("/offerings/<id:offering_id>/adjustments")
def of_offering(offering_id: int) -> ResponseReturnValue:
    offering = _running(offering_id)
    found = queries.of_offering(db(), actor(), offering)
    return render_template(
        "adjustments/offering.html", offering=offering, course=offering.course, now=actor().now, found=found,
        lines=queries.lines(db(), offering, found),
    )  # fmt: skip


@blueprint.get("/offerings/<id:offering_id>/adjustments/new")
def new(offering_id: int) -> ResponseReturnValue:
    values = {name: request.args.get(name, "") for name in FIELDS}
    values["kind"] = values["kind"] if values["kind"] in rules.KINDS else "make_up"
    offering = _running(offering_id)
    values |= _as_long(offering, values)
    return _form(offering, values, {}, "")


def _as_long(offering: Offering, values: dict[str, str]) -> dict[str, str]:
    """The new time begins as the same periods."""
    named = [values["week"], values["weekday"], values["period"]]
    if not all(text.isdecimal() for text in named) or values["first_period"]:
        return {}
    week, weekday, period = (int(text) for text in named)
    return {"first_period": str(period), "last_period": str(facts.last_period(offering, (week, weekday, period)))}


@blueprint.post("/offerings/<id:offering_id>/adjustments/new")
def ask(offering_id: int) -> ResponseReturnValue:
    """Ask, or first see whom it would meet."""
    offering = _running(offering_id)
    try:
        if request.form.get("do") == "preview":
            found = services.preview(db(), actor(), offering_id, load_form(schemas.WishIn(exclude=["starts", "ends"])))
            return _form(offering, _typed(), {}, "", views.preview(*found))
        made = services.ask(db(), actor(), offering_id, load_form(schemas.AdjustmentIn()))
    except (Invalid, Refused) as error:
        return refused(error, lambda *wrong: _form(_running(offering_id), _typed(), *wrong))
    flash(_("已提交，等待教务员审批。"), "good")
    return redirect(url_for("adjustments.adjustment", adjustment_id=made.id))


def _typed() -> dict[str, str]:
    return {name: request.form.get(name, "") for name in FIELDS}


def _form(
    offering: Offering, values: dict[str, str], errors: Errors, overall: str, preview: dict[str, Any] | None = None
) -> str:
    here = facts.calendar_of(db(), offering)
    meeting = next(
        (each for each in queries.lines(db(), offering, []) if [str(each.week), str(each.weekday), str(each.period)]
         == [values["week"], values["weekday"], values["period"]]), None,
    )  # fmt: skip
    return render_template(
        "adjustments/form.html", offering=offering, course=offering.course, values=values, errors=errors,
        overall=overall, preview=preview, once=once(), meeting=meeting, periods=sorted(here.periods.items()),
        colleagues=queries.colleagues(db(), offering, actor().now) if values["kind"] != "cancel" else [],
    )  # fmt: skip


# --- one of them ------------------------------------------------------------------------------------------------


@blueprint.get("/adjustments/<id:adjustment_id>")
def adjustment(adjustment_id: int) -> ResponseReturnValue:
    return _page(adjustment_id)


def _page(adjustment_id: int, overall: str = "") -> str:
    who = actor()
    shown = queries.view(db(), who, adjustment_id)
    subject = queries.subject(shown)
    decides = allow.may(who, "adjustment.decide", subject)
    g.nav_endpoint = "adjustments.approvals" if decides else "catalogue.mine"
    whole, waits = allow.may(who, "adjustment.read", subject), shown.state == "asked"
    look = clashes.look(db(), shown.offering, Draft.of(shown), who.now) if waits and whole else None
    return render_template(
        "adjustments/adjustment.html", value=shown, offering=shown.offering, course=shown.offering.course, whole=whole,
        decides=decides and waits, takes_back=decides and shown.state == "approved",
        withdraws=waits and allow.may(who, "adjustment.withdraw", subject), look=look, overall=overall,
        counts=views.counts(look) if look else None, reason=request.form.get("reason", ""),
        asks=allow.may(who, "adjustment.ask", queries.subject_of(shown.offering)),
    )  # fmt: skip


@blueprint.post("/adjustments/<id:adjustment_id>/<any(approve, deny, withdraw):event>")
def decide(adjustment_id: int, event: str) -> ResponseReturnValue:
    try:
        if event == "approve":
            services.approve(db(), actor(), adjustment_id, load_form(NoteIn())["note"])
        else:
            step = {"deny": services.deny, "withdraw": services.withdraw}[event]
            step(db(), actor(), adjustment_id, load_form(WithdrawIn())["reason"])
    except (Invalid, Refused) as error:
        return refused_at_once(error, lambda first: _page(adjustment_id, first))
    flash(str(views.DONE[event]), "good")
    return redirect(url_for("adjustments.adjustment", adjustment_id=adjustment_id))


@blueprint.get("/adjustments")
def approvals() -> ResponseReturnValue:
    """Those of my school's classes; what waits first."""
    who = actor()
    if not allow.schools(who, "adjustment.list"):
        raise Forbidden(Denial("adjustment.list"))
    query = load_query(schemas.AdjustmentQuery(), PAGE)
    if "state" not in request.args:
        query["state"] = "asked"
    page = queries.of_schools(db(), who, query)
    count, since = queries.WAITING.of(db(), who)
    return render_template(
        "adjustments/approvals.html", listing=Listing.of(page), query=query, count=count, since=since,
        decides=bool(allow.schools(who, "adjustment.decide")),
    )  # fmt: skip
