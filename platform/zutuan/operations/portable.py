"""Tables as both engines can read them: every column has one of a few portable types, every value a form in JSON.

A backup names its columns' types itself, so an older backup is read without the models it was made with.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from zutuan.db import FORMAT, Hundredths, UtcDateTime

Encode = Callable[[Any], Any]

# Portable type → (the type it is read and written with, into JSON, out of JSON).
# JSON columns travel as their text: without a type of their own both engines take it as it is.
TYPES: dict[str, tuple[Callable[[], sa.types.TypeEngine[Any]], Encode | None, Encode | None]] = {
    "int": (sa.BigInteger, None, None),
    "bool": (sa.Boolean, None, None),
    "text": (sa.Text, None, None),
    "float": (sa.Float, None, None),
    "json": (lambda: sa.types.NULLTYPE, None, None),
    "moment": (UtcDateTime, lambda value: value.strftime(FORMAT), datetime.fromisoformat),
    "date": (sa.Date, date.isoformat, date.fromisoformat),
    "time": (sa.Time, time.isoformat, time.fromisoformat),
    "decimal": (sa.Numeric, str, Decimal),
    "bytes": (sa.LargeBinary, lambda value: base64.b64encode(value).decode(), base64.b64decode),
}
_NAMES: tuple[tuple[type[sa.types.TypeEngine[Any]], str], ...] = (
    (Hundredths, "int"), (UtcDateTime, "moment"), (sa.Boolean, "bool"), (sa.Integer, "int"), (sa.JSON, "json"),
    (sa.Float, "float"), (sa.Numeric, "decimal"), (sa.Date, "date"), (sa.Time, "time"), (sa.LargeBinary, "bytes"),
    (sa.String, "text"),
)  # fmt: skip


def type_name(column: sa.Column[Any]) -> str:
    """The portable type of a model's column. A type that is missing here must be added before its table ships."""
    for kind, name in _NAMES:
        if isinstance(column.type, kind):
            return name
    raise TypeError(f"{column.table.name}.{column.name}: {column.type!r} has no portable form")


def columns_of(table: sa.Table) -> list[list[str]]:
    """[name, portable type] of every column that holds something of its own."""
    return [[column.name, type_name(column)] for column in table.columns if column.computed is None]


def plain(name: str, columns: Sequence[Sequence[str]]) -> sa.Table:
    """The table with portable types only."""
    return sa.Table(name, sa.MetaData(), *(sa.Column(column, TYPES[kind][0]()) for column, kind in columns))


def selection(table: sa.Table, columns: Sequence[Sequence[str]]) -> list[sa.ColumnElement[Any]]:
    """What to select: JSON as its text. (psycopg would read it for us; SQLite keeps the text `7` as a number.)"""
    return [sa.cast(table.c[name], sa.Text) if kind == "json" else table.c[name] for name, kind in columns]


def encode(columns: Sequence[Sequence[str]], row: Sequence[Any]) -> list[Any]:
    return [_through(TYPES[kind][1], value) for (_, kind), value in zip(columns, row, strict=True)]


def decode(columns: Sequence[Sequence[str]], row: Sequence[Any]) -> dict[str, Any]:
    return {name: _through(TYPES[kind][2], value) for (name, kind), value in zip(columns, row, strict=True)}


def _through(convert: Encode | None, value: Any) -> Any:
    return value if convert is None or value is None else convert(value)


# --- the highest id ever given ----------------------------------------------------------------------------------


def last_id(connection: Connection, table: str) -> int | None:
    """The highest id the table ever gave out, of rows that are gone as well; None where ids come from elsewhere."""
    if connection.dialect.name == "sqlite":
        counted = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ? AND sql LIKE '%AUTOINCREMENT%'"
        if connection.exec_driver_sql(counted, (table,)).scalar() is None:
            return None
        sequence = connection.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).scalar()
        return int(sequence or 0)
    name = _sequence(connection, table)
    if name is None:
        return None
    value, called = connection.exec_driver_sql(f"SELECT last_value, is_called FROM {name}").one()  # noqa: S608
    return int(value) if called else 0


def set_last_id(connection: Connection, table: str, highest: int) -> None:
    """Let ids go on above `highest`."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        connection.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, highest))
        return
    name = _sequence(connection, table)
    if name is not None and highest > 0:
        connection.execute(sa.text("SELECT setval(:name, :highest, true)"), {"name": name, "highest": highest})


def _sequence(connection: Connection, table: str) -> str | None:
    """The sequence behind `table.id`, quoted as SQL wants it."""
    has_id = any(column["name"] == "id" for column in sa.inspect(connection).get_columns(table))
    query = sa.text("SELECT pg_get_serial_sequence(:table, 'id')")
    return connection.execute(query, {"table": f'"{table}"'}).scalar() if has_id else None
