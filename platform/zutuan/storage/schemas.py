"""What comes in and goes out about files."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from marshmallow import fields

from zutuan.fields import Choice, Pattern, Ref, Schema, Text, bad
from zutuan.storage import rules
from zutuan.storage.media import PURPOSES
from zutuan.storage.models import NAME_LENGTH

# Every kind of space, but no line break: that is no slip of the finger.
_SPACES = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"


class FileName(fields.String):
    """A file's name as it is shown: no path, nothing invisible, nothing that an operating system takes for itself."""

    def __init__(self, **kw: Any) -> None:
        super().__init__(**kw)
        self.metadata = {"maxLength": NAME_LENGTH, "minLength": 1, **self.metadata}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> str:
        name = unicodedata.normalize("NFC", super()._deserialize(value, attr, data, **kw)).strip(_SPACES)
        if not name:
            raise bad("required")
        refusal = rules.name_refusal(name)
        if refusal is not None:
            raise bad(refusal.code, **refusal.params)
        Text(NAME_LENGTH).deserialize(name)  # and what no text may hold
        return name


class Sha256(Pattern):
    """A SHA-256 in hexadecimal."""

    def __init__(self, **kw: Any) -> None:
        super().__init__(r"[0-9a-fA-F]{64}", "bad_sha256", 64, **kw)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> str:
        return super()._deserialize(value, attr, data, **kw).lower()


class FileIn(Schema):
    """What a new file is called and what it belongs to: an item, or, without one, the person alone."""

    name = FileName(required=True)
    purpose = Choice(tuple(PURPOSES), load_default="attachment")
    item_id = Ref(load_default=None, metadata={"description": "the shared item that it belongs to"})
    aspect = Pattern(
        r"[a-z][a-z_]*", "bad_code", 40, load_default="files",
        metadata={"description": "the part of the item whose shares say who may read it"},
    )  # fmt: skip
    sha256 = Sha256(load_default=None, metadata={"description": "refuse anything else"})


def typed(texts: dict[str, str]) -> dict[str, Any]:
    """Query, form and tus metadata carry text: whole numbers become numbers, empty ones are absent."""
    numbers = {
        name: int(text)
        for name, text in texts.items()
        if name == "item_id" and re.fullmatch(r"[0-9]{1,18}", text.strip())
    }
    return {name: value for name, value in {**texts, **numbers}.items() if value != "" or name == "name"}


class FileQuery(Schema):
    item_id = Ref(load_default=None, metadata={"description": "files of this item; without it, your own"})
    aspect = Pattern(r"[a-z][a-z_]*", "bad_code", 40, load_default="files")


class FileOut(Schema):
    id = fields.Integer()
    name = fields.String()
    media_type = fields.String()
    purpose = fields.String()
    size = fields.Integer(metadata={"description": "bytes"})
    sha256 = fields.String()
    item_id = fields.Integer(allow_none=True)
    aspect = fields.String()
    created_at = fields.AwareDateTime()
    content = fields.Function(
        lambda file: f"/api/v1/files/{file.id}/content", metadata={"description": "where its bytes are"}
    )


class UploadOut(Schema):
    id = fields.Integer()
    name = fields.String()
    state = fields.String(metadata={"enum": ["open", "complete", "refused", "ended"]})
    offset = fields.Integer(attribute="offset_", metadata={"description": "bytes that are safe"})
    length = fields.Integer(metadata={"description": "bytes"})
    file_id = fields.Integer(allow_none=True, metadata={"description": "the file, once it is complete"})
    expires_at = fields.AwareDateTime()


def in_query(schema: type[Schema]) -> list[dict[str, Any]]:
    """A schema's fields as openapi.json lists query parameters (the body is the file itself)."""
    return [
        {
            "in": "query", "name": name, "required": False,
            "schema": {"type": "integer" if isinstance(field, fields.Integer) else "string"},
        }
        for name, field in schema().load_fields.items()
    ]  # fmt: skip
