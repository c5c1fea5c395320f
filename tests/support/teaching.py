"""Taught courses for tests: valid bodies for the API, courses made through it, more people, and what to measure with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from flask import Flask
from sqlalchemy import event
from support.cast import LONG_AGO, NOW, YEAR, Cast, Player
from support.http import api

from zutuan.app import make_worker
from zutuan.db import Base, Database
from zutuan.people.models import Person
from zutuan.people.services import NewPerson, create_person, create_token, load_actor
from zutuan.policies.rules import Place
from zutuan.policies.services import decide
from zutuan.sharing import scopes

OPENS, CLOSES = NOW - timedelta(days=3), NOW + timedelta(days=20)
_DAY = timedelta(days=1)
MEETING = {"weekday": 3, "first_period": 1, "last_period": 2, "weeks": "1-16"}


def course_body(**changes: Any) -> dict[str, Any]:
    """A course that is accepted as it stands; `changes` replace fields, `...` removes one."""
    body = {
        "code": "EDU101", "title_zh": "教育心理学", "credits": 2, "hours": 32, "category": "teacher_education",
        "delivery": "live_online", **changes,
    }  # fmt: skip
    return {name: value for name, value in body.items() if value is not ...}


def offering_body(**changes: Any) -> dict[str, Any]:
    body = {
        "code": "01", "seats": 10, "enrol_from": OPENS.isoformat(), "enrol_until": CLOSES.isoformat(),
        "meetings": [MEETING], **changes,
    }  # fmt: skip
    return {name: value for name, value in body.items() if value is not ...}


# The stages of a term plan, of which the main round is open; classes may still be handed in.
SPANS = {
    "submission": (NOW - 20 * _DAY, NOW + 2 * _DAY), "review": (NOW - 10 * _DAY, NOW + 3 * _DAY),
    "preselection": (NOW - 4 * _DAY, NOW - 2 * _DAY), "main": (NOW - _DAY, NOW + 5 * _DAY),
    "add_drop": (NOW + 6 * _DAY, NOW + 9 * _DAY),
}  # fmt: skip


def plan_body(**changes: Any) -> dict[str, Any]:
    flat = {
        f"{stage}_{end}": at.isoformat()
        for stage, span in SPANS.items()
        for end, at in zip(("from", "until"), span, strict=True)
    }
    days = {"teaching_starts": "2026-09-07", "grades_due": "2027-01-20"}
    return {"academic_year": YEAR, "number": 1, **flat, **days, **changes}


@dataclass(frozen=True)
class Taught:
    """A published course with one published offering."""

    course_id: int
    offering_id: int

    @property
    def course(self) -> str:
        return f"/courses/{self.course_id}"

    @property
    def offering(self) -> str:
        return f"/offerings/{self.offering_id}"

    @property
    def seats(self) -> str:
        return f"/offerings/{self.offering_id}/enrolments"


def to_cluster(cast: Cast, letter: str = "A") -> list[str]:
    return [scopes.cluster(cast.clusters[letter])]


def at_time(number: int) -> dict[str, Any]:
    """A meeting that no other number's clashes with, in weeks that lie ahead."""
    day, period = divmod(number % 30, 6)
    weeks = ("1-14", "15", "16")[number // 30]
    return {"weekday": 1 + day, "first_period": 1 + 2 * period, "last_period": 1 + 2 * period, "weeks": weeks}


def teach(
    app: Flask, cast: Cast, school: str = "A", *, seats: int = 10, meeting: dict[str, Any] | None = None,
    offering: dict[str, Any] | None = None, **course: Any,
) -> Taught:  # fmt: skip
    """Through the API, as the school's teacher: shared with the school's cluster unless `audience` is given."""
    who = api(app, cast.who(school, "teacher"))
    course.setdefault("audience", to_cluster(cast, "D" if school == "D" else "A"))
    made = ok(who.post("/courses", course_body(**course)), 201)
    offered = ok(
        who.post(
            f"/courses/{made['id']}/offerings",
            offering_body(**({"seats": seats, "meetings": [meeting or MEETING]} | (offering or {}))),
        ),
        201,
    )
    ok(who.post(f"/courses/{made['id']}/publish", {}))
    ok(who.post(f"/offerings/{offered['id']}/publish"))
    return Taught(made["id"], offered["id"])


def pick_only(database: Database, cast: Cast, school: str) -> None:
    """From now on the school's students may enrol in what is picked."""
    with database.write() as session:
        actor = load_actor(session, session.get_one(Person, cast.who(school, "school_admin").id), NOW)
        decide(session, actor, Place(school_id=cast.schools[school]), "enrolment.admission", "picked")


def ok(response: Any, status: int = 200) -> Any:
    """The answer's body, when it has the expected status."""
    assert response.status_code == status, (response.status_code, response.get_data(as_text=True))
    return response.json


def refused(response: Any, status: int, code: str) -> Any:
    """The problem's body, when it has the expected status and code."""
    body = ok(response, status)
    assert body["code"] == code, body
    assert response.headers["Content-Type"] == "application/problem+json" and body["title"]
    return body


def add_people(database: Database, cast: Cast, school: str, count: int, kind: str = "student") -> list[Player]:
    """So many more people of that school, each with a token."""
    made = []
    with database.write() as session:
        taken = session.scalar(sa.select(sa.func.count()).select_from(Person)) or 0
        for index in range(taken, taken + count):
            new = NewPerson(
                name=f"{school} {kind} {index}", school_id=cast.schools[school], number=f"{school}9{index:05}",
                kind=kind, department_id=cast.departments[school],
            )  # fmt: skip
            person = create_person(session, None, new, LONG_AGO)
            _row, secret = create_token(session, load_actor(session, person, NOW), "test", NOW)
            made.append(Player(person.id, school, kind, new.number, "", person.affiliations[0].id, secret))
    return made


def drain(database: Database) -> int:
    """Let the worker do what followed the commits."""
    return make_worker(database).drain()


# --- measuring --------------------------------------------------------------------------------------------------


def row_counts(database: Database) -> dict[str, int]:
    """How many rows each table has."""
    with database.read() as session:
        return {
            table.name: session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


@contextmanager
def calm() -> Iterator[None]:
    """Nothing in here is logged as a crash."""
    with structlog.testing.capture_logs() as logs:
        yield
    loud = [entry for entry in logs if entry["log_level"] in ("error", "critical")]
    assert not loud, loud


@contextmanager
def changes_nothing(database: Database) -> Iterator[None]:
    """Nothing is written in here, and nothing crashes."""
    before = row_counts(database)
    with calm():
        yield
    assert row_counts(database) == before


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """The SQL statements that are executed in here; the beginning of a transaction is not one."""
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def all_pages(get: Callable[[str], Any], path: str, limit: int) -> list[Any]:
    """Every item of a list, page by page; each page but the last is full and each says the same total."""
    found: list[Any] = []
    totals, cursor = set(), ""
    while True:
        sign = "&" if "?" in path else "?"
        body = ok(get(f"{path}{sign}limit={limit}" + (f"&cursor={cursor}" if cursor else "")))
        found += body["items"]
        totals.add(body["total"])
        cursor = body["next"]
        if not cursor:
            assert totals == {len(found)}
            return found
        assert len(body["items"]) == limit
