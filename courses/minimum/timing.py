"""What was called off stays in its students' feeds, where it says so: its meetings ahead take nobody's time any more."""

from __future__ import annotations

import sqlalchemy as sa

from courses.catalogue.timing import TYPE
from courses.enrolment.models import Enrolment
from courses.minimum.models import LostSeat
from zutuan.calendar.sources import CalendarSource, Instant, People
from zutuan.paging import Query


def busy(people: People, _now: Instant) -> Query:
    type_ = sa.literal(TYPE).label("resource_type")
    query: Query = sa.select(Enrolment.person_id, type_, LostSeat.offering_id.label("resource_id"))
    return query.join(LostSeat, LostSeat.enrolment_id == Enrolment.id).where(Enrolment.person_id.in_(people))


HOOK = CalendarSource("called_off", busy=busy)
