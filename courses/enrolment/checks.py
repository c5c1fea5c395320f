"""Invariants that `zutuan check` looks at."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue.models import SeatPool
from courses.enrolment.models import Enrolment
from zutuan.feature import Problem


def seats_add_up(session: Session) -> list[Problem]:
    """Every pool's `taken` is the number of enrolments that hold a seat of it."""
    held = sa.select(sa.func.count()).where(Enrolment.pool_id == SeatPool.id, Enrolment.holds_seat())
    counted = held.correlate(SeatPool).scalar_subquery()
    rows = session.execute(sa.select(SeatPool.id, SeatPool.taken, counted).where(SeatPool.taken != counted))
    return [Problem("seats_add_up", f"seat_pool {id_}", f"taken {taken}, held {count}") for id_, taken, count in rows]
