"""Saved formats as they come in and go out."""

from __future__ import annotations

from marshmallow import fields

from zutuan.exports.rules import FILE_TYPES, MOST_COLUMNS, MOST_LINES
from zutuan.fields import Choice, Many, Named, Ref, Row, Schema, Text, Whole


class ExportColumnIn(Schema):
    """One column: `column` names it, or is empty for a fixed `value`."""

    column = Text(40, min=0, load_default="")
    head = Text(60, min=0, load_default="")
    value = Text(100, min=0, load_default="")


class ColumnOfForm(ExportColumnIn):
    """The same with its place, which a form asks for."""

    order = Whole(0, 999, load_default=None, allow_none=True)


class FormatFields(Schema):
    name = Text(40, required=True)
    file_type = Choice(FILE_TYPES, load_default="xlsx")
    columns = Many(Row(ExportColumnIn), MOST_COLUMNS, min=1, required=True)
    above = Many(Text(200, min=0), MOST_LINES, load_default=list)


class FormatIn(FormatFields):
    school_id = Ref(required=True)
    kind = Text(30, required=True)


class FormatOfForm(Schema):
    name = Text(40, required=True)
    file_type = Choice(FILE_TYPES, load_default="xlsx")
    columns = Many(Row(ColumnOfForm), MOST_COLUMNS, min=1, required=True)
    above = Text(1000, min=0, multiline=True, load_default="")
    version = Whole(0, 2**31 - 1, load_default=None, allow_none=True)


class FormatQuery(Schema):
    school_id = Ref(load_default=None)
    kind = Text(30, min=0, load_default="")


class ExportColumnOut(Schema):
    column = fields.String()
    head = fields.String()
    value = fields.String()


class FormatOut(Schema):
    id = fields.Integer()
    school = fields.Nested(Named)
    kind = fields.String()
    name = fields.String()
    file_type = fields.String()
    columns = fields.List(fields.Nested(ExportColumnOut))
    above = fields.List(fields.String())
    version = fields.Integer()
    updated_at = fields.AwareDateTime()
