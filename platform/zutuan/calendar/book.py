"""Writing to and asking the book of time.

`free_at` and `clashes_with` are one query each. That an exclusive resource is not taken twice is the database's word:
`exclusive` rows that overlap are refused there, and become a refusal with a sentence here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from zutuan.calendar.models import Occurrence
from zutuan.calendar.plan import Meeting
from zutuan.calendar.sources import Hooks, Key, Ref, Resource, busy_of
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


def settle(
    session: Session, resource: Resource, source: Ref, meetings: Iterable[Meeting], called_off: Collection[Key] = ()
) -> None:
    """The same for meetings that people may know of already: one that moves keeps its row and counts on its sequence, so
    that calendar programs know it again; `called_off` ones stay in the book as cancelled."""
    now = clock.now()
    rows = {(row.week, row.weekday, row.period): row for row in session.scalars(_mine(resource, source))}
    wanted = {each.key: each for each in meetings}
    add(session, [_row(resource, source, each, False, now) for key, each in wanted.items() if key not in rows])
    changed = [_brought(row, wanted.get(key), now) for key, row in rows.items() if key in wanted or key in called_off]
    update(session, [each for each in changed if each is not None])
    gone = [row.id for key, row in rows.items() if key not in wanted and key not in called_off]
    drop = sa.delete(Occurrence).where(Occurrence.id.in_(gone)).execution_options(synchronize_session=False)
    if gone:
        session.execute(drop)
    for row in rows.values():  # as they were read, which is no longer so
        session.expunge(row)


def _mine(resource: Resource, source: Ref) -> sa.Select[Occurrence]:
    o = Occurrence
    query = sa.select(o).where(o.source_type == source[0], o.source_id == source[1])
    return query.where(o.resource_type == resource[0], o.resource_id == resource[1])


def row_of(session: Session, resource: Resource, source: Ref, key: Key | None = None) -> Occurrence | None:
    """The row of one meeting of a source, cancelled ones too; without a key, of the only one."""
    o, one = Occurrence, _mine(resource, source)
    if key is not None:
        one = one.where(o.week == key[0], o.weekday == key[1], o.period == key[2])
    return session.scalars(one.order_by(o.id).execution_options(populate_existing=True)).first()


def bring(session: Session, row: Occurrence, to: Meeting | None, *, touch: bool = False) -> None:
    """Bring one meeting to another time, or call it off (None); a called off one may come back. `touch`: something else
    about it is new, which calendar programs are to see even where its time stays."""
    change = _brought(row, to, clock.now(), touch=touch)
    if change is not None:
        update(session, [change])
        session.expire(row)


def _brought(row: Occurrence, to: Meeting | None, now: datetime, *, touch: bool = False) -> dict[str, Any] | None:
    """What `update` has to write; None: it stands there already."""
    state = "active" if to else "cancelled"
    starts, ends = (to.starts, to.ends) if to else (row.starts, row.ends)
    if (row.state, row.starts, row.ends) == (state, starts, ends) and not touch:
        return None
    return {
        "id": row.id, "starts": starts, "ends": ends, "exclusive": row.exclusive, "changed_at": now, "state": state
    }  # fmt: skip


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
