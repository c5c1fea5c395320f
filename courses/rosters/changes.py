"""Attendance when persons merge or are forgotten, and when a school is taken over."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.rosters.models import AttendanceMark, LeaveRequest
from zutuan.people.hooks import PeopleHook


def _strip(session: Session, person_id: int, now: datetime) -> None:
    """Why somebody was away goes; that a seat of the class was there or not stays, of nobody any more."""
    quiet = {"synchronize_session": False}
    notes = sa.update(AttendanceMark).where(AttendanceMark.person_id == person_id).values(note="")
    session.execute(notes.execution_options(**quiet))
    reasons = sa.update(LeaveRequest).where(LeaveRequest.person_id == person_id).values(reason="", answer="")
    session.execute(reasons.execution_options(**quiet))


# Nothing collides in a merge: marks and requests hang on enrolments, which go over as they are.
PEOPLE = PeopleHook({"attendance_mark.person_id": _l("考勤"), "leave_request.person_id": _l("请假")}, strip=_strip)
