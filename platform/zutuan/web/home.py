"""The workbench, the language switch, and what every page shows around its content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Flask, current_app, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from zutuan import waiting
from zutuan.calendar.today import today_plan
from zutuan.clock import clock
from zutuan.demo import OLD_DAYS, age_days
from zutuan.feature import Card, NavEntry, Todo, Way
from zutuan.notices.services import unread_count
from zutuan.people.demo import demo_sign_ins
from zutuan.people.services import set_locale
from zutuan.sharing.actor import Actor
from zutuan.web.auth import is_loopback, safe_next
from zutuan.web.requests import actor, config, db, maybe_actor, reading
from zutuan.web.texts import SHORT_WEEKDAYS, WEEKDAYS, brand, english
from zutuan.web.translations import LOCALES, settle

blueprint = Blueprint("web", __name__)

# `outgoing`: the school's own students elsewhere; `incoming`: what the school teaches for others; `term`: the cluster's term.
GROUPS = (
    ("main", None), ("outgoing", _l("本校学生")), ("incoming", _l("本校开课")), ("term", _l("学期")), ("shared", _l("共享")),
    ("organisation", _l("组织")),
)  # fmt: skip
HOME = NavEntry("web.home", _l("工作台"), "grid-1x2", order=0)


@blueprint.get("/")
def home() -> ResponseReturnValue:
    who = actor()
    features = current_app.extensions["zutuan"].features
    badges = [entry.waits for f in features for entry in f.nav if entry.waits]
    waiting.counted(
        db(), who, [*badges, *(each for f in features for each in f.waits)]
    )  # asked at once, for all of them
    todos: list[Todo] = [todo for f in features if f.todos for todo in f.todos(db(), who)]
    cards: list[Card] = [card for f in features if f.cards for card in f.cards(db(), who)]
    cards.sort(key=lambda card: card.order)
    shown = [{"column": card.column, "html": Markup(render_template(card.template, **card.context))} for card in cards]  # noqa: S704
    todos.sort(key=lambda todo: (not todo.accent, todo.since is None, todo.since or who.now))
    return render_template("home.html", todos=todos, cards=shown, where=_where(who), now=who.now)


def parts(place: str, subject: Any = None) -> Markup:
    """What later features show at that place of an earlier one's page, in the order in which they are registered."""
    features = current_app.extensions["zutuan"].features
    makers = [feature.parts[place] for feature in features if place in feature.parts]
    cards = [card for make in makers for card in make(db(), actor(), subject)]
    return Markup("").join(Markup(render_template(card.template, **card.context)) for card in cards)  # noqa: S704


def ways(place: str, subject: Any = None) -> list[Way]:
    """Where later features lead from that place."""
    features = current_app.extensions["zutuan"].features
    makers = [feature.ways[place] for feature in features if place in feature.ways]
    return [way for make in makers for way in make(db(), actor(), subject)]


def _where(who: Actor) -> str:
    parts = []
    for each in who.affiliations:
        detail = " ".join(part for part in (each.major, each.grade and _("%(grade)s 级", grade=each.grade)) if part)
        parts.append(" · ".join(part for part in (each.school_name, detail) if part))
    return _("；").join(parts)


@blueprint.post("/language")
def language() -> ResponseReturnValue:
    lang = request.form.get("lang", "")
    if lang in LOCALES:
        session["lang"] = lang
        who = maybe_actor()
        if who is not None and who.really is None:
            set_locale(db(), who, lang)
    return redirect(safe_next(request.form.get("next"), url_for("web.home")))


# --- around every page ------------------------------------------------------------------------------------------


def _nav(who: Actor) -> list[dict[str, Any]]:
    entries = [HOME, *(entry for f in current_app.extensions["zutuan"].features for entry in f.nav)]
    entries = sorted((entry for entry in entries if entry.shown(who)), key=lambda entry: entry.order)
    counts = waiting.counted(reading(), who, [entry.waits for entry in entries if entry.waits])
    groups = []
    for name, label in GROUPS:
        rows = [_nav_row(entry, who, counts) for entry in entries if entry.group == name]
        if rows:
            groups.append({"label": label, "entries": rows})
    return groups


def _nav_row(entry: NavEntry, who: Actor, counts: Mapping[str, waiting.Count]) -> dict[str, Any]:
    count = counts[entry.waits.name][0] if entry.waits else entry.count(reading(), who) if entry.count else 0
    here = request.endpoint == entry.endpoint or g.get("nav_endpoint") == entry.endpoint
    return {
        "url": url_for(entry.endpoint, **entry.args),
        "label": entry.label,
        "icon": entry.icon,
        "count": count or None,
        "current": here,
        "more_only": entry.more_only,
        "order": entry.order,
    }


def _week_label(who: Actor) -> str:
    """第7周 星期三, by the calendar of the person's first school (and their grade there); on a swapped day whose classes
    it holds."""
    first = next(iter(who.affiliations), None)
    plan = today_plan(reading(), first.school_id, first.grade, clock.today()) if first else None
    if plan is None or plan.week is None:
        return ""
    weekday = WEEKDAYS[plan.day.weekday()]
    if plan.reason == "swapped" and plan.held is not None:
        held = SHORT_WEEKDAYS[plan.held.weekday()]
        return _("第%(week)s周 %(weekday)s（补%(held)s课）", week=plan.week, weekday=weekday, held=held)
    label = _("第%(week)s周 %(weekday)s", week=plan.week, weekday=weekday)
    if plan.held is None:
        name = plan.name or _("放假")
        return _("%(label)s（%(name)s）", label=label, name=name)
    return label


def _demo_note() -> str | None:
    """The demo says that it is one; an old demo, whose dates have passed, says how to renew it."""
    if not config().demo:
        return None
    age = age_days(reading())
    if age > OLD_DAYS:
        return _("这份演示数据是 %(n)s 天前生成的，日期已经过时。用 make demo RESET=1 重新生成。", n=age)
    return _("演示环境：课程为此类学校常开课程，人物均为虚构。")


def _filing() -> dict[str, str]:
    """备案号 for the foot of the page; the police's register is asked by the number's digits."""
    icp, psb = config().icp, config().psb
    if not (icp or psb):
        return {}
    digits = "".join(char for char in psb if char in "0123456789")
    return {"icp": icp, "psb": psb, "psb_url": f"https://beian.mps.gov.cn/#/query/webSearch?code={digits}"}


def page_context() -> dict[str, Any]:
    """Computed once a request, however many templates it renders."""
    settle()
    if "page_context" not in g:
        g.page_context = _page_context()
    context: dict[str, Any] = g.page_context
    return context


def _page_context() -> dict[str, Any]:
    who = maybe_actor()
    common: dict[str, Any] = {"viewer": None, "lang": "en" if english() else "zh-CN", "brand": brand(), "nav": [], "unread": 0,
                              "week_label": "", "demo_note": None, "filing": _filing()}  # fmt: skip
    if who is None:
        return common
    first = next(iter(who.affiliations), None)
    common["looking_as"] = who.really is not None
    common["viewer"] = {
        "name": who.name,
        "school": first.school_name if first else "",
        "id": who.person_id,
        "schools": who.school_ids,
    }
    if request.headers.get("HX-Request"):
        return common
    common |= {"nav": _nav(who), "unread": unread_count(reading(), who), "week_label": _week_label(who)}
    common["demo_note"] = _demo_note()
    if config().demo and is_loopback():
        common["demo_trail"] = demo_sign_ins(reading())["trail"]
    return common


def register(app: Flask) -> None:
    app.register_blueprint(blueprint)
    app.context_processor(page_context)
    app.jinja_env.globals.update(parts=parts, ways=ways)
