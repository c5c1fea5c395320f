"""Invariants that `zutuan check` looks at."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from courses.adjustments import timing
from courses.adjustments.models import Adjustment
from courses.catalogue.models import ENDED, Offering
from courses.catalogue.timing import TYPE as OFFERING
from zutuan.calendar import book
from zutuan.calendar.models import Occurrence
from zutuan.feature import Problem


def adjustments_stand_in_the_book(session: Session) -> list[Problem]:
    """What was approved stands in the book: moved meetings at their new time, cancelled ones nowhere, make-ups once. Of a
    class that was called off nothing is ahead, which is another check."""
    query = sa.select(Adjustment).join(Offering, Offering.id == Adjustment.offering_id)
    query = query.where(Adjustment.state == "approved", Offering.state.not_in(ENDED)).options(
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


def nothing_is_ahead_of_what_was_called_off(session: Session) -> list[Problem]:
    """A class that was called off takes nobody's time and no room any more, with what was adjusted of it either."""
    o, a = Occurrence, Adjustment
    itself = sa.and_(o.resource_type == OFFERING, o.resource_id == Offering.id)
    adjusted = sa.select(a.id).where(a.offering_id == Offering.id).correlate(Offering)
    its = sa.and_(o.source_type == timing.TYPE, o.source_id.in_(adjusted))
    ahead = (
        sa.exists().where(sa.or_(itself, its), o.state == "active", o.starts > Offering.decided_at).correlate(Offering)
    )
    query = sa.select(Offering.id).where(Offering.state == "cancelled", ahead).order_by(Offering.id)
    return [
        Problem("nothing_is_ahead_of_what_was_called_off", f"offering {id_}", "meetings ahead")
        for id_ in session.scalars(query)
    ]
