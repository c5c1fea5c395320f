"""The forms of a school's terms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from zutuan.calendar import editing, forms, schemas
from zutuan.calendar.confirming import confirmed
from zutuan.calendar.models import Term
from zutuan.calendar.pages import blueprint, editor
from zutuan.calendar.registered import hooks
from zutuan.clusters.models import School
from zutuan.errors import Invalid
from zutuan.sharing.services import fetch
from zutuan.web.forms import Errors, load_form, once, refused
from zutuan.web.requests import db


@blueprint.get("/calendar/schools/<id:school_id>/terms/new")
def new_term(school_id: int) -> ResponseReturnValue:
    return _term_form(editor(school_id), None, forms.empty_term(db(), school_id), {}, "")


@blueprint.post("/calendar/schools/<id:school_id>/terms/new")
def create_term(school_id: int) -> ResponseReturnValue:
    return _save_term(editor(school_id), None)


@blueprint.get("/calendar/terms/<id:term_id>/edit")
def edit_term(term_id: int) -> ResponseReturnValue:
    term = fetch(db(), Term, term_id)
    return _term_form(editor(term.school_id), term, forms.term_values(term), {}, "")


@blueprint.post("/calendar/terms/<id:term_id>/edit")
def update_term(term_id: int) -> ResponseReturnValue:
    term = fetch(db(), Term, term_id)
    return _save_term(editor(term.school_id), term)


def _save_term(row: School | None, term: Term | None) -> ResponseReturnValue:
    assert row is not None
    term_id = term.id if term else None

    def show(errors: Errors, overall: str) -> str:
        known = db().get(Term, term_id) if term_id else None
        return _term_form(fetch(db(), School, row_id), known, forms.typed_term(), errors, overall)

    row_id = row.id
    try:
        data = load_form(schemas.TermIn())
    except Invalid as error:
        return refused(error, show)
    change = editing.save_term(db(), row_id, data, term)
    year = data["academic_year"]
    return confirmed(change, show, _("学期已保存。"), url_for("calendar.school", school_id=row_id, year=year))


@blueprint.post("/calendar/terms/<id:term_id>/delete")
def delete_term(term_id: int) -> ResponseReturnValue:
    term = fetch(db(), Term, term_id)
    editor(term.school_id)
    school_id = term.school_id
    change = editing.delete_term(db(), term, _in_use(term_id))
    show = _term_again(term_id)
    return confirmed(change, show, _("学期已删除。"), url_for("calendar.school", school_id=school_id))


def _in_use(term_id: int) -> bool:
    return any(hook.sources(db(), [term_id]) for hook in hooks() if hook.sources is not None)


def _term_again(term_id: int) -> Callable[[Errors, str], str]:
    def show(errors: Errors, overall: str) -> str:
        term = fetch(db(), Term, term_id)
        return _term_form(fetch(db(), School, term.school_id), term, forms.term_values(term), errors, overall)

    return show


def _term_form(row: School | None, term: Term | None, values: Any, errors: Errors, overall: str) -> str:
    return render_template(
        "calendar/term_form.html", school=row, term=term, values=values, errors=errors, overall=overall, once=once(),
    )  # fmt: skip
