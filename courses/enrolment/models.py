"""Enrolments and what happened to them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from courses.catalogue.models import Offering
from courses.enrolment.rules import FREEING, STATES
from zutuan.clusters.models import School
from zutuan.db import Base, Id, Moment, foreign
from zutuan.people.models import Affiliation, Person

_STATES = ", ".join(f"'{state}'" for state in STATES)
_FREEING = ", ".join(f"'{state}'" for state in FREEING)
HOLDS_SEAT = f"home_state NOT IN ({_FREEING}) AND host_state NOT IN ({_FREEING})"


class Enrolment(Base):
    """选课: one student's place in an offering, with a home side and a host side. Each try is a new row."""

    __tablename__ = "enrolment"
    __table_args__ = (
        sa.CheckConstraint(f"home_state IN ({_STATES})", name="home_state"),
        sa.CheckConstraint(f"host_state IN ({_STATES})", name="host_state"),
        sa.Index(
            "uq_enrolment_active", "offering_id", "person_id", unique=True,
            sqlite_where=sa.text(HOLDS_SEAT), postgresql_where=sa.text(HOLDS_SEAT),
        ),
        sa.Index("ix_enrolment_home", "home_school_id", "home_state", "created_at", "id"),
        sa.Index("ix_enrolment_host", "host_school_id", "host_state", "created_at", "id"),
        sa.Index("ix_enrolment_due", "home_state", "decide_by"),
    )  # fmt: skip

    id: Mapped[Id]
    offering_id: Mapped[int] = foreign("offering.id")
    pool_id: Mapped[int] = foreign("seat_pool.id", index=False)
    person_id: Mapped[int] = foreign("person.id")
    affiliation_id: Mapped[int] = foreign("affiliation.id", index=False)
    home_school_id: Mapped[int] = foreign("school.id", index=False)
    home_department_id: Mapped[int | None] = foreign("department.id", index=False)
    host_school_id: Mapped[int] = foreign("school.id", index=False)
    home_state: Mapped[str] = mapped_column(sa.String(10))
    host_state: Mapped[str] = mapped_column(sa.String(10))
    reason: Mapped[str] = mapped_column(sa.String(400), default="")
    decide_by: Mapped[Moment | None]
    version: Mapped[int] = mapped_column()
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]

    offering: Mapped[Offering] = relationship()
    person: Mapped[Person] = relationship()
    affiliation: Mapped[Affiliation] = relationship()
    home_school: Mapped[School] = relationship(foreign_keys=[home_school_id])
    host_school: Mapped[School] = relationship(foreign_keys=[host_school_id])
    events: Mapped[list[EnrolmentEvent]] = relationship(back_populates="enrolment", order_by="EnrolmentEvent.id")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @staticmethod
    def holds_seat() -> sa.ColumnElement[bool]:
        """The same as the partial index: neither side has freed the seat."""
        return sa.and_(Enrolment.home_state.not_in(FREEING), Enrolment.host_state.not_in(FREEING))


class EnrolmentEvent(Base):
    """One step: who did it, as which affiliation, when, and with what word."""

    __tablename__ = "enrolment_event"

    id: Mapped[Id]
    enrolment_id: Mapped[int] = foreign("enrolment.id")
    at: Mapped[Moment]
    event: Mapped[str] = mapped_column(sa.String(20))
    actor_id: Mapped[int | None] = foreign("person.id", index=False)
    affiliation_id: Mapped[int | None] = foreign("affiliation.id", index=False)
    note: Mapped[str] = mapped_column(sa.String(400), default="")

    enrolment: Mapped[Enrolment] = relationship(back_populates="events")
    actor: Mapped[Person | None] = relationship()
