"""考勤: the class's matrix, one meeting, the code that students scan; a student's own record; the poster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import segno
from flask import Blueprint, Response, flash, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from courses.catalogue.models import Offering
from courses.enrolment import queries as enrolments
from courses.rosters import codes, leave, posters, queries, rules, schemas, services, views
from courses.rosters.models import LeaveRequest
from courses.rosters.permissions import allow
from courses.rosters.queries import Line, Meeting
from zutuan.errors import Invalid, NotFound, Refused, Stale
from zutuan.exporting import xlsx_download
from zutuan.fields import from_form
from zutuan.web.forms import Errors, load_form, once, refused, refused_at_once
from zutuan.web.requests import actor, config, db
from zutuan.web.texts import give_templates

blueprint = Blueprint("rosters", __name__, template_folder="templates")
give_templates(
    blueprint, attendance_words=views.STATUS, attendance_signs=views.SIGN, attendance_sources=views.SOURCE,
    leave_states=views.LEAVE, meeting_when_filter=views.when, meeting_day_of_filter=views.day, percent_filter=views.percent,
)  # fmt: skip
REFRESH = 3  # how many times a code is renewed while it is good


def _of_class(offering_id: int, action: str = "attendance.read") -> Offering:
    g.nav_endpoint = "catalogue.mine"
    return queries.view_class(db(), actor(), offering_id, action)


def _key(text: str) -> rules.Key:
    key = rules.read_key(text)
    if key is None:
        raise NotFound
    return key


# --- the class --------------------------------------------------------------------------------------------------


@blueprint.get("/offerings/<id:offering_id>/attendance")
def overview(offering_id: int) -> ResponseReturnValue:
    return _overview(offering_id)


def _overview(offering_id: int, overall: str = "") -> str:
    offering, now = _of_class(offering_id), actor().now
    lines = queries.roll(db(), offering_id)
    meetings = _concerning(queries.meetings(db(), offering_id), lines)
    window = queries.window(db(), offering.course.school_id, now)
    open_ = [each for each in meetings if not each.gone and rules.may_mark(each.starts, now, window) is None]
    return render_template(
        "rosters/overview.html", offering=offering, course=offering.course, lines=lines, now=now, meetings=meetings,
        cells={(line.enrolment.id, each.key): views.cell(line, each, now) for line in lines for each in meetings},
        may_mark=allow.may(actor(), "attendance.mark", queries.subject(offering)), open=open_, overall=overall,
        leaves=queries.asked_in(db(), offering_id),
    )  # fmt: skip


def _concerning(meetings: Sequence[Meeting], lines: Sequence[Line]) -> list[Meeting]:
    """Without those before anybody on the roll was there."""
    first = min((line.since for line in lines), default=None)
    return [each for each in meetings if first is None or rules.expected(first, each.ends)]


@blueprint.get("/offerings/<id:offering_id>/attendance.xlsx")
def workbook(offering_id: int) -> ResponseReturnValue:
    offering = _of_class(offering_id)
    lines = queries.roll(db(), offering_id)
    table = views.table(offering, _concerning(queries.meetings(db(), offering_id), lines), lines)
    return xlsx_download(_("%(code)s 考勤", code=f"{offering.course.code}-{offering.code}") + ".xlsx", table)


@blueprint.get("/offerings/<id:offering_id>/poster.pdf")
def poster(offering_id: int) -> ResponseReturnValue:
    """For the class's people: A4, with a code that opens its page."""
    offering = _of_class(offering_id)
    url = config().url.rstrip("/") + url_for("enrolment.offering", offering_id=offering_id)
    pdf = posters.of(db(), offering, url, actor().now)
    return _pdf(pdf, f"{offering.course.code}-{offering.code}.pdf")


def _pdf(content: bytes, name: str) -> Response:
    response = make_response(content)
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Content-Disposition"] = f'inline; filename="{name if name.isascii() else "poster.pdf"}"'
    return response


# --- one meeting ------------------------------------------------------------------------------------------------


@blueprint.get("/offerings/<id:offering_id>/attendance/<meeting>")
def sheet(offering_id: int, meeting: str) -> ResponseReturnValue:
    return _sheet(offering_id, _key(meeting))


def _sheet(offering_id: int, key: rules.Key, overall: str = "", errors: Errors | None = None) -> str:
    offering = _of_class(offering_id)
    found = queries.meeting(db(), offering_id, key)
    lines = [each for each in queries.roll(db(), offering_id) if each.expected(found)]
    window = queries.window(db(), offering.course.school_id, actor().now)
    ahead = rules.may_mark(found.starts, actor().now, window)
    may_mark = allow.may(actor(), "attendance.mark", queries.subject(offering)) and ahead is None and not found.gone
    return render_template(
        "rosters/sheet.html", offering=offering, course=offering.course, meeting=found, may_mark=may_mark, ahead=ahead,
        rows=_rows(lines, found), counts=rules.counted((0, _status(each, found)) for each in lines).get(0, {}),
        overall=overall, errors=errors or {}, rest=request.form.get("rest", ""),
        version=request.form.get("version", found.version),
        scanning=rules.may_check_in(found.starts, found.ends, actor().now, window) is None,
    )  # fmt: skip


def _status(line: Line, meeting: Meeting) -> str:
    mark = line.marks.get(meeting.key)
    return mark.status if mark else ""


def _rows(lines: Sequence[Line], meeting: Meeting) -> list[dict[str, Any]]:
    """Each student with what stands now, and what was typed if the form was refused."""
    typed = {row.get("enrolment_id"): row for row in _typed()}
    rows = []
    for line in lines:
        mark, said = line.marks.get(meeting.key), typed.get(line.enrolment.id, {})
        status, note = (mark.status, mark.note) if mark else ("", "")
        rows.append(
            {
                "line": line, "mark": mark, "seen": said.get("seen", status), "seen_note": said.get("seen_note", note),
                "status": said.get("status", status), "note": said.get("note", note),
            }
        )  # fmt: skip
    return rows


def _typed() -> list[dict[str, Any]]:
    return [] if request.method != "POST" else list(from_form(schemas.MarksOfForm(), request.form)["marks"])


@blueprint.post("/offerings/<id:offering_id>/attendance/<meeting>")
def save(offering_id: int, meeting: str) -> ResponseReturnValue:
    """What the teacher changed is the teacher's word; whoever was left as shown keeps what stands by now."""
    offering, key = _of_class(offering_id, "attendance.mark"), _key(meeting)
    try:
        data, rows = load_form(schemas.SheetOfForm()), load_form(schemas.MarksOfForm())["marks"]
        said = [row for row in rows if row["status"] and _changed(row)]
        marks = [{name: row[name] for name in ("enrolment_id", "status", "note")} for row in said]
        services.save(db(), actor(), offering, key, data["version"], marks, data["rest"] or None)
    except (Invalid, Refused, Stale) as error:
        return refused(error, lambda errors, overall: _sheet(offering_id, key, overall, errors))
    flash(views.saved(len(rows)), "good")
    return redirect(url_for("rosters.overview", offering_id=offering_id))


def _changed(row: dict[str, Any]) -> bool:
    return bool(row["status"] != row["seen"] or row["note"] != row["seen_note"])


@blueprint.get("/offerings/<id:offering_id>/attendance/<meeting>/code")
def code(offering_id: int, meeting: str) -> ResponseReturnValue:
    """For the classroom's screen: it renews itself, and says how many have signed in."""
    offering, key = _of_class(offering_id, "attendance.mark"), _key(meeting)
    found, now = queries.meeting(db(), offering_id, key), actor().now
    window = queries.window(db(), offering.course.school_id, now)
    closed = rules.may_check_in(found.starts, found.ends, now, window)
    seconds = queries.code_seconds(db(), offering.course.school_id, now)
    signed = codes.sign(config().secret, offering_id, key, now, seconds)
    url = config().url.rstrip("/") + url_for("rosters.check_in", code=signed)
    lines = [each for each in queries.roll(db(), offering_id) if each.expected(found)]
    picture = segno.make(url, error="l", micro=False).svg_data_uri(scale=8, border=2)
    page = render_template(
        "rosters/code.html", offering=offering, course=offering.course, meeting=found, closed=closed, picture=picture,
        seconds=seconds, here=sum(_status(each, found) in ("present", "late") for each in lines), all=len(lines),
    )  # fmt: skip
    response = make_response(page)
    if closed is None or closed.code == "check_in_ahead":
        response.headers["Refresh"] = str(max(seconds // REFRESH, 10))
    response.headers["Cache-Control"] = "no-store"
    return response


# --- students ---------------------------------------------------------------------------------------------------


@blueprint.get("/check-in/<code>")
def check_in(code: str) -> ResponseReturnValue:
    return _check_in(code)


def _check_in(code: str, overall: str = "") -> str:
    offering_id, key, until = codes.read(config().secret, code)
    mine = services.attending(db(), actor(), offering_id)
    found = queries.meeting(db(), offering_id, key)
    mark = queries.one(db(), mine).marks.get(key)
    over = actor().now.timestamp() > until
    return render_template(
        "rosters/check_in.html", enrolment=mine, course=mine.offering.course, meeting=found, mark=mark, code=code,
        overall=overall, over=over,
    )  # fmt: skip


@blueprint.post("/check-in/<code>")
def sign_in_here(code: str) -> ResponseReturnValue:
    offering_id, key, until = codes.read(config().secret, code)
    mine = services.attending(db(), actor(), offering_id)
    try:
        codes.insist_fresh(until, actor().now)
        services.check_in(db(), actor(), offering_id, key)
    except Refused as error:
        return refused_at_once(error, lambda first: _check_in(code, first))
    flash(_("已签到。"), "good")
    return redirect(url_for("rosters.record", enrolment_id=mine.id))


@blueprint.get("/enrolments/<id:enrolment_id>/attendance")
def record(enrolment_id: int) -> ResponseReturnValue:
    return _record(enrolment_id)


def _record(enrolment_id: int, overall: str = "", errors: Errors | None = None) -> str:
    enrolment = queries.view_one(db(), actor(), enrolment_id)
    own = enrolment.person_id == actor().person_id
    g.nav_endpoint = "enrolment.mine" if own else "catalogue.mine"
    line, meetings = queries.one(db(), enrolment), queries.meetings(db(), enrolment.offering_id)
    leaves = queries.leaves(db(), LeaveRequest.enrolment_id == enrolment_id)
    attends = enrolments.combined(enrolment) in ("enrolled", "completed")
    return render_template(
        "rosters/record.html", enrolment=enrolment, course=enrolment.offering.course, line=line, own=own, leaves=leaves,
        meetings=[each for each in meetings if line.expected(each)], overall=overall, errors=errors or {}, once=once(),
        now=actor().now, open=_askable(line, meetings, leaves) if own and attends else [], typed=request.form,
    )  # fmt: skip


def _askable(line: Line, meetings: Sequence[Meeting], leaves: Sequence[LeaveRequest]) -> list[tuple[str, str]]:
    """Meetings that one may still ask to miss."""
    asked = {each.sheet.key for each in leaves if each.state in ("asked", "accepted")}
    now = actor().now
    return [
        (str(each.key), views.when(each))
        for each in meetings
        if not each.gone and each.key not in asked
        and rules.may_ask_leave(each.starts, each.ends, line.since, now, leave.LATEST) is None
    ]  # fmt: skip


@blueprint.post("/enrolments/<id:enrolment_id>/leave")
def ask_leave(enrolment_id: int) -> ResponseReturnValue:
    def tried() -> None:
        data = load_form(schemas.LeaveIn())
        leave.ask(db(), actor(), enrolment_id, rules.read_key(data["meeting"]), data["reason"])

    return _on_record(enrolment_id, tried, _("已提出请假，任课教师会收到通知。"))


@blueprint.post("/enrolments/<id:enrolment_id>/leave/<id:leave_id>/withdraw")
def withdraw_leave(enrolment_id: int, leave_id: int) -> ResponseReturnValue:
    return _on_record(enrolment_id, lambda: leave.withdraw(db(), actor(), leave_id), _("请假已撤回。"))


def _on_record(enrolment_id: int, act: Callable[[], object], done: str) -> ResponseReturnValue:
    try:
        act()
    except (Invalid, Refused) as error:
        return refused(error, lambda errors, overall: _record(enrolment_id, overall, errors))
    flash(done, "good")
    return redirect(url_for("rosters.record", enrolment_id=enrolment_id))


@blueprint.post("/offerings/<id:offering_id>/leave/<id:leave_id>")
def decide_leave(offering_id: int, leave_id: int) -> ResponseReturnValue:
    _of_class(offering_id, "attendance.mark")
    accept = request.form.get("do") == "accept"
    try:
        data = load_form(schemas.LeaveAnswerIn())
        leave.decide(db(), actor(), leave_id, accept=accept, answer=data["answer"])
    except (Invalid, Refused) as error:
        return refused_at_once(error, lambda first: _overview(offering_id, first))
    flash(_("已准假，学生会收到通知。") if accept else _("没有准假，学生会收到通知。"), "good")
    return redirect(url_for("rosters.overview", offering_id=offering_id))
