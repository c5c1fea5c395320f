"""The calendar when two persons become one: the merged one's secret address ends, their own busy time goes over."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from zutuan.calendar.models import CalendarFeed, Occurrence
from zutuan.people.hooks import PeopleHook


def _prepare(session: Session, kept: int, gone: int, now: datetime) -> None:
    feeds = sa.update(CalendarFeed).where(CalendarFeed.person_id == gone, CalendarFeed.revoked_at.is_(None))
    session.execute(feeds.values(revoked_at=now))
    busy = sa.update(Occurrence).where(Occurrence.resource_type == "person", Occurrence.resource_id == gone)
    session.execute(busy.values(resource_id=kept).execution_options(synchronize_session=False))


HOOK = PeopleHook({"calendar_feed.person_id": _l("日历订阅（停用）")}, prepare=_prepare)
