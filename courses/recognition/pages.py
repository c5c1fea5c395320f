"""学分认定: a school's table, what its students ask, and asking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from courses.catalogue import queries as catalogue
from courses.catalogue.models import Course
from courses.recognition import queries, schemas, services, views
from courses.recognition.api import own_school
from courses.recognition.models import Recognition, RecognitionRequest
from courses.recognition.permissions import allow
from zutuan.clusters.models import School
from zutuan.errors import Invalid, Refused
from zutuan.exporting import xlsx_download
from zutuan.sharing.services import fetch
from zutuan.web.forms import Errors, load_form, once, refused, refused_at_once
from zutuan.web.lists import Listing, load_query
from zutuan.web.requests import actor, db
from zutuan.web.texts import give_templates


def writes_for(course_school_id: int) -> bool:
    """Whether the viewer may say what a course of that school counts as at a school of theirs."""
    return bool(allow.schools(actor(), "recognition.write") - {course_school_id})


blueprint = Blueprint("recognition", __name__, template_folder="templates")
give_templates(
    blueprint, recognises=writes_for, request_states=views.REQUEST, recognition_chip_filter=views.chip,
    last_day_filter=views.last_day, recognition_outcomes=views.OUTCOME,
)  # fmt: skip

PAGE = 50
UNSAID = "unsaid"


# --- the table --------------------------------------------------------------------------------------------------


@blueprint.get("/recognitions")
def recognitions() -> ResponseReturnValue:
    """The table, or (`state=unsaid`) what is shared with the school and not in it."""
    who, query = actor(), _query()
    school_id = _school()
    unsaid = request.args.get("state") == UNSAID
    page = queries.unsaid(db(), school_id, query, who.now) if unsaid else queries.table(db(), who, school_id, query)
    mine = sorted(allow.schools(who, "recognition.read"))
    return render_template(
        "recognition/list.html", listing=Listing.of(page), query=query, unsaid=unsaid, now=who.now,
        schools=[fetch(db(), School, id_) for id_ in mine], school_id=school_id,
        ways=queries.ways(db(), school_id, who.now), may=_may(school_id),
    )  # fmt: skip


def _query() -> dict[str, Any]:
    query: dict[str, Any] = load_query(schemas.RecognitionQuery(), PAGE)
    return query if "state" in request.args else {**query, "state": "open"}


def _school() -> int:
    """The school whose table it is: the one in the address, or the first that the actor is of."""
    wanted, mine = request.args.get("school_id", type=int), allow.schools(actor(), "recognition.read")
    return own_school(actor(), wanted if wanted in mine else None)


def _may(school_id: int) -> dict[str, bool]:
    place = queries.place(school_id)
    return {
        "write": allow.may(actor(), "recognition.write", place),
        "own": allow.may(actor(), "recognition.list_own", place),
        "requests": school_id in allow.schools(actor(), "recognition.request_list"),
    }


@blueprint.get("/recognitions.xlsx")
def workbook() -> ResponseReturnValue:
    """The table as it is filtered, whole; it may be handed in again."""
    school_id = _school()
    rows = queries.whole_table(db(), actor(), school_id, _query())
    return xlsx_download(f"{_('学分认定表')}.xlsx", views.as_table(rows))


@blueprint.get("/recognitions/<id:recognition_id>")
def recognition(recognition_id: int) -> ResponseReturnValue:
    return _row_page(recognition_id)


def _row_page(recognition_id: int, overall: str = "") -> str:
    g.nav_endpoint = "recognition.recognitions"
    row = queries.view(db(), actor(), recognition_id)
    return render_template(
        "recognition/row.html", row=row, overall=overall, now=actor().now, may=_may(row.home_school_id),
        readable=bool(catalogue.visible_ids(db(), actor(), [row.course_id])),
    )  # fmt: skip


@blueprint.post("/recognitions/<id:recognition_id>/end")
def end(recognition_id: int) -> ResponseReturnValue:
    try:
        row = services.end(db(), actor(), recognition_id)
    except Refused as error:
        return refused_at_once(error, lambda first: _row_page(recognition_id, first))
    flash(_("这项认定不再有效；已选上的学生保留原来的认定。"), "good")
    return redirect(url_for("recognition.recognition", recognition_id=row.id))


# --- the form ---------------------------------------------------------------------------------------------------


@blueprint.get("/recognitions/new")
def new() -> ResponseReturnValue:
    """What the school says of the course now, to be said anew."""
    school_id, course = _writing(), fetch(db(), Course, request.args.get("course_id", 0, type=int))
    row = queries.current(db(), school_id, [course.id]).get(course.id)
    return _form(school_id, course, views.values(row), {}, "")


def _writing() -> int:
    """The school for which the actor writes: the one in the address, or the first."""
    mine = allow.schools(actor(), "recognition.write")
    wanted = request.args.get("school_id", type=int)
    if not mine:
        allow.require(actor(), "recognition.write")
    return wanted if wanted in mine else min(mine)


def _form(
    school_id: int, course: Course, values: Any, errors: Errors, overall: str, asked: RecognitionRequest | None = None
) -> str:
    g.nav_endpoint = "recognition.recognitions"
    table = queries.current(db(), school_id)
    ways = queries.ways(db(), school_id, actor().now)
    return render_template(
        "recognition/form.html", course=course, values=values, errors=errors, overall=overall, once=once(), ways=ways,
        school=fetch(db(), School, school_id), asked=asked, followed=_followed(table, course),
        known=table.get(course.id),
    )  # fmt: skip


MOST_CHOICES = 300


def _followed(table: dict[int, Recognition], course: Course) -> Sequence[tuple[int, str]]:
    """What the course could count as, beside a course of the school's own: rows of the table that hold."""
    now = actor().now
    held = [each for each in table.values() if each.outcome == "counts" and queries.answer(each).open_at(now)]
    return [(each.id, views.followed(each)) for each in held if each.course_id != course.id][:MOST_CHOICES]


@blueprint.post("/recognitions/new")
def create() -> ResponseReturnValue:
    school_id = _writing()
    course_id = request.args.get("course_id", 0, type=int)
    try:
        row = services.put(db(), actor(), course_id, load_form(schemas.SaidIn()), school_id)
    except (Invalid, Refused) as error:
        return refused(error, lambda *wrong: _form(school_id, fetch(db(), Course, course_id), request.form, *wrong))
    flash(_("已保存。选了这门课、还没有认定的学生会收到通知。"), "good")
    return redirect(url_for("recognition.recognition", recognition_id=row.id))


# --- requests ---------------------------------------------------------------------------------------------------


@blueprint.get("/recognition-requests")
def requests() -> ResponseReturnValue:
    """What the school's students ask; for who does not work for a school, what they asked themselves."""
    who, query = actor(), load_query(schemas.RequestQuery(), PAGE)
    works = bool(allow.schools(who, "recognition.request_list"))
    query["side"] = "school" if works and query["side"] != "mine" or works and "side" not in request.args else "mine"
    if works and "state" not in request.args:
        query["state"] = "open"
    g.nav_endpoint = "recognition.recognitions"
    return render_template(
        "recognition/requests.html", listing=Listing.of(queries.requests(db(), who, query)), query=query, works=works
    )


@blueprint.get("/recognition-requests/new")
def asking() -> ResponseReturnValue:
    return _ask_page(request.args.get("course_id", 0, type=int))


def _ask_page(course_id: int, overall: str = "") -> str:
    g.nav_endpoint = "catalogue.catalogue"
    course = catalogue.view_course(db(), actor(), course_id).course
    studying = [each for each in actor().affiliations if each.kind == "student"]
    if not studying:
        allow.require(actor(), "recognition.ask")
    asked = queries.asked_of(db(), actor().person_id, course_id)
    done = {each.home_school_id for each in asked}
    return render_template(
        "recognition/ask.html", course=course, overall=overall, once=once(), asked=asked,
        studying=[each for each in studying if each.school_id not in done],
        message=request.form.get("message", ""),
    )  # fmt: skip


@blueprint.post("/recognition-requests/new")
def ask() -> ResponseReturnValue:
    course_id = request.args.get("course_id", 0, type=int)
    try:
        made = services.ask(db(), actor(), course_id, **load_form(schemas.MessageIn()))
    except (Invalid, Refused) as error:
        return refused_at_once(error, lambda first: _ask_page(course_id, first))
    flash(_("已请%(school)s说明，答复后您会收到通知。", school=made.home_school.name), "good")
    return redirect(url_for("recognition.asked", request_id=made.id))


@blueprint.get("/recognition-requests/<id:request_id>")
def asked(request_id: int) -> ResponseReturnValue:
    shown = queries.view_request(db(), actor(), request_id)
    return _request_page(shown, None, {}, "")


def _request_page(shown: RecognitionRequest, values: Any, errors: Errors, overall: str) -> str:
    """For its registrar the form of the answer; for all others where it stands."""
    answers = allow.may(actor(), "recognition.answer", queries.request_subject(shown))
    if answers and shown.state == "open" and shown.person_id != actor().person_id:
        row = queries.current(db(), shown.home_school_id, [shown.course_id]).get(shown.course_id)
        values = views.values(row) if values is None else values
        return _form(shown.home_school_id, shown.course, values, errors, overall, shown)
    own = shown.person_id == actor().person_id
    g.nav_endpoint = "recognition.recognitions"
    return render_template(
        "recognition/request.html", asked=shown, own=own, overall=overall, may=_may(shown.home_school_id)
    )


@blueprint.post("/recognition-requests/<id:request_id>/answer")
def answer(request_id: int) -> ResponseReturnValue:
    try:
        data = load_form(schemas.AnswerIn())
        services.answer(db(), actor(), request_id, data, for_all=data["for_all"])
    except (Invalid, Refused) as error:
        return refused(
            error, lambda *wrong: _request_page(queries.view_request(db(), actor(), request_id), request.form, *wrong)
        )
    flash(_("已答复，学生会收到通知。"), "good")
    return redirect(url_for("recognition.requests"))


@blueprint.post("/recognition-requests/<id:request_id>/withdraw")
def withdraw(request_id: int) -> ResponseReturnValue:
    try:
        services.withdraw(db(), actor(), request_id)
    except Refused as error:
        return refused_at_once(
            error, lambda first: _request_page(queries.view_request(db(), actor(), request_id), None, {}, first)
        )
    flash(_("已撤回。"), "good")
    return redirect(url_for("recognition.requests", side="mine"))
