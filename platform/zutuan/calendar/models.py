"""Terms, period tables, special days, imported timetables, feeds, and the book of time."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from zutuan.calendar.plan import ALL_WEEKDAYS, ALL_YEAR
from zutuan.clock import clock
from zutuan.clusters.models import School
from zutuan.db import Base, Id, Moment, foreign
from zutuan.guards import guard


class Term(Base):
    """学期 of a school. `first_day` is the Monday of week 1; host and home terms match by year and number.
    Numbers: 1 autumn, 2 spring, 3 and 4 short terms (小学期)."""

    __tablename__ = "term"
    __table_args__ = (
        sa.UniqueConstraint("school_id", "academic_year", "number"),
        sa.CheckConstraint("weeks BETWEEN 1 AND 30", name="weeks"),
        sa.CheckConstraint("number BETWEEN 1 AND 4", name="number"),
    )

    id: Mapped[Id]
    school_id: Mapped[int] = foreign("school.id", index=False)
    academic_year: Mapped[str] = mapped_column(sa.String(9))
    number: Mapped[int]
    first_day: Mapped[date]
    weeks: Mapped[int]

    school: Mapped[School] = relationship()
    starts: Mapped[list[TermStart]] = relationship(
        back_populates="term", cascade="all, delete-orphan", order_by="TermStart.grade"
    )


class TermStart(Base):
    """A grade whose weeks differ from its term's: freshmen begin later."""

    __tablename__ = "term_start"
    __table_args__ = (
        sa.UniqueConstraint("term_id", "grade"),
        sa.CheckConstraint("weeks BETWEEN 1 AND 30", name="weeks"),
    )

    id: Mapped[Id]
    term_id: Mapped[int] = foreign("term.id", index=False)
    grade: Mapped[str] = mapped_column(sa.String(10))
    first_day: Mapped[date]
    weeks: Mapped[int]

    term: Mapped[Term] = relationship(back_populates="starts")


class PeriodTable(Base):
    """作息时间表: a school's periods from a day on (until another), in a season of every year (month * 100 + day, may run
    over New Year), on some weekdays."""

    __tablename__ = "period_table"
    __table_args__ = (
        sa.UniqueConstraint(
            "school_id", "from_day", "season_from", "season_until", "weekdays", name="uq_period_table_scope"
        ),
        sa.CheckConstraint("until_day IS NULL OR until_day >= from_day", name="days"),
    )

    id: Mapped[Id]
    school_id: Mapped[int] = foreign("school.id", index=False)
    name: Mapped[str] = mapped_column(sa.String(40), default="", server_default="")
    from_day: Mapped[date]
    until_day: Mapped[date | None]
    season_from: Mapped[int] = mapped_column(default=ALL_YEAR[0], server_default=str(ALL_YEAR[0]))
    season_until: Mapped[int] = mapped_column(default=ALL_YEAR[1], server_default=str(ALL_YEAR[1]))
    weekdays: Mapped[str] = mapped_column(sa.String(7), default=ALL_WEEKDAYS, server_default=ALL_WEEKDAYS)

    periods: Mapped[list[Period]] = relationship(
        order_by="Period.number", back_populates="table", cascade="all, delete-orphan"
    )


class Period(Base):
    """One 节: minutes since midnight on Shanghai's clock."""

    __tablename__ = "period"
    __table_args__ = (
        sa.UniqueConstraint("table_id", "number"),
        sa.CheckConstraint("starts >= 0 AND starts < ends AND ends <= 1440", name="order"),
    )

    id: Mapped[Id]
    table_id: Mapped[int] = foreign("period_table.id", index=False)
    number: Mapped[int]
    starts: Mapped[int]
    ends: Mapped[int]

    table: Mapped[PeriodTable] = relationship(back_populates="periods")


class SpecialDay(Base):
    """A holiday, a swapped day (调休: the classes of `takes` are held), or a day on which classes are held after all.
    Without a school it was entered for all of them; a school's own row of a day goes before that."""

    __tablename__ = "special_day"
    __table_args__ = (
        sa.UniqueConstraint("school_id", "day"),
        sa.Index(
            "uq_special_day_inherited", "day", unique=True,
            sqlite_where=sa.text("school_id IS NULL"), postgresql_where=sa.text("school_id IS NULL"),
        ),
        sa.CheckConstraint("kind IN ('holiday', 'swapped', 'normal')", name="kind"),
        sa.CheckConstraint("(kind = 'swapped') = (takes IS NOT NULL) AND (takes IS NULL OR takes <> day)", name="takes"),
    )  # fmt: skip

    id: Mapped[Id]
    school_id: Mapped[int | None] = foreign("school.id", index=False)
    day: Mapped[date]
    kind: Mapped[str] = mapped_column(sa.String(10))
    name: Mapped[str] = mapped_column(sa.String(40), default="")
    takes: Mapped[date | None]


class CalendarEdition(Base):
    """Counts the changes of a calendar (a school's, or with place 0 the one inherited by all) and is the row that whoever
    changes or expands it locks: writers of meetings share it, a changed calendar has it alone."""

    __tablename__ = "calendar_edition"
    __table_args__ = (sa.UniqueConstraint("place"),)
    unaudited = True

    id: Mapped[Id]
    place: Mapped[int] = mapped_column(sa.BigInteger)
    number: Mapped[int] = mapped_column(default=0)


class Occurrence(Base):
    """A resource is taken during [starts, ends) because of a source. One book for everything that takes time.

    Two active rows of one resource may not overlap where both are `exclusive`: the database refuses them. `week`,
    `weekday` and `period` name the meeting of its source's pattern, wherever a changed calendar has moved it.
    """

    __tablename__ = "occurrence"
    __table_args__ = (
        sa.CheckConstraint("starts < ends", name="order"),
        sa.CheckConstraint("state IN ('active', 'cancelled')", name="state"),
        sa.Index("ix_occurrence_resource", "resource_type", "resource_id", "starts"),
        sa.Index("ix_occurrence_source", "source_type", "source_id"),
        ExcludeConstraint(
            ("resource_type", "="),
            ("resource_id", "="),
            (sa.func.tstzrange(sa.column("starts"), sa.column("ends"), sa.literal_column("'[)'")), "&&"),
            name="ex_occurrence_exclusive",
            using="gist",
            where=sa.text("state = 'active' AND exclusive"),
        ).ddl_if(dialect="postgresql"),
    )

    id: Mapped[Id]
    resource_type: Mapped[str] = mapped_column(sa.String(20))
    resource_id: Mapped[int] = mapped_column(sa.BigInteger)
    starts: Mapped[Moment]
    ends: Mapped[Moment]
    source_type: Mapped[str] = mapped_column(sa.String(20))
    source_id: Mapped[int] = mapped_column(sa.BigInteger)
    state: Mapped[str] = mapped_column(sa.String(10), default="active")
    exclusive: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    week: Mapped[int]
    weekday: Mapped[int] = mapped_column(default=0, server_default="0")
    period: Mapped[int] = mapped_column(default=0, server_default="0")
    sequence: Mapped[int] = mapped_column(default=0, server_default="0")
    changed_at: Mapped[Moment] = mapped_column(default=clock.now)


sa.event.listen(
    Occurrence.__table__,
    "before_create",
    sa.DDL("CREATE EXTENSION IF NOT EXISTS btree_gist").execute_if(dialect="postgresql"),  # type: ignore[no-untyped-call]
)

_TAKEN = (
    "NEW.state = 'active' AND NEW.exclusive AND EXISTS (SELECT 1 FROM {table} o "
    "WHERE o.resource_type = NEW.resource_type AND o.resource_id = NEW.resource_id AND o.state = 'active' "
    "AND o.exclusive AND o.starts < NEW.ends AND o.ends > NEW.starts AND o.id IS NOT %s) "
    "BEGIN SELECT RAISE(ABORT, 'ex_occurrence_exclusive'); END"
)
# What the exclusion constraint is on PostgreSQL. Writers of SQLite follow each other, so looking first is enough.
guard(
    "occurrence_exclusive",
    "occurrence",
    sqlite=[
        "CREATE TRIGGER {name}_i BEFORE INSERT ON {table} WHEN " + _TAKEN % "NEW.id",
        "CREATE TRIGGER {name}_u BEFORE UPDATE ON {table} WHEN " + _TAKEN % "OLD.id",
    ],
    postgresql=[],
)


class Place(Base):
    """A class (行政班), a teacher (by 学工号) or a room (by name) of a school, as imported timetables name them: the
    resources of the book that are no rows of the platform's own (yet)."""

    __tablename__ = "calendar_place"
    __table_args__ = (
        sa.UniqueConstraint("school_id", "kind", "name"),
        sa.CheckConstraint("kind IN ('class', 'teacher', 'room')", name="kind"),
    )

    id: Mapped[Id]
    school_id: Mapped[int] = foreign("school.id", index=False)
    kind: Mapped[str] = mapped_column(sa.String(10))
    name: Mapped[str] = mapped_column(sa.String(60))


class TimetableEntry(Base):
    """One line of a school's own timetable of a term, as it was imported. Importing the term again replaces them."""

    __tablename__ = "timetable_entry"

    id: Mapped[Id]
    school_id: Mapped[int] = foreign("school.id", index=False)
    term_id: Mapped[int] = foreign("term.id")
    course: Mapped[str] = mapped_column(sa.String(120))
    classes: Mapped[str] = mapped_column(sa.String(400), default="")
    teacher_number: Mapped[str] = mapped_column(sa.String(40), default="")
    teacher_name: Mapped[str] = mapped_column(sa.String(60), default="")
    room: Mapped[str] = mapped_column(sa.String(60), default="")
    # Another line of the same file has the room at the same time (a playing field): then neither keeps others out there.
    room_shared: Mapped[bool] = mapped_column(default=False)
    times: Mapped[str] = mapped_column(sa.String(400))

    term: Mapped[Term] = relationship()
    students: Mapped[list[TimetableStudent]] = relationship(order_by="TimetableStudent.number")


class TimetableStudent(Base):
    """A student (by 学号) whom a line of a timetable names: lines of a class name none."""

    __tablename__ = "timetable_student"
    __table_args__ = (sa.UniqueConstraint("number", "entry_id"),)
    unaudited = True

    id: Mapped[Id]
    entry_id: Mapped[int] = foreign("timetable_entry.id")
    number: Mapped[str] = mapped_column(sa.String(40))


class BusyPeriod(Base):
    """Time that somebody says is taken: from the first to the last of these days on one weekday, every week; a single
    time has one day. `starts` and `ends` are minutes since midnight on Shanghai's clock."""

    __tablename__ = "busy_period"
    __table_args__ = (
        sa.CheckConstraint("weekday BETWEEN 1 AND 7", name="weekday"),
        sa.CheckConstraint("from_day <= until_day", name="days"),
        sa.CheckConstraint("starts >= 0 AND starts < ends AND ends <= 1440", name="order"),
    )

    id: Mapped[Id]
    person_id: Mapped[int] = foreign("person.id")
    title: Mapped[str] = mapped_column(sa.String(60))
    from_day: Mapped[date]
    until_day: Mapped[date]
    weekday: Mapped[int]
    starts: Mapped[int]
    ends: Mapped[int]

    @property
    def weekly(self) -> bool:
        return self.from_day < self.until_day


class CalendarFeed(Base):
    """A secret address that calendar programs subscribe to. Only its hash is stored; whoever has it reads what its owner
    may see at that moment. One open feed per person."""

    __tablename__ = "calendar_feed"
    __table_args__ = (
        sa.Index(
            "uq_calendar_feed_open", "person_id", unique=True,
            sqlite_where=sa.text("revoked_at IS NULL"), postgresql_where=sa.text("revoked_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[Id]
    person_id: Mapped[int] = foreign("person.id", index=False)
    secret_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[Moment]
    revoked_at: Mapped[Moment | None]
