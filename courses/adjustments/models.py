"""调停课 of offerings: what is asked of one meeting, and what the host school said."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from courses.adjustments.rules import KINDS, LIVE, STATES
from courses.catalogue.models import Offering
from zutuan.calendar.plan import Meeting
from zutuan.db import Base, Id, Moment, foreign
from zutuan.people.models import Person


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)


_ONCE = f"state IN ({_listed(LIVE)}) AND week IS NOT NULL"


def _partial(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


class Adjustment(Base):
    """One 调课, 停课, 补课 or 代课.

    `week`, `weekday` and `period` name the meeting of the offering's pattern (as the book does, wherever a calendar has
    moved it), with `last_period` and, as the book had it when it was asked, [was_starts, was_ends). A make-up names the
    meeting it stands for, or none. [starts, ends) is the new time, from `first` to `last` periods where it was given so;
    `place` where it is, empty: where the class always is. An approved one is consulted whenever the calendar places the
    offering's meetings anew.
    """

    __tablename__ = "adjustment"
    __table_args__ = (
        sa.CheckConstraint(f"kind IN ({_listed(KINDS)})", name="kind"),
        sa.CheckConstraint(f"state IN ({_listed(STATES)})", name="state"),
        sa.CheckConstraint("starts < ends", name="order"),
        sa.CheckConstraint("(week IS NULL) = (weekday IS NULL) AND (week IS NULL) = (period IS NULL)", name="meeting"),
        sa.CheckConstraint("kind = 'make_up' OR week IS NOT NULL", name="of_a_meeting"),
        sa.CheckConstraint("(kind IN ('move', 'make_up')) = (starts IS NOT NULL)", name="new_time"),
        sa.CheckConstraint("kind <> 'substitute' OR substitute_id IS NOT NULL", name="substitute"),
        sa.Index(
            "uq_adjustment_meeting", "offering_id", "week", "weekday", "period", unique=True,
            **_partial(f"{_ONCE} AND kind <> 'make_up'"),
        ),
        sa.Index(
            "uq_adjustment_make_up", "offering_id", "week", "weekday", "period", unique=True,
            **_partial(f"{_ONCE} AND kind = 'make_up'"),
        ),
        sa.Index("ix_adjustment_state", "state", "asked_at", "id"),
    )  # fmt: skip

    id: Mapped[Id]
    offering_id: Mapped[int] = foreign("offering.id")
    kind: Mapped[str] = mapped_column(sa.String(10))
    state: Mapped[str] = mapped_column(sa.String(10), default="asked")
    week: Mapped[int | None]
    weekday: Mapped[int | None]
    period: Mapped[int | None]
    last_period: Mapped[int | None]
    was_starts: Mapped[Moment | None]
    was_ends: Mapped[Moment | None]
    starts: Mapped[Moment | None]
    ends: Mapped[Moment | None]
    first: Mapped[int | None]
    last: Mapped[int | None]
    place: Mapped[str] = mapped_column(sa.String(60), default="", server_default="")
    substitute_id: Mapped[int | None] = foreign("person.id")
    reason: Mapped[str] = mapped_column(sa.String(400))
    asked_by: Mapped[int | None] = foreign("person.id", index=False)
    asked_at: Mapped[Moment]
    decided_by: Mapped[int | None] = foreign("person.id", index=False)
    decided_at: Mapped[Moment | None]
    # what the registrar said with the decision, or why it was taken back
    decision: Mapped[str] = mapped_column(sa.String(400), default="", server_default="")
    version: Mapped[int] = mapped_column()

    offering: Mapped[Offering] = relationship()
    substitute: Mapped[Person | None] = relationship(foreign_keys=[substitute_id])
    asker: Mapped[Person | None] = relationship(foreign_keys=[asked_by])
    decider: Mapped[Person | None] = relationship(foreign_keys=[decided_by])

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def key(self) -> tuple[int, int, int] | None:
        """Which meeting of the pattern it is about."""
        if self.week is None or self.weekday is None or self.period is None:
            return None
        return self.week, self.weekday, self.period

    @property
    def meeting(self) -> Meeting | None:
        """The meeting as it is held after the move, or the make-up; None where none has a new time."""
        if self.starts is None or self.ends is None:
            return None
        return Meeting(self.starts, self.ends, *(self.key or (0, 0, 0)))

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """When it is held: at its new time, or where it was when it was asked."""
        if self.starts is not None and self.ends is not None:
            return self.starts, self.ends
        return (self.was_starts, self.was_ends) if self.was_starts and self.was_ends else None
