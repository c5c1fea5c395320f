"""After-commit work: done once it is committed, again after a failure, by one worker at a time, never blocking others."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from support.cast import NOW, Cast

from zutuan.clock import Clock
from zutuan.db import Database
from zutuan.jobs import MAX_DELAY, Handler, OutboxMessage, Worker, enqueue, retry_delay, wake
from zutuan.notices import services as notices
from zutuan.notices.models import Notice


def ask(database: Database, *topics: str, **payload: Any) -> None:
    with database.write() as session:
        for topic in topics:
            enqueue(session, topic, payload, NOW)


def tell(database: Database, *people: int) -> None:
    with database.write() as session:
        notices.tell(session, people, "k", "enrolment:1:approved", {}, "", NOW)


def rows(database: Database) -> list[OutboxMessage]:
    with database.read() as session:
        return list(session.scalars(sa.select(OutboxMessage).order_by(OutboxMessage.id)))


class Recorder:
    """Handlers that write down what they were given; `broken` topics fail."""

    def __init__(self, *broken: str) -> None:
        self.calls: list[str] = []
        self.broken = set(broken)

    def handlers(self, *topics: str) -> dict[str, Handler]:
        return {topic: self._handler(topic) for topic in topics}

    def _handler(self, topic: str) -> Handler:
        def handle(_session: Session, _payload: dict[str, Any]) -> None:
            self.calls.append(topic)
            if topic in self.broken:
                raise ValueError("the search engine is down")

        return handle


def test_what_is_asked_for_is_done_once(database: Database, clock: Clock) -> None:
    recorder = Recorder()
    worker = Worker(database, recorder.handlers("a", "b"))
    ask(database, "a", "b", "a")
    assert worker.drain() == 3 and worker.drain() == 0
    assert recorder.calls == ["a", "b", "a"]
    assert {row.done_at for row in rows(database)} == {NOW}


def test_nothing_is_asked_for_by_a_change_that_was_rolled_back(sqlite_database: Database, clock: Clock) -> None:
    wake.clear()
    with pytest.raises(ZeroDivisionError), sqlite_database.write() as session:
        enqueue(session, "a", {}, NOW)
        raise ZeroDivisionError
    assert rows(sqlite_database) == [] and not wake.is_set()
    ask(sqlite_database, "a")
    assert wake.is_set()


def test_a_failing_handler_blocks_nobody_and_waits_ever_longer(database: Database, clock: Clock) -> None:
    recorder = Recorder("broken")
    worker = Worker(database, recorder.handlers("broken", "good"))
    ask(database, "broken", "good")
    worker.drain()
    assert recorder.calls == ["broken", "good"]
    waits = []
    for attempt in range(1, 6):
        message = rows(database)[0]
        assert message.attempts == attempt and message.done_at is None
        assert message.error == "ValueError: the search engine is down"
        waits.append(message.available_at - clock.now())
        assert worker.drain() == 0
        clock.set(message.available_at)
        worker.drain()
    assert waits == [timedelta(seconds=2**n) for n in range(1, 6)]
    recorder.broken.clear()
    clock.advance(MAX_DELAY)
    worker.drain()
    assert [row.done_at is not None for row in rows(database)] == [True, True]


@pytest.mark.parametrize("attempts", [12, 47, 100, 10_000])
def test_the_wait_has_an_end(attempts: int) -> None:
    assert retry_delay(attempts) == MAX_DELAY


def test_a_row_that_failed_for_days_does_not_block_the_rest(sqlite_database: Database, clock: Clock) -> None:
    ask(sqlite_database, "broken", "good")
    with sqlite_database.write() as session:
        session.execute(sa.update(OutboxMessage).where(OutboxMessage.topic == "broken").values(attempts=200))
    recorder = Recorder("broken")
    Worker(sqlite_database, recorder.handlers("broken", "good")).drain()
    assert recorder.calls == ["broken", "good"]


def test_an_unknown_topic_is_kept_for_a_newer_worker(sqlite_database: Database, clock: Clock) -> None:
    ask(sqlite_database, "from the future", "good")
    recorder = Recorder()
    Worker(sqlite_database, recorder.handlers("good")).drain()
    assert recorder.calls == ["good"]
    clock.advance(MAX_DELAY)
    Worker(sqlite_database, recorder.handlers("from the future")).drain()
    assert recorder.calls == ["good", "from the future"]


def test_what_a_failing_handler_wrote_is_gone(database: Database, cast: Cast, clock: Clock) -> None:
    """Also when it broke its transaction on the way (PostgreSQL answers nothing more in one that failed)."""

    def half(session: Session, _payload: dict[str, Any]) -> None:
        person = cast.who("A", "student").id
        for _ in range(2):
            session.add(Notice(person_id=person, kind="k", dedupe_key="same", created_at=NOW))
            session.flush()

    ask(database, "half")
    Worker(database, {"half": half}).drain()
    (message,) = rows(database)
    assert message.done_at is None and message.error.startswith("IntegrityError")
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Notice)) == 0


def test_a_crash_before_the_commit_leaves_the_row_undone(database: Database, cast: Cast, clock: Clock) -> None:
    """The process dies between claiming and committing: nothing is half done, and the next worker does it all."""

    class Killed(BaseException):
        """Like SIGKILL: no `except Exception` of ours sees it."""

    def dies(session: Session, payload: dict[str, Any]) -> None:
        notices.deliver(session, payload)
        session.flush()
        raise Killed

    tell(database, cast.who("A", "student").id)
    with pytest.raises(Killed):
        Worker(database, {"notice": dies}).drain()
    (message,) = rows(database)
    assert message.done_at is None and message.attempts == 0
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Notice)) == 0
    assert Worker(database, {"notice": notices.deliver}).drain() == 1
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Notice)) == 1


def test_telling_twice_tells_once(database: Database, cast: Cast, clock: Clock) -> None:
    """The handler may run twice: the notice is exactly once."""
    people = [cast.who("A", role).id for role in ("student", "teacher")]
    tell(database, *people)
    tell(database, *people)
    assert Worker(database, {"notice": notices.deliver}).drain() == 2
    with database.read() as session:
        assert sorted(session.scalars(sa.select(Notice.person_id))) == sorted(people)


def test_several_workers_share_the_rows(database: Database, cast: Cast, clock: Clock) -> None:
    """At once, and each row is handled by exactly one of them."""
    total, workers = 24, 3
    person = cast.who("A", "student").id
    with database.write() as session:
        for number in range(total):
            enqueue(session, "tell", {"number": number}, NOW)
    seen: Counter[int] = Counter()
    barrier, errors = threading.Barrier(workers), []

    def handle(session: Session, payload: dict[str, Any]) -> None:
        number = payload["number"]
        session.add(Notice(person_id=person, kind="k", dedupe_key=str(number), created_at=NOW))
        session.flush()
        seen[number] += 1

    def work() -> None:
        barrier.wait()
        try:
            Worker(database, {"tell": handle}).drain()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    Worker(database, {"tell": handle}).drain()  # what was still locked when the last worker looked
    assert errors == [] and seen == Counter(range(total))
    assert all(row.done_at and row.attempts == 0 for row in rows(database))
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Notice)) == total


def test_periodic_work_that_fails_keeps_nothing_waiting(sqlite_database: Database, clock: Clock) -> None:
    def fails(_session: Session, _now: datetime) -> int:
        raise ValueError

    def works(session: Session, now: datetime) -> int:
        enqueue(session, "a", {}, now)
        return 1

    recorder = Recorder()
    worker = Worker(sqlite_database, recorder.handlers("a"), (fails, works))
    assert worker.tick() == 1 and worker.drain() == 1


def test_a_running_worker_stops_when_told(sqlite_database: Database, clock: Clock) -> None:
    done = threading.Event()
    worker = Worker(sqlite_database, {"a": lambda _session, _payload: done.set()})
    thread = worker.start()
    ask(sqlite_database, "a")
    assert done.wait(timeout=30)
    worker.stop()
    thread.join(timeout=30)
    assert not thread.is_alive()
