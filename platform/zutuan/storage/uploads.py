"""Resumable uploads (tus 1.0): a file that arrives in pieces, over broken connections and restarts.

What arrives is written as parts of a few megabytes, each safe once its row is committed; so a crash loses at most one
part. These services commit by themselves, in short transactions between the parts: a transaction that stays open while
somebody's network is slow would keep everyone else from writing. One request at a time may add to an upload; the
database says which (`Upload.writer`), and every part asks again whether it still is.

With the last part everything is joined, checked and made a file, and only that transaction moves the offset to the
end: a client that hears "complete" has a file, whatever crashed before.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.clock import clock
from zutuan.db import Database
from zutuan.errors import Denial, Hidden, Invalid, NotFound, Refused, insist
from zutuan.jobs import enqueue
from zutuan.people.models import Person
from zutuan.sharing.actor import Actor
from zutuan.sharing.services import fetch
from zutuan.storage import rules, services
from zutuan.storage.backends import Content, new_key
from zutuan.storage.errors import Differs, Gone, TooLarge
from zutuan.storage.models import Upload, UploadPart
from zutuan.storage.permissions import allow, upload_subject
from zutuan.storage.services import REMOVE, Files, NewFile

PART = 8 * 1024 * 1024
PART_SECONDS = 10.0  # a slow part ends then, so that what has come is safe and the lease is renewed in time
MAX_OPEN = 20


@dataclass(frozen=True)
class Piece:
    """What one request adds: where, how much it says it is, its chunks, and how to check it (algorithm, digest)."""

    offset: int
    size: int
    chunks: Iterable[bytes]
    checksum: tuple[str, bytes] | None = None


@dataclass
class _Writing:
    """One request's right to add to an upload, and what it has written."""

    upload: Upload
    writer: str
    offset: int
    parts: list[tuple[int, Content]] = field(default_factory=list)  # written, their rows not yet


# --- beginning and ending ---------------------------------------------------------------------------------------


def create(session: Session, files: Files, actor: Actor, new: NewFile, length: int) -> Upload:
    """Announce a file of `length` bytes. Refuses now what would be refused at the end."""
    services.check_new(session, files, actor, new, length)
    session.get(Person, actor.person_id, with_for_update=True)
    running = sa.select(sa.func.count()).where(Upload.person_id == actor.person_id, Upload.state == "open")
    if (session.scalar(running) or 0) >= MAX_OPEN:
        raise Refused("too_many_uploads", max=MAX_OPEN)
    upload = Upload(
        person_id=actor.person_id, name=new.name, purpose=new.purpose, item_id=new.item_id, aspect=new.aspect,
        sha256=new.sha256, length=length, created_at=actor.now, expires_at=actor.now + rules.KEEP,
    )  # fmt: skip
    session.add(upload)
    session.flush()
    return upload


def own(session: Session, actor: Actor, upload_id: int) -> Upload:
    """The actor's upload; anybody else's does not exist (404). Raises Gone for one that ended without a file."""
    upload = fetch(session, Upload, upload_id)
    if not allow.may(actor, "upload.use", upload_subject(upload)):
        raise Hidden(Denial("upload.use", "upload", upload.id))
    over = upload.state == "open" and upload.expires_at <= actor.now
    if over or upload.state in ("refused", "ended"):
        raise Gone
    return upload


def end(session: Session, actor: Actor, upload_id: int) -> None:
    """Give an upload up. One that has become a file is the file's matter (`services.delete`)."""
    upload = own(session, actor, upload_id)
    if upload.state != "open":
        raise Refused("upload_over")
    _close(session, upload, "ended", actor.now)


def expire(session: Session, now: datetime, limit: int = 100) -> int:
    """End what nobody came back for; its parts go after the commit."""
    late = sa.select(Upload).where(Upload.state == "open", Upload.expires_at <= now)
    found = session.scalars(late.order_by(Upload.id).limit(limit).with_for_update(skip_locked=True)).all()
    for upload in found:
        _close(session, upload, "ended", now)
    return len(found)


def _close(session: Session, upload: Upload, state: str, now: datetime) -> None:
    upload.state, upload.writer, upload.writer_until = state, None, None
    keys = list(session.scalars(sa.select(UploadPart.key).where(UploadPart.upload_id == upload.id)))
    session.execute(sa.delete(UploadPart).where(UploadPart.upload_id == upload.id))
    if keys:
        enqueue(session, REMOVE, {"keys": keys}, now)


# --- adding -----------------------------------------------------------------------------------------------------


def add(database: Database, files: Files, actor: Actor, upload_id: int, piece: Piece) -> tuple[int, int | None]:
    """Write what comes; answers (offset reached, id of the file if that completed it).

    Raises Refused (another request writes, or the offset is not where the upload stands), Gone, Differs, or Invalid
    when the whole turns out not to be what was announced: then the upload is over.
    """
    writing = _claim(database, actor, upload_id, piece)
    try:
        _write(database, files, writing, piece)
        end_ = sum(content.size for _, content in writing.parts) + writing.offset
        if end_ == writing.upload.length:
            return end_, _finish(database, files, actor, writing)
        _commit_parts(database, writing)
        return writing.offset, None
    finally:
        _give_back(database, files, writing)


def _claim(database: Database, actor: Actor, upload_id: int, piece: Piece) -> _Writing:
    """Become the one who writes, in one conditional update: of two at once, the other is refused."""
    now, writer = clock.now(), secrets.token_hex(16)
    with database.write() as session:
        upload = own(session, actor, upload_id)
        _insist(rules.may_add(_progress(session, upload), piece.offset, piece.size, now))
        free = sa.or_(Upload.writer_until.is_(None), Upload.writer_until <= now)
        claimed = _update(
            session, upload.id, Upload.offset_ == piece.offset, Upload.state == "open", free,
            values={"writer": writer, "writer_until": now + rules.LEASE},
        )  # fmt: skip
    if not claimed:
        raise Refused("upload_busy")
    return _Writing(upload, writer, piece.offset)


def _insist(refusal: Any) -> None:
    if refusal is not None and refusal.code == "upload_over":
        raise Gone
    if refusal is not None and refusal.code == "upload_too_long":
        raise TooLarge(refusal.code, **refusal.params)
    insist(refusal)


def _progress(session: Session, upload: Upload) -> rules.Progress:
    parts = session.scalar(sa.select(sa.func.count()).where(UploadPart.upload_id == upload.id)) or 0
    return rules.Progress(
        upload.state, upload.offset_, upload.length, parts, upload.expires_at, upload.writer_until
    )  # fmt: skip


def _update(session: Session, upload_id: int, *conditions: Any, values: dict[str, Any]) -> bool:
    statement = sa.update(Upload).where(Upload.id == upload_id, *conditions).values(**values)
    result = session.execute(statement.execution_options(synchronize_session=False))
    return cast("sa.CursorResult[Any]", result).rowcount == 1


def _write(database: Database, files: Files, writing: _Writing, piece: Piece) -> None:
    """Part after part until the request ends. All but what may be the last part are committed as they come; with a
    checksum none is, before all of them have been checked."""
    digest = hashlib.new(piece.checksum[0], usedforsecurity=False) if piece.checksum else None
    left = writing.upload.length - writing.offset
    for part in _cut(piece.chunks, left):
        key = new_key("parts")
        content = files.storage.put(key, _digested(part, digest))
        if not content.size:
            files.storage.delete(key)
            break
        start = writing.offset + sum(each.size for _, each in writing.parts)
        writing.parts.append((start, content))
        if digest is not None:
            _renew(database, writing)
        elif start + content.size < writing.upload.length:
            _commit_parts(database, writing)
    if digest is not None and piece.checksum is not None and digest.digest() != piece.checksum[1]:
        raise Differs


def _cut(chunks: Iterable[bytes], left: int) -> Iterator[Iterator[bytes]]:
    """The stream as parts that are not too large and do not take too long, never more than `left` bytes in all."""
    source = iter(chunks)
    state = {"left": left, "more": True}

    def part() -> Iterator[bytes]:
        size, until = 0, time.monotonic() + PART_SECONDS
        while size < PART and state["left"] > 0 and time.monotonic() < until:
            chunk = next(source, None)
            if chunk is None:
                state["more"] = False
                return
            if len(chunk) > state["left"]:
                raise TooLarge("upload_too_long", length=left)
            size += len(chunk)
            state["left"] -= len(chunk)
            yield chunk

    while state["more"] and state["left"] > 0:
        yield part()


def _digested(chunks: Iterable[bytes], digest: Any) -> Iterator[bytes]:
    for chunk in chunks:
        if digest is not None:
            digest.update(chunk)
        yield chunk


def _mine(writing: _Writing) -> tuple[Any, ...]:
    """Still the one who writes, and nothing has been added by another."""
    return Upload.writer == writing.writer, Upload.offset_ == writing.offset, Upload.state == "open"


def _renew(database: Database, writing: _Writing) -> None:
    with database.write() as session:
        until = clock.now() + rules.LEASE
        if not _update(session, writing.upload.id, *_mine(writing), values={"writer_until": until}):
            raise Refused("upload_busy")


def _commit_parts(database: Database, writing: _Writing) -> None:
    """Make written parts part of the upload."""
    if not writing.parts:
        return
    size = sum(content.size for _, content in writing.parts)
    with database.write() as session:
        values = {"offset_": writing.offset + size, "writer_until": clock.now() + rules.LEASE}
        if not _update(session, writing.upload.id, *_mine(writing), values=values):
            raise Refused("upload_busy")
        for start, content in writing.parts:
            session.add(UploadPart(upload_id=writing.upload.id, start=start, size=content.size, key=content.key))
    writing.offset += size
    writing.parts.clear()


def _give_back(database: Database, files: Files, writing: _Writing) -> None:
    """Let the next request write at once, and drop what did not become part of the upload."""
    with database.write() as session:
        _update(
            session, writing.upload.id, Upload.writer == writing.writer,
            values={"writer": None, "writer_until": None},
        )  # fmt: skip
    for _, content in writing.parts:
        files.storage.delete(content.key)


# --- completing -------------------------------------------------------------------------------------------------


def _finish(database: Database, files: Files, actor: Actor, writing: _Writing) -> int:
    """Join the parts, check the whole, and make it a file."""
    upload = writing.upload
    new = NewFile(upload.name, upload.purpose, upload.item_id, upload.aspect, upload.sha256)
    _renew(database, writing)
    content = files.storage.put(new_key("files"), _joined(database, files, writing))
    try:
        with services.dropped_on_error(files.storage, content.key):
            if content.size != upload.length:
                raise NotFound  # the parts went while we joined them: the upload was ended meanwhile
            services.check_content(files.storage, new, content)
            return _complete(database, files, actor, writing, new, content)
    except (Invalid, Refused) as error:
        if error.code != "upload_busy":
            _refuse(database, writing)
        raise


def _joined(database: Database, files: Files, writing: _Writing) -> Iterator[bytes]:
    """All bytes in order; between parts the lease is renewed, since joining 200 MB on a slow store takes a while."""
    with database.read() as session:
        query = sa.select(UploadPart.key).where(UploadPart.upload_id == writing.upload.id).order_by(UploadPart.start)
        keys = [*session.scalars(query), *(content.key for _, content in writing.parts)]
    return chain.from_iterable(_renewing(database, files, writing, index, key) for index, key in enumerate(keys))


def _renewing(database: Database, files: Files, writing: _Writing, index: int, key: str) -> Iterator[bytes]:
    if index % 8 == 7:
        _renew(database, writing)
    return files.storage.open(key)


def _complete(
    database: Database, files: Files, actor: Actor, writing: _Writing, new: NewFile, content: Content
) -> int:  # fmt: skip
    upload, now = writing.upload, clock.now()
    with database.write() as session:
        done = {"offset_": upload.length, "state": "complete", "writer": None, "writer_until": None}
        if not _update(session, upload.id, *_mine(writing), values=done):
            raise Refused("upload_busy")
        file = services.store(session, files, actor, new, content)  # no longer open: counted once
        _update(session, upload.id, values={"file_id": file.id})
        keys = list(session.scalars(sa.select(UploadPart.key).where(UploadPart.upload_id == upload.id)))
        session.execute(sa.delete(UploadPart).where(UploadPart.upload_id == upload.id))
        if keys:
            enqueue(session, REMOVE, {"keys": keys}, now)
        return file.id


def _refuse(database: Database, writing: _Writing) -> None:
    with database.write() as session:
        upload = session.get_one(Upload, writing.upload.id)
        if upload.writer == writing.writer:
            _close(session, upload, "refused", clock.now())
