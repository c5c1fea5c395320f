"""What courses of other schools count as at home."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from courses.catalogue.models import Course
from zutuan.clusters.models import School
from zutuan.db import Base, Hundredths, Id, Moment, foreign
from zutuan.people.models import Affiliation, Person

# The course counts, or the school has said that it does not.
OUTCOMES = ("counts", "refused")
REQUEST_STATES = ("open", "answered", "withdrawn")
LATEST = "ended_at IS NULL"


def _partial(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


class Recognition(Base):
    """One answer of a home school: a row of its table, or (`person_id`) the answer to one student. What it says never
    changes: a new word is a new row, and the old one is ended. Enrolments point at the row that stood when
    they began, or that answered them.

    `same_as_id`: it counts as whatever that row of the same school says (the same course under another number, or of
    another school); then its own `code`, `name`, `credits` and `category` repeat what that row said.
    """

    __tablename__ = "recognition"
    __table_args__ = (
        sa.CheckConstraint("outcome IN ('counts', 'refused')", name="outcome"),
        sa.CheckConstraint("(outcome = 'counts' AND credits > 0) OR (outcome = 'refused' AND credits = 0)", name="credits"),
        # one that is replaced in the instant of its writing has held at no time
        sa.CheckConstraint("until IS NULL OR since <= until", name="order"),
        sa.CheckConstraint("ended_at IS NULL OR (until IS NOT NULL AND until <= ended_at)", name="ended"),
        sa.CheckConstraint("same_as_id IS NULL OR same_as_id <> id", name="another"),
        sa.Index("ix_recognition_home", "home_school_id", "course_id", "person_id"),
        # one row of a table, and one answer to a student, is the last word on a course
        sa.Index("uq_recognition_table", "home_school_id", "course_id", unique=True, **_partial(f"person_id IS NULL AND {LATEST}")),
        sa.Index(
            "uq_recognition_own", "home_school_id", "course_id", "person_id", unique=True,
            **_partial(f"person_id IS NOT NULL AND {LATEST}"),
        ),
    )  # fmt: skip

    id: Mapped[Id]
    home_school_id: Mapped[int] = foreign("school.id", index=False)
    course_id: Mapped[int] = foreign("course.id")
    person_id: Mapped[int | None] = foreign("person.id")
    outcome: Mapped[str] = mapped_column(sa.String(10))
    # what it counts as in the home school's programme: its course code there (may be empty), name and 课程类别
    code: Mapped[str] = mapped_column(sa.String(20), default="", server_default="")
    name: Mapped[str] = mapped_column(sa.String(120), default="", server_default="")
    name_en: Mapped[str] = mapped_column(sa.String(200), default="", server_default="")
    category: Mapped[str] = mapped_column(sa.String(40), default="", server_default="")
    credits: Mapped[Decimal] = mapped_column(Hundredths)
    same_as_id: Mapped[int | None] = foreign("recognition.id")
    note: Mapped[str] = mapped_column(sa.String(400), default="", server_default="")
    since: Mapped[Moment]
    # Until when it holds (a planned end lies ahead); when a later word took its place, or somebody ended it.
    until: Mapped[Moment | None]
    ended_at: Mapped[Moment | None]
    decided_by: Mapped[int | None] = foreign("person.id", index=False)
    created_at: Mapped[Moment]

    home_school: Mapped[School] = relationship()
    course: Mapped[Course] = relationship()
    person: Mapped[Person | None] = relationship(foreign_keys=[person_id])
    same_as: Mapped[Recognition | None] = relationship(remote_side="Recognition.id")

    @classmethod
    def open_at(cls, now: datetime | sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
        """`rules.open_at` as a condition."""
        return sa.and_(cls.since <= now, sa.or_(cls.until.is_(None), cls.until > now))


class RecognitionRequest(Base):
    """A student asks what a course would count as. One is open for each student, home school and course."""

    __tablename__ = "recognition_request"
    __table_args__ = (
        sa.CheckConstraint("state IN ('open', 'answered', 'withdrawn')", name="state"),
        sa.Index(
            "uq_recognition_request_open", "home_school_id", "course_id", "person_id", unique=True,
            **_partial("state = 'open'"),
        ),
        sa.Index("ix_recognition_request_home", "home_school_id", "state", "id"),
    )  # fmt: skip

    id: Mapped[Id]
    home_school_id: Mapped[int] = foreign("school.id", index=False)
    course_id: Mapped[int] = foreign("course.id")
    person_id: Mapped[int] = foreign("person.id")
    affiliation_id: Mapped[int] = foreign("affiliation.id", index=False)
    state: Mapped[str] = mapped_column(sa.String(10))
    message: Mapped[str] = mapped_column(sa.String(400), default="", server_default="")
    answer_id: Mapped[int | None] = foreign("recognition.id", index=False)
    answered_by: Mapped[int | None] = foreign("person.id", index=False)
    answered_at: Mapped[Moment | None]
    version: Mapped[int] = mapped_column()
    created_at: Mapped[Moment]

    course: Mapped[Course] = relationship()
    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    affiliation: Mapped[Affiliation] = relationship()
    home_school: Mapped[School] = relationship()
    answer: Mapped[Recognition | None] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
