"""After-commit work: rows of the outbox, written with the change they follow, drained by workers.

A handler gets the row's payload and must be idempotent: it may run twice, late, or after a crash. A failing handler
is tried again with growing delay and never blocks the rows behind it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Mapped, Session, mapped_column

from zutuan import metrics
from zutuan.clock import clock
from zutuan.db import Base, Database, Id, Moment, after_commit

log = structlog.get_logger()

Handler = Callable[[Session, dict[str, Any]], None]
Periodic = Callable[[Session, datetime], int]

BATCH = 50
MAX_DELAY = timedelta(hours=1)
IDLE_SECONDS = 1.0
wake = threading.Event()


class OutboxMessage(Base):
    """One thing to do after the commit. `done_at` is set when it has been done."""

    __tablename__ = "outbox"
    __table_args__ = (
        sa.Index(
            "ix_outbox_due", "available_at", "id",
            sqlite_where=sa.text("done_at IS NULL"), postgresql_where=sa.text("done_at IS NULL"),
        ),
    )  # fmt: skip
    unaudited = True

    id: Mapped[Id]
    topic: Mapped[str] = mapped_column(sa.String(60))
    payload: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    created_at: Mapped[Moment]
    available_at: Mapped[Moment]
    attempts: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[Moment | None]
    error: Mapped[str] = mapped_column(sa.String(500), default="")


def enqueue(session: Session, topic: str, payload: dict[str, Any], now: datetime) -> None:
    """Ask for `topic` to be handled once this session has committed."""
    session.add(OutboxMessage(topic=topic, payload=payload, created_at=now, available_at=now))
    after_commit(session, wake.set)


def retry_delay(attempts: int) -> timedelta:
    """2, 4, 8 … seconds, at most an hour, however often it failed."""
    return min(timedelta(seconds=2 ** min(attempts, 12)), MAX_DELAY)


class Worker:
    """Drains the outbox and runs what is due periodically."""

    def __init__(
        self, database: Database, handlers: Mapping[str, Handler], periodic: tuple[Periodic, ...] = ()
    ) -> None:
        self.database, self.handlers, self.periodic = database, handlers, periodic
        self._stop = threading.Event()

    def drain(self) -> int:
        """Handle everything that is due now; answers how many rows were handled."""
        total = 0
        while handled := self._one():
            total += handled
        return total

    def tick(self) -> int:
        """The periodic work, each in a transaction of its own: what fails keeps neither the rest nor the outbox waiting."""
        total = 0
        for work in self.periodic:
            try:
                with self.database.write() as session:
                    total += work(session, clock.now())
            except Exception:
                metrics.PERIODIC_FAILURES.inc()
                log.exception("worker.periodic_failed")
        return total

    def run(self) -> None:
        """Until `stop()`: drain, then wait for a nudge or a second."""
        while not self._stop.is_set():
            wake.clear()
            metrics.ROUNDS.inc()
            try:
                busy = self.tick() + self.drain()
            except Exception:
                log.exception("worker.round_failed")
                busy = 0
            if not busy:
                wake.wait(IDLE_SECONDS)

    def start(self) -> threading.Thread:
        thread = threading.Thread(target=self.run, name="zutuan-worker", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        self._stop.set()
        wake.set()

    def _one(self) -> int:
        """Claim one due row and handle it in the same transaction: a crash leaves it undone, never half done."""
        failed: tuple[int, str] | None = None
        with self.database.read() as peek:
            if peek.scalar(self._due(sa.select(OutboxMessage.id)).limit(1)) is None:
                return 0
        try:
            with self.database.write() as session:
                message = session.scalar(self._due(sa.select(OutboxMessage)).limit(1).with_for_update(skip_locked=True))
                if message is None:
                    return 0
                failed = (message.id, message.topic)
                self.handlers[message.topic](session, message.payload)
                message.done_at = clock.now()
            metrics.WORK.labels(failed[1], "done").inc()
        except Exception as error:
            if failed is None:
                raise
            log.exception("worker.handler_failed", message=failed[0])
            metrics.WORK.labels(failed[1] if failed[1] in self.handlers else "unknown", "failed").inc()
            self._postpone(failed[0], error)
        return 1

    def _due(self, query: sa.Select[Any]) -> sa.Select[Any]:
        waiting = query.where(OutboxMessage.done_at.is_(None), OutboxMessage.available_at <= clock.now())
        return waiting.order_by(OutboxMessage.available_at, OutboxMessage.id)

    def _postpone(self, message_id: int, error: Exception) -> None:
        with self.database.write() as session:
            message = session.get_one(OutboxMessage, message_id)
            message.attempts += 1
            message.available_at = clock.now() + retry_delay(message.attempts)
            message.error = f"{type(error).__name__}: {error}"[:500]
