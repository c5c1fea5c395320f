"""A page while downloads stand still: clients that ask for a large file, see it begin, and read no more."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from bench.client import Request, get
from zutuan.clock import clock
from zutuan.db import Database
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit
from zutuan.storage.backends import Directory, new_key
from zutuan.storage.models import StoredFile

DOWNLOADS = 50
SIZE = 64 * 1024 * 1024
CHUNK = bytes(1024 * 1024)


def large_file(database: Database, folder: Path, person: int) -> int:
    """A file of this person's own, larger than all buffers on the way."""
    content = Directory(folder).put(new_key("files"), (CHUNK for _ in range(SIZE // len(CHUNK))))
    with database.write() as session:
        file = StoredFile(
            name="bench.pdf", media_type="application/pdf", purpose="attachment", size=content.size, key=content.key,
            sha256=content.sha256, uploaded_by=person, created_at=clock.now(),
        )  # fmt: skip
        session.add(file)
        session.flush()
        audit(session, None, "bench.file", Subject("file", file.id), now=clock.now())
        return file.id


@contextmanager
def downloads(port: int, file_id: int, cookie: str) -> Iterator[Sequence[socket.socket]]:
    """So many downloads that have begun and are not read."""
    with ExitStack() as stack:
        begun = []
        for _ in range(DOWNLOADS):
            address = get(port, Request(f"/api/v1/files/{file_id}/content", cookie), 302)["location"]
            begun.append(stack.enter_context(_begin(address)))
        yield begun


def _begin(address: str) -> socket.socket:
    parts = urlsplit(address)
    connection = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30)
    connection.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
    if b"200" not in connection.recv(100):
        raise RuntimeError(f"the download of {address} did not begin")
    return connection
