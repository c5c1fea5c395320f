"""What `zutuan check` asks of the database itself: version, triggers, references, ids."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from zutuan.db import Base
from zutuan.feature import Problem
from zutuan.guards import missing_guards
from zutuan.migrate import current_revision, head_revision
from zutuan.operations import portable

SHOWN = 20  # rows of one broken reference that are named


def migrations_are_current(session: Session) -> list[Problem]:
    found = current_revision(session.connection())
    if found == head_revision():
        return []
    return [Problem("migrations_are_current", "database", f"revision {found} instead of {head_revision()}")]


def guards_stand(session: Session) -> list[Problem]:
    """Every trigger that the code declares is there and switched on."""
    missing = missing_guards(session.connection())
    return [Problem("guards_stand", f"trigger {name}", f"missing or disabled on {table}") for name, table in missing]


def the_file_is_whole(session: Session) -> list[Problem]:
    """SQLite's own look at its pages. (PostgreSQL answers for its files itself.)"""
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        return []
    said = connection.exec_driver_sql("PRAGMA quick_check(20)").scalars().all()
    return [Problem("the_file_is_whole", "database", str(line)) for line in said if line != "ok"]


def references_hold(session: Session) -> list[Problem]:
    """No row refers to one that is not there; on PostgreSQL: no foreign key was dropped or left unchecked."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(SHOWN)
        return [
            Problem("references_hold", f"{table} {row}", f"refers to no {parent}") for table, row, parent, _ in broken
        ]
    return _missing_keys(connection)


def _missing_keys(connection: Connection) -> list[Problem]:
    query = (
        "SELECT c.relname, k.conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid "
        "WHERE k.contype = 'f' AND k.convalidated AND k.connamespace = current_schema()::regnamespace"
    )
    there = {(table, name) for table, name in connection.exec_driver_sql(query)}
    wanted = {
        (table.name, str(key.name)) for table in Base.metadata.sorted_tables for key in table.foreign_key_constraints
    }
    return [
        Problem("references_hold", f"{table}", f"foreign key {name} is missing or not validated")
        for table, name in sorted(wanted - there)
    ]


def ids_go_on(session: Session) -> list[Problem]:
    """What gives out ids is never behind the ids that are there: else the next row collides, or an id comes back."""
    connection, found = session.connection(), []
    for table in Base.metadata.sorted_tables:
        if "id" not in table.c:
            continue
        last = portable.last_id(connection, table.name)
        highest = connection.execute(sa.select(sa.func.max(table.c.id))).scalar()
        if last is not None and highest is not None and highest > last:
            found.append(Problem("ids_go_on", table.name, f"highest id {highest}, the next would be {last + 1}"))
    return found


CHECKS = (migrations_are_current, guards_stand, the_file_is_whole, references_hold, ids_go_on)
