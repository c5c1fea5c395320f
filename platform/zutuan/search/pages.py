"""The search page."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from zutuan.search import services
from zutuan.search.api import hit_url
from zutuan.web.lists import Listing
from zutuan.web.requests import actor, db

blueprint = Blueprint("search", __name__, template_folder="templates")


@blueprint.get("/search")
def results() -> ResponseReturnValue:
    text = request.args.get("q", "").replace("\x00", "")[:100].strip()
    page = services.search(db(), actor(), text, request.args.get("cursor"), 30)
    return render_template("search/results.html", listing=Listing.of(page), q=text, hit_url=hit_url)
