"""A PostgreSQL server for the tests: one that is named, or a throw-away one made from Debian's binaries.

It keeps nothing (fsync off), lives in a temporary folder and ends with the test run.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from support.places import make_folder

VARIABLE = "ZUTUAN_TEST_POSTGRES"
HOW_TO_GET_IT = "PostgreSQL is not installed: apt-get install postgresql (or name a server in ZUTUAN_TEST_POSTGRES)"
START_SECONDS = 30
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "jit": "off",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "listen_addresses": "127.0.0.1",
}


def find_binaries() -> Path | None:
    """Where `initdb` and `postgres` are: Debian keeps them off the PATH, newest version last."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name.split(".")[0]))
    named = shutil.which("initdb")
    places = ([Path(named).resolve().parent] if named else []) + debian
    usable = [place for place in places if (place / "initdb").exists() and (place / "postgres").exists()]
    return usable[-1] if usable else None


@dataclass
class Server:
    """A running throw-away server."""

    url: str
    process: subprocess.Popen[bytes]
    folder: Path

    def stop(self) -> None:
        """Fast shutdown of the process we started, then its folder goes."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def start() -> Server | None:
    """Make and start a server, or None where there is nothing to start it from."""
    binaries = find_binaries()
    if binaries is None:
        return None
    folder = make_folder("pg")
    prefix = _unprivileged(folder)
    data, port = folder / "data", _free_port()
    subprocess.run(
        [*prefix, binaries / "initdb", "-D", data, "-U", "zutuan", "-A", "trust", "-N",
         "--locale=C.UTF-8", "--encoding=UTF8", "--no-instructions"],
        check=True, capture_output=True, cwd="/",
    )  # fmt: skip
    settings = {**_SETTINGS, "port": str(port), "unix_socket_directories": str(folder)}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        # Ends with the test run even when that is killed.
        leash = ["setpriv", "--pdeathsig", "INT"] if not prefix and shutil.which("setpriv") else []
        process = subprocess.Popen([*leash, *prefix, binaries / "postgres", "-D", data, *options], cwd="/", stdout=log,
                                   stderr=log, stdin=subprocess.DEVNULL)  # fmt: skip
    server = Server(f"postgresql://zutuan@127.0.0.1:{port}/postgres", process, folder)
    _wait_for(server)
    return server


def _unprivileged(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: then it runs as `postgres`, who owns the folder."""
    if os.geteuid() != 0:
        return []
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--pdeathsig", "INT"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(server: Server) -> None:
    last = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(server.url, connect_timeout=2).close()
        except psycopg.OperationalError as error:
            if server.process.poll() is not None or time.monotonic() > last:
                text = (server.folder / "log").read_text(errors="replace")[-2000:]
                server.stop()
                raise RuntimeError(f"PostgreSQL did not start:\n{text}") from error
            time.sleep(0.05)
        else:
            return
