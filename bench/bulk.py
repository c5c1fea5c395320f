"""Writing many rows fast, on both engines, with the types of the models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from psycopg.types.json import Jsonb
from sqlalchemy.engine import Connection

from zutuan.db import Base

CHUNK = 5_000
Row = Mapping[str, Any]


def insert(connection: Connection, model: type[Base], rows: Sequence[Row]) -> None:
    """All rows must name the same columns; what they leave out takes the column's default."""
    table = sa.inspect(model).local_table
    assert isinstance(table, sa.Table)
    if not rows:
        return
    full = _with_defaults(table, rows)
    if connection.dialect.name == "postgresql":
        _copy(connection, table, full)
        return
    for start in range(0, len(full), CHUNK):
        connection.execute(sa.insert(table), full[start : start + CHUNK])


def _with_defaults(table: sa.Table, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Scalar defaults and a first version: COPY knows nothing of the models' defaults."""
    missing: dict[str, Any] = {}
    for column in table.c:
        if column.key in rows[0]:
            continue
        if column.key == "version":
            missing[column.key] = 1
        elif isinstance(column.default, sa.ColumnDefault) and column.default.is_scalar:
            missing[column.key] = column.default.arg
    return [{**missing, **row} for row in rows]


def _copy(connection: Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    columns = [table.c[name] for name in rows[0]]
    names = ", ".join(f'"{column.name}"' for column in columns)
    cursor = connection.connection.cursor()
    with cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
        for row in _bound(connection, columns, rows):
            copy.write_row(row)


def _bound(connection: Connection, columns: Sequence[sa.Column[Any]], rows: Sequence[Row]) -> Iterator[list[Any]]:
    dialect = connection.dialect
    json = [isinstance(column.type, sa.JSON) for column in columns]
    bind = [
        None if is_json else column.type.bind_processor(dialect) for column, is_json in zip(columns, json, strict=True)
    ]
    keys = [column.key for column in columns]
    for row in rows:
        yield [
            Jsonb(row[key]) if is_json else process(row[key]) if process else row[key]
            for key, is_json, process in zip(keys, json, bind, strict=True)
        ]


def finish(connection: Connection) -> None:
    """Sequences behind the ids that were written, so that the application can go on from there (PostgreSQL)."""
    if connection.dialect.name != "postgresql":
        return
    for table in Base.metadata.sorted_tables:
        if "id" in table.c and table.c.id.autoincrement is True:
            connection.execute(sa.text(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), "
                f"(SELECT coalesce(max(id), 0) + 1 FROM \"{table.name}\"), false)"
            ))  # fmt: skip
