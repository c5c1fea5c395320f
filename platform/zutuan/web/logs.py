"""JSON logs, one line a request, each with the request's id."""

from __future__ import annotations

import logging
import re
import secrets
import sys
import time
from typing import TextIO

import structlog
from flask import Flask, Response, current_app, g, request

log = structlog.get_logger()
_INBOUND = re.compile(r"[A-Za-z0-9._-]{8,64}")


def configure(level: str, stream: TextIO | None = None) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level, logging.INFO)),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=False,
    )


def _begin(trusts_proxy: bool) -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if trusts_proxy and _INBOUND.fullmatch(given) else secrets.token_hex(8)
    g.started = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    elapsed = (time.perf_counter() - g.get("started", time.perf_counter())) * 1000
    response.headers["X-Request-Id"] = g.get("request_id", "")
    if current_app.extensions["zutuan"].config.server_timing:
        response.headers["Server-Timing"] = f"app;dur={elapsed:.1f}"
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")  # office PCs are shared
    actor = g.get("signed_in_actor")
    log.info(
        "request",
        method=request.method,
        path=_path(),
        status=response.status_code,
        ms=round(elapsed, 1),
        person=actor.person_id if actor else None,
    )
    return response


def _path() -> str:
    """The address; where it holds words (the secret of a feed, of a one-use link), its template."""
    rule = request.url_rule
    words = any(not isinstance(value, int) for value in (request.view_args or {}).values())
    return rule.rule if rule is not None and words and request.endpoint != "static" else request.path


def register(app: Flask, trusts_proxy: bool) -> None:
    app.before_request(lambda: _begin(trusts_proxy))
    app.after_request(_end)
