"""Real `zutuan worker` processes, one of them killed again and again while work flows: nothing is lost, nothing is told twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from support import thorough
from support.cast import Cast
from support.smtp import Server, smtp_server

from zutuan.clock import Clock
from zutuan.db import Database
from zutuan.jobs import OutboxMessage
from zutuan.notices.models import Notice
from zutuan.notices.services import tell

KILLS, EVENTS_EACH = 10 if thorough.ON else 5, 6
APPROVED = {"home": "甲参与师范大学", "title_zh": "教育心理学", "title_en": "Educational Psychology"}


def start_worker(database: Database, server: Server) -> subprocess.Popen[bytes]:
    env = {
        **os.environ,
        "ZUTUAN_MODE": "test",
        "ZUTUAN_DATABASE": database.engine.url.render_as_string(hide_password=False),
        "ZUTUAN_SMTP": f"smtp://127.0.0.1:{server.port}",
        "ZUTUAN_LOG_LEVEL": "ERROR",
    }
    return subprocess.Popen([sys.executable, "-m", "zutuan.cli", "worker"], env=env)


def wait_for(what: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "nothing moved for too long"
        time.sleep(0.02)


def count(database: Database, query: sa.Select[tuple[int]]) -> int:
    with database.read() as session:
        return session.scalar(query) or 0


def test_killed_again_and_again_nothing_is_lost(database: Database, cast: Cast, clock: Clock, tmp_path: Path) -> None:
    clock.release()  # the processes live in real time
    people = [cast.who(letter, "student").id for letter in "ABC"]
    total = KILLS * EVENTS_EACH * len(people)
    with smtp_server() as server:
        server.post.delay = 0.01
        steady, victim = start_worker(database, server), start_worker(database, server)
        try:
            for round_ in range(KILLS):
                wanted = len(server.post.received) + 1 + round_ % 3
                with database.write() as session:
                    for number in range(EVENTS_EACH):
                        key = f"event:{round_}:{number}"
                        tell(session, people, "enrolment.approve", key, APPROVED, "/enrolments/1", clock.now())
                wait_for(lambda wanted=wanted: len(server.post.received) >= wanted)  # type: ignore[misc]
                os.kill(victim.pid, signal.SIGKILL)
                victim.wait()
                # The dead one's lease runs out: the same as waiting five minutes.
                with database.write() as session:
                    lapsed = sa.update(OutboxMessage).where(OutboxMessage.done_at.is_(None))
                    session.execute(lapsed.values(available_at=clock.now()))
                victim = start_worker(database, server)
            undone = sa.select(sa.func.count()).select_from(OutboxMessage).where(OutboxMessage.done_at.is_(None))
            wait_for(lambda: count(database, undone) == 0)
        finally:
            for process in (steady, victim):
                process.send_signal(signal.SIGTERM)
            codes = [process.wait(timeout=30) for process in (steady, victim)]
        assert codes == [0, 0], "told to stop, a worker stops of itself"
        assert count(database, sa.select(sa.func.count()).select_from(Notice)) == total
        assert count(database, sa.select(sa.func.count()).where(OutboxMessage.gave_up_at.is_not(None))) == 0
        ids = server.post.ids()
        assert len(ids) == total, "every mail arrived, and a repeat carries the same Message-ID"
        assert sum(ids.values()) <= total + 2 * KILLS, "only what was under way can have come twice"
