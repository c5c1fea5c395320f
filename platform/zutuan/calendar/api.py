"""`/schools/{id}/terms` and `/schools/{id}/periods`."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from zutuan.calendar import schemas, services
from zutuan.clock import clock
from zutuan.clusters.models import School
from zutuan.paging import Page
from zutuan.sharing.services import fetch
from zutuan.web.api import Blueprint, listing
from zutuan.web.requests import actor, db

api = Blueprint("api-calendar", __name__, url_prefix="/api/v1/schools", description="terms and period tables")


@api.route("/<id:school_id>/terms")
class Terms(MethodView):
    @api.response(200, listing(schemas.TermOut))
    def get(self, school_id: int) -> Any:
        """A school's terms, newest first."""
        actor()
        terms = services.terms_of(db(), fetch(db(), School, school_id).id)
        return Page(terms, None, len(terms))


@api.route("/<id:school_id>/periods")
class Periods(MethodView):
    @api.response(200, listing(schemas.PeriodOut))
    def get(self, school_id: int) -> Any:
        """The period table in force today."""
        actor()
        table = services.periods_on(db(), fetch(db(), School, school_id).id, clock.today())
        rows = [{"number": n, "starts": _text(a), "ends": _text(b)} for n, (a, b) in sorted(table.items())]
        return Page(rows, None, len(rows))


def _text(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
