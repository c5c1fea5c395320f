"""Grades as hosts confirm them, for tests of what comes after: through the same hook that a confirmed sheet calls."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import Flask
from support.cast import LONG_AGO, NOW, Cast
from support.http import api
from support.teaching import at_time, ok, teach

from courses.enrolment.models import Enrolment
from courses.grades import hooks
from courses.grades.rules import MARKS
from courses.recognition.models import Recognition
from courses.results.models import Result
from zutuan.db import Database
from zutuan.people.models import Person
from zutuan.people.services import load_actor

COUNTS = {
    "code": "PUB201", "name": "教育心理学专题", "name_en": "Topics in Educational Psychology", "category": "公共选修",
    "credits": Decimal("1.5"),
}  # fmt: skip


def graded(
    app: Flask, database: Database, cast: Cast, *, code: str = "EDU101", number: int = 0, grade: str = "86",
    counts: dict[str, Any] | None = COUNTS, **course: Any,
) -> tuple[int, int]:  # fmt: skip
    """(enrolment, result): the cast's student of B was enrolled in a course of A's, and the host has confirmed a grade."""
    taught = teach(app, cast, code=code, meeting=at_time(number), **course)
    made = ok(api(app, cast.who("B", "student")).post(taught.seats, {}), 201)["id"]
    ok(api(app, cast.who("B", "registrar")).post(f"/enrolments/{made}/approve", {}))
    (result,) = confirm(database, cast, {made: grade}, course_id=taught.course_id, counts=counts)
    return int(made), result


def confirm(
    database: Database, cast: Cast, grades: dict[int, str], *, version: int = 1, course_id: int = 0,
    counts: dict[str, Any] | None = COUNTS,
) -> list[int]:  # fmt: skip
    """Enrolment → what the host has confirmed or corrected; answers the results. With `course_id` it is the first time:
    the host's track is completed, and what B has said of the course (`counts`) stands on the enrolments."""
    with database.write() as session:
        actor = load_actor(session, session.get_one(Person, cast.who("A", "registrar").id), NOW)
        if course_id:
            values: dict[str, Any] = {"host_state": "completed"}
            if counts is not None:
                values["recognition_id"] = _recognition(session, cast, course_id, counts)
            session.execute(sa.update(Enrolment).where(Enrolment.id.in_(grades)).values(**values))
        originals = {id_: _original(text, version) for id_, text in grades.items()}
        for handler in hooks.confirmed:
            handler(session, actor, originals, NOW)
        session.info["audited"] = True
        found = session.execute(sa.select(Result.enrolment_id, Result.id).where(Result.enrolment_id.in_(grades)))
        return [id_ for _enrolment, id_ in sorted(tuple(row) for row in found)]


def _original(text: str, version: int) -> dict[str, Any]:
    levels = text in ("优秀", "良好", "中等", "及格", "不及格")
    return {
        "scale": "five" if levels else "percent", "grade": "" if text in MARKS else text, "mark": MARKS.get(text, ""),
        "attempt": "first", "credits": "2", "entry_id": 1, "entry_version": version, "confirmed_at": NOW.isoformat(),
    }  # fmt: skip


def _recognition(session: Any, cast: Cast, course_id: int, counts: dict[str, Any]) -> int:
    row = Recognition(
        home_school_id=cast.schools["B"], course_id=course_id, outcome="counts", since=LONG_AGO, created_at=LONG_AGO,
        **counts,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return int(row.id)
