"""Invariants that `zutuan check` looks at."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue.models import ENDED, Offering, SeatPool
from courses.catalogue.services import teaching_ends
from courses.enrolment.models import Enrolment
from zutuan.calendar.models import Term
from zutuan.clock import clock
from zutuan.feature import Problem
from zutuan.sharing.models import SharedItem


def nobody_sits_in_what_is_closed(session: Session) -> list[Problem]:
    """No seat is held in an archived or cancelled offering or course before its term is over."""
    query = (
        sa.select(Enrolment.id, Term)
        .join(Offering, Offering.id == Enrolment.offering_id)
        .join(SharedItem, SharedItem.id == Offering.course_id)
        .join(Term, Term.id == Offering.term_id)
        .where(Enrolment.holds_seat(), sa.or_(Offering.state.in_(ENDED), SharedItem.state == "archived"))
    )
    return [
        Problem("nobody_sits_in_what_is_closed", f"enrolment {id_}", "its offering is archived or cancelled")
        for id_, term in session.execute(query)
        if teaching_ends(term) > clock.now()
    ]


def seats_add_up(session: Session) -> list[Problem]:
    """Every pool's `taken` is the number of enrolments that hold a seat of it."""
    held = sa.select(sa.func.count()).where(Enrolment.pool_id == SeatPool.id, Enrolment.holds_seat())
    counted = held.correlate(SeatPool).scalar_subquery()
    rows = session.execute(sa.select(SeatPool.id, SeatPool.taken, counted).where(SeatPool.taken != counted))
    return [Problem("seats_add_up", f"seat_pool {id_}", f"taken {taken}, held {count}") for id_, taken, count in rows]
