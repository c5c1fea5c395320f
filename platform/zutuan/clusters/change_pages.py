"""A school is renamed or taken over: pages of a platform admin, who sees first what it does."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from zutuan.clock import local
from zutuan.clusters import queries, schemas, succession
from zutuan.clusters.hooks import SuccessionHook, hooks_of
from zutuan.clusters.models import School
from zutuan.clusters.permissions import allow, school_subject
from zutuan.errors import Invalid, Refused, say
from zutuan.sharing.services import fetch
from zutuan.web.forms import Errors, load_form, refused
from zutuan.web.requests import actor, db

blueprint = Blueprint("school_changes", __name__, template_folder="templates")
MAX_CHOICES = 12


@blueprint.before_request
def in_navigation() -> None:
    g.nav_endpoint = "clusters.clusters"


def _school(school_id: int, action: str) -> School:
    """404 where there is none, 403 for whoever may not: both before anything is said about the form."""
    school = fetch(db(), School, school_id)
    allow.require(actor(), action, school_subject(actor(), school_id))
    return school


def _hooks() -> tuple[SuccessionHook, ...]:
    return hooks_of(current_app.extensions["zutuan"].features)


@blueprint.get("/schools/<id:school_id>/rename")
def rename(school_id: int) -> ResponseReturnValue:
    return _rename_page(school_id, {}, "")


def _rename_page(school_id: int, errors: Errors, alert: str) -> str:
    school = _school(school_id, "school.rename")
    former = queries.former_names(db(), [school_id]).get(school_id, [])
    return render_template(
        "clusters/rename.html", school=school, former=former, errors=errors, alert=alert, values=request.form,
        today=local(actor().now).date(),
    )  # fmt: skip


@blueprint.post("/schools/<id:school_id>/rename")
def rename_post(school_id: int) -> ResponseReturnValue:
    before = _school(school_id, "school.rename").name
    try:
        data = load_form(schemas.RenameForm())
        school = succession.rename(db(), actor(), school_id, data["name"], data["day"], actor().now)
    except (Invalid, Refused) as error:
        return refused(error, lambda errors, said: _rename_page(school_id, errors, said))
    flash(_("%(before)s已改名为%(name)s；按原名仍可查到。", before=before, name=school.name), "good")
    return redirect(url_for("clusters.school", school_id=school_id))


@blueprint.get("/schools/<id:school_id>/succession")
def choose(school_id: int) -> ResponseReturnValue:
    """Which school takes this one over; named in full, or one of those that fit."""
    school, text = _school(school_id, "school.succeed"), request.args.get("into", "").strip().replace("\x00", "")[:60]
    found, count = queries.find_schools(db(), text, MAX_CHOICES) if text else ([], 0)
    exact = [each for each in found if text in (each.name, each.code)]
    if exact:
        return redirect(url_for("school_changes.preview", school_id=school_id, new_id=exact[0].id))
    return render_template(
        "clusters/succession_choose.html", school=school, into=text, found=found, count=count, most=MAX_CHOICES
    )


@blueprint.get("/schools/<id:school_id>/succession/<id:new_id>")
def preview(school_id: int, new_id: int) -> ResponseReturnValue:
    return _preview_page(school_id, new_id, {}, "")


def _preview_page(school_id: int, new_id: int, errors: Errors, alert: str) -> str:
    _school(school_id, "school.succeed")
    found = succession.preview(db(), actor(), _hooks(), school_id, new_id, actor().now)
    said = [say(each.code, each.params) for each in found.refusals]
    return render_template(
        "clusters/succession.html", found=found, errors=errors, alert=alert, values=request.form,
        reasons=[{"message": message, "cure": cure} for message, cure in said], today=local(actor().now).date(),
        foreseen=[each for each in found.foreseen if each.count],
    )  # fmt: skip


@blueprint.post("/schools/<id:school_id>/succession/<id:new_id>")
def succeed(school_id: int, new_id: int) -> ResponseReturnValue:
    _school(school_id, "school.succeed")
    try:
        day = load_form(schemas.SucceedForm())["day"]
        old = succession.succeed(db(), actor(), _hooks(), school_id, new_id, day, actor().now)
    except (Invalid, Refused) as error:
        return refused(error, lambda errors, said: _preview_page(school_id, new_id, errors, said))
    flash(_("%(old)s已并入%(new)s。", old=old.name, new=fetch(db(), School, new_id).name), "good")
    return redirect(url_for("clusters.school", school_id=school_id))
