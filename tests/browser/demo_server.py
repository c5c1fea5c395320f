"""The real demonstration, served for one test process: loaded once a run, each process then has a copy of its own."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO

START_SECONDS = 60
ACCOUNTS = "var/demo-accounts.json"
COMMAND = (sys.executable, "-m", "zutuan.cli", "demo")


@dataclass(frozen=True)
class Account:
    """One printed sign-in."""

    role: str
    school: str
    number: str
    email: str
    password: str


@dataclass
class Served:
    """A demonstration that answers."""

    url: str
    folder: Path
    accounts: list[Account]

    def who(self, role: str, school: str) -> Account:
        return next(each for each in self.accounts if (each.role, each.school) == (role, school))


@dataclass
class DemoServer(Served):
    """One that runs as people start it, in a process of its own."""

    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End the server we started (its own process group, so that no worker of it stays)."""
        self.process.terminate()
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def prepare(shared: Path) -> Path:
    """The loaded demonstration under `shared`, made by whichever process comes first; the others wait for it."""
    shared.mkdir(parents=True, exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / ACCOUNTS).exists():
            done = subprocess.run(
                [*COMMAND, "--prepare-only"], cwd=shared, env=_environment(), capture_output=True, timeout=180, check=False
            )  # fmt: skip
            assert done.returncode == 0, done.stderr.decode()[-3000:]
    return shared


def start(prepared: Path, folder: Path) -> DemoServer:
    """Copy the demonstration into `folder`, serve it on a free port and wait until it answers."""
    shutil.copytree(prepared / "var", folder / "var")
    port = free_port()
    with (folder / "log").open("wb") as log:
        process = _serve(folder, port, log)
    server = DemoServer(f"http://127.0.0.1:{port}", folder, printed_accounts(folder), process)
    for _try in range(START_SECONDS * 10):
        if _alive(server.url):
            return server
        try:
            process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    server.stop()
    raise RuntimeError(f"the demonstration does not answer:\n{(folder / 'log').read_text()[-3000:]}")


def printed_accounts(folder: Path) -> list[Account]:
    return [Account(**each) for each in json.loads((folder / ACCOUNTS).read_text(encoding="utf-8"))]


def _serve(folder: Path, port: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, "--port", str(port)], cwd=folder, env=_environment(), stdout=log, stderr=log,
        stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def _environment() -> dict[str, str]:
    """Ours without any setting of a Zutuan that may run beside the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ZUTUAN_")}


def _alive(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
