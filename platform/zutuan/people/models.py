"""Persons and what ties them to schools; sessions and tokens."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from zutuan.clusters.models import Department, School
from zutuan.db import Base, Id, Moment, foreign

AFFILIATION_KINDS = ("student", "teacher", "staff")
# 学籍状态 as schools keep it; who is not `active` can enrol nowhere, and those after `reserved` have left.
STANDINGS = (
    "active", "suspended", "reserved", "withdrawn", "graduated", "completed", "incomplete", "transferred", "expelled",
    "left", "deceased",
)  # fmt: skip


class Person(Base):
    """One account. `email` is stored in lower case and may be missing; `demonstration` marks invented people."""

    __tablename__ = "person"
    __table_args__ = (
        sa.CheckConstraint("state IN ('active', 'disabled', 'closed', 'merged')", name="state"),
        sa.CheckConstraint("(state = 'merged') = (merged_into IS NOT NULL)", name="merged"),
        sa.Index("ix_person_name", "name"),
        sa.Index(
            "ix_person_closed", "closed_at",
            sqlite_where=sa.text("closed_at IS NOT NULL AND stripped_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NOT NULL AND stripped_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(sa.String(60))
    email: Mapped[str | None] = mapped_column(sa.String(254), unique=True)
    password_hash: Mapped[str | None] = mapped_column(sa.String(200))
    locale: Mapped[str] = mapped_column(sa.String(5), default="zh")
    state: Mapped[str] = mapped_column(sa.String(10), default="active")
    demonstration: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[Moment]
    # The version of the privacy notice that was accepted; 0: none yet.
    privacy_version: Mapped[int] = mapped_column(default=0)
    privacy_at: Mapped[Moment | None]
    # A tombstone points to the person it turned out to be; never at another tombstone.
    merged_into: Mapped[int | None] = foreign("person.id")
    closed_at: Mapped[Moment | None]
    # When the schools' time to keep what was left of a closed account had run out, and it went.
    stripped_at: Mapped[Moment | None]

    affiliations: Mapped[list[Affiliation]] = relationship(back_populates="person")


class Affiliation(Base):
    """A person at a school during [from_, until): `number` is the 学工号, text, unique within the school only."""

    __tablename__ = "affiliation"
    __table_args__ = (
        sa.UniqueConstraint("school_id", "number"),
        sa.CheckConstraint("kind IN ('student', 'teacher', 'staff')", name="kind"),
        sa.CheckConstraint("until IS NULL OR until >= from_", name="order"),
        sa.CheckConstraint(f"standing IN ({', '.join(map(repr, STANDINGS))})", name="standing"),
    )

    id: Mapped[Id]
    person_id: Mapped[int] = foreign("person.id")
    school_id: Mapped[int] = foreign("school.id", index=False)
    department_id: Mapped[int | None] = foreign("department.id")
    number: Mapped[str] = mapped_column(sa.String(40))
    kind: Mapped[str] = mapped_column(sa.String(10))
    major: Mapped[str] = mapped_column(sa.String(60), default="")
    grade: Mapped[str] = mapped_column(sa.String(10), default="")
    class_name: Mapped[str] = mapped_column(sa.String(60), default="")
    level: Mapped[str] = mapped_column(sa.String(20), default="")  # 培养层次
    programme: Mapped[str] = mapped_column(sa.String(20), default="")  # 培养类型
    standing: Mapped[str] = mapped_column(sa.String(12), default="active")
    from_: Mapped[Moment] = mapped_column("from_")
    until: Mapped[Moment | None]
    # Why it was ended by hand, in the school's words; the audit keeps no words about a person.
    end_reason: Mapped[str] = mapped_column(sa.String(200), default="", server_default="")

    person: Mapped[Person] = relationship(back_populates="affiliations")
    school: Mapped[School] = relationship()
    department: Mapped[Department | None] = relationship()

    @staticmethod
    def open_at(now: datetime | sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
        return sa.and_(Affiliation.from_ <= now, sa.or_(Affiliation.until.is_(None), Affiliation.until > now))


class Proposal(Base):
    """An affiliation that a school's roster claims for somebody's existing account: its owner accepts it or declines.

    `values` is what the roster said (department as its name, kind, major …); only an open one is ever changed.
    """

    __tablename__ = "affiliation_proposal"
    __table_args__ = (
        sa.UniqueConstraint("school_id", "number"),
        sa.CheckConstraint("state IN ('open', 'accepted', 'declined')", name="state"),
    )

    id: Mapped[Id]
    person_id: Mapped[int] = foreign("person.id")
    school_id: Mapped[int] = foreign("school.id", index=False)
    number: Mapped[str] = mapped_column(sa.String(40))
    values: Mapped[dict[str, str]] = mapped_column(sa.JSON)
    state: Mapped[str] = mapped_column(sa.String(10), default="open")
    proposed_at: Mapped[Moment]
    proposed_by: Mapped[int | None] = foreign("person.id", index=False)
    decided_at: Mapped[Moment | None]

    school: Mapped[School] = relationship()


class AccessKey(Base):
    """A one-use key to an account: to activate it or to set a new password, on a slip of paper or by mail.

    Only its hash is kept. A slip's key follows from `nonce` and the platform's secret, so that a batch can be printed
    again until it runs out, and a copy of the database opens nothing.
    """

    __tablename__ = "access_key"
    __table_args__ = (
        sa.CheckConstraint("purpose IN ('activate', 'reset')", name="purpose"),
        sa.CheckConstraint("channel IN ('slip', 'mail')", name="channel"),
    )

    id: Mapped[Id]
    person_id: Mapped[int] = foreign("person.id")
    school_id: Mapped[int | None] = foreign("school.id")
    purpose: Mapped[str] = mapped_column(sa.String(10))
    channel: Mapped[str] = mapped_column(sa.String(4))
    batch: Mapped[str] = mapped_column(sa.String(32), default="", index=True)
    nonce: Mapped[str] = mapped_column(sa.String(32), default="")
    secret_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    issued_by: Mapped[int | None] = foreign("person.id", index=False)
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    used_at: Mapped[Moment | None]
    revoked_at: Mapped[Moment | None]

    person: Mapped[Person] = relationship(foreign_keys=[person_id])

    @staticmethod
    def open_at(now: datetime) -> sa.ColumnElement[bool]:
        return sa.and_(AccessKey.used_at.is_(None), AccessKey.revoked_at.is_(None), AccessKey.expires_at > now)


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
    # The assignment of which this one is a delegation: it never outlives that one.
    delegates: Mapped[int | None] = foreign("role_assignment.id")

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
    # A platform admin looks at the pages as this person sees them, and can change nothing, until then.
    viewing_id: Mapped[int | None] = foreign("person.id", index=False)
    viewing_until: Mapped[Moment | None]


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
