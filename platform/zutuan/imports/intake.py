"""The file that a request brings, or names: its name, which is only shown, and its bytes."""

from __future__ import annotations

from flask import request
from marshmallow import ValidationError
from sqlalchemy.orm import Session

from zutuan.errors import Invalid
from zutuan.fields import field_errors
from zutuan.importing import MAX_BYTES
from zutuan.imports.queries import FILE_NAME
from zutuan.sharing.actor import Actor
from zutuan.storage import services as storage
from zutuan.storage.services import Files

# What a request with a file may hold.
MAX_BODY = MAX_BYTES + 64 * 1024


def uploaded() -> tuple[str, bytes]:
    """What was handed in as `file` of a form. Raises Invalid."""
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        raise Invalid.field("file", "import_no_file")
    try:
        name = FILE_NAME.deserialize(upload.filename)
    except ValidationError as error:
        raise Invalid(errors=field_errors({"file": error.messages})) from error
    return name, upload.stream.read(MAX_BYTES + 1)


def stored(session: Session, files: Files, actor: Actor, file_id: int) -> tuple[str, bytes]:
    """A file that the actor may read; 404 for any other."""
    file = storage.readable(session, files, actor, file_id)
    return file.name, b"".join(storage.open_content(files, file, 0, min(file.size, MAX_BYTES + 1)))
