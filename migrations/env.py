"""Runs migrations on either engine: SQLite with foreign keys off and a check after, guards re-created at the end."""

from alembic import context
from sqlalchemy.engine import Connection

from zutuan.app import metadata
from zutuan.db import create_guards, drop_guards


def foreign_keys(connection: Connection, word: str) -> None:
    """SQLite hears this only outside a transaction, so past SQLAlchemy, which would begin one."""
    driver = connection.connection.dbapi_connection
    assert driver is not None
    driver.cursor().execute(f"PRAGMA foreign_keys = {word}")


def run(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        migrate(connection)
        return
    # Batch mode re-creates tables: with foreign keys on, dropping the old one would cascade or fail.
    foreign_keys(connection, "OFF")
    try:
        migrate(connection)
    finally:
        connection.rollback()
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
    with context.begin_transaction():
        drop_guards(connection)
        context.run_migrations()
        create_guards(connection)
        if connection.dialect.name == "sqlite":
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
