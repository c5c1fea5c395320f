"""My papers, one paper, its file; and the public page that says whether a paper stands."""

from __future__ import annotations

import re

from flask import Blueprint, flash, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from zutuan.errors import Invalid, NotFound, Refused
from zutuan.papers import rules, schemas, services, views
from zutuan.papers.permissions import allow, subject
from zutuan.web.forms import Errors, load_form, refused
from zutuan.web.lists import Listing, load_query
from zutuan.web.requests import actor, db

blueprint = Blueprint("papers", __name__, template_folder="templates")
PAGE = 50


@blueprint.get("/papers")
def papers() -> ResponseReturnValue:
    """Mine; who issues papers for a school begins with those of the school."""
    who, query = actor(), load_query(schemas.PaperQuery(), PAGE)
    issues = bool(allow.schools(who, "paper.list_school"))
    if issues and "side" not in request.args:
        query["side"] = "school"
    studies = any(each.kind == "student" for each in who.affiliations)
    page = services.papers_of(db(), who, query)
    return render_template("papers/list.html", listing=Listing.of(page), query=query, issues=issues, studies=studies)


@blueprint.get("/papers/<id:paper_id>")
def paper(paper_id: int) -> ResponseReturnValue:
    return _paper_page(paper_id)


def _paper_page(paper_id: int, errors: Errors | None = None, overall: str = "") -> str:
    g.nav_endpoint = "papers.papers"
    shown = services.view(db(), actor(), paper_id)
    return render_template(
        "papers/paper.html", paper=shown, url=views.verify_url(shown), errors=errors or {}, overall=overall,
        may_revoke=allow.may(actor(), "paper.revoke", subject(shown)), reason=request.form.get("reason", ""),
    )  # fmt: skip


@blueprint.get("/papers/<id:paper_id>/file")
def file(paper_id: int) -> ResponseReturnValue:
    return views.file(services.view(db(), actor(), paper_id))


file.talisman_view_options = {"content_security_policy": views.FILE_CSP}  # type: ignore[attr-defined]


@blueprint.get("/papers/files.zip")
def bundle() -> ResponseReturnValue:
    """Several at once: `?paper=1&paper=2`."""
    ids = [int(each) for each in request.args.getlist("paper") if re.fullmatch(r"[1-9][0-9]{0,17}", each)]
    if not ids:
        raise NotFound
    return views.bundle(services.bundle(db(), actor(), ids))


@blueprint.post("/papers/<id:paper_id>/revoke")
def revoke(paper_id: int) -> ResponseReturnValue:
    try:
        services.revoke(db(), actor(), paper_id, load_form(schemas.RevokeIn())["reason"])
    except (Invalid, Refused) as error:
        return refused(error, lambda errors, overall: _paper_page(paper_id, errors, "" if errors else overall))
    flash(_("已撤销；从现在起，核对这份证明的人会看到它已撤销。"), "good")
    return redirect(url_for("papers.paper", paper_id=paper_id))


# --- for everybody ----------------------------------------------------------------------------------------------


@blueprint.get("/verify")
def ask() -> ResponseReturnValue:
    """A form for whoever cannot scan; with `?number=` it answers."""
    return _verified(request.args.get("number", ""), status=200)


@blueprint.get("/verify/<number>")
def verify(number: str) -> ResponseReturnValue:
    return _verified(number, status=404)


def _verified(number: str, status: int) -> ResponseReturnValue:
    """The same page whether the number is mistyped, unknown or known. Its 70 random bits are its protection."""
    found = services.verify(db(), number)
    page = render_template(
        "papers/verify.html", paper=found, content=rules.public(found.content) if found else None, number=number[:60]
    )
    response = make_response(page, 200 if found else status)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cache-Control"] = "no-store"
    return response
