"""What must always be true of results."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.enrolment.models import Enrolment
from courses.results.models import Result
from courses.results.rules import RECOGNISED, WAITING
from zutuan.feature import Problem


def results_are_whole(session: Session) -> list[Problem]:
    """What is recognised says what it counts as and with which grade; what was decided has completed its enrolment."""
    unsaid = sa.or_(
        Result.credits.is_(None),
        sa.and_(Result.recorded, Result.name == ""),
        sa.and_(Result.grade == "", Result.mark == ""),
    )
    open_still = sa.and_(Result.state != WAITING, Enrolment.home_state != "completed")
    query = sa.select(Result.id).join(Enrolment, Enrolment.id == Result.enrolment_id).order_by(Result.id)
    wrong = sa.or_(
        sa.and_(Result.state == RECOGNISED, unsaid),
        open_still,
        Result.home_school_id != Enrolment.home_school_id,
        Result.person_id != Enrolment.person_id,
    )
    return [
        Problem("results_are_whole", f"result {id_}", "it does not say what it counts as, or its enrolment is not over")
        for id_ in session.scalars(query.where(wrong))
    ]
