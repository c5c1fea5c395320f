"""Enrolments and what happened to them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from courses.catalogue.models import Offering
from courses.enrolment.rules import FREEING, STATES
from courses.recognition.models import Recognition
from zutuan.clusters.models import School
from zutuan.db import Base, Id, Moment, foreign
from zutuan.people.models import Affiliation, Person

_STATES = ", ".join(f"'{state}'" for state in STATES)
_FREEING = ", ".join(f"'{state}'" for state in FREEING)
ACTIVE = f"home_state NOT IN ({_FREEING}) AND host_state NOT IN ({_FREEING})"
HOLDS_SEAT = f"{ACTIVE} AND pool_id IS NOT NULL"


def _partial(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


class Enrolment(Base):
    """选课: one student's place in an offering, with a home side and a host side. Each try is a new row.

    `pool_id` is the pool whose seat it holds (or held); without one it waits (候补) or asks to be chosen. `home_step` of
    `home_steps` approvals are given, the same on the host's side. `decide_by` is when what is awaited lapses.
    """

    __tablename__ = "enrolment"
    __table_args__ = (
        sa.CheckConstraint(f"home_state IN ({_STATES})", name="home_state"),
        sa.CheckConstraint(f"host_state IN ({_STATES})", name="host_state"),
        sa.CheckConstraint("home_step BETWEEN 0 AND home_steps", name="home_step"),
        sa.CheckConstraint("host_step BETWEEN 0 AND host_steps", name="host_step"),
        # waiting takes no seat, and an offer or an acceptance always names the pool it comes from
        sa.CheckConstraint("host_state <> 'queued' OR pool_id IS NULL", name="queued_without_seat"),
        sa.CheckConstraint("host_state NOT IN ('offered', 'accepted', 'completed') OR pool_id IS NOT NULL", name="seat"),
        sa.Index("uq_enrolment_active", "offering_id", "person_id", unique=True, **_partial(ACTIVE)),
        sa.Index("ix_enrolment_queue", "offering_id", "id", **_partial(f"host_state = 'queued' AND {ACTIVE}")),
        sa.Index("ix_enrolment_home", "home_school_id", "home_state", "created_at", "id"),
        sa.Index("ix_enrolment_host", "host_school_id", "host_state", "created_at", "id"),
        sa.Index("ix_enrolment_due", "home_state", "decide_by"),
        sa.Index("ix_enrolment_replaces", "replaces_id", **_partial("replaces_id IS NOT NULL")),
        sa.Index("ix_enrolment_recognition", "recognition_id", **_partial("recognition_id IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[Id]
    offering_id: Mapped[int] = foreign("offering.id")
    pool_id: Mapped[int | None] = foreign("seat_pool.id", index=False)
    person_id: Mapped[int] = foreign("person.id")
    affiliation_id: Mapped[int] = foreign("affiliation.id", index=False)
    home_school_id: Mapped[int] = foreign("school.id", index=False)
    home_department_id: Mapped[int | None] = foreign("department.id", index=False)
    host_school_id: Mapped[int] = foreign("school.id", index=False)
    home_state: Mapped[str] = mapped_column(sa.String(10))
    host_state: Mapped[str] = mapped_column(sa.String(10))
    home_step: Mapped[int] = mapped_column(default=0, server_default="0")
    home_steps: Mapped[int] = mapped_column(default=1, server_default="1")
    host_step: Mapped[int] = mapped_column(default=0, server_default="0")
    host_steps: Mapped[int] = mapped_column(default=0, server_default="0")
    # 退回修改: the home school waits for the student to mend what they wrote; the seat is kept until `decide_by`
    returned: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    statement: Mapped[str] = mapped_column(sa.String(400), default="", server_default="")
    reason: Mapped[str] = mapped_column(sa.String(400), default="")
    # why the last promotion passed over this one in the queue (a refusal's code)
    waits_because: Mapped[str] = mapped_column(sa.String(30), default="", server_default="")
    reminded_at: Mapped[Moment | None]
    # the enrolment in another offering of the course that is given up once this one is certain
    replaces_id: Mapped[int | None] = foreign("enrolment.id", index=False)
    # 学分认定: the home school's answer that stands for it; None: it has not said
    recognition_id: Mapped[int | None] = foreign("recognition.id", index=False)
    # whether the grade that stands is a pass; None: there is none yet (written when a sheet is confirmed)
    passed: Mapped[bool | None]
    decide_by: Mapped[Moment | None]
    version: Mapped[int] = mapped_column()
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]

    offering: Mapped[Offering] = relationship()
    person: Mapped[Person] = relationship()
    recognition: Mapped[Recognition | None] = relationship()
    affiliation: Mapped[Affiliation] = relationship()
    home_school: Mapped[School] = relationship(foreign_keys=[home_school_id])
    host_school: Mapped[School] = relationship(foreign_keys=[host_school_id])
    events: Mapped[list[EnrolmentEvent]] = relationship(back_populates="enrolment", order_by="EnrolmentEvent.id")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @classmethod
    def active(cls) -> sa.ColumnElement[bool]:
        """The same as the partial index: no side has ended it. A place in the queue is active and holds no seat."""
        return sa.and_(cls.home_state.not_in(FREEING), cls.host_state.not_in(FREEING))

    @classmethod
    def holds_seat(cls) -> sa.ColumnElement[bool]:
        return sa.and_(cls.active(), cls.pool_id.is_not(None))


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
