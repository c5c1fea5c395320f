"""The bell, its list, what a person wants to hear, and a school's group chat."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from zutuan.errors import Invalid
from zutuan.notices import choices, groups, schemas, services, views
from zutuan.notices.kinds import MAIL, named
from zutuan.notices.permissions import allow, chat_subject
from zutuan.web.auth import safe_next
from zutuan.web.forms import Errors, load_form, refused
from zutuan.web.lists import Listing
from zutuan.web.requests import actor, config, db
from zutuan.web.texts import give_templates

MAIL_WORDS = {"now": _l("立即"), "digest": _l("每日摘要"), "off": _l("不发邮件")}
blueprint = Blueprint("notices", __name__, template_folder="templates")
give_templates(blueprint, mail_words=MAIL_WORDS)


@blueprint.get("/notices")
def listing() -> ResponseReturnValue:
    page = services.notices_of(db(), actor(), request.args.get("cursor"), 50)
    return render_template("notices/list.html", listing=Listing.of(views.shown_page(page)))


@blueprint.get("/notices/bell")
def bell() -> ResponseReturnValue:
    return render_template("_bell.html", unread=services.unread_count(db(), actor()))


@blueprint.post("/notices/<id:notice_id>/open")
def open_one(notice_id: int) -> ResponseReturnValue:
    notice = services.mark_read(db(), actor(), notice_id)
    return redirect(safe_next(notice.link, url_for("notices.listing")))


@blueprint.post("/notices/read")
def read_all() -> ResponseReturnValue:
    services.mark_all_read(db(), actor())
    return redirect(url_for("notices.listing"))


# --- what I want to hear ----------------------------------------------------------------------------------------


@blueprint.get("/notices/settings")
def settings() -> ResponseReturnValue:
    g.nav_endpoint = "notices.listing"
    has_mail = config().smtp is not None or config().mail_dir is not None
    return render_template(
        "notices/settings.html", choices=choices.of_actor(db(), actor()), email=views.email_of(actor().person_id),
        has_mail=has_mail, hour=views.digest_hour(actor()),
    )  # fmt: skip


@blueprint.post("/notices/settings")
def save_settings() -> ResponseReturnValue:
    wanted: dict[str, dict[str, Any]] = {}
    for choice in choices.of_actor(db(), actor()):
        mail = request.form.get(f"mail-{choice.name}", choice.mail)
        bell = f"bell-{choice.name}" in request.form
        wanted[choice.name] = {"bell": bell, "mail": mail if mail in MAIL else choice.mail}
    choices.choose_all(db(), actor(), wanted)
    flash(_("已保存，从下一条通知起生效。"), "good")
    return redirect(url_for("notices.settings"))


# --- a school's group chat --------------------------------------------------------------------------------------


@blueprint.get("/schools/<id:school_id>/group-chat")
def group_chat(school_id: int) -> ResponseReturnValue:
    return _group_page(school_id)


def _group_page(school_id: int, errors: Errors | None = None, overall: str = "") -> str:
    g.nav_endpoint = "clusters.clusters"
    school = views.school(school_id)
    allow.require(actor(), "group_chat.write", chat_subject(school_id))
    chat = views.group_chat(groups.chat_of(db(), school_id))
    ticked = request.form.getlist("kinds") if errors is not None else chat["kinds"] or groups.group_kinds()
    options = [(name, kind.label) for name in groups.group_kinds() if (kind := named(name))]
    return render_template(
        "notices/group_chat.html", school=school, chat=chat, options=options, ticked=ticked, errors=errors or {},
        overall=overall, hosts=config().webhook_hosts,
    )  # fmt: skip


@blueprint.post("/schools/<id:school_id>/group-chat")
def save_group_chat(school_id: int) -> ResponseReturnValue:
    views.school(school_id)
    allow.require(actor(), "group_chat.write", chat_subject(school_id))
    try:
        groups.set_chat(db(), actor(), school_id, load_form(schemas.GroupChatIn()), config().webhook_hosts)
    except Invalid as error:
        return refused(error, lambda errors, overall: _group_page(school_id, errors, overall))
    flash(_("已保存。地址不会再显示；要更换时请重新填写。"), "good")
    return redirect(url_for("notices.group_chat", school_id=school_id))


@blueprint.post("/schools/<id:school_id>/group-chat/end")
def end_group_chat(school_id: int) -> ResponseReturnValue:
    views.school(school_id)
    groups.end_chat(db(), actor(), school_id)
    flash(_("已停用，地址已删除。"), "good")
    return redirect(url_for("notices.group_chat", school_id=school_id))
