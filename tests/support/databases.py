"""A fresh, migrated database per test, made fast: templates are built once per worker, each test gets a copy."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine, make_url
from support import postgres
from support.cast import Cast, build

from zutuan.db import Database, make_engine
from zutuan.migrate import upgrade

ENGINES = ("sqlite", "postgres")


@dataclass(frozen=True)
class Fresh:
    """A database of one test, and who is in it when it was made with the cast."""

    url: str
    cast: Cast | None


class Templates:
    """The templates of one worker: (engine, with or without the cast) → what copies are made from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = count(1)
        self.prefix = f"zutuan_{os.getpid()}"
        self.template = cache(self._make_template)

    @contextmanager
    def fresh(self, engine: str, *, with_cast: bool) -> Iterator[Fresh]:
        """A new copy, gone at the end."""
        made = self.template(engine, with_cast)
        number = next(self.numbers)
        if engine == "sqlite":
            path = self.folder / f"{number}.db"
            shutil.copyfile(_path(made.url), path)
            try:
                yield Fresh(f"sqlite:///{path}", made.cast)
            finally:
                for each in path.parent.glob(f"{path.name}*"):
                    each.unlink()
        else:
            name = f"{self.prefix}_{number}"
            with self._on_server() as server:
                server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{_name(made.url)}" STRATEGY FILE_COPY')
            try:
                yield Fresh(_database_url(name), made.cast)
            finally:
                self._drop(name)

    @contextmanager
    def empty(self, engine: str) -> Iterator[str]:
        """The address of a database without any table, for the tests of the migrations themselves."""
        url = self._create(engine, f"{next(self.numbers)}_empty")
        try:
            yield url
        finally:
            if engine == "postgres":
                self._drop(_name(url))

    def close(self) -> None:
        """Remove the templates, from a server that stays as well."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if os.environ.get(postgres.VARIABLE):
            for kind in ("cast", "bare"):
                self._drop(f"{self.prefix}_template_{kind}")

    def _make_template(self, engine: str, with_cast: bool) -> Fresh:
        url = self._create(engine, f"template_{'cast' if with_cast else 'bare'}")
        database = Database(url)
        upgrade(database.engine)
        cast = build(database) if with_cast else None
        database.dispose()
        return Fresh(url, cast)

    def _create(self, engine: str, name: str) -> str:
        if engine == "sqlite":
            return f"sqlite:///{self.folder / name}.db"
        full = f"{self.prefix}_{name}"
        with self._on_server() as server:
            server.execute(f'CREATE DATABASE "{full}"')
        return _database_url(full)

    def _drop(self, name: str) -> None:
        with self._on_server() as server:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    @contextmanager
    def _on_server(self) -> Iterator[psycopg.Connection]:
        with psycopg.connect(_server_url(), autocommit=True) as connection:
            yield connection


class Engines:
    """One engine of each kind for all tests of a process, which leads to each test's database in turn: what SQLAlchemy has
    compiled for one test serves the next, and that is a fifth of most tests' time."""

    def __init__(self) -> None:
        self.made: dict[str, Engine] = {}
        self.lent: set[str] = set()

    @contextmanager
    def database(self, url: str) -> Iterator[Database]:
        """That database, through the engine of its kind; through one of its own where that is lent already."""
        kind = make_url(url).get_backend_name()
        if kind in self.lent:
            made = Database(url)
            yield made
            made.dispose()
            return
        engine = self.made[kind] = self.made.get(kind) or _leading(url)
        engine.url = make_url(url)
        self.lent.add(kind)
        try:
            yield Database(url, engine=engine)
        finally:
            engine.dispose()
            self.lent.remove(kind)


def _leading(url: str) -> Engine:
    """An engine whose new connections lead to wherever its address says then."""
    engine = make_engine(url)

    @event.listens_for(engine, "do_connect")
    def _connect(dialect: Any, _record: object, _cargs: object, cparams: dict[str, Any]) -> Any:
        cargs, now = dialect.create_connect_args(engine.url)
        return dialect.connect(*cargs, **{**cparams, **now})

    return engine


def _server_url() -> str:
    url = os.environ.get(postgres.VARIABLE)
    if not url:
        pytest.skip(postgres.HOW_TO_GET_IT)
    return url


def _database_url(name: str) -> str:
    return _server_url().rsplit("/", 1)[0] + "/" + name


def _name(url: str) -> str:
    return url.rsplit("/", 1)[1]


def _path(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))
