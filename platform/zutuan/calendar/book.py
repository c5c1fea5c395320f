"""Writing to and asking the book of time.

`free_at` and `clashes_with` are one query each. That an exclusive resource is not taken twice is the database's word:
`exclusive` rows that overlap are refused there, and become a refusal with a sentence here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from zutuan.calendar.models import Occurrence
from zutuan.calendar.plan import Meeting
from zutuan.calendar.sources import Hooks, Ref, Resource, busy_of
from zutuan.clock import clock
from zutuan.db import is_taken
from zutuan.errors import Refused

ROWS_AT_ONCE = 2000


def _row(resource: Resource, source: Ref, meeting: Meeting, exclusive: bool, now: datetime) -> dict[str, Any]:
    return {
        "resource_type": resource[0], "resource_id": resource[1], "source_type": source[0], "source_id": source[1],
        "starts": meeting.starts, "ends": meeting.ends, "week": meeting.week, "weekday": meeting.weekday,
        "period": meeting.period, "exclusive": exclusive, "state": "active", "sequence": 0, "changed_at": now,
    }  # fmt: skip


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        if is_taken(error):
            raise Refused("time_taken") from error
        raise


def book(
    session: Session, resource: Resource, source: Ref, meetings: Iterable[Meeting], *, exclusive: bool = False
) -> None:
    """Make these meetings what the source takes of the resource: whatever it took of it before is replaced.

    Raises Refused when the resource is exclusive and taken: nothing of the transaction may then be kept."""
    o = Occurrence
    mine = sa.and_(o.source_type == source[0], o.source_id == source[1])
    this = sa.and_(o.resource_type == resource[0], o.resource_id == resource[1])
    session.execute(sa.delete(o).where(mine, this).execution_options(synchronize_session=False))
    now = clock.now()
    add(session, [_row(resource, source, each, exclusive, now) for each in meetings])


def add(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Rows of the book, in the order of their resources so that two writers meet in the same one first."""
    ordered = sorted(rows, key=lambda row: (row["resource_type"], row["resource_id"], row["starts"]))
    with _refusing():
        for at in range(0, len(ordered), ROWS_AT_ONCE):
            session.execute(sa.insert(Occurrence), ordered[at : at + ROWS_AT_ONCE])


def rows_of(
    source: Ref, resources: Iterable[tuple[Resource, bool]], meetings: Sequence[Meeting], now: datetime
) -> list[dict[str, Any]]:
    """The rows of a source's meetings: one for each resource, which is exclusive or not."""
    return [_row(resource, source, each, alone, now) for resource, alone in resources for each in meetings]


def update(session: Session, changes: Sequence[dict[str, Any]]) -> None:
    """Bring rows (by `id`) to new times. Exclusive ones first leave where they are, so that they may change places."""
    if not changes:
        return
    table: Any = Occurrence.__table__
    leaving = [{"this": each["id"]} for each in changes if each["exclusive"]]
    if leaving:
        session.execute(sa.update(table).where(table.c.id == sa.bindparam("this")).values(state="cancelled"), leaving)
    names = ("starts", "ends", "state", "changed_at")
    values: dict[str, Any] = {name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    change = sa.update(table).where(table.c.id == sa.bindparam("this"))
    rows = [{"this": each["id"], **{f"new_{name}": each[name] for name in names}} for each in changes]
    with _refusing():
        session.execute(change.values(**values, sequence=table.c.sequence + 1), rows)


def call_off(session: Session, resource: Resource, source: Ref, now: datetime) -> int:
    """Everything ahead of the resource, and of the source wherever it is, does not take place: feeds say so. Answers how
    many meetings that are."""
    o = Occurrence
    of_it = sa.and_(o.resource_type == resource[0], o.resource_id == resource[1])
    by_it = sa.and_(o.source_type == source[0], o.source_id == source[1])
    change = sa.update(o).where(sa.or_(of_it, by_it), o.state == "active", o.starts > now)
    values = {"state": "cancelled", "changed_at": now, "sequence": o.sequence + 1}
    done: Any = session.execute(change.values(values).execution_options(synchronize_session=False))
    return int(done.rowcount)


# --- asking -----------------------------------------------------------------------------------------------------


def _overlapping(starts: datetime, ends: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(Occurrence.state == "active", Occurrence.starts < ends, Occurrence.ends > starts)


def _of(resources: Iterable[Resource]) -> sa.ColumnElement[bool]:
    by_type: dict[str, list[int]] = {}
    for type_, id_ in resources:
        by_type.setdefault(type_, []).append(id_)
    o = Occurrence
    return sa.or_(
        sa.false(), *(sa.and_(o.resource_type == t, o.resource_id.in_(sorted(set(ids)))) for t, ids in by_type.items())
    )


def free_at(session: Session, resources: Sequence[Resource], starts: datetime, ends: datetime) -> list[Resource]:
    """Those of the resources that nothing takes during [starts, ends), in their order."""
    query = sa.select(Occurrence.resource_type, Occurrence.resource_id).distinct()
    taken = {tuple(row) for row in session.execute(query.where(_of(resources), _overlapping(starts, ends)))}
    return [each for each in resources if each not in taken]


def meeting_any(rows: Iterable[Occurrence], intervals: Sequence[tuple[datetime, datetime]]) -> list[Occurrence]:
    return [row for row in rows if any(row.starts < ends and row.ends > starts for starts, ends in intervals)]


def clashes_with(
    session: Session,
    who: Resource | Iterable[Resource],
    intervals: Sequence[tuple[datetime, datetime]],
    hooks: Hooks = (),
    *,
    but: Ref | None = None,
) -> list[Occurrence]:
    """What takes a resource's (or several's) time during any of the intervals, in time's order. ("person", id) stands for
    everything that takes that person's time: enrolments, teaching, their class's timetable, what is their own. `but`
    leaves out one source: a meeting never clashes with itself."""
    if not intervals:
        return []
    resources = [who] if isinstance(who, tuple) else list(who)
    o = Occurrence
    starts, ends = min(each[0] for each in intervals), max(each[1] for each in intervals)
    people = [id_ for type_, id_ in resources if type_ == "person"]
    query = sa.select(o).where(_overlapping(starts, ends)).order_by(o.starts, o.id)
    taken = busy_of(hooks, people, clock.now(), also=resources) if people else None
    if taken is None:
        query = query.where(_of(resources))
    else:  # joined, so that the few resources lead to their rows by the index, not every row to the resources
        pairs = taken.subquery()
        part = sa.select(pairs.c.resource_type, pairs.c.resource_id).distinct().subquery()
        query = query.join(part, sa.and_(part.c.resource_type == o.resource_type, part.c.resource_id == o.resource_id))
    if but is not None:
        query = query.where(sa.not_(sa.and_(o.source_type == but[0], o.source_id == but[1])))
    return meeting_any(session.scalars(query), intervals)
