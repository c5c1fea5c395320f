"""Telling people: through the outbox, exactly once in the app, shown in the reader's language; then by mail and in a
school's group chat, as was chosen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.db import insert_or
from zutuan.errors import Denial, Hidden, NotFound
from zutuan.jobs import enqueue
from zutuan.notices import choices, groups
from zutuan.notices.kinds import kind_of
from zutuan.notices.models import Notice
from zutuan.paging import Key, Page, fetch_page
from zutuan.people.models import Person
from zutuan.sharing.actor import Actor

TOPIC = "notice"
MAIL_TOPIC = "notice.mail"
AT_ONCE = 500


def tell(
    session: Session,
    people: Iterable[int],
    kind: str,
    key: str,
    params: dict[str, Any],
    link: str,
    now: datetime,
    *,
    school_id: int | None = None,
) -> None:
    """Once this session has committed, tell these people of the event `kind`. `key` names what happened: nobody hears
    of it twice. `school_id`: the school whose group chat may hear it too."""
    ids = sorted(set(people))
    if ids or school_id:
        payload = {"people": ids, "kind": kind, "key": key, "params": params, "link": link, "at": now.isoformat()}
        enqueue(session, TOPIC, {**payload, "school_id": school_id}, now)


def deliver(session: Session, payload: dict[str, Any]) -> None:
    """The outbox's handler: may run twice, tells once. What was told for the first time also goes on its way by mail."""
    people = survivors(session, payload["people"])
    for start in range(0, len(people), AT_ONCE):
        _deliver_to(session, payload, people[start : start + AT_ONCE])
    if payload.get("school_id"):
        groups.pass_on(session, payload["school_id"], payload)


def survivors(session: Session, people: Sequence[int]) -> list[int]:
    """The same people, with the survivor in the place of whoever has been merged since the notice was written."""
    query = sa.select(Person.id, Person.merged_into).where(Person.id.in_(people), Person.merged_into.is_not(None))
    into = {gone: kept for gone, kept in session.execute(query)}
    return sorted({into.get(each) or each for each in people}) if into else list(people)


def _deliver_to(session: Session, payload: dict[str, Any], people: list[int]) -> None:
    at = datetime.fromisoformat(payload["at"])
    chosen = choices.of_people(session, kind_of(payload["kind"]), people)
    reachable = set(session.scalars(sa.select(Person.id).where(Person.id.in_(people), Person.email.is_not(None))))
    for person_id, choice in chosen.items():
        mail = choice.mail if person_id in reachable else "off"
        statement = insert_or(session, Notice).values(
            person_id=person_id,
            kind=payload["kind"],
            dedupe_key=payload["key"],
            params=payload["params"],
            link=payload["link"],
            created_at=at,
            read_at=None if choice.bell else at,
            mail=mail,
        )
        new = session.scalar(statement.on_conflict_do_nothing().returning(Notice.id))
        if new is not None and mail == "now":
            enqueue(session, MAIL_TOPIC, {"notice": new}, at, key=f"{MAIL_TOPIC}:{new}")


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
