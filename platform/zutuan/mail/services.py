"""Asking for mail, and sending what was asked for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.clock import clock
from zutuan.jobs import GiveUp, OutboxMessage, Task, enqueue
from zutuan.mail import message
from zutuan.mail.message import BadAddress, Letter
from zutuan.mail.transport import Refused, make_transport

if TYPE_CHECKING:
    from zutuan.desk import Desk

TOPIC = "mail"
# What a server refuses for good is tried this often: greylisting and full disks also answer 5xx now and then.
TRIES_WHEN_REFUSED = 3
# What it refuses "for now" is tried this long.
LONGEST_REFUSED = timedelta(days=5)


def send_mail(
    session: Session,
    to: str,
    subject: str,
    text: str,
    *,
    key: str,
    now: datetime,
    html: str = "",
    until: datetime | None = None,
) -> None:
    """Once this session has committed, mail this. `key` names the event: asked twice, it is sent once, and every try
    carries the Message-ID made from it. `until`: when it is worth nothing any more (a link that has lapsed).

    For what nobody can choose not to get (invitations, resets). What may be chosen is `notices.tell`.
    """
    payload: dict[str, Any] = {"to": to, "subject": subject, "text": text, "html": html, "key": key}
    payload["until"] = until.isoformat() if until else ""
    enqueue(session, TOPIC, payload, now, key=f"mail:{key}"[:160])


def send_asked(desk: Desk, task: Task) -> None:
    """The errand of `send_mail`."""
    ask = task.payload
    if ask["until"] and clock.now() >= datetime.fromisoformat(ask["until"]):
        raise GiveUp("too late: it was worth nothing any more")
    letter = Letter(ask["to"], ask["subject"], ask["text"], ask["html"])
    if not hand_over(desk, task, letter, ask["key"]):
        raise GiveUp("mail is not set up: ZUTUAN_SMTP or ZUTUAN_MAIL_DIR")


def hand_over(desk: Desk, task: Task, letter: Letter, key: str) -> bool:
    """Give one letter to the configured transport; False where there is none. Raises GiveUp for what will never
    arrive, and whatever else means: later."""
    transport = make_transport(desk.config)
    if transport is None:
        return False
    try:
        made = message.build(letter, message.sender(desk.config.mail_sender), key, task.created_at)
    except BadAddress:
        raise GiveUp("not an address") from None
    try:
        transport.send(made)
    except Refused as refusal:
        if refusal.lasting and task.attempts >= TRIES_WHEN_REFUSED:
            raise GiveUp(f"refused: {refusal}") from None
        if clock.now() - task.created_at > LONGEST_REFUSED:
            raise GiveUp(f"refused for days: {refusal}") from None
        raise
    return True


def given_up(session: Session) -> list[tuple[int, str, str]]:
    """(row, topic, why) of what was given up in the last days; upkeep forgets it with the row."""
    query = sa.select(OutboxMessage.id, OutboxMessage.topic, OutboxMessage.error)
    rows = session.execute(query.where(OutboxMessage.gave_up_at.is_not(None)).order_by(OutboxMessage.id))
    return [(id_, topic, error) for id_, topic, error in rows]


def figures(session: Session) -> dict[str, float]:
    """For metrics: rows that wait, rows that were given up, and the age of the oldest that waits, in seconds."""
    waiting = OutboxMessage.done_at.is_(None)
    query = sa.select(
        sa.func.count().filter(waiting),
        sa.func.count().filter(OutboxMessage.gave_up_at.is_not(None)),
        sa.func.min(sa.case((waiting, OutboxMessage.created_at))),
    ).select_from(OutboxMessage)
    count, lost, oldest = session.execute(query).one()
    age = (clock.now() - oldest).total_seconds() if oldest else 0.0
    return {"outbox_waiting": count, "outbox_gave_up": lost, "outbox_oldest_seconds": max(age, 0.0)}
