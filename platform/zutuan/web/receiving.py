"""Requests that bring whole files: larger than any form, from networks that stall.

Each occupies one of the server's few blocking threads while it lasts. So there are only so many places for them in a
process (the next one hears 503 at once, and pages go on answering), and whoever sends nothing for half a minute, or
takes too long altogether, loses the place.
"""

from __future__ import annotations

import io
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from flask import current_app, g, request

from zutuan.storage.errors import Crowded, Stalled

IDLE_SECONDS = 30.0
TOTAL_SECONDS = 600.0
UNIT = 16 * 1024  # a read waits until it has all of it: little enough for a slow line to be heard in time
MAX_ABANDONED = 64
_MULTIPART_ROOM = 64 * 1024

# (method, endpoint) of the views that read a file from the request → what tells one such request from another, for
# `Idempotency-Key` (None: the route takes no key). The body itself is never read into memory for that.
STREAMED: dict[tuple[str, str], Callable[[], bytes] | None] = {}


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Places:
    """The places for uploads of one process. `abandoned` counts threads that still wait for a client we gave up."""

    def __init__(self, count: int) -> None:
        self._free = threading.BoundedSemaphore(count)
        self._lock = threading.Lock()
        self.abandoned = 0

    def take(self) -> None:
        """Raise Crowded where none is free."""
        if self.abandoned >= MAX_ABANDONED or not self._free.acquire(blocking=False):
            raise Crowded

    def give_back(self) -> None:
        self._free.release()

    def abandon(self, change: int) -> None:
        with self._lock:
            self.abandoned += change


class PatientInput(io.RawIOBase):
    """The request's body, read by a thread of its own, so that waiting for it can end. Raises Stalled."""

    def __init__(self, source: Readable, places: Places, idle: float = IDLE_SECONDS, total: float = TOTAL_SECONDS):
        self._source, self._places, self._idle = source, places, idle
        self._until = time.monotonic() + total
        self._asked: queue.Queue[int] = queue.Queue()
        self._got: queue.Queue[bytes | Exception] = queue.Queue()
        self._rest = b""
        self._thread: threading.Thread | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        wanted = len(buffer)
        data = self._rest or self._more(min(wanted, UNIT))
        buffer[: len(data[:wanted])] = data[:wanted]
        self._rest = data[wanted:]
        return min(len(data), wanted)

    def _more(self, size: int) -> bytes:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="zutuan-body", daemon=True)
            self._thread.start()
        self._asked.put(size)
        try:
            got = self._got.get(timeout=max(min(self._idle, self._until - time.monotonic()), 0.01))
        except queue.Empty as error:
            self._places.abandon(1)
            self._asked.put(0)
            raise Stalled from error
        if isinstance(got, Exception):
            return b""  # the connection broke: what came is what there is
        return got

    def _work(self) -> None:
        while size := self._asked.get():
            try:
                self._got.put(self._source.read(size))
            except Exception as error:
                self._got.put(error)
        if not self._got.empty():
            self._places.abandon(-1)

    def close(self) -> None:
        if not self.closed:
            self._asked.put(0)
        super().close()


def is_streamed() -> bool:
    return (request.method, request.endpoint or "") in STREAMED


def fingerprint() -> bytes | None:
    """What stands for this request's body where an `Idempotency-Key` is compared; None: the body itself."""
    tell = STREAMED.get((request.method, request.endpoint or ""))
    return tell() if tell is not None else None


def begin() -> None:
    """Called once the sender is known: take a place, and let this request be as large as a file."""
    files = current_app.extensions["zutuan"].files
    places: Places = current_app.extensions["zutuan"].places
    places.take()
    g.place = places
    request.max_content_length = files.max_size + _MULTIPART_ROOM
    request.environ["wsgi.input"] = g.body = PatientInput(request.environ["wsgi.input"], places)


def on_end(action: Callable[[], None]) -> None:
    """Do this when the request is over, however it ends."""
    g.setdefault("at_end", []).append(action)


def end(_error: BaseException | None = None) -> None:
    """Whatever happened, the place is free again."""
    for action in g.pop("at_end", []):
        action()
    body = g.pop("body", None)
    if body is not None:
        body.close()
    places = g.pop("place", None)
    if places is not None:
        places.give_back()


def body_chunks() -> Iterator[bytes]:
    """The request's body in small pieces; ends early when the connection does."""
    left = request.content_length or 0
    stream = request.environ["wsgi.input"]
    while left > 0:
        chunk = stream.read(min(UNIT, left))
        if not chunk:
            return
        left -= len(chunk)
        yield chunk


def chunks_of(stream: Readable) -> Iterator[bytes]:
    while chunk := stream.read(64 * 1024):
        yield chunk
