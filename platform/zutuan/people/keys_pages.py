"""Activation slips, mailed links, a new password."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from zutuan.clock import clock
from zutuan.errors import Invalid, NotFound, Refused, TooMany, Unauthenticated, ZutuanError
from zutuan.exporting import Table, xlsx_download
from zutuan.mail.services import send_mail
from zutuan.people import devices, keys, queries, schemas, signing_in, slips, throttle
from zutuan.people.asked import school_asked
from zutuan.people.models import AccessKey, Person
from zutuan.people.policies import HELP_LINE, least_at, least_length
from zutuan.policies import services as policies
from zutuan.web.auth import start_cookie
from zutuan.web.forms import Errors, errors_of, load_form, refused
from zutuan.web.requests import actor, config, database, db, reading

blueprint = Blueprint("keys", __name__)


def _secret() -> str:
    from flask import current_app

    return str(current_app.secret_key)


# --- for registrars: slips --------------------------------------------------------------------------------------


def _school() -> int:
    """The school asked for, or the first that one may issue keys for; else 404."""
    return school_asked("key.issue")


@blueprint.get("/people/keys")
def issue() -> ResponseReturnValue:
    return _issue_page({}, "")


def _issue_page(errors: Errors, alert: str) -> str:
    school_id, now = _school(), clock.now()
    return render_template(
        "people/keys.html", errors=errors, alert=alert, values=request.form, school_id=school_id,
        groups=queries.not_activated(db(), school_id, now), batches=slips.batches_of(db(), school_id, now),
        school_name=queries.school_name(db(), school_id), by_mail=queries.invitable(db(), school_id, now),
    )  # fmt: skip


@blueprint.post("/people/keys")
def issue_post() -> ResponseReturnValue:
    school_id = _school()
    try:
        data = load_form(schemas.SlipsForm())
        numbers = data.pop("numbers").split()
        batch = slips.issue_slips(db(), actor(), school_id, slips.Wanted(**data, numbers=numbers), _secret())
    except (Invalid, Refused) as error:
        return refused(error, _issue_page)
    return redirect(url_for("keys.slips", batch=batch, school=school_id))


@blueprint.post("/people/invitations")
def invite() -> ResponseReturnValue:
    school_id = _school()
    n = keys.invite(db(), actor(), school_id, _mail)
    flash(_("已给 %(n)s 个有邮箱的人发出邀请；刚发过的不再重复。", n=n), "good")
    return redirect(url_for("keys.issue", school=school_id))


@blueprint.get("/people/keys/<batch>", endpoint="slips")
def printed(batch: str) -> ResponseReturnValue:
    """The printable slips: kept nowhere, made anew from the platform's secret each time they are shown."""
    school_id = _school()
    found = slips.slips_of(db(), actor(), school_id, batch, _secret())
    if not found:
        raise NotFound
    page = render_template(
        "people/slips.html", slips=found, batch=batch, school_id=school_id, site=config().url,
        school_name=queries.school_name(db(), school_id),
        help_line=policies.value(db(), HELP_LINE, school_id, clock.now()),
    )  # fmt: skip
    return page, 200, {"Cache-Control": "no-store"}


@blueprint.get("/people/keys/<batch>.xlsx", endpoint="slips_xlsx")
def printed_xlsx(batch: str) -> ResponseReturnValue:
    school_id = _school()
    found = slips.slips_of(db(), actor(), school_id, batch, _secret())
    if not found:
        raise NotFound
    heads = [_("院系"), _("班级"), _("学工号"), _("姓名"), _("激活码"), _("有效期至"), _("状态")]
    rows = [
        [s.department, s.class_name, s.number, s.name, s.code, s.expires_at, _("已使用") if s.used else _("未使用")]
        for s in found
    ]
    response = xlsx_download(_("激活码.xlsx"), Table(_("激活码"), heads, rows))
    response.headers["Cache-Control"] = "no-store"
    return response


# --- for everybody: activate, forget, set anew ------------------------------------------------------------------


@blueprint.get("/activate")
def activate() -> ResponseReturnValue:
    return _activate_form({}, "", 200)


def _activate_form(errors: Errors, alert: str, status: int) -> ResponseReturnValue:
    return _form("activate", errors, alert, status, least=least_at(reading(), [None], clock.now()))


def _form(template: str, errors: Errors, alert: str, status: int, **more: object) -> ResponseReturnValue:
    values = request.form if request.method == "POST" else request.args
    page = render_template(f"people/{template}.html", errors=errors, alert=alert, values=values, **more)
    return page, status, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def _passwords_agree(data: dict[str, str]) -> None:
    if data["password"] != data["again"]:
        raise Invalid.field("again", "passwords_differ")


@blueprint.post("/activate")
def activate_post() -> ResponseReturnValue:
    origin, now = devices.origin(), clock.now()
    try:
        data = load_form(schemas.ActivateForm())
        _passwords_agree(data)
        person_id = slips.activate(
            database(), data["school"], data["number"], data["code"], data["password"], origin, now
        )
    except (Invalid, Unauthenticated, TooMany) as error:
        errors, overall = errors_of(error)
        return _activate_form(errors, "" if errors else overall, error.status)
    return _begin(person_id)


def _begin(person_id: int) -> ResponseReturnValue:
    start_cookie(signing_in.open_session(db(), person_id, clock.now(), session.get("sid", "")))
    flash(_("密码已设置，您已登录。以后用学校、学工号（或邮箱）和这个密码登录。"), "good")
    return redirect(url_for("web.home"))


@blueprint.get("/forgot")
def forgot() -> ResponseReturnValue:
    return _form("forgot", {}, "", 200)


@blueprint.post("/forgot")
def forgot_post() -> ResponseReturnValue:
    try:
        keys.ask_reset(db(), load_form(schemas.ForgotForm())["email"], clock.now(), _mail)
    except Invalid as error:
        errors, _overall = errors_of(error)
        return _form("forgot", errors, "", 422)
    return _form("forgot", {}, "", 200, sent=True)


def _mail(session: Session, key: AccessKey, person: Person, secret: str) -> None:
    """The link, in the language of whoever reads it; in the path's fragment-free part, which no log keeps."""
    link = config().url + url_for("keys.link", secret=secret)
    with force_locale(person.locale):
        if key.purpose == "reset":
            subject = _("重新设置组团平台的密码")
            text = _("%(name)s：\n\n请在两小时内打开下面的链接，设置新密码。链接只能用一次。\n\n%(link)s\n\n如果不是您本人申请的，请忽略这封邮件，密码不会改变。", name=person.name, link=link)  # fmt: skip
        else:
            subject = _("邀请您使用组团平台")
            text = _("%(name)s：\n\n学校已为您开通组团平台的账号。请在七天内打开下面的链接，设置密码。链接只能用一次。\n\n%(link)s", name=person.name, link=link)  # fmt: skip
    assert person.email is not None
    send_mail(session, person.email, subject, text, key=f"key:{key.id}", now=clock.now(), until=key.expires_at)


@blueprint.get("/key/<secret>")
def link(secret: str) -> ResponseReturnValue:
    person = keys.owner_of(reading(), secret, clock.now())
    if person is None:
        return _form("link_gone", {}, "", 404)
    return _new_password_form(person, {}, 200)


def _new_password_form(person: Person, errors: Errors, status: int) -> ResponseReturnValue:
    least = least_length(reading(), person.id, clock.now())
    return _form("new_password", errors, "", status, name=person.name, least=least)


@blueprint.post("/key/<secret>")
def link_post(secret: str) -> ResponseReturnValue:
    try:
        data = load_form(schemas.NewPasswordForm())
        _passwords_agree(data)
        person_id = keys.use_link(database(), secret, data["password"], clock.now())
    except Invalid as error:
        person = keys.owner_of(reading(), secret, clock.now())
        return _new_password_form(person, errors_of(error)[0], 422) if person else _form("link_gone", {}, "", 404)
    except Unauthenticated:
        return _form("link_gone", {}, "", 404)
    return _begin(person_id)


@blueprint.post("/account/password")
def change_password() -> ResponseReturnValue:
    from zutuan.people.account_pages import account_page

    me, now = actor(), clock.now()
    account = f"password:{me.person_id}"
    origin = replace(devices.origin(), address=f"person:{me.person_id}")
    try:
        data = load_form(schemas.ChangePasswordForm())
        _passwords_agree(data)
        throttle.check(reading(), account, origin, now)
        secret = signing_in.change_password(database(), me, data["old"], data["password"], now)
    except ZutuanError as error:
        if any(each.code == "password_wrong" for each in error.errors):
            throttle.count(database(), account, origin, now)
        return refused(error, lambda errors, alert: account_page(errors=errors or {"old": [alert]}))
    start_cookie(secret)
    flash(_("密码已更改；其他浏览器上的登录已经退出。"), "good")
    return redirect(url_for("people.account"))
