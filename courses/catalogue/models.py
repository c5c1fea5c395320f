"""Courses, their offerings, meetings and seats."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from courses.catalogue.rules import ROUNDS as ROUNDS
from zutuan.calendar.models import Term
from zutuan.clusters.models import Department
from zutuan.db import Base, Hundredths, Id, Moment, foreign
from zutuan.people.models import Person
from zutuan.sharing.models import SharedItem

CATEGORIES = ("teacher_education", "discipline", "general", "practice")
LEVELS = ("associate", "bachelor", "master")
DELIVERIES = ("on_site", "live_online", "recorded", "mixed")
LANGUAGES = ("zh", "en")
OFFERING_STATES = ("draft", "published", "cancelled", "archived")
# 停开 or closed: nothing of it is taught or changed any more.
ENDED = ("cancelled", "archived")
# How seats are given: to whom comes first, by the host's choice, or (later) by lot.
SEATS_BY = ("first_come", "choice", "lot")
# A single date of an offering: a class outside of its weekly meetings, or its exam.
DATES = ("class", "exam")


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
    # Discipline by a published table: which table, its edition, and the code there; all three or none.
    discipline_scheme: Mapped[str] = mapped_column(sa.String(10), default="", server_default="")
    discipline_version: Mapped[str] = mapped_column(sa.String(10), default="", server_default="")
    discipline_code: Mapped[str] = mapped_column(sa.String(10), default="", server_default="")
    # [{"weeks": "1-2", "topic": "…"}] in the order of teaching
    syllabus: Mapped[list[dict[str, str]]] = mapped_column(sa.JSON, default=list, server_default="[]")
    textbooks: Mapped[str] = mapped_column(sa.String(1000), default="", server_default="")

    item: Mapped[SharedItem] = relationship()
    department: Mapped[Department | None] = relationship()
    staff: Mapped[list[CourseTeacher]] = relationship(
        back_populates="course", cascade="all, delete-orphan", order_by="CourseTeacher.id"
    )
    offerings: Mapped[list[Offering]] = relationship(back_populates="course", order_by="Offering.id")
    requires: Mapped[list[CoursePrerequisite]] = relationship(
        cascade="all, delete-orphan", foreign_keys="CoursePrerequisite.course_id", order_by="CoursePrerequisite.id"
    )


class CourseEdition(Base):
    """The course as it was published: what it said from `at` on, what differed from the edition before, and by whom."""

    __tablename__ = "course_edition"
    __table_args__ = (sa.UniqueConstraint("course_id", "number"),)

    id: Mapped[Id]
    course_id: Mapped[int] = foreign("course.id", index=False)
    number: Mapped[int]
    at: Mapped[Moment]
    person_id: Mapped[int | None] = foreign("person.id")
    changed: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    content: Mapped[dict[str, Any]] = mapped_column(sa.JSON)

    person: Mapped[Person | None] = relationship()


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
        sa.CheckConstraint("state IN ('draft', 'published', 'cancelled', 'archived')", name="state"),
        sa.CheckConstraint("enrol_from < enrol_until", name="window"),
        sa.CheckConstraint("seats_by IN ('first_come', 'choice', 'lot')", name="seats_by"),
        sa.CheckConstraint("room_seats > 0", name="room_seats"),
        sa.CheckConstraint("minimum > 0", name="minimum"),
        # who cancels says when and until when its students may look for another class
        sa.CheckConstraint(
            "state <> 'cancelled' OR (decided_at IS NOT NULL AND rescue_until IS NOT NULL)", name="cancelled"
        ),
    )

    id: Mapped[Id]
    course_id: Mapped[int] = foreign("course.id", index=False)
    term_id: Mapped[int] = foreign("term.id")
    code: Mapped[str] = mapped_column(sa.String(20))
    state: Mapped[str] = mapped_column(sa.String(10), default="draft")
    # The grade whose weeks of the term it keeps, where they differ; else the term's usual ones.
    grade: Mapped[str] = mapped_column(sa.String(10), default="", server_default="")
    # From the first opening to the last closing of its rounds; without rounds, the one window.
    enrol_from: Mapped[Moment]
    enrol_until: Mapped[Moment]
    # Its rounds are those of its cluster's term plan, and change with them.
    follows_plan: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    seats_by: Mapped[str] = mapped_column(sa.String(12), default="first_come", server_default="first_come")
    waitlist: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    # Whom it is meant for, as rosters write 年级 and 专业; empty: everybody.
    for_grades: Mapped[list[str]] = mapped_column(sa.JSON, default=list, server_default="[]")
    for_majors: Mapped[list[str]] = mapped_column(sa.JSON, default=list, server_default="[]")
    room: Mapped[str] = mapped_column(sa.String(60), default="")
    # How many the room holds, where somebody has said so: seats never pass it.
    room_seats: Mapped[int | None]
    # 开课人数下限: with fewer students the host decides, once, whether it takes place (`decided_at`; the state says how).
    minimum: Mapped[int | None]
    decided_at: Mapped[Moment | None]
    decided_by: Mapped[int | None] = foreign("person.id", index=False)
    decision_reason: Mapped[str] = mapped_column(sa.String(400), default="", server_default="")
    # 补选窗口: until when who lost a seat by its 停开 may enrol elsewhere although enrolling is over
    rescue_until: Mapped[Moment | None]
    # the end of enrolling for which the registrars have been asked to decide
    asked_for: Mapped[Moment | None]
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
    rounds: Mapped[list[EnrolmentRound]] = relationship(
        back_populates="offering", cascade="all, delete-orphan", order_by="EnrolmentRound.opens"
    )
    dates: Mapped[list[OfferingDate]] = relationship(
        back_populates="offering", cascade="all, delete-orphan", order_by="OfferingDate.starts"
    )

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def capacity(self) -> int:
        return sum(pool.capacity for pool in self.pools)

    @property
    def taken(self) -> int:
        return sum(pool.taken for pool in self.pools)

    @property
    def confirmed(self) -> bool:
        """开班 was decided by somebody; what has reached its minimum stands without anybody's hand."""
        return self.decided_at is not None and self.state != "cancelled"

    def seats_for(self, scopes: Collection[str] | None) -> dict[str, int]:
        """`taken` and `capacity` of the pools with these scopes; None: of all."""
        mine = [pool for pool in self.pools if scopes is None or pool.scope in scopes]
        return {"taken": sum(pool.taken for pool in mine), "capacity": sum(pool.capacity for pool in mine)}

    def open_at(self, now: datetime) -> bool:
        """Whether a round of its, or its one window, is open."""
        spans = [(each.opens, each.closes) for each in self.rounds] or [(self.enrol_from, self.enrol_until)]
        return any(opens <= now < closes for opens, closes in spans)

    @classmethod
    def enrolling(cls, now: datetime | sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
        """The same as a condition."""
        r = EnrolmentRound
        of_it = sa.select(r.id).where(r.offering_id == cls.id).correlate(cls)
        window = sa.and_(cls.enrol_from <= now, now < cls.enrol_until, sa.not_(of_it.exists()))
        return sa.or_(of_it.where(r.opens <= now, now < r.closes).exists(), window)


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


class OfferingDate(Base):
    """A class on one date, or the exam: absolute, whatever the calendar does. The book holds it as a source of its own."""

    __tablename__ = "offering_date"
    __table_args__ = (
        sa.CheckConstraint("kind IN ('class', 'exam')", name="kind"),
        sa.CheckConstraint("starts < ends", name="order"),
    )

    id: Mapped[Id]
    offering_id: Mapped[int] = foreign("offering.id")
    kind: Mapped[str] = mapped_column(sa.String(10))
    starts: Mapped[Moment]
    ends: Mapped[Moment]
    place: Mapped[str] = mapped_column(sa.String(60), default="", server_default="")
    note: Mapped[str] = mapped_column(sa.String(100), default="", server_default="")

    offering: Mapped[Offering] = relationship(back_populates="dates")


class EnrolmentRound(Base):
    """选课轮次: [opens, closes) of 预选, 正选 or 补退选."""

    __tablename__ = "enrolment_round"
    __table_args__ = (
        sa.UniqueConstraint("offering_id", "kind"),
        sa.CheckConstraint("kind IN ('preselection', 'main', 'add_drop')", name="kind"),
        sa.CheckConstraint("opens < closes", name="order"),
    )

    id: Mapped[Id]
    offering_id: Mapped[int] = foreign("offering.id", index=False)
    kind: Mapped[str] = mapped_column(sa.String(12))
    opens: Mapped[Moment]
    closes: Mapped[Moment]

    offering: Mapped[Offering] = relationship(back_populates="rounds")


class CoursePrerequisite(Base):
    """先修课: who enrols has completed the required course here."""

    __tablename__ = "course_prerequisite"
    __table_args__ = (
        sa.UniqueConstraint("course_id", "required_id"),
        sa.CheckConstraint("course_id <> required_id", name="another"),
    )

    id: Mapped[Id]
    course_id: Mapped[int] = foreign("course.id", index=False)
    required_id: Mapped[int] = foreign("course.id")

    required: Mapped[Course] = relationship(foreign_keys=[required_id])


class SeatPool(Base):
    """名额: seats kept for `scope`: a home school (`school:<id>`), a role in a cluster (`cluster:<id>:<role>`), or `all`.
    A student takes from the nearest that has one. `capacity` never falls below what is taken: while seats
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

    @property
    def surplus(self) -> int:
        """How many of the seats that are held go away when their holders leave."""
        return self.capacity - self.wanted
