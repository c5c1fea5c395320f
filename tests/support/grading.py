"""A class that has been taught, with students of other schools in it: what the tests of grades begin with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import Flask
from support.cast import Cast, Player
from support.http import Api, api
from support.teaching import CLOSES, Taught, add_people, ok, teach

from zutuan.clock import Clock
from zutuan.db import Database

AFTER = CLOSES + timedelta(days=1)
PARTS = [{"name": "平时", "weight": 40}, {"name": "期末", "weight": 60}]


@dataclass
class Class:
    """Students of B in a class of A; enrolling is over."""

    app: Flask
    cast: Cast
    taught: Taught
    students: list[Player]
    ids: list[int] = field(default_factory=list)

    def api(self, who: Player) -> Api:
        return api(self.app, who)

    @property
    def teacher(self) -> Api:
        return api(self.app, self.cast.who("A", "teacher"))

    @property
    def registrar(self) -> Api:
        return api(self.app, self.cast.who("A", "registrar"))

    def scheme(self, **said: Any) -> Any:
        path = f"{self.taught.offering}/grade-scheme"
        tag = self.teacher.get(path).headers["ETag"]
        body = {"scale": "percent", "places": 0, "parts": [], **said}
        return self.teacher.put(path, body, headers={"If-Match": tag})

    def open(self, attempt: str = "first", who: Api | None = None) -> Any:
        return (who or self.teacher).post(f"{self.taught.offering}/grade-sheets", {"attempt": attempt})

    def put(self, sheet: int, *rows: dict[str, Any], who: Api | None = None) -> Any:
        api_ = who or self.teacher
        tag = api_.get(f"/grade-sheets/{sheet}").headers["ETag"]
        return api_.put(f"/grade-sheets/{sheet}/entries", {"entries": list(rows)}, headers={"If-Match": tag})

    def grade(self, sheet: int, *grades: str) -> None:
        """One after another, in the order of the students; 缺考 and the like as well."""
        rows = [{"enrolment_id": id_, "grade": text} for id_, text in zip(self.ids, grades, strict=False) if text]
        ok(self.put(sheet, *rows))

    def confirmed(self, *grades: str, attempt: str = "first", ids: list[int] | None = None) -> int:
        """A sheet with these grades, handed in and confirmed."""
        sheet: int = ok(self.open(attempt), 201)["id"]
        rows = [{"enrolment_id": id_, "grade": text} for id_, text in zip(ids or self.ids, grades, strict=True)]
        ok(self.put(sheet, *rows))
        ok(self.teacher.post(f"/grade-sheets/{sheet}/submit"))
        ok(self.registrar.post(f"/grade-sheets/{sheet}/confirm"))
        return sheet

    def own(self, n: int) -> Any:
        return ok(self.api(self.students[n]).get(f"/enrolments/{self.ids[n]}/grades"))


def taught_class(app: Flask, database: Database, cast: Cast, clock: Clock, count: int = 3, **course: Any) -> Class:
    made = Class(app, cast, teach(app, cast, seats=300, **course), add_people(database, cast, "B", count))
    home = api(app, cast.who("B", "registrar"))
    for each in made.students:
        enrolment = ok(api(app, each).post(made.taught.seats, {}), 201)["id"]
        ok(home.post(f"/enrolments/{enrolment}/approve", {}))
        made.ids.append(enrolment)
    clock.set(AFTER)
    return made
