"""The privacy notice, my data, closing my account."""

from __future__ import annotations

import orjson
from flask import Blueprint, Response, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from zutuan.clock import local
from zutuan.errors import Invalid, Refused
from zutuan.people import own_data, retention, schemas, services, throttle
from zutuan.people.rules import PRIVACY_VERSION
from zutuan.web.auth import end_cookie, safe_next
from zutuan.web.forms import Errors, load_form, refused
from zutuan.web.requests import actor, database, db, maybe_actor, reading

blueprint = Blueprint("own", __name__, template_folder="templates")


@blueprint.get("/privacy")
def privacy() -> ResponseReturnValue:
    who = maybe_actor()
    waits = who is not None and who.privacy_version < PRIVACY_VERSION
    return render_template(
        "people/privacy.html", version=PRIVACY_VERSION, waits=waits, next=request.args.get("next", "")
    )


@blueprint.post("/privacy")
def accept() -> ResponseReturnValue:
    services.accept_privacy(db(), actor(), PRIVACY_VERSION)
    return redirect(safe_next(request.form.get("next"), url_for("web.home")))


@blueprint.get("/account/data")
def data() -> ResponseReturnValue:
    return _data_page({}, "")


def _data_page(errors: Errors, alert: str) -> str:
    me = actor()
    kept = retention.told(reading(), me.person_id, me.now)
    return render_template("people/data.html", errors=errors, alert=alert, me=me, kept=kept)


@blueprint.get("/account/data.json")
def export() -> ResponseReturnValue:
    who = actor()
    text = orjson.dumps(own_data.export(reading(), who), default=str, option=orjson.OPT_INDENT_2)
    name = f"zutuan-{who.person_id}-{local(who.now):%Y%m%d}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(text, mimetype="application/json", headers=headers)


@blueprint.post("/account/close")
def close() -> ResponseReturnValue:
    who = actor()
    account, origin = f"password:{who.person_id}", throttle.Origin(f"person:{who.person_id}")
    try:
        form = load_form(schemas.CloseForm())
        throttle.check(reading(), account, origin, who.now)
        own_data.close(db(), who, form["password"])
    except (Invalid, Refused) as error:
        if any(each.code == "password_wrong" for each in error.errors):
            db().rollback()
            throttle.count(database(), account, origin, who.now)
        return refused(error, _data_page)
    end_cookie()
    session.pop("sid", None)
    flash(_("账号已注销。"), "good")
    return redirect(url_for("people.sign_in"))
