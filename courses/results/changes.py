"""Results when persons are forgotten, and when a school is taken over."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.results import rules
from courses.results.models import Result
from zutuan.clusters.hooks import SuccessionHook
from zutuan.decision import Refusal
from zutuan.people.hooks import PeopleHook


def _strip(session: Session, person_id: int, now: datetime) -> None:
    """The words that were written about them go, and what had been said before."""
    words = sa.update(Result).where(Result.person_id == person_id).values(reason="", before=sa.null())
    session.execute(words.execution_options(synchronize_session=False))


PEOPLE = PeopleHook({"result.person_id": _l("外校成绩")}, strip=_strip)


def _waiting(session: Session, old_id: int, new_id: int, now: datetime) -> list[Refusal]:
    """Whoever could recognise them works at the successor afterwards, and they are not its students' of that time."""
    waits = sa.select(sa.func.count()).where(Result.home_school_id == old_id, Result.state == rules.WAITING)
    count = session.scalar(waits) or 0
    return [Refusal("succession_results", {"count": count})] if count else []


# Which school has recognised it: that stays true.
SUCCESSION = SuccessionHook(stays={"result.home_school_id"}, against=_waiting)
