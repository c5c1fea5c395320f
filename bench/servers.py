"""The servers that are measured: `zutuan serve` with its defaults, and the bare view beside it."""

from __future__ import annotations

import http.client
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.databases import free_port, leash, stop

START_SECONDS = 30
SECRET = secrets.token_urlsafe(48)


@dataclass(frozen=True)
class Running:
    port: int
    pid: int


def environment(database: str, port: int, files: Path) -> dict[str, str]:
    """The settings of a production server on one machine."""
    return {
        "ZUTUAN_MODE": "production",
        "ZUTUAN_DATABASE": database,
        "ZUTUAN_FILES": str(files),
        "ZUTUAN_SECRET": SECRET,
        "ZUTUAN_URL": f"http://127.0.0.1:{port}",
        "ZUTUAN_SERVER_TIMING": "1",
        "ZUTUAN_REQUESTS_PER_MINUTE": "0",  # one client asks what many would
        "ZUTUAN_ACCESS_LOGS": str(files / "access"),
    }


@contextmanager
def zutuan(database: str, folder: Path) -> Iterator[Running]:
    port = free_port()
    files = free_port()
    command = ["-m", "zutuan.cli", "serve", "--port", str(port), "--files-port", str(files)]
    settings = {**environment(database, port, folder), "ZUTUAN_FILES_URL": f"http://127.0.0.1:{files}"}
    with _served(command, settings, port, folder / "serve.log", "/healthz") as running:
        yield running


@contextmanager
def bare(folder: Path) -> Iterator[Running]:
    port = free_port()
    with _served(["-m", "bench.bare", str(port)], {}, port, folder / "bare.log", "/") as running:
        yield running


@contextmanager
def _served(arguments: Sequence[str], env: Mapping[str, str], port: int, log: Path, probe: str) -> Iterator[Running]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ZUTUAN_")}
    with log.open("wb") as out:
        process = subprocess.Popen([*leash(), sys.executable, *arguments], env={**inherited, **env}, stdout=out,
                                   stderr=out, stdin=subprocess.DEVNULL)  # fmt: skip
    try:
        _wait_for(process, port, probe, log)
        yield Running(port, process.pid)
    finally:
        stop(process)


def _wait_for(process: subprocess.Popen[bytes], port: int, probe: str, log: Path) -> None:
    last = time.monotonic() + START_SECONDS
    while not _answers(port, probe):
        if process.poll() is not None or time.monotonic() > last:
            raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)


def _answers(port: int, probe: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", probe)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
