"""The people of a school: search, roles in bulk, disabling, looking as somebody, the audit."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from zutuan.clock import at_shanghai, clock, local
from zutuan.errors import Denial, Forbidden, Hidden, Invalid, NotFound, Refused, ZutuanError
from zutuan.exporting import Table, xlsx_download
from zutuan.people import audit_words, belonging, labels, queries, roles, schemas, staff_queries, viewing
from zutuan.people.asked import school_asked
from zutuan.people.permissions import allow
from zutuan.people.roles import At
from zutuan.people.slips import school_subject
from zutuan.sharing.models import AuditEvent
from zutuan.sharing.permissions import Place, Subject
from zutuan.web.forms import Errors, load_form, refused, refused_at_once
from zutuan.web.lists import Listing, load_query
from zutuan.web.requests import actor, db
from zutuan.web.texts import give_templates

blueprint = Blueprint("staff", __name__, template_folder="templates")
give_templates(blueprint, role_names=labels.ROLE, audit_said=audit_words.said, audit_noun=audit_words.noun)
PAGE = 50
EXPORTED = 50_000


def _school() -> int:
    """The school asked for, or one's own; 404 for one that one does not run."""
    return school_asked("people.manage")


@blueprint.get("/people")
def people() -> ResponseReturnValue:
    return _people_page({}, "")


def _people_page(errors: Errors, alert: str) -> str:
    who, school_id = actor(), _school()
    query = load_query(schemas.PeoplePageQuery(), PAGE)
    page = staff_queries.people(db(), school_id, query, who.now)
    ids = [person.id for _affiliation, person, _department in page.items]
    return render_template(
        "people/staff.html", listing=Listing.of(page), query=query, school_id=school_id, errors=errors, alert=alert,
        school_name=queries.school_name(db(), school_id), held=staff_queries.roles_of(db(), ids, school_id, who.now),
        grantable=roles.grantable(who, school_id),
        role_options=[(role, labels.ROLE[role]) for role in roles.grantable(who, school_id)], departments=staff_queries.departments(db(), school_id),
        kinds=labels.KIND, standings=labels.STANDING, values=request.form, now=who.now,
        may_end=allow.may(who, "affiliation.end", school_subject(school_id)), me_id=who.person_id,
        may_merge=allow.may(who, "person.merge_at", school_subject(school_id)), may_rule=allow.may(who, "role.list"),
        may_import=allow.may(who, "people.import", school_subject(school_id)),
        may_issue=allow.may(who, "key.issue", school_subject(school_id)),
        may_view=allow.may(who, "person.view_as"), chosen=request.form.getlist("people"),
        may_disable=allow.may(who, "person.disable", Subject(places={"only": Place(school_id)})),
        may_revoke=lambda role: roles.may_grant(who, role.role, roles.place_of(role)),
    )  # fmt: skip


def starts(day: date | None, now: datetime) -> datetime:
    return now if day is None or day <= local(now).date() else at_shanghai(day)


def ends(day: date | None) -> datetime | None:
    """The end of that day: forms say the last day on which it holds."""
    return None if day is None else at_shanghai(day + timedelta(days=1))


@blueprint.post("/people/roles")
def grant() -> ResponseReturnValue:
    school_id, now = _school(), clock.now()
    try:
        data = load_form(schemas.GrantForm())
        at = At(school_id, data["department_id"])
        made = roles.grant_many(
            db(), actor(), data["people"], data["role"], at, starts(data["from_"], now), ends(data["until"])
        )
    except (Invalid, Refused) as error:
        return refused(error, _people_page)
    except Forbidden as error:
        raise Hidden(error.denial) from error
    flash(_("已授予 %(n)s 人“%(role)s”；原来就担任的不变。", n=len(made), role=labels.ROLE[data["role"]]), "good")
    return redirect(url_for("staff.people", school=school_id))


@blueprint.post("/people/roles/<id:assignment_id>/revoke")
def revoke(assignment_id: int) -> ResponseReturnValue:
    try:
        held = roles.revoke(db(), actor(), assignment_id)
    except Refused as error:
        return refused_at_once(error, lambda said: _people_page({}, said))
    flash(_("已撤销；下一次访问即失效。"), "good")
    if held.granted_by == actor().person_id and held.delegates:
        return redirect(url_for("people.account"))
    return redirect(url_for("staff.people", school=held.school_id))


@blueprint.post("/people/<id:person_id>/<any(disable, enable):event>")
def disable(person_id: int, event: str) -> ResponseReturnValue:
    school_id = _school()
    try:
        belonging.set_disabled(db(), actor(), person_id, disabled=event == "disable")
    except Refused as error:
        return refused_at_once(error, lambda said: _people_page({}, said))
    flash(_("账号已停用，下一次访问即退出。") if event == "disable" else _("账号已恢复。"), "good")
    return redirect(url_for("staff.people", school=school_id))


# --- looking as somebody ----------------------------------------------------------------------------------------


@blueprint.post("/people/<id:person_id>/view-as")
def view_as(person_id: int) -> ResponseReturnValue:
    try:
        viewing.begin(db(), actor(), session.get("sid", ""), person_id)
    except ZutuanError as error:
        if error.status != 409:
            raise
        return refused_at_once(error, lambda said: _people_page({}, said))
    return redirect(url_for("web.home"))


@blueprint.post("/view-as/stop")
def stop_viewing() -> ResponseReturnValue:
    who = actor()
    if who.really is None:
        raise NotFound
    viewing.end(db(), who, session.get("sid", ""))
    return redirect(url_for("staff.people"))


# --- the audit --------------------------------------------------------------------------------------------------


def _audit_query(limit: int) -> tuple[frozenset[int] | None, dict[str, Any]]:
    """Whose audit (None: all), and the filter of the address."""
    who = actor()
    everything = allow.may(who, "audit.read")
    schools = frozenset(s for s in allow.schools(who, "audit.read") if s in who.school_ids)
    if not everything and not schools:
        raise Forbidden(Denial("audit.read"))
    query = load_query(schemas.AuditQuery(), limit)
    query["since"] = at_shanghai(query["since"]) if query["since"] else None
    query["until"] = ends(query["until"])
    return (None if everything else schools), query


@blueprint.get("/audit")
def audit() -> ResponseReturnValue:
    schools, query = _audit_query(PAGE)
    page = staff_queries.audit_page(db(), schools, query)
    actions = staff_queries.audit_actions(db())
    return render_template(
        "people/audit.html",
        listing=Listing.of(page),
        query=query,
        action_options=[(a, audit_words.noun(a)) for a in actions],
    )


@blueprint.get("/audit.xlsx")
def audit_xlsx() -> ResponseReturnValue:
    schools, query = _audit_query(EXPORTED)
    rows = staff_queries.audit_rows(db(), schools, query).order_by(AuditEvent.id.desc()).limit(EXPORTED)
    heads = [
        _("时间"),
        _("操作人"),
        _("操作人编号"),
        _("操作"),
        _("操作代码"),
        _("对象"),
        _("对象编号"),
        _("学校编号"),
        _("内容"),
        _("请求编号"),
    ]
    body = (
        [e.at, name or "", e.actor_id or "", audit_words.said(e.action), e.action, audit_words.noun(e.subject_type), e.subject_id or "", e.school_id or "",
         "; ".join(f"{key}={value}" for key, value in e.detail.items()), e.request_id]
        for e, name in db().execute(rows)
    )  # fmt: skip
    return xlsx_download(_("操作记录.xlsx"), Table(_("操作记录"), heads, body))
