"""Shared items, who may see what of them, and the audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from zutuan.clusters.models import School
from zutuan.db import Base, Id, Moment, foreign
from zutuan.guards import append_only
from zutuan.sharing import rules

STATES = ("draft", "published", "suspended", "archived")
KINDS = ("course", "session", "expert", "room", "literature", "programme")


class SharedItem(Base):
    """Anything published for others. Its feature's own table joins it one to one."""

    __tablename__ = "shared_item"
    __table_args__ = (
        sa.CheckConstraint("state IN ('draft', 'published', 'suspended', 'archived')", name="state"),
        sa.Index("ix_shared_item_newest", "kind", "state", "published_at", "id"),
    )

    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(sa.String(12))
    owner_school_id: Mapped[int] = foreign("school.id")
    title_zh: Mapped[str] = mapped_column(sa.String(120))
    title_en: Mapped[str] = mapped_column(sa.String(200), default="")
    # By what lists sort the title: follows it (`rules.title_key`).
    title_key: Mapped[str] = mapped_column(sa.String(rules.TITLE_KEY), default="", server_default="")
    summary_zh: Mapped[str] = mapped_column(sa.String(400), default="")
    summary_en: Mapped[str] = mapped_column(sa.String(800), default="")
    keywords: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    state: Mapped[str] = mapped_column(sa.String(10), default="draft")
    # The task of the plan that it serves (`sharing/plan.py`); empty: none.
    plan_code: Mapped[str] = mapped_column(sa.String(12), default="", server_default="")
    demonstration: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column()
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    published_at: Mapped[Moment | None]

    owner: Mapped[School] = relationship()
    shares: Mapped[list[Share]] = relationship(back_populates="item")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @validates("title_zh")
    def _title_is_sorted(self, _name: str, title: str) -> str:
        self.title_key = rules.title_key(title)
        return title


class Share(Base):
    """`scope` may see `aspect` of the item during [from_, until). `cluster_id` repeats a cluster scope's number."""

    __tablename__ = "share"
    __table_args__ = (
        sa.Index("ix_share_item", "item_id", "aspect", "scope"),
        sa.Index("ix_share_scope", "scope", "aspect", "item_id"),
        sa.CheckConstraint("until IS NULL OR until >= from_", name="order"),
        # A cluster's share without its number would slip past the membership check of the filter.
        sa.CheckConstraint("(substr(scope, 1, 8) = 'cluster:') = (cluster_id IS NOT NULL)", name="cluster"),
    )

    id: Mapped[Id]
    item_id: Mapped[int] = foreign("shared_item.id", index=False)
    aspect: Mapped[str] = mapped_column(sa.String(40), default="record")
    scope: Mapped[str] = mapped_column(sa.String(60))
    cluster_id: Mapped[int | None] = foreign("cluster.id")
    from_: Mapped[Moment] = mapped_column("from_")
    until: Mapped[Moment | None]

    item: Mapped[SharedItem] = relationship(back_populates="shares")

    @staticmethod
    def open_at(now: datetime | sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
        return sa.and_(Share.from_ <= now, sa.or_(Share.until.is_(None), Share.until > now))


class AuditEvent(Base):
    """Who did what to what, as which affiliation. Names people by id and keeps no personal values."""

    __tablename__ = "audit_event"
    __table_args__ = (
        sa.Index("ix_audit_event_subject", "subject_type", "subject_id"),
        sa.Index("uq_audit_event_once", "once", unique=True),
    )
    unaudited = True

    id: Mapped[Id]
    at: Mapped[Moment]
    actor_id: Mapped[int | None] = mapped_column(sa.BigInteger, index=True)
    affiliation_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    action: Mapped[str] = mapped_column(sa.String(60))
    subject_type: Mapped[str] = mapped_column(sa.String(30), default="")
    subject_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    school_id: Mapped[int | None] = mapped_column(sa.BigInteger, index=True)
    detail: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)
    request_id: Mapped[str] = mapped_column(sa.String(64), default="")
    # Denials are written once per person, action and minute: the key they are unique by.
    once: Mapped[str | None] = mapped_column(sa.String(120))


append_only("audit_event")
