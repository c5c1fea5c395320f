"""Frozen figures: what a cluster's figures were on a day, with what they meant then. Never changed, never removed."""

from __future__ import annotations

from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from zutuan.clusters.models import Cluster
from zutuan.db import Base, BigId, Hundredths, Id, Moment, foreign
from zutuan.guards import append_only


class FigureFreeze(Base):
    """定格 of one term's figures of a cluster. `plan_code`: only what serves that task of the plan; empty: everything.
    `made_by` names a person by id, as the audit does: nothing here can be changed when persons merge or are forgotten."""

    __tablename__ = "figure_freeze"
    __table_args__ = (
        sa.UniqueConstraint("cluster_id", "academic_year", "number", "name"),
        sa.CheckConstraint("number BETWEEN 1 AND 4", name="number"),
    )

    id: Mapped[Id]
    cluster_id: Mapped[int] = foreign("cluster.id", index=False)
    cluster_name: Mapped[str] = mapped_column(sa.String(60))
    academic_year: Mapped[str] = mapped_column(sa.String(9))
    number: Mapped[int]
    name: Mapped[str] = mapped_column(sa.String(60))
    note: Mapped[str] = mapped_column(sa.String(400), default="", server_default="")
    plan_code: Mapped[str] = mapped_column(sa.String(12), default="", server_default="")
    # the platform's version that counted
    platform: Mapped[str] = mapped_column(sa.String(40), default="", server_default="")
    made_by: Mapped[int] = mapped_column(BigId)
    frozen_at: Mapped[Moment]

    cluster: Mapped[Cluster] = relationship()
    figures: Mapped[list[FrozenFigure]] = relationship(order_by="FrozenFigure.id", viewonly=True)


class FrozenFigure(Base):
    """What a figure was called and meant when it was frozen, in both languages."""

    __tablename__ = "frozen_figure"
    __table_args__ = (sa.UniqueConstraint("freeze_id", "figure"),)

    id: Mapped[Id]
    freeze_id: Mapped[int] = foreign("figure_freeze.id", index=False)
    figure: Mapped[str] = mapped_column(sa.String(40))
    title_zh: Mapped[str] = mapped_column(sa.String(60))
    title_en: Mapped[str] = mapped_column(sa.String(100))
    unit_zh: Mapped[str] = mapped_column(sa.String(20))
    unit_en: Mapped[str] = mapped_column(sa.String(40))
    definition_zh: Mapped[str] = mapped_column(sa.String(600))
    definition_en: Mapped[str] = mapped_column(sa.String(1200))
    plan_code: Mapped[str] = mapped_column(sa.String(12), default="", server_default="")


class FrozenValue(Base):
    """One cell: a figure of a home school, of a host school, of both, or of all, under the schools' names of that day.
    `rows` are the ids of what was counted, at the narrowest cell only; the wider ones open those of their parts."""

    __tablename__ = "frozen_value"
    __table_args__ = (sa.Index("ix_frozen_value_freeze", "freeze_id", "figure"),)

    id: Mapped[Id]
    freeze_id: Mapped[int] = foreign("figure_freeze.id", index=False)
    figure: Mapped[str] = mapped_column(sa.String(40))
    home_id: Mapped[int | None] = foreign("school.id", index=False)
    home_name: Mapped[str] = mapped_column(sa.String(60), default="", server_default="")
    host_id: Mapped[int | None] = foreign("school.id", index=False)
    host_name: Mapped[str] = mapped_column(sa.String(60), default="", server_default="")
    value: Mapped[Decimal | None] = mapped_column(Hundredths)
    rows: Mapped[list[int] | None] = mapped_column(sa.JSON(none_as_null=True), deferred=True)


for _table in (FigureFreeze, FrozenFigure, FrozenValue):
    append_only(_table.__tablename__)
