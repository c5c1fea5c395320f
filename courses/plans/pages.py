"""学期选课安排: the cluster's plans, its admins' forms, and who has submitted what."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from courses.plans import queries, rules, schemas, services, views
from courses.plans.models import TermPlan
from courses.plans.permissions import allow
from zutuan.clock import clock
from zutuan.clusters.models import Cluster
from zutuan.errors import Denial, Forbidden, Invalid, Refused, Stale
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import fetch
from zutuan.web.forms import Errors, load_form, once, refused, refused_at_once
from zutuan.web.requests import actor, db
from zutuan.web.texts import give_templates

blueprint = Blueprint("plans", __name__, template_folder="templates")
give_templates(
    blueprint, plan_stages=views.STAGE, plan_states=views.STATE, plan_fits=views.FITS, plan_reviews=views.REVIEW, plan_term_filter=views.term,
    plan_stages_filter=views.stages, plan_now_filter=views.now,
)  # fmt: skip

NOT_KEPT = ("csrf_token", "seen", "idempotency_key")


@blueprint.before_request
def in_navigation() -> None:
    g.nav_endpoint = "plans.mine"


@blueprint.get("/term-plans")
def mine() -> ResponseReturnValue:
    clusters = [fetch(db(), Cluster, id_) for id_ in queries.administered(actor())]
    return render_template("plans/list.html", plans=queries.mine(db(), actor()), clusters=clusters)


@blueprint.get("/clusters/<id:cluster_id>/term-plans/<id:plan_id>")
def plan(cluster_id: int, plan_id: int) -> ResponseReturnValue:
    return _plan_page(cluster_id, plan_id)


def _plan_page(cluster_id: int, plan_id: int, overall: str = "") -> str:
    shown = queries.view_plan(db(), actor(), cluster_id, plan_id)
    runs = allow.may(actor(), "plan.submissions", queries.subject(actor(), shown))
    lines = queries.board(db(), actor(), shown) if runs else []
    return render_template(
        "plans/plan.html", plan=shown, runs=runs, lines=lines, total=views.total(lines), overall=overall,
        submission_over=bool(shown.submission_until and shown.submission_until <= actor().now),
    )  # fmt: skip


@blueprint.get("/clusters/<id:cluster_id>/term-plans/<id:plan_id>/submissions")
def submissions(cluster_id: int, plan_id: int) -> ResponseReturnValue:
    """The rows behind the board's figures: of one school or of all, all or only those outside the plan."""
    shown = queries.view_plan(db(), actor(), cluster_id, plan_id)
    school_id, fits = request.args.get("school_id", type=int), request.args.get("fits", "")
    lines = queries.board(db(), actor(), shown)
    rows = [row for line in lines for row in line.rows]
    rows = [row for row in rows if school_id in (None, row.offering.course.school_id)]
    rows = [row for row in rows if fits not in views.FITS or row.fits == fits]
    schools = [(line.school.id, line.school.name) for line in lines]
    return render_template(
        "plans/submissions.html", plan=shown, rows=rows, schools=schools, school_id=school_id or "", fits=fits,
        seats=sum(row.seats for row in rows), taken=sum(row.offering.taken for row in rows),
        courses=len({row.offering.course_id for row in rows}),
    )  # fmt: skip


# --- forms ------------------------------------------------------------------------------------------------------


def _cluster(cluster_id: int) -> Cluster:
    cluster = fetch(db(), Cluster, cluster_id)
    if not allow.may(actor(), "plan.create", Subject("cluster", cluster_id, cluster_id=cluster_id)):
        raise Forbidden(Denial("plan.create", "cluster", cluster_id))
    return cluster


@blueprint.get("/clusters/<id:cluster_id>/term-plans/new")
def new(cluster_id: int) -> ResponseReturnValue:
    return _form(_cluster(cluster_id), None, _empty(clock.today()), {}, "")


def _empty(today: date) -> dict[str, Any]:
    """The next term: from May on it is autumn's, from November on spring's."""
    year, number = (today.year, 1) if 5 <= today.month < 11 else (today.year - (today.month < 5), 2)
    return {"academic_year": f"{year}-{year + 1}", "number": number}


@blueprint.post("/clusters/<id:cluster_id>/term-plans/new")
def create(cluster_id: int) -> ResponseReturnValue:
    cluster = _cluster(cluster_id)
    try:
        made = services.create(db(), actor(), cluster_id, load_form(schemas.PlanIn()))
    except (Invalid, Refused) as error:
        return refused(error, lambda *wrong: _form(fetch(db(), Cluster, cluster.id), None, _typed(), *wrong))
    flash(_("草稿已保存，发布后各校可见。"), "good")
    return redirect(url_for("plans.plan", cluster_id=cluster_id, plan_id=made.id))


def _typed() -> dict[str, Any]:
    return request.form.to_dict()


def _form(cluster: Cluster, shown: TermPlan | None, values: Any, errors: Errors, overall: str) -> str:
    return render_template(
        "plans/form.html", cluster=cluster, plan=shown, values=values, errors=errors, overall=overall, once=once(),
        stages=rules.STAGES,
    )  # fmt: skip


def _editable(cluster_id: int, plan_id: int) -> TermPlan:
    shown = queries.view_plan(db(), actor(), cluster_id, plan_id)
    allow.require(actor(), "plan.edit", queries.subject(actor(), shown))
    return shown


@blueprint.get("/clusters/<id:cluster_id>/term-plans/<id:plan_id>/edit")
def edit(cluster_id: int, plan_id: int) -> ResponseReturnValue:
    shown = _editable(cluster_id, plan_id)
    return _form(shown.cluster, shown, views.values(shown), {}, "")


@blueprint.post("/clusters/<id:cluster_id>/term-plans/<id:plan_id>/edit")
def update(cluster_id: int, plan_id: int) -> ResponseReturnValue:
    """What moves offerings is shown first; `seen` says that it has been."""
    shown = _editable(cluster_id, plan_id)
    try:
        if request.form.get("version") != str(shown.version):
            raise Stale("stale_form")
        effects = services.update(db(), actor(), shown, load_form(schemas.PlanFields()))
        if effects.any and "seen" not in request.form:
            return _preview(cluster_id, plan_id, effects, "plans.update")
    except (Invalid, Refused, Stale) as error:
        return refused(error, lambda *wrong: _again(cluster_id, plan_id, *wrong))
    flash(_("选课安排已保存。"), "good")
    return redirect(url_for("plans.plan", cluster_id=cluster_id, plan_id=plan_id))


def _again(cluster_id: int, plan_id: int, errors: Errors, overall: str) -> str:
    shown = queries.view_plan(db(), actor(), cluster_id, plan_id)
    return _form(shown.cluster, shown, {**_typed(), "version": shown.version}, errors, overall)


@blueprint.post("/clusters/<id:cluster_id>/term-plans/<id:plan_id>/publish")
def publish(cluster_id: int, plan_id: int) -> ResponseReturnValue:
    shown = queries.view_plan(db(), actor(), cluster_id, plan_id)
    try:
        effects = services.publish(db(), actor(), shown)
        if effects.any and "seen" not in request.form:
            return _preview(cluster_id, plan_id, effects, "plans.publish")
    except Refused as error:
        return refused_at_once(error, lambda first: _plan_page(cluster_id, plan_id, first))
    flash(_("选课安排已发布，各校教务员会收到通知。"), "good")
    return redirect(url_for("plans.plan", cluster_id=cluster_id, plan_id=plan_id))


def _preview(cluster_id: int, plan_id: int, effects: services.Effects, endpoint: str) -> str:
    """What it would do; nothing of it is kept."""
    db().rollback()
    shown = queries.view_plan(db(), actor(), cluster_id, plan_id)
    kept = [(name, value) for name, value in request.form.items(multi=True) if name not in NOT_KEPT]
    action = url_for(endpoint, cluster_id=cluster_id, plan_id=plan_id)
    return render_template("plans/preview.html", plan=shown, effects=effects, kept=kept, action=action)
