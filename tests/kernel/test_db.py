"""The database closes SQLite's traps and behaves alike on both engines."""

from __future__ import annotations

import sqlite3
import threading
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from support.cast import NOW

from zutuan.clusters.models import School
from zutuan.db import Database, Hundredths, Unaudited, after_commit, later, padded
from zutuan.jobs import OutboxMessage
from zutuan.people.models import Affiliation
from zutuan.sharing.models import AuditEvent
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

SHANGHAI = timezone(timedelta(hours=8))
NAIVE = datetime(2026, 11, 25)  # noqa: DTZ001
MOMENTS = [
    datetime(2026, 11, 25, 2, tzinfo=UTC),
    datetime(2026, 11, 25, 10, 0, 0, 1, tzinfo=SHANGHAI),
    datetime(2026, 11, 25, 2, 0, 0, 10, tzinfo=UTC),
    datetime(2026, 11, 25, 10, 0, 1, tzinfo=SHANGHAI),
    datetime(2026, 12, 1, tzinfo=UTC),
]


def add_school(database: Database, name: str) -> int:
    with database.write() as session:
        school = School(name=name)
        session.add(school)
        session.flush()
        audit(session, None, "test", Subject("school", school.id), now=NOW)
        return school.id


def message(at: datetime) -> OutboxMessage:
    return OutboxMessage(topic="t", payload={}, created_at=at, available_at=at)


# --- times and numbers ------------------------------------------------------------------------------------------


def test_times_come_back_in_utc_and_in_order(database: Database) -> None:
    with database.write() as session:
        session.add_all([message(at) for at in reversed(MOMENTS)])
    column = OutboxMessage.created_at
    with database.read() as session:
        found = session.scalars(sa.select(column).order_by(column)).all()
        later = session.scalar(sa.select(sa.func.count()).where(column > MOMENTS[1]))
    assert list(found) == MOMENTS and later == 3
    assert all(at.utcoffset() == timedelta(0) for at in found)


def test_a_time_without_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="without zone"), database.write() as session:
        session.add(message(NAIVE))
    with pytest.raises(StatementError, match="without zone"), database.read() as session:
        session.execute(sa.select(OutboxMessage).where(OutboxMessage.created_at > NAIVE))


def test_sqlite_stores_one_width(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        session.add_all([message(at) for at in MOMENTS])
    with sqlite_database.read() as session:
        stored = session.connection().exec_driver_sql("SELECT created_at FROM outbox").scalars().all()
    assert {len(text) for text in stored} == {27}
    assert stored == sorted(stored)


@pytest.mark.parametrize("value", ["0", "0.5", "2", "2.25", "99.99"])
def test_hundredths_are_exact(database: Database, value: str) -> None:
    with database.engine.connect() as connection:
        literal = sa.select(sa.cast(sa.literal(Decimal(value), Hundredths), Hundredths))
        assert connection.scalar(literal) == Decimal(value)


def test_a_third_of_a_credit_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="two places"), database.engine.connect() as connection:
        connection.scalar(sa.select(sa.literal(Decimal("0.333"), Hundredths)))


# --- ids and references -----------------------------------------------------------------------------------------


def test_ids_are_never_reused(database: Database) -> None:
    first = add_school(database, "一")
    last = add_school(database, "二")
    with database.write() as session:
        session.execute(sa.delete(School).where(School.id == last))
        audit(session, None, "test", Subject("school", last), now=NOW)
    assert first < last < add_school(database, "三")


def test_every_generated_id_is_autoincrement_on_sqlite(sqlite_database: Database) -> None:
    """Without AUTOINCREMENT SQLite gives the highest id again once its row has gone."""
    from zutuan.app import metadata

    with sqlite_database.engine.connect() as connection:
        tables = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table'").all()
    ddl = {name: text for name, text in tables}
    generated = [t.name for t in metadata().sorted_tables if "id" in t.c and t.c.id.autoincrement is True]
    assert len(generated) > 15
    assert [name for name in generated if "AUTOINCREMENT" not in ddl[name]] == []


def test_dangling_references_are_refused(database: Database) -> None:
    with pytest.raises(IntegrityError), database.write() as session:
        session.add(Affiliation(person_id=999, school_id=999, number="1", kind="student", from_=NOW))
        audit(session, None, "test", Subject(), now=NOW)


def test_a_referenced_row_cannot_go(database: Database) -> None:
    from zutuan.clusters.models import Department

    school = add_school(database, "一")
    with database.write() as session:
        session.add(Department(school_id=school, name="系"))
        audit(session, None, "test", Subject(), now=NOW)
    with pytest.raises(IntegrityError), database.write() as session:
        session.execute(sa.delete(School))
        audit(session, None, "test", Subject(), now=NOW)


# --- writers ----------------------------------------------------------------------------------------------------


def test_two_writers_wait_for_each_other(database: Database) -> None:
    """Read, then change, in one transaction, many times at once: nothing is 'locked', nothing is lost."""
    add_school(database, "一")
    threads, rounds = 8, 10
    barrier, errors = threading.Barrier(threads), []

    def work() -> None:
        barrier.wait()
        try:
            for _ in range(rounds):
                with database.write() as session:
                    school = session.scalars(sa.select(School).with_for_update()).one()
                    school.city = str(int(school.city or 0) + 1)
                    audit(session, None, "test", Subject("school", school.id), now=NOW)
        except Exception as error:
            errors.append(error)

    running = [threading.Thread(target=work) for _ in range(threads)]
    for each in running:
        each.start()
    for each in running:
        each.join()
    assert errors == []
    with database.read() as session:
        assert session.scalar(sa.select(School.city)) == str(threads * rounds)


def test_a_writer_takes_sqlites_lock_at_its_start(sqlite_database: Database) -> None:
    """Else a reader that turns writer fails at once with 'locked', whatever the timeout."""
    statements: list[str] = []
    sa.event.listen(
        sqlite_database.engine, "before_cursor_execute",
        lambda _c, _cur, statement, *_rest: statements.append(statement),
    )  # fmt: skip
    with sqlite_database.write() as session:
        session.execute(sa.select(School))
    with sqlite_database.read() as session:
        session.execute(sa.select(School))
    assert [text for text in statements if text.startswith("BEGIN")] == ["BEGIN IMMEDIATE", "BEGIN"]


def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    add_school(database, "一")
    with database.write() as writer:
        writer.add(School(name="二"))
        writer.flush()
        with database.read() as reader:
            assert reader.scalar(sa.select(sa.func.count()).select_from(School)) == 1
        audit(writer, None, "test", Subject(), now=NOW)


def test_an_error_rolls_everything_back(database: Database) -> None:
    called: list[int] = []
    with pytest.raises(ZeroDivisionError), database.write() as session:
        session.add(message(NOW))
        after_commit(session, lambda: called.append(1))
        raise ZeroDivisionError
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(OutboxMessage)) == 0
    assert called == []


def test_after_commit_comes_after_the_commit(database: Database) -> None:
    seen: list[int | None] = []

    def look() -> None:
        with database.read() as session:
            seen.append(session.scalar(sa.select(sa.func.count()).select_from(OutboxMessage)))

    with database.write() as session:
        session.add(message(NOW))
        after_commit(session, look)
        assert seen == []
    assert seen == [1]


# --- audit ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", ["UPDATE audit_event SET action = 'x'", "DELETE FROM audit_event", "TRUNCATE"])
def test_the_audit_is_append_only_even_to_raw_sql(database: Database, statement: str) -> None:
    add_school(database, "一")
    sqlite = database.engine.dialect.name == "sqlite"
    if statement == "TRUNCATE":  # SQLite has none; its DELETE without WHERE is that, and must be refused too
        statement = "DELETE FROM audit_event" if sqlite else "TRUNCATE audit_event"
    with pytest.raises(DBAPIError, match="append-only"), database.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    with database.read() as session:
        assert session.scalars(sa.select(AuditEvent.action)).all() == ["test"]


def test_replacing_an_audit_row_is_refused_too(sqlite_database: Database) -> None:
    """`INSERT OR REPLACE` deletes the old row without asking DELETE triggers, unless told to; any client may try."""
    add_school(sqlite_database, "一")
    forged = (
        "INSERT OR REPLACE INTO audit_event (id, at, action, subject_type, detail, request_id) "
        "VALUES (1, '2026-11-25T02:00:00.000000Z', 'forged', '', '{}', '')"
    )
    with pytest.raises(DBAPIError, match="append-only"), sqlite_database.engine.begin() as connection:
        connection.exec_driver_sql(forged)
    foreign = sqlite3.connect(sqlite_database.engine.url.database or "")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        foreign.execute(forged)
    foreign.close()


def unaudited_insert(session: sa.orm.Session) -> None:
    session.add(School(name="二"))


def unaudited_update(session: sa.orm.Session) -> None:
    session.scalars(sa.select(School)).one().city = "北京"


def unaudited_bulk(session: sa.orm.Session) -> None:
    session.execute(sa.update(School).values(city="北京"))


def unaudited_delete(session: sa.orm.Session) -> None:
    session.delete(session.scalars(sa.select(School)).one())


CHANGES = [unaudited_insert, unaudited_update, unaudited_bulk, unaudited_delete]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_without_audit_is_refused(sqlite_database: Database, change) -> None:  # type: ignore[no-untyped-def]
    add_school(sqlite_database, "一")
    with pytest.raises(Unaudited), sqlite_database.write() as session:
        change(session)
    with sqlite_database.read() as session:
        assert session.execute(sa.select(School.name, School.city)).tuples().all() == [("一", "")]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_with_audit_is_accepted(database: Database, change) -> None:  # type: ignore[no-untyped-def]
    add_school(database, "一")
    with database.write() as session:
        change(session)
        audit(session, None, "test", Subject(), now=NOW)


def test_an_audit_row_covers_its_own_transaction_only(sqlite_database: Database) -> None:
    with sqlite_database.session(writes=True) as session:
        session.add(School(name="一"))
        audit(session, None, "test", Subject(), now=NOW)
        session.commit()
        session.add(School(name="二"))
        with pytest.raises(Unaudited):
            session.commit()


def test_bookkeeping_needs_no_audit(database: Database) -> None:
    with database.write() as session:
        session.add(message(NOW))
    with database.write() as session:
        session.execute(sa.update(OutboxMessage).values(done_at=NOW))


@pytest.mark.parametrize(("length", "wanted"), [(0, 0), (1, 1), (2, 2), (3, 4), (5, 8), (8, 8), (9, 16), (20, 32)])
def test_lists_come_in_few_lengths(length: int, wanted: int) -> None:
    values = list(range(length))
    assert len(padded(values)) == wanted and padded(values)[:length] == values and set(padded(values)) == set(values)


def test_postgresql_keeps_what_it_has_prepared(database: Database) -> None:
    """A ROLLBACK would make the driver forget it: readers end without one. (SQLite's driver keeps nothing on the server.)"""
    for _ in range(10):
        with database.read() as session:
            assert session.scalar(sa.select(sa.func.count()).select_from(School)) == 0
    if database.engine.dialect.name == "postgresql":
        with database.read() as session:
            kept = session.scalars(sa.text("SELECT statement FROM pg_prepared_statements")).all()
        assert any("FROM school" in statement for statement in kept)


# --- connections ------------------------------------------------------------------------------------------------


def test_a_rested_connection_that_is_gone_is_replaced(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zutuan.db.RESTED_SECONDS", 0.0)
    if database.engine.dialect.name == "sqlite":  # a file does not go away
        return
    mine = sa.text("SELECT pg_backend_pid()")
    with database.read() as session:
        gone = session.scalar(mine)
    killer = Database(database.engine.url.render_as_string(hide_password=False))
    with killer.read() as session:
        session.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": gone})
    killer.dispose()
    with database.read() as session:
        assert session.scalar(mine) not in (None, gone)


def test_an_instant_is_moved_alike_on_both(database: Database) -> None:
    at = datetime(2026, 12, 31, 23, 30, 0, tzinfo=UTC)
    with database.write() as session:
        session.add(message(at))
    column = OutboxMessage.created_at
    for seconds in (-90, 0, 3600):
        with database.read() as session:
            assert session.scalar(sa.select(later(column, seconds))) == at + timedelta(seconds=seconds)
            moved = later(column, seconds)
            there = sa.select(column).where(
                moved >= at + timedelta(seconds=seconds), moved <= at + timedelta(seconds=seconds)
            )
            assert session.scalar(there) == at
