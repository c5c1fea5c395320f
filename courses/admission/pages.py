"""可选课程: a registrar admits courses of other schools for the own students."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from courses.admission import queries, rules, schemas, services
from courses.admission.permissions import allow
from courses.admission.queries import TermKey
from courses.catalogue import hooks
from courses.catalogue.labels import term_named
from zutuan.clusters.models import School
from zutuan.errors import Denial, Forbidden, Invalid, Refused
from zutuan.sharing.services import fetch
from zutuan.web.forms import refused_at_once
from zutuan.web.lists import Listing, load_query
from zutuan.web.requests import actor, db
from zutuan.web.texts import give_templates

blueprint = Blueprint("admission", __name__, template_folder="templates")
give_templates(blueprint, term_named=term_named)

PAGE = 50
# the page has one filter for both
FILTERS: dict[str, dict[str, bool | None]] = {
    "": {"admitted": None, "decided": None},
    "1": {"admitted": True, "decided": None},
    "0": {"admitted": False, "decided": True},
    "open": {"admitted": None, "decided": False},
}


def _school() -> int:
    """The school whose list it is: the one in the address, or the first that the actor works for."""
    mine = allow.schools(actor(), "admission.read")
    if not mine:
        raise Forbidden(Denial("admission.read"))
    wanted = request.args.get("school", type=int)
    return wanted if wanted in mine else min(mine)


@blueprint.get("/admissions")
def admissions() -> ResponseReturnValue:
    return _page()


def _page(overall: str = "", chosen: Collection[int] = ()) -> str:
    school_id = _school()
    known, current = queries.terms(db(), school_id, actor().now)
    term = _term(known) or current
    query: dict[str, Any] = load_query(schemas.AdmissionQuery(exclude=["academic_year", "number"]), PAGE)
    query |= FILTERS.get(request.args.get("admitted", ""), FILTERS[""])
    page = queries.choices(db(), actor(), school_id, term, query) if term else None
    mine = [fetch(db(), School, id_) for id_ in sorted(allow.schools(actor(), "admission.read"))]
    return render_template(
        "admission/list.html", listing=Listing.of(page) if page else None, query=query, term=term, terms=known,
        school_id=school_id, schools=mine, way=queries.way(db(), school_id, actor().now), overall=overall,
        review=hooks.when_to_review(db(), school_id, term.academic_year, term.number) if term else (), now=actor().now,
        hosts=queries.hosts(db(), school_id, actor().now), chosen=chosen,
        deciding=allow.may(actor(), "admission.decide", queries.subject(school_id)),
    )  # fmt: skip


def _term(known: Collection[TermKey]) -> TermKey | None:
    match = re.fullmatch(r"(20\d\d-20\d\d)-([1-4])", request.args.get("term", ""))
    wanted = TermKey(match[1], int(match[2])) if match else None
    return wanted if wanted in known else None


@blueprint.post("/admissions")
def decide() -> ResponseReturnValue:
    school_id = _school()
    known, current = queries.terms(db(), school_id, actor().now)
    ids = sorted({int(text) for text in request.form.getlist("id") if re.fullmatch(r"[1-9][0-9]{0,17}", text)})
    admit, term = request.form.get("do") != "end", _term(known) or current
    try:
        if not ids:
            raise Refused("no_courses_chosen")
        if len(ids) > rules.AT_ONCE:
            raise Invalid.field("course_ids", "too_many_items", max=rules.AT_ONCE)
        if term is None:
            raise Refused("no_term")
        n = services.decide(db(), actor(), school_id, ids, term, admit=admit)
    except (Invalid, Refused) as error:
        return refused_at_once(error, lambda first: _page(first, ids))
    flash(_("已列入 %(n)s 门课程。", n=n) if admit else _("%(n)s 门课程不列入；已选上的学生不受影响。", n=n), "good")
    kept = [(key, value) for key, value in request.args.items(multi=True) if key != "cursor"]
    return redirect(f"{url_for('admission.admissions')}?{urlencode(kept)}")
