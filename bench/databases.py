"""The two databases that are measured: SQLite in a folder, PostgreSQL named or started for the run."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

VARIABLE = "ZUTUAN_BENCH_POSTGRES"
HOW_TO_GET_IT = f"PostgreSQL is not installed: apt-get install postgresql (or name a server in {VARIABLE})"
START_SECONDS = 30
SHOWN = ("shared_buffers", "synchronous_commit", "fsync")


@dataclass(frozen=True)
class Target:
    """A database to measure: its address, and the line that says what it is."""

    name: str
    url: str
    about: str


Opener = Callable[[Path], AbstractContextManager[Target | None]]


@contextmanager
def sqlite(folder: Path) -> Iterator[Target]:
    about = f"SQLite {sqlite3.sqlite_version} (WAL, synchronous=NORMAL)"
    yield Target("SQLite", f"sqlite:///{folder / 'bench.db'}", about)


@contextmanager
def postgres(folder: Path) -> Iterator[Target | None]:
    """A new database on the server that `ZUTUAN_BENCH_POSTGRES` names, or on one of our own; None where there is none.

    Whatever was made here is gone afterwards.
    """
    named = os.environ.get(VARIABLE)
    if named:
        with _database(named) as target:
            yield target
        return
    binaries = _find_binaries()
    if binaries is None:
        yield None
        return
    with _server(binaries, folder) as url, _database(url) as target:
        yield target


@contextmanager
def _database(server_url: str) -> Iterator[Target]:
    name = f"zutuan_bench_{os.getpid()}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            settings = ", ".join(f"{each}={_setting(connection, each)}" for each in SHOWN)
            version = _setting(connection, "server_version")
            yield Target("PostgreSQL", _with_database(server_url, name), f"PostgreSQL {version} ({settings})")
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _setting(connection: psycopg.Connection[tuple[object, ...]], name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
    return str(row[0]) if row else ""


def _with_database(url: str, name: str) -> str:
    base, _, query = url.partition("?")
    return base.rsplit("/", 1)[0] + f"/{name}" + (f"?{query}" if query else "")


@contextmanager
def _server(binaries: Path, folder: Path) -> Iterator[str]:
    """Debian's PostgreSQL with its default settings, but for where it listens."""
    prefix = _unprivileged(folder)
    data, port = folder / "data", free_port()
    subprocess.run(
        [*prefix, binaries / "initdb", "-D", data, "-U", "zutuan", "-A", "trust",
         "--locale=C.UTF-8", "--encoding=UTF8", "--no-instructions"],
        check=True, capture_output=True, cwd="/",
    )  # fmt: skip
    options = ["-c", f"port={port}", "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*prefix, binaries / "postgres", "-D", data, *options], cwd="/", stdout=log,
                                   stderr=log, stdin=subprocess.DEVNULL)  # fmt: skip
    url = f"postgresql://zutuan@127.0.0.1:{port}/postgres"
    try:
        _wait_for(process, url)
        yield url
    finally:
        stop(process, signal.SIGINT)  # PostgreSQL's fast shutdown


def _find_binaries() -> Path | None:
    """Debian keeps them off the PATH; the newest version is the last."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name.split(".")[0]))
    named = shutil.which("initdb")
    places = ([Path(named).resolve().parent] if named else []) + debian
    usable = [place for place in places if (place / "initdb").exists() and (place / "postgres").exists()]
    return usable[-1] if usable else None


def _unprivileged(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: then it runs as `postgres`, who owns the folder."""
    if os.geteuid() != 0:
        return leash()
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--pdeathsig", "INT"]


def leash() -> list[str]:
    """What makes a child end with us, even when we are killed."""
    return ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def stop(process: subprocess.Popen[bytes], ask: signal.Signals = signal.SIGTERM) -> None:
    """Ask the process we started to end, then insist."""
    process.send_signal(ask)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_for(process: subprocess.Popen[bytes], url: str) -> None:
    last = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > last:
                raise
            time.sleep(0.05)
        else:
            return
