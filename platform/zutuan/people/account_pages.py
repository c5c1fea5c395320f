"""My account: where I belong, what I hold and who acts for me while I am away, my tokens."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from marshmallow import ValidationError

from zutuan.clock import clock
from zutuan.errors import Invalid, Refused
from zutuan.fields import field_errors
from zutuan.people import belonging, queries, roles, schemas, services, staff_queries
from zutuan.people.pages import blueprint
from zutuan.people.policies import least_length
from zutuan.people.staff_pages import ends, starts
from zutuan.web.forms import Errors, load_form, messages_by_field, refused
from zutuan.web.requests import actor, db, reading, shown_once


@blueprint.get("/account")
def account() -> ResponseReturnValue:
    return account_page()


def account_page(
    secret: str | None = None, errors: Errors | None = None, alert: str = "", delegating: int | None = None
) -> str:
    """My account; after a refused form with what is wrong (`delegating`: in which role's form)."""
    me = actor()
    places = queries.role_places(reading(), me)
    return render_template(
        "people/account.html", me=me, tokens=services.tokens_of(reading(), me), secret=secret, errors=errors or {},
        role_place=lambda held: places.get(held, ""), alert=alert, delegating=delegating, values=request.form,
        proposals=belonging.proposals_of(reading(), me), own_roles=staff_queries.delegable(reading(), me),
        least=least_length(reading(), me.person_id, me.now),
    )  # fmt: skip


# --- tokens -----------------------------------------------------------------------------------------------------


@blueprint.post("/account/tokens")
def create_token() -> ResponseReturnValue:
    schema = schemas.TokenIn()
    try:
        data = schema.load({"name": request.form.get("name", "")})
    except ValidationError as error:
        return account_page(errors=messages_by_field(field_errors(error.messages))), 422
    _token, secret = services.create_token(db(), actor(), data["name"], clock.now())
    return account_page(shown_once(secret))


@blueprint.post("/account/tokens/<id:token_id>/revoke")
def revoke_token(token_id: int) -> ResponseReturnValue:
    services.revoke_token(db(), actor(), token_id)
    flash(_("令牌已停用，下一次使用即失效。"), "good")
    return redirect(url_for("people.account"))


# --- proposals and leave ----------------------------------------------------------------------------------------


@blueprint.post("/account/roles/<id:assignment_id>/delegate")
def delegate(assignment_id: int) -> ResponseReturnValue:
    now = clock.now()
    try:
        data = load_form(schemas.DelegateForm())
        until = ends(data["until"])
        assert until is not None
        roles.delegate(db(), actor(), assignment_id, data["number"], starts(data["from_"], now), until)
    except (Invalid, Refused) as error:
        return refused(
            error,
            lambda errors, said: account_page(
                errors=errors, alert=said if not errors else "", delegating=assignment_id
            ),
        )
    flash(_("已委托；对方会收到通知，到期自动结束。"), "good")
    return redirect(url_for("people.account"))


@blueprint.post("/account/proposals/<id:proposal_id>/<any(accept, decline):event>")
def decide(proposal_id: int, event: str) -> ResponseReturnValue:
    proposal = belonging.decide(db(), actor(), proposal_id, accept=event == "accept")
    name = queries.school_name(db(), proposal.school_id)
    flash(
        _("您已加入%(school)s。", school=name) if event == "accept" else _("您没有加入%(school)s。", school=name),
        "good",
    )
    return redirect(url_for("people.account"))
