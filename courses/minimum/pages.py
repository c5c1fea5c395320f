"""开班确认 for the host's registrars, 停开补选 for students, and for home registrars whose seats were lost."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from courses.admission.queries import TermKey
from courses.catalogue.labels import term_named
from courses.enrolment.schemas import ReasonIn
from courses.minimum import queries, reading, schemas, services, views
from courses.minimum.permissions import allow
from zutuan.errors import Denial, Forbidden, Invalid, Refused
from zutuan.web.forms import Errors, load_form, refused
from zutuan.web.lists import Listing, load_query
from zutuan.web.requests import actor, db
from zutuan.web.texts import give_templates

blueprint = Blueprint("minimum", __name__, template_folder="templates")
give_templates(blueprint, term_named=term_named, standings=views.STANDING)

PAGE = 50


@blueprint.get("/confirmations")
def decisions() -> ResponseReturnValue:
    return _decisions()


def _decisions(
    overall: str = "", chosen: Collection[int] = (), errors: Errors | None = None, asking: bool = False
) -> str:
    """The list; `asking`: with the question before the chosen ones end, and what that would end."""
    if not allow.schools(actor(), "minimum.read"):
        raise Forbidden(Denial("minimum.read"))
    known, current = queries.terms(db(), actor())
    term, query = _term(known) or current, load_query(schemas.ClassFilter(), PAGE)
    page = queries.classes(db(), actor(), term, query) if term else None
    return render_template(
        "minimum/decisions.html", listing=Listing.of(page) if page else None, query=query, term=term, terms=known,
        overall=overall, chosen=chosen, reason=request.form.get("reason", ""), errors=errors or {},
        ending=queries.ending(db(), actor(), chosen) if asking and chosen else None,
        deciding=page is not None and any(each.deciding for each in page.items),
        affected=queries.without(db(), actor()),
    )  # fmt: skip


def _term(known: Collection[TermKey]) -> TermKey | None:
    match = re.fullmatch(r"(20\d\d-20\d\d)-([1-4])", request.args.get("term", ""))
    wanted = TermKey(match[1], int(match[2])) if match else None
    return wanted if wanted in known else None


@blueprint.post("/confirmations")
def decide() -> ResponseReturnValue:
    """Several at once: all or none. Before they end (`ask`) it is said what that ends."""
    ids = sorted({int(text) for text in request.form.getlist("id") if re.fullmatch(r"[1-9][0-9]{0,17}", text)})
    wanted = request.form.get("do")
    event = "cancel" if wanted in ("ask", "cancel") else "confirm"
    try:
        reason = "" if wanted == "ask" else load_form(ReasonIn())["reason"]
        if not ids:
            raise Refused("nothing_chosen")
        if wanted == "ask":
            return _decisions("", ids, asking=True)
        services.decide_all(db(), actor(), ids, event, reason)
    except (Invalid, Refused) as error:
        return refused(error, lambda *wrong: _refused(ids, event, *wrong))
    flash(views.decided(event, len(ids)), "good")
    kept = [(key, value) for key, value in request.args.items(multi=True) if key != "cursor"]
    return redirect(url_for("minimum.decisions") + (f"?{urlencode(kept)}" if kept else ""))


def _refused(ids: Collection[int], event: str, errors: Errors, overall: str) -> str:
    """What is wrong with the reason stands beside its box; the ticks are kept."""
    other = " ".join(sentence for name, said in errors.items() if name != "reason" for sentence in said)
    return _decisions(other or ("" if errors else overall), ids, errors, asking=event == "cancel")


@blueprint.get("/rescue")
def rescue() -> ResponseReturnValue:
    """停开补选: what I lost, and where a seat could still be had."""
    g.nav_endpoint = "enrolment.mine"
    shown = reading.mine(db(), actor())
    return render_template(
        "minimum/rescue.html", mine=shown, now=actor().now, counts=reading.counts(db(), actor(), shown)
    )


@blueprint.get("/rescue/students")
def affected() -> ResponseReturnValue:
    """Whose seats were lost, of my school's students."""
    if not allow.schools(actor(), "minimum.affected"):
        raise Forbidden(Denial("minimum.affected"))
    g.nav_endpoint = "minimum.decisions"
    query: dict[str, Any] = {"cursor": request.args.get("cursor"), "limit": PAGE}
    page = queries.affected(db(), actor(), query)
    numbers = queries.without(db(), actor())
    return render_template("minimum/affected.html", listing=Listing.of(page), numbers=numbers, now=actor().now)
