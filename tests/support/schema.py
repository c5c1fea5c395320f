"""What a database's schema is, read back from the database itself, in a form that can be compared."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

BOOKKEEPING = {"alembic_version"}


def describe(connection: Connection) -> dict[str, dict[str, Any]]:
    """Table → its columns, keys, constraints and indexes."""
    inspector = sa.inspect(connection)
    names = set(inspector.get_table_names()) - BOOKKEEPING
    return {name: _table(inspector, connection, name) for name in sorted(names)}


def _table(inspector: sa.Inspector, connection: Connection, name: str) -> dict[str, Any]:
    dialect = connection.dialect
    return {
        "columns": {
            c["name"]: (c["type"].compile(dialect), c["nullable"], str(c["default"]))
            for c in inspector.get_columns(name)
        },
        "key": inspector.get_pk_constraint(name)["constrained_columns"],
        "references": sorted(
            (f["constrained_columns"], f["referred_table"], f["referred_columns"], sorted(f["options"].items()))
            for f in inspector.get_foreign_keys(name)
        ),
        "uniques": sorted((u["name"], u["column_names"]) for u in inspector.get_unique_constraints(name)),
        "checks": sorted((c["name"], _flat(c["sqltext"])) for c in inspector.get_check_constraints(name)),
        "indexes": sorted(
            (i["name"], i["column_names"], bool(i["unique"]), _where(i, dialect.name))
            for i in inspector.get_indexes(name)
            if not i.get("duplicates_constraint")
        ),
        "never_reuses_ids": _autoincrement(connection, name),
    }


def _where(index: Any, dialect: str) -> str:
    return _flat(str(index.get("dialect_options", {}).get(f"{dialect}_where", "")))


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _autoincrement(connection: Connection, name: str) -> bool:
    if connection.dialect.name != "sqlite":
        return True
    sql = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).scalar()
    return "AUTOINCREMENT" in str(sql)


def counts(connection: Connection) -> dict[str, int]:
    """Table → number of its rows."""
    names = set(sa.inspect(connection).get_table_names()) - BOOKKEEPING
    query = 'SELECT count(*) FROM "{}"'
    return {name: connection.exec_driver_sql(query.format(name)).scalar() or 0 for name in sorted(names)}


def triggers(connection: Connection) -> set[str]:
    if connection.dialect.name == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    return set(connection.exec_driver_sql(query).scalars())


def differences(one: dict[str, dict[str, Any]], other: dict[str, dict[str, Any]]) -> list[str]:
    """What differs, one line each: short enough to be read in a failed test."""
    found = [f"{table}: only in one of them" for table in sorted(one.keys() ^ other.keys())]
    for table in sorted(one.keys() & other.keys()):
        for part, value in one[table].items():
            if value != other[table][part]:
                found.append(f"{table}.{part}: {value} != {other[table][part]}")
    return found
