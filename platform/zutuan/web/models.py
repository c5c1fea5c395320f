"""Answers kept so that a repeated request gets the same one."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from zutuan.db import Base, Id, Moment


class IdempotencyKey(Base):
    """The answer once given to one actor's key on one route; `status` 0 while it is being worked out."""

    __tablename__ = "idempotency_key"
    __table_args__ = (sa.UniqueConstraint("actor_id", "route", "key"),)
    unaudited = True

    id: Mapped[Id]
    actor_id: Mapped[int] = mapped_column(sa.BigInteger)
    route: Mapped[str] = mapped_column(sa.String(200))
    key: Mapped[str] = mapped_column(sa.String(100))
    body_hash: Mapped[str] = mapped_column(sa.String(64))
    status: Mapped[int] = mapped_column(default=0)
    headers: Mapped[dict[str, str]] = mapped_column(sa.JSON, default=dict)
    body: Mapped[str] = mapped_column(sa.Text, default="")
    created_at: Mapped[Moment]
