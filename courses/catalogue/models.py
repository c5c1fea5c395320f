"""Courses, their offerings, meetings and seats."""

from __future__ import annotations

from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from zutuan.calendar.models import Term
from zutuan.clusters.models import Department
from zutuan.db import Base, Hundredths, Id, Moment, foreign
from zutuan.people.models import Person
from zutuan.sharing.models import SharedItem

CATEGORIES = ("teacher_education", "discipline", "general", "practice")
LEVELS = ("associate", "bachelor", "master")
DELIVERIES = ("on_site", "live_online", "recorded", "mixed")
LANGUAGES = ("zh", "en")
OFFERING_STATES = ("draft", "published", "archived")


class Course(Base):
    """课程: what is taught. Its shared item holds owner, titles, state and audience."""

    __tablename__ = "course"
    __table_args__ = (sa.UniqueConstraint("school_id", "code"),)

    id: Mapped[int] = foreign("shared_item.id", primary_key=True, index=False, autoincrement=False)
    school_id: Mapped[int] = foreign("school.id", index=False)
    code: Mapped[str] = mapped_column(sa.String(20))
    credits: Mapped[Decimal] = mapped_column(Hundredths)
    hours: Mapped[int]
    category: Mapped[str] = mapped_column(sa.String(20))
    level: Mapped[str] = mapped_column(sa.String(10))
    language: Mapped[str] = mapped_column(sa.String(5), default="zh")
    delivery: Mapped[str] = mapped_column(sa.String(12))
    department_id: Mapped[int | None] = foreign("department.id")
    description_zh: Mapped[str] = mapped_column(sa.Text, default="")
    description_en: Mapped[str] = mapped_column(sa.Text, default="")
    prerequisites: Mapped[str] = mapped_column(sa.String(400), default="")
    assessment: Mapped[str] = mapped_column(sa.String(400), default="")

    item: Mapped[SharedItem] = relationship()
    department: Mapped[Department | None] = relationship()
    staff: Mapped[list[CourseTeacher]] = relationship(
        back_populates="course", cascade="all, delete-orphan", order_by="CourseTeacher.id"
    )
    offerings: Mapped[list[Offering]] = relationship(back_populates="course", order_by="Offering.id")


class CourseTeacher(Base):
    """A person who teaches the course and may edit it."""

    __tablename__ = "course_teacher"
    __table_args__ = (sa.UniqueConstraint("course_id", "person_id"),)

    id: Mapped[Id]
    course_id: Mapped[int] = foreign("course.id", index=False)
    person_id: Mapped[int] = foreign("person.id")

    course: Mapped[Course] = relationship(back_populates="staff")
    person: Mapped[Person] = relationship()


class Offering(Base):
    """教学班: the course's teaching in one term. It has its course's audience."""

    __tablename__ = "offering"
    __table_args__ = (
        sa.UniqueConstraint("course_id", "term_id", "code"),
        sa.CheckConstraint("state IN ('draft', 'published', 'archived')", name="state"),
        sa.CheckConstraint("enrol_from < enrol_until", name="window"),
    )

    id: Mapped[Id]
    course_id: Mapped[int] = foreign("course.id", index=False)
    term_id: Mapped[int] = foreign("term.id")
    code: Mapped[str] = mapped_column(sa.String(20))
    state: Mapped[str] = mapped_column(sa.String(10), default="draft")
    # The grade whose weeks of the term it keeps, where they differ; else the term's usual ones.
    grade: Mapped[str] = mapped_column(sa.String(10), default="", server_default="")
    enrol_from: Mapped[Moment]
    enrol_until: Mapped[Moment]
    room: Mapped[str] = mapped_column(sa.String(60), default="")
    online_url: Mapped[str] = mapped_column(sa.String(300), default="")
    note: Mapped[str] = mapped_column(sa.String(400), default="")
    version: Mapped[int] = mapped_column()
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]

    course: Mapped[Course] = relationship(back_populates="offerings")
    term: Mapped[Term] = relationship()
    meetings: Mapped[list[MeetingPattern]] = relationship(
        back_populates="offering", cascade="all, delete-orphan", order_by="MeetingPattern.id"
    )
    pools: Mapped[list[SeatPool]] = relationship(back_populates="offering", order_by="SeatPool.id")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class MeetingPattern(Base):
    """上课时间 as it was written: weekday, periods and weeks of the host school; the book holds the intervals."""

    __tablename__ = "meeting_pattern"
    __table_args__ = (sa.CheckConstraint("weekday BETWEEN 1 AND 7 AND first_period <= last_period", name="shape"),)

    id: Mapped[Id]
    offering_id: Mapped[int] = foreign("offering.id")
    weekday: Mapped[int]
    first_period: Mapped[int]
    last_period: Mapped[int]
    weeks: Mapped[str] = mapped_column(sa.String(60))

    offering: Mapped[Offering] = relationship(back_populates="meetings")


class SeatPool(Base):
    """名额: seats kept for `scope` (`all`, later a school). `capacity` never falls below what is taken: while seats
    above `wanted` are held, each freed one lowers it (design 4)."""

    __tablename__ = "seat_pool"
    __table_args__ = (
        sa.UniqueConstraint("offering_id", "scope"),
        sa.CheckConstraint("taken >= 0 AND taken <= capacity", name="never_oversold"),
        sa.CheckConstraint("wanted >= 0 AND wanted <= capacity", name="wanted"),
    )

    id: Mapped[Id]
    offering_id: Mapped[int] = foreign("offering.id", index=False)
    scope: Mapped[str] = mapped_column(sa.String(40), default="all")
    capacity: Mapped[int]
    wanted: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0)
    # Raised with every change of what a seat promises (times, state, audience): a seat is taken only under the edition
    # that the student's request has read.
    edition: Mapped[int] = mapped_column(default=0, server_default="0")

    offering: Mapped[Offering] = relationship(back_populates="pools")

    @property
    def left(self) -> int:
        return self.capacity - self.taken
