"""`/schools/{id}/terms`, `/schools/{id}/periods` and `/schools/{id}/calendar`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask.views import MethodView

from zutuan.calendar import busy, calendars, schemas, services
from zutuan.calendar.plan import Calendar, DayPlan, day_plan
from zutuan.calendar.rules import TermDates
from zutuan.calendar.text import clock_text
from zutuan.clock import clock
from zutuan.clusters.models import School
from zutuan.errors import Invalid
from zutuan.paging import Page
from zutuan.sharing.services import fetch
from zutuan.web.api import IDEMPOTENCY, Blueprint, listing, query_schema
from zutuan.web.requests import actor, db

api = Blueprint("api-calendar", __name__, url_prefix="/api/v1/schools", description="terms, period tables, calendars")
busy_api = Blueprint("api-busy", __name__, url_prefix="/api/v1/me/busy-periods", description="my busy periods")
LONGEST = timedelta(days=400)


@api.route("/<id:school_id>/terms")
class Terms(MethodView):
    @api.response(200, listing(schemas.TermDetailOut))
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
        rows = [{"number": n, "starts": clock_text(a), "ends": clock_text(b)} for n, (a, b) in sorted(table.items())]
        return Page(rows, None, len(rows))


@api.route("/<id:school_id>/calendar")
class Days(MethodView):
    @api.arguments(query_schema(schemas.CalendarQuery), location="query")
    @api.response(200, listing(schemas.DayOut))
    def get(self, query: dict[str, Any], school_id: int) -> Any:
        """Which date's classes each day holds: weeks, holidays and swapped days, the inherited ones included."""
        actor()
        first = query["from_"] or clock.today()
        last = query["until"] or first + timedelta(days=27)
        if not timedelta(0) <= last - first <= LONGEST:
            raise Invalid.field("until", "days_span", days=LONGEST.days)
        school = calendars.of_school(db(), fetch(db(), School, school_id).id)
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        plans = [plan_of(school, day, query["grade"]) for day in days]
        return Page(plans, None, len(plans))


def plan_of(school: calendars.SchoolCalendar, day: Any, grade: str = "") -> DayPlan:
    """A day's plan in whichever term it lies; between terms, special days still have their names."""
    special = school.specials.get(day)
    term = school.term_on(day, grade)
    if term is None and special is not None and special.takes is not None:
        term = school.term_on(special.takes, grade)
    if term is None:
        return day_plan(Calendar(TermDates(day, 0), school.specials, school.bells), day)
    return day_plan(school.of(term, grade), day)


@busy_api.route("")
class BusyPeriods(MethodView):
    @busy_api.response(200, listing(schemas.BusyOut))
    def get(self) -> Any:
        """My busy periods that are not over."""
        rows = busy.mine(db(), actor())
        return Page(rows, None, len(rows))

    @busy_api.arguments(schemas.BusyIn)
    @busy_api.response(201, schemas.BusyOut)
    @busy_api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any]) -> Any:
        """Say that I am busy: once, or with `until` on that weekday every week. It counts wherever clashes are asked."""
        return busy.add(db(), actor(), data)


@busy_api.route("/<id:busy_id>/remove")
class RemoveBusy(MethodView):
    @busy_api.response(204)
    def post(self, busy_id: int) -> None:
        """I am free then after all."""
        busy.remove(db(), actor(), busy_id)
