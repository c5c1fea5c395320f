"""The book of time: what is exclusive is taken once, even by raw SQL and by threads; free and clashing are one query each."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from support.cast import NOW, Cast
from support.databases import Fresh
from support.teaching import statements

from zutuan.calendar import book
from zutuan.calendar.models import Occurrence
from zutuan.calendar.plan import Meeting
from zutuan.db import Database, is_taken
from zutuan.errors import Refused
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

HOUR = timedelta(hours=1)
ROOM, OTHER = ("room", 1), ("room", 2)


def at(hours: float, length: float = 1) -> Meeting:
    starts = NOW + hours * HOUR
    return Meeting(starts, starts + length * HOUR, 1, 1, int(hours) + 50)


def put(database: Database, resource: tuple[str, int], source: int, *meetings: Meeting, exclusive: bool = True) -> None:
    with database.write() as session:
        book.book(session, resource, ("test", source), meetings, exclusive=exclusive)
        audit(session, None, "test", Subject(), now=NOW)


def moment(database: Database, value: datetime) -> object:
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if database.engine.dialect.name == "sqlite" else value


def raw(database: Database, resource: int, starts: datetime, ends: datetime, **more: object) -> int:
    """Past every service: the database's own word."""
    values = {
        "t": "room",
        "r": resource,
        "s": moment(database, starts),
        "e": moment(database, ends),
        "x": True,
        "st": "active",
        **more,
    }
    insert = sa.text(
        "INSERT INTO occurrence (resource_type, resource_id, starts, ends, source_type, source_id, state, exclusive, week, changed_at)"
        " VALUES (:t, :r, :s, :e, 'raw', 1, :st, :x, 1, :s) RETURNING id"
    )
    with database.engine.begin() as connection:
        found: int = connection.execute(insert, values).scalar_one()
        return found


def test_a_taken_room_is_refused_with_a_sentence(database: Database, cast: Cast) -> None:
    put(database, ROOM, 1, at(0))
    with pytest.raises(Refused) as refused:
        put(database, ROOM, 2, at(0.5))
    assert refused.value.code == "time_taken"
    put(database, ROOM, 2, at(1), at(-1))  # half-open: one may begin where the other ends
    put(database, OTHER, 2, at(0))
    put(database, ROOM, 3, at(0), exclusive=False)  # what is not exclusive keeps nobody out
    put(database, ROOM, 1, at(0.25, 0.5))  # the same source again replaces its own


def test_even_raw_sql_cannot_take_it_twice(database: Database, cast: Cast) -> None:
    first = raw(database, 1, NOW, NOW + HOUR)
    with pytest.raises(DBAPIError) as error:
        raw(database, 1, NOW + HOUR / 2, NOW + 2 * HOUR)
    assert is_taken(error.value)
    later = raw(database, 1, NOW + HOUR, NOW + 2 * HOUR)
    raw(database, 1, NOW, NOW + HOUR, x=False)
    cancelled = raw(database, 1, NOW, NOW + HOUR, st="cancelled")
    move = sa.text("UPDATE occurrence SET starts = :s WHERE id = :id")
    with pytest.raises(DBAPIError) as error, database.engine.begin() as connection:
        connection.execute(move, {"s": moment(database, NOW + HOUR / 2), "id": later})
    assert is_taken(error.value)
    with pytest.raises(DBAPIError), database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE occurrence SET state = 'active' WHERE id = :id"), {"id": cancelled})
    with database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE occurrence SET state = 'cancelled' WHERE id = :id"), {"id": first})
        connection.execute(move, {"s": moment(database, NOW + HOUR / 2), "id": later})
        connection.execute(sa.text("UPDATE occurrence SET week = 2 WHERE id = :id"), {"id": later})


def test_sixteen_threads_for_one_hour(fresh: Fresh, database: Database, cast: Cast) -> None:
    databases = [Database(fresh.url) for _ in range(16)]
    barrier = Barrier(16)

    def one(index: int) -> str:
        barrier.wait(30)
        try:
            put(databases[index], ROOM, 100 + index, at(5 + index % 2 * 0.5))
        except Refused as refusal:
            return refusal.code
        except DBAPIError as error:
            return "taken" if is_taken(error) or "deadlock" in str(error) else str(error)
        return "booked"

    with ThreadPoolExecutor(16) as pool:
        ends = Counter(pool.map(one, range(16)))
    for each in databases:
        each.dispose()
    assert ends["booked"] == 1 and set(ends) <= {"booked", "time_taken", "taken"}, ends


def test_rows_change_places(database: Database, cast: Cast) -> None:
    put(database, ROOM, 1, at(0))
    put(database, ROOM, 2, at(1))
    with database.write() as session:
        one, other = session.scalars(sa.select(Occurrence).order_by(Occurrence.source_id))
        changes = [
            {
                "id": mine.id,
                "starts": theirs.starts,
                "ends": theirs.ends,
                "state": "active",
                "exclusive": True,
                "changed_at": NOW,
            }
            for mine, theirs in ((one, other), (other, one))
        ]
        book.update(session, changes)
        audit(session, None, "test", Subject(), now=NOW)
    with database.read() as session:
        rows = session.scalars(sa.select(Occurrence).order_by(Occurrence.source_id)).all()
        assert [row.starts for row in rows] == [NOW + HOUR, NOW] and [row.sequence for row in rows] == [1, 1]


def test_free_and_clashing_are_one_query_each(database: Database, cast: Cast) -> None:
    put(database, ROOM, 1, at(0), at(3))
    put(database, ("person", 7), 2, at(3), exclusive=False)
    with database.read() as session, statements(database) as seen:
        assert book.free_at(session, [ROOM, OTHER, ("person", 7)], NOW, NOW + HOUR) == [OTHER, ("person", 7)]
        assert book.free_at(session, [ROOM], NOW + HOUR, NOW + 3 * HOUR) == [ROOM]
        assert len(seen) == 2
        intervals = [(NOW + n * HOUR, NOW + (n + 1) * HOUR) for n in (1, 3, 5)]
        found = book.clashes_with(session, [ROOM, ("person", 7)], intervals)
        assert [(row.resource_type, row.starts) for row in found] == [
            ("room", NOW + 3 * HOUR),
            ("person", NOW + 3 * HOUR),
        ]
        assert len(seen) == 3
        assert book.clashes_with(session, ROOM, intervals, but=("test", 1)) == []
        assert book.clashes_with(session, ROOM, []) == []
