"""In-app notices."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from zutuan.db import Base, Id, Moment, foreign


class Notice(Base):
    """One thing one person is told, exactly once (`dedupe_key`). Its sentence is made when it is shown, in the
    reader's language, from `kind` and `params`."""

    __tablename__ = "notice"
    __table_args__ = (
        sa.UniqueConstraint("person_id", "dedupe_key"),
        sa.Index("ix_notice_person", "person_id", "read_at", "id"),
    )
    unaudited = True

    id: Mapped[Id]
    person_id: Mapped[int] = foreign("person.id", index=False)
    kind: Mapped[str] = mapped_column(sa.String(60))
    dedupe_key: Mapped[str] = mapped_column(sa.String(120))
    params: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    link: Mapped[str] = mapped_column(sa.String(200), default="")
    created_at: Mapped[Moment]
    read_at: Mapped[Moment | None]
