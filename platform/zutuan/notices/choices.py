"""What people chose to hear, and how."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.errors import NotFound
from zutuan.notices.kinds import NoticeKind, all_kinds, named
from zutuan.notices.models import NoticeChoice
from zutuan.sharing.actor import Actor


@dataclass(frozen=True)
class Choice:
    """How one kind reaches one person; version 0 is the default that nobody has changed."""

    kind: NoticeKind
    bell: bool
    mail: str
    version: int = 0

    @property
    def name(self) -> str:
        return self.kind.name

    @property
    def label(self) -> str:
        return str(self.kind.label)

    @property
    def binds(self) -> bool:
        return self.kind.binds


def _of(kind: NoticeKind, row: NoticeChoice | None) -> Choice:
    if row is None:
        return Choice(kind, True, kind.mail)
    return Choice(kind, row.bell or kind.binds, row.mail, row.version)


def of_people(session: Session, kind: NoticeKind, people: Iterable[int]) -> dict[int, Choice]:
    """How this kind reaches each of these people."""
    ids = list(people)
    query = sa.select(NoticeChoice).where(NoticeChoice.kind == kind.name, NoticeChoice.person_id.in_(ids))
    chosen = {row.person_id: row for row in session.scalars(query)}
    return {person_id: _of(kind, chosen.get(person_id)) for person_id in ids}


def of_actor(session: Session, actor: Actor) -> list[Choice]:
    """Every kind that concerns the actor, as it comes to them now."""
    mine = sa.select(NoticeChoice).where(NoticeChoice.person_id == actor.person_id)
    chosen = {row.kind: row for row in session.scalars(mine)}
    return [_of(kind, chosen.get(kind.name)) for kind in all_kinds() if kind.concerns(actor) or kind.name in chosen]


def one(session: Session, actor: Actor, name: str) -> Choice:
    """The actor's choice about one kind; 404 for a kind there is not."""
    kind = named(name)
    if kind is None:
        raise NotFound
    return _of(kind, _row(session, actor, name))


def _row(session: Session, actor: Actor, name: str) -> NoticeChoice | None:
    query = sa.select(NoticeChoice).where(NoticeChoice.person_id == actor.person_id, NoticeChoice.kind == name)
    return session.scalar(query)


def choose(session: Session, actor: Actor, name: str, data: dict[str, Any]) -> Choice:
    """Write the actor's choice down. What binds keeps ringing, whatever is asked."""
    kind = one(session, actor, name).kind
    row = _row(session, actor, name)
    if row is None:
        row = NoticeChoice(person_id=actor.person_id, kind=name, bell=True, mail=kind.mail)
        session.add(row)
    row.bell, row.mail = data["bell"] or kind.binds, data["mail"]
    session.flush()
    return _of(kind, row)


def choose_all(session: Session, actor: Actor, wanted: dict[str, dict[str, Any]]) -> None:
    """The whole page at once; kinds that stay as they are get no row."""
    for choice in of_actor(session, actor):
        asked = wanted.get(choice.name)
        if asked is not None and (asked["bell"] or choice.binds, asked["mail"]) != (choice.bell, choice.mail):
            choose(session, actor, choice.name, asked)
