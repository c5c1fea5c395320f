"""Values of policies over time."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from zutuan.db import Base, Id, Moment, foreign
from zutuan.guards import append_only
from zutuan.people.models import Person


class PolicyValue(Base):
    """A policy's value at one place from an instant on. `value` None gives it back to the level above. Never changed: a
    new decision is a new row, and of two for the same instant the later row counts."""

    __tablename__ = "policy_value"
    __table_args__ = (
        sa.CheckConstraint("school_id IS NULL OR cluster_id IS NULL", name="place"),
        sa.Index("ix_policy_value_key", "key", "school_id", "cluster_id", "from_"),
    )

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(sa.String(60))
    school_id: Mapped[int | None] = foreign("school.id", index=False)
    cluster_id: Mapped[int | None] = foreign("cluster.id", index=False)
    value: Mapped[Any] = mapped_column(sa.JSON(none_as_null=True), nullable=True)
    from_: Mapped[Moment] = mapped_column("from_")
    decided_at: Mapped[Moment]
    decided_by: Mapped[int | None] = foreign("person.id", index=False)

    decider: Mapped[Person | None] = relationship()


append_only("policy_value")
