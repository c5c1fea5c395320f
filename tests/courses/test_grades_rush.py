"""Grades at once: real threads, each with a connection of its own, through the real services."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from support.cast import Cast, Player
from support.databases import Fresh
from support.grading import AFTER, Class, taught_class
from support.teaching import ok

from courses.enrolment import services as enrolments
from courses.enrolment.models import Enrolment
from courses.grades import checks, confirming, correcting, entering, services
from courses.grades.entering import Draft
from courses.grades.models import GradeCorrection, GradeEntry, GradeSheet
from courses.grades.schemes import WHOLE, Written
from zutuan.clock import Clock
from zutuan.db import Database
from zutuan.errors import NotFound, ZutuanError
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.sharing.actor import Actor

RUNNERS, DONE = 6, "done"
Job = Callable[[Session], object]


class Rush:
    """Several threads on one graded class of three students."""

    def __init__(self, fresh: Fresh, made: Class, database: Database, pool: ThreadPoolExecutor) -> None:
        self.made, self.database, self.pool = made, database, pool
        self.databases = [Database(fresh.url, pool_size=1) for _ in range(RUNNERS)]
        self.teacher = self.actor(made.cast.who("A", "teacher"))
        self.registrar = self.actor(made.cast.who("A", "registrar"))

    def actor(self, who: Player) -> Actor:
        with self.database.read() as session:
            return load_actor(session, session.get_one(Person, who.id), AFTER)

    def run(self, *jobs: Job) -> list[str]:
        """Each in a thread and a transaction of its own, all released at once; how each ended."""
        barrier = Barrier(len(jobs))

        def one(index: int) -> str:
            barrier.wait(60)
            try:
                with self.databases[index].write() as session:
                    jobs[index](session)
            except (ZutuanError, NotFound) as refusal:
                return refusal.code
            except IntegrityError:
                return "conflict"
            return DONE

        return list(self.pool.map(one, range(len(jobs))))

    def save(self, sheet: int, grade: str, version: int, students: Sequence[int] = (0,)) -> Job:
        drafts = [Draft(self.made.ids[n], Written({WHOLE: grade}), version) for n in students]
        return lambda session: entering.save(session, self.teacher, sheet, drafts)

    def rows(self, sheet: int) -> dict[int, str]:
        with self.database.read() as session:
            query = sa.select(GradeEntry.enrolment_id, GradeEntry.grade).where(GradeEntry.sheet_id == sheet)
            return dict(session.execute(query).tuples().all())

    def state(self, sheet: int) -> str:
        with self.database.read() as session:
            assert [problem for check in checks.ALL for problem in check(session)] == []
            return session.get_one(GradeSheet, sheet).state


@pytest.fixture
def rush(fresh: Fresh, app: Flask, database: Database, cast: Cast, clock: Clock) -> Iterator[Rush]:
    made = taught_class(app, database, cast, clock)
    ok(made.scheme())
    with ExitStack() as stack:
        found = Rush(fresh, made, database, stack.enter_context(ThreadPoolExecutor(RUNNERS)))
        for each in found.databases:
            stack.callback(each.dispose)
        yield found


def test_at_once(rush: Rush) -> None:
    """One after another, each of what can meet; told apart by what must hold in the end."""
    opened = rush.run(*[lambda s: services.open_sheet(s, rush.teacher, rush.made.taught.offering_id, "first")] * 4)
    assert Counter(opened)[DONE] == 1 and set(opened) <= {DONE, "sheet_open_already"}
    sheet: int = ok(rush.made.teacher.get(f"{rush.made.taught.offering}/grade-sheets"))["items"][0]["id"]

    # the same row, not written yet, then written: one wins, the others are told
    for version, grades in ((0, ("51", "52", "53")), (1, ("61", "62", "63"))):
        ends = rush.run(*(rush.save(sheet, grade, version) for grade in grades))
        assert Counter(ends) == {DONE: 1, "rows_changed": 2}
        assert rush.rows(sheet)[rush.made.ids[0]] == grades[ends.index(DONE)]
    # different rows: both stand
    assert rush.run(rush.save(sheet, "71", 0, (1,)), rush.save(sheet, "72", 0, (2,))) == [DONE, DONE]

    # handing in while somebody saves; then confirming, returning and saving at once
    saved, submitted = rush.run(
        rush.save(sheet, "80", 1, (1,)), lambda session: services.submit(session, rush.teacher, sheet)
    )
    assert submitted == DONE and saved in (DONE, "sheet_locked")
    before = rush.rows(sheet)
    confirmed, returned, late = rush.run(
        lambda session: confirming.confirm(session, rush.registrar, sheet),
        lambda session: services.return_(session, rush.registrar, sheet, "请核对"),
        rush.save(sheet, "99", 1, (2,)),
    )
    assert sorted([confirmed, returned]).count(DONE) == 1
    if confirmed == DONE:
        assert late in ("sheet_locked", "sheet_confirmed") and rush.rows(sheet) == before
        assert rush.state(sheet) == "confirmed"
    else:
        assert rush.state(sheet) == "open"


def test_who_leaves_while_their_grade_is_confirmed(rush: Rush) -> None:
    """Either they had left and no grade counts, or it counts and nobody leaves any more. And a sheet counts once."""
    made = rush.made
    sheet: int = ok(made.open(), 201)["id"]
    made.grade(sheet, "80", "70", "50")
    ok(made.teacher.post(f"/grade-sheets/{sheet}/submit"))
    student = rush.actor(made.students[1])
    left, *confirmed = rush.run(
        lambda session: enrolments.withdraw(session, student, made.ids[1]),
        *[lambda session: confirming.confirm(session, rush.registrar, sheet)] * 3,
    )
    assert Counter(confirmed) == {DONE: 1, "sheet_confirmed": 2} and rush.state(sheet) == "confirmed"
    with rush.database.read() as session:
        enrolment = session.get_one(Enrolment, made.ids[1])
        assert (left == DONE) == (enrolment.home_state == "withdrawn") == (made.ids[1] not in rush.rows(sheet))
        entry = session.scalars(sa.select(GradeEntry).where(GradeEntry.enrolment_id == made.ids[2])).one().id

    def ask(grade: str) -> Job:
        return lambda session: correcting.ask(session, rush.teacher, entry, Written({WHOLE: grade}), "漏登")

    asked = rush.run(ask("61"), ask("62"), ask("63"))
    assert Counter(asked) == {DONE: 1, "correction_open": 2}
    with rush.database.read() as session:
        correction = session.scalars(sa.select(GradeCorrection.id)).one()
    decided = rush.run(
        lambda session: correcting.decide(session, rush.registrar, correction, "approve"),
        lambda session: correcting.decide(session, rush.registrar, correction, "deny", "不足"),
        lambda session: correcting.decide(session, rush.teacher, correction, "withdraw"),
    )
    assert Counter(decided) == {DONE: 1, "correction_over": 2}
    assert (rush.rows(sheet)[made.ids[2]] != "50") == (decided[0] == DONE) and rush.state(sheet) == "confirmed"
