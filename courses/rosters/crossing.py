"""外出修读 and 来校修读: a registrar's lists, and exports in the orders that the school saved."""

from __future__ import annotations

from typing import Any

from flask import g, render_template, request
from flask.typing import ResponseReturnValue

from courses.catalogue import labels
from courses.catalogue import queries as catalogue
from courses.catalogue.models import Offering
from courses.enrolment import queries as enrolments
from courses.enrolment import services as enrolling
from courses.enrolment.models import Enrolment
from courses.enrolment.permissions import allow as enrolment_allow
from courses.enrolment.schemas import EnrolmentQuery
from courses.rosters import kinds, queries, schemas
from courses.rosters.pages import blueprint
from zutuan.clock import local
from zutuan.errors import Denial, Forbidden, Refused
from zutuan.exports import queries as exports
from zutuan.exports.kinds import ExportKind
from zutuan.exports.views import ways
from zutuan.exports.writing import download
from zutuan.sharing.actor import Actor
from zutuan.web.forms import errors_of
from zutuan.web.lists import Listing, load_query
from zutuan.web.requests import actor, db

PAGE = 50
EXPORT = {"home": "rosters.export_outgoing", "host": "rosters.export_incoming"}
KINDS = {"home": kinds.OUTGOING, "host": kinds.INCOMING}


@blueprint.get("/outgoing")
def outgoing() -> ResponseReturnValue:
    return _list("home")


@blueprint.get("/incoming")
def incoming() -> ResponseReturnValue:
    return _list("host")


def _query(side: str, who: Actor) -> dict[str, Any]:
    if not enrolment_allow.schools(who, f"enrolment.list_{side}"):
        raise Forbidden(Denial(f"enrolment.list_{side}"))
    query: dict[str, Any] = {**load_query(schemas.CrossingQuery(), PAGE), "side": side}
    return query if "state" in request.args else {**query, "state": "attending"}


def _list(side: str, overall: str = "") -> str:
    who = actor()
    query = _query(side, who)
    page = enrolments.of_school(db(), who, query)
    courses, departments = enrolments.choices(db(), who, side)
    terms = enrolments.terms_of_school(db(), who, side)
    return render_template(
        "rosters/crossing.html", listing=Listing.of(page), query=query, side=side, overall=overall,
        rates=queries.rates(db(), [each.id for each in page.items]), courses=courses, departments=departments,
        terms=[(f"{year}.{number}", labels.term_named(year, number)) for year, number in terms],
        formats=ways(db(), KINDS[side], _schools(side, who), EXPORT[side]),
    )  # fmt: skip


def _schools(side: str, who: Actor) -> list[int]:
    return sorted(enrolment_allow.schools(who, f"enrolment.list_{side}"))


@blueprint.get("/outgoing/export")
def export_outgoing() -> ResponseReturnValue:
    return _export("home")


@blueprint.get("/incoming/export")
def export_incoming() -> ResponseReturnValue:
    return _export("host")


def _export(side: str) -> ResponseReturnValue:
    """The list as it is filtered, whole, in one of the school's formats."""
    who, kind = actor(), KINDS[side]
    found = enrolments.whole_of_school(db(), who, _query(side, who))
    layout = _layout(kind, _schools(side, who))
    try:
        return download(f"{kind.label}-{local(who.now):%Y%m%d}", kind, layout, _rows(found), str(kind.label))
    except Refused as error:
        return _list(side, errors_of(error)[1]), error.status


def _layout(kind: ExportKind, schools: list[int]) -> exports.Layout:
    return exports.asked(db(), kind, request.args.get("format", ""), schools)


def _rows(found: list[Enrolment]) -> Any:
    return kinds.rows(found, queries.rates(db(), [each.id for each in found]))


# --- a class's roster -------------------------------------------------------------------------------------------


@blueprint.get("/offerings/<id:offering_id>/roster/export")
def export_roster(offering_id: int) -> ResponseReturnValue:
    """The roster as it is filtered, whole: for whoever may read it, in any format of the host school."""
    offering = _roster(offering_id)
    query: dict[str, Any] = load_query(EnrolmentQuery(), PAGE)
    query = query if "state" in request.args else {**query, "state": "active"}
    layout = _layout(kinds.ROSTER, [offering.course.school_id])
    found = enrolments.whole_roster(db(), offering_id, query)
    places = enrolments.queue_places(db(), offering, actor().now)
    rows = kinds.rows(found, queries.rate(db(), offering_id), places)
    try:
        return download(f"{offering.course.code}-{offering.code}", kinds.ROSTER, layout, rows)
    except Refused as error:
        message = errors_of(error)[1]
        return render_template("rosters/no_export.html", offering=offering, overall=message), error.status


def _roster(offering_id: int) -> Offering:
    g.nav_endpoint = "catalogue.mine"
    view = catalogue.view_offering(db(), actor(), offering_id, "roster.read")
    enrolment_allow.require(actor(), "roster.read", enrolling.roster_subject(view.offering))
    return view.offering
