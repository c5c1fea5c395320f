"""Draws, what students wish, and the statements of what was drawn."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from courses.catalogue.models import Offering
from courses.lottery.rules import MOST_SEATS, STATES, Standing
from zutuan.clusters.models import Cluster, School
from zutuan.db import Base, Id, Moment, foreign
from zutuan.guards import append_only
from zutuan.people.models import Affiliation, Person

_STATES = ", ".join(f"'{state}'" for state in STATES)
LIVE = "state IN ('draft', 'published')"


def _one_live(of: str) -> sa.Index:
    condition = sa.text(f"{LIVE} AND {of} IS NOT NULL")
    return sa.Index(
        f"uq_draw_live_{of}", of, "academic_year", "number", unique=True, sqlite_where=condition,
        postgresql_where=condition,
    )  # fmt: skip


class Draw(Base):
    """抽签 of one term: of a cluster's offerings whose seats are given by lot, or of one school's own. Which they are is
    read when it is asked, until they are drawn for (`DrawLot`). `seed` stays secret until it is drawn; `commitment` is published before.

    `public_value`: something that everybody can look up and nobody could know while wishing was open, mixed into the seed.
    """

    __tablename__ = "draw"
    __table_args__ = (
        sa.CheckConstraint(f"state IN ({_STATES})", name="state"),
        sa.CheckConstraint("(cluster_id IS NULL) <> (school_id IS NULL)", name="of_one"),
        sa.CheckConstraint("opens < closes", name="order"),
        sa.CheckConstraint(f"most BETWEEN 1 AND {MOST_SEATS}", name="most"),
        sa.CheckConstraint("number BETWEEN 1 AND 4", name="number"),
        sa.CheckConstraint("(state = 'drawn') = (drawn_at IS NOT NULL)", name="drawn"),
        _one_live("cluster_id"),
        _one_live("school_id"),
    )

    id: Mapped[Id]
    cluster_id: Mapped[int | None] = foreign("cluster.id", index=False)
    school_id: Mapped[int | None] = foreign("school.id", index=False)
    academic_year: Mapped[str] = mapped_column(sa.String(9))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(sa.String(10), default="draft")
    # Wishing is [opens, closes).
    opens: Mapped[Moment]
    closes: Mapped[Moment]
    # how many seats a student may get
    most: Mapped[int]
    note: Mapped[str] = mapped_column(sa.String(400), default="")
    seed: Mapped[str] = mapped_column(sa.String(64))
    commitment: Mapped[str] = mapped_column(sa.String(64))
    # which public value will be mixed in, said before wishing closes; and the value itself, once it is known
    public_source: Mapped[str] = mapped_column(sa.String(200), default="")
    public_value: Mapped[str] = mapped_column(sa.String(200), default="")
    # what everybody wished when wishing closed, in one number (`statement.wishes_digest`); empty before
    wishes_digest: Mapped[str] = mapped_column(sa.String(64), default="", server_default="")
    published_at: Mapped[Moment | None]
    drawn_at: Mapped[Moment | None]
    version: Mapped[int] = mapped_column()
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]

    cluster: Mapped[Cluster | None] = relationship()
    school: Mapped[School | None] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def owner(self) -> Cluster | School:
        found = self.cluster or self.school
        assert found is not None
        return found

    @property
    def announced(self) -> bool:
        """Whether others than those who run it have ever heard of it."""
        return self.published_at is not None

    @property
    def standing(self) -> Standing:
        return Standing(self.state, self.opens, self.closes, bool(self.wishes_digest))

    def wishing_at(self, now: datetime) -> bool:
        return self.state == "published" and self.opens <= now < self.closes


class DrawLot(Base):
    """A class whose seats have been drawn for, once: what was left goes first come."""

    __tablename__ = "draw_lot"

    id: Mapped[Id]
    draw_id: Mapped[int] = foreign("draw.id")
    offering_id: Mapped[int] = foreign("offering.id", index=False, unique=True)


class WishList(Base):
    """志愿表: what one student wishes in one draw, under a ticket that does not tell who they are."""

    __tablename__ = "wish_list"
    __table_args__ = (
        sa.UniqueConstraint("draw_id", "person_id"),
        sa.UniqueConstraint("draw_id", "ticket"),
        sa.CheckConstraint(f"most BETWEEN 1 AND {MOST_SEATS}", name="most"),
    )

    id: Mapped[Id]
    draw_id: Mapped[int] = foreign("draw.id", index=False)
    person_id: Mapped[int] = foreign("person.id")
    affiliation_id: Mapped[int] = foreign("affiliation.id", index=False)
    # how many seats they want
    most: Mapped[int]
    ticket: Mapped[str] = mapped_column(sa.String(16))
    version: Mapped[int] = mapped_column()
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]

    draw: Mapped[Draw] = relationship()
    person: Mapped[Person] = relationship()
    affiliation: Mapped[Affiliation] = relationship()
    wishes: Mapped[list[Wish]] = relationship(back_populates="list", cascade="all, delete-orphan", order_by="Wish.rank")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class Wish(Base):
    """志愿: one offering at its rank (1 is the dearest), and what became of it: `outcome` is `won`, or the code of what
    stood against it; `place` of `rivals`: the student's place among those who wished it, by lottery number."""

    __tablename__ = "wish"
    __table_args__ = (
        sa.UniqueConstraint("list_id", "offering_id"),
        sa.CheckConstraint("rank >= 1", name="rank"),
    )

    id: Mapped[Id]
    list_id: Mapped[int] = foreign("wish_list.id", index=False)
    offering_id: Mapped[int] = foreign("offering.id")
    rank: Mapped[int]
    outcome: Mapped[str] = mapped_column(sa.String(40), default="")
    place: Mapped[int | None]
    rivals: Mapped[int | None]
    enrolment_id: Mapped[int | None] = foreign("enrolment.id", index=False)

    list: Mapped[WishList] = relationship(back_populates="wishes")
    offering: Mapped[Offering] = relationship()


class DrawStatement(Base):
    """What was drawn from what, as it is published: tickets only. Written once."""

    __tablename__ = "draw_statement"

    id: Mapped[Id]
    draw_id: Mapped[int] = foreign("draw.id", index=False, unique=True)
    content: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    created_at: Mapped[Moment]


append_only("draw_statement")
