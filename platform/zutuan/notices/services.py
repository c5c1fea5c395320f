"""Telling people: through the outbox, exactly once, shown in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from zutuan.errors import Denial, Hidden, NotFound
from zutuan.jobs import enqueue
from zutuan.notices.models import Notice
from zutuan.paging import Key, Page, fetch_page
from zutuan.sharing.actor import Actor

TOPIC = "notice"


def tell(
    session: Session, people: Iterable[int], kind: str, key: str, params: dict[str, Any], link: str, now: datetime
) -> None:
    """Once this session has committed, tell these people. `key` names the event: nobody hears of it twice."""
    ids = sorted(set(people))
    if ids:
        payload = {"people": ids, "kind": kind, "key": key, "params": params, "link": link, "at": now.isoformat()}
        enqueue(session, TOPIC, payload, now)


def deliver(session: Session, payload: dict[str, Any]) -> None:
    """The outbox's handler: may run twice, tells once."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    for person_id in payload["people"]:
        statement = insert(Notice).values(
            person_id=person_id,
            kind=payload["kind"],
            dedupe_key=payload["key"],
            params=payload["params"],
            link=payload["link"],
            created_at=datetime.fromisoformat(payload["at"]),
        )
        session.execute(statement.on_conflict_do_nothing())


def unread_count(session: Session, actor: Actor) -> int:
    query = sa.select(sa.func.count()).select_from(Notice)
    return session.scalar(query.where(Notice.person_id == actor.person_id, Notice.read_at.is_(None))) or 0


def notices_of(session: Session, actor: Actor, cursor: str | None, limit: int, *, unread: bool = False) -> Page:
    """The actor's notices, newest first."""
    query = sa.select(Notice).where(Notice.person_id == actor.person_id)
    if unread:
        query = query.where(Notice.read_at.is_(None))
    return fetch_page(session, query, [Key(Notice.id, descending=True)], cursor, limit)


def mark_read(session: Session, actor: Actor, notice_id: int) -> Notice:
    notice = session.get(Notice, notice_id)
    if notice is None:
        raise NotFound
    if notice.person_id != actor.person_id:
        raise Hidden(Denial("notice.read", "notice", notice_id))
    notice.read_at = notice.read_at or actor.now
    return notice


def mark_all_read(session: Session, actor: Actor) -> None:
    unread = sa.update(Notice).where(Notice.person_id == actor.person_id, Notice.read_at.is_(None))
    session.execute(unread.values(read_at=actor.now))
