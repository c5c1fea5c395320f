"""The rush: 10,000 students of six schools ask for seats over HTTP at the same moment, 64 at a time.

Beside it, on the same database in the same run, the bare limit: the tightest SQL that takes a seat and inserts the row.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import psycopg
import sqlalchemy as sa

from bench import bulk
from bench.client import percentile
from bench.data import World
from bench.databases import Target
from courses.catalogue.models import Course, Offering, SeatPool
from courses.enrolment.models import Enrolment
from zutuan.calendar.models import Occurrence
from zutuan.clusters.models import School
from zutuan.db import Database
from zutuan.people import passwords
from zutuan.people.models import Affiliation, Person, PersonalToken
from zutuan.people.rules import PRIVACY_VERSION
from zutuan.people.services import digest
from zutuan.sharing import scopes
from zutuan.sharing.models import Share, SharedItem

STUDENTS = 10_000
SCHOOLS = 6
AT_ONCE = 64
MANY = 200
LIMIT_SECONDS = 30  # of one kind of rush; what was not asked by then is said
SIGN_INS = 200
PASSWORD = "cross-school-electives"


@dataclass
class Stage:
    """Who asks, and for what."""

    tokens: list[str]
    schools: list[int]
    host: int
    names: dict[int, str] = field(default_factory=dict)
    offerings: dict[str, list[int]] = field(default_factory=dict)


@dataclass
class Outcome:
    """Seconds, and how each request ended: its status with its latency in milliseconds."""

    name: str
    seconds: float
    answers: list[tuple[int, float]]
    asked: int

    def count(self, status: int) -> int:
        return sum(code == status for code, _ms in self.answers)


# --- the data ---------------------------------------------------------------------------------------------------


def prepare(database: Database, world: World) -> Stage:
    """Ten thousand more students with tokens, and the offerings they want; every row as the application writes it."""
    cluster = world.cluster_of[world.members[0]]
    host, *others = world.schools_of(cluster)
    stage = Stage([], others[:SCHOOLS], host)
    with database.read() as session:
        stage.names = dict(
            session.execute(sa.select(School.id, School.name).where(School.id.in_(stage.schools))).tuples().all()
        )
    with database.engine.execution_options(zutuan_writes=True).begin() as connection:
        _students(connection, world, stage)
        _offerings(connection, world, stage, cluster)
        bulk.finish(connection)
    return stage


def _students(connection: sa.Connection, world: World, stage: Stage) -> None:
    first = (connection.scalar(sa.select(sa.func.max(Person.id))) or 0) + 1
    hashed = passwords.hash_password(PASSWORD)
    past = world.now - timedelta(days=30)
    people, belongings, tokens = [], [], []
    for n in range(STUDENTS):
        id_, secret = first + n, f"rush-{n:06d}"
        stage.tokens.append(secret)
        people.append({"id": id_, "name": f"学生{n}", "created_at": past, "privacy_version": PRIVACY_VERSION,
                       "password_hash": hashed if n < SIGN_INS else None})  # fmt: skip
        belongings.append({
            "person_id": id_, "school_id": stage.schools[n % len(stage.schools)], "kind": "student",
            "number": f"R{n:06d}", "from_": past,
        })  # fmt: skip
        tokens.append({
            "person_id": id_, "name": "rush", "secret_hash": digest(secret), "created_at": past,
            "expires_at": world.now + timedelta(days=30),
        })  # fmt: skip
    for model, rows in ((Person, people), (Affiliation, belongings), (PersonalToken, tokens)):
        bulk.insert(connection, model, rows)


def _offerings(connection: sa.Connection, world: World, stage: Stage, cluster: int) -> None:
    three = [(scopes.school(stage.schools[0]), 20), (scopes.cluster(cluster, "supported"), 20), ("all", 40)]
    wanted = {"hot": [three], "large": [[("all", STUDENTS)]], "many": [[("all", 40)]] * MANY, "queue": [[("all", 1)]]}
    id_, offering_id, pool_id = (
        connection.scalar(sa.select(sa.func.max(model.id))) or 0 for model in (SharedItem, Offering, SeatPool)
    )
    rows = _Rows()
    for name, each in wanted.items():
        for seats in each:
            id_, offering_id = id_ + 1, offering_id + 1
            stage.offerings.setdefault(name, []).append(offering_id)
            _course(rows, world, stage, cluster, id_, offering_id)
            rows.occurrences += _meetings(world, offering_id, 1 + list(wanted).index(name))
            for scope, count in seats:
                pool_id += 1
                rows.pools.append({"id": pool_id, "offering_id": offering_id, "scope": scope, "capacity": count,
                                   "wanted": count, "taken": 0})  # fmt: skip
    for model, those in (
        (SharedItem, rows.items), (Course, rows.courses), (Share, rows.shares), (Offering, rows.offerings),
        (SeatPool, rows.pools), (Occurrence, rows.occurrences),
    ):  # fmt: skip
        bulk.insert(connection, model, those)


@dataclass
class _Rows:
    items: list[dict[str, Any]] = field(default_factory=list)
    courses: list[dict[str, Any]] = field(default_factory=list)
    shares: list[dict[str, Any]] = field(default_factory=list)
    offerings: list[dict[str, Any]] = field(default_factory=list)
    pools: list[dict[str, Any]] = field(default_factory=list)
    occurrences: list[dict[str, Any]] = field(default_factory=list)


def _course(rows: _Rows, world: World, stage: Stage, cluster: int, id_: int, offering_id: int) -> None:
    now, day = world.now, timedelta(days=1)
    rows.items.append({"id": id_, "kind": "course", "owner_school_id": stage.host, "title_zh": f"抢课{id_}",
                       "keywords": [], "state": "published", "created_at": now - day, "updated_at": now - day,
                       "published_at": now - day})  # fmt: skip
    rows.courses.append({"id": id_, "school_id": stage.host, "code": f"RUSH{id_}", "credits": 2, "hours": 32,
                         "category": "general", "level": "bachelor", "delivery": "on_site"})  # fmt: skip
    rows.shares += [
        {"item_id": id_, "scope": scope, "cluster_id": scopes.cluster_of(scope), "from_": now - day, "until": None,
         "aspect": "record"}
        for scope in (scopes.manage(stage.host), scopes.school(stage.host), scopes.cluster(cluster))
    ]  # fmt: skip
    rows.offerings.append({"id": offering_id, "course_id": id_, "term_id": world.terms[stage.host], "code": "01",
                           "state": "published", "enrol_from": now - day, "enrol_until": now + 9 * day,
                           "for_grades": [], "for_majors": [], "created_at": now - day,
                           "updated_at": now - day})  # fmt: skip


def _meetings(world: World, offering_id: int, hour: int) -> list[dict[str, Any]]:
    """Sixteen weeks that lie ahead; what has another hour does not clash, so that every rule is asked and none refuses."""
    first = world.now + timedelta(days=1, hours=3 * hour)
    return [
        {"resource_type": "offering", "resource_id": offering_id, "source_type": "offering", "source_id": offering_id,
         "starts": first + timedelta(weeks=week), "ends": first + timedelta(weeks=week, hours=1), "week": week + 1,
         "weekday": 1, "period": 1, "changed_at": world.now}
        for week in range(16)
    ]  # fmt: skip


# --- the clients ------------------------------------------------------------------------------------------------


def _request(port: int, path: str, body: dict[str, object], token: str = "") -> bytes:
    content = json.dumps(body).encode()
    bearer = f"Authorization: Bearer {token}\r\n" if token else ""
    head = (
        f"POST /api/v1/{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{bearer}"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


async def _ask(port: int, requests: Sequence[bytes], until: float, answers: list[tuple[int, float]]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for request in requests:
            started = time.perf_counter()
            if started > until:
                break
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
            )
            await reader.readexactly(length)
            answers.append((int(head[9:12]), (time.perf_counter() - started) * 1000))
    finally:
        writer.close()


def race(name: str, port: int, requests: Sequence[bytes]) -> Outcome:
    """All requests over 64 connections; asyncio on one thread of this process is the load generator."""
    answers: list[tuple[int, float]] = []
    started = time.perf_counter()

    async def all_of_them() -> None:
        until = started + LIMIT_SECONDS
        await asyncio.gather(*(_ask(port, requests[n::AT_ONCE], until, answers) for n in range(AT_ONCE)))

    asyncio.run(all_of_them())
    return Outcome(name, time.perf_counter() - started, answers, len(requests))


def run(port: int, stage: Stage) -> list[Outcome]:
    """Signing in, then (a) the hot offering, (b) seats for everybody, (c) two hundred offerings."""
    hot, large, many = stage.offerings["hot"][0], stage.offerings["large"][0], stage.offerings["many"]
    rushes = {
        "80 seats in 3 pools": [hot] * STUDENTS,
        "10,000 seats in one pool": [large] * STUDENTS,
        f"{MANY} offerings of 40": [many[n % MANY] for n in range(STUDENTS)],
    }
    return [
        race("signing in (argon2)", port, [_signing_in(port, stage, n) for n in range(SIGN_INS)]),
        *(
            race(name, port, [_enrolling(port, token, id_) for token, id_ in zip(stage.tokens, wanted, strict=True)])
            for name, wanted in rushes.items()
        ),
    ]


def _enrolling(port: int, token: str, offering: int) -> bytes:
    return _request(port, f"offerings/{offering}/enrolments", {}, token)


def _signing_in(port: int, stage: Stage, n: int) -> bytes:
    school = stage.names[stage.schools[n % len(stage.schools)]]
    return _request(port, "session", {"school": school, "number": f"R{n:06d}", "password": PASSWORD})


# --- the truth --------------------------------------------------------------------------------------------------


def truth(database: Database, outcomes: Sequence[Outcome]) -> str:
    """What must be nought: seats sold twice, students seated twice, answers of 5xx."""
    with database.read() as session:
        held = sa.select(sa.func.count()).where(Enrolment.pool_id == SeatPool.id, Enrolment.holds_seat())
        wrong = sa.or_(SeatPool.taken != held.correlate(SeatPool).scalar_subquery(), SeatPool.taken > SeatPool.capacity)
        oversold = session.scalar(sa.select(sa.func.count()).select_from(SeatPool).where(wrong)) or 0
        twice = sa.select(Enrolment.id).where(Enrolment.active()).group_by(Enrolment.offering_id, Enrolment.person_id)
        twice = twice.with_only_columns(Enrolment.person_id).having(sa.func.count() > 1)
        duplicates = len(session.execute(twice).all())
    broken = sum(code >= 500 for outcome in outcomes for code, _ms in outcome.answers)
    return f"Pools oversold or miscounted: {oversold}; students seated twice: {duplicates}; answers of 5xx: {broken}."


# --- the bare limit ---------------------------------------------------------------------------------------------


def bare(target: Target, at_once: int, seats: int = 5_000) -> float:
    """Seats a second of the tightest SQL, `at_once` threads with a connection each."""
    postgres = target.url.startswith("postgresql")
    connect = _bare_postgres(target.url) if postgres else _bare_sqlite(target.url.removeprefix("sqlite:///"))
    takers = [connect() for _ in range(at_once)]
    barrier = threading.Barrier(at_once + 1)

    def work(take: Callable[[int], None], first: int) -> None:
        barrier.wait()
        for person in range(first, seats, at_once):
            take(person)

    threads = [threading.Thread(target=work, args=(take, n)) for n, take in enumerate(takers)]
    for thread in threads:
        thread.start()
    barrier.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    return seats / (time.perf_counter() - started)


def _bare_postgres(url: str) -> Callable[[], Callable[[int], None]]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bare_pool, bare_seat")
        connection.execute(
            "CREATE TABLE bare_pool (id int PRIMARY KEY, capacity int, taken int) WITH (fillfactor = 50)"
        )
        connection.execute("CREATE TABLE bare_seat (pool int, person int, PRIMARY KEY (pool, person))")
        connection.execute("INSERT INTO bare_pool VALUES (1, 1000000, 0)")
    take = (
        "WITH seat AS (UPDATE bare_pool SET taken = taken + 1 WHERE id = 1 AND taken < capacity RETURNING id) "
        "INSERT INTO bare_seat SELECT id, %s FROM seat"
    )

    def connect() -> Callable[[int], None]:
        own = psycopg.connect(url, autocommit=True)
        own.prepare_threshold = 0
        return lambda person: own.execute(take, (person,)) and None

    return connect


def _bare_sqlite(path: str) -> Callable[[], Callable[[int], None]]:
    """One autocommit INSERT from the open pool, whose trigger takes the seat or aborts."""
    with sqlite3.connect(path) as connection:
        connection.executescript(
            """DROP TABLE IF EXISTS bare_seat; DROP TABLE IF EXISTS bare_pool;
            CREATE TABLE bare_pool (id INTEGER PRIMARY KEY, capacity INTEGER, taken INTEGER);
            CREATE TABLE bare_seat (pool INTEGER, person INTEGER, PRIMARY KEY (pool, person)) WITHOUT ROWID;
            CREATE TRIGGER bare_take BEFORE INSERT ON bare_seat BEGIN
                UPDATE bare_pool SET taken = taken + 1 WHERE id = NEW.pool AND taken < capacity;
                SELECT RAISE(ABORT, 'full') WHERE changes() = 0;
            END;
            INSERT INTO bare_pool VALUES (1, 1000000, 0);"""
        )

    def connect() -> Callable[[int], None]:
        own = sqlite3.connect(path, isolation_level=None, timeout=60, check_same_thread=False)
        own.execute("PRAGMA synchronous = NORMAL")
        take = "INSERT INTO bare_seat SELECT id, ? FROM bare_pool WHERE id = 1 AND taken < capacity"
        return lambda person: own.execute(take, (person,)) and None

    return connect


# --- the table --------------------------------------------------------------------------------------------------


def table(about: str, outcomes: Sequence[Outcome], limits: dict[int, float], proven: str) -> str:
    head = [
        "| rush | asked | accepted | refused | accepted/s | refused/s | p50 / p95 / p99 ms | of the bare limit |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    rows = []
    for each in outcomes:
        taken, refused = each.count(201) + each.count(200), each.count(409)
        times = [ms for _code, ms in each.answers]
        ps = " / ".join(f"{percentile(times, percent):.0f}" for percent in (50, 95, 99))
        share = f"{taken / each.seconds / limits[AT_ONCE]:.0%}" if each.count(201) else "–"
        cells = (
            each.name, f"{len(each.answers):,}", f"{taken:,}", f"{refused:,}", f"{taken / each.seconds:.0f}",
            f"{refused / each.seconds:.0f}", ps, share,
        )  # fmt: skip
        rows.append(f"| {' | '.join(cells)} |")
    others = Counter(code for each in outcomes for code, _ms in each.answers if code not in (200, 201, 409))
    bare_line = ", ".join(f"{rate:,.0f}/s with {n}" for n, rate in limits.items())
    return "\n".join(
        [f"**{STUDENTS:,} students, {AT_ONCE} at a time** · {about} · load: asyncio, one thread, the same machine", "", *head,
         *rows, "", f"Bare limit (one statement takes the seat and inserts the row): {bare_line}. {proven}"
         + (f" Other answers: {dict(others)}." if others else "")]
    )  # fmt: skip
