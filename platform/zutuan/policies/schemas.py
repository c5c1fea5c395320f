"""What comes in and goes out about policies."""

from marshmallow import fields

from zutuan.fields import Instant, Named, Schema


class DecisionIn(Schema):
    value = fields.Raw(required=True, allow_none=True, metadata={"description": "null: as the level above has it"})
    from_ = Instant(data_key="from", load_default=None, metadata={"description": "now, where it is not given"})


class DecisionOut(Schema):
    value = fields.Raw(allow_none=True)
    from_ = fields.AwareDateTime(data_key="from")
    decided_at = fields.AwareDateTime()
    decided_by = fields.Nested(Named, attribute="decider", allow_none=True)


class PolicyOut(Schema):
    key = fields.String()
    label = fields.String()
    help = fields.String()
    type = fields.String()
    value = fields.Raw(metadata={"description": "what holds now; a duration is ISO 8601 in days, hours and minutes"})
    bounds = fields.String(metadata={"description": "what the value may be, in words"})
    inherited = fields.Boolean(metadata={"description": "it comes from a level above"})
    above = fields.Raw(metadata={"description": "what would hold if nothing were decided here"})
    decisions = fields.List(fields.Nested(DecisionOut), metadata={"description": "of this place, newest first"})
    version = fields.Integer()
