"""Runs migrations on either engine: SQLite with foreign keys off and a check after, guards re-created at the end."""

from typing import Any

import sqlalchemy as sa
from alembic import context
from sqlalchemy.engine import Connection

from zutuan.app import metadata
from zutuan.guards import create_guards, drop_guards


def foreign_keys(connection: Connection, word: str) -> None:
    """SQLite hears this only outside a transaction, so past SQLAlchemy, which would begin one."""
    driver = connection.connection.dbapi_connection
    assert driver is not None
    driver.cursor().execute(f"PRAGMA foreign_keys = {word}")


def keep_autoincrement(table: sa.Table, connection: Connection, **_kw: Any) -> None:
    """Batch mode makes a table anew from what it reads back, and AUTOINCREMENT is not read back."""
    original = table.name.removeprefix("_alembic_tmp_")
    query = "SELECT sql FROM sqlite_master WHERE name = ? AND sql LIKE '%AUTOINCREMENT%'"
    if original != table.name and connection.exec_driver_sql(query, (original,)).scalar():
        table.dialect_options["sqlite"]["autoincrement"] = True


def highest_ids(connection: Connection) -> dict[str, int]:
    """Table → the highest id that was ever given."""
    if not sa.inspect(connection).has_table("sqlite_sequence"):
        return {}
    return {name: seq for name, seq in connection.exec_driver_sql("SELECT name, seq FROM sqlite_sequence")}


def keep_highest_ids(connection: Connection, before: dict[str, int]) -> None:
    """A table made anew knows only the ids that are still there: those of deleted rows must not come back."""
    for name, seq in before.items():
        connection.exec_driver_sql("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (seq, name))


def run(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        migrate(connection)
        return
    # Batch mode re-creates tables: with foreign keys on, dropping the old one would cascade or fail.
    foreign_keys(connection, "OFF")
    sa.event.listen(sa.Table, "before_create", keep_autoincrement)
    try:
        migrate(connection)
    finally:
        connection.rollback()
        sa.event.remove(sa.Table, "before_create", keep_autoincrement)
        foreign_keys(connection, "ON")


def migrate(connection: Connection) -> None:
    """All steps in one transaction: a migration that fails, or breaks a reference, leaves nothing behind."""
    context.configure(
        connection=connection,
        target_metadata=metadata(),
        render_as_batch=True,
        compare_type=True,
        transaction_per_migration=False,
        transactional_ddl=True,  # SQLite can, though Alembic thinks it cannot
    )
    sqlite = connection.dialect.name == "sqlite"
    with context.begin_transaction():
        before = highest_ids(connection) if sqlite else {}
        drop_guards(connection)
        context.run_migrations()
        create_guards(connection)
        if sqlite:
            keep_highest_ids(connection, before)
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            if broken:
                raise RuntimeError(f"the migration breaks foreign keys: {broken[:5]}")
    connection.commit()


if context.config.attributes.get("connection") is not None:
    run(context.config.attributes["connection"])
else:
    from zutuan.config import load
    from zutuan.db import make_engine

    with make_engine(load().database).connect() as opened:
        run(opened)
