"""How often one person may ask: so that a script gone wild slows nobody else down.

Counted per person, never per address: a whole campus has one. Who is not signed in meets only the sign-in page, whose
failures are counted in the database. Redis counts for all processes; without it, or while it is away, each counts by itself.
"""

from __future__ import annotations

import time
from typing import cast

import structlog
from flask import Flask, request
from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from zutuan.config import Config
from zutuan.errors import TooMany
from zutuan.web.requests import maybe_actor

log = structlog.get_logger()

EXEMPT = frozenset({"static", "health.alive", "health.ready", "operations.show"})
REDIS_SECONDS = 0.3  # how long a request may wait for Redis
PAUSE_SECONDS = 30.0  # how long Redis is left alone after it failed


class Limits:
    def __init__(self, per_minute: int, redis: str = "") -> None:
        self.item = RateLimitItemPerMinute(per_minute, namespace="zutuan")
        self._here = FixedWindowRateLimiter(MemoryStorage())
        self._redis = FixedWindowRateLimiter(_redis(redis)) if redis else None
        self._again_at = 0.0

    def seconds_to_wait(self, person_id: int) -> int:
        """Count one request; 0 when it is allowed, else the seconds until the next may be."""
        if self._redis is not None and time.monotonic() >= self._again_at:
            try:
                return self._ask(self._redis, person_id)
            except StorageError as error:
                self._again_at = time.monotonic() + PAUSE_SECONDS
                log.error("limits.redis_failed", error=str(error))
        return self._ask(self._here, person_id)

    def _ask(self, limiter: FixedWindowRateLimiter, person_id: int) -> int:
        if limiter.hit(self.item, str(person_id)):
            return 0
        ends = limiter.get_window_stats(self.item, str(person_id)).reset_time
        return max(int(ends - time.time()) + 1, 1)


def _redis(url: str) -> Storage:
    timeouts = {"socket_connect_timeout": REDIS_SECONDS, "socket_timeout": REDIS_SECONDS}
    return cast("Storage", storage_from_string(url, wrap_exceptions=True, **timeouts))


def register(app: Flask, config: Config) -> None:
    """After the gate, which knows who asks. The demo and tests have no limit unless one is named."""
    if not config.requests_per_minute or (
        config.mode != "production" and config.requests_per_minute == Config.requests_per_minute
    ):
        return
    limits = Limits(config.requests_per_minute, config.redis)

    def ask() -> None:
        who = None if request.endpoint in EXEMPT or request.routing_exception else maybe_actor()
        wait = limits.seconds_to_wait(who.person_id) if who else 0
        if wait:
            raise TooMany(seconds=wait)

    app.before_request(ask)
