"""Files of a course: its cover and what its students get. They are of the record's aspect: who sees the course reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Response, request
from sqlalchemy.orm import Session

from courses.catalogue import queries
from courses.catalogue.models import Course
from courses.catalogue.permissions import allow
from zutuan.errors import Invalid, NotFound
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import SharedItem
from zutuan.sharing.rules import RECORD
from zutuan.storage import intake, services
from zutuan.storage.models import StoredFile
from zutuan.storage.services import Files
from zutuan.web import receiving

COVER, MATERIAL = "image", "attachment"  # purposes of the storage
MAX_COVER = 2 * 1024 * 1024
DAY = 24 * 3600


@dataclass(frozen=True)
class Found:
    """What a course has; the newest picture is its cover."""

    cover: StoredFile | None
    files: tuple[StoredFile, ...]


NONE = Found(None, ())


def keeps(session: Session, actor: Actor, item: SharedItem) -> bool:
    """Whoever may edit the course looks after its files."""
    course = session.get(Course, item.id)
    return course is not None and allow.may(actor, "course.edit", queries.subject(course))


def _query(course_id: int) -> sa.Select[StoredFile]:
    mine = StoredFile.item_id == course_id, StoredFile.aspect == RECORD, StoredFile.state == "complete"
    return sa.select(StoredFile).where(*mine).order_by(StoredFile.id)


def of(session: Session, course_id: int) -> Found:
    """For whoever sees the course."""
    found = list(session.scalars(_query(course_id)))
    pictures = [each for each in found if each.purpose == COVER]
    return Found(pictures[-1] if pictures else None, tuple(each for each in found if each.purpose != COVER))


def add(session: Session, files: Files, actor: Actor, course: Course) -> StoredFile:
    """The file that this request brings. A new cover takes the place of the one before."""
    got = intake.received()
    if got.new.item_id != course.id or got.new.aspect != RECORD:
        raise Invalid.field("item_id", "no_such")
    if got.new.purpose == COVER and got.content.size > MAX_COVER:
        raise Invalid.field("file", "cover_too_large", limit=MAX_COVER // 1024 // 1024)
    before = of(session, course.id).cover if got.new.purpose == COVER else None
    file = services.store(session, files, actor, got.new, got.content)
    intake.keep_received(session)
    if before is not None:
        services.delete(session, files, actor, before.id)
    return file


def remove(session: Session, files: Files, actor: Actor, course: Course, file_id: int) -> None:
    if session.scalar(_query(course.id).where(StoredFile.id == file_id)) is None:
        raise NotFound
    services.delete(session, files, actor, file_id)


def picture(session: Session, files: Files, course_id: int) -> Response:
    """The cover itself: small, and kept by browsers."""
    cover = of(session, course_id).cover
    if cover is None or cover.size > MAX_COVER:
        raise NotFound
    headers: dict[str, Any] = {
        "ETag": f'"{cover.sha256}"', "Cache-Control": f"private, max-age={DAY}", "X-Content-Type-Options": "nosniff",
    }  # fmt: skip
    if request.if_none_match.contains(cover.sha256):
        return Response(status=304, headers=headers)
    content = b"".join(services.open_content(files, cover))
    return Response(content, mimetype=cover.media_type, headers=headers)


receiving.STREAMED[("POST", "catalogue.add_file")] = lambda: intake.received().fingerprint
