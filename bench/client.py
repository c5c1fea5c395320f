"""The client: keep-alive HTTP on loopback, one connection a thread, times as the server says and as we see them."""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

_TIMING = re.compile(r"app;dur=([\d.]+)")


@dataclass(frozen=True)
class Request:
    path: str
    cookie: str = ""


@dataclass
class Samples:
    """Milliseconds on the server and at the client, and bytes of the body, request by request."""

    server: list[float] = field(default_factory=list)
    client: list[float] = field(default_factory=list)
    size: list[int] = field(default_factory=list)

    def add(self, other: Samples) -> None:
        self.server += other.server
        self.client += other.client
        self.size += other.size


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that `percent` of all do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def warm(port: int, requests: Sequence[Request], connections: int = 12) -> None:
    """Ask over many fresh connections, so that every worker process and thread has met every page."""
    for _ in range(connections):
        _ask(port, requests, float("inf"))


def get(port: int, request: Request, status: int) -> dict[str, str]:
    """The headers of one answer that must have this status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", request.path, headers={"Cookie": request.cookie})
        response = connection.getresponse()
        if response.status != status:
            raise RuntimeError(f"GET {request.path} answered {response.status}: {response.read()[:300]!r}")
        return {name.lower(): value for name, value in response.getheaders()}
    finally:
        connection.close()


def load(port: int, requests: Sequence[Request], clients: int, seconds: float) -> Samples:
    """All requests, shared among `clients` at once; stops after `seconds` with what it has."""
    until = time.monotonic() + seconds
    parts: list[Samples | BaseException] = [Samples()] * clients

    def work(index: int) -> None:
        try:
            parts[index] = _ask(port, requests[index::clients], until)
        except BaseException as error:
            parts[index] = error

    threads = [threading.Thread(target=work, args=(index,)) for index in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = Samples()
    for part in parts:
        if isinstance(part, BaseException):
            raise part
        total.add(part)
    return total


def _ask(port: int, requests: Sequence[Request], until: float) -> Samples:
    samples = Samples()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        for request in requests:
            if time.monotonic() > until:
                break
            _one(connection, request, samples)
    finally:
        connection.close()
    return samples


def _one(connection: http.client.HTTPConnection, request: Request, samples: Samples) -> None:
    headers = {"Cookie": request.cookie, "Accept": "text/html"}
    started = time.perf_counter()
    connection.request("GET", request.path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    elapsed = (time.perf_counter() - started) * 1000
    timing = _TIMING.search(response.getheader("Server-Timing", ""))
    if response.status != 200 or timing is None:
        raise RuntimeError(f"GET {request.path} answered {response.status}: {body[:300]!r}")
    samples.client.append(elapsed)
    samples.server.append(float(timing[1]))
    samples.size.append(len(body))
