"""Attendance: one sheet for each meeting that somebody has said something about, one mark for each student on it."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from courses.catalogue.models import Offering
from courses.enrolment.models import Enrolment
from courses.rosters.rules import LEAVE_STATES, SOURCES, STATUSES, Key
from zutuan.db import Base, Id, Moment, foreign
from zutuan.people.models import Person


def _in(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)


OPEN = "state IN ('asked', 'accepted')"


class AttendanceSheet(Base):
    """考勤 of one meeting. It names the meeting of its source (see `rules.Key`) and not the row of the book: that one
    goes when a class is given other times, and who was there stays true. `starts` and `ends` are when it was held as far
    as the sheet knows. `version` counts the teacher's savings; scans and leaves leave it alone."""

    __tablename__ = "attendance_sheet"
    __table_args__ = (
        sa.UniqueConstraint(
            "offering_id", "source_type", "source_id", "week", "weekday", "period", name="uq_attendance_sheet_meeting"
        ),
        sa.CheckConstraint("starts < ends", name="order"),
    )

    id: Mapped[Id]
    offering_id: Mapped[int] = foreign("offering.id", index=False)
    source_type: Mapped[str] = mapped_column(sa.String(20))
    source_id: Mapped[int] = mapped_column(sa.BigInteger)
    week: Mapped[int]
    weekday: Mapped[int]
    period: Mapped[int]
    starts: Mapped[Moment]
    ends: Mapped[Moment]
    version: Mapped[int] = mapped_column(default=0, server_default="0")
    saved_at: Mapped[Moment | None]
    saved_by: Mapped[int | None] = foreign("person.id", index=False)

    offering: Mapped[Offering] = relationship()

    @property
    def key(self) -> Key:
        return Key(self.source_type, self.source_id, self.week, self.weekday, self.period)


class AttendanceMark(Base):
    """What one student was at one meeting, who says so (`source`), and when."""

    __tablename__ = "attendance_mark"
    __table_args__ = (
        sa.UniqueConstraint("sheet_id", "enrolment_id"),
        sa.CheckConstraint(f"status IN ({_in(STATUSES)})", name="status"),
        sa.CheckConstraint(f"source IN ({_in(SOURCES)})", name="source"),
    )

    id: Mapped[Id]
    sheet_id: Mapped[int] = foreign("attendance_sheet.id", index=False)
    enrolment_id: Mapped[int] = foreign("enrolment.id")
    person_id: Mapped[int] = foreign("person.id")  # whom it is about, for their own data
    status: Mapped[str] = mapped_column(sa.String(10))
    source: Mapped[str] = mapped_column(sa.String(10))
    note: Mapped[str] = mapped_column(sa.String(100), default="", server_default="")
    at: Mapped[Moment]

    sheet: Mapped[AttendanceSheet] = relationship()


class LeaveRequest(Base):
    """请假: a student asks to miss one meeting. One is open for each."""

    __tablename__ = "leave_request"
    __table_args__ = (
        sa.CheckConstraint(f"state IN ({_in(LEAVE_STATES)})", name="state"),
        sa.Index(
            "uq_leave_request_open", "sheet_id", "enrolment_id", unique=True,
            sqlite_where=sa.text(OPEN), postgresql_where=sa.text(OPEN),
        ),
    )  # fmt: skip

    id: Mapped[Id]
    sheet_id: Mapped[int] = foreign("attendance_sheet.id", index=False)
    enrolment_id: Mapped[int] = foreign("enrolment.id")
    person_id: Mapped[int] = foreign("person.id")  # who asks
    state: Mapped[str] = mapped_column(sa.String(10), default="asked")
    reason: Mapped[str] = mapped_column(sa.String(400))
    answer: Mapped[str] = mapped_column(sa.String(400), default="", server_default="")
    asked_at: Mapped[Moment]
    decided_at: Mapped[Moment | None]
    decided_by: Mapped[int | None] = foreign("person.id", index=False)
    version: Mapped[int] = mapped_column()

    sheet: Mapped[AttendanceSheet] = relationship()
    enrolment: Mapped[Enrolment] = relationship()
    decider: Mapped[Person | None] = relationship(foreign_keys=[decided_by])

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
