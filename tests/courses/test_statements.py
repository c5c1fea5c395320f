"""How many SQL statements each page takes: a fixed number, the same for 3 rows and for 30, on both engines."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from support.cast import Cast
from support.hosting import confirm
from support.http import api, browser_session
from support.teaching import Taught, add_people, at_time, course_body, ok, statements, teach

from zutuan.db import Database

FEW, MANY = 3, 12

# page, as whom (of school A, the host, of B, the home, or of C, who has not applied yet) → statements
PAGES = {
    ("/", "B student"): 18,
    ("/", "B registrar"): 17,
    ("/", "A teacher"): 16,
    ("/courses", "B student"): 12,
    ("/courses?q=课程&sort=seats&available=1", "B student"): 12,
    ("/courses/mine", "A teacher"): 9,
    ("/courses/{course}", "B student"): 19,
    ("/courses/{course}", "A teacher"): 18,
    ("/offerings/{offering}", "B student"): 25,
    ("/offerings/{offering}", "C student"): 27,
    ("/offerings/{offering}", "A teacher"): 20,
    ("/enrolments", "B student"): 9,
    ("/approvals", "B registrar"): 15,
    ("/approvals?side=host", "A registrar"): 9,
    ("/offerings/{offering}/roster", "A teacher"): 19,
    ("/offerings/{offering}/roster/export?format=preset-office", "A teacher"): 14,
    ("/offerings/{offering}/attendance", "A teacher"): 21,
    ("/outgoing?state=", "B registrar"): 11,
    ("/outgoing/export?state=", "B registrar"): 6,
    ("/export-formats/schools/1", "A registrar"): 7,
    ("/admissions", "B registrar"): 21,
    ("/courses?counts=1", "B student"): 12,
    ("/recognitions", "B registrar"): 8,
    ("/recognitions?state=unsaid", "B registrar"): 14,
    ("/recognition-requests", "B registrar"): 6,
    ("/confirmations", "A registrar"): 14,
    ("/rescue", "B student"): 5,
    ("/offerings/{offering}/grades", "A teacher"): 10,
    ("/grade-sheets", "A registrar"): 9,
    ("/adjustments", "A registrar"): 8,
    ("/offerings/{offering}/adjustments", "A teacher"): 21,
    ("/api/v1/adjustments", "A registrar"): 4,
    ("/term-plans", "A teacher"): 5,
    ("/offerings/{offering}/roster.xlsx", "A teacher"): 13,
    ("/me/timetable", "B student"): 14,
    ("/clusters/{cluster}/flows", "A cluster_admin"): 11,
    ("/clusters/{cluster}/flows", "B registrar"): 13,
    ("/clusters/{cluster}/flows/rows?figure=requests", "A cluster_admin"): 9,
    ("/clusters/{cluster}/flows/rows?figure=home_median", "A cluster_admin"): 9,
    ("/search?q=课程", "B student"): 6,
    ("/api/v1/courses", "B student"): 6,
    ("/api/v1/courses?mine=1", "A teacher"): 5,
    ("/api/v1/enrolments", "B registrar"): 5,
    ("/api/v1/offerings/{offering}/enrolments", "A teacher"): 14,
    ("/api/v1/me/enrolments", "B student"): 6,
    ("/api/v1/me/timetable", "B student"): 6,
    ("/api/v1/search?q=课程", "B student"): 4,
    ("/results", "B registrar"): 9,
    ("/results.xlsx", "B registrar"): 5,
    ("/results/export?state=&format=preset-office", "B registrar"): 5,
    ("/transcript", "B student"): 8,
    ("/api/v1/results", "B registrar"): 4,
    ("/api/v1/me/results", "B student"): 5,
}


def _moved(number: int) -> dict[str, Any]:
    """The meeting of week 13 goes to the Sunday."""
    meeting = at_time(number)
    which = {"week": 13, "weekday": meeting["weekday"], "period": meeting["first_period"], "reason": "出差"}
    return {"kind": "move", **which, "date": "2026-12-06", "first_period": 1, "last_period": 2}


class World:
    """So many courses, each taken by the cast's student of B, and as many students of B in the first of them."""

    def __init__(self, app: Flask, database: Database, cast: Cast) -> None:
        self.app, self.database, self.cast = app, database, cast
        self.taught: list[Taught] = []

    def grow(self, size: int) -> None:
        student, more = self.cast.who("B", "student"), size - len(self.taught)
        teacher = api(self.app, self.cast.who("A", "teacher"))
        for number in range(len(self.taught), size):
            taught = teach(
                self.app, self.cast, code=f"S{number}", title_zh=f"课程{number}", seats=100, meeting=at_time(number)
            )
            self.taught.append(taught)
            asked = ok(api(self.app, student).post(taught.seats, {}), 201)
            confirm(self.database, self.cast, {asked["id"]: "86"})
            ok(teacher.post("/courses", course_body(code=f"D{number}")), 201)
            self.recognise(number, taught)
            ok(teacher.post(f"{taught.offering}/adjustments", _moved(number)), 201)
        for each in add_people(self.database, self.cast, "B", more):
            ok(api(self.app, each).post(self.taught[0].seats, {}), 201)

    def recognise(self, number: int, taught: Taught) -> None:
        """Every other course is in B's table; of the others a student asks."""
        said = {"course_id": taught.course_id}
        if number % 2:
            ok(api(self.app, self.cast.who("B", "registrar")).post("/recognitions", said), 201)
        else:
            ok(api(self.app, self.cast.who("B", "student")).post("/recognition-requests", said), 201)

    def count(self, page: str, who: str) -> list[str]:
        school, role = who.split()
        client = self.app.test_client()
        browser_session(client, self.cast.who(school, role))
        path = page.format(
            offering=self.taught[0].offering_id, course=self.taught[0].course_id, cluster=self.cast.clusters["A"]
        )
        assert client.get(path).status_code == 200, path
        with statements(self.database) as seen:
            client.get(path)
        return seen


def test_every_page_takes_as_many_statements_for_many_rows_as_for_few(
    app: Flask, database: Database, cast: Cast
) -> None:
    world = World(app, database, cast)
    world.grow(FEW)
    few = {page: world.count(*page) for page in PAGES}
    world.grow(MANY)
    many = {page: world.count(*page) for page in PAGES}
    grown = [
        f"{page}: {len(few[page])} with {FEW} rows, {len(many[page])} with {MANY}; the new ones:\n" + "\n".join(_new(few[page], many[page]))
        for page in PAGES if len(few[page]) != len(many[page])
    ]  # fmt: skip
    assert not grown, "\n".join(grown)
    changed = [f"{page}: {PAGES[page]} is now {len(seen)}" for page, seen in few.items() if len(seen) != PAGES[page]]
    assert not changed, "\n".join(changed)


def _new(few: list[str], many: list[str]) -> list[str]:
    """Each statement that is executed more often with many rows, and how often."""
    kinds = dict.fromkeys(many)
    return [
        f"  {few.count(each)} → {many.count(each)}: {each[:300]}"
        for each in kinds
        if many.count(each) > few.count(each)
    ]


def test_a_statement_per_row_would_be_noticed(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    """The counter counts: a page that asks once a row differs between few and many."""
    with statements(sqlite_database) as seen, sqlite_database.read() as session:
        for number in range(3):
            session.connection().exec_driver_sql(f"SELECT {number}")
    assert seen == ["SELECT 0", "SELECT 1", "SELECT 2"]


@pytest.mark.parametrize("kind", ["student", "registrar"])
def test_an_empty_workbench_asks_no_more(app: Flask, database: Database, cast: Cast, kind: str) -> None:
    world = World(app, database, cast)
    world.grow(1)
    asked = len(world.count("/", f"C {kind}"))
    assert asked <= PAGES["/", f"B {kind}"]
