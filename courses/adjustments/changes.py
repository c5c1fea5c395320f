"""Adjustments when persons merge, leave a school or are forgotten."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.adjustments.models import Adjustment
from zutuan.people.hooks import Holding, PeopleHook
from zutuan.web.texts import title


def _holdings(session: Session, person_id: int, school_id: int, now: datetime) -> list[Holding]:
    """Meetings ahead for which they stand in."""
    a = Adjustment
    query = sa.select(a).where(a.substitute_id == person_id, a.state == "approved").order_by(a.id)
    found = [each for each in session.scalars(query) if each.span is not None and each.span[1] > now]
    return [
        Holding(_("代课"), title(each.offering.course.item), f"/adjustments/{each.id}")
        for each in found
        if each.offering.course.school_id == school_id
    ]


def _strip(session: Session, person_id: int, now: datetime) -> None:
    """The words that they wrote go; what became of the meeting stays."""
    a, quiet = Adjustment, {"synchronize_session": False}
    for column, words in ((a.asked_by, "reason"), (a.decided_by, "decision")):
        session.execute(sa.update(a).where(column == person_id).values({words: ""}).execution_options(**quiet))


PEOPLE = PeopleHook({"adjustment.substitute_id": _l("代课")}, holdings=_holdings, strip=_strip)
