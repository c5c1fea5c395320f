"""What a drill plays on: one database, one application, one clock that only moves forward, and the people in it."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from drill.client import Api
from zutuan import exporting
from zutuan.app import create_app, make_worker
from zutuan.clock import Clock, at_shanghai, clock, local
from zutuan.config import load
from zutuan.db import Database
from zutuan.jobs import OutboxMessage, Worker
from zutuan.migrate import upgrade
from zutuan.people.models import Affiliation, Person
from zutuan.people.roles import At, grant_role
from zutuan.people.rules import PRIVACY_VERSION
from zutuan.people.services import NewPerson, create_person, create_token, load_actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

TOKEN_DAYS = 20  # a personal token lives longer; everybody gets a new one in time
AT_ONCE = 8
BEGINS = date(2026, 8, 20)


class Failed(AssertionError):
    """The drill found something that is not as it has to be."""


@dataclass
class Who:
    """One person: where they belong, and the token they act with."""

    id: int
    school: str
    number: str
    token: str = ""
    token_at: datetime | None = None


@dataclass
class Stage:
    """`size`: students of each home school. `say` hears one line for each thing that was shown."""

    app: Flask
    database: Database
    worker: Worker
    size: int
    say: Callable[[str], None]
    clock: Clock = clock
    schools: dict[str, int] = field(default_factory=dict)
    cluster: int = 0
    people: dict[tuple[str, str], Who] = field(default_factory=dict)
    # what later acts need of earlier ones: paths of the API, ids
    kept: dict[str, Any] = field(default_factory=dict)

    # --- time ---------------------------------------------------------------------------------------------------

    def at(self, day: date, hour: int = 9) -> None:
        """It is that day in Shanghai, and the worker has done everything until then."""
        moment = at_shanghai(day, hour)
        if moment < self.clock.now():
            raise Failed(f"the clock would go back to {day}")
        self.clock.set(moment)
        self.works()
        self.say(f"—— {local(moment):%Y-%m-%d %H:%M}")

    def works(self) -> None:
        """The worker's round, with everything that it leads to."""
        with self.app.app_context():
            self.worker.tick()
            while self.worker.drain():
                pass
        with self.database.read() as session:
            failed = session.execute(
                sa.select(OutboxMessage.topic, OutboxMessage.error).where(OutboxMessage.error != "")
            )
            for topic, error in failed:
                raise Failed(f"{topic}: {error}")

    # --- people -------------------------------------------------------------------------------------------------

    def appoint(self, school: str, number: str, role: str, kind: str = "staff") -> Who:
        """Somebody with an account and a role, as `zutuan create-admin` and `grant` would make them."""
        now = self.clock.now()
        with self.database.write() as session:
            new = NewPerson(
                name=f"{school[:2]}{number}", school_id=self.schools[school], number=number, kind=kind,
                email=f"{number}-{self.schools[school]}@example.org", password_hash="-", privacy_version=PRIVACY_VERSION,
            )  # fmt: skip
            person = create_person(session, None, new, now)
            where = At(cluster_id=self.cluster) if role == "cluster_admin" else At(self.schools[school])
            grant_role(session, None, person, role, where, now, None)
            self.people[school, number] = Who(person.id, school, number)
        return self.people[school, number]

    def learn(self, school: str) -> list[Who]:
        """Everybody of the school whom an import has brought, as they stand in its roster."""
        with self.database.write() as session:
            rows = session.execute(
                sa.select(Affiliation.number, Person)
                .join(Person, Person.id == Affiliation.person_id)
                .where(Affiliation.school_id == self.schools[school])
                .order_by(Affiliation.number)
            )
            found = []
            for number, person in rows:
                person.privacy_version = PRIVACY_VERSION  # as their first page would ask
                found.append(self.people.setdefault((school, number), Who(person.id, school, number)))
            audit(session, None, "drill.learn", Subject("school", self.schools[school]), now=self.clock.now())
        return found

    def tokens(self, people: Iterable[Who]) -> None:
        """New ones for those whose own is old."""
        now = self.clock.now()
        old = [each for each in people if each.token_at is None or now - each.token_at > timedelta(days=TOKEN_DAYS)]
        if not old:
            return
        with self.database.write() as session:
            for who in old:
                actor = load_actor(session, session.get_one(Person, who.id), now)
                who.token, who.token_at = create_token(session, actor, "drill", now)[1], now

    def api(self, who: Who) -> Api:
        self.tokens([who])
        return Api(self.app, who.token)

    def who(self, school: str, number: str) -> Who:
        return self.people[school, number]

    def together(self, people: Sequence[Who], act: Callable[[Api, Who], TestResponse]) -> list[TestResponse]:
        """All of them at the same time, as well as threads can."""
        self.tokens(people)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda who: act(Api(self.app, who.token), who), people))

    # --- what is shown ------------------------------------------------------------------------------------------

    def shown(self, text: str, true: bool, detail: object = "") -> None:
        """One thing that the drill has seen; it ends where something is not so."""
        if not true:
            raise Failed(f"{text}: {detail}")
        self.say(f"   ✓ {text}")


def ok(response: TestResponse, status: int = 200) -> Any:
    """The answer's body, when it has the expected status."""
    if response.status_code != status:
        raise Failed(f"{response.request.method} {response.request.path}: {response.status_code} {response.text[:600]}")
    return response.json if response.is_json else response.data


def refused(response: TestResponse, code: str) -> Any:
    """The problem's body, when it says so and nothing else."""
    body = response.json if response.is_json else {}
    if response.status_code < 400 or body.get("code") != code:
        raise Failed(f"{response.request.path}: expected {code}, heard {response.status_code} {response.text[:600]}")
    return body


def changed(api: Api, method: str, path: str, body: Any) -> Any:
    """PATCH or PUT as whoever has just read it (the entries of a sheet with the sheet)."""
    tag = api.get(path.removesuffix("/entries")).headers["ETag"]
    return ok(api.request(method, path, body, headers={"If-Match": tag}))


def sheet(rows: Sequence[Mapping[str, Any]]) -> io.BytesIO:
    """A workbook as a school system would hand it in."""
    heads = list(rows[0])
    with exporting.workbook(exporting.Table("导出", heads, [[row[head] for head in heads] for row in rows])) as made:
        return io.BytesIO(made.read())


@contextmanager
def set_up(url: str, folder: Path, size: int, say: Callable[[str], None]) -> Iterator[Stage]:
    """An empty platform on that database, some days before the plan is published."""
    clock.set(at_shanghai(BEGINS, 9))
    database = Database(url)
    upgrade(database.engine)
    with patch.dict(os.environ, environment(url, folder)):  # some of what `zutuan check` asks reads it from there
        config = load()
        app = create_app(config)
        try:
            yield Stage(app, database, make_worker(database, config), size, say)
        finally:
            app.extensions["zutuan"].database.dispose()
            database.dispose()
            clock.release()


def environment(url: str, folder: Path) -> dict[str, str]:
    return {
        "ZUTUAN_MODE": "test", "ZUTUAN_DATABASE": url, "ZUTUAN_FILES": str(folder / "files"),
        "ZUTUAN_SECRET": secrets.token_urlsafe(32), "ZUTUAN_MAIL_DIR": str(folder / "mail"),
        "ZUTUAN_ACCESS_LOGS": str(folder / "access"), "ZUTUAN_LOG_LEVEL": "WARNING", "ZUTUAN_REQUESTS_PER_MINUTE": "0",
    }  # fmt: skip
