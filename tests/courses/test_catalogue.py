"""Courses and offerings through the API: who sees a draft, what is found, what bad input is told, how lists are paged."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from support.cast import DEPARTMENT, NOW, Cast
from support.http import Api, api, browser_session, post_form
from support.teaching import (
    CLOSES,
    MEETING,
    OPENS,
    Taught,
    add_people,
    all_pages,
    calm,
    changes_nothing,
    course_body,
    offering_body,
    ok,
    refused,
    teach,
    to_cluster,
)

from courses.catalogue.schemas import SORTS
from zutuan.clock import Clock
from zutuan.db import Database
from zutuan.people.models import Affiliation
from zutuan.people.services import ensure_department
from zutuan.sharing.models import AuditEvent
from zutuan.sharing.permissions import Subject
from zutuan.sharing.rules import title_key
from zutuan.sharing.services import audit

# --- a draft and its publishing ---------------------------------------------------------------------------------


def test_a_draft_is_seen_by_its_teachers_and_managers_only(app: Flask, cast: Cast) -> None:
    (other_teacher,) = add_people(app.extensions["zutuan"].database, cast, "A", 1, "teacher")
    made = api(app, cast.who("A", "teacher")).post("/courses", course_body(audience=to_cluster(cast)))
    course = ok(made, 201)
    assert course["state"] == "draft" and course["teachers"] == [
        {"id": cast.who("A", "teacher").id, "name": "A teacher"}
    ]
    assert course["audience"]["scopes"] == to_cluster(cast) and course["audience"]["count"] == 2
    assert {each["name"] for each in course["audience"]["schools"]} == {cast.name_of("B"), cast.name_of("C")}
    assert made.headers["ETag"] == '"v1"' and made.headers["Location"] == f"/api/v1/courses/{course['id']}"
    may_see = {cast.who("A", role).id for role in ("teacher", "registrar", "school_admin")}
    for player in [*cast, other_teacher]:
        answer = api(app, player).get(f"/courses/{course['id']}")
        if player.id in may_see:
            assert ok(answer)["id"] == course["id"]
        else:
            refused(answer, 404, "not_found")
        assert ok(api(app, player).get("/courses"))["total"] == 0  # the catalogue holds published courses only
    assert refused(api(app, None).get(f"/courses/{course['id']}"), 401, "sign_in_needed")


def test_what_is_hidden_looks_like_what_does_not_exist(app: Flask, cast: Cast) -> None:
    course = ok(api(app, cast.who("A", "teacher")).post("/courses", course_body()), 201)
    student = api(app, cast.who("B", "student"))
    hidden, absent = student.get(f"/courses/{course['id']}").json, student.get("/courses/999999").json
    assert {**hidden, "request_id": ""} == {**absent, "request_id": ""}
    huge = student.get(f"/courses/{10**30}").json
    assert {**huge, "request_id": ""} == {**absent, "request_id": ""}


def test_from_the_draft_to_the_catalogue(app: Flask, cast: Cast, clock: Clock) -> None:
    teacher, student = api(app, cast.who("A", "teacher")), api(app, cast.who("B", "student"))
    course = ok(teacher.post("/courses", course_body(title_zh="教育统计学")), 201)
    path = f"/courses/{course['id']}"
    made = teacher.post(f"{path}/offerings", offering_body())
    offering = ok(made, 201)
    assert made.headers["ETag"] and made.headers["Location"] == f"/api/v1/offerings/{offering['id']}"
    assert offering["state"] == "draft" and offering["term"]["id"] == cast.terms["A"]
    assert [each["week"] for each in offering["occurrences"]] == list(range(1, 17))
    assert offering["occurrences"][0]["starts"] == "2026-09-09T00:00:00+00:00"
    assert offering["pools"][0] | {"id": 0} == {"id": 0, "scope": "all", "capacity": 10, "wanted": 10, "taken": 0, "left": 10}  # fmt: skip
    published = ok(teacher.post(f"{path}/publish", {"audience": to_cluster(cast)}))
    assert published["state"] == "published" and published["published_at"] == "2026-11-25T02:00:00+00:00"
    assert ok(student.get(path))["id"] == course["id"]
    assert ok(student.get(f"{path}/offerings"))["items"] == []  # the class is still a draft
    refused(student.get(f"/offerings/{offering['id']}"), 404, "not_found")
    ok(teacher.post(f"/offerings/{offering['id']}/publish"))
    assert [each["id"] for each in ok(student.get(f"{path}/offerings"))["items"]] == [offering["id"]]
    for find in ("/courses?q=统计", "/courses?q=EDU1", "/courses?q=A teacher", "/search?q=教育 统计"):
        found = ok(student.get(find))
        assert [each["id"] for each in found["items"]] == [course["id"]] and found["total"] == 1, find
    assert ok(student.get("/search?q=教育 物理"))["total"] == 0


@pytest.mark.parametrize("letter", ["D", "E"])
def test_outside_the_cluster_nothing_of_it_exists(app: Flask, cast: Cast, letter: str) -> None:
    taught = teach(app, cast, title_zh="只给甲组团")
    for role in ("student", "teacher", "registrar", "school_admin", "platform_admin"):
        outsider = api(app, cast.who(letter, role))
        for path in (taught.course, f"{taught.course}/offerings", taught.offering, taught.seats,
                     f"{taught.offering}/eligibility"):  # fmt: skip
            refused(outsider.get(path), 404, "not_found")
        refused(outsider.post(taught.seats, {}), 404, "not_found")
        for path in ("/courses", "/courses?q=甲组团", "/courses?mine=1", "/courses?available=1", "/search?q=甲组团",
                     f"/courses?school_id={cast.schools['A']}"):  # fmt: skip
            assert ok(outsider.get(path)) == {"items": [], "next": None, "total": 0}, path


def test_an_audience_is_a_role_in_a_cluster_or_everybody(app: Flask, cast: Cast) -> None:
    teacher = api(app, cast.who("A", "teacher"))
    supported = f"cluster:{cast.clusters['A']}:supported"
    taught = teach(app, cast, audience=[supported])

    def readers() -> set[str]:
        return {each for each in "ABCDE" if api(app, cast.who(each, "student")).get(taught.course).status_code == 200}

    assert readers() == {"A", "C"}
    ok(teacher.post(f"{taught.course}/publish", {"audience": ["platform"]}))
    assert readers() == set("ABCDE") and ok(teacher.get(taught.course))["audience"]["count"] is None
    ok(teacher.post(f"{taught.course}/publish", {"audience": []}))
    assert readers() == {"A"} and ok(teacher.get(taught.course))["audience"]["count"] == 0
    ok(teacher.post(f"{taught.course}/suspend"))
    assert readers() == set()
    ok(teacher.post(f"{taught.course}/publish", {"audience": to_cluster(cast)}))
    assert readers() == {"A", "B", "C"}


def test_filters_of_the_catalogue(app: Flask, cast: Cast) -> None:
    first = teach(app, cast, code="F1", category="practice", delivery="on_site", level="master", seats=1)
    second = teach(app, cast, "B", code="F2", title_zh="100%_满分")
    student = api(app, cast.who("C", "student"))

    def found(query: str) -> list[int]:
        return [each["id"] for each in ok(student.get(f"/courses?{query}"))["items"]]

    both = [second.course_id, first.course_id]
    assert found("") == both and found("weekday=3") == both and found("weekday=4") == []
    for query in ("category=practice", "delivery=on_site", "level=master", f"school_id={cast.schools['A']}", "q=f1"):
        assert found(query) == [first.course_id], query
    assert found("q=100%25_") == [second.course_id] and found("q=%25") == [second.course_id] and found("q=_x") == []
    ok(student.post(first.seats, {}), 201)
    assert found("available=1") == [second.course_id] and found("available=0") == both
    for bad in ("category=banana", "weekday=8", "weekday=x", "limit=0", "limit=201", "available=2", "sort=random",
                "school_id=0", "colour=red", f"q={'x' * 61}", "q=%00", "cursor=banana"):  # fmt: skip
        error = refused(student.get(f"/courses?{bad}"), 422, "invalid")
        assert error["errors"][0]["field"] == bad.split("=")[0], bad


# --- changing ---------------------------------------------------------------------------------------------------


def test_changes_name_the_version_they_change(app: Flask, cast: Cast, clock: Clock) -> None:
    taught = teach(app, cast)
    teacher = api(app, cast.who("A", "teacher"))
    for path, change in ((taught.course, {"hours": 48}), (taught.offering, {"note": "请带教材"})):
        clock.advance(timedelta(minutes=1))
        first = teacher.get(path).headers["ETag"]
        refused(teacher.patch(path, change), 428, "precondition_needed")
        refused(teacher.patch(path, change, headers={"If-Match": '"v99"'}), 412, "stale")
        refused(teacher.patch(path, change, headers={"If-Match": "banana"}), 412, "stale")
        changed = teacher.patch(path, change, headers={"If-Match": first})
        assert ok(changed) | change == changed.json and changed.headers["ETag"] != first
        assert teacher.get(path).headers["ETag"] == changed.headers["ETag"]
        refused(teacher.patch(path, change, headers={"If-Match": first}), 412, "stale")
        same = teacher.patch(path, change, headers={"If-Match": changed.headers["ETag"]})
        assert ok(same) and same.headers["ETag"] == changed.headers["ETag"]  # nothing changed


def _send(who: Api, method: str, path: str, body: dict[str, Any], **headers: str) -> Any:
    """With Python's own JSON, which writes what ours refuses to: whole numbers of any size."""
    return who.request(method, path, data=json.dumps(body), headers={"Content-Type": "application/json", **headers})


def _patch(who: Api, path: str, change: dict[str, Any]) -> Any:
    return _send(who, "PATCH", path, change, **{"If-Match": who.get(path).headers["ETag"]})


def test_a_changed_department_and_other_teachers_are_shown_at_once(app: Flask, cast: Cast, clock: Clock) -> None:
    database = app.extensions["zutuan"].database
    (colleague,) = add_people(database, cast, "A", 1, "teacher")
    teacher = api(app, cast.who("A", "teacher"))
    path = f"/courses/{ok(teacher.post('/courses', course_body()), 201)['id']}"
    clock.advance(timedelta(minutes=1))
    changed = ok(_patch(teacher, path, {"department_id": cast.departments["A"]}))
    assert changed["department"] == {"id": cast.departments["A"], "name": DEPARTMENT}
    assert ok(_patch(teacher, path, {"department_id": None}))["department"] is None
    clock.advance(timedelta(minutes=1))
    refused(api(app, colleague).get(path), 404, "not_found")
    handed_over = ok(_patch(teacher, path, {"teacher_ids": [colleague.id]}))
    assert [each["id"] for each in handed_over["teachers"]] == [colleague.id]
    assert ok(api(app, colleague).get(path))["id"] == handed_over["id"]
    refused(teacher.get(path), 404, "not_found")  # the draft is no longer hers


def test_a_secretary_makes_courses_for_her_department(app: Flask, cast: Cast) -> None:
    secretary = api(app, cast.who("A", "secretary"))
    course = ok(secretary.post("/courses", course_body(department_id=cast.departments["A"])), 201)
    path = f"/courses/{course['id']}"
    assert course["teachers"] == [] and ok(secretary.get(path))["state"] == "draft"
    assert [each["id"] for each in ok(secretary.get("/courses?mine=1"))["items"]] == [course["id"]]
    ok(secretary.post(f"{path}/publish", {}))
    refused(secretary.post("/courses", course_body(code="X")), 403, "forbidden")


def test_a_secretary_moves_no_course_into_a_department_that_is_not_hers(
    app: Flask, cast: Cast, database: Database
) -> None:
    with database.write() as session:
        elsewhere = ensure_department(session, cast.schools["A"], "物理学院").id
        audit(session, None, "test", Subject("department", elsewhere), now=NOW)
    secretary, registrar = api(app, cast.who("A", "secretary")), api(app, cast.who("A", "registrar"))
    path = f"/courses/{ok(secretary.post('/courses', course_body(department_id=cast.departments['A'])), 201)['id']}"
    for target in (elsewhere, None):
        refused(_patch(secretary, path, {"department_id": target}), 403, "forbidden")
    assert ok(secretary.get(path))["department"]["id"] == cast.departments["A"]
    assert ok(_patch(registrar, path, {"department_id": elsewhere}))["department"]["id"] == elsewhere


def test_who_has_left_the_school_teaches_there_no_more(app: Flask, cast: Cast, clock: Clock) -> None:
    taught = teach(app, cast)
    teacher, database = cast.who("A", "teacher"), app.extensions["zutuan"].database
    draft = ok(api(app, teacher).post("/courses", course_body(code="DRAFT")), 201)
    with database.write() as session:
        leave = sa.update(Affiliation).where(Affiliation.person_id == teacher.id).values(until=NOW)
        session.execute(leave)
        session.add(AuditEvent(at=NOW, action="test.leave"))
        session.info["audited"] = True
    clock.advance(timedelta(seconds=1))
    assert api(app, teacher).get(taught.seats).status_code in (403, 404)
    answer = api(app, teacher).patch(taught.course, {"hours": 1}, headers={"If-Match": '"v1"'})
    assert answer.status_code in (403, 404)
    refused(api(app, teacher).get(f"/courses/{draft['id']}"), 404, "not_found")
    assert ok(api(app, teacher).get("/courses?mine=1"))["items"] == []
    assert ok(api(app, cast.who("A", "registrar")).get(f"/courses/{draft['id']}"))["id"] == draft["id"]


def test_codes_are_unique_where_they_mean_something(app: Flask, cast: Cast) -> None:
    taught, teacher = teach(app, cast), api(app, cast.who("A", "teacher"))
    with changes_nothing(app.extensions["zutuan"].database):
        refused(teacher.post("/courses", course_body()), 409, "course_code_taken")
        refused(teacher.post(f"{taught.course}/offerings", offering_body()), 409, "offering_code_taken")
    other = ok(teacher.post("/courses", course_body(code="EDU102")), 201)
    refused(_patch(teacher, f"/courses/{other['id']}", {"code": "EDU101"}), 409, "course_code_taken")
    ok(api(app, cast.who("B", "teacher")).post("/courses", course_body()), 201)  # another school's code is its own
    second = ok(teacher.post(f"{taught.course}/offerings", offering_body(code="02")), 201)
    refused(_patch(teacher, f"/offerings/{second['id']}", {"code": "01"}), 409, "offering_code_taken")


def test_an_offering_is_published_when_it_has_what_it_needs(app: Flask, cast: Cast) -> None:
    taught, teacher = teach(app, cast), api(app, cast.who("A", "teacher"))
    for code, spoil, why in (("02", {"meetings": []}, "offering_without_meetings"), ("03", {"seats": 0}, "offering_without_seats")):  # fmt: skip
        made = ok(teacher.post(f"{taught.course}/offerings", offering_body(code=code, **spoil)), 201)
        refused(teacher.post(f"/offerings/{made['id']}/publish"), 409, why)
    refused(teacher.post(f"{taught.offering}/publish"), 409, "wrong_state")
    ok(teacher.post(f"{taught.course}/suspend"))
    refused(teacher.post(f"{taught.course}/suspend"), 409, "wrong_state")
    ok(teacher.post(f"{taught.course}/archive"))
    refused(teacher.post(f"{taught.course}/publish", {}), 409, "wrong_state")
    refused(teacher.post(f"{taught.course}/offerings", offering_body(code="04")), 409, "course_archived")


def test_a_class_that_cannot_be_published_keeps_what_was_typed(app: Flask, cast: Cast, client: FlaskClient) -> None:
    taught = teach(app, cast)
    browser_session(client, cast.who("A", "teacher"))
    form = {"term_id": cast.terms["A"], "code": "77", "seats": "5", "enrol_from": "2026-11-20T08:00",
            "enrol_until": "2026-12-05T17:00", "note": "还没有排课", "publish": "1"}  # fmt: skip
    answer = post_form(client, f"/courses/{taught.course_id}/offerings/new", form)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409 and "教学班还没有上课时间" in page and "还没有排课" in page
    assert len(ok(api(app, cast.who("A", "teacher")).get(f"{taught.course}/offerings"))["items"]) == 1


def test_meetings_move_in_the_book_of_time_until_somebody_has_a_seat(app: Flask, cast: Cast, clock: Clock) -> None:
    taught, teacher = teach(app, cast), api(app, cast.who("A", "teacher"))
    clock.advance(timedelta(minutes=1))
    moved = ok(_patch(teacher, taught.offering, {"meetings": [{**MEETING, "weekday": 5, "weeks": "1-8"}]}))
    assert [each["week"] for each in moved["occurrences"]] == list(range(1, 9))
    assert moved["occurrences"][0]["starts"] == "2026-09-11T00:00:00+00:00"
    ok(api(app, cast.who("B", "student")).post(taught.seats, {}), 201)
    refused(_patch(teacher, taught.offering, {"meetings": []}), 409, "meetings_fixed")
    refused(teacher.post(f"{taught.offering}/archive"), 409, "has_active_enrolments")
    refused(teacher.post(f"{taught.course}/archive"), 409, "has_active_enrolments")


# --- bad input --------------------------------------------------------------------------------------------------

TOO_BIG = 10**40
BAD_COURSES: list[tuple[dict[str, Any], str]] = [
    ({"title_zh": ...}, "title_zh"),
    ({"title_zh": ""}, "title_zh"),
    ({"title_zh": "   "}, "title_zh"),
    ({"title_zh": 5}, "title_zh"),
    ({"title_zh": None}, "title_zh"),
    ({"title_zh": ["x"]}, "title_zh"),
    ({"title_zh": {"x": 1}}, "title_zh"),
    ({"title_zh": "x" * 121}, "title_zh"),
    ({"title_zh": "a\x00b"}, "title_zh"),
    ({"title_zh": "a\x07b"}, "title_zh"),
    ({"title_zh": "a\u202eb"}, "title_zh"),
    ({"title_zh": "a\nb"}, "title_zh"),
    ({"title_zh": "\u3164\u200d"}, "title_zh"),
    ({"title_zh": "\u200b"}, "title_zh"),
    ({"title_zh": "a\u200eb"}, "title_zh"),
    ({"title_zh": "a\U000e0041b"}, "title_zh"),
    ({"title_zh": "a\ufdd0b"}, "title_zh"),
    ({"title_zh": "a\U0001fffeb"}, "title_zh"),
    ({"title_zh": "a\ufffdb"}, "title_zh"),
    ({"description_zh": "x" * 4001}, "description_zh"),
    ({"description_zh": "a\x0bb"}, "description_zh"),
    ({"code": "课程"}, "code"),
    ({"code": "a b"}, "code"),
    ({"code": ".."}, "code"),
    ({"code": "x" * 21}, "code"),
    ({"credits": "two"}, "credits"),
    ({"credits": True}, "credits"),
    ({"credits": 0}, "credits"),
    ({"credits": 20.5}, "credits"),
    ({"credits": 1.005}, "credits"),
    ({"credits": "NaN"}, "credits"),
    ({"credits": "Infinity"}, "credits"),
    ({"credits": "1e999999"}, "credits"),
    ({"credits": "1_0"}, "credits"),
    ({"credits": "２"}, "credits"),  # noqa: RUF001
    ({"credits": TOO_BIG}, "credits"),
    ({"hours": "32"}, "hours"),
    ({"hours": 1.5}, "hours"),
    ({"hours": True}, "hours"),
    ({"hours": 0}, "hours"),
    ({"hours": 601}, "hours"),
    ({"hours": TOO_BIG}, "hours"),
    ({"hours": -(2**63)}, "hours"),
    ({"category": "banana"}, "category"),
    ({"category": ["general"]}, "category"),
    ({"delivery": None}, "delivery"),
    ({"keywords": "one"}, "keywords"),
    ({"keywords": ["a"] * 2}, "keywords"),
    ({"keywords": [str(n) for n in range(9)]}, "keywords"),
    ({"keywords": ["ok", 5]}, "keywords.1"),
    ({"keywords": ["\x00"]}, "keywords.0"),
    ({"colour": "red"}, "colour"),
    ({"id": 5}, "id"),
    ({"state": "published"}, "state"),
    ({"owner_school_id": 1}, "owner_school_id"),
    ({"school_id": 999_999}, "school_id"),
    ({"school_id": 0}, "school_id"),
    ({"school_id": -1}, "school_id"),
    ({"school_id": TOO_BIG}, "school_id"),
    ({"school_id": 2**63}, "school_id"),
    ({"school_id": "A"}, "school_id"),
    ({"department_id": 999_999}, "department_id"),
    ({"department_id": TOO_BIG}, "department_id"),
    ({"teacher_ids": [999_999]}, "teacher_ids"),
    ({"teacher_ids": ["x"]}, "teacher_ids.0"),
    ({"teacher_ids": 5}, "teacher_ids"),
    ({"teacher_ids": [1, 1]}, "teacher_ids"),
    ({"audience": ["banana"]}, "audience.0"),
    ({"audience": ["platform", "cluster:x"]}, "audience.1"),
    ({"audience": ["cluster:"]}, "audience.0"),
    ({"audience": ["cluster:1:banana"]}, "audience.0"),
    ({"audience": ["cluster:01"]}, "audience.0"),
    ({"audience": ["cluster:１"]}, "audience.0"),  # noqa: RUF001
    ({"audience": ["person:1"]}, "audience.0"),
    ({"audience": ["manage:school:1"]}, "audience.0"),
    ({"audience": ["x" * 61]}, "audience.0"),
    ({"audience": [5]}, "audience.0"),
    ({"audience": "platform"}, "audience"),
    ({"audience": ["platform", "platform"]}, "audience"),
    ({"audience": [f"cluster:{n}" for n in range(1, 22)]}, "audience"),
]


def _fields(error: dict[str, Any]) -> list[str]:
    assert all(each["message"] and each["code"] for each in error["errors"])
    return [each["field"] for each in error["errors"]]


def test_a_bad_course_is_told_which_field_and_nothing_is_written(app: Flask, cast: Cast) -> None:
    teacher = api(app, cast.who("A", "teacher"))
    with changes_nothing(app.extensions["zutuan"].database):
        for spoil, field in BAD_COURSES:
            answer = _send(teacher, "POST", "/courses", course_body(**spoil))
            assert answer.status_code == 422, (spoil, answer.json)
            assert _fields(refused(answer, 422, "invalid")) == [field], (spoil, answer.json)
        several = refused(teacher.post("/courses", {"colour": 1, "credits": "x"}), 422, "invalid")
        assert set(_fields(several)) == {"code", "title_zh", "credits", "hours", "category", "delivery", "colour"}
        for school in ("B", "D"):  # what is another school's is as unknown as what does not exist
            for spoil in (
                {"department_id": cast.departments[school]},
                {"teacher_ids": [cast.who(school, "teacher").id]},
            ):
                assert _fields(refused(teacher.post("/courses", course_body(**spoil)), 422, "invalid")) == [*spoil]
        for foreign in (f"cluster:{cast.clusters['D']}", "cluster:999999"):
            refused(teacher.post("/courses", course_body(audience=[foreign])), 409, "not_a_member")
        refused(teacher.post("/courses", course_body(audience=[f"school:{cast.schools['B']}"])), 409, "not_an_audience")


def test_a_bad_change_of_a_course_changes_nothing(app: Flask, cast: Cast) -> None:
    taught, teacher = teach(app, cast), api(app, cast.who("A", "teacher"))
    before = ok(teacher.get(taught.course))
    with changes_nothing(app.extensions["zutuan"].database):
        for spoil, field in BAD_COURSES:
            if ... in spoil.values() or "school_id" in spoil:
                continue  # what is absent stays; the school is not changed
            answer = _patch(teacher, taught.course, spoil)
            assert answer.status_code == 422 and _fields(answer.json) == [field], (spoil, answer.json)
        assert _fields(refused(_patch(teacher, taught.course, {"school_id": 1}), 422, "invalid")) == ["school_id"]
        for scope in (f"cluster:{cast.clusters['D']}", "cluster:999999"):
            refused(_patch(teacher, taught.course, {"hours": 1, "audience": [scope]}), 409, "not_a_member")
            refused(teacher.post(f"{taught.course}/publish", {"audience": [scope]}), 409, "not_a_member")
        assert _fields(teacher.post(f"{taught.course}/publish", {"audience": ["banana"]}).json) == ["audience.0"]
        assert _fields(teacher.post(f"{taught.course}/publish", {"banana": 1}).json) == ["banana"]
    assert ok(teacher.get(taught.course)) == before


M = "meetings.0"
LATER = (CLOSES + timedelta(days=1)).isoformat()
BAD_OFFERINGS: list[tuple[dict[str, Any], str]] = [
    ({"seats": ...}, "seats"),
    ({"seats": -1}, "seats"),
    ({"seats": 2001}, "seats"),
    ({"seats": "10"}, "seats"),
    ({"seats": TOO_BIG}, "seats"),
    ({"enrol_from": ...}, "enrol_from"),
    ({"enrol_from": "2026-11-20"}, "enrol_from"),
    ({"enrol_from": "2026-11-20T08:00:00"}, "enrol_from"),
    ({"enrol_from": 5}, "enrol_from"),
    ({"enrol_from": "banana"}, "enrol_from"),
    ({"enrol_from": "1000-01-01T00:00:00Z"}, "enrol_from"),
    ({"enrol_until": "9999-12-31T23:59:59-23:59"}, "enrol_until"),
    ({"enrol_from": LATER}, "enrol_until"),
    ({"enrol_until": OPENS.isoformat()}, "enrol_until"),
    ({"enrol_until": "2027-02-01T00:00:00+08:00"}, "enrol_until"),
    ({"enrol_from": "2025-11-01T00:00:00+08:00"}, "enrol_until"),
    ({"online_url": "javascript:alert(1)"}, "online_url"),
    ({"online_url": "https://x y"}, "online_url"),
    ({"online_url": "https://" + "x" * 300}, "online_url"),
    ({"note": "\x1b[0m"}, "note"),
    ({"room": "x" * 61}, "room"),
    ({"code": "一班"}, "code"),
    ({"meetings": {}}, "meetings"),
    ({"meetings": [5]}, M),
    ({"meetings": [MEETING] * 15}, "meetings"),
    ({"meetings": [{**MEETING, "weekday": 9}]}, f"{M}.weekday"),
    ({"meetings": [{**MEETING, "weekday": 0}]}, f"{M}.weekday"),
    ({"meetings": [{**MEETING, "weekday": "3"}]}, f"{M}.weekday"),
    ({"meetings": [{**MEETING, "first_period": 3}]}, f"{M}.last_period"),
    ({"meetings": [{**MEETING, "last_period": 12}]}, f"{M}.last_period"),
    ({"meetings": [{**MEETING, "last_period": 21}]}, f"{M}.last_period"),
    ({"meetings": [{**MEETING, "weeks": "1-19"}]}, f"{M}.weeks"),
    ({"meetings": [{**MEETING, "weeks": "banana"}]}, f"{M}.weeks"),
    ({"meetings": [{**MEETING, "weeks": "1," * 31}]}, f"{M}.weeks"),
    ({"meetings": [{**MEETING, "weeks": "\x00"}]}, f"{M}.weeks"),
    ({"meetings": [{**MEETING, "weeks": 5}]}, f"{M}.weeks"),
    ({"meetings": [{**MEETING, "room": "x"}]}, f"{M}.room"),
    ({"meetings": [MEETING, MEETING]}, "meetings.1.weekday"),
    ({"meetings": [MEETING, {**MEETING, "first_period": 2, "weeks": "16-18"}]}, "meetings.1.weekday"),
    ({"term_id": 999_999}, "term_id"),
    ({"term_id": TOO_BIG}, "term_id"),
    ({"term_id": "x"}, "term_id"),
    ({"taken": 0}, "taken"),
    ({"course_id": 1}, "course_id"),
]


def test_a_bad_offering_is_told_which_field_and_nothing_is_written(app: Flask, cast: Cast) -> None:
    taught, teacher = teach(app, cast), api(app, cast.who("A", "teacher"))
    with changes_nothing(app.extensions["zutuan"].database):
        for spoil, field in [*BAD_OFFERINGS, ({"term_id": cast.terms["B"]}, "term_id")]:
            answer = _send(teacher, "POST", f"{taught.course}/offerings", offering_body(**{"code": "02", **spoil}))
            assert answer.status_code == 422 and _fields(answer.json) == [field], (spoil, answer.json)
        several = offering_body(meetings=[{}, {**MEETING, "weekday": 9}], seats=-1, colour=1)
        errors = set(_fields(refused(teacher.post(f"{taught.course}/offerings", several), 422, "invalid")))
        assert errors == {"seats", "colour", "meetings.1.weekday"} | {
            f"{M}.{name}" for name in ("weekday", "first_period", "last_period", "weeks")
        }


def test_a_bad_change_of_an_offering_changes_nothing(app: Flask, cast: Cast) -> None:
    taught, teacher = teach(app, cast), api(app, cast.who("A", "teacher"))
    before = ok(teacher.get(taught.offering))
    with changes_nothing(app.extensions["zutuan"].database):
        for spoil, field in BAD_OFFERINGS:
            if ... in spoil.values():
                continue
            answer = _patch(teacher, taught.offering, spoil)
            assert answer.status_code == 422 and _fields(answer.json) == [field], (spoil, answer.json)
    assert ok(teacher.get(taught.offering)) == before


def test_what_is_no_request_at_all(app: Flask, cast: Cast) -> None:
    teacher = api(app, cast.who("A", "teacher"))
    body = json.dumps(course_body())
    headers = {"Content-Type": "application/json"}
    with changes_nothing(app.extensions["zutuan"].database):
        for raw in (b"{", b"\xff\xfe", body.encode("gbk") + b"\xff", b'{"title_zh": "\\ud800"}', b"NaN", body.encode()[:-1],
                    b"[" * 100_000):  # fmt: skip
            refused(teacher.request("POST", "/courses", data=raw, headers=headers), 400, "not_json")
        for raw in (b"[]", b"5", b'"x"', b"null", b"true"):
            answer = teacher.request("POST", "/courses", data=raw, headers=headers)
            assert answer.status_code == 422, (raw, answer.json)
        form = teacher.request("POST", "/courses", data=body, headers={"Content-Type": "text/plain"})
        refused(form, 415, "unsupported_media_type")
        large = teacher.request("POST", "/courses", data=b" " * 10_000_000, headers=headers)
        refused(large, 413, "too_large")
        refused(teacher.delete("/courses"), 405, "method_not_allowed")
        for key in ("", "x" * 101, "a b", "é"):
            answer = teacher.post("/courses", course_body(), headers={"Idempotency-Key": key})
            refused(answer, 400, "idempotency_key_bad")


FORGED: list[Any] = [
    [], ["x"], [1, 2, 3], {"a": 1}, None, "x", [None, 5], [[], 5], ["2026-01-01T00:00:00+00:00", "x"], [True, None],
    ["2026-01-01T00:00:00+00:00", 2**63], ["a\x00b", 5], ["2026-01-01T00:00:00+00:00", 1e300], [5, 5], [1.005, 5],
    ["NaN", 5], ["1e40", 5], ["Infinity", 5], [-(2**62), 5],
]  # fmt: skip
FORGED_MOMENTS: list[Any] = [
    ["2026-01-01T00:00:00", 5], ["9999-12-31T23:59:59-14:00", 5], ["0001-01-01T00:00:00+14:00", 5],
]  # fmt: skip


def _try_cursors(app: Flask, cast: Cast, sorts: tuple[str, ...], forged: list[Any]) -> None:
    for number in range(3):
        teach(app, cast, code=f"C{number}")
    student = api(app, cast.who("B", "student"))
    wrong = []
    for sort in sorts:
        for value in forged:
            cursor = base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
            answer = student.get(f"/courses?sort={sort}&cursor={cursor}")
            if answer.status_code not in (200, 422):
                wrong.append((sort, value))
    assert not wrong


def test_a_cursor_that_was_never_given(app: Flask, cast: Cast) -> None:
    _try_cursors(app, cast, SORTS, FORGED)


def test_a_cursor_with_an_impossible_time(app: Flask, cast: Cast) -> None:
    _try_cursors(app, cast, ("newest",), FORGED_MOMENTS)


# --- paging -----------------------------------------------------------------------------------------------------


def test_pages_have_no_gap_and_no_repeat(app: Flask, cast: Cast, clock: Clock) -> None:
    """Whatever the order, and however many rows are alike in it; drafts, foreign and hidden rows are never counted."""
    made = []
    for number in range(13):
        title = ("教育学", "Psychology", "心理学", "教育学", "ßeta")[number % 5]
        taught = teach(
            app, cast, "AB"[number % 2], code=f"P{number}", title_zh=title, credits=[1, 2, 2.5][number % 3],
            seats=[5, 5, 10, 100][number % 4],
        )  # fmt: skip
        made.append(taught)
        if number % 4 == 0:
            clock.advance(timedelta(microseconds=1))
    teach(app, cast, "D", code="HIDDEN")
    ok(api(app, cast.who("A", "teacher")).post("/courses", course_body(code="DRAFT")), 201)
    student = api(app, cast.who("C", "student"))
    ids = {each.course_id for each in made}
    for sort in SORTS:
        for limit in (2, 5, 50):
            with calm():
                found = all_pages(student.get, f"/courses?sort={sort}", limit)
            assert len(found) == 13 and {each["id"] for each in found} == ids, (sort, limit)
            _assert_sorted(sort, found, made)
    found = all_pages(api(app, cast.who("A", "teacher")).get, "/courses?mine=1", 2)
    assert [each["code"] for each in found] == ["DRAFT", *(f"P{n}" for n in range(12, -1, -2))]
    hits = all_pages(student.get, "/search?q=教育", 2)
    assert {each["id"] for each in hits} == {each.course_id for n, each in enumerate(made) if n % 5 in (0, 3)}


def _assert_sorted(sort: str, found: list[dict[str, Any]], made: list[Taught]) -> None:
    number = {each.course_id: index for index, each in enumerate(made)}
    keys: dict[str, Any] = {
        "newest": lambda each: each["published_at"],
        "title": lambda each: title_key(each["title_zh"]),
        "credits": lambda each: each["credits"],
        "seats": lambda each: [5, 5, 10, 100][number[each["id"]] % 4],
    }
    values = [(keys[sort](each), each["id"]) for each in found]
    if sort == "title":
        assert [value for value, _ in values] == sorted(value for value, _ in values)
        return
    assert values == sorted(values, reverse=True)


def test_rows_that_come_while_paging_do_not_shift_the_pages(app: Flask, cast: Cast, clock: Clock) -> None:
    first = [teach(app, cast, code=f"S{n}").course_id for n in range(4)]
    student = api(app, cast.who("B", "student"))
    page = ok(student.get("/courses?limit=2"))
    clock.advance(timedelta(minutes=1))
    teach(app, cast, code="LATE")
    rest = ok(student.get(f"/courses?limit=10&cursor={page['next']}"))
    assert [each["id"] for each in (*page["items"], *rest["items"])] == first[::-1]


def test_everything_is_audited(app: Flask, cast: Cast, database: Database) -> None:
    taught = teach(app, cast)
    with database.read() as session:
        rows = session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id)).all()
        about = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "course.publish")).one()
    assert rows[-4:] == ["course.create", "offering.create", "course.publish", "offering.publish"]
    teacher = cast.who("A", "teacher")
    assert (about.actor_id, about.affiliation_id) == (teacher.id, teacher.affiliation_id)
    assert (about.subject_id, about.school_id) == (taught.course_id, cast.schools["A"])
    assert about.detail["audience"] == to_cluster(cast)


def test_a_changed_audience_is_audited_with_what_it_became(app: Flask, cast: Cast, database: Database) -> None:
    taught, teacher = teach(app, cast), api(app, cast.who("A", "teacher"))
    ok(_patch(teacher, taught.course, {"audience": ["platform"]}))
    ok(_patch(teacher, taught.course, {"hours": 7}))
    with database.read() as session:
        query = sa.select(AuditEvent.detail).where(AuditEvent.action == "course.edit").order_by(AuditEvent.id)
        details = session.scalars(query).all()
    assert details == [{"fields": ["audience"], "audience": ["platform"]}, {"fields": ["hours"]}]
