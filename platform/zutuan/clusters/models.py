"""Schools, departments, clusters, memberships."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from zutuan.db import Base, Id, Moment, foreign

MEMBER_ROLES = ("lead", "partner", "supported")


class School(Base):
    """A member institution. `code` is the Ministry's 学校标识码 (10 digits); real lists have schools without one."""

    __tablename__ = "school"

    id: Mapped[Id]
    code: Mapped[str | None] = mapped_column(sa.String(10), unique=True)
    name: Mapped[str] = mapped_column(sa.String(60), unique=True)
    province: Mapped[str] = mapped_column(sa.String(20), default="")
    city: Mapped[str] = mapped_column(sa.String(40), default="")
    level: Mapped[str] = mapped_column(sa.String(10), default="")
    supervisor: Mapped[str] = mapped_column(sa.String(60), default="")
    # 并入: the school that took this one over, and on which day; nothing new begins here after it.
    successor_id: Mapped[int | None] = foreign("school.id")
    succeeded_on: Mapped[date | None]

    former_names: Mapped[list[FormerName]] = relationship(order_by="FormerName.until.desc()", viewonly=True)
    memberships: Mapped[list[Membership]] = relationship(back_populates="school", viewonly=True)


class FormerName(Base):
    """原名 of a school: what it was called until that day. It is found by it still."""

    __tablename__ = "former_name"
    __table_args__ = (sa.UniqueConstraint("school_id", "name"),)

    id: Mapped[Id]
    school_id: Mapped[int] = foreign("school.id")
    name: Mapped[str] = mapped_column(sa.String(60), index=True)
    until: Mapped[date]


class Department(Base):
    """院系 of a school."""

    __tablename__ = "department"
    __table_args__ = (sa.UniqueConstraint("school_id", "name"),)

    id: Mapped[Id]
    school_id: Mapped[int] = foreign("school.id")
    name: Mapped[str] = mapped_column(sa.String(60))


class Cluster(Base):
    """组团: a named group of schools."""

    __tablename__ = "cluster"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(sa.String(60), unique=True)
    version: Mapped[int] = mapped_column(default=1)

    memberships: Mapped[list[Membership]] = relationship(back_populates="cluster", viewonly=True)


class Membership(Base):
    """A school in a cluster during [from_, until). One open membership per school and cluster, one open lead."""

    __tablename__ = "membership"
    __table_args__ = (
        sa.CheckConstraint("role IN ('lead', 'partner', 'supported')", name="role"),
        sa.CheckConstraint("until IS NULL OR until >= from_", name="order"),
        sa.Index(
            "uq_membership_open", "cluster_id", "school_id", unique=True,
            sqlite_where=sa.text("until IS NULL"), postgresql_where=sa.text("until IS NULL"),
        ),
        sa.Index(
            "uq_membership_lead", "cluster_id", unique=True,
            sqlite_where=sa.text("until IS NULL AND role = 'lead'"),
            postgresql_where=sa.text("until IS NULL AND role = 'lead'"),
        ),
    )  # fmt: skip

    id: Mapped[Id]
    cluster_id: Mapped[int] = foreign("cluster.id")
    school_id: Mapped[int] = foreign("school.id")
    role: Mapped[str] = mapped_column(sa.String(10))
    from_: Mapped[Moment] = mapped_column("from_")
    until: Mapped[Moment | None]

    cluster: Mapped[Cluster] = relationship(back_populates="memberships")
    school: Mapped[School] = relationship(back_populates="memberships")

    @staticmethod
    def open_at(now: datetime | sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
        return sa.and_(Membership.from_ <= now, sa.or_(Membership.until.is_(None), Membership.until > now))
