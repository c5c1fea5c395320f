"""Results at home."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from courses.enrolment.models import Enrolment
from zutuan.clusters.models import School
from zutuan.db import Base, Hundredths, Id, Moment, foreign

RESULT_STATES = ("waiting", "recognised", "refused")


class Result(Base):
    """What one enrolment has come to at its home school. `original` is the host's grade as confirmed (or corrected):
    {"scale", "grade", "mark", "attempt", "credits", "entry_id", "entry_version", "confirmed_at"}; beside it the home
    school's own: grade or mark in its scale, 绩点, credits, 课程类别, and the course it counts as. A correction by the host
    after recognition makes it `waiting` again, with what was recognised kept in `before`."""

    __tablename__ = "result"
    __table_args__ = (
        sa.CheckConstraint("state IN ('waiting', 'recognised', 'refused')", name="state"),
        sa.Index("ix_result_home", "home_school_id", "state", "id"),
    )

    id: Mapped[Id]
    enrolment_id: Mapped[int] = foreign("enrolment.id", unique=True, index=False)
    person_id: Mapped[int] = foreign("person.id")
    home_school_id: Mapped[int] = foreign("school.id", index=False)
    state: Mapped[str] = mapped_column(sa.String(12))
    original: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    before: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    scale: Mapped[str] = mapped_column(sa.String(10), default="", server_default="")
    grade: Mapped[str] = mapped_column(sa.String(10), default="", server_default="")
    mark: Mapped[str] = mapped_column(sa.String(12), default="", server_default="")
    points: Mapped[Decimal | None] = mapped_column(Hundredths)
    credits: Mapped[Decimal | None] = mapped_column(Hundredths)
    code: Mapped[str] = mapped_column(sa.String(20), default="", server_default="")
    name: Mapped[str] = mapped_column(sa.String(120), default="", server_default="")
    name_en: Mapped[str] = mapped_column(sa.String(200), default="", server_default="")
    category: Mapped[str] = mapped_column(sa.String(40), default="", server_default="")
    # whether it stands in the home school's record (a fail may not, by policy)
    recorded: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    reason: Mapped[str] = mapped_column(sa.String(400), default="", server_default="")
    decided_by: Mapped[int | None] = foreign("person.id", index=False)
    decided_at: Mapped[Moment | None]
    version: Mapped[int] = mapped_column()
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]

    enrolment: Mapped[Enrolment] = relationship()
    home_school: Mapped[School] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
