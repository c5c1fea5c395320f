"""What comes in and goes out about papers."""

from marshmallow import fields

from zutuan.fields import Choice, Named, Schema, Text


class PaperQuery(Schema):
    side = Choice(("mine", "school"), load_default="mine")


class RevokeIn(Schema):
    reason = Text(200, required=True)


class PaperOut(Schema):
    id = fields.Integer()
    number = fields.String()
    kind = fields.String()
    school = fields.Nested(Named)
    person = fields.Nested(Named)
    content = fields.Raw(metadata={"type": "object", "description": "exactly what the paper shows"})
    digest = fields.String(metadata={"description": "SHA-256 of the content"})
    verify_url = fields.String()
    issued_at = fields.AwareDateTime()
    revoked_at = fields.AwareDateTime(allow_none=True)
    revoke_reason = fields.String()
