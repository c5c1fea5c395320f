"""Counting requests and connections, and the page that Prometheus reads."""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from zutuan import metrics
from zutuan.clock import clock
from zutuan.db import Database
from zutuan.errors import NotFound
from zutuan.jobs import OutboxMessage
from zutuan.operations import metrics_folder
from zutuan.web.auth import bearer, is_loopback
from zutuan.web.requests import config, database

blueprint = Blueprint("operations", __name__)

SIGN_INS = frozenset({"people.sign_in_post", "api-session.Session"})
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via")


# --- counting ---------------------------------------------------------------------------------------------------


def register(app: Flask, database: Database) -> None:
    app.after_request(_count)
    pool = database.engine.pool
    event.listen(pool, "checkout", lambda *_: metrics.CONNECTIONS.inc())
    event.listen(pool, "checkin", lambda *_: metrics.CONNECTIONS.dec())


def _count(response: Response) -> Response:
    route = request.url_rule.rule if request.url_rule else "none"
    method, status = metrics.method(request.method), str(response.status_code)
    metrics.REQUESTS.labels(route, method, status).inc()
    if "started" in g:
        metrics.SECONDS.labels(route, method).observe(time.perf_counter() - g.started)
    for code in g.pop("refusals", ()):
        metrics.REFUSALS.labels(code).inc()
    if request.method == "POST" and request.endpoint in SIGN_INS and response.status_code in (401, 429):
        metrics.SIGN_IN_FAILURES.labels(status).inc()
    return response


# --- showing ----------------------------------------------------------------------------------------------------


class FromDatabase(Collector):
    """What only the database knows, asked when somebody looks: the same whichever process answers."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def collect(self) -> Iterator[Metric]:
        try:
            depth, failing, oldest, done = self._outbox()
        except SQLAlchemyError:
            yield GaugeMetricFamily("zutuan_database_up", "Whether the database answers", 0)
            return
        now = clock.now()
        yield GaugeMetricFamily("zutuan_database_up", "Whether the database answers", 1)
        yield GaugeMetricFamily("zutuan_outbox_waiting", "Outbox messages not done", depth)
        yield GaugeMetricFamily("zutuan_outbox_failing", "Of these, those that failed at least once", failing or 0)
        age = max((now - oldest).total_seconds(), 0) if oldest else 0
        yield GaugeMetricFamily("zutuan_outbox_oldest_seconds", "Age of the oldest message not done", age)
        if done is not None:
            moment = done.timestamp()
            yield GaugeMetricFamily("zutuan_outbox_last_done_timestamp_seconds", "When one was last done", moment)

    def _outbox(self) -> tuple[Any, ...]:
        m = OutboxMessage
        failing = sa.func.sum(sa.case((m.attempts > 0, 1), else_=0))
        waiting = sa.select(sa.func.count(), failing, sa.func.min(m.created_at)).where(m.done_at.is_(None))
        last = sa.select(m.done_at).where(m.done_at.is_not(None)).order_by(m.id.desc()).limit(1)
        with self.database.read() as session:
            return tuple(session.execute(waiting.add_columns(last.scalar_subquery())).one())


class OfProcesses(Collector):
    """Memory and open files of all server processes together."""

    def collect(self) -> Iterator[Metric]:
        folder = metrics_folder.shared()
        pids = {pid for pid, _ in metrics_folder.counted(folder)} if folder else set()
        living = [pid for pid in pids if metrics_folder.alive(pid)]
        for pid in pids.difference(living):  # their connections are closed; their counts stay
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
        wanted = {"process_resident_memory_bytes": 0.0, "process_open_fds": 0.0, "process_cpu_seconds": 0.0}
        for pid in living:
            for metric in ProcessCollector(pid=partial(int, pid), registry=None).collect():
                if metric.name in wanted:
                    wanted[metric.name] += metric.samples[0].value
        yield GaugeMetricFamily("zutuan_processes", "Processes that count here", len(living) or 1)
        if living:
            for name, value in wanted.items():
                yield GaugeMetricFamily(f"zutuan_{name}", "Of all processes that count here", value)


def render() -> bytes:
    """Everything in Prometheus's text format."""
    asked = CollectorRegistry()
    asked.register(OfProcesses())
    asked.register(FromDatabase(database()))
    folder = metrics_folder.shared()
    if folder is None:
        return generate_latest(REGISTRY) + generate_latest(asked)
    MultiProcessCollector(asked, path=str(folder))  # type: ignore[no-untyped-call]
    return generate_latest(asked)


def _may_look() -> bool:
    """With the token; or from this machine itself, and not through a proxy that stands on it."""
    token = config().metrics_token
    given = bearer()
    if token and given is not None and hmac.compare_digest(given.encode(), token.encode()):
        return True
    return is_loopback() and not any(name in request.headers for name in _FORWARDED)


@blueprint.get("/metrics")
def show() -> Response:
    if not _may_look():
        raise NotFound
    return Response(render(), content_type=CONTENT_TYPE_LATEST)
