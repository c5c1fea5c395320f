"""Signing in and out."""

from __future__ import annotations

import re

from flask import Blueprint, abort, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError

from zutuan.clock import clock
from zutuan.errors import Invalid, TooMany, Unauthenticated, say
from zutuan.fields import field_errors, from_form
from zutuan.people import devices, labels, schemas, signing_in
from zutuan.people.api import credentials
from zutuan.people.demo import demo_sign_ins
from zutuan.people.models import Person
from zutuan.web.auth import end_cookie, is_loopback, safe_next, start_cookie
from zutuan.web.forms import messages_by_field
from zutuan.web.requests import actor, config, database, db, maybe_actor, reading
from zutuan.web.texts import give_templates

blueprint = Blueprint("people", __name__, template_folder="templates")
give_templates(blueprint, role_names=labels.ROLE, member_roles=labels.MEMBER)


@blueprint.get("/sign-in")
def sign_in() -> ResponseReturnValue:
    if maybe_actor() is not None:
        return redirect(safe_next(request.args.get("next"), url_for("web.home")))
    return _sign_in_page({}, 200)


def _sign_in_page(errors: dict[str, list[str]], status: int, alert: str = "") -> ResponseReturnValue:
    demo = demo_sign_ins(reading()) if config().demo and is_loopback() else None
    values = request.form if request.method == "POST" else request.args
    page = render_template("people/sign_in.html", errors=errors, values=values, alert=alert, demo=demo)
    return page, status


@blueprint.post("/sign-in")
def sign_in_post() -> ResponseReturnValue:
    schema = schemas.SignInIn()
    form = {key: value for key, value in request.form.items() if key in schema.fields}
    by_email = "@" in form.get("email", "")
    if not by_email:  # one box takes an e-mail or a number
        form["number"], form["email"] = form.get("email", ""), ""
    try:
        data = credentials(schema.load(from_form(schema, type(request.form)(form))))
        _person, secret, account = signing_in.sign_in(
            database(), data, devices.origin(), clock.now(), session.get("sid", "")
        )
    except ValidationError as error:
        return _sign_in_page(messages_by_field(field_errors(error.messages)), 422)
    except Invalid as error:
        return _sign_in_page(messages_by_field(error.errors), 422)
    except (Unauthenticated, TooMany) as error:
        return _sign_in_page({}, error.status, " ".join(say(error.code, error.params)))
    devices.remember(account)
    start_cookie(secret)
    return redirect(safe_next(request.form.get("next"), url_for("web.home")))


@blueprint.post("/demo/sign-in")
def demo_sign_in() -> ResponseReturnValue:
    """One click in the demonstration, and only there, and only on this machine."""
    if not (config().demo and is_loopback()):
        abort(404)
    chosen = request.form.get("person", "")
    person = db().get(Person, int(chosen)) if re.fullmatch(r"[1-9][0-9]{0,17}", chosen) else None
    if person is None or not person.demonstration or person.state != "active":
        abort(404)
    start_cookie(signing_in.open_session(db(), person.id, clock.now(), session.get("sid", "")))
    return redirect(safe_next(request.form.get("next"), url_for("web.home")))


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    signing_in.close_session(db(), actor(), session.get("sid", ""), everywhere="everywhere" in request.form)
    end_cookie()
    g.signed_in_actor = None
    return redirect(url_for("people.sign_in"))
