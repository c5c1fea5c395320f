"""Which meetings, moved by a changed calendar, newly fall onto something else that the same people have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.calendar.effects import Clash, Effects, Move
from zutuan.calendar.models import Occurrence
from zutuan.calendar.plan import Meeting
from zutuan.calendar.sources import Hooks, Ref, Resource, busy_of
from zutuan.clock import local
from zutuan.db import chunks


@dataclass(frozen=True)
class _Taken:
    """Some time that is taken, after the change; `was` where it was before."""

    source: Ref
    meeting: Meeting
    was: Meeting | None


def clashes(session: Session, effects: Effects, hooks: Hooks, now: datetime) -> list[Clash]:
    """Meetings that move onto something else that the same people have at that time, and did not before."""
    arriving = [each for each in effects.moves if each.after is not None]
    if not arriving:
        return []
    having = _resources_of(session, hooks, sorted(effects.told), now)
    taken = _taken(session, effects, {r for resources in having.values() for r in resources}, arriving)
    found: dict[tuple[Ref, Meeting, Ref], int] = {}
    beside: dict[Ref, dict[Resource, int]] = {}
    for move in arriving:
        assert move.after is not None
        if move.source not in beside:
            beside[move.source] = _shared(effects.people.get(move.source, set()), having)
        for resource, people in beside[move.source].items():
            for other in taken.get((resource, local(move.after.starts).date()), ()):
                if other.source != move.source and _newly(move, other):
                    key = (move.source, move.after, other.source)
                    found[key] = max(found.get(key, 0), people)
    once = {key: people for key, people in found.items() if not _said(key, found)}
    return sorted((Clash(*key, people) for key, people in once.items()), key=lambda each: each.after)


def _said(key: tuple[Ref, Meeting, Ref], found: dict[tuple[Ref, Meeting, Ref], int]) -> bool:
    """Whether the same clash is said from its other side: two meetings that both move."""
    source, after, other = key
    return source > other and any(s == other and o == source and _meet(m, after) for s, m, o in found)


def _shared(people: Iterable[int], having: dict[int, list[Resource]]) -> dict[Resource, int]:
    """Resource → how many of these people it takes the time of."""
    found: dict[Resource, int] = {}
    for person in people:
        for resource in having.get(person, ()):
            found[resource] = found.get(resource, 0) + 1
    return found


def _meet(one: Meeting, other: Meeting) -> bool:
    return one.starts < other.ends and other.starts < one.ends


def _newly(move: Move, other: _Taken) -> bool:
    assert move.after is not None
    if not _meet(move.after, other.meeting):
        return False
    return move.before is None or other.was is None or not _meet(move.before, other.was)


def _resources_of(session: Session, hooks: Hooks, people: Sequence[int], now: datetime) -> dict[int, list[Resource]]:
    found: dict[int, list[Resource]] = {}
    for some in chunks(people):
        query = busy_of(hooks, some, now)
        for person, type_, id_ in session.execute(query) if query is not None else ():
            found.setdefault(person, []).append((type_, id_))
    return found


def _taken(
    session: Session, effects: Effects, resources: set[Resource], arriving: Sequence[Move]
) -> dict[tuple[Resource, date], list[_Taken]]:
    """(resource, day) → what takes it then, as it will be after the change."""
    o = Occurrence
    first = min(each.after.starts for each in arriving if each.after) - timedelta(days=1)
    last = max(each.after.ends for each in arriving if each.after) + timedelta(days=1)
    changed = {each["id"] for each in effects.updates}
    found: dict[tuple[Resource, date], list[_Taken]] = {}

    def note(resource: Resource, taken: _Taken) -> None:
        found.setdefault((resource, local(taken.meeting.starts).date()), []).append(taken)

    by_type: dict[str, list[int]] = {}
    for type_, id_ in sorted(resources):
        by_type.setdefault(type_, []).append(id_)
    columns: tuple[Any, ...] = (
        o.id,
        o.resource_id,
        o.source_type,
        o.source_id,
        o.starts,
        o.ends,
        o.week,
        o.weekday,
        o.period,
    )
    for type_, ids in by_type.items():
        for some in chunks(ids):
            query = sa.select(*columns).where(o.resource_type == type_, o.resource_id.in_(some), o.state == "active")
            for id_, r_id, s_type, s_id, *times in session.execute(query.where(o.starts < last, o.ends > first)):
                if id_ not in changed:
                    meeting = Meeting(*times)
                    note((type_, r_id), _Taken((s_type, s_id), meeting, meeting))
    for move in arriving:
        assert move.after is not None
        for resource in _of_source(effects, move.source, resources):
            note(resource, _Taken(move.source, move.after, move.before))
    return found


def _of_source(effects: Effects, source: Ref, resources: set[Resource]) -> list[Resource]:
    """The resource that stands for a moved source itself, as an offering does."""
    return [source] if source in resources else []
