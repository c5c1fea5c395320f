"""Notices, what people chose about them, and schools' group chats."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from zutuan.db import Base, Id, Moment, foreign


class Notice(Base):
    """One thing one person is told, exactly once (`dedupe_key`). Its sentence is made when it is shown, in the
    reader's language, from `kind` (the event) and `params`. `mail` is how it also goes by mail: now, digest or not;
    `digest_day` the day of the digest that took it."""

    __tablename__ = "notice"
    __table_args__ = (
        sa.UniqueConstraint("person_id", "dedupe_key"),
        sa.Index("ix_notice_person", "person_id", "read_at", "id"),
        sa.Index(
            "ix_notice_digest", "person_id", "created_at",
            sqlite_where=sa.text("mail = 'digest' AND digest_day IS NULL"),
            postgresql_where=sa.text("mail = 'digest' AND digest_day IS NULL"),
        ),
    )  # fmt: skip
    unaudited = True

    id: Mapped[Id]
    person_id: Mapped[int] = foreign("person.id", index=False)
    kind: Mapped[str] = mapped_column(sa.String(60))
    dedupe_key: Mapped[str] = mapped_column(sa.String(120))
    params: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    link: Mapped[str] = mapped_column(sa.String(200), default="")
    created_at: Mapped[Moment]
    read_at: Mapped[Moment | None]
    mail: Mapped[str] = mapped_column(sa.String(10), default="off", server_default="off")
    digest_day: Mapped[date | None]


class NoticeChoice(Base):
    """What a person chose about one kind: whether it rings, and how it comes by mail. A taste, not an act: unaudited."""

    __tablename__ = "notice_choice"
    __table_args__ = (
        sa.UniqueConstraint("person_id", "kind"),
        sa.CheckConstraint("mail IN ('now', 'digest', 'off')", name="mail"),
    )
    unaudited = True

    id: Mapped[Id]
    person_id: Mapped[int] = foreign("person.id", index=False)
    kind: Mapped[str] = mapped_column(sa.String(60))
    bell: Mapped[bool]
    mail: Mapped[str] = mapped_column(sa.String(10))
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class GroupChat(Base):
    """A school's group chat robot. `address` is a secret (whoever has it writes into the chat): it is never shown
    again, and never in the audit. Ending it forgets it."""

    __tablename__ = "group_chat"

    id: Mapped[Id]
    school_id: Mapped[int] = foreign("school.id", unique=True, index=False)
    address: Mapped[str] = mapped_column(sa.String(400))
    kinds: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    changed_at: Mapped[Moment]
    changed_by: Mapped[int | None] = foreign("person.id", index=False)
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
