"""What goes out about notices."""

from marshmallow import fields

from zutuan.fields import Flag, Schema


class NoticeQuery(Schema):
    unread = Flag(load_default=False)


class NoticeOut(Schema):
    id = fields.Integer()
    kind = fields.String()
    text = fields.String()
    link = fields.String()
    created_at = fields.AwareDateTime()
    read_at = fields.AwareDateTime(allow_none=True)
