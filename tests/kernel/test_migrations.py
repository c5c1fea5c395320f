"""One linear history, the same schema as the models on both engines, forward and back with data in every table."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError
from support.cast import NOW, build
from support.everything import one_of_each
from support.schema import counts, describe, differences, triggers

from zutuan import migrate
from zutuan.app import metadata
from zutuan.db import Database, make_engine
from zutuan.guards import create_guards

# What a later migration may do to a table on SQLite: Alembic makes a new one, copies, drops the old, renames.
PROBE = '''"""A probe: batch mode on parents with children, on a table with triggers, and on one that is counted."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "probe", "{head}", None, None
TABLES = ("school", "person", "audit_event", "seat_pool", "membership", "enrolment")


def upgrade() -> None:
    for table in TABLES:
        with op.batch_alter_table(table, recreate="{recreate}") as batch:
            batch.add_column(sa.Column("probe", sa.String(10), nullable=True))


def downgrade() -> None:
    for table in TABLES:
        with op.batch_alter_table(table, recreate="{recreate}") as batch:
            batch.drop_column("probe")
'''


@pytest.fixture
def engine(empty_url: str) -> Iterator[Engine]:
    made = make_engine(empty_url)
    yield made
    made.dispose()


@pytest.fixture
def filled(empty_url: str) -> Iterator[Engine]:
    """A migrated database with rows in every table."""
    database = Database(empty_url)
    migrate.upgrade(database.engine)
    cast = build(database)
    with database.write() as session:
        one_of_each(session, cast)
    yield database.engine
    database.dispose()


def script() -> ScriptDirectory:
    return ScriptDirectory.from_config(migrate.alembic_config())


def test_the_history_is_one_line() -> None:
    revisions = list(script().walk_revisions())
    assert len(script().get_heads()) == 1
    assert [r.revision for r in revisions if r.is_branch_point or r.is_merge_point] == []
    assert script().get_heads()[0] == migrate.head_revision()


def test_models_and_migrations_agree(engine: Engine) -> None:
    migrate.upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata()) == []


def test_migrations_make_what_the_models_would(engine: Engine, templates, request: pytest.FixtureRequest) -> None:  # type: ignore[no-untyped-def]
    """Also what Alembic does not compare: checks, partial indexes, AUTOINCREMENT, defaults."""
    migrate.upgrade(engine)
    kind = "sqlite" if engine.dialect.name == "sqlite" else "postgres"
    with templates.empty(kind) as url:
        other = make_engine(url)
        with other.begin() as connection:
            metadata().create_all(connection)
            by_models = describe(connection)
        other.dispose()
    with engine.connect() as connection:
        assert differences(describe(connection), by_models) == []


def test_upgrading_twice_changes_nothing(engine: Engine) -> None:
    migrate.upgrade(engine)
    with engine.connect() as connection:
        before = describe(connection)
    migrate.upgrade(engine)
    with engine.connect() as connection:
        assert differences(describe(connection), before) == []
        assert migrate.current_revision(connection) == migrate.head_revision()


def test_back_and_forward_step_by_step_with_data(filled: Engine) -> None:
    """Whatever a step back does not drop keeps its rows, and comes back as it was."""
    with filled.connect() as connection:
        before, schema = counts(connection), describe(connection)
    assert [table for table, rows in before.items() if not rows] == [], "support/everything.py leaves these empty"
    for revision in script().walk_revisions():
        migrate.downgrade(filled, "-1")
        with filled.connect() as connection:
            left = counts(connection)
            assert left == {table: before.get(table, 0) for table in left}, (
                f"rows lost going back from {revision.revision}"
            )
    with filled.connect() as connection:
        assert counts(connection) == {} and triggers(connection) == set()
    migrate.upgrade(filled)
    with filled.connect() as connection:
        assert differences(describe(connection), schema) == []
        assert set(counts(connection).values()) == {0}


def test_guards_stand_after_an_upgrade(filled: Engine) -> None:
    for _ in range(2):
        with pytest.raises(DBAPIError, match="append-only"), filled.begin() as connection:
            connection.exec_driver_sql("DELETE FROM audit_event")
        with filled.begin() as connection:
            before = triggers(connection)
            create_guards(connection)
            assert triggers(connection) == before != set()


def last_school(engine: Engine) -> int:
    """Add a school and remove it again; answers the id it had."""
    with engine.begin() as connection:
        needed = {c["name"] for c in sa.inspect(connection).get_columns("school") if not c["nullable"]}
        columns = needed - {"id", "probe"}
        table = sa.table("school", sa.column("id"), *(sa.column(name) for name in columns))
        values = {name: "x" for name in columns}
        new: int = connection.execute(sa.insert(table).values(values).returning(table.c.id)).scalar_one()
        connection.execute(sa.delete(table).where(table.c.id == new))
        return new


@pytest.mark.parametrize("recreate", ["auto", "always"])
def test_batch_mode_loses_nothing(
    filled: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recreate: str
) -> None:
    if filled.dialect.name != "sqlite":
        recreate = "never"
    gone = last_school(filled)
    with filled.connect() as connection:
        rows, schema, guards = counts(connection), describe(connection), triggers(connection)
    folder = tmp_path / "migrations"
    shutil.copytree(migrate.folder(), folder)
    probe = PROBE.replace("{head}", str(migrate.head_revision())).replace("{recreate}", recreate)
    (folder / "versions" / "probe.py").write_text(probe)
    monkeypatch.setattr(migrate, "folder", lambda: folder)
    migrate.upgrade(filled)
    with filled.connect() as connection:
        assert counts(connection) == rows
        assert triggers(connection) == guards
        changed = describe(connection)
        assert changed["school"]["columns"].pop("probe")
        for table in schema:
            changed[table]["columns"].pop("probe", None)
        assert differences(changed, schema) == []
    with pytest.raises(DBAPIError, match="append-only"), filled.begin() as connection:
        connection.exec_driver_sql("UPDATE audit_event SET action = 'x'")
    assert last_school(filled) > gone
    migrate.downgrade(filled, "-1")
    with filled.connect() as connection:
        assert (counts(connection), triggers(connection)) == (rows, guards)
        assert differences(describe(connection), schema) == []


def test_a_migration_that_breaks_references_is_rolled_back(
    filled: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(migrate.folder(), folder)
    head = migrate.head_revision()
    (folder / "versions" / "bad.py").write_text(
        "from alembic import op\n"
        f'revision, down_revision, branch_labels, depends_on = "bad", "{head}", None, None\n'
        'def upgrade():\n    op.execute("DELETE FROM school")\n'
    )
    monkeypatch.setattr(migrate, "folder", lambda: folder)
    with pytest.raises((RuntimeError, DBAPIError)):
        migrate.upgrade(filled)
    with filled.connect() as connection:
        assert counts(connection)["school"] > 0 and migrate.current_revision(connection) == head
        assert triggers(connection) != set()
        if filled.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_no_table_is_left_out_of_the_naming(engine: Engine) -> None:
    """Constraints have names, so that a later migration can find them on both engines."""
    for table in metadata().tables.values():
        for constraint in table.constraints:
            assert constraint.name or isinstance(constraint, sa.PrimaryKeyConstraint), (table.name, constraint)


def test_of_papers_that_were_issued_twice_the_first_stands(filled: Engine) -> None:
    """The later ones keep what they say, and their numbers answer why they do not stand."""
    for step in ("0026", "-1"):
        migrate.downgrade(filled, step)
    rows = [(1001, "x", NOW), (1002, "x", None), (1003, "x", None), (1004, "y", None), (1005, "x", None)]
    paper = metadata().tables["paper"]
    with filled.begin() as connection:
        person, school = (connection.scalar(sa.text(f"SELECT min(id) FROM {each}")) for each in ("person", "school"))
        same = {"kind": "k", "person_id": person, "school_id": school, "subject_type": "a", "subject_id": 1}
        for id_, digest, revoked in rows:
            own = {"id": id_, "number": f"N{id_}", "digest": digest, "issued_at": NOW, "revoked_at": revoked}
            connection.execute(sa.insert(paper).values(**same, **own, content={}, revoke_reason=""))
    migrate.upgrade(filled)
    with filled.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT id, revoke_reason, revoked_at IS NULL FROM paper WHERE id > 1000 ORDER BY id"
        ).all()
    assert [(id_, why, bool(stands)) for id_, why, stands in found] == [
        (1001, "", False), (1002, "", True), (1003, "重复开具", False), (1004, "", True), (1005, "重复开具", False),
    ]  # fmt: skip
