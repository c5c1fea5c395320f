"""Backups: one moment of a database that is being written to, restored elsewhere, on either engine from either engine."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from conftest import SECRET, make_app
from sqlalchemy.engine import Engine
from support.cast import NOW, PASSWORD, Cast
from support.databases import ENGINES, Templates
from support.everything import one_of_each
from support.schema import counts, differences, triggers
from support.schema import describe as schema

from zutuan import migrate
from zutuan.app import metadata
from zutuan.cli import main
from zutuan.clock import Clock
from zutuan.clusters.models import School
from zutuan.db import Database
from zutuan.jobs import OutboxMessage
from zutuan.notices.models import Notice
from zutuan.operations import archive, portable
from zutuan.operations.archive import BadBackup
from zutuan.operations.backup import BATCH, CannotBackUp, backup, snapshot, verify
from zutuan.operations.restore import CannotRestore, restore
from zutuan.operations.stored_files import keys
from zutuan.storage.backends import Directory, Missing

ONE, ZERO = "files/ab/" + "1" * 30, "files/cd/" + "0" * 30


def silent(_text: str) -> None:
    pass


@pytest.fixture(params=ENGINES)
def elsewhere(request: pytest.FixtureRequest, templates: Templates) -> Iterator[Database]:
    """A database without any table, where the backup goes."""
    with templates.empty(request.param) as url:
        made = Database(url)
        yield made
        made.dispose()


@pytest.fixture
def files(tmp_path: Path) -> Directory:
    folder = tmp_path / "files"
    folder.mkdir()
    storage = Directory(folder)
    storage.put(ONE, [b"one" * 1000])
    storage.put(ZERO, [])
    return storage


@pytest.fixture
def filled(database: Database, cast: Cast) -> Database:
    with database.write() as session:
        one_of_each(session, cast)
    return database


def other_files(tmp_path: Path) -> Directory:
    folder = tmp_path / "elsewhere"
    folder.mkdir(exist_ok=True)
    return Directory(folder)


def content(engine: Engine) -> dict[str, list[Any]]:
    """Every row of every table, in portable form."""
    found = {}
    with snapshot(engine) as connection:
        for model in metadata().sorted_tables:
            columns = portable.columns_of(model)
            table = portable.plain(model.name, columns)
            query = sa.select(*portable.selection(table, columns))
            rows = [portable.encode(columns, row) for row in connection.execute(query)]
            found[model.name] = sorted(orjson.dumps(row) for row in rows)
    return found


def contents(storage: Directory) -> dict[str, bytes]:
    return {key: b"".join(storage.open(key)) for key in keys(storage)}


def highest_id(database: Database) -> int:
    """The id of a school that is gone again."""
    with database.engine.begin() as connection:
        table = School.__table__
        new = connection.execute(sa.insert(table).values(name="过客", province="").returning(table.c.id)).scalar_one()
        connection.execute(sa.delete(table).where(table.c.id == new))
        return int(new)


# --- there and back ---------------------------------------------------------------------------------------------


def test_everything_comes_back_on_either_engine(
    filled: Database, elsewhere: Database, files: Directory, tmp_path: Path, cast: Cast
) -> None:
    gone = highest_id(filled)
    made = backup(filled.engine, metadata(), files, tmp_path / "b", silent)
    assert made == verify(tmp_path / "b", silent) and made.files.rows == 2
    with filled.engine.connect() as connection:
        assert {table.name: table.part.rows for table in made.tables} == counts(connection)
    target = other_files(tmp_path)
    restore(elsewhere.engine, target, tmp_path / "b", silent)
    assert content(elsewhere.engine) == content(filled.engine)
    assert contents(target) == contents(files)
    assert highest_id(elsewhere) == gone + 1, "ids of rows that are gone must not come back"
    with elsewhere.engine.connect() as connection:
        assert migrate.current_revision(connection) == migrate.head_revision()
        assert triggers(connection) != set()
    app = make_app(elsewhere, tmp_path)
    who = cast.who("B", "student")
    answer = app.test_client().post("/api/v1/session", json={"email": who.email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text


def test_the_schema_is_as_if_it_had_been_migrated(
    filled: Database, templates: Templates, files: Directory, tmp_path: Path
) -> None:
    """Foreign keys were taken away while the rows came: they are all there again."""
    backup(filled.engine, metadata(), files, tmp_path / "b", silent)
    kind = "sqlite" if filled.engine.dialect.name == "sqlite" else "postgres"
    with templates.empty(kind) as url:
        target = Database(url)
        restore(target.engine, other_files(tmp_path), tmp_path / "b", silent)
        with filled.engine.connect() as one, target.engine.connect() as two:
            assert differences(schema(one), schema(two)) == []
            assert triggers(one) == triggers(two)
        with pytest.raises(sa.exc.DBAPIError), target.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM school")
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), target.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM audit_event")
        target.dispose()


def test_many_rows_keep_their_order_and_number(
    sqlite_database: Database, files: Directory, tmp_path: Path, cast: Cast, templates: Templates
) -> None:
    rows = [
        {"name": f"学校{n}", "province": "省", "city": "", "level": "", "supervisor": ""} for n in range(2 * BATCH + 1)
    ]
    with sqlite_database.engine.begin() as connection:
        connection.execute(sa.insert(School), rows)
    backup(sqlite_database.engine, metadata(), files, tmp_path / "b", silent)
    with templates.empty("sqlite") as url:
        target = Database(url)
        restore(target.engine, other_files(tmp_path), tmp_path / "b", silent)
        assert content(target.engine) == content(sqlite_database.engine)
        target.dispose()


def test_values_that_engines_store_differently() -> None:
    """Every type that a model may use comes through JSON unchanged."""
    table = sa.Table(
        "t", sa.MetaData(), sa.Column("b", sa.LargeBinary), sa.Column("t", sa.Time), sa.Column("n", sa.Numeric(10, 4)),
        sa.Column("f", sa.Float), sa.Column("x", sa.Boolean), sa.Column("c", sa.Integer, sa.Computed("1")),
        sa.Column("y", sa.LargeBinary),
    )  # fmt: skip
    columns = portable.columns_of(table)
    assert [name for name, _ in columns] == ["b", "t", "n", "f", "x", "y"]
    row = [b"\x00\xff", NOW.time(), sa.Numeric(10, 4).python_type("2.5000"), 0.1, True, None]
    assert list(portable.decode(columns, orjson.loads(orjson.dumps(portable.encode(columns, row)))).values()) == row
    with pytest.raises(TypeError, match="no portable form"):
        portable.columns_of(sa.Table("u", sa.MetaData(), sa.Column("p", sa.PickleType)))


# --- while people write -----------------------------------------------------------------------------------------


def test_a_backup_is_one_moment_of_a_database_that_is_written_to(
    database: Database, elsewhere: Database, files: Directory, tmp_path: Path, cast: Cast
) -> None:
    """Each transaction writes a notice and an outbox row: a snapshot holds as many of the one as of the other."""
    person, stop, written = cast.who("A", "student").id, threading.Event(), threading.Semaphore(0)

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with database.write() as session:
                session.add(Notice(person_id=person, kind="test", dedupe_key=f"pair{number}", created_at=NOW))
                session.flush()
                session.add(OutboxMessage(topic="pair", payload={}, created_at=NOW, available_at=NOW))
            written.release()

    def say(_text: str) -> None:  # between two tables, the writer gets on
        for _ in range(3):
            assert written.acquire(timeout=30)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert written.acquire(timeout=30)
        made = backup(database.engine, metadata(), files, tmp_path / "b", say)
    finally:
        stop.set()
        writer.join()
    rows = {table.name: table.part.rows for table in made.tables}
    assert rows["notice"] == rows["outbox"] > 0
    restore(elsewhere.engine, other_files(tmp_path), tmp_path / "b", silent)
    with elsewhere.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Notice)) == rows["notice"]
    with elsewhere.write() as session:  # and ids go on above all that were given meanwhile
        fresh = Notice(person_id=person, kind="test", dedupe_key="fresh", created_at=NOW)
        session.add(fresh)
        session.flush()
        assert fresh.id > rows["notice"]


def test_a_file_that_goes_away_while_it_is_copied_is_left_out(
    sqlite_database: Database, files: Directory, tmp_path: Path, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = files.open

    def gone(key: str) -> Iterator[bytes]:
        if key == ONE:
            raise Missing(key)
        return opened(key)

    monkeypatch.setattr(files, "open", gone)
    assert backup(sqlite_database.engine, metadata(), files, tmp_path / "b", silent).files.rows == 1


# --- what is refused --------------------------------------------------------------------------------------------


@pytest.fixture
def made(sqlite_database: Database, cast: Cast, files: Directory, tmp_path: Path) -> Path:
    """A whole backup of the cast."""
    backup(sqlite_database.engine, metadata(), files, tmp_path / "b", silent)
    return tmp_path / "b"


@pytest.fixture
def target(templates: Templates) -> Iterator[Database]:
    with templates.empty("sqlite") as url:
        made = Database(url)
        yield made
        made.dispose()


def nothing_came(target: Database, tmp_path: Path) -> bool:
    with target.engine.connect() as connection:
        return not any(counts(connection).values()) and not any(keys(other_files(tmp_path)))


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    "part",
    ["manifest.json", "tables/person.jsonl.gz", "tables/term.jsonl.gz", "files.jsonl.gz", "files/000000/000000001"],
)
@pytest.mark.parametrize("where", [0, 0.5, -1])
def test_a_flipped_bit_is_refused_by_the_name_of_its_part(
    made: Path, target: Database, tmp_path: Path, part: str, where: float
) -> None:
    size = (made / part).stat().st_size
    flip(made / part, where if where == -1 else int(size * where))
    for attempt in (
        lambda: verify(made, silent),
        lambda: restore(target.engine, other_files(tmp_path), made, silent),
    ):
        with pytest.raises(BadBackup) as refused:
            attempt()
        assert refused.value.part == part and part in str(refused.value)
    assert nothing_came(target, tmp_path)


@pytest.mark.parametrize("part", ["tables/person.jsonl.gz", "files.jsonl.gz", "files/000000/000000001"])
def test_what_is_missing_or_cut_is_refused(made: Path, target: Database, tmp_path: Path, part: str) -> None:
    path = made / part
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(BadBackup, match=part):
        verify(made, silent)
    path.unlink()
    with pytest.raises(BadBackup, match=part):
        restore(target.engine, other_files(tmp_path), made, silent)
    assert nothing_came(target, tmp_path)


@pytest.mark.parametrize("when", ["school", "person", "files"])
def test_an_interrupted_backup_is_none(
    sqlite_database: Database, cast: Cast, files: Directory, target: Database, tmp_path: Path, when: str
) -> None:
    def say(text: str) -> None:
        if text.startswith(when):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup(sqlite_database.engine, metadata(), files, tmp_path / "b", say)
    with pytest.raises(BadBackup, match=r"manifest\.json"):
        restore(target.engine, other_files(tmp_path), tmp_path / "b", silent)
    with pytest.raises(CannotBackUp, match="not empty"):
        backup(sqlite_database.engine, metadata(), files, tmp_path / "b", silent)
    assert nothing_came(target, tmp_path)


def test_a_manifest_that_was_being_written_is_none(made: Path) -> None:
    (made / "manifest.json").rename(made / "manifest.json.part")
    with pytest.raises(BadBackup):
        verify(made, silent)


def rewrite(folder: Path, **changes: Any) -> None:
    """The manifest with other values, its own digest right again."""
    body = {**orjson.loads((folder / "manifest.json").read_bytes())["manifest"], **changes}
    (folder / "manifest.json").write_bytes(orjson.dumps({"manifest": body, "sha256": archive._digest(body)}))


def test_a_newer_versions_backup_is_refused(made: Path, target: Database, tmp_path: Path) -> None:
    rewrite(made, revision="9999")
    with pytest.raises(CannotRestore, match="newer"):
        restore(target.engine, other_files(tmp_path), made, silent)
    rewrite(made, format=2)
    with pytest.raises(BadBackup, match="format 2"):
        restore(target.engine, other_files(tmp_path), made, silent)
    assert nothing_came(target, tmp_path)


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "tables/../../outside"])
def test_a_manifest_points_nowhere_else(made: Path, target: Database, tmp_path: Path, path: str) -> None:
    body = orjson.loads((made / "manifest.json").read_bytes())["manifest"]
    rewrite(made, files={**body["files"], "path": path})
    with pytest.raises(BadBackup, match="outside"):
        restore(target.engine, other_files(tmp_path), made, silent)


def test_only_an_empty_place_is_restored_into(
    made: Path, filled: Database, files: Directory, target: Database, tmp_path: Path
) -> None:
    before = content(filled.engine)
    with pytest.raises(CannotRestore, match="not empty"):
        restore(filled.engine, other_files(tmp_path), made, silent)
    assert content(filled.engine) == before
    other_files(tmp_path).put("files/ff/" + "f" * 30, [b"x"])
    with pytest.raises(CannotRestore, match="storage is not empty"):
        restore(target.engine, other_files(tmp_path), made, silent)


def test_a_database_of_another_version_is_not_backed_up(
    database: Database, files: Directory, tmp_path: Path, cast: Cast
) -> None:
    migrate.downgrade(database.engine, "-1")
    with pytest.raises(CannotBackUp, match="db upgrade"):
        backup(database.engine, metadata(), files, tmp_path / "b", silent)


# --- restoring, interrupted and later ---------------------------------------------------------------------------


def test_an_interrupted_restore_may_be_run_again(
    made: Path, elsewhere: Database, sqlite_database: Database, tmp_path: Path
) -> None:
    for moment in ("files", "school", "person"):

        def say(text: str, moment: str = moment) -> None:
            if text.startswith(moment):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            restore(elsewhere.engine, other_files(tmp_path), made, say)
        with elsewhere.engine.connect() as connection:
            assert not any(counts(connection).values())
    restore(elsewhere.engine, other_files(tmp_path), made, silent)
    assert content(elsewhere.engine) == content(sqlite_database.engine)
    if elsewhere.engine.dialect.name == "sqlite":
        with elsewhere.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_an_older_backup_is_migrated(
    made: Path, elsewhere: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration that came later runs on the restored rows; empty tables of that later version are no obstacle."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrate.folder(), folder)
    (folder / "versions" / "probe.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f'revision, down_revision, branch_labels, depends_on = "probe", "{migrate.head_revision()}", None, None\n'
        "def upgrade():\n"
        '    op.create_table("probe", sa.Column("names", sa.Integer))\n'
        '    op.execute("INSERT INTO probe SELECT count(*) FROM school")\n'
        'def downgrade():\n    op.drop_table("probe")\n'
    )
    monkeypatch.setattr(migrate, "folder", lambda: folder)
    migrate.upgrade(elsewhere.engine)
    with elsewhere.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM probe")
    restore(elsewhere.engine, other_files(tmp_path), made, silent)
    with elsewhere.engine.connect() as connection:
        assert migrate.current_revision(connection) == "probe"
        assert connection.exec_driver_sql("SELECT names FROM probe").scalar() == 5


def test_broken_references_are_not_restored(
    sqlite_database: Database, cast: Cast, files: Directory, elsewhere: Database, tmp_path: Path
) -> None:
    driver = sqlite_database.engine.raw_connection()
    driver.cursor().execute("PRAGMA foreign_keys = OFF")
    driver.cursor().execute("DELETE FROM school WHERE id = 1")
    driver.close()
    backup(sqlite_database.engine, metadata(), files, tmp_path / "b", silent)
    with pytest.raises((CannotRestore, sa.exc.IntegrityError)):
        restore(elsewhere.engine, other_files(tmp_path), tmp_path / "b", silent)
    with elsewhere.engine.connect() as connection:
        assert not any(counts(connection).values())


# --- the commands -----------------------------------------------------------------------------------------------


def command(database: Database, folder: Path) -> Callable[..., Result]:
    """Runs `zutuan …` on a database and a storage."""
    folder.mkdir(exist_ok=True)
    url = database.engine.url.render_as_string(hide_password=False)
    env = {"ZUTUAN_DATABASE": url, "ZUTUAN_FILES": str(folder), "ZUTUAN_SECRET": SECRET}
    return lambda *args: CliRunner().invoke(main, list(args), env=env)


def test_the_commands(
    database: Database, cast: Cast, elsewhere: Database, files: Directory, tmp_path: Path, clock: Clock
) -> None:
    clock.set(NOW + timedelta(minutes=1))
    here, there = command(database, tmp_path / "files"), command(elsewhere, tmp_path / "elsewhere")
    folder = str(tmp_path / "b")
    written = here("backup", folder)
    assert written.exit_code == 0 and "2 files" in written.output and "person: " in written.output
    assert Path(folder).stat().st_mode & 0o077 == 0
    assert here("backup", folder).exit_code == 1 and here("restore", folder).exit_code == 1
    assert there("backup", "--verify", folder).exit_code == 0
    restored = there("restore", folder)
    assert restored.output.endswith("ok\n") and restored.exit_code == 0, restored.output
    assert content(elsewhere.engine) == content(database.engine)
    flip(tmp_path / "b" / "tables" / "person.jsonl.gz", 40)
    bad = there("backup", "--verify", folder)
    assert bad.exit_code == 1 and "tables/person.jsonl.gz" in bad.output
