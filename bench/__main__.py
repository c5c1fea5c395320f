"""`python -m bench`: makes the data set on each database, serves it as in production, measures, prints the tables.

Everything it starts it stops, and what it writes lies in one temporary folder that goes at the end.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from flask import Flask

from bench import client, data, databases, pages, report, rosters, rush, servers, stalled, statements
from zutuan.clock import clock
from zutuan.db import Database

TOTAL_SECONDS = 480  # for the pages; rosters and rushes have bounds of their own; a page that is too slow for it is measured with fewer requests, and says so
CLIENTS = 4
STARTED = time.monotonic()


def say(text: str) -> None:
    print(f"[{time.monotonic() - STARTED:5.0f} s] {text}", file=sys.stderr, flush=True)


@contextmanager
def folder() -> Iterator[Path]:
    """On a disk, as a real server's files are. PostgreSQL's own user must be able to pass through it."""
    made = Path(tempfile.mkdtemp(prefix="zutuan-bench-", dir="/tmp"))
    made.chmod(0o711)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def own_app(database: str, port: int, place: Path) -> Flask:
    """The same application here: it signs the cookies, and its statements can be counted."""
    from zutuan.app import create_app

    os.environ.update(servers.environment(database, port, place), ZUTUAN_LOG_LEVEL="WARNING")
    return create_app()


def measure(
    port: int, requests: Sequence[client.Request], seconds: float
) -> tuple[client.Samples, client.Samples, float]:
    """One client after the other answer, then four at once; and how long the four took."""
    alone = client.load(port, requests, 1, seconds * 0.6)
    started = time.monotonic()
    together = client.load(port, requests, CLIENTS, seconds * 0.4)
    return alone, together, time.monotonic() - started


def bare_line(place: Path, count: int) -> report.Line:
    with servers.bare(place) as running:
        requests = [client.Request("/")] * count
        client.warm(running.port, requests[:20])
        return report.Line("bare Flask view", *measure(running.port, requests, 20))


def tables_of(target: databases.Target, place: Path, count: int, until: float, bare: report.Line) -> list[str]:
    """The tables of this database: every page, a roster of 10,000 people, and the rush."""
    database = Database(target.url)
    say(f"{target.name}: making the data")
    world = data.make(database, clock.now(), lambda _text: None)
    made = data.counts(database)
    with servers.zutuan(target.url, place) as running, ExitStack() as stack:
        app = own_app(target.url, running.port, place)
        stack.callback(app.extensions["zutuan"].database.dispose)
        stack.callback(database.dispose)
        visits = {page.name: page.visits(world) for page in pages.PAGES}
        people = sorted({visit.person for those in visits.values() for visit in those})
        cookies = pages.sign_in(database, app, people, world)
        client.warm(
            running.port, [request for those in visits.values() for request in pages.requests(those, cookies, 2)]
        )
        say(f"{target.name}: measuring as {len(people)} people")
        lines = []
        for done, page in enumerate(pages.PAGES):
            those = visits[page.name]
            share = max((until - time.monotonic()) / (len(pages.PAGES) - done), 4)
            line = report.Line(page.name, *measure(running.port, pages.requests(those, cookies, count), share))
            line.statements = statements.per_request(app, pages.requests(those, cookies, 20))
            line.query = statements.query_alone(database, page, world, those, count)
            lines.append(line)
            say(f"{target.name}: {page.name}: p95 {client.percentile(line.alone.server, 95):.1f} ms on the server")
        lines.append(
            stalled_line(database, running.port, place, pages.requests(those, cookies, count), people[0], cookies)
        )
        say(f"{target.name}: importing a roster")
        imported = rosters.measure(database, world)
        say(f"{target.name}: ten thousand students")
        stage = rush.prepare(database, world)
        outcomes = rush.run(running.port, stage)
        proven = rush.truth(database, outcomes)
    limits = {at_once: rush.bare(target, at_once) for at_once in (16, rush.AT_ONCE)}
    size = ", ".join(f"{made[name]:,} {word}" for name, word in SIZES.items())
    return [
        report.table(target, [bare, *lines], size),
        rosters.table(target.about, imported),
        rush.table(target.about, outcomes, limits, proven),
    ]


def stalled_line(
    database: Database, port: int, place: Path, requests: Sequence[client.Request], owner: int, cookies: dict[int, str]
) -> report.Line:
    """The last page once more, while downloads stand still that nobody reads."""
    file_id = stalled.large_file(database, place, owner)
    with stalled.downloads(port, file_id, cookies[owner]):
        line = report.Line(
            f"the last page while {stalled.DOWNLOADS} downloads stand still", *measure(port, requests, 20)
        )
    say(f"{line.name}: p95 {client.percentile(line.alone.client, 95):.1f} ms at the client")
    return line


SIZES = {
    "school": "schools", "person": "people", "course": "courses", "offering": "offerings",
    "occurrence": "occurrences", "enrolment": "enrolments", "share": "shares", "notice": "notices",
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--requests", type=int, default=500, help="a page, with one client and again with four")
    parser.add_argument("--only", choices=("sqlite", "postgres"), help="one of the databases")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen = [options.only] if options.only else ["sqlite", "postgres"]
    tables = []
    with folder() as place:
        for index, name in enumerate(chosen):
            until = STARTED + TOTAL_SECONDS * (index + 1) / len(chosen)
            below = place / name
            below.mkdir(mode=0o711)
            with getattr(databases, name)(below) as target:
                if target is None:
                    say(databases.HOW_TO_GET_IT)
                    continue
                tables += tables_of(target, place, options.requests, until, bare_line(place, options.requests))
    print("\n\n".join([report.machine(clock.now()), *tables]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
