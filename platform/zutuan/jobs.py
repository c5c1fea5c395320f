"""After-commit work: rows of the outbox, written with the change they follow, drained by workers.

Two kinds. A *handler* works in the transaction that closes its row: a crash leaves both undone, so what it writes is
there exactly once. An *errand* talks to another machine (mail, a webhook) and holds no transaction while it does: its
row is leased, the errand runs, the row is closed; a crash or a lapsed lease runs it again, so it is done at least once.
Both must be idempotent. What fails is tried again with growing delay and never blocks the rows behind it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Mapped, Session, mapped_column

from zutuan import metrics
from zutuan.clock import clock
from zutuan.db import Base, Database, Id, Moment, after_commit, insert_or, insert_plain

log = structlog.get_logger()

Handler = Callable[[Session, dict[str, Any]], None]
Periodic = Callable[[Session, datetime], int]

MAX_DELAY = timedelta(hours=1)
# Longer than an errand may take (its own timeouts add up to less): after it, another worker takes the row for abandoned.
LEASE = timedelta(minutes=5)
# How long nothing of a topic is tried after its other side did not answer.
PAUSE = timedelta(seconds=30)
STOP_SECONDS = 30.0
IDLE_SECONDS = 1.0
wake = threading.Event()


class OutboxMessage(Base):
    """One thing to do after the commit. `done_at` closes it, with `gave_up_at` where it could not be done; a closed
    errand has forgotten its payload (which may have held a one-use link). `key` makes asking twice ask once."""

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
    key: Mapped[str | None] = mapped_column(sa.String(160), unique=True)
    gave_up_at: Mapped[Moment | None]


@dataclass(frozen=True)
class Task:
    """A leased row, as its errand gets it. `attempts` counts this one."""

    id: int
    topic: str
    payload: dict[str, Any]
    attempts: int
    created_at: datetime


Errand = Callable[[Task], None]


class GiveUp(Exception):
    """No further try makes sense. The text is kept with the row, so it must hold no secret."""


class Away(Exception):
    """The other side does not answer anybody: nothing of this topic is tried for a while. (It only delays.)"""


def enqueue(session: Session, topic: str, payload: dict[str, Any], now: datetime, *, key: str | None = None) -> bool:
    """Ask for `topic` to be handled once this session has committed. With a `key` it is done once however often it is
    asked: False says that it had been asked before."""
    values = {"topic": topic, "payload": payload, "created_at": now, "available_at": now, "attempts": 0, "error": ""}
    after_commit(session, wake.set)
    if key is None:
        insert_plain(session, OutboxMessage, **values)
        return True
    statement = insert_or(session, OutboxMessage).values(**values, key=key).on_conflict_do_nothing()
    return session.scalar(statement.returning(OutboxMessage.id)) is not None


def retry_delay(attempts: int) -> timedelta:
    """2, 4, 8 … seconds, at most an hour, however often it failed."""
    return min(timedelta(seconds=2 ** min(attempts, 12)), MAX_DELAY)


class Worker:
    """Drains the outbox and runs what is due periodically."""

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Handler],
        periodic: tuple[Periodic, ...] = (),
        errands: Mapping[str, Errand] | None = None,
    ) -> None:
        self.database, self.handlers, self.periodic = database, handlers, periodic
        self.errands = dict(errands or {})
        self._stop = threading.Event()
        self._paused: dict[str, datetime] = {}

    def drain(self) -> int:
        """Handle everything that is due now, errands last; answers how many rows were handled."""
        return self._handle_due() + self._run_due()

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
        """Until `stop()`. Errands have a thread of their own: a slow mail server never keeps the bell waiting."""
        aside = threading.Thread(target=self._loop, args=(self._run_due,), name="zutuan-errands", daemon=True)
        if self.errands:
            aside.start()
        self._loop(lambda: self.tick() + self._handle_due())
        if self.errands:
            aside.join(STOP_SECONDS)

    def start(self) -> threading.Thread:
        thread = threading.Thread(target=self.run, name="zutuan-worker", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        self._stop.set()
        wake.set()

    def _loop(self, work: Callable[[], int]) -> None:
        """Work, then wait for a nudge or a second."""
        while not self._stop.is_set():
            wake.clear()
            metrics.ROUNDS.inc()
            try:
                busy = work()
            except Exception:
                log.exception("worker.round_failed")
                busy = 0
            if not busy and not self._stop.is_set():
                wake.wait(IDLE_SECONDS)

    # --- handlers

    def _handle_due(self) -> int:
        total = 0
        while not self._stop.is_set() and self._one():
            total += 1
        return total

    def _one(self) -> int:
        """Claim one due row and handle it in the same transaction: a crash leaves it undone, never half done."""
        failed: tuple[int, str] | None = None
        mine = OutboxMessage.topic.not_in(list(self.errands))
        if not self._any_due(mine):
            return 0
        try:
            with self.database.write() as session:
                message = session.scalar(self._due(sa.select(OutboxMessage), mine).with_for_update(skip_locked=True))
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
            self._postpone(failed[0], f"{type(error).__name__}: {error}")
        return 1

    # --- errands

    def _run_due(self) -> int:
        total = 0
        while not self._stop.is_set() and self._run_one():
            total += 1
        return total

    def _run_one(self) -> int:
        task = self._lease()
        if task is None:
            return 0
        try:
            self.errands[task.topic](task)
        except GiveUp as error:
            self._close(task.id, str(error), gave_up=True)
            metrics.WORK.labels(task.topic, "gave_up").inc()
        except Away as error:
            self._paused[task.topic] = clock.now() + PAUSE
            self._postpone(task.id, str(error), task.attempts)
        except Exception as error:
            # Only the kind of error: its words, or a traceback's, may repeat what was to be sent.
            log.warning("worker.errand_failed", message=task.id, topic=task.topic, error=type(error).__name__)
            self._postpone(task.id, type(error).__name__, task.attempts)
            metrics.WORK.labels(task.topic, "failed").inc()
        else:
            self._close(task.id)
            metrics.WORK.labels(task.topic, "done").inc()
        return 1

    def _lease(self) -> Task | None:
        """Take one due errand out of the others' sight for a while."""
        now = clock.now()
        topics = [topic for topic in self.errands if self._paused.get(topic, now) <= now]
        mine = OutboxMessage.topic.in_(topics)
        if not topics or not self._any_due(mine):
            return None
        with self.database.write() as session:
            message = session.scalar(self._due(sa.select(OutboxMessage), mine).with_for_update(skip_locked=True))
            if message is None:
                return None
            message.attempts += 1
            message.available_at = now + LEASE
            return Task(message.id, message.topic, message.payload, message.attempts, message.created_at)

    def _close(self, message_id: int, error: str = "", *, gave_up: bool = False) -> None:
        now = clock.now()
        change = self._still_open(message_id).values(
            done_at=now, gave_up_at=now if gave_up else None, error=error[:500], payload={}
        )
        with self.database.write() as session:
            session.execute(change)
        if gave_up:
            log.warning("worker.gave_up", message=message_id, error=error)

    # --- rows

    def _any_due(self, mine: sa.ColumnElement[bool]) -> bool:
        """A look without the write lock."""
        with self.database.read() as peek:
            return peek.scalar(self._due(sa.select(OutboxMessage.id), mine)) is not None

    def _due(self, query: sa.Select[Any], mine: sa.ColumnElement[bool]) -> sa.Select[Any]:
        waiting = query.where(OutboxMessage.done_at.is_(None), OutboxMessage.available_at <= clock.now(), mine)
        return waiting.order_by(OutboxMessage.available_at, OutboxMessage.id).limit(1)

    def _postpone(self, message_id: int, error: str, attempts: int | None = None) -> None:
        with self.database.write() as session:
            tried = attempts or session.get_one(OutboxMessage, message_id).attempts + 1
            later = clock.now() + retry_delay(tried)
            values = {"attempts": tried, "available_at": later, "error": error[:500]}
            session.execute(self._still_open(message_id).values(**values))

    @staticmethod
    def _still_open(message_id: int) -> sa.Update:
        """Another worker may have closed it meanwhile, after a lapsed lease."""
        change = sa.update(OutboxMessage).where(OutboxMessage.id == message_id, OutboxMessage.done_at.is_(None))
        return change.execution_options(synchronize_session=False)
