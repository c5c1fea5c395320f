"""The demonstration's last term: classes that are over, with the students who were in them. Results are made of them too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue.models import Course, MeetingPattern, Offering, SeatPool
from courses.enrolment.demo import decided_after
from courses.enrolment.models import Enrolment, EnrolmentEvent
from zutuan.calendar import services as calendar
from zutuan.calendar.models import Term
from zutuan.clock import at_shanghai, local
from zutuan.people.models import Affiliation
from zutuan.sharing import rules as sharing
from zutuan.sharing.models import Share
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import add_share, audit

if TYPE_CHECKING:
    from zutuan.demo import DemoWorld

HALF_A_YEAR = timedelta(weeks=26)
SEATS = 30


def taught(session: Session, world: DemoWorld, course: Course, people: Sequence[int]) -> list[Enrolment]:
    """A class of last term whose enrolling is over, with these students of other schools in it."""
    term = _before(session, world, course.school_id)
    begun = at_shanghai(term.first_day)
    _was_shared(session, course, begun - timedelta(days=40))
    meetings = _meetings(session, course)
    offering = Offering(
        course=course, term=term, code="01", state="published", enrol_from=begun - timedelta(days=20),
        enrol_until=begun, meetings=meetings, created_at=begun - timedelta(days=30), updated_at=begun - timedelta(days=30),
    )  # fmt: skip
    pool = SeatPool(offering=offering, capacity=SEATS, wanted=SEATS, taken=len(people))
    session.add_all([offering, pool])
    session.flush()
    asked = begun - timedelta(days=15)
    query = sa.select(Affiliation).where(Affiliation.person_id.in_(people), Affiliation.kind == "student")
    homes = {each.person_id: each for each in session.scalars(query)}
    found = [
        _enrolled(offering, pool, homes[person], asked + timedelta(hours=5 * place), place)
        for place, person in enumerate(people)
    ]
    session.add_all(found)
    session.flush()
    audit(session, None, "enrolment.demo", Subject("offering", offering.id), now=world.now, school_id=course.school_id)
    return found


def _meetings(session: Session, course: Course) -> list[MeetingPattern]:
    """When it meets this term, it met then."""
    p = MeetingPattern
    known = sa.select(p).join(Offering, Offering.id == p.offering_id).where(Offering.course_id == course.id)
    return [
        p(weekday=each.weekday, first_period=each.first_period, last_period=each.last_period, weeks="1-16")
        for each in session.scalars(known.order_by(p.id).limit(1))
    ]


def _enrolled(offering: Offering, pool: SeatPool, home: Affiliation, at: datetime, place: int) -> Enrolment:
    said = at + decided_after(home, place)
    made = Enrolment(
        offering=offering, pool_id=pool.id, person_id=home.person_id, affiliation_id=home.id, home_school_id=home.school_id,
        home_department_id=home.department_id, host_school_id=offering.course.school_id, home_state="accepted",
        host_state="accepted", home_step=1, created_at=at, updated_at=said,
    )  # fmt: skip
    made.events = [
        EnrolmentEvent(at=at, event="enrol", actor_id=home.person_id, affiliation_id=home.id),
        EnrolmentEvent(at=said, event="approve", actor_id=None),
    ]
    return made


def _was_shared(session: Session, course: Course, since: datetime) -> None:
    """With whom it is shared now, it was shared then."""
    shares = sa.select(Share).where(Share.item_id == course.id, Share.aspect == sharing.RECORD)
    known = session.scalars(shares.order_by(Share.id)).all()
    for each in known:
        if each.until is None and all(other.from_ > since for other in known if other.scope == each.scope):
            add_share(session, course.id, each.scope, since, until=each.from_)


def _before(session: Session, world: DemoWorld, school_id: int) -> Term:
    now = calendar.term_on(session, school_id, local(world.now).date())
    assert now is not None
    year = int(now.academic_year[:4])
    academic_year, number = (f"{year - 1}-{year}", 2) if now.number == 1 else (now.academic_year, 1)
    t = Term
    query = sa.select(t).where(t.school_id == school_id, t.academic_year == academic_year, t.number == number)
    found = session.scalar(query)
    if found is None:
        day = now.first_day - HALF_A_YEAR
        found = Term(school_id=school_id, academic_year=academic_year, number=number, first_day=day, weeks=now.weeks)
        session.add(found)
        session.flush()
    return found
