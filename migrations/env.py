"""Runs migrations on either engine: SQLite with foreign keys off and a check after, guards re-created at the end."""

from alembic import context
from sqlalchemy.engine import Connection
from zutuan.app import metadata
from zutuan.db import create_guards, drop_guards


def run(connection: Connection) -> None:
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        # Batch mode re-creates tables: with foreign keys on, dropping the old one would cascade.
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata(),
        render_as_batch=True,
        compare_type=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        drop_guards(connection)
        context.run_migrations()
        create_guards(connection)
        if sqlite:
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            if broken:
                raise RuntimeError(f"the migration breaks foreign keys: {broken[:5]}")
    connection.commit()
    if sqlite:
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
        connection.commit()


if context.config.attributes.get("connection") is not None:
    run(context.config.attributes["connection"])
else:
    from zutuan.config import load
    from zutuan.db import make_engine

    with make_engine(load().database).connect() as opened:
        run(opened)
