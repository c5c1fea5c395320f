"""Files: taking content in, keeping it, giving it out, removing it.

Content is written before the row that names it commits: a crash leaves at most content without a row, which the sweep
removes, and never a row without content. It is removed after the commit that gives it up, by the outbox.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.errors import Denial, Forbidden, Hidden, Invalid, NotFound, insist
from zutuan.jobs import enqueue
from zutuan.people.models import Person
from zutuan.sharing import scopes
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import Share, SharedItem
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import add_share, audit, fetch, seen_through
from zutuan.storage import media, rules
from zutuan.storage.backends import Content, Storage, new_key
from zutuan.storage.models import StoredFile, Upload
from zutuan.storage.permissions import allow, file_subject, own_subject

REMOVE = "files.remove"
# Whether this person looks after the files of such an item: the item's feature knows.
Keeps = Callable[[Session, Actor, SharedItem], bool]


@dataclass(frozen=True)
class Files:
    """What services of files need beside the session. `keepers`: kind of item → who looks after its files."""

    storage: Storage
    max_size: int
    quota: int
    keepers: Mapping[str, Keeps]


@dataclass(frozen=True)
class NewFile:
    """What a file will be: its name (already validated), purpose, and subject."""

    name: str
    purpose: str = "attachment"
    item_id: int | None = None
    aspect: str = "files"
    sha256: str | None = None


# --- taking in --------------------------------------------------------------------------------------------------


def check_new(session: Session, files: Files, actor: Actor, new: NewFile, size: int) -> SharedItem | None:
    """The item that the file will belong to, after asking everything that can be asked before its content comes.

    Raises Invalid (ending, size), NotFound (an item one may not see), Forbidden, or Refused (quota).
    """
    _check_ending(new)
    if size < 1:
        raise Invalid.field("file", "file_empty")
    if size > files.max_size:
        raise Invalid.field("file", "file_too_large", limit=rules.megabytes(files.max_size))
    if new.item_id is not None:
        return _item_to_keep(session, files, actor, new)
    allow.require(actor, "file.create", own_subject(actor))
    insist(rules.within_quota(used(session, actor.person_id), size, files.quota))
    return None


def _check_ending(new: NewFile) -> None:
    if media.expected(new.name, new.purpose) is None:
        ending, choices = media.ending_of(new.name), list(media.PURPOSES[new.purpose])
        if ending and len(ending) <= 12:
            raise Invalid.field("name", "file_ending", ending=ending, choices=choices)
        raise Invalid.field("name", "file_ending_missing", choices=choices)


def _item_to_keep(session: Session, files: Files, actor: Actor, new: NewFile) -> SharedItem:
    item = session.get(SharedItem, new.item_id)
    kept = item is not None and keeps(session, files, actor, item)
    if item is None or not (kept or _sees_any(session, actor, item, new.aspect)):
        raise Invalid.field("item_id", "no_such")
    if item.kind not in files.keepers:
        raise Invalid.field("item_id", "item_takes_no_files")
    if not kept:
        raise Forbidden(Denial("file.attach", "item", item.id))
    return item


def _sees_any(session: Session, actor: Actor, item: SharedItem, aspect: str) -> bool:
    return bool(seen_through(session, actor, item) or seen_through(session, actor, item, aspect))


def keeps(session: Session, files: Files, actor: Actor, item: SharedItem) -> bool:
    """Whether the actor looks after this item's files."""
    keeper = files.keepers.get(item.kind)
    return keeper is not None and keeper(session, actor, item)


def used(session: Session, person_id: int) -> int:
    """Bytes of a person's own files, and of what they have announced."""
    own = sa.select(sa.func.coalesce(sa.func.sum(StoredFile.size), 0)).where(
        StoredFile.uploaded_by == person_id, StoredFile.item_id.is_(None), StoredFile.state == "complete"
    )
    coming = sa.select(sa.func.coalesce(sa.func.sum(Upload.length), 0)).where(
        Upload.person_id == person_id, Upload.state == "open"
    )
    return int(session.scalar(own) or 0) + int(session.scalar(coming) or 0)


def receive(files: Files, new: NewFile, chunks: Iterable[bytes]) -> Content:
    """Write content that is not yet anybody's. Raises Invalid, and leaves nothing, where it is not what was announced."""
    content = files.storage.put(new_key("files"), _at_most(chunks, files.max_size))
    with dropped_on_error(files.storage, content.key):
        if content.size == 0:
            raise Invalid.field("file", "file_empty")
        check_content(files.storage, new, content)
    return content


@contextmanager
def dropped_on_error(storage: Storage, *keys: str) -> Iterator[None]:
    """What was just written goes again when what it was for fails."""
    try:
        yield
    except BaseException:
        for key in keys:
            storage.delete(key)
        raise


def _at_most(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > limit:
            raise Invalid.field("file", "file_too_large", limit=rules.megabytes(limit))
        yield chunk


def check_content(storage: Storage, new: NewFile, content: Content) -> None:
    """Raise Invalid unless the content is whole and of the kind that its name says."""
    if new.sha256 is not None and new.sha256 != content.sha256:
        raise Invalid.field("sha256", "file_checksum")
    kind = media.expected(new.name, new.purpose)
    head = b"".join(storage.open(content.key, 0, media.HEAD))
    start = max(content.size - media.TAIL, 0)
    tail = b"".join(storage.open(content.key, start, media.TAIL)) if start else head
    if kind is None or not media.fits(kind, head, tail):
        raise Invalid.field("file", "file_content", ending=media.ending_of(new.name))


# --- keeping ----------------------------------------------------------------------------------------------------


def store(session: Session, files: Files, actor: Actor, new: NewFile, content: Content) -> StoredFile:
    """Make received content a file of the item, or of the actor's own. Asks everything again: it may have taken hours."""
    session.get(Person, actor.person_id, with_for_update=True)  # two at once must not pass the quota together
    item = check_new(session, files, actor, new, content.size)
    kind = media.expected(new.name, new.purpose)
    assert kind is not None
    belongs = actor.at(None)
    file = StoredFile(
        name=new.name, media_type=kind.type, purpose=new.purpose, size=content.size, sha256=content.sha256,
        key=content.key, item_id=item.id if item else None, aspect=new.aspect if item else "",
        owner_school_id=item.owner_school_id if item else belongs.school_id if belongs else None,
        uploaded_by=actor.person_id, created_at=actor.now,
    )  # fmt: skip
    session.add(file)
    if item is not None:
        _open_to_own_school(session, item, new.aspect, actor)
    session.flush()
    _audit(session, actor, "file.store", file)
    return file


def attach(session: Session, files: Files, actor: Actor, file_id: int, item: SharedItem, aspect: str) -> StoredFile:
    """Give a file of one's own to an item: from now on the item's shares of that aspect say who may read it."""
    file = fetch(session, StoredFile, file_id)
    if file.uploaded_by != actor.person_id or file.item_id is not None or file.state != "complete":
        raise NotFound
    if not keeps(session, files, actor, item):
        raise Forbidden(Denial("file.attach", "item", item.id))
    file.item_id, file.aspect, file.owner_school_id = item.id, aspect, item.owner_school_id
    _open_to_own_school(session, item, aspect, actor)
    _audit(session, actor, "file.attach", file)
    return file


def _open_to_own_school(session: Session, item: SharedItem, aspect: str, actor: Actor) -> None:
    """The owner's `school:` and `manage:` shares are always there (design 3), for files as for the record."""
    there = set(session.scalars(sa.select(Share.scope).where(
        Share.item_id == item.id, Share.aspect == aspect, Share.open_at(actor.now)
    )))  # fmt: skip
    for scope in (scopes.manage(item.owner_school_id), scopes.school(item.owner_school_id)):
        if scope not in there:
            add_share(session, item.id, scope, actor.now, aspect)


def _audit(session: Session, actor: Actor, action: str, file: StoredFile, **detail: Any) -> None:
    """Names neither the file nor its content: a file's name may hold a person's."""
    audit(
        session, actor, action, Subject("file", file.id), now=actor.now, school_id=file.owner_school_id,
        item_id=file.item_id, aspect=file.aspect, size=file.size, **detail,
    )  # fmt: skip


# --- reading ----------------------------------------------------------------------------------------------------


def readable(session: Session, files: Files, actor: Actor, file_id: int) -> StoredFile:
    """The file, if the actor may read it now. Otherwise it does not exist (404, audited)."""
    file = fetch(session, StoredFile, file_id)
    if file.state != "complete":
        raise NotFound
    if file.item is not None and seen_through(session, actor, file.item, file.aspect):
        return file
    if not allow.may(actor, "file.read", _subject(session, files, actor, file)):
        raise Hidden(Denial("file.read", "file", file.id))
    return file


def _subject(session: Session, files: Files, actor: Actor, file: StoredFile) -> Subject:
    kept = file.item is not None and keeps(session, files, actor, file.item)
    return file_subject(file, actor, kept)


def files_of(session: Session, files: Files, actor: Actor, item_id: int | None, aspect: str) -> sa.Select[StoredFile]:
    """Files of an item, for who may read them; without an item, the actor's own. Raises NotFound."""
    query = sa.select(StoredFile).where(StoredFile.state == "complete")
    if item_id is None:
        return query.where(StoredFile.uploaded_by == actor.person_id, StoredFile.item_id.is_(None))
    item = fetch(session, SharedItem, item_id)
    if not (seen_through(session, actor, item, aspect) or keeps(session, files, actor, item)):
        raise Hidden(Denial("file.read", "item", item.id))
    return query.where(StoredFile.item_id == item_id, StoredFile.aspect == aspect)


def open_content(files: Files, file: StoredFile, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
    """The bytes of a file that somebody may read, for work on the server (text extraction, papers, export)."""
    return files.storage.open(file.key, offset, length)


# --- removing ---------------------------------------------------------------------------------------------------


def delete(session: Session, files: Files, actor: Actor, file_id: int) -> StoredFile:
    """Give a file up: gone for everybody at once, its content after the commit. Its row stays."""
    file = readable(session, files, actor, file_id)
    session.refresh(file, with_for_update=True)
    if file.state != "complete":
        raise NotFound
    allow.require(actor, "file.delete", _subject(session, files, actor, file))
    file.state, file.deleted_at = "deleted", actor.now
    enqueue(session, REMOVE, {"keys": [file.key]}, actor.now)
    _audit(session, actor, "file.delete", file)
    return file


def erase_own(session: Session, person_id: int, now: datetime) -> None:
    """Whoever closes their account takes along the files that are nobody else's, and what was on its way."""
    own = StoredFile.uploaded_by == person_id, StoredFile.item_id.is_(None), StoredFile.state == "complete"
    gone = session.scalars(sa.select(StoredFile).where(*own).with_for_update()).all()
    for file in gone:
        file.state, file.deleted_at = "deleted", now
    if gone:
        enqueue(session, REMOVE, {"keys": [file.key for file in gone]}, now)
    running = sa.update(Upload).where(Upload.person_id == person_id, Upload.state == "open")
    session.execute(running.values(expires_at=now).execution_options(synchronize_session=False))


def remover(storage: Storage) -> Callable[[Session, dict[str, Any]], None]:
    """The outbox' handler: removes content that nobody refers to any more. Twice is as good as once."""

    def remove(_session: Session, payload: dict[str, Any]) -> None:
        for key in payload["keys"]:
            storage.delete(key)

    return remove
