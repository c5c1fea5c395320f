"""A roster of 10,000 people, as a registrar hands it in: read, checked, written, and handed in again with changes.

The bare limit beside it is the tightest SQL that puts as many rows into the same two tables.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO

import sqlalchemy as sa
from openpyxl import Workbook

from bench.data import World
from zutuan.clock import clock
from zutuan.db import Database
from zutuan.importing import Sheet, read, run
from zutuan.people.models import Affiliation, Person
from zutuan.people.rosters import roster_import

PEOPLE = 10_000
CHANGED = 500
HEAD = ("学工号", "姓名", "邮箱", "身份", "院系", "专业", "年级", "班级", "培养层次", "培养类型", "学籍状态")


@dataclass(frozen=True)
class Step:
    name: str
    seconds: float
    rows: int


def workbook(changed: int = 0) -> bytes:
    """The roster as .xlsx; the first `changed` people are on leave."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("名单")
    sheet.append(HEAD)
    for n in range(PEOPLE):
        standing = "休学" if n < changed else "在读"
        sheet.append(
            (f"{20260000 + n}", f"学生{n}", "", "学生", "文学院", "汉语言文学", "2026", f"汉文{n // 50}班", "本科", "公费师范生", standing)
        )  # fmt: skip
    held = BytesIO()
    book.save(held)
    return held.getvalue()


def measure(database: Database, world: World) -> list[Step]:
    """In order; each step in a transaction of its own, as the worker does it."""
    kind = roster_import(next(school for school in world.members if school in world.registrars))
    steps: list[Step] = []
    sheets: list[Sheet] = []
    first, again = workbook(), workbook(CHANGED)

    def timed(name: str, work: Callable[[], object], rows: int = PEOPLE) -> None:
        started = time.perf_counter()
        work()
        steps.append(Step(name, time.perf_counter() - started, rows))

    def check(data: bytes, sheet: Sheet) -> None:
        with database.read() as session:
            assert run(session, kind, data, now=clock.now(), dry_run=True, sheet=sheet).created == PEOPLE

    def write(data: bytes, sheet: Sheet) -> None:
        with database.write() as session:
            assert run(session, kind, data, now=clock.now(), sheet=sheet).written

    timed("roster: read .xlsx", lambda: sheets.append(read(first, kind.columns)))
    timed("roster: check", lambda: check(first, sheets[0]))
    timed("roster: write", lambda: write(first, sheets[0]))
    timed(f"roster again, {CHANGED} changed: read and write", lambda: write(again, read(again, kind.columns)))
    timed("bare limit: as many persons and affiliations", lambda: _bare(database, world))
    return steps


def _bare(database: Database, world: World) -> None:
    school, now = world.members[0], clock.now()
    with database.engine.begin() as connection:
        newest = connection.scalar(sa.select(sa.func.max(Person.id))) or 0
        ids = range(newest + 1, newest + 1 + PEOPLE)
        connection.execute(sa.insert(Person), [{"id": id_, "name": "x", "created_at": now} for id_ in ids])
        rows = [
            {"person_id": id_, "school_id": school, "number": f"bare{id_}", "kind": "student", "from_": now}
            for id_ in ids
        ]
        connection.execute(sa.insert(Affiliation), rows)


def table(about: str, steps: Sequence[Step]) -> str:
    limit = steps[-1].seconds
    rows = [
        f"| {step.name} | {step.rows:,} | {step.seconds:.2f} | {step.rows / step.seconds:,.0f} | {step.seconds / limit:.1f} |"
        for step in steps
    ]
    head = ["| step | rows | s | rows/s | × bare limit |", "|---|---:|---:|---:|---:|"]
    return "\n".join([f"**A roster of {PEOPLE:,} people** · {about}", "", *head, *rows])
