"""What every test can ask for: a migrated database (both engines or one), an application, clients, the clock, the cast.

`database` and what is built on it (`app`, `client`) run each test once per engine; `sqlite_database`, `sqlite_app`
and `sqlite_client` only on SQLite. A test that asks for `cast` as well finds the cast in that database.
"""

from __future__ import annotations

import atexit
import dataclasses
import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from jinja2 import FileSystemBytecodeCache
from support import postgres, s3, thorough
from support.cast import NOW, Cast
from support.databases import ENGINES, Engines, Fresh, Templates
from support.places import make_folder

from zutuan.app import create_app, make_files
from zutuan.clock import Clock
from zutuan.clock import clock as the_clock
from zutuan.config import Config
from zutuan.db import Database
from zutuan.web.receiving import Places

SECRET = "a secret of the tests that is long enough 0123456789"
NO_SKIPS = "ZUTUAN_NO_SKIPS"

settings.register_profile(
    "zutuan", deadline=None, print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)  # fmt: skip
settings.load_profile("zutuan")

_server = pytest.StashKey[postgres.Server]()


# --- the run ----------------------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    """The controller starts PostgreSQL; workers find its address in the environment."""
    idle = config.option.collectonly or config.option.help or config.option.version
    if hasattr(config, "workerinput") or idle or os.environ.get(postgres.VARIABLE):
        return
    server = postgres.start()
    if server is not None:
        config.stash[_server] = server
        os.environ[postgres.VARIABLE] = server.url


def pytest_unconfigure(config: pytest.Config) -> None:
    server = config.stash.get(_server, None)
    if server is not None:
        server.stop()
        os.environ.pop(postgres.VARIABLE, None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Named on the command line, a test runs whatever list it is on."""
    if any("::" in argument for argument in config.args):
        return
    items[:], left = thorough.chosen(items)
    if left:
        config.hook.pytest_deselected(items=left)


def _skip_is_failure(report: Any) -> None:
    """Where nothing may be left out (CI), a skip is a failure that says why it would have been skipped."""
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get(NO_SKIPS) == "1":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome, report.longrepr = "failed", f"{NO_SKIPS}=1 and this would be skipped: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    _skip_is_failure(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Any:
    report = yield
    _skip_is_failure(report)
    return report


# --- time -------------------------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> Iterator[Clock]:
    """The platform's clock, standing at the cast's instant until the test moves it."""
    the_clock.set(NOW)
    yield the_clock
    the_clock.release()


# --- databases --------------------------------------------------------------------------------------------------


_ENGINES = Engines()


@pytest.fixture(scope="session")
def templates() -> Iterator[Templates]:
    made = Templates(make_folder("tests"))
    yield made
    made.close()


@pytest.fixture(params=ENGINES)
def fresh(request: pytest.FixtureRequest, templates: Templates) -> Iterator[Fresh]:
    with templates.fresh(request.param, with_cast="cast" in request.fixturenames) as made:
        yield made


@pytest.fixture(params=ENGINES)
def empty_url(request: pytest.FixtureRequest, templates: Templates) -> Iterator[str]:
    """The address of a database without any table, on each engine in turn."""
    with templates.empty(request.param) as url:
        yield url


@pytest.fixture
def sqlite_fresh(request: pytest.FixtureRequest, templates: Templates) -> Iterator[Fresh]:
    with templates.fresh("sqlite", with_cast="cast" in request.fixturenames) as made:
        yield made


@pytest.fixture
def database(fresh: Fresh) -> Iterator[Database]:
    """A migrated database of this test's own, on each engine in turn."""
    with _ENGINES.database(fresh.url) as made:
        yield made


@pytest.fixture
def sqlite_database(sqlite_fresh: Fresh) -> Iterator[Database]:
    """The same on SQLite only."""
    with _ENGINES.database(sqlite_fresh.url) as made:
        yield made


@pytest.fixture
def cast(request: pytest.FixtureRequest, clock: Clock) -> Cast:
    """Who is in this test's database. Ask for a database, an app or a client beside it."""
    name = "sqlite_fresh" if "sqlite_fresh" in request.fixturenames else "fresh"
    found: Fresh = request.getfixturevalue(name)
    assert found.cast is not None
    return found.cast


# --- files ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def s3_server() -> Iterator[s3.Server]:
    """A real S3 server of this test process, started by the first test that asks for it."""
    with s3.running() as server:
        yield server


# --- applications -----------------------------------------------------------------------------------------------


# Applications that tests make for themselves would each compile the same templates anew.
_FOLDER = make_folder("templates")
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
COMPILED = FileSystemBytecodeCache(str(_FOLDER))


def make_app(database: Database, files: Path, **settings: Any) -> Flask:
    """An application on the test's own database, which it shares with the test."""
    url = database.engine.url.render_as_string(hide_password=False)
    app = create_app(Config(**{"mode": "test", "database": url, "files": files, "secret": SECRET, **settings}))
    app.jinja_env.bytecode_cache = COMPILED
    app.extensions["zutuan"].database.dispose()
    app.extensions["zutuan"] = dataclasses.replace(app.extensions["zutuan"], database=database)
    return app


@cache
def _one_app() -> Flask:
    app = create_app(Config(mode="test", secret=SECRET))
    app.extensions["zutuan"].database.dispose()
    app.jinja_env.bytecode_cache = COMPILED
    return app


def borrow_app(database: Database, files: Path) -> Flask:
    """The application of this test process, for one test: an application keeps nothing but its runtime, and making
    one takes as long as most tests. Who changes an application, or needs two, makes their own."""
    url = database.engine.url.render_as_string(hide_password=False)
    config = Config(mode="test", database=url, files=files, secret=SECRET)
    app = _one_app()
    app.extensions["zutuan"] = dataclasses.replace(
        app.extensions["zutuan"], config=config, database=database, files=make_files(config),
        places=Places(config.uploads_at_once),
    )  # fmt: skip
    return app


@pytest.fixture
def app(database: Database, tmp_path: Path, clock: Clock) -> Flask:
    return borrow_app(database, tmp_path)


@pytest.fixture
def sqlite_app(sqlite_database: Database, tmp_path: Path, clock: Clock) -> Flask:
    return borrow_app(sqlite_database, tmp_path)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without a session."""
    return app.test_client()


@pytest.fixture
def sqlite_client(sqlite_app: Flask) -> FlaskClient:
    return sqlite_app.test_client()
