"""What takes students' time near the meetings of what they ask for: of one request as of many, by one statement.

Near is what overlaps, or leaves less than the way between two campuses; whether it stands against the request is
`rules.clash`'s word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from courses.enrolment.models import Enrolment
from courses.enrolment.rules import Slot
from zutuan.calendar import sources
from zutuan.calendar.models import Occurrence
from zutuan.calendar.sources import Hooks, Instant, People, Ref
from zutuan.db import UtcDateTime, later, padded, plain
from zutuan.paging import Query

LONGEST = 2 * 24 * 60 * 60  # seconds: nothing in the book takes longer than a day


class Taken(NamedTuple):
    """An occurrence that takes the student's time, as the book has it."""

    id: int
    resource_type: str
    resource_id: int
    source_type: str
    source_id: int
    starts: datetime
    ends: datetime


@dataclass
class Near:
    """One other thing of the student's: its occurrences, and the meetings asked for that they are near to."""

    mine: set[Slot] = field(default_factory=set)
    others: list[Taken] = field(default_factory=list)


Found = Mapping[int, Mapping[Ref, Near]]


def of_enrolments(
    session: Session, enrolments: Sequence[Enrolment], replaced: Mapping[int, int], now: datetime, travel: timedelta
) -> Found:
    """Enrolment → what else of its student's is near, by source. `replaced`: enrolment → the offering that does not count,
    as one of the two is given up for the other."""
    e = Enrolment
    pairs: Query = sa.select(e.id.label("key"), e.person_id, e.offering_id)
    pairs = pairs.where(e.id.in_(padded([each.id for each in enrolments])))
    people = padded(sorted({each.person_id for each in enrolments}))
    query = _near(sources.known(), pairs, people, now, int(travel.total_seconds()))
    return _gathered(plain(session, query, {}), replaced) if query is not None else {}


def of_pairs(session: Session, pairs: Query, people: Sequence[int], now: datetime, travel: timedelta) -> Found:
    """Key → what of the student's is near, by source. `pairs`: rows of (key, person_id, offering_id)."""
    query = _near(sources.known(), pairs, padded(people), now, int(travel.total_seconds()))
    return _gathered(plain(session, query, {}), {}) if query is not None else {}


def of_one(
    session: Session, person_id: int, offering_id: int, replaced_id: int | None, now: datetime, travel: timedelta
) -> Mapping[Ref, Near]:
    """What of the student's time is near the offering's meetings, but for the offering that it would replace."""
    query = _one(tuple(sources.known()))
    if query is None:
        return {}
    values = {
        "person": person_id, "people": [person_id], "offering": offering_id, "now": now,
        "seconds": int(travel.total_seconds()),
    }  # fmt: skip
    return _gathered(plain(session, query, values), {0: replaced_id or 0}).get(0, {})


@lru_cache(maxsize=4)
def _one(hooks: Hooks) -> Query | None:
    """Built once: everybody who enrols asks it."""

    def given(name: str) -> sa.BindParameter[int]:
        return sa.bindparam(name, type_=sa.BigInteger)

    pairs: Query = sa.select(
        sa.literal(0).label("key"), given("person").label("person_id"), given("offering").label("offering_id"),
    )  # fmt: skip
    people: sa.BindParameter[list[int]] = sa.bindparam("people", expanding=True)
    now = sa.bindparam("now", type_=UtcDateTime())
    return _near(hooks, pairs, people, now, sa.bindparam("seconds", type_=sa.Integer))


def _near(
    hooks: Hooks, wanted: Query, people: People, now: Instant, seconds: int | sa.BindParameter[int]
) -> Query | None:
    """`wanted`: rows of (key, person_id, offering_id)."""
    busy = sources.busy_of(hooks, people, now)
    if busy is None:
        return None
    taken, pairs = busy.subquery(), wanted.subquery()
    person, mine, other = list(taken.c)[0], aliased(Occurrence), aliased(Occurrence)
    itself = sa.and_(other.resource_type == "offering", other.resource_id == pairs.c.offering_id)
    query: Query = (
        sa.select(pairs.c.key, mine.starts, mine.ends, mine.source_type, *(getattr(other, name) for name in Taken._fields))
        .select_from(pairs)
        .join(mine, sa.and_(mine.resource_type == "offering", mine.resource_id == pairs.c.offering_id))
        .join(taken, person == pairs.c.person_id)
        .join(other, sa.and_(
            other.resource_type == taken.c.resource_type, other.resource_id == taken.c.resource_id,
            other.starts < later(mine.ends, seconds), other.ends > later(mine.starts, -seconds),
            other.starts > later(mine.starts, -seconds - LONGEST),  # so that the index leads to few rows
        ))
        .where(mine.state == "active", other.state == "active", mine.ends > now, sa.not_(itself))
        .order_by(pairs.c.key, other.starts, other.id, mine.starts)
    )  # fmt: skip
    return query


def _gathered(rows: Any, replaced: Mapping[int, int]) -> dict[int, dict[Ref, Near]]:
    found: dict[int, dict[Ref, Near]] = {}
    for key, starts, ends, source, *what in rows:
        other = Taken(*what)
        if other.resource_type == "offering" and other.resource_id == replaced.get(key):
            continue
        near = found.setdefault(key, {}).setdefault((other.source_type, other.source_id), Near())
        near.mine.add(Slot(starts, ends, exam=source == "exam"))
        if other not in near.others:
            near.others.append(other)
    return found


def occurrences(found: Iterable[Near]) -> list[Taken]:
    return [other for near in found for other in near.others]
