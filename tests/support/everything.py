"""A row in every table, for the tests of migrations and of whole databases. A new table adds its row here."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session
from support.cast import NOW, Cast

from courses.catalogue.models import Course, CourseTeacher, MeetingPattern, Offering, SeatPool
from courses.enrolment.models import Enrolment, EnrolmentEvent
from zutuan.calendar.models import (
    CalendarEdition,
    CalendarFeed,
    Occurrence,
    Place,
    SpecialDay,
    TermStart,
    TimetableEntry,
)  # fmt: skip
from zutuan.jobs import OutboxMessage
from zutuan.notices.models import Notice
from zutuan.people.models import SignInFailure
from zutuan.people.services import open_session
from zutuan.sharing import scopes
from zutuan.sharing.models import SharedItem
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import add_share, audit
from zutuan.web.models import IdempotencyKey

LATER = NOW + timedelta(hours=1)


def one_of_each(session: Session, cast: Cast) -> None:
    """What the cast leaves empty."""
    student, teacher = cast.who("B", "student"), cast.who("A", "teacher")
    course = _course(session, cast, teacher.id)
    offering = Offering(
        course_id=course.id, term_id=cast.terms["A"], code="01", state="published", enrol_from=NOW,
        enrol_until=LATER, created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    offering.meetings.append(MeetingPattern(weekday=3, first_period=1, last_period=2, weeks="1-16"))
    pool = SeatPool(capacity=2, wanted=2, taken=1)
    offering.pools.append(pool)
    session.add(offering)
    session.flush()
    enrolment = Enrolment(
        offering_id=offering.id, pool_id=pool.id, person_id=student.id, affiliation_id=student.affiliation_id,
        home_school_id=cast.schools["B"], host_school_id=cast.schools["A"], home_state="pending",
        host_state="accepted", created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    enrolment.events.append(EnrolmentEvent(at=NOW, event="enrol", actor_id=student.id))
    session.add_all(
        [
            enrolment,
            Occurrence(
                resource_type="offering", resource_id=offering.id, starts=NOW, ends=LATER, source_type="offering",
                source_id=offering.id, week=12,
            ),
            TermStart(term_id=cast.terms["A"], grade="2026", first_day=date(2026, 9, 21), weeks=16),
            SpecialDay(day=date(2026, 10, 1), kind="holiday", name="国庆节"),
            CalendarEdition(place=0, number=1),
            Place(school_id=cast.schools["B"], kind="room", name="教学楼101"),
            TimetableEntry(
                school_id=cast.schools["B"], term_id=cast.terms["B"], course="心理学", times="星期一第1-2节{1-16周}"
            ),
            CalendarFeed(person_id=student.id, secret_hash="0" * 64, created_at=NOW),
            Notice(person_id=student.id, kind="test", dedupe_key="test", created_at=NOW),
            OutboxMessage(topic="test", payload={}, created_at=NOW, available_at=NOW),
            IdempotencyKey(actor_id=student.id, route="/", key="k", body_hash="h", created_at=NOW),
            SignInFailure(account_key="k", address="127.0.0.1", failures=1, last_at=NOW),
        ]
    )  # fmt: skip
    open_session(session, student.id, NOW)
    audit(session, None, "test.everything", Subject(), now=NOW)


def _course(session: Session, cast: Cast, teacher_id: int) -> Course:
    owner = cast.schools["A"]
    item = SharedItem(
        kind="course", owner_school_id=owner, title_zh="教育心理学", state="published", created_at=NOW, updated_at=NOW
    )
    session.add(item)
    session.flush()
    for scope in (scopes.manage(owner), scopes.school(owner), scopes.cluster(cast.clusters["A"])):
        add_share(session, item, scope, NOW)
    course = Course(
        id=item.id, school_id=owner, code="EDU001", credits=Decimal("2.5"), hours=40, category="teacher_education",
        level="bachelor", delivery="live_online",
    )  # fmt: skip
    course.staff.append(CourseTeacher(person_id=teacher_id))
    session.add(course)
    session.flush()
    return course
