"""What comes in and goes out about notices."""

from marshmallow import fields

from zutuan.fields import Choice, Flag, Many, Schema, Text
from zutuan.notices.kinds import MAIL


class NoticeQuery(Schema):
    unread = Flag(load_default=False)


class ChoiceIn(Schema):
    bell = Flag(required=True, metadata={"description": "what binds rings all the same"})
    mail = Choice(MAIL, required=True)


class GroupChatIn(Schema):
    address = Text(400, min=0, metadata={"description": "the robot's address; without it the one before stays"})
    kinds = Many(Text(60), 40, unique=True, load_default=list)


class NoticeOut(Schema):
    id = fields.Integer()
    kind = fields.String()
    text = fields.String()
    link = fields.String()
    created_at = fields.AwareDateTime()
    read_at = fields.AwareDateTime(allow_none=True)


class ChoiceOut(Schema):
    kind = fields.String(attribute="name")
    label = fields.String()
    binds = fields.Boolean(metadata={"description": "asks for something, or changes what one holds"})
    bell = fields.Boolean()
    mail = fields.String(metadata={"enum": list(MAIL)})
    version = fields.Integer()


class GroupChatOut(Schema):
    host = fields.String(metadata={"description": "of the robot's address, which is never shown again; empty: none"})
    kinds = fields.List(fields.String())
    changed_at = fields.AwareDateTime(allow_none=True)
    version = fields.Integer()
