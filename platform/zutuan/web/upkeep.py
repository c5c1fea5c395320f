"""Bookkeeping that has served its time goes: kept answers, sessions that ran out, work that is done."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.jobs import OutboxMessage
from zutuan.people.models import SignInFailure, WebSession
from zutuan.people.rules import FORGET_AFTER
from zutuan.web.models import IdempotencyKey

EVERY = timedelta(hours=1)
ANSWERS_KEPT = timedelta(hours=48)
DONE_KEPT = timedelta(days=7)
LOST_KEPT = timedelta(days=30)


class Upkeep:
    """Periodic work that looks at the clock itself: a worker calls it every round, it acts once an hour."""

    def __init__(self) -> None:
        self._next: datetime | None = None

    def __call__(self, session: Session, now: datetime) -> int:
        if self._next is not None and now < self._next:
            return 0
        self._next = now + EVERY
        for statement in (
            sa.delete(IdempotencyKey).where(IdempotencyKey.created_at < now - ANSWERS_KEPT),
            sa.delete(WebSession).where(WebSession.expires_at <= now),
            sa.delete(SignInFailure).where(SignInFailure.last_at < now - FORGET_AFTER),
            sa.delete(OutboxMessage).where(OutboxMessage.done_at < now - DONE_KEPT, OutboxMessage.gave_up_at.is_(None)),
            sa.delete(OutboxMessage).where(OutboxMessage.gave_up_at < now - LOST_KEPT),
        ):
            session.execute(statement.execution_options(synchronize_session=False))
        return 0
