"""A file that one request brings: read once, straight into the storage, before any transaction begins.

A transaction around it would hold the write lock for as long as somebody's network takes; and a second try of the same
request (after a collision in the database) finds here what the first has read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask import g, request
from marshmallow import ValidationError
from sqlalchemy.orm import Session

from zutuan.db import after_commit
from zutuan.errors import Invalid, ZutuanError
from zutuan.fields import field_errors
from zutuan.storage import schemas, services
from zutuan.storage.backends import Content
from zutuan.storage.services import NewFile, dropped_on_error
from zutuan.web import receiving
from zutuan.web.requests import actor, database, files


@dataclass(frozen=True)
class Received:
    """What is to be stored, and the content that lies ready for it."""

    new: NewFile
    content: Content

    @property
    def fingerprint(self) -> bytes:
        return repr((self.new, self.content.size, self.content.sha256)).encode()


def received() -> Received:
    """The file of this request. Raises Invalid naming the field, before reading the body where that can be."""
    if "received" not in g:
        new, size, chunks = _sent()
        with database().read() as session:
            services.check_new(session, files(), actor(), new, size)
        content = services.receive(files(), new, chunks)
        with dropped_on_error(files().storage, content.key):
            if content.size != size:
                raise ZutuanError("file_incomplete")
        g.received = Received(new, content)
        receiving.on_end(lambda: _drop(g.pop("received", None)))
    found: Received = g.received
    return found


def keep_received(session: Session) -> None:
    """Once this session has committed, the content is a file's; otherwise it goes when the request ends."""
    after_commit(session, lambda: g.pop("received", None))


def _drop(left: Received | None) -> None:
    if left is not None:
        files().storage.delete(left.content.key)


def _sent() -> tuple[NewFile, int, Iterator[bytes]]:
    """(what it is, its length, its bytes), from multipart/form-data or from the query and the bare body."""
    if request.mimetype != "multipart/form-data":
        return _new(request.args.to_dict()), request.content_length or 0, receiving.body_chunks()
    sent = request.files.get("file")
    if sent is None:
        raise Invalid.field("file", "file_missing")
    texts = {name: text for name, text in request.form.items() if name not in ("csrf_token", "idempotency_key")}
    new = _new({**texts, "name": texts.get("name") or sent.filename or ""})
    size = sent.stream.seek(0, 2)
    sent.stream.seek(0)
    return new, size, receiving.chunks_of(sent.stream)


def _new(texts: dict[str, str]) -> NewFile:
    try:
        return NewFile(**schemas.FileIn().load(schemas.typed(texts)))
    except ValidationError as error:
        raise Invalid(errors=field_errors(error.messages)) from error
