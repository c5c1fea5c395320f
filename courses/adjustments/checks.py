"""Invariants that `zutuan check` looks at."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from courses.adjustments import timing
from courses.adjustments.models import Adjustment
from courses.catalogue.models import Offering
from courses.catalogue.timing import TYPE as OFFERING
from zutuan.calendar import book
from zutuan.calendar.models import Occurrence
from zutuan.feature import Problem


def adjustments_stand_in_the_book(session: Session) -> list[Problem]:
    """What was approved stands in the book: moved meetings at their new time, cancelled ones nowhere, make-ups once."""
    query = sa.select(Adjustment).join(Offering, Offering.id == Adjustment.offering_id)
    query = query.where(Adjustment.state == "approved", Offering.state != "archived").options(
        joinedload(Adjustment.offering)
    )
    found = []
    for each in session.scalars(query):
        if not _stands(session, each):
            found.append(Problem("adjustments_stand_in_the_book", f"adjustment {each.id}", each.kind))
    return found


def _stands(session: Session, each: Adjustment) -> bool:
    if each.kind == "substitute":
        return True  # follows the calendar, which may have called the meeting off
    itself = (OFFERING, each.offering_id)
    if each.kind == "make_up":
        o = Occurrence
        own = sa.select(o).where(o.source_type == timing.TYPE, o.source_id == each.id, o.state == "active")
        row = session.scalars(own.where(o.resource_type == OFFERING)).first()
    else:
        assert each.key is not None
        row = book.row_of(session, itself, itself, each.key)
    if row is None:
        return False
    if each.kind == "cancel":
        return row.state == "cancelled"
    return row.state == "active" and (row.starts, row.ends) == (each.starts, each.ends)
