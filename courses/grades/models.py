"""Grades at the host school: how an offering is graded, its sheets, their rows, and corrections of them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from courses.catalogue.models import Offering
from courses.enrolment.models import Enrolment
from zutuan.db import Base, Id, Moment, foreign
from zutuan.people.models import Person


class GradeScheme(Base):
    """How an offering is graded: in which scale, with how many decimals, and of which parts (`parts`: [{"name": "平时",
    "weight": 40}, …], percent, in order; empty: the whole at once). Fixed while a sheet of it is
    submitted or confirmed."""

    __tablename__ = "grade_scheme"
    __table_args__ = (
        sa.CheckConstraint("scale IN ('percent', 'five', 'two')", name="scale"),
        sa.CheckConstraint("places BETWEEN 0 AND 2", name="places"),
    )

    offering_id: Mapped[int] = foreign("offering.id", primary_key=True, index=False, autoincrement=False)
    scale: Mapped[str] = mapped_column(sa.String(10))
    places: Mapped[int] = mapped_column(default=0, server_default="0")
    parts: Mapped[list[dict[str, Any]]] = mapped_column(sa.JSON, default=list, server_default="[]")
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class GradeSheet(Base):
    """成绩单 of one sitting: `attempt` is first (正考, a deferred exam's second sitting too) or resit (补考); `sitting`
    counts from 1 within the attempt. A 重修 is another enrolment, whose sheet is of its own offering."""

    __tablename__ = "grade_sheet"
    __table_args__ = (
        sa.UniqueConstraint("offering_id", "attempt", "sitting"),
        sa.CheckConstraint("attempt IN ('first', 'resit')", name="attempt"),
        sa.CheckConstraint("state IN ('open', 'submitted', 'confirmed')", name="state"),
    )

    id: Mapped[Id]
    offering_id: Mapped[int] = foreign("offering.id", index=False)
    attempt: Mapped[str] = mapped_column(sa.String(10))
    sitting: Mapped[int] = mapped_column(default=1, server_default="1")
    state: Mapped[str] = mapped_column(sa.String(10))
    submitted_at: Mapped[Moment | None]
    submitted_by: Mapped[int | None] = foreign("person.id", index=False)
    confirmed_at: Mapped[Moment | None]
    confirmed_by: Mapped[int | None] = foreign("person.id", index=False)
    # why the registrar gave it back
    returned_because: Mapped[str] = mapped_column(sa.String(400), default="", server_default="")
    version: Mapped[int] = mapped_column()
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]

    offering: Mapped[Offering] = relationship()
    entries: Mapped[list[GradeEntry]] = relationship(back_populates="sheet", order_by="GradeEntry.id")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class GradeEntry(Base):
    """One student's row of a sheet. `parts`: name → what was written ("85", "缺考"); `grade` and `mark` are the whole as
    `rules.Grade` writes it: a percentage or a level in `grade`, or a mark in its place."""

    __tablename__ = "grade_entry"
    __table_args__ = (sa.UniqueConstraint("sheet_id", "enrolment_id"),)

    id: Mapped[Id]
    sheet_id: Mapped[int] = foreign("grade_sheet.id", index=False)
    enrolment_id: Mapped[int] = foreign("enrolment.id")
    parts: Mapped[dict[str, str]] = mapped_column(sa.JSON, default=dict, server_default="{}")
    scale: Mapped[str] = mapped_column(sa.String(10))
    grade: Mapped[str] = mapped_column(sa.String(10), default="", server_default="")
    mark: Mapped[str] = mapped_column(sa.String(12), default="", server_default="")
    remark: Mapped[str] = mapped_column(sa.String(200), default="", server_default="")
    entered_by: Mapped[int | None] = foreign("person.id", index=False)
    entered_at: Mapped[Moment]
    version: Mapped[int] = mapped_column()

    sheet: Mapped[GradeSheet] = relationship(back_populates="entries")
    enrolment: Mapped[Enrolment] = relationship()
    writer: Mapped[Person | None] = relationship(foreign_keys=[entered_by])

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class GradeCorrection(Base):
    """成绩更正 of a confirmed row: asked by the teacher with a reason, decided by the host school's registrar. What was
    and what shall be are kept as they were written."""

    __tablename__ = "grade_correction"
    __table_args__ = (
        sa.CheckConstraint("state IN ('asked', 'approved', 'denied', 'withdrawn')", name="state"),
        sa.Index(
            "uq_grade_correction_open", "entry_id", unique=True,
            sqlite_where=sa.text("state = 'asked'"), postgresql_where=sa.text("state = 'asked'"),
        ),
    )  # fmt: skip

    id: Mapped[Id]
    entry_id: Mapped[int] = foreign("grade_entry.id")
    before: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    after: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    reason: Mapped[str] = mapped_column(sa.String(400))
    state: Mapped[str] = mapped_column(sa.String(10))
    asked_by: Mapped[int | None] = foreign("person.id", index=False)
    asked_at: Mapped[Moment]
    decided_by: Mapped[int | None] = foreign("person.id", index=False)
    decided_at: Mapped[Moment | None]
    decision: Mapped[str] = mapped_column(sa.String(400), default="", server_default="")
    version: Mapped[int] = mapped_column()

    entry: Mapped[GradeEntry] = relationship()
    asker: Mapped[Person | None] = relationship(foreign_keys=[asked_by])

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
