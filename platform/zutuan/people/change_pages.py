"""Ending an affiliation, and merging two persons that are one: each with a page that says first what it does."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from zutuan.clock import at_shanghai, clock, local
from zutuan.errors import Invalid, Refused, say
from zutuan.people import leaving, merging, queries, schemas, staff_queries
from zutuan.people.asked import school_asked
from zutuan.people.hooks import PeopleHook, hooks_of
from zutuan.people.permissions import allow
from zutuan.web.forms import Errors, load_form, refused
from zutuan.web.requests import actor, db

blueprint = Blueprint("changes", __name__, template_folder="templates")


@blueprint.before_request
def in_navigation() -> None:
    """All these pages belong to 人员."""
    g.nav_endpoint = "staff.people"


def _hooks() -> tuple[PeopleHook, ...]:
    return hooks_of(current_app.extensions["zutuan"].features)


# --- leaving a school -------------------------------------------------------------------------------------------


@blueprint.get("/people/affiliations/<id:affiliation_id>/end")
def leave(affiliation_id: int) -> ResponseReturnValue:
    return _leave_page(affiliation_id, {}, "")


def _leave_page(affiliation_id: int, errors: Errors, alert: str) -> str:
    who = actor()
    affiliation = leaving.view(db(), who, affiliation_id)
    return render_template(
        "people/leave.html", affiliation=affiliation, name=leaving.name_of(db(), affiliation), errors=errors, alert=alert,
        held=leaving.holdings(db(), _hooks(), affiliation, who.now), values=request.form, today=local(who.now).date(),
        school_name=queries.school_name(db(), affiliation.school_id),
        over=affiliation.until is not None and affiliation.until <= who.now,
    )  # fmt: skip


@blueprint.post("/people/affiliations/<id:affiliation_id>/end")
def leave_post(affiliation_id: int) -> ResponseReturnValue:
    leaving.view(db(), actor(), affiliation_id)  # 404 before anything is said about the form
    try:
        data = load_form(schemas.LeaveForm())
        day = data["at"]
        at = None if day is None or day == local(clock.now()).date() else at_shanghai(day)
        ended = leaving.end(db(), actor(), affiliation_id, at, data["reason"])
    except (Invalid, Refused) as error:
        return refused(error, lambda errors, said: _leave_page(affiliation_id, errors, said))
    name = leaving.name_of(db(), ended)
    flash(
        _("%(name)s 从现在起不再属于本校。", name=name) if at is None else _("已登记 %(name)s 的离校日期。", name=name),
        "good",
    )
    return redirect(url_for("staff.people", school=ended.school_id))


# --- merging ----------------------------------------------------------------------------------------------------


@blueprint.get("/people/merge")
def duplicates() -> ResponseReturnValue:
    return _duplicates_page({}, "")


def _duplicates_page(errors: Errors, alert: str) -> str:
    who = actor()
    everywhere = allow.may(who, "person.merge")
    school_id = None if everywhere and "school" not in request.args else school_asked("person.merge_at")
    pairs = merging.likely(db(), school_id)
    people = {each for pair in pairs for each in (pair.kept, pair.gone)}
    return render_template(
        "people/duplicates.html", pairs=pairs, at=staff_queries.at_schools(db(), people), errors=errors, alert=alert,
        values=request.args, school_id=school_id, everywhere=everywhere,
        school_name=queries.school_name(db(), school_id) if school_id else "",
    )  # fmt: skip


@blueprint.get("/people/merge/choose")
def choose() -> ResponseReturnValue:
    """Two people by school and number, as one knows them."""
    school_id = _own_school()
    try:
        data = schemas.ChooseForm().read(request.args)
        kept = staff_queries.person_of_number(db(), data["kept_school"] or school_id, data["kept"])
        gone = staff_queries.person_of_number(db(), data["gone_school"] or school_id, data["gone"])
        wrong = [name for name, found in (("kept", kept), ("gone", gone)) if found is None]
        if wrong:
            raise Invalid.field(wrong[0], "nobody_of_that_number")
    except Invalid as error:
        return refused(error, _duplicates_page)
    return redirect(url_for("changes.merge", kept=kept, gone=gone))


def _own_school() -> int:
    everywhere = allow.may(actor(), "person.merge")
    return 0 if everywhere and not request.args.get("school") else school_asked("person.merge_at")


def _pair() -> tuple[int, int]:
    data: dict[str, Any] = schemas.PairForm().read(request.values)
    return data["kept"], data["gone"]


@blueprint.get("/people/merge/preview")
def merge() -> ResponseReturnValue:
    return _merge_page({}, "")


def _merge_page(_errors: Errors, alert: str) -> str:
    found = merging.preview(db(), actor(), _hooks(), *_pair())
    if found.refusal and not alert:
        alert = " ".join(say(*found.refusal)).strip()
    stops = [said for clash in found.clashes if clash.stops for said in [say(clash.code, clash.params)]]
    settled = [say(clash.code, clash.params)[0] for clash in found.clashes if not clash.stops]
    return render_template(
        "people/merge.html", found=found, alert=alert, settled=settled,
        stops=[{"message": message, "cure": cure} for message, cure in stops],
        at=staff_queries.at_schools(db(), {found.kept.id, found.gone.id}),
    )  # fmt: skip


@blueprint.post("/people/merge")
def merge_post() -> ResponseReturnValue:
    kept, gone = _pair()
    try:
        survivor = merging.merge(db(), actor(), _hooks(), kept, gone)
    except Refused as error:
        return refused(error, _merge_page)
    flash(_("已合并；%(name)s 会收到通知。", name=survivor.name), "good")
    return redirect(url_for("changes.duplicates"))
