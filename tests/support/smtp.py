"""A real SMTP server on the loopback, which can refuse, be slow, and die and come back at the same port."""

from __future__ import annotations

import asyncio
import email
import email.policy
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from zutuan.config import Config, Smtp


class Post:
    """Takes mail and remembers it; `refuse` maps a recipient to the answer it gets, `delay` is seconds for each mail."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.refuse: dict[str, str] = {}
        self.refuse_data = ""
        self.delay = 0.0
        self.tries: Counter[str] = Counter()
        self._lock = threading.Lock()

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        self.tries[address] += 1
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        await asyncio.sleep(self.delay)
        if self.refuse_data:
            return self.refuse_data
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        with self._lock:
            self.received.append(message)
        return "250 OK"

    def ids(self) -> Counter[str]:
        return Counter(str(each["Message-ID"]) for each in self.received)


class Server:
    """The server of one post office; `stop` and `start` as often as wanted, always at the same port."""

    def __init__(self, post: Post) -> None:
        self.post = post
        self._controller: Controller | None = None
        self.port = 0
        self.start()

    def start(self) -> None:
        self._controller = Controller(self.post, hostname="127.0.0.1", port=self.port, enable_SMTPUTF8=False)
        if not self.port:
            self.port = _free_port()
            self._controller.port = self.port
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop(no_assert=True)
            self._controller = None

    @property
    def config(self) -> Config:
        return Config(mode="test", smtp=Smtp("127.0.0.1", self.port))


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def smtp_server() -> Iterator[Server]:
    server = Server(Post())
    try:
        yield server
    finally:
        server.stop()
