"""成绩认定 for the home school, 我的成绩 for the student, 教学工作量证明 for the teacher."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from courses.enrolment.schemas import WithdrawIn
from courses.recognition.permissions import allow as recognition_allow
from courses.recognition.queries import place
from courses.results import kinds, labels, papers, policies, queries, rules, schemas, services, views, workload
from courses.results.models import Result
from courses.results.permissions import allow
from courses.results.rules import Said
from courses.results.workload import TermOf
from zutuan.clock import local
from zutuan.errors import Denial, Forbidden, Invalid, NotFound, Refused
from zutuan.exporting import xlsx_download
from zutuan.exports import queries as exports
from zutuan.exports.views import ways
from zutuan.exports.writing import download
from zutuan.papers.services import of_subject
from zutuan.people.models import Affiliation
from zutuan.sharing.actor import Actor
from zutuan.web.forms import Errors, load_form, once, refused, refused_at_once
from zutuan.web.lists import Listing, load_query
from zutuan.web.requests import actor, db
from zutuan.web.texts import give_templates

blueprint = Blueprint("results", __name__, template_folder="templates")
give_templates(
    blueprint, result_words=labels.WORDS, result_marks={**labels.MARK, "": ""},
    **{f"{name}_filter": each for name, each in labels.FILTERS.items()},
)  # fmt: skip
PAGE = 50
SIZES = (50, 100, services.AT_ONCE)


# --- 成绩认定 ---------------------------------------------------------------------------------------------------


@blueprint.get("/results")
def results() -> ResponseReturnValue:
    return _results_page()


def _query() -> dict[str, Any]:
    wanted = request.args.get("n", type=int)
    query: dict[str, Any] = load_query(schemas.ResultQuery(), wanted if wanted in SIZES else PAGE)
    return query if "state" in request.args else {**query, "state": rules.WAITING}


def _results_page(overall: str = "", chosen: Collection[int] = (), lines: Collection[str] = ()) -> str:
    """`lines`: what stands against single rows, where it is that."""
    who, query = actor(), _query()
    g.nav_endpoint = "results.results"
    if not allow.schools(who, "result.list_home"):
        raise Forbidden(Denial("result.list_home"))
    page = queries.of_school(db(), who, query)
    found = queries.choices(db(), who)
    return render_template(
        "results/list.html", listing=Listing.of(page), query=query, overall=overall, lines=lines, chosen=chosen, choices=found,
        terms=views.term_choices(found.terms), own={each.id: views.shown(each) for each in page.items}, sizes=SIZES,
        decides=bool(allow.schools(who, "result.recognise")), once=once(),
        formats=ways(db(), kinds.RESULTS, _schools(who), "results.export"),
    )  # fmt: skip


def _schools(who: Actor) -> list[int]:
    return sorted(allow.schools(who, "result.list_home"))


@blueprint.post("/results")
def decide() -> ResponseReturnValue:
    """Several at once: recognised as they are proposed, or their forms issued."""
    ids = sorted({int(each) for each in request.form.getlist("id") if re.fullmatch(r"[1-9][0-9]{0,17}", each)})
    try:
        if request.form.get("do") == "forms":
            issued = papers.forms(db(), actor(), ids)
            return redirect(url_for("results.forms", paper=[each.id for each in issued]))
        services.recognise_all(db(), actor(), ids)
    except (Invalid, Refused) as error:
        lines = error.params.get("lines", ())
        return refused_at_once(error, lambda first: _results_page(first, ids, lines))
    flash(_("已认定 %(n)s 项成绩，学生会收到通知。", n=len(ids)), "good")
    return redirect(_same_list())


def _same_list() -> str:
    kept = [(key, value) for key, value in request.args.items(multi=True) if key != "cursor"]
    return url_for("results.results") + (f"?{urlencode(kept)}" if kept else "")


@blueprint.get("/results/forms")
def forms() -> ResponseReturnValue:
    """What was issued a moment ago: one by one, or all in one file."""
    g.nav_endpoint = "results.results"
    ids = [int(each) for each in request.args.getlist("paper") if re.fullmatch(r"[1-9][0-9]{0,17}", each)]
    if not ids:
        raise NotFound
    return render_template("results/forms.html", papers=papers.issued(db(), actor(), ids), ids=ids)


@blueprint.get("/results.xlsx")
def workbook() -> ResponseReturnValue:
    """The list as it is filtered, whole."""
    if not allow.schools(actor(), "result.list_home"):
        raise Forbidden(Denial("result.list_home"))
    found = queries.whole(db(), actor(), _query())
    return xlsx_download(f"{_('成绩认定')}.xlsx", views.results_table(found))


@blueprint.get("/results/export")
def export() -> ResponseReturnValue:
    """The same in one of the school's formats."""
    who, kind = actor(), kinds.RESULTS
    if not _schools(who):
        raise Forbidden(Denial("result.list_home"))
    layout = exports.asked(db(), kind, request.args.get("format", ""), _schools(who))
    found = kinds.rows(queries.whole(db(), who, _query()))
    try:
        return download(f"{kind.label}-{local(who.now):%Y%m%d}", kind, layout, found, str(kind.label))
    except Refused as error:
        return refused_at_once(error, _results_page)


# --- one result -------------------------------------------------------------------------------------------------


@blueprint.get("/results/<id:result_id>")
def result(result_id: int) -> ResponseReturnValue:
    return _result_page(result_id)


def _result_page(result_id: int, errors: Errors | None = None, overall: str = "") -> str:
    found = queries.view(db(), actor(), result_id)
    g.nav_endpoint = "results.results" if found.enrolment.person_id != actor().person_id else "results.transcript"
    own, subject = views.shown(found), queries.subject(found)
    typed = {name: request.form.get(name, value) for name, value in _values(found, own).items()}
    return render_template(
        "results/result.html", result=found, own=own, values=typed, errors=errors or {},
        overall="" if errors else overall, limit=services.limit(found), reason=request.form.get("reason", ""),
        recognition=found.enrolment.recognition, possible=own.possible,
        categories=policies.home(db(), found.home_school_id, actor().now).categories,
        decides=allow.may(actor(), "result.recognise", subject) and found.enrolment.person_id != actor().person_id,
        before=found.before, writes=recognition_allow.may(actor(), "recognition.write", place(found.home_school_id)),
    )  # fmt: skip


def _values(found: Result, own: views.Shown) -> dict[str, Any]:
    proposed = services.proposal(db(), found, actor().now)
    grade = str(proposed.grade)
    return {
        "grade": grade, "credits": labels.number(own.credits), "code": own.code, "name": own.name,
        "name_en": own.name_en, "category": own.category,
    }  # fmt: skip


@blueprint.post("/results/<id:result_id>/<any(recognise, refuse, reopen):event>")
def move(result_id: int, event: str) -> ResponseReturnValue:
    try:
        _move(result_id, event)
    except (Invalid, Refused) as error:
        return refused(error, lambda errors, overall: _result_page(result_id, errors, overall))
    done = {
        "recognise": _("已认定，学生会收到通知。"), "refuse": _("未予认定，学生会看到理由。"),
        "reopen": _("已退回等待认定；用到它的证明已撤销。"),
    }  # fmt: skip
    flash(done[event], "good")
    return redirect(url_for("results.result", result_id=result_id))


def _move(result_id: int, event: str) -> None:
    if event == "recognise":
        services.recognise(db(), actor(), result_id, Said(**load_form(schemas.RecogniseIn())))
        return
    step = {"refuse": services.refuse, "reopen": services.reopen}[event]
    step(db(), actor(), result_id, load_form(WithdrawIn())["reason"])


# --- 我的成绩 ----------------------------------------------------------------------------------------------------


@blueprint.get("/transcript")
def transcript() -> ResponseReturnValue:
    """Mine; of several schools the one that `at` names."""
    places = queries.places(db(), actor().person_id)
    if not places:
        raise Forbidden(Denial("result.own_transcript"))
    wanted = request.args.get("at", type=int)
    place = next((each for each in places if each.id == wanted), places[0])
    return _student_page(place, places)


@blueprint.get("/results/students/<id:affiliation_id>")
def student(affiliation_id: int) -> ResponseReturnValue:
    return _student_page(queries.student(db(), actor(), affiliation_id))


def _student_page(place: Affiliation, places: Collection[Affiliation] = (), overall: str = "") -> str:
    own = place.person_id == actor().person_id
    g.nav_endpoint = "results.transcript" if own else "results.results"
    found = queries.of_student(db(), [place.id])
    return render_template(
        "results/student.html", place=place, places=places, own=own, results=found, totals=labels.totals(found),
        head=views.student_head(place), papers=of_subject(db(), actor(), papers.of(place)), once=once(), overall=overall,
        may_transcript=papers.may_issue_transcript(db(), actor(), place),
        may_form=allow.may(actor(), "result.form", queries.student_subject(place)),
    )  # fmt: skip


@blueprint.post("/results/students/<id:affiliation_id>/<any(form, transcript):kind>")
def issue(affiliation_id: int, kind: str) -> ResponseReturnValue:
    try:
        if kind == "form":
            paper = papers.form_of_student(db(), actor(), affiliation_id)
        else:
            language = "en" if request.form.get("language") == "en" else "zh"
            paper = papers.transcript(db(), actor(), affiliation_id, language)
    except Refused as error:
        return refused(
            error, lambda _errors, overall: _student_page(queries.student(db(), actor(), affiliation_id), (), overall)
        )
    return redirect(url_for("papers.paper", paper_id=paper.id))


@blueprint.get("/results/students/<id:affiliation_id>/transcript.xlsx")
def transcript_workbook(affiliation_id: int) -> ResponseReturnValue:
    place = queries.student(db(), actor(), affiliation_id)
    found = [each for each in queries.of_student(db(), [place.id]) if each.state == rules.RECOGNISED and each.recorded]
    return xlsx_download(f"{place.person.name}-{_('跨校修读成绩单')}.xlsx", *views.transcript_tables(place, found))


# --- 教学工作量证明 ----------------------------------------------------------------------------------------------


@blueprint.get("/workload")
def my_workload() -> ResponseReturnValue:
    return _workload_page()


def _workload_page(overall: str = "") -> str:
    who = actor()
    g.nav_endpoint = "catalogue.mine"
    terms = workload.terms(db(), who.person_id, who.now)
    shown = [(each, workload.lines(db(), who.person_id, each, who.now)) for each in terms]
    may = {each.school_id: workload.may_issue(db(), who, who.person_id, each.school_id) for each in terms}
    return render_template("results/workload.html", terms=shown, may=may, once=once(), overall=overall, who=who)


@blueprint.post("/workload")
def certify() -> ResponseReturnValue:
    """One click: from my page, or from a class's roster."""
    try:
        data = load_form(schemas.WorkloadIn())
        term = TermOf(data["school_id"], data["academic_year"], data["number"])
        paper = workload.certify(db(), actor(), data["person_id"] or actor().person_id, term)
    except (Invalid, Refused) as error:
        return refused_at_once(error, _workload_page)
    return redirect(url_for("papers.paper", paper_id=paper.id))
