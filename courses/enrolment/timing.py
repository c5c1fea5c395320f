"""Enrolments as the calendar knows them: whose time an offering takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue.timing import TYPE
from courses.enrolment.models import Enrolment
from zutuan.calendar.sources import CalendarSource, Instant, People, Resource
from zutuan.paging import Query


def concerned(session: Session, ids: Sequence[int], _now: datetime) -> Iterable[tuple[int, int]]:
    query = sa.select(Enrolment.offering_id, Enrolment.person_id).where(Enrolment.offering_id.in_(ids))
    return [(id_, person) for id_, person in session.execute(query.where(Enrolment.holds_seat()))]


def busy(people: People, _now: Instant) -> Query:
    type_ = sa.literal(TYPE).label("resource_type")
    query: Query = sa.select(Enrolment.person_id, type_, Enrolment.offering_id.label("resource_id"))
    return query.where(Enrolment.person_id.in_(people), Enrolment.holds_seat())


def unsettled(session: Session, person_id: int) -> Iterable[Resource]:
    """Seats that wait for a school's word, or that the queue has offered and nobody has accepted."""
    e = Enrolment
    waits = sa.or_(e.home_state == "pending", e.host_state.in_(("pending", "offered")))
    query = sa.select(e.offering_id).where(e.person_id == person_id, e.holds_seat(), waits)
    return [(TYPE, id_) for id_ in session.scalars(query)]


HOOK = CalendarSource(TYPE, concerned=concerned, busy=busy, unsettled=unsettled)
