"""What is kept about each file, and uploads that are under way."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from zutuan.clusters.models import School
from zutuan.db import Base, Id, Moment, foreign
from zutuan.people.models import Person
from zutuan.sharing.models import SharedItem

NAME_LENGTH = 200
STATES = ("complete", "deleted")
UPLOAD_STATES = ("open", "complete", "refused", "ended")


class StoredFile(Base):
    """A file. It belongs to an item, whose `aspect` says who may read it, or to the one person who uploaded it.

    A row exists only once its content does: what is still arriving is an `Upload`. A deleted file keeps its row.
    """

    __tablename__ = "stored_file"
    __table_args__ = (
        sa.CheckConstraint("state IN ('complete', 'deleted')", name="state"),
        sa.CheckConstraint("(state = 'deleted') = (deleted_at IS NOT NULL)", name="deleted"),
        sa.CheckConstraint("size > 0", name="size"),
        sa.CheckConstraint("(item_id IS NULL) = (aspect = '')", name="subject"),
        sa.Index("ix_stored_file_item", "item_id", "aspect", "id"),
        sa.Index("ix_stored_file_person", "uploaded_by", "id"),
    )

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(sa.String(NAME_LENGTH))
    media_type: Mapped[str] = mapped_column(sa.String(100))
    purpose: Mapped[str] = mapped_column(sa.String(20))
    size: Mapped[int] = mapped_column(sa.BigInteger)
    sha256: Mapped[str] = mapped_column(sa.String(64))
    key: Mapped[str] = mapped_column(sa.String(60), unique=True)
    item_id: Mapped[int | None] = foreign("shared_item.id", index=False)
    aspect: Mapped[str] = mapped_column(sa.String(40), default="")
    owner_school_id: Mapped[int | None] = foreign("school.id")
    uploaded_by: Mapped[int] = foreign("person.id", index=False)
    state: Mapped[str] = mapped_column(sa.String(10), default="complete")
    version: Mapped[int] = mapped_column()
    created_at: Mapped[Moment]
    deleted_at: Mapped[Moment | None]

    item: Mapped[SharedItem | None] = relationship()
    owner: Mapped[School | None] = relationship()
    uploader: Mapped[Person] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class Upload(Base):
    """A file that arrives in pieces. `offset_` bytes are safe; `offset_` = `length` exactly when the file exists.

    `writer` is the one request that may add to it now, until `writer_until`.
    """

    __tablename__ = "upload"
    __table_args__ = (
        sa.CheckConstraint("state IN ('open', 'complete', 'refused', 'ended')", name="state"),
        sa.CheckConstraint("offset_ >= 0 AND offset_ <= length", name="offset"),
        sa.CheckConstraint("(state = 'complete') = (offset_ = length)", name="complete"),
        sa.Index("ix_upload_expires", "state", "expires_at"),
    )
    unaudited = True

    id: Mapped[Id]
    person_id: Mapped[int] = foreign("person.id")
    name: Mapped[str] = mapped_column(sa.String(NAME_LENGTH))
    purpose: Mapped[str] = mapped_column(sa.String(20))
    item_id: Mapped[int | None] = foreign("shared_item.id", index=False)
    aspect: Mapped[str] = mapped_column(sa.String(40), default="")
    length: Mapped[int] = mapped_column(sa.BigInteger)
    sha256: Mapped[str | None] = mapped_column(sa.String(64))
    offset_: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    state: Mapped[str] = mapped_column(sa.String(10), default="open")
    writer: Mapped[str | None] = mapped_column(sa.String(32))
    writer_until: Mapped[Moment | None]
    file_id: Mapped[int | None] = foreign("stored_file.id", index=False)
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]


class UploadPart(Base):
    """Bytes [start, start + size) of an upload, under a key of their own. No two begin at the same place."""

    __tablename__ = "upload_part"
    __table_args__ = (sa.UniqueConstraint("upload_id", "start"), sa.CheckConstraint("size > 0", name="size"))
    unaudited = True

    id: Mapped[Id]
    upload_id: Mapped[int] = foreign("upload.id", index=False)
    start: Mapped[int] = mapped_column(sa.BigInteger)
    size: Mapped[int] = mapped_column(sa.BigInteger)
    key: Mapped[str] = mapped_column(sa.String(60), unique=True)
