"""Guards: triggers that hold even against raw SQL, declared once beside their tables and re-created after each migration
(Alembic's batch mode loses them)."""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection


@dataclass(frozen=True)
class Guard:
    """Triggers of one table, per engine. Re-creating them twice gives the same."""

    table: str
    statements: dict[str, list[str]]


_GUARDS: dict[str, Guard] = {}


_TRIGGER = re.compile(r"\s*CREATE (?:CONSTRAINT )?TRIGGER (?:IF NOT EXISTS )?(\w+)", re.IGNORECASE)


def guard(name: str, table: str, *, sqlite: list[str], postgresql: list[str]) -> None:
    """Declare triggers of a table. `{name}` and `{table}` are filled in; each engine gets its own statements."""
    statements = {
        dialect: [line.replace("{name}", name).replace("{table}", table) for line in lines]
        for dialect, lines in (("sqlite", sqlite), ("postgresql", postgresql))
    }
    _GUARDS[name] = Guard(table, statements)


def is_append_only(table: str) -> bool:
    return f"{table}_append_only" in _GUARDS


def append_only(table: str) -> None:
    """UPDATE and DELETE on this table are refused by the database itself (on SQLite REPLACE too: it deletes)."""
    guard(
        f"{table}_append_only",
        table,
        sqlite=[
            "CREATE TRIGGER {name}_u BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
            "CREATE TRIGGER {name}_d BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
            (
                "CREATE TRIGGER {name}_i BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id) "
                "BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            ),
        ],
        postgresql=[
            (
                "CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
            ),
            (
                "CREATE TRIGGER {name}_t BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
            ),
        ],
    )


def create_guards(connection: Connection) -> None:
    """Drop and re-create every declared trigger whose table exists (Alembic's batch mode loses triggers)."""
    drop_guards(connection)
    tables = set(sa.inspect(connection).get_table_names())
    for each in _GUARDS.values():
        if each.table in tables:
            for statement in each.statements[connection.dialect.name]:
                connection.exec_driver_sql(statement)


def drop_guards(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all()
        for name in rows:
            connection.exec_driver_sql(f'DROP TRIGGER IF EXISTS "{name}"')
        return
    query = (
        "SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal AND n.nspname = current_schema()"
    )
    for name, table in connection.exec_driver_sql(query).all():
        connection.exec_driver_sql(f'DROP TRIGGER IF EXISTS "{name}" ON "{table}"')


def missing_guards(connection: Connection) -> list[tuple[str, str]]:
    """(trigger, table) of every declared trigger that is not there, or switched off."""
    tables = set(sa.inspect(connection).get_table_names())
    declared = {
        (match[1], each.table)
        for each in _GUARDS.values()
        if each.table in tables
        for statement in each.statements[connection.dialect.name]
        if (match := _TRIGGER.match(statement))
    }
    if connection.dialect.name == "sqlite":
        query = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = (
            "SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND c.relnamespace = current_schema()::regnamespace"
        )
    return sorted(declared - {(name, table) for name, table in connection.exec_driver_sql(query)})
