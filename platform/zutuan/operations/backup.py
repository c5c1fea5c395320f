"""`zutuan backup`: one consistent snapshot of the database while people write, then the files.

Both engines give a snapshot by themselves: SQLite's WAL to any reading transaction, PostgreSQL to REPEATABLE READ. It
is taken before the files are copied: whatever it speaks of had been stored by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from zutuan.clock import clock
from zutuan.migrate import current_revision, head_revision
from zutuan.operations import archive, portable
from zutuan.operations.archive import BadBackup, Manifest, Part, TablePart
from zutuan.operations.stored_files import keys
from zutuan.storage.backends import Missing, Storage

Say = Callable[[str], None]

BATCH = 1000
EVERY = 50_000  # rows or files between two lines of progress


class CannotBackUp(Exception):
    """Said to the operator as it is."""


def backup(engine: Engine, metadata: sa.MetaData, files: Storage, folder: Path, say: Say) -> Manifest:
    """Write everything into `folder`, which must be new or empty. Memory does not grow with the number of rows."""
    _make_private(folder)
    with snapshot(engine) as connection:
        revision = current_revision(connection)
        if revision != head_revision():
            raise CannotBackUp("the database is of another version; run: zutuan db upgrade")
        tables = [_table(connection, table, folder, say) for table in metadata.sorted_tables]
    copied = _files(files, folder, say)
    manifest = Manifest(_version(), str(revision), engine.dialect.name, clock.now().isoformat(), tables, copied)
    archive.write_manifest(folder, manifest)
    return manifest


def _version() -> str:
    try:
        return version("zutuan")
    except PackageNotFoundError:  # run from a checkout that nobody installed
        return "unknown"


def _make_private(folder: Path) -> None:
    """It holds everything about everybody: nobody else on the machine may read it."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise CannotBackUp(f"{folder} is not empty; name a new folder")
    folder.chmod(0o700)


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """One moment of the database, however long one reads and whoever writes meanwhile."""
    postgresql = engine.dialect.name == "postgresql"
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True} if postgresql else {}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


def _table(connection: Connection, model: sa.Table, folder: Path, say: Say) -> TablePart:
    columns = portable.columns_of(model)
    part = archive.write_part(folder, f"tables/{model.name}.jsonl.gz", _lines(connection, model, columns, say))
    say(f"{model.name}: {part.rows}")
    # Read after the rows: a sequence is of no snapshot, and never behind them.
    return TablePart(model.name, columns, portable.last_id(connection, model.name), part)


def _lines(connection: Connection, model: sa.Table, columns: list[list[str]], say: Say) -> Iterator[bytes]:
    table = portable.plain(model.name, columns)
    query = sa.select(*portable.selection(table, columns))
    query = query.order_by(*(table.c[column.name] for column in model.primary_key))
    streamed = connection.execution_options(stream_results=True, max_row_buffer=BATCH).execute(query)
    done = 0
    for rows in streamed.partitions(BATCH):
        for row in rows:
            yield orjson.dumps(portable.encode(columns, row))
        done += len(rows)
        if done % EVERY == 0:
            say(f"{model.name}: {done} …")


def _files(files: Storage, folder: Path, say: Say) -> Part:
    part = archive.write_part(folder, archive.FILE_LIST, _copied(files, folder, say))
    say(f"files: {part.rows}")
    return part


def _copied(files: Storage, folder: Path, say: Say) -> Iterator[bytes]:
    """Copy every file under a number of ours (a key may be long); its key and digest go into the list."""
    for number, key in enumerate(keys(files), start=1):
        path = f"files/{number // 1000:06}/{number:09}"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        try:
            size, digest = archive.copy_in(files.open(key), folder / path)
        except Missing:  # removed since it was listed: then nothing speaks of it any more
            continue
        yield orjson.dumps([key, path, size, digest])
        if number % EVERY == 0:
            say(f"files: {number} …")


def verify(folder: Path, say: Say) -> Manifest:
    """Every byte of the backup against its digest, or `BadBackup` naming the part."""
    manifest = archive.read_manifest(folder)
    for table in manifest.tables:
        archive.verify_part(folder, table.part)
    archive.verify_part(folder, manifest.files)
    for number, (key, path, size, digest) in enumerate(listed_files(folder, manifest), start=1):
        if archive.sha256_of(folder, path) != (size, digest):
            raise BadBackup(path, f"does not match its SHA-256 (file {key})")
        if number % EVERY == 0:
            say(f"files: {number} …")
    return manifest


def listed_files(folder: Path, manifest: Manifest) -> Iterator[Any]:
    """[key, path in the backup, size, digest] of every file."""
    return archive.read_lines(folder, manifest.files)
