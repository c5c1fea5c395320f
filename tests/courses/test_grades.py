"""Grades at the host school, through the API: entering, handing in, confirming, correcting, sitting again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from support.cast import NOW, Cast
from support.grading import AFTER, PARTS, Class, taught_class
from support.http import api, browser_session, post_form
from support.teaching import (
    add_people,
    at_time,
    changes_nothing,
    course_body,
    drain,
    offering_body,
    ok,
    refused,
    to_cluster,
)

from courses.enrolment.models import Enrolment, EnrolmentEvent
from courses.grades import checks, hooks
from courses.grades.models import GradeEntry
from zutuan.clock import Clock
from zutuan.db import Database
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.policies.rules import Place
from zutuan.policies.services import decide
from zutuan.sharing.models import AuditEvent


@pytest.fixture
def graded(sqlite_app: Flask, sqlite_database: Database, cast: Cast, clock: Clock) -> Class:
    """Three students, graded as a whole in percent."""
    made = taught_class(sqlite_app, sqlite_database, cast, clock)
    ok(made.scheme())
    return made


def heard(monkeypatch: pytest.MonkeyPatch) -> list[dict[int, dict[str, Any]]]:
    """What whoever builds on grades hears of them."""
    found: list[dict[int, dict[str, Any]]] = []
    monkeypatch.setattr(hooks, "confirmed", [lambda _s, _a, originals, _now: found.append(dict(originals))])
    return found


def sound(database: Database) -> bool:
    with database.read() as session:
        return [problem for check in checks.ALL for problem in check(session)] == []


def kinds(app: Flask, database: Database, who: Any) -> list[str]:
    """What this person has heard of grades."""
    drain(database)
    found = ok(api(app, who).get("/me/notices"))["items"]
    return sorted(each["kind"] for each in found if each["kind"].startswith("grades."))


# --- the main path ----------------------------------------------------------------------------------------------


def test_from_the_first_grade_to_the_student(
    app: Flask, database: Database, cast: Cast, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = heard(monkeypatch)
    made = taught_class(app, database, cast, clock, 3)
    assert ok(made.teacher.get(f"{made.taught.offering}/grade-scheme")) == {
        "scale": "percent", "places": 0, "parts": PARTS, "version": 0,
    }  # fmt: skip
    sheet = ok(made.open(), 201)
    assert [row["enrolment_id"] for row in sheet["entries"]] == made.ids and sheet["state"] == "open"
    address = f"/grade-sheets/{sheet['id']}"
    first, second, third = made.ids
    saved = ok(
        made.put(
            sheet["id"],
            {"enrolment_id": first, "parts": {"平时": "90", "期末": "80"}, "remark": "认真"},
            {"enrolment_id": second, "parts": {"平时": "55", "期末": "62"}},
        )
    )
    assert [row["grade"] for row in saved["entries"]] == ["84", "59", ""]
    missing = refused(made.teacher.post(f"{address}/submit"), 409, "rows_without_grade")
    assert made.students[2].number in missing["title"]
    ok(made.put(sheet["id"], {"enrolment_id": third, "mark": "deferred", "parts": {"平时": "70"}}))
    assert ok(made.teacher.post(f"{address}/submit"))["state"] == "submitted"
    refused(made.put(sheet["id"], {"enrolment_id": first, "mark": "absent"}), 409, "sheet_locked")
    assert made.own(0) == {"scale": "", "grade": "", "mark": "", "passed": None, "attempts": []}, "not public yet"

    refused(made.registrar.post(f"{address}/return", {"reason": ""}), 422, "invalid")
    assert (
        ok(made.registrar.post(f"{address}/return", {"reason": "请核对第二名"}))["returned_because"] == "请核对第二名"
    )
    ok(made.put(sheet["id"], {"enrolment_id": second, "parts": {"平时": "55", "期末": "60"}}))
    assert ok(made.teacher.post(f"{address}/submit"))["returned_because"] == ""
    confirmed = ok(made.registrar.post(f"{address}/confirm"))
    assert confirmed["state"] == "confirmed" and [row["passed"] for row in confirmed["entries"]] == [True, False, None]

    states = {
        id_: ok(made.api(who).get(f"/enrolments/{id_}")) for id_, who in zip(made.ids, made.students, strict=True)
    }
    assert [states[id_]["host_state"] for id_ in made.ids] == ["completed", "completed", "accepted"]
    assert states[first]["events"][-1]["event"] == "graded"
    assert made.own(0)["grade"] == "84" and made.own(0)["attempts"][0]["parts"] == {"平时": "90", "期末": "80"}
    assert made.own(2)["mark"] == "deferred"
    assert [each.keys() for each in told] == [{first, second}]
    assert told[0][first] | {"entry_id": 0, "entry_version": 0} == {
        "scale": "percent", "grade": "84", "mark": "", "attempt": "first", "credits": "2", "entry_id": 0,
        "entry_version": 0, "confirmed_at": AFTER.isoformat(),
    }  # fmt: skip
    assert kinds(app, database, made.students[0]) == ["grades.published"]
    assert kinds(app, database, cast.who("A", "registrar")) == ["grades.submitted", "grades.submitted"]
    assert kinds(app, database, cast.who("A", "teacher")) == ["grades.confirmed", "grades.returned"]
    assert sound(database)
    refused(made.api(made.students[0]).post(f"/enrolments/{first}/withdraw", {}), 409, "enrolment_completed")


def test_nobody_else_sees_a_thing(graded: Class, sqlite_database: Database) -> None:
    sheet = ok(graded.open(), 201)["id"]
    cast, address = graded.cast, f"/grade-sheets/{sheet}"
    strangers = [cast.who("B", "teacher"), cast.who("B", "registrar"), cast.who("A", "librarian"), *graded.students[:2]]
    with changes_nothing_but_denials(sqlite_database):
        for who in strangers:
            for path in (address, f"{graded.taught.offering}/grade-sheets", f"{graded.taught.offering}/grade-scheme"):
                refused(graded.api(who).get(path), 404, "not_found")
            refused(graded.api(who).post(f"{address}/confirm"), 404, "not_found")
            refused(graded.open(who=graded.api(who)), 404, "not_found")
    # visible, and not theirs to do
    refused(
        graded.registrar.put(
            f"{address}/entries", {"entries": [{"enrolment_id": graded.ids[0]}]}, headers={"If-Match": '"v1"'}
        ),
        403,
        "forbidden",
    )
    refused(graded.registrar.post(f"{address}/submit"), 403, "forbidden")
    refused(graded.teacher.post(f"{address}/confirm"), 403, "forbidden")
    ok(graded.api(cast.who("A", "school_admin")).get(address))
    refused(graded.api(cast.who("A", "school_admin")).post(f"{address}/confirm"), 403, "forbidden")
    # a student sees their own and nobody else's
    other = graded.students[1]
    refused(graded.api(other).get(f"/enrolments/{graded.ids[0]}/grades"), 404, "not_found")
    assert ok(graded.api(other).get("/grade-sheets"), 403)
    assert ok(graded.registrar.get("/grade-sheets?state=open"))["total"] == 1
    assert ok(graded.api(cast.who("B", "registrar")).get("/grade-sheets"))["items"] == []


def changes_nothing_but_denials(database: Database) -> Any:
    from contextlib import contextmanager

    @contextmanager
    def inside() -> Any:
        from support.teaching import row_counts

        before = row_counts(database)
        yield
        after = row_counts(database)
        assert {name for name in before if before[name] != after[name]} <= {AuditEvent.__tablename__}

    return inside()


# --- bad rows ---------------------------------------------------------------------------------------------------


def test_one_bad_row_and_nothing_is_written(graded: Class, sqlite_database: Database) -> None:
    sheet = ok(graded.open(), 201)["id"]
    first, second, third = graded.ids
    rows = [
        {"enrolment_id": first, "grade": "88"}, {"enrolment_id": second, "grade": "59.5"},
        {"enrolment_id": third, "grade": "101"}, {"enrolment_id": first, "grade": "70"},
        {"enrolment_id": 10**6, "grade": "70"}, {"enrolment_id": second, "parts": {"实验": "1"}},
    ]  # fmt: skip
    with changes_nothing(sqlite_database):
        errors = refused(graded.put(sheet, *rows), 422, "invalid")["errors"]
    assert {each["field"]: each["code"] for each in errors} == {
        "entries.1.grade": "whole_grades_only", "entries.2.grade": "grade_out_of_scale",
        "entries.3.enrolment_id": "twice_on_sheet", "entries.4.enrolment_id": "not_on_sheet",
        "entries.5.enrolment_id": "twice_on_sheet",
    }  # fmt: skip
    assert all(row["grade"] == "" for row in ok(graded.teacher.get(f"/grade-sheets/{sheet}"))["entries"])
    body = {"entries": [{"enrolment_id": first, "grade": "88"}]}
    assert graded.teacher.put(f"/grade-sheets/{sheet}/entries", body).status_code == 428
    assert graded.teacher.put(f"/grade-sheets/{sheet}/entries", body, headers={"If-Match": '"v99"'}).status_code == 412
    ok(graded.put(sheet, {"enrolment_id": first, "grade": "88"}))
    error = refused(graded.put(sheet, {"enrolment_id": first, "grade": "90", "version": 0}), 409, "rows_changed")
    assert error["errors"][0]["code"] == "graded_meanwhile" and "88" in error["errors"][0]["message"]
    assert ok(graded.put(sheet, {"enrolment_id": first, "grade": "90", "version": 1}))["entries"][0]["grade"] == "90"


def test_who_has_left_is_on_no_sheet(graded: Class, sqlite_database: Database) -> None:
    sheet = ok(graded.open(), 201)["id"]
    graded.grade(sheet, "80", "70", "60")
    ok(graded.api(graded.students[1]).post(f"/enrolments/{graded.ids[1]}/withdraw", {}))
    shown = ok(graded.teacher.get(f"/grade-sheets/{sheet}"))["entries"]
    assert [row["enrolment_id"] for row in shown] == [graded.ids[0], graded.ids[2]]
    refused(graded.put(sheet, {"enrolment_id": graded.ids[1], "grade": "71"}), 422, "invalid")
    ok(graded.teacher.post(f"/grade-sheets/{sheet}/submit"))
    ok(graded.registrar.post(f"/grade-sheets/{sheet}/confirm"))
    assert graded.own(1)["attempts"] == [] and sound(sqlite_database)


def test_a_sheet_is_not_handed_in_while_the_roster_still_changes(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, clock: Clock
) -> None:
    made = taught_class(sqlite_app, sqlite_database, cast, clock, 1)
    ok(made.scheme())
    clock.set(NOW)
    sheet = ok(made.open(), 201)["id"]
    made.grade(sheet, "80")
    refused(made.teacher.post(f"/grade-sheets/{sheet}/submit"), 409, "enrolling_not_over")
    refused(made.open(), 409, "sheet_open_already")
    refused(made.open("resit"), 409, "first_sheet_first")


def test_how_a_class_is_graded(graded: Class, sqlite_database: Database) -> None:
    refused(graded.scheme(parts=[{"name": "平时", "weight": 40}, {"name": "期末", "weight": 50}]), 422, "invalid")
    refused(graded.scheme(scale="letters"), 422, "invalid")
    sheet = ok(graded.open(), 201)["id"]
    graded.grade(sheet, "80", "59")
    misfit = refused(graded.scheme(scale="five"), 409, "scheme_does_not_fit")
    assert graded.students[0].number in misfit["title"]
    ok(graded.scheme(places=1))
    assert [row["grade"] for row in ok(graded.teacher.get(f"/grade-sheets/{sheet}"))["entries"]] == ["80.0", "59.0", ""]
    graded.grade(sheet, "80", "59.5", "缺考")
    ok(graded.teacher.post(f"/grade-sheets/{sheet}/submit"))
    refused(graded.scheme(places=0), 409, "scheme_fixed")
    with sqlite_database.write() as session:
        admin = graded.cast.who("A", "school_admin")
        actor = load_actor(session, session.get_one(Person, admin.id), AFTER)
        decide(session, actor, Place(school_id=graded.cast.schools["A"]), "grades.scale", "two")
    assert ok(graded.teacher.get(f"{graded.taught.offering}/grade-scheme"))["scale"] == "percent", "said before"


# --- corrections ------------------------------------------------------------------------------------------------


def test_what_counts_is_changed_by_a_correction_only(
    graded: Class, sqlite_app: Flask, sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = heard(monkeypatch)
    sheet = graded.confirmed("58", "90", "缓考")
    rows = ok(graded.teacher.get(f"/grade-sheets/{sheet}"))["entries"]
    refused(graded.put(sheet, {"enrolment_id": graded.ids[0], "grade": "60"}), 409, "sheet_confirmed")
    body = {"entry_id": rows[0]["id"], "grade": "61", "reason": "期末第三题漏加 3 分"}
    refused(graded.teacher.post("/grade-corrections", {**body, "grade": "58"}), 409, "nothing_to_correct")
    refused(graded.teacher.post("/grade-corrections", {**body, "grade": "61.5"}), 422, "invalid")
    refused(graded.teacher.post("/grade-corrections", {**body, "grade": "缓考"}), 409, "no_deferral_afterwards")
    refused(graded.registrar.post("/grade-corrections", body), 403, "forbidden")
    refused(graded.api(graded.students[0]).post("/grade-corrections", body), 404, "not_found")
    asked = ok(graded.teacher.post("/grade-corrections", body), 201)
    refused(graded.teacher.post("/grade-corrections", {**body, "grade": "62"}), 409, "correction_open")
    denied = f"/grade-corrections/{asked['id']}/deny"
    refused(graded.registrar.post(denied, {"reason": ""}), 422, "invalid")
    assert ok(graded.registrar.post(denied, {"reason": "请附试卷"}))["state"] == "denied"
    assert graded.own(0)["grade"] == "58"
    again = ok(graded.teacher.post("/grade-corrections", body), 201)["id"]
    refused(graded.teacher.post(f"/grade-corrections/{again}/approve", {}), 403, "forbidden")
    approved = ok(graded.registrar.post(f"/grade-corrections/{again}/approve", {}))
    assert (approved["before"]["grade"], approved["after"]["grade"]) == ("58", "61")
    refused(graded.registrar.post(f"/grade-corrections/{again}/approve", {}), 409, "correction_over")
    assert graded.own(0)["grade"] == "61" and graded.own(0)["passed"] is True
    assert told[-1].keys() == {graded.ids[0]} and told[-1][graded.ids[0]]["grade"] == "61"
    assert kinds(sqlite_app, sqlite_database, graded.students[0]) == ["grades.corrected", "grades.published"]
    later = {"entry_id": rows[2]["id"], "grade": "77", "reason": "当天已参加考试"}
    made = ok(graded.teacher.post("/grade-corrections", later), 201)["id"]
    ok(graded.registrar.post(f"/grade-corrections/{made}/approve", {}))
    assert graded.own(2)["grade"] == "77" and sound(sqlite_database)
    taken = ok(graded.teacher.post("/grade-corrections", {**later, "grade": "78"}), 201)["id"]
    assert ok(graded.teacher.post(f"/grade-corrections/{taken}/withdraw"))["state"] == "withdrawn"
    assert [each["state"] for each in ok(graded.registrar.get("/grade-corrections"))["items"]] == [
        "withdrawn", "approved", "approved", "denied",
    ]  # fmt: skip


# --- 缓考, 补考, 重修 ---------------------------------------------------------------------------------------------


def test_sitting_again(graded: Class, sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    told = heard(monkeypatch)
    graded.confirmed("50", "缓考", "违纪")
    first, second, _third = graded.ids
    resit = ok(graded.open("resit", graded.registrar), 201)
    assert [row["enrolment_id"] for row in resit["entries"]] == [first], "who cheated has no resit"
    refused(graded.open("resit"), 409, "sheet_open_already")
    ok(graded.put(resit["id"], {"enrolment_id": first, "grade": "88"}))
    ok(graded.teacher.post(f"/grade-sheets/{resit['id']}/submit"))
    ok(graded.registrar.post(f"/grade-sheets/{resit['id']}/confirm"))
    mine = graded.own(0)
    assert (mine["grade"], mine["passed"]) == ("60", True), "a resit counts as a bare pass"
    assert [(each["attempt"], each["grade"]) for each in mine["attempts"]] == [("first", "50"), ("resit", "88")]
    assert (told[-1][first]["grade"], told[-1][first]["attempt"]) == ("60", "resit")
    refused(graded.open("resit"), 409, "nobody_to_resit")
    later = graded.confirmed("40", attempt="first", ids=[second])
    assert ok(graded.teacher.get(f"/grade-sheets/{later}"))["sitting"] == 2
    assert graded.own(1)["grade"] == "40" and graded.own(1)["passed"] is False
    assert ok(graded.open("resit"), 201)["sitting"] == 2 and sound(sqlite_database)


def test_who_failed_takes_the_course_again_and_has_not_done_it(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = heard(monkeypatch)
    made = taught_class(sqlite_app, sqlite_database, cast, clock, 2)
    ok(made.scheme())
    made.confirmed("45", "80")
    body = course_body(code="NEXT", requires_ids=[made.taught.course_id], audience=to_cluster(cast))
    follows = ok(made.teacher.post("/courses", body), 201)["id"]
    window = {
        "enrol_from": (AFTER - timedelta(days=1)).isoformat(),
        "enrol_until": (AFTER + timedelta(days=2)).isoformat(),
    }
    places = []
    for number, (course, code) in enumerate(((made.taught.course_id, "02"), (follows, "01"))):
        offered = offering_body(code=code, meetings=[{**at_time(number + 3), "weeks": "17-18"}], **window)
        places.append(ok(made.teacher.post(f"/courses/{course}/offerings", offered), 201)["id"])
        if course == follows:
            ok(made.teacher.post(f"/courses/{course}/publish", {}))
        ok(made.teacher.post(f"/offerings/{places[-1]}/publish"))
    again, next_ = (f"/offerings/{id_}/enrolments" for id_ in places)
    failed, passed = made.students
    refused(made.api(failed).post(next_, {}), 409, "prerequisite_missing")
    refused(made.api(passed).post(again, {}), 409, "already_passed")
    ok(made.api(passed).post(next_, {}), 201)
    retake = ok(made.api(failed).post(again, {}), 201)["id"]
    ok(made.api(cast.who("B", "registrar")).post(f"/enrolments/{retake}/approve", {}))
    clock.set(AFTER + timedelta(days=3))
    other = Class(sqlite_app, cast, type(made.taught)(made.taught.course_id, places[0]), [failed], [retake])
    ok(other.scheme())
    other.confirmed("91")
    assert (told[-1][retake]["grade"], told[-1][retake]["attempt"]) == ("91", "retake")
    assert other.own(0)["attempts"][0]["attempt"] == "retake" and sound(sqlite_database)


# --- afterwards -------------------------------------------------------------------------------------------------


def test_a_class_with_grades_is_a_record(graded: Class, clock: Clock) -> None:
    sheet = graded.confirmed("80", "70", "60")
    clock.set(AFTER + timedelta(days=60))
    refused(graded.teacher.post(f"{graded.taught.offering}/archive"), 409, "offering_graded")
    ok(graded.teacher.post(f"{graded.taught.course}/archive"))
    assert ok(graded.teacher.get(f"/grade-sheets/{sheet}"))["state"] == "confirmed"


def test_who_hands_in_does_not_confirm(graded: Class, sqlite_database: Database) -> None:
    from courses.catalogue.models import CourseTeacher

    with sqlite_database.write() as session:
        registrar = graded.cast.who("A", "registrar").id
        session.add(CourseTeacher(course_id=graded.taught.course_id, person_id=registrar))
        session.info["audited"] = True
    sheet = ok(graded.open(), 201)["id"]
    graded.grade(sheet, "80", "70", "60")
    ok(graded.registrar.post(f"/grade-sheets/{sheet}/submit"))
    refused(graded.registrar.post(f"/grade-sheets/{sheet}/confirm"), 409, "own_grades")


def test_the_story_names_the_hand_and_the_audit_no_grade(graded: Class, sqlite_database: Database) -> None:
    graded.confirmed("83", "71", "64")
    with sqlite_database.read() as session:
        events = session.scalars(sa.select(EnrolmentEvent).where(EnrolmentEvent.event == "graded")).all()
        rows = session.scalars(sa.select(AuditEvent).where(AuditEvent.action.like("grades.%"))).all()
        passed = session.scalars(sa.select(Enrolment.passed).where(Enrolment.id.in_(graded.ids))).all()
    registrar = graded.cast.who("A", "registrar")
    assert {(each.actor_id, each.affiliation_id) for each in events} == {(registrar.id, registrar.affiliation_id)}
    assert [each.action for each in rows] == [
        "grades.scheme",
        "grades.open",
        "grades.save",
        "grades.submit",
        "grades.confirm",
    ]
    assert not any(grade in str(each.detail) for each in rows for grade in ("'83'", "'71'", "'64'"))
    assert passed == [True, True, True]


def test_many_students_cost_no_more_statements(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, clock: Clock
) -> None:
    from support.teaching import statements

    made = taught_class(sqlite_app, sqlite_database, cast, clock, 2)
    ok(made.scheme())
    sheet = ok(made.open(), 201)["id"]
    made.grade(sheet, "80", "70")
    with statements(sqlite_database) as few:
        ok(made.teacher.get(f"/grade-sheets/{sheet}"))
    clock.set(NOW)
    more = add_people(sqlite_database, cast, "B", 6)
    for each in more:
        id_ = ok(made.api(each).post(made.taught.seats, {}), 201)["id"]
        ok(made.api(cast.who("B", "registrar")).post(f"/enrolments/{id_}/approve", {}))
        made.ids.append(id_)
    made.grade(sheet, *["80"] * len(made.ids))
    with statements(sqlite_database) as many:
        ok(made.teacher.get(f"/grade-sheets/{sheet}"))
    assert len(few) == len(many)


# --- a sheet that nobody is on ------------------------------------------------------------------------------------


def test_a_resit_that_nobody_needs_any_more_goes(graded: Class, sqlite_database: Database) -> None:
    """The first grade is corrected to a pass while the 补考 sheet is open and written in: it would stay open for good."""
    graded.confirmed("80", "50", "70")
    resit = ok(graded.open("resit"), 201)["id"]
    address = f"/grade-sheets/{resit}"
    ok(graded.put(resit, {"enrolment_id": graded.ids[1], "grade": "90"}))
    refused(graded.teacher.post(f"{address}/discard"), 409, "sheet_has_students")
    with sqlite_database.read() as session:
        entry = session.scalars(sa.select(GradeEntry.id).where(GradeEntry.grade == "50")).one()
    asked = ok(graded.teacher.post("/grade-corrections", {"entry_id": entry, "grade": "65", "reason": "漏加一题"}), 201)
    ok(graded.registrar.post(f"/grade-corrections/{asked['id']}/approve", {"reason": ""}))
    refused(graded.teacher.post(f"{address}/submit"), 409, "nobody_to_grade")
    refused(graded.open("resit"), 409, "nobody_to_resit")
    refused(graded.api(graded.cast.who("A", "school_admin")).post(f"{address}/discard"), 403, "forbidden")
    refused(graded.api(graded.cast.who("B", "registrar")).post(f"{address}/discard"), 404, "not_found")
    client = graded.app.test_client()
    browser_session(client, graded.cast.who("A", "teacher"))
    assert "撤销成绩单" in client.get(address).text
    assert post_form(client, f"{address}/discard", {}).headers["Location"].endswith("/grades")
    refused(graded.teacher.get(address), 404, "not_found")
    with sqlite_database.read() as session:
        (written,) = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "grades.discard"))
        assert written.subject_id == resit and written.detail["drafts"] == [graded.ids[1]]
    assert sound(sqlite_database) and graded.own(1)["grade"] == "65"


def test_a_sheet_of_a_class_that_all_have_left(graded: Class) -> None:
    sheet = ok(graded.open(), 201)["id"]
    for who, id_ in zip(graded.students, graded.ids, strict=True):
        ok(graded.api(who).post(f"/enrolments/{id_}/withdraw", {"reason": "退课"}))
    assert graded.registrar.post(f"/grade-sheets/{sheet}/discard").status_code == 204, "the office, too"
    refused(graded.registrar.post(f"/grade-sheets/{sheet}/discard"), 404, "not_found")
    refused(graded.open(), 409, "nobody_to_grade")
