"""The forms of a school's period tables."""

from __future__ import annotations

from typing import Any

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from zutuan.calendar import editing, forms
from zutuan.calendar.confirming import confirmed
from zutuan.calendar.models import PeriodTable
from zutuan.calendar.pages import blueprint, editor
from zutuan.clock import clock
from zutuan.clusters.models import School
from zutuan.errors import Invalid
from zutuan.sharing.services import fetch
from zutuan.web.forms import Errors, once, refused
from zutuan.web.requests import db


@blueprint.get("/calendar/schools/<id:school_id>/tables/new")
def new_table(school_id: int) -> ResponseReturnValue:
    return _table_form(editor(school_id), None, forms.empty_table(clock.today()), {}, "")


@blueprint.post("/calendar/schools/<id:school_id>/tables/new")
def create_table(school_id: int) -> ResponseReturnValue:
    return _save_table(editor(school_id), None)


@blueprint.get("/calendar/tables/<id:table_id>/edit")
def edit_table(table_id: int) -> ResponseReturnValue:
    table = fetch(db(), PeriodTable, table_id)
    return _table_form(editor(table.school_id), table, forms.table_values(table), {}, "")


@blueprint.post("/calendar/tables/<id:table_id>/edit")
def update_table(table_id: int) -> ResponseReturnValue:
    table = fetch(db(), PeriodTable, table_id)
    return _save_table(editor(table.school_id), table)


def _save_table(row: School | None, table: PeriodTable | None) -> ResponseReturnValue:
    assert row is not None
    row_id, table_id = row.id, table.id if table else None

    def show(errors: Errors, overall: str) -> str:
        known = db().get(PeriodTable, table_id) if table_id else None
        return _table_form(fetch(db(), School, row_id), known, forms.typed_table(), errors, overall)

    try:
        change = editing.save_table(db(), row_id, forms.table_data(), table)
    except Invalid as error:
        return refused(error, show)
    return confirmed(change, show, _("作息时间表已保存。"), url_for("calendar.school", school_id=row_id))


@blueprint.post("/calendar/tables/<id:table_id>/delete")
def delete_table(table_id: int) -> ResponseReturnValue:
    table = fetch(db(), PeriodTable, table_id)
    editor(table.school_id)
    school_id = table.school_id

    def show(errors: Errors, overall: str) -> str:
        known = fetch(db(), PeriodTable, table_id)
        return _table_form(fetch(db(), School, school_id), known, forms.table_values(known), errors, overall)

    change = editing.delete_table(db(), table)
    return confirmed(change, show, _("作息时间表已删除。"), url_for("calendar.school", school_id=school_id))


def _table_form(row: School | None, table: PeriodTable | None, values: Any, errors: Errors, overall: str) -> str:
    return render_template(
        "calendar/table_form.html", school=row, table=table, values=values, errors=errors, overall=overall, once=once(),
    )  # fmt: skip
