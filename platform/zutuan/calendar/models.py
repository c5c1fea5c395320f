"""Terms, period tables, and the book of time."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from zutuan.clusters.models import School
from zutuan.db import Base, Id, Moment, foreign


class Term(Base):
    """学期 of a school. `first_day` is the Monday of week 1; host and home terms match by year and number."""

    __tablename__ = "term"
    __table_args__ = (
        sa.UniqueConstraint("school_id", "academic_year", "number"),
        sa.CheckConstraint("weeks BETWEEN 1 AND 30", name="weeks"),
        sa.CheckConstraint("number BETWEEN 1 AND 3", name="number"),
    )

    id: Mapped[Id]
    school_id: Mapped[int] = foreign("school.id", index=False)
    academic_year: Mapped[str] = mapped_column(sa.String(9))
    number: Mapped[int]
    first_day: Mapped[date]
    weeks: Mapped[int]

    school: Mapped[School] = relationship()


class PeriodTable(Base):
    """作息时间表: a school's periods from a day on."""

    __tablename__ = "period_table"
    __table_args__ = (sa.UniqueConstraint("school_id", "from_day"),)

    id: Mapped[Id]
    school_id: Mapped[int] = foreign("school.id", index=False)
    from_day: Mapped[date]

    periods: Mapped[list[Period]] = relationship(order_by="Period.number", back_populates="table")


class Period(Base):
    """One 节: minutes since midnight on Shanghai's clock."""

    __tablename__ = "period"
    __table_args__ = (
        sa.UniqueConstraint("table_id", "number"),
        sa.CheckConstraint("starts >= 0 AND starts < ends AND ends <= 1440", name="order"),
    )

    id: Mapped[Id]
    table_id: Mapped[int] = foreign("period_table.id", index=False)
    number: Mapped[int]
    starts: Mapped[int]
    ends: Mapped[int]

    table: Mapped[PeriodTable] = relationship(back_populates="periods")


class Occurrence(Base):
    """A resource is taken during [starts, ends) because of a source. One book for everything that takes time."""

    __tablename__ = "occurrence"
    __table_args__ = (
        sa.CheckConstraint("starts < ends", name="order"),
        sa.CheckConstraint("state IN ('active', 'cancelled')", name="state"),
        sa.Index("ix_occurrence_resource", "resource_type", "resource_id", "starts"),
        sa.Index("ix_occurrence_source", "source_type", "source_id"),
    )

    id: Mapped[Id]
    resource_type: Mapped[str] = mapped_column(sa.String(20))
    resource_id: Mapped[int] = mapped_column(sa.BigInteger)
    starts: Mapped[Moment]
    ends: Mapped[Moment]
    source_type: Mapped[str] = mapped_column(sa.String(20))
    source_id: Mapped[int] = mapped_column(sa.BigInteger)
    state: Mapped[str] = mapped_column(sa.String(10), default="active")
    week: Mapped[int]
