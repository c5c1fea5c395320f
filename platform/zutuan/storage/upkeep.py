"""What keeps the storage clean and true: expired uploads, content that nobody refers to, and the checks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.clusters.hooks import SuccessionHook
from zutuan.db import padded
from zutuan.feature import Problem
from zutuan.jobs import enqueue
from zutuan.sharing.actor import Actor
from zutuan.storage import uploads
from zutuan.storage.backends import Content, Measure, Missing, Storage, StorageDown, is_key
from zutuan.storage.models import StoredFile, UploadPart
from zutuan.storage.services import REMOVE

EVERY = timedelta(minutes=10)
SWEEP_EVERY = timedelta(hours=24)
# Longer than any request that is still writing, and than any transaction that is about to name what it wrote.
ORPHAN_AGE = timedelta(hours=48)
BATCH = 500


class FilesUpkeep:
    """Periodic work of a worker: ends expired uploads every ten minutes, and once a day looks through the storage, one
    batch a round, for content without a row (a crash between writing and committing leaves some)."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self._next_expiry: datetime | None = None
        self._next_sweep: datetime | None = None
        self._after = ""

    def __call__(self, session: Session, now: datetime) -> int:
        if self._next_expiry is None or now >= self._next_expiry:
            self._next_expiry = now + EVERY
            uploads.expire(session, now)
        elif self._next_sweep is None or now >= self._next_sweep:
            self._after = sweep(session, self.storage, now, self._after)
            if not self._after:
                self._next_sweep = now + SWEEP_EVERY
                self.storage.tidy(now - ORPHAN_AGE)
        return 0


def sweep(session: Session, storage: Storage, now: datetime, after: str = "", limit: int = BATCH) -> str:
    """Have old content without a row among the next keys removed; answers where to go on, or "" at the end.

    The storage, which may be slow, is asked before the session is used: nobody waits for its write lock meanwhile.
    """
    entries = storage.list(after, limit)
    old = [entry.key for entry in entries if is_key(entry.key) and entry.modified < now - ORPHAN_AGE]
    wanted = _referred(session, old) if old else set()
    orphans = [key for key in old if key not in wanted]
    if orphans:
        enqueue(session, REMOVE, {"keys": orphans}, now)
    return entries[-1].key if len(entries) == limit else ""


def _referred(session: Session, keys: list[str]) -> set[str]:
    files = sa.select(StoredFile.key).where(StoredFile.key.in_(padded(keys)), StoredFile.state == "complete")
    parts = sa.select(UploadPart.key).where(UploadPart.key.in_(padded(keys)))
    return {*session.scalars(files), *session.scalars(parts)}


# --- checks -----------------------------------------------------------------------------------------------------


def verify(session: Session, storage: Storage, *, deep: bool = False) -> list[Problem]:
    """Every row whose content is missing or of another length; with `deep` also of another SHA-256 (reads it all)."""
    found = []
    for content in complete(session):
        fault = _fault(storage, content, deep)
        if fault:
            found.append(Problem("files_have_their_content", f"file content {content.key}", fault))
    held = sa.select(UploadPart.key, UploadPart.size)
    for key, size in session.execute(held):
        if storage.size(key) != size:
            found.append(Problem("files_have_their_content", f"upload part {key}", "missing or of another size"))
    return found


def _fault(storage: Storage, content: Content, deep: bool) -> str:
    size = storage.size(content.key)
    if size is None:
        return "missing"
    if size != content.size:
        return f"{size} bytes instead of {content.size}"
    if deep and _measured(storage, content.key).sha256 != content.sha256:
        return "another SHA-256"
    return ""


def _measured(storage: Storage, key: str) -> Content:
    measured = Measure(storage.open(key))
    for _ in measured:
        pass
    return measured.content(key)


def check(session: Session) -> list[Problem]:
    """For `zutuan check`: the same with the configured storage."""
    from zutuan.config import load
    from zutuan.storage.backends import make_storage

    try:
        return verify(session, make_storage(load()))
    except StorageDown:
        return [Problem("files_have_their_content", "storage", "cannot be reached")]


# --- backup and restore -----------------------------------------------------------------------------------------


def complete(session: Session, batch: int = 1000) -> Iterator[Content]:
    """(key, size, SHA-256) of every complete file, in the order of ids; never more than a batch in memory."""
    last = 0
    while True:
        query = sa.select(StoredFile.id, StoredFile.key, StoredFile.size, StoredFile.sha256)
        rows = session.execute(
            query.where(StoredFile.id > last, StoredFile.state == "complete").order_by(StoredFile.id).limit(batch)
        ).all()
        for row in rows:
            yield Content(row.key, row.size, row.sha256)
        if len(rows) < batch:
            return
        last = rows[-1].id


class Damaged(Exception):
    """Content is not what its row says."""


def copy(source: Storage, target: Storage, wanted: Iterable[Content]) -> Iterator[Content]:
    """Copy content under its own keys, one after the other (for progress); what is there already in full is left.

    Raises Damaged where the source lacks content or holds other bytes: nothing wrong is written.
    """
    for content in wanted:
        if target.size(content.key) != content.size or _measured(target, content.key) != content:
            try:
                target.put(content.key, _exactly(source, content))
            except Missing as error:
                raise Damaged(f"{content.key}: missing") from error
        yield content


def _exactly(source: Storage, content: Content) -> Iterator[bytes]:
    measured = Measure(source.open(content.key))
    yield from measured
    if measured.content(content.key) != content:
        raise Damaged(f"{content.key}: other bytes than its row says")


# --- a school is taken over -------------------------------------------------------------------------------------


def _pass_on(
    session: Session, _actor: Actor | None, old_id: int, new_id: int, _departments: Mapping[int, int], _now: datetime
) -> dict[str, int]:
    """Files that are a school's own count as its successor's."""
    own = sa.update(StoredFile).where(StoredFile.owner_school_id == old_id).values(owner_school_id=new_id)
    session.execute(own.execution_options(synchronize_session=False))
    return {}


SUCCESSION = SuccessionHook(moves={"stored_file.owner_school_id"}, pass_on=_pass_on)
