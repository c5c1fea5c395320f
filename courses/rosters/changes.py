"""Attendance when persons merge or are forgotten, and when a school is taken over."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.enrolment.models import Enrolment
from courses.rosters.models import AttendanceMark, LeaveRequest
from zutuan.people.hooks import PeopleHook


def _strip(session: Session, person_id: int, now: datetime) -> None:
    """Why somebody was away goes; that a seat of the class was there or not stays, of nobody any more."""
    mine = sa.select(Enrolment.id).where(Enrolment.person_id == person_id)
    quiet = {"synchronize_session": False}
    notes = sa.update(AttendanceMark).where(AttendanceMark.enrolment_id.in_(mine)).values(note="")
    session.execute(notes.execution_options(**quiet))
    reasons = sa.update(LeaveRequest).where(LeaveRequest.enrolment_id.in_(mine)).values(reason="", answer="")
    session.execute(reasons.execution_options(**quiet))


# Rows hang on enrolments, which go over to the survivor of a merge as they are.
PEOPLE = PeopleHook(strip=_strip)
