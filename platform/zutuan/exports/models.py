"""Saved formats of exports."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from zutuan.clusters.models import School
from zutuan.db import Base, Id, Moment, foreign
from zutuan.exports.rules import FILE_TYPES

_TYPES = ", ".join(f"'{each}'" for each in FILE_TYPES)


class ExportFormat(Base):
    """导出格式: which columns a school wants of one kind of table, in which order and under which heads.

    `columns`: rows of column (empty: a fixed value), head and value. `above`: lines before the heads.
    """

    __tablename__ = "export_format"
    __table_args__ = (
        sa.UniqueConstraint("school_id", "kind", "name"),
        sa.CheckConstraint(f"file_type IN ({_TYPES})", name="file_type"),
    )

    id: Mapped[Id]
    school_id: Mapped[int] = foreign("school.id", index=False)
    kind: Mapped[str] = mapped_column(sa.String(30))
    name: Mapped[str] = mapped_column(sa.String(40))
    file_type: Mapped[str] = mapped_column(sa.String(10))
    columns: Mapped[list[dict[str, str]]] = mapped_column(sa.JSON)
    above: Mapped[list[str]] = mapped_column(sa.JSON, default=list, server_default="[]")
    version: Mapped[int] = mapped_column()
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]

    school: Mapped[School] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
