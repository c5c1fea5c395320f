"""What waits for a person, counted: all that a page shows of it is asked by one statement."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.sharing.actor import Actor

# how many, and since when the oldest of them
Count = tuple[int, datetime | None]
_NONE: Count = (0, None)
Key = tuple[str, str, int]


@dataclass(frozen=True)
class Waiting:
    """`asks`: whether any of it could be the actor's; `query`: actor → a select of one row, how many and since when."""

    name: str
    asks: Callable[[Actor], bool]
    query: Callable[[Actor], Any]

    def of(self, session: Session, actor: Actor) -> Count:
        return counted(session, actor, [self])[self.name]


def counted(session: Session, actor: Actor, several: Collection[Waiting]) -> dict[str, Count]:
    """By name. In a session that only reads each is asked once, whoever asks; one that writes asks each time."""
    kept: dict[Key, Count] = session.info.get("found", {})
    wanted = {("waiting", each.name, actor.person_id): each for each in several if each.asks(actor)}
    kept.update(_ask(session, actor, {key: each for key, each in wanted.items() if key not in kept}))
    return {each.name: kept.get(("waiting", each.name, actor.person_id), _NONE) for each in several}


def _ask(session: Session, actor: Actor, several: Mapping[Key, Waiting]) -> dict[Key, Count]:
    if not several:
        return {}
    parts: list[Any] = [each.query(actor).add_columns(sa.literal(each.name).label("name")) for each in several.values()]
    query: Any = parts[0]  # (mypy crashes on the union of both statements' types)
    if len(parts) > 1:
        query = sa.union_all(*parts)
    found = {name: (count, since) for count, since, name in session.execute(query)}
    return {key: found[each.name] for key, each in several.items()}
