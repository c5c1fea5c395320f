"""The database: one place that closes SQLite's traps and makes both engines behave alike.

What is closed here: naive times are refused and stored fixed-width in UTC; ids are never reused (AUTOINCREMENT);
a writing transaction takes SQLite's write lock at its start (BEGIN IMMEDIATE) and waits for it; foreign keys are on.
What triggers guard besides is in `guards`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, TypeVar, TypeVarTuple, cast

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session, make_transient_to_detached, mapped_column, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

MAX_ID = 2**62
FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
BUSY_TIMEOUT_MS = 30_000
PREPARED_STATEMENTS = 500  # a connection: every statement of every page; psycopg's 100 would keep forgetting some


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: timestamptz on PostgreSQL, fixed-width UTC text on SQLite (so that text order is time order)."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.String(27))
        return dialect.type_descriptor(sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without zone cannot be stored: {value!r}")
        moment = value.astimezone(UTC)
        return moment.strftime(FORMAT) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        moment: datetime = value
        return moment.astimezone(UTC)


class later(FunctionElement[datetime]):  # noqa: N801  (it is written as SQL functions are)
    """`later(instant, seconds)`: an instant moved by so many whole seconds, as both engines keep it."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(later, "postgresql")
def _later_postgresql(element: later, compiler: Any, **kw: Any) -> str:
    moment, seconds = (compiler.process(part, **kw) for part in element.clauses)
    return f"({moment} + make_interval(secs => {seconds}))"


@compiles(later, "sqlite")
def _later_sqlite(element: later, compiler: Any, **kw: Any) -> str:
    moment, seconds = (compiler.process(part, **kw) for part in element.clauses)
    return f"(strftime('%Y-%m-%dT%H:%M:%f', {moment}, ({seconds}) || ' seconds') || '000Z')"


BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Id = Annotated[int, mapped_column(BigId, primary_key=True, autoincrement=True)]
Ref = Annotated[int, mapped_column(BigId)]
Moment = Annotated[datetime, mapped_column(UtcDateTime)]

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Hundredths(TypeDecorator[Decimal]):
    """An exact decimal with two places (credits), stored as a whole number of hundredths on both engines."""

    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        hundredths = Decimal(value) * 100
        if hundredths != hundredths.to_integral_value():
            raise ValueError(f"more than two places cannot be stored: {value}")
        return int(hundredths)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value) / 100


class Base(DeclarativeBase):
    """Every table. `unaudited` marks bookkeeping rows (sessions, outbox …) that need no audit row of their own."""

    metadata = sa.MetaData(naming_convention=NAMING)
    unaudited = False

    def __init_subclass__(cls, **kw: Any) -> None:
        super().__init_subclass__(**kw)
        table = cls.__dict__.get("__table__")
        if table is not None and "id" in table.c and table.c.id.autoincrement is True:
            table.dialect_options["sqlite"]["autoincrement"] = True


Made = TypeVar("Made", bound=Base)


def foreign(target: str, **kw: Any) -> Any:
    """A column that refers to `table.id`, indexed unless told otherwise; the database refuses a dangling one."""
    kw.setdefault("index", True)
    return mapped_column(BigId, sa.ForeignKey(target), **kw)


Value = TypeVar("Value")
Columns = TypeVarTuple("Columns")


def padded(values: Sequence[Value]) -> list[Value]:
    """The values for an IN list, the last repeated up to a power of two: lists of 9 to 16 are then one statement's text,
    which PostgreSQL plans once. (Planning the visibility filter takes as long as running it.)"""
    wanted = 1 << (len(values) - 1).bit_length() if values else 0
    return [*values, *([values[-1]] * (wanted - len(values)) if values else ())]


def chunks(values: Sequence[Value], size: int = 5000) -> Iterator[Sequence[Value]]:
    """Parts that a statement's parameters can hold on both engines."""
    for at in range(0, len(values), size):
        yield values[at : at + size]


# --- engines and sessions ---------------------------------------------------------------------------------------


def make_engine(url: str, pool_size: int = 10) -> Engine:
    if url.startswith(("postgres://", "postgresql://")):
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    if url.startswith("sqlite"):
        engine = sa.create_engine(
            url,
            pool_size=pool_size,
            max_overflow=-1,  # every thread may read while it waits to write; a connection is a file handle
            connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "isolation_level": None},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = sa.create_engine(url, pool_size=pool_size, max_overflow=pool_size)
    event.listen(engine, "connect", _prepare_postgresql)
    event.listen(engine, "checkin", _note_rest)
    event.listen(engine, "checkout", _ask_the_rested(engine.dialect))
    return engine


def _prepare_postgresql(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    connection.prepared_max = PREPARED_STATEMENTS


RESTED_SECONDS = 1.0


def _note_rest(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    record.info["returned"] = time.monotonic()


def _ask_the_rested(dialect: Dialect) -> Callable[..., None]:
    """A connection that has lain idle may be gone (the server was restarted): it is asked first. One that was used a
    moment ago is not: asking costs as much as a statement, and a request takes three."""

    def ask(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: object) -> None:
        returned = record.info.get("returned")
        if returned is None or time.monotonic() - returned < RESTED_SECONDS:
            return
        try:
            dialect.do_ping(connection)
        except Exception as error:
            raise DisconnectionError from error  # the pool takes another, and makes a new one where there is none

    return ask


def _for_reading(engine: Engine) -> Engine:
    """On PostgreSQL every read has a snapshot of its own anyway; without a transaction around them there is no ROLLBACK
    at the end, for which psycopg would forget all prepared statements."""
    return engine.execution_options(isolation_level="AUTOCOMMIT") if engine.dialect.name == "postgresql" else engine


def _prepare_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA recursive_triggers = ON")  # REPLACE then asks the DELETE triggers as well
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("zutuan_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class Unaudited(RuntimeError):
    """A transaction changed audited tables without an audit row: a programming error, refused at commit."""


class Database:
    """An engine (of its own, unless one is given) and its two kinds of session. `read` never takes a write lock; `write`
    takes it at its start."""

    def __init__(self, url: str, pool_size: int = 10, engine: Engine | None = None) -> None:
        self.engine = engine or make_engine(url, pool_size)
        self._read = sessionmaker(_for_reading(self.engine), expire_on_commit=False)
        self._write = sessionmaker(self.engine.execution_options(zutuan_writes=True), expire_on_commit=False)
        event.listen(self._write, "after_flush", _note_flush)
        event.listen(self._write, "do_orm_execute", _note_statement)
        event.listen(self._write, "before_commit", _demand_audit)
        event.listen(self._write, "after_rollback", _forget)

    def session(self, *, writes: bool) -> Session:
        return self._write() if writes else self._reading()

    def _reading(self) -> Session:
        session = self._read()
        session.info["found"] = {}
        return session

    @contextmanager
    def read(self) -> Iterator[Session]:
        with self._reading() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: commits at its end, rolls back on any error."""
        with self._write() as session, session.begin():
            yield session
        run_after_commit(session)

    def dispose(self) -> None:
        self.engine.dispose()


def found_once(session: Session, key: tuple[Any, ...], find: Callable[[], Value]) -> Value:
    """What `find` answers: asked once in a session that only reads, which several parts of a page share. One that writes
    asks each time, since it may have changed it."""
    found = session.info.get("found")
    if found is None:
        return find()
    if key not in found:
        found[key] = find()
    answer: Value = found[key]
    return answer


def after_commit(session: Session, action: Callable[[], None]) -> None:
    """Call `action` once the session has committed; it must not fail and must not need the database."""
    session.info.setdefault("after_commit", []).append(action)


def run_after_commit(session: Session) -> None:
    for action in session.info.pop("after_commit", []):
        action()


def insert_or(session: Session, table: Any) -> sqlite.Insert:
    """An INSERT of this session's engine that can say what happens on a conflict (both engines write it alike)."""
    return insert_of(session.get_bind().dialect.name, table)


def insert_of(dialect: str, table: Any) -> sqlite.Insert:
    """The same for a statement that is built once."""
    return cast("sqlite.Insert", (postgresql if dialect == "postgresql" else sqlite).insert(table))


def plain(session: Session, statement: sa.Select[*Columns], values: Mapping[str, Any]) -> Sequence[sa.Row[*Columns]]:
    """Rows of a statement that was built once, without the ORM's bookkeeping (half of a small statement's cost). What
    this session has changed and not flushed is not seen."""
    return session.connection().execute(statement, values).all()


def insert_plain(session: Session, table: Any, **values: Any) -> None:
    """One row that nobody looks at again in this session: quicker than as an object. Written at once, or at the end of
    `together`."""
    if not table.unaudited:
        session.info["changed"] = True
    waiting = session.info.get("together")
    if waiting is None:
        session.connection().execute(sa.insert(table.__table__), values)
    else:
        waiting.append((table.__table__, values))


def insert_whole(session: Session, model: type[Made], **values: Any) -> Made:
    """A new row by one statement, and the object of this session that stands for it; `values` are all of its columns but
    the id."""
    table: Any = model.__table__
    id_ = session.connection().execute(sa.insert(table).returning(table.c.id), values).scalar_one()
    made = model(id=id_, **values)
    make_transient_to_detached(made)
    session.add(made)
    session.info["changed"] = True
    return made


@contextmanager
def together(session: Session) -> Iterator[None]:
    """The plain rows of this block are written at its end: on PostgreSQL by one statement, where each of its own would
    wait for its answer. They must not need each other."""
    rows: list[tuple[sa.Table, dict[str, Any]]] = []
    session.info["together"] = rows
    try:
        yield
    finally:
        del session.info["together"]
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        for table, values in rows:
            connection.execute(sa.insert(table), values)
    elif rows:
        statement = _insert_all(tuple((table, tuple(values)) for table, values in rows))
        connection.execute(statement, {_nth(n, k): v for n, (_table, row) in enumerate(rows) for k, v in row.items()})


def _nth(number: int, column: str) -> str:
    return f"{column}__{number}"


@lru_cache(maxsize=64)
def _insert_all(rows: tuple[tuple[sa.Table, tuple[str, ...]], ...]) -> sa.Insert:
    """One statement that inserts these rows: WITH … AS (INSERT …) INSERT …, those of one table together, in order."""
    tables: dict[sa.Table, list[dict[str, Any]]] = {}
    for n, (table, names) in enumerate(rows):
        row = {name: sa.bindparam(_nth(n, name), type_=table.c[name].type) for name in names}
        tables.setdefault(table, []).append(row)
    parts = [_insert_of_one(table, each) for table, each in tables.items()]
    return parts[0].add_cte(*(part.cte(f"rows_{n}") for n, part in enumerate(parts[1:], 1)))


def _insert_of_one(table: sa.Table, rows: list[dict[str, Any]]) -> sa.Insert:
    """Several rows as a SELECT: SQLAlchemy would compile a VALUES of several anew each time, which takes longer than the
    statement itself."""
    if len(rows) == 1:
        return sa.insert(table).values(rows[0])
    names = list(rows[0])
    chosen = sa.union_all(*(sa.select(*(row[name] for name in names)) for row in rows))
    return sa.insert(table).from_select(names, chosen)


def mark_audited(session: Session) -> None:
    session.info["audited"] = True


def _note_flush(session: Session, _context: Any) -> None:
    rows = [*session.new, *session.dirty, *session.deleted]
    if any(not type(row).unaudited for row in rows):
        session.info["changed"] = True


def _note_statement(state: Any) -> None:
    if state.is_update or state.is_insert or state.is_delete:
        mapper = state.bind_mapper
        if mapper is not None and not mapper.class_.unaudited:
            state.session.info["changed"] = True


def _demand_audit(session: Session) -> None:
    session.flush()
    if session.in_nested_transaction():  # a savepoint commits nothing
        return
    changed, audited = session.info.pop("changed", False), session.info.pop("audited", False)
    if changed and not audited:
        raise Unaudited("this transaction changes data without an audit row")


def _forget(session: Session) -> None:
    """What was rolled back has neither changed nor promised anything."""
    for name in ("changed", "audited", "after_commit"):
        session.info.pop(name, None)


def is_collision(error: DBAPIError) -> bool:
    """Two writers met: a retry or a 409 is the right answer, never a 500 (23P01, 40P01, 40001, SQLITE_BUSY)."""
    state = getattr(error.orig, "sqlstate", None)
    if state in ("23P01", "40P01", "40001", "55P03"):
        return True
    return isinstance(error, OperationalError) and "locked" in str(error.orig)


def is_taken(error: DBAPIError) -> bool:
    """The exclusive time of the book was taken: 23P01 on PostgreSQL, the guard's own word on SQLite."""
    return getattr(error.orig, "sqlstate", None) == "23P01" or "ex_occurrence_exclusive" in str(error.orig)
