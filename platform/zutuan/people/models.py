"""Persons and what ties them to schools; sessions and tokens."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from zutuan.clusters.models import Department, School
from zutuan.db import Base, Id, Moment, foreign

AFFILIATION_KINDS = ("student", "teacher", "staff")


class Person(Base):
    """One account. `email` is stored in lower case and may be missing; `demonstration` marks invented people."""

    __tablename__ = "person"
    __table_args__ = (sa.CheckConstraint("state IN ('active', 'disabled')", name="state"),)

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(sa.String(60))
    email: Mapped[str | None] = mapped_column(sa.String(254), unique=True)
    password_hash: Mapped[str | None] = mapped_column(sa.String(200))
    locale: Mapped[str] = mapped_column(sa.String(5), default="zh")
    state: Mapped[str] = mapped_column(sa.String(10), default="active")
    demonstration: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[Moment]

    affiliations: Mapped[list[Affiliation]] = relationship(back_populates="person")


class Affiliation(Base):
    """A person at a school during [from_, until): `number` is the 学工号, text, unique within the school only."""

    __tablename__ = "affiliation"
    __table_args__ = (
        sa.UniqueConstraint("school_id", "number"),
        sa.CheckConstraint("kind IN ('student', 'teacher', 'staff')", name="kind"),
        sa.CheckConstraint("until IS NULL OR until >= from_", name="order"),
    )

    id: Mapped[Id]
    person_id: Mapped[int] = foreign("person.id")
    school_id: Mapped[int] = foreign("school.id", index=False)
    department_id: Mapped[int | None] = foreign("department.id")
    number: Mapped[str] = mapped_column(sa.String(40))
    kind: Mapped[str] = mapped_column(sa.String(10))
    major: Mapped[str] = mapped_column(sa.String(60), default="")
    grade: Mapped[str] = mapped_column(sa.String(10), default="")
    class_name: Mapped[str] = mapped_column(sa.String(60), default="", server_default="")
    from_: Mapped[Moment] = mapped_column("from_")
    until: Mapped[Moment | None]

    person: Mapped[Person] = relationship(back_populates="affiliations")
    school: Mapped[School] = relationship()
    department: Mapped[Department | None] = relationship()

    @staticmethod
    def open_at(now: datetime) -> sa.ColumnElement[bool]:
        return sa.and_(Affiliation.from_ <= now, sa.or_(Affiliation.until.is_(None), Affiliation.until > now))


class RoleAssignment(Base):
    """A role held during [from_, until) at a school, one of its departments, a cluster, or (platform admin) everywhere."""

    __tablename__ = "role_assignment"
    __table_args__ = (
        sa.CheckConstraint(
            "(school_id IS NOT NULL AND cluster_id IS NULL) OR (school_id IS NULL AND department_id IS NULL)",
            name="place",
        ),
    )

    id: Mapped[Id]
    person_id: Mapped[int] = foreign("person.id")
    role: Mapped[str] = mapped_column(sa.String(20))
    school_id: Mapped[int | None] = foreign("school.id")
    department_id: Mapped[int | None] = foreign("department.id", index=False)
    cluster_id: Mapped[int | None] = foreign("cluster.id")
    from_: Mapped[Moment] = mapped_column("from_")
    until: Mapped[Moment | None]
    granted_by: Mapped[int | None] = foreign("person.id", index=False)

    @staticmethod
    def open_at(now: datetime) -> sa.ColumnElement[bool]:
        later = sa.or_(RoleAssignment.until.is_(None), RoleAssignment.until > now)
        return sa.and_(RoleAssignment.from_ <= now, later)


class WebSession(Base):
    """A sign-in in a browser. Only the hash of its secret is stored; deleting the row signs out everywhere it is used."""

    __tablename__ = "web_session"
    unaudited = True

    id: Mapped[Id]
    secret_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    person_id: Mapped[int] = foreign("person.id")
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]


class PersonalToken(Base):
    """A key for programs (`Authorization: Bearer …`): its owner's rights when used, never when made."""

    __tablename__ = "personal_token"

    id: Mapped[Id]
    person_id: Mapped[int] = foreign("person.id")
    name: Mapped[str] = mapped_column(sa.String(60))
    secret_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    revoked_at: Mapped[Moment | None]


class SignInFailure(Base):
    """Failed sign-ins of one account name from one address, so that nobody elsewhere is locked out by them."""

    __tablename__ = "sign_in_failure"
    __table_args__ = (sa.UniqueConstraint("account_key", "address"),)
    unaudited = True

    id: Mapped[Id]
    account_key: Mapped[str] = mapped_column(sa.String(64))
    address: Mapped[str] = mapped_column(sa.String(64))
    failures: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[Moment]
