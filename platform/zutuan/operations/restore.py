"""`zutuan restore`: a backup into an empty database, of either engine, whichever it was made from.

Everything is checked before anything is written; the rows come in one transaction. What is interrupted leaves an empty
database, and the same command may be run again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, Engine

from zutuan.guards import drop_guards
from zutuan.migrate import alembic_config, current_revision, upgrade
from zutuan.operations import archive, portable
from zutuan.operations.archive import BadBackup, Manifest, TablePart
from zutuan.operations.backup import BATCH, EVERY, Say, listed_files, verify
from zutuan.operations.stored_files import keys
from zutuan.storage.backends import Storage, is_key

BOOKKEEPING = "alembic_version"


class CannotRestore(Exception):
    """Said to the operator as it is."""


def restore(engine: Engine, files: Storage, folder: Path, say: Say) -> Manifest:
    """Check, then files, then rows, then whatever migrations came since."""
    say("checking every part …")
    manifest = verify(folder, say)
    _need_known(manifest)
    with engine.connect() as connection:
        _need_empty(connection)
    _need_no_other_files(files, folder, manifest)
    _restore_files(files, folder, manifest, say)
    _prepare(engine, manifest.revision)
    with _loading(engine) as connection:
        _need_empty(connection)
        for table in manifest.tables:
            _load(connection, folder, table, say)
    upgrade(engine)
    return manifest


# --- before anything is written ---------------------------------------------------------------------------------


def _need_known(manifest: Manifest) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()}
    if manifest.revision not in known:
        raise CannotRestore(
            f"the backup was made by Zutuan {manifest.version} (revision {manifest.revision}), which is newer than this"
        )


def _tables(connection: Connection) -> list[str]:
    return sorted(set(sa.inspect(connection).get_table_names()) - {BOOKKEEPING})


def _need_empty(connection: Connection) -> None:
    """Tables without rows are welcome: `zutuan db upgrade` may have run already."""
    quote = connection.dialect.identifier_preparer.quote
    for name in _tables(connection):
        if connection.exec_driver_sql(f"SELECT 1 FROM {quote(name)} LIMIT 1").scalar() is not None:  # noqa: S608
            raise CannotRestore(
                f"the database is not empty (table {name} has rows); restore goes into an empty one only"
            )


def _need_no_other_files(files: Storage, folder: Path, manifest: Manifest) -> None:
    """Files of an interrupted restore are ours; anything else would be mixed up with what the database knows."""
    ours = {key for key, *_rest in listed_files(folder, manifest)}
    strange = next((key for key in ours if not is_key(key)), None)
    if strange is not None:
        raise BadBackup(archive.FILE_LIST, f"{strange!r} is no key of the storage")
    if any(key not in ours for key in keys(files)):
        raise CannotRestore("the storage is not empty; restore goes into an empty one only")


# --- writing ----------------------------------------------------------------------------------------------------


def _restore_files(files: Storage, folder: Path, manifest: Manifest, say: Say) -> None:
    for number, (key, path, _size, _digest) in enumerate(listed_files(folder, manifest), start=1):
        files.put(key, archive.read_chunks(folder, path))
        if number % EVERY == 0:
            say(f"files: {number} …")
    say(f"files: {manifest.files.rows}")


def _prepare(engine: Engine, revision: str) -> None:
    """Empty tables as they were when the backup was made."""
    with engine.begin() as connection:
        if current_revision(connection) not in (None, revision):
            found = sa.MetaData()
            found.reflect(connection)
            drop_guards(connection)
            found.drop_all(connection)
    upgrade(engine, revision)


@contextmanager
def _loading(engine: Engine) -> Iterator[Connection]:
    """One transaction without triggers (the upgrade after it makes them); references are looked at once, at its end,
    whatever the order of the rows."""
    with engine.connect().execution_options(zutuan_writes=True) as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            _sqlite_foreign_keys(connection, "OFF")
        try:
            with connection.begin():
                drop_guards(connection)
                references = [] if sqlite else _drop_references(connection)
                yield connection
                for statement in references:
                    connection.exec_driver_sql(statement)
                _check_references(connection)
        finally:
            if sqlite:
                _sqlite_foreign_keys(connection, "ON")


def _sqlite_foreign_keys(connection: Connection, word: str) -> None:
    """SQLite hears this only outside a transaction, so past SQLAlchemy, which would begin one."""
    driver = connection.connection.dbapi_connection
    assert driver is not None
    driver.cursor().execute(f"PRAGMA foreign_keys = {word}")


def _drop_references(connection: Connection) -> list[str]:
    """Take the foreign keys away; answers what makes them anew (and so checks every row)."""
    query = (
        "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
    )
    found = connection.exec_driver_sql(query).all()
    for table, name, _definition in found:
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    return [f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}" for table, name, definition in found]


def _check_references(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if broken:
            raise CannotRestore(f"the backup breaks foreign keys: {broken[:5]}")


def _load(connection: Connection, folder: Path, table: TablePart, say: Say) -> None:
    target = sa.insert(portable.plain(table.name, table.columns))
    done = 0
    for rows in _batches(archive.read_lines(folder, table.part)):
        connection.execute(target, [portable.decode(table.columns, row) for row in rows])
        done += len(rows)
        if done % EVERY == 0:
            say(f"{table.name}: {done} …")
    quote = connection.dialect.identifier_preparer.quote
    counted = connection.exec_driver_sql(f"SELECT count(*) FROM {quote(table.name)}").scalar()  # noqa: S608
    if counted != table.part.rows:
        raise BadBackup(table.part.path, f"{counted} rows arrived instead of {table.part.rows}")
    if table.last_id is not None:
        portable.set_last_id(connection, table.name, table.last_id)
    say(f"{table.name}: {done}")


def _batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    source = iter(rows)
    while batch := list(islice(source, BATCH)):
        yield batch
