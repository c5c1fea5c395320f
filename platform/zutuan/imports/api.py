"""`/imports`: hand in a table, see what it would change, apply it; as 导入 does."""

from __future__ import annotations

from typing import Any

from flask import current_app, request
from flask.views import MethodView
from flask_babel import gettext as _
from marshmallow import ValidationError

from zutuan.errors import Denial, Forbidden, Invalid, NotFound, ZutuanError
from zutuan.exporting import Table, xlsx_download
from zutuan.fields import Schema, field_errors
from zutuan.imports import intake, queries, schemas, services, views
from zutuan.imports import kinds as known
from zutuan.imports.kinds import Kinds
from zutuan.imports.models import ImportBatch
from zutuan.paging import Page
from zutuan.web.api import IDEMPOTENCY, Blueprint, ListQuery, Parser, listing, query_schema
from zutuan.web.requests import actor, db, files

api = Blueprint("api-imports", __name__, url_prefix="/api/v1/imports", description="tables that schools hand in")

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FILE = {"type": "string", "format": "binary"}
_TEXT = {"type": "string"}


def _body(schema: type[Schema], form: dict[str, Any]) -> dict[str, Any]:
    """The file itself in a form, or JSON that names one."""
    properties = {"file": _FILE, **form}
    sent = {"schema": {"type": "object", "required": list(properties)[: 1 + len(form)], "properties": properties}}
    return {"required": True, "content": {"multipart/form-data": sent, "application/json": {"schema": schema}}}


class LinesQuery(schemas.LinesQuery, ListQuery):
    """Rows of one outcome."""


def kinds() -> Kinds:
    return Kinds(current_app.extensions["zutuan"].features)


def _sent(schema: Schema) -> dict[str, Any]:
    """What came besides the file, whichever way."""
    if request.mimetype != "multipart/form-data":
        raw = Parser().load_json(request, schema)
    else:
        raw = {name: text for name, text in request.form.items() if name not in ("csrf_token", "idempotency_key")}
        if raw.get("school_id", "").isascii() and raw.get("school_id", "").isdecimal():
            raw["school_id"] = int(raw["school_id"][:19])
        if "params" in raw:
            raw["params"] = _object(raw["params"])
    try:
        data: dict[str, Any] = schema.load(raw)
    except ValidationError as error:
        raise Invalid(errors=field_errors(error.messages)) from error
    return data


def _object(text: str) -> Any:
    try:
        return current_app.json.loads(text)
    except ValueError as error:
        raise ZutuanError("not_json") from error


def _file(file_id: int | None) -> tuple[str, bytes]:
    if file_id is not None:
        return intake.stored(db(), files(), actor(), file_id)
    return intake.uploaded()


def _answer(batch: ImportBatch, status: int = 200) -> Any:
    location = {"Location": f"/api/v1/imports/{batch.id}"} if status == 201 else {}
    return views.batch(batch), status, location


@api.route("")
class Imports(MethodView):
    @api.arguments(query_schema(ListQuery), location="query")
    @api.response(200, listing(schemas.ImportOut))
    def get(self, query: dict[str, Any]) -> Any:
        """What was handed in for the schools I work for, newest first."""
        schools = known.schools_of(kinds(), actor())
        if not schools:
            raise Forbidden(Denial("import.list"))
        page = queries.batches(db(), schools, query["cursor"], query["limit"])
        return Page([views.batch(each) for each in page.items], page.next, page.total)

    @api.response(201, schemas.ImportOut)
    @api.doc(
        parameters=[IDEMPOTENCY],
        requestBody=_body(schemas.ImportIn, {"kind": _TEXT, "school_id": {"type": "integer"}}),
    )
    def post(self) -> Any:
        """Hand in a table: multipart/form-data with `file`, or JSON with the `file_id` of a stored one. A worker checks
        it; `params` of a form is JSON as well."""
        data = _sent(schemas.ImportIn())
        known.insist(kinds(), actor(), data["kind"], data["school_id"])
        name, content = _file(data["file_id"])
        params = data["params"]
        batch = services.hand_in(db(), kinds(), actor(), data["kind"], data["school_id"], name, content, params=params)
        return _answer(batch, 201)


@api.route("/kinds")
class ImportKinds(MethodView):
    @api.arguments(query_schema(schemas.KindsQuery), location="query")
    @api.response(200, listing(schemas.KindOut))
    def get(self, query: dict[str, Any]) -> Any:
        """What I may import for a school: columns, what they may be called, and what is asked besides the file."""
        school_id = query["school_id"]
        mine = [kind for kind in kinds().values() if known.may(actor(), kind, school_id)]
        if not mine:
            raise NotFound
        return Page([views.kind(db(), kinds(), kind, school_id) for kind in mine], None, len(mine))


@api.route("/<id:import_id>")
class ImportById(MethodView):
    @api.response(200, schemas.ImportOut)
    def get(self, import_id: int) -> Any:
        """One import: its state, which column is what, and how many rows are new, changed or bad."""
        return _answer(services.batch_of(db(), kinds(), actor(), import_id))


@api.route("/<id:import_id>/lines")
class ImportLines(MethodView):
    @api.arguments(query_schema(LinesQuery), location="query")
    @api.response(200, listing(schemas.LineOut))
    def get(self, query: dict[str, Any], import_id: int) -> Any:
        """Rows of one outcome: every difference, or every bad row with its mistakes."""
        batch = services.batch_of(db(), kinds(), actor(), import_id)
        page = queries.lines(db(), batch.id, query["outcome"], query["cursor"], query["limit"])
        return Page([views.line(each) for each in page.items], page.next, page.total)


@api.route("/<id:import_id>/columns")
class ImportColumns(MethodView):
    @api.arguments(schemas.ColumnsIn)
    @api.response(200, schemas.ImportOut)
    def post(self, data: dict[str, Any], import_id: int) -> Any:
        """Say which column is what; the file is checked again."""
        return _answer(services.choose_columns(db(), kinds(), actor(), import_id, data["columns"]))


@api.route("/<id:import_id>/check")
class ImportCheck(MethodView):
    @api.response(200, schemas.ImportOut)
    def post(self, import_id: int) -> Any:
        """Check the file again, against what is there now."""
        return _answer(services.check_again(db(), kinds(), actor(), import_id))


@api.route("/<id:import_id>/apply")
class ImportApply(MethodView):
    @api.response(200, schemas.ImportOut)
    def post(self, import_id: int) -> Any:
        """Write the whole file, exactly as its differences were shown. A worker does it; read until `applied`."""
        return _answer(services.apply(db(), kinds(), actor(), import_id))


@api.route("/<id:import_id>/abandon")
class ImportAbandon(MethodView):
    @api.response(200, schemas.ImportOut)
    def post(self, import_id: int) -> Any:
        """Put the file away; its rows are forgotten."""
        return _answer(services.drop(db(), kinds(), actor(), import_id))


@api.route("/<id:import_id>/mend")
class ImportMend(MethodView):
    @api.response(201, schemas.ImportOut)
    @api.doc(parameters=[IDEMPOTENCY], requestBody=_body(schemas.FileRef, {}))
    def post(self, import_id: int) -> Any:
        """Hand in the workbook of bad rows, mended: a new import, in which they take their places."""
        services.batch_of(db(), kinds(), actor(), import_id)
        name, content = _file(_sent(schemas.FileRef())["file_id"])
        return _answer(services.mend(db(), kinds(), actor(), import_id, name, content), 201)


@api.route("/<id:import_id>/failed")
class ImportFailed(MethodView):
    @api.response(200, _FILE, content_type=XLSX)
    def get(self, import_id: int) -> Any:
        """The bad rows as a workbook, each with its reasons."""
        batch = services.batch_of(db(), kinds(), actor(), import_id)
        columns, rows = queries.failed_rows(db(), batch, kinds()[batch.kind].labels)
        return xlsx_download(f"failed-{batch.id}.xlsx", Table(_("有误的行"), columns, rows))
