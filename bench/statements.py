"""Counting a page's SQL statements, and timing its main query alone."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import mean
from typing import Any

from flask import Flask
from sqlalchemy import event
from sqlalchemy.engine import Engine

from bench.client import Request
from bench.data import World
from bench.pages import PageKind, Visit, values_of
from zutuan.db import Database, UtcDateTime

_NAME = re.compile(r":([a-z]+)")


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """The statements sent meanwhile, without BEGIN."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            found.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def per_request(app: Flask, requests: Sequence[Request]) -> float:
    """How many statements the page sends, on the average of these requests."""
    engine, client, numbers = app.extensions["zutuan"].database.engine, app.test_client(use_cookies=False), []
    for request in requests:
        with counted(engine) as found:
            response = client.get(request.path, headers={"Cookie": request.cookie, "Accept": "text/html"})
        assert response.status_code == 200, (request.path, response.status_code)
        numbers.append(len(found))
    return mean(numbers)


def query_alone(database: Database, page: PageKind, world: World, visits: Sequence[Visit], count: int) -> list[float]:
    """Milliseconds of the page's main query by the bare driver, rows fetched."""
    dialect = database.engine.dialect
    sql = page.sql if dialect.name == "sqlite" else _NAME.sub(r"%(\1)s", page.sql)
    bind = UtcDateTime().process_bind_param
    times = []
    with database.engine.connect() as connection:
        cursor = connection.connection.cursor()
        for index in range(count):
            values = values_of(world, visits[index % len(visits)])
            used = {name: values[name] for name in set(_NAME.findall(page.sql))}
            if "now" in used:
                used["now"] = bind(world.now, dialect)
            started = time.perf_counter()
            cursor.execute(sql, used)
            cursor.fetchall()
            times.append((time.perf_counter() - started) * 1000)
    return times
