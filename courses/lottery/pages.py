"""抽签: what a student wishes, what its runner does, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from courses.lottery import queries, recompute, rules, schemas, services, statement, views
from courses.lottery.models import Draw, WishList
from courses.lottery.permissions import allow
from courses.plans import queries as plans
from zutuan.clock import clock
from zutuan.clusters.models import Cluster, School
from zutuan.errors import Denial, Forbidden, Invalid, NotFound, Refused, Stale, ZutuanError
from zutuan.sharing.actor import Belongs
from zutuan.sharing.services import fetch
from zutuan.web.forms import Errors, load_form, once, refused, refused_at_once
from zutuan.web.requests import actor, db
from zutuan.web.texts import form_moment, give_templates

blueprint = Blueprint("lottery", __name__, template_folder="templates")
give_templates(
    blueprint, draw_states=views.STATE, draw_term_filter=views.term, draw_stage_filter=views.stage,
    wish_outcome_filter=views.outcome, missed_words=views.MISSED,
)  # fmt: skip


@blueprint.before_request
def in_navigation() -> None:
    g.nav_endpoint = "lottery.mine"


@blueprint.get("/draws")
def mine() -> ResponseReturnValue:
    clusters, schools = queries.owners(actor())
    return render_template(
        "lottery/list.html", draws=queries.mine(db(), actor()), makes=bool(clusters or schools),
        studies=bool(allow.schools(actor(), "draw.wish")),
    )  # fmt: skip


# --- one draw ----------------------------------------------------------------------------------------------------


@dataclass
class Said:
    """What the page says besides: why something was refused, and what a trial came to."""

    overall: str = ""
    tried: rules.Figures | None = None
    fields: dict[str, str] = field(default_factory=dict)


@blueprint.get("/draws/<id:draw_id>")
def draw(draw_id: int) -> ResponseReturnValue:
    return _draw_page(draw_id, Said())


def _draw_page(draw_id: int, said: Said) -> str:
    who = actor()
    shown = queries.view_draw(db(), who, draw_id)
    wishes = queries.my_list(db(), who, shown)
    home = _home(wishes)
    subject = queries.subject(db(), who, shown)
    runs, office = allow.may(who, "draw.edit", subject), allow.may(who, "draw.figures", subject)
    rows = views.rows(db(), who, shown, home if shown.state == "published" else None, wishes)
    return render_template(
        "lottery/draw.html", draw=shown, mine=wishes, home=home, rows=rows, runs=runs, office=office,
        titles={each.offering.id: each.offering for each in rows}, overall=said.overall, tried=said.tried,
        studying=[each for each in who.affiliations if each.kind == "student"], said=said, now=who.now,
        wished=queries.wished(db(), shown) if office and shown.state == "published" else None,
        figures=_figures(shown) if shown.state == "drawn" else None, most_wishes=rules.MOST_WISHES,
        wishing=home is not None and shown.wishing_at(who.now),
    )  # fmt: skip


def _figures(shown: Draw) -> rules.Figures:
    return rules.figures(*statement.read(queries.statement(db(), shown)))


def _home(wishes: WishList | None) -> Belongs | None:
    """As which student: as the list says, else as was chosen, else the first."""
    studying = [each for each in actor().affiliations if each.kind == "student"]
    chosen = wishes.affiliation_id if wishes else request.values.get("affiliation_id", type=int)
    return next((each for each in studying if each.affiliation_id == chosen), next(iter(studying), None))


@blueprint.post("/draws/<id:draw_id>/wishes")
def wish(draw_id: int) -> ResponseReturnValue:
    """One button: the list is saved with it."""
    shown = queries.view_draw(db(), actor(), draw_id)
    try:
        data = load_form(schemas.WishForm())
        _wish(shown, data)
    except (Invalid, Refused, Stale) as error:
        return refused_at_once(error, lambda first: _draw_page(draw_id, Said(first)))
    return redirect(url_for("lottery.draw", draw_id=draw_id, affiliation_id=data["affiliation_id"], _anchor="wishes"))


def _wish(shown: Draw, data: dict[str, Any]) -> None:
    found = queries.my_list(db(), actor(), shown)
    before = [each.offering_id for each in found.wishes] if found else []
    lots = {each.id for each in queries.seen_lots(db(), actor(), shown)}
    gone = [id_ for id_ in before if id_ not in lots]
    after = [id_ for id_ in rules.moved(before, data["offering_id"] or 0, data["do"]) if id_ not in gone]
    if data["do"] == "clear" or (before and not after):
        services.clear_wishes(db(), actor(), shown, data["version"])
        flash(_("志愿表已撤回。"), "good")
        return
    most = data["most"] or (found.most if found else 1)
    services.save_wishes(
        db(), actor(), shown, after, most=most, version=data["version"], affiliation_id=data["affiliation_id"]
    )
    flash(_("志愿已保存，截止之前都可以改。"), "good")
    if gone:
        flash(_("已不参加抽签的 %(n)s 个志愿已移除。", n=len(gone)), "info")


# --- running it --------------------------------------------------------------------------------------------------


def _step(draw_id: int, step: Callable[[Draw], object], done: str) -> ResponseReturnValue:
    shown = queries.view_draw(db(), actor(), draw_id)
    try:
        step(shown)
    except (Invalid, Refused, Stale) as error:
        fields = request.form.to_dict()
        return refused_at_once(error, lambda first: _draw_page(draw_id, Said(first, fields=fields)))
    flash(done, "good")
    return redirect(url_for("lottery.draw", draw_id=draw_id))


@blueprint.post("/draws/<id:draw_id>/publish")
def publish(draw_id: int) -> ResponseReturnValue:
    done = _("抽签已公布，种子的承诺值也已公布；各校教务员会收到通知。")
    return _step(draw_id, lambda shown: services.publish(db(), actor(), shown), done)


@blueprint.post("/draws/<id:draw_id>/cancel")
def cancel(draw_id: int) -> ResponseReturnValue:
    def step(shown: Draw) -> object:
        return services.cancel(db(), actor(), shown, load_form(schemas.CancelIn())["reason"])

    return _step(draw_id, step, _("抽签已取消，填报过志愿的学生会收到通知。"))


@blueprint.post("/draws/<id:draw_id>/run")
def run(draw_id: int) -> ResponseReturnValue:
    def step(shown: Draw) -> object:
        return services.run(db(), actor(), shown, load_form(schemas.RunIn())["public_value"])

    return _step(draw_id, step, _("已抽签，结果和抽签说明已公布，每名学生会收到一条通知。"))


@blueprint.post("/draws/<id:draw_id>/try")
def try_out(draw_id: int) -> ResponseReturnValue:
    shown = queries.view_draw(db(), actor(), draw_id)
    try:
        figures = services.try_out(db(), actor(), shown)
    except Refused as error:
        return refused_at_once(error, lambda first: _draw_page(draw_id, Said(first)))
    return _draw_page(draw_id, Said(tried=figures))


# --- the statement -----------------------------------------------------------------------------------------------


@blueprint.get("/draws/<id:draw_id>/statement")
def stated(draw_id: int) -> ResponseReturnValue:
    shown = queries.view_draw(db(), actor(), draw_id)
    content = queries.statement(db(), shown)
    wishes = queries.my_list(db(), actor(), shown)
    won = {(each["ticket"], each["lot"]): each for each in content["result"]["won"]}
    return render_template(
        "lottery/statement.html", draw=shown, content=content, won=won, ticket=wishes.ticket if wishes else "",
        lots={each["id"]: each for each in content["lots"]}, pool_names=views.scope_names(db(), content),
        differences=recompute.differences(content) if "recompute" in request.args else None,
    )  # fmt: skip


@blueprint.get("/draws/<id:draw_id>/statement.json")
def statement_file(draw_id: int) -> ResponseReturnValue:
    """As a file, which `recompute.py` reads."""
    shown = queries.view_draw(db(), actor(), draw_id)
    return _file(statement.text(queries.statement(db(), shown)), "application/json", f"draw-{draw_id}.json")


@blueprint.get("/draws/recompute.py")
def program() -> ResponseReturnValue:
    return _file(statement.program(), "text/x-python", "recompute.py")


def _file(text: str, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, mimetype=media_type, headers=headers)


# --- forms -------------------------------------------------------------------------------------------------------


@blueprint.get("/draws/new")
def new() -> ResponseReturnValue:
    return _form(None, _usual(), {}, "")


def _owners() -> list[tuple[str, str]]:
    """(value, name) of what the actor may draw for; 403 for who may for nothing."""
    clusters, schools = queries.owners(actor())
    if not clusters and not schools:
        raise Forbidden(Denial("draw.create"))
    found = [(f"cluster:{id_}", fetch(db(), Cluster, id_).name) for id_ in clusters]
    return found + [(f"school:{id_}", fetch(db(), School, id_).name) for id_ in schools]


def _usual() -> dict[str, Any]:
    """The latest term plan, and its 预选 where that is still ahead."""
    plan = next(iter(plans.mine(db(), actor())), None)
    if plan is None:
        return {"academic_year": _year(clock.today()), "number": 1, "most": 1}
    opens, closes = plan.span("preselection")
    dates = {"opens": form_moment(opens), "closes": form_moment(closes)} if closes and closes > clock.now() else {}
    return {"academic_year": plan.academic_year, "number": plan.number, "most": 1, **dates}


def _year(today: date) -> str:
    start = today.year if today.month >= 8 else today.year - 1
    return f"{start}-{start + 1}"


@blueprint.post("/draws/new")
def create() -> ResponseReturnValue:
    _owners()
    try:
        made = services.create(db(), actor(), {**load_form(schemas.DrawForm()), **_chosen_owner()})
    except (Invalid, Refused, NotFound) as error:
        return refused(_readable(error), lambda *wrong: _form(None, _typed(), *wrong))
    flash(_("草稿已保存，公布之后学生可见。"), "good")
    return redirect(url_for("lottery.draw", draw_id=made.id))


def _chosen_owner() -> dict[str, int | None]:
    kind, _sep, id_ = request.form.get("owner", "").partition(":")
    if kind not in ("cluster", "school") or not id_.isdecimal() or len(id_) > 18:
        raise Invalid.field("owner", "no_such")
    return {"cluster_id": None, "school_id": None, f"{kind}_id": int(id_)}


def _readable(error: ZutuanError) -> ZutuanError:
    return Invalid.field("owner", "no_such") if isinstance(error, NotFound) else error


def _typed() -> dict[str, Any]:
    return request.form.to_dict()


def _form(shown: Draw | None, values: Any, errors: Errors, overall: str) -> str:
    return render_template(
        "lottery/form.html", draw=shown, values=values, errors=errors, overall=overall, once=once(),
        owners=_owners() if shown is None else [],
        most_options=[(n, str(n)) for n in range(1, rules.MOST_SEATS + 1)],
    )  # fmt: skip


def _editable(draw_id: int) -> Draw:
    shown = queries.view_draw(db(), actor(), draw_id)
    allow.require(actor(), "draw.edit", queries.subject(db(), actor(), shown))
    return shown


@blueprint.get("/draws/<id:draw_id>/edit")
def edit(draw_id: int) -> ResponseReturnValue:
    shown = _editable(draw_id)
    return _form(shown, views.values(shown), {}, "")


@blueprint.post("/draws/<id:draw_id>/edit")
def update(draw_id: int) -> ResponseReturnValue:
    shown = _editable(draw_id)
    try:
        if request.form.get("version") != str(shown.version):
            raise Stale("stale_form")
        services.update(db(), actor(), shown, load_form(schemas.DrawFields()))
    except (Invalid, Refused, Stale) as error:
        return refused(error, lambda *wrong: _again(draw_id, *wrong))
    flash(_("抽签已保存。"), "good")
    return redirect(url_for("lottery.draw", draw_id=draw_id))


def _again(draw_id: int, errors: Errors, overall: str) -> str:
    shown = queries.view_draw(db(), actor(), draw_id)
    return _form(shown, {**_typed(), "version": shown.version}, errors, overall)
