"""Results when persons are forgotten, and when a school is taken over."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.enrolment.models import Enrolment
from courses.results.models import Result
from zutuan.clusters.hooks import SuccessionHook
from zutuan.people.hooks import PeopleHook


def _strip(session: Session, person_id: int, now: datetime) -> None:
    """The words that were written about them go, and what had been said before."""
    mine = sa.select(Enrolment.id).where(Enrolment.person_id == person_id)
    words = sa.update(Result).where(Result.enrolment_id.in_(mine)).values(reason="", before=sa.null())
    session.execute(words.execution_options(synchronize_session=False))


PEOPLE = PeopleHook(strip=_strip)
# Which school has recognised it: that stays true.
SUCCESSION = SuccessionHook(stays={"result.home_school_id"})
