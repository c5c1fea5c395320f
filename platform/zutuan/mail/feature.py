"""Mail, as the kernel registers it."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.clock import clock
from zutuan.feature import Feature, Problem
from zutuan.jobs import OutboxMessage
from zutuan.mail.services import TOPIC, given_up, send_asked


def nothing_was_given_up(session: Session) -> list[Problem]:
    """Every errand (mail, webhook) of the last days reached its other side or still waits for it."""
    return [
        Problem("nothing_was_given_up", f"outbox {id_}", f"{topic}: {why}") for id_, topic, why in given_up(session)
    ]


def nothing_waits_for_days(session: Session) -> list[Problem]:
    """Nothing that follows a commit is left undone for more than a day: a mail server that is away, a worker that is not running."""
    query = sa.select(OutboxMessage.topic, sa.func.count(), sa.func.max(OutboxMessage.error))
    old = query.where(OutboxMessage.done_at.is_(None), OutboxMessage.created_at < clock.now() - timedelta(days=1))
    rows = session.execute(old.group_by(OutboxMessage.topic).order_by(OutboxMessage.topic))
    return [
        Problem("nothing_waits_for_days", f"outbox topic {topic}", f"{count} rows; {error or 'not tried'}")
        for topic, count, error in rows
    ]


FEATURE = Feature(name="mail", errands={TOPIC: send_asked}, checks=(nothing_was_given_up, nothing_waits_for_days))
