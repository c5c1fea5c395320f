"""What goes out about terms."""

from marshmallow import fields

from zutuan.fields import Schema


class TermOut(Schema):
    id = fields.Integer()
    school_id = fields.Integer()
    academic_year = fields.String()
    number = fields.Integer()
    first_day = fields.Date()
    weeks = fields.Integer()


class PeriodOut(Schema):
    number = fields.Integer()
    starts = fields.String(metadata={"description": "HH:MM on Shanghai's clock"})
    ends = fields.String()
