"""What comes in and goes out about imports."""

from __future__ import annotations

from marshmallow import fields

from zutuan.fields import Choice, Named, Ref, Schema, Text
from zutuan.imports.models import STATES
from zutuan.imports.queries import OUTCOME


class FileRef(Schema):
    """A file that is stored already. With multipart/form-data the file itself comes instead."""

    file_id = Ref(load_default=None)


class ImportIn(FileRef):
    kind = Text(40, required=True)
    school_id = Ref(required=True)
    params = fields.Dict(
        keys=Text(40), values=Text(100), load_default=dict,
        metadata={"description": "what the kind asks besides the file: see /imports/kinds"},
    )  # fmt: skip


class ColumnsIn(Schema):
    columns = fields.Dict(
        keys=Text(200, min=0), values=Text(40, min=0), required=True,
        metadata={"description": "title in the file → column, or empty for none"},
    )  # fmt: skip


class LinesQuery(Schema):
    outcome = Choice(tuple(OUTCOME), load_default="bad")


class KindsQuery(Schema):
    school_id = Ref(required=True)


class MappedOut(Schema):
    title = fields.String(metadata={"description": "of the file"})
    column = fields.String(metadata={"description": "empty: not imported"})


class ImportOut(Schema):
    id = fields.Integer()
    kind = fields.String()
    school = fields.Nested(Named)
    person = fields.Nested(Named)
    params = fields.Dict(keys=fields.String(), values=fields.String())
    file_name = fields.String()
    state = fields.String(metadata={"enum": list(STATES)})
    done = fields.Integer(metadata={"description": "rows, of `total`, while the worker is at it"})
    total = fields.Integer()
    rows = fields.Integer()
    counts = fields.Dict(keys=fields.String(), values=fields.Integer())
    bad_lines = fields.Integer(metadata={"description": "with any, nothing can be applied"})
    told = fields.Integer(metadata={"description": "people who hear of it when it is applied"})
    mapping = fields.List(fields.Nested(MappedOut))
    encoding = fields.String()
    problem = fields.String(metadata={"description": "the code of what stopped it"})
    mends_id = fields.Integer(allow_none=True)
    superseded_by_id = fields.Integer(allow_none=True)
    created_at = fields.AwareDateTime()
    changed_at = fields.AwareDateTime()


class ChangeOut(Schema):
    column = fields.String()
    before = fields.String()
    after = fields.String()


class MistakeOut(Schema):
    column = fields.String()
    code = fields.String()
    message = fields.String()


class LineOut(Schema):
    line = fields.Integer(metadata={"description": "of the file; 0 is the whole of it, or what is not in it"})
    outcome = fields.String(metadata={"enum": list(OUTCOME)})
    label = fields.String()
    changes = fields.List(fields.Nested(ChangeOut))
    errors = fields.List(fields.Nested(MistakeOut))


class ColumnOut(Schema):
    name = fields.String()
    titles = fields.List(fields.String())
    needed = fields.Boolean()


class OptionOut(Schema):
    value = fields.String()
    text = fields.String()


class ParamOut(Schema):
    name = fields.String()
    label = fields.String()
    options = fields.List(fields.Nested(OptionOut))


class KindOut(Schema):
    name = fields.String()
    title = fields.String()
    replaces = fields.Boolean(metadata={"description": "what the file does not name goes"})
    columns = fields.List(fields.Nested(ColumnOut))
    params = fields.List(fields.Nested(ParamOut))
