"""The bell and its list."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from zutuan.notices import services, views
from zutuan.web.auth import safe_next
from zutuan.web.lists import Listing
from zutuan.web.requests import actor, db

blueprint = Blueprint("notices", __name__, template_folder="templates")


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
