"""订阅: one's secret calendar address, and what calendar programs fetch from it."""

from __future__ import annotations

import hashlib

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from zutuan.calendar import feeds
from zutuan.calendar.pages import blueprint
from zutuan.calendar.registered import hooks
from zutuan.calendar.sources import unsettled
from zutuan.clock import clock
from zutuan.errors import NotFound
from zutuan.web.requests import actor, config, db, shown_once


@blueprint.get("/calendar/feed")
def feed() -> ResponseReturnValue:
    return _page()


def _page(address: str = "") -> str:
    return render_template("calendar/feed.html", feed=feeds.open_feed(db(), actor()), address=address)


@blueprint.post("/calendar/feed/renew")
def renew_feed() -> ResponseReturnValue:
    secret = feeds.renew(db(), actor())
    return _page(shown_once(config().url.rstrip("/") + url_for("calendar.ics", secret=secret)))


@blueprint.post("/calendar/feed/revoke")
def revoke_feed() -> ResponseReturnValue:
    feeds.revoke(db(), actor())
    flash(_("订阅地址已停用，下一次刷新即失效。"), "good")
    return redirect(url_for("calendar.feed"))


@blueprint.get("/feeds/<string(maxlength=80):secret>.ics", provide_automatic_options=False)
def ics(secret: str) -> ResponseReturnValue:
    """Nobody signs in here: the address is the key. Rights are its owner's of this moment."""
    now = clock.now()
    who = feeds.owner(db(), secret, now)
    if who is None:
        raise NotFound
    found = feeds.entries(db(), who, hooks(), now - feeds.BACK, now + feeds.AHEAD, cancelled=True)
    english = who.locale.startswith("en")
    name = "Zutuan timetable" if english else "组团课表"
    unsure = unsettled(db(), hooks(), who.person_id)
    body = feeds.ics(found, name, config().url, english=english, unsure=unsure)
    answer = Response(body, content_type="text/calendar; charset=utf-8")
    answer.set_etag(hashlib.sha256(body).hexdigest()[:32])
    answer.headers["Cache-Control"] = "private, max-age=900"
    answer.headers["Content-Disposition"] = 'inline; filename="zutuan.ics"'
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer.make_conditional(request)
