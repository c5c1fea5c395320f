"""With real servers and real sockets: downloads that nobody reads, uploads that stall, and a server that is killed."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.cast import Cast, Player, build
from support.places import make_folder

from zutuan.db import Database
from zutuan.migrate import upgrade

STALLED, SIZE = 50, 32 * 1024 * 1024  # far more than sockets hold
START_SECONDS = 150  # a busy machine starts three processes slowly


@dataclass(frozen=True)
class Site:
    """`zutuan serve` as it comes, on a database of its own."""

    port: int
    process: subprocess.Popen[bytes]
    cast: Cast

    def ask(
        self, method: str, path: str, who: Player, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            sent = {"Authorization": f"Bearer {who.token}", **{k.replace("_", "-"): v for k, v in headers.items()}}
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()


def _two_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


@contextmanager
def served(folder: Path, cast: Cast, ports: tuple[int, int]) -> Iterator[Site]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ZUTUAN_")},
        "ZUTUAN_DATABASE": f"sqlite:///{folder / 'zutuan.db'}", "ZUTUAN_FILES": str(folder / "files"),
        "ZUTUAN_SECRET": secrets.token_urlsafe(48), "ZUTUAN_URL": f"http://127.0.0.1:{ports[0]}",
        "ZUTUAN_FILES_URL": f"http://127.0.0.1:{ports[1]}", "ZUTUAN_LOG_LEVEL": "WARNING",
    }  # fmt: skip
    command = [sys.executable, "-m", "zutuan.cli", "serve", "--port", str(ports[0]), "--files-port", str(ports[1])]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        for port in ports:
            _wait_for(process, port, folder / "log")
        yield Site(ports[0], process, cast)
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    last = time.monotonic() + START_SECONDS
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                return
        except OSError:
            assert process.poll() is None and time.monotonic() < last, log.read_text(errors="replace")[-3000:]
            time.sleep(0.1)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = make_folder("downloads")
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def people(folder: Path) -> Cast:
    database = Database(f"sqlite:///{folder / 'zutuan.db'}")
    upgrade(database.engine)
    cast = build(database)
    database.dispose()
    return cast


@pytest.fixture(scope="module")
def site(folder: Path, people: Cast) -> Iterator[Site]:
    with served(folder, people, _two_ports()) as running:
        yield running


def large_file(site: Site, who: Player) -> str:
    status, headers, body = site.ask("POST", "/api/v1/files?name=big.pdf", who, b"%PDF-1.7\n" + bytes(SIZE))
    assert status == 201, body
    return headers["location"]


def start_reading(address: str) -> socket.socket:
    """Ask for a download, see it begin, and read no more."""
    parts = urlsplit(address)
    connection = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=60)
    connection.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
    assert b"200" in connection.recv(100)
    return connection


def test_downloads_that_nobody_reads_leave_pages_alone(site: Site) -> None:
    """More of them than the server has threads, by far; and a reader among them gets everything."""
    who = site.cast.who("A", "student")
    location = large_file(site, who)
    with ExitStack() as stack:
        for _ in range(STALLED):
            status, headers, _body = site.ask("GET", f"{location}/content", who)
            assert status == 302
            stack.enter_context(start_reading(headers["location"]))
        for path in ("/api/v1/me", "/api/v1/courses", "/healthz", location) * 5:
            assert site.ask("GET", path, who)[0] == 200
        address = urlsplit(site.ask("GET", f"{location}/content", who)[1]["location"])
        reader = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        reader.request("GET", address.path, headers={"Range": "bytes=0-8"})
        answer = reader.getresponse()
        assert (answer.status, answer.read()) == (206, b"%PDF-1.7\n")
        reader.request("GET", address.path)
        assert len(reader.getresponse().read()) == SIZE + 9
        reader.request("HEAD", address.path)
        head = reader.getresponse()
        assert head.read() == b"" and head.getheader("Content-Length") == str(SIZE + 9)
        reader.close()


def test_uploads_that_stall_leave_pages_alone(site: Site) -> None:
    who, answers = site.cast.who("A", "teacher"), []
    with ExitStack() as stack:
        for _ in range(20):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", site.port), timeout=60))
            head = f"POST /api/v1/files?name=a.pdf HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {who.token}\r\n"
            connection.sendall(f"{head}Content-Length: 900000\r\n\r\n%PDF-1.7".encode())
            connection.settimeout(0.3)
            try:
                answers.append(connection.recv(20)[9:12])
            except TimeoutError:
                answers.append(b"...")
        for path in ("/api/v1/me", "/healthz") * 10:
            assert site.ask("GET", path, who)[0] == 200
    assert set(answers) == {b"...", b"503"} and answers.count(b"...") <= 4  # two processes, two places each


def test_an_upload_survives_the_server(folder: Path, people: Cast) -> None:
    """The connection breaks, then the server is killed in the middle of a piece; the client goes on where it stands."""
    who, data = people.who("B", "teacher"), b"%PDF-1.7\n" + os.urandom(20 * 1024 * 1024)
    with served(folder, people, _two_ports()) as site:
        path = site.ask(
            "POST", "/api/v1/uploads", who, Upload_Length=str(len(data)), Upload_Metadata="filename YS5wZGY="
        )[1]["location"]
        half_sent(site, path, who, data, 0, 9 * 1024 * 1024).close()
        at = settled(site, path, who)
        assert at == 9 * 1024 * 1024
        connection = half_sent(site, path, who, data, at, 1024)
        site.process.send_signal(signal.SIGKILL)
        site.process.wait()
        connection.close()
        time.sleep(3)  # its processes see that it is gone
    with served(folder, people, _two_ports()) as site:
        at = settled(site, path, who)
        assert at >= 9 * 1024 * 1024
        type_ = "application/offset+octet-stream"
        last = time.monotonic() + 90
        while True:  # the killed one's lease runs out
            done = site.ask("PATCH", path, who, data[at:], Upload_Offset=str(at), Content_Type=type_)
            if done[0] != 409 or time.monotonic() > last:
                break
            time.sleep(2)
        assert done[0] == 204, done
        file = json.loads(site.ask("GET", done[1]["content-location"], who)[2])
        assert file["size"] == len(data)


def half_sent(site: Site, path: str, who: Player, data: bytes, offset: int, count: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", site.port), timeout=60)
    head = (
        f"PATCH {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {who.token}\r\nUpload-Offset: {offset}\r\n"
        f"Content-Type: application/offset+octet-stream\r\nContent-Length: {len(data) - offset}\r\n\r\n"
    )
    connection.sendall(head.encode() + data[offset : offset + count])
    time.sleep(0.5)
    return connection


def settled(site: Site, path: str, who: Player) -> int:
    """The offset once it stands still."""
    at = -1
    while True:
        now = int(site.ask("HEAD", path, who)[1]["upload-offset"])
        if now == at:
            return at
        at = now
        time.sleep(0.7)
