"""学校设置, 组团设置, 平台设置: one form for each policy, made from its declaration."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from marshmallow import ValidationError

from zutuan.clock import at_shanghai, local
from zutuan.errors import Invalid, NotFound
from zutuan.fields import Day
from zutuan.policies import services, views
from zutuan.policies.permissions import action, allow, subject
from zutuan.policies.rules import UNITS, Policy
from zutuan.web.forms import Errors, refused
from zutuan.web.requests import actor, db

blueprint = Blueprint("policies", __name__, template_folder="templates")


@blueprint.get("/settings/own")
def own() -> ResponseReturnValue:
    """The settings that this person decides: of a school, a cluster or the platform, the nearest first."""
    held = {each.role: each for each in reversed(actor().roles)}
    if "school_admin" in held:
        return redirect(url_for("policies.school", school_id=held["school_admin"].school_id))
    if "cluster_admin" in held:
        return redirect(url_for("policies.cluster", cluster_id=held["cluster_admin"].cluster_id))
    return redirect(url_for("policies.platform"))


@blueprint.get("/schools/<id:school_id>/settings")
def school(school_id: int) -> ResponseReturnValue:
    return _page("school", school_id)


@blueprint.get("/clusters/<id:cluster_id>/settings")
def cluster(cluster_id: int) -> ResponseReturnValue:
    return _page("cluster", cluster_id)


@blueprint.get("/settings")
def platform() -> ResponseReturnValue:
    return _page("platform", None)


def _page(level: str, id_: int | None, key: str = "", errors: Errors | None = None) -> str:
    g.nav_endpoint = "policies.own"
    where, name = views.place(level, id_)
    return render_template(
        "policies/settings.html", where=where, name=name, policies=views.shown(where), errors=errors or {},
        failed=key, values=request.form, may_decide=allow.may(actor(), action(where), subject(where)),
    )  # fmt: skip


@blueprint.post("/schools/<id:school_id>/settings")
def decide_school(school_id: int) -> ResponseReturnValue:
    return _decide("school", school_id)


@blueprint.post("/clusters/<id:cluster_id>/settings")
def decide_cluster(cluster_id: int) -> ResponseReturnValue:
    return _decide("cluster", cluster_id)


@blueprint.post("/settings")
def decide_platform() -> ResponseReturnValue:
    return _decide("platform", None)


def _decide(level: str, id_: int | None) -> ResponseReturnValue:
    where, _name = views.place(level, id_)
    key = request.form.get("key", "")
    found = views.one(where, key)
    if found is None:
        raise NotFound
    try:
        row = services.decide(db(), actor(), where, key, _typed(found.policy), _from(actor().now))
    except Invalid as error:
        return refused(error, lambda errors, _overall: _page(level, id_, key, errors))
    later = row.from_ > actor().now
    flash(_("已登记，到时生效。") if later else _("已保存，立即生效。"), "good")
    return redirect(f"{request.path}#p-{key}")


def _typed(policy: Policy) -> Any:
    """The form's text as the policy's type; what cannot be read is left for the policy to refuse."""
    text = request.form.get("value", "").strip()
    if "inherit" in request.form or (policy.type in ("bool", "choice") and text == "inherit"):
        return None
    if policy.type == "duration":
        unit = request.form.get("unit", "")
        return f"P{'' if unit == 'D' else 'T'}{text}{unit}" if unit in UNITS else text
    if policy.type == "bool" and text in ("yes", "no"):
        return text == "yes"
    return int(text) if policy.type == "whole" and re.fullmatch(r"-?[0-9]{1,9}", text) else text


def _from(now: datetime) -> datetime | None:
    """The form's date in Shanghai; today means now."""
    text = request.form.get("from", "").strip()
    if not text:
        return None
    try:
        day = Day().deserialize(text)
    except ValidationError:
        raise Invalid.field("from", "not_date") from None
    return None if day == local(now).date() else at_shanghai(day)
