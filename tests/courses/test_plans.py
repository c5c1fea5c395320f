"""Term plans: drafting, publishing, what follows them and what may narrow them, and who has submitted what."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support.cast import NOW, YEAR, Cast
from support.http import api, browser_session, csrf_token
from support.teaching import (
    SPANS,
    add_people,
    at_time,
    changes_nothing,
    course_body,
    drain,
    offering_body,
    ok,
    pick_only,
    plan_body,
    refused,
    teach,
    to_cluster,
)

from courses.catalogue.rules import narrowed, outside_plan, window_outside_plan
from courses.plans.rules import STAGES, check_plan, may_admit, may_submit, review_state, stage_at
from zutuan.clock import Clock
from zutuan.clusters.models import Membership
from zutuan.db import Database
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.policies.rules import Place
from zutuan.policies.services import decide
from zutuan.web.texts import form_moment

DAY = timedelta(days=1)


def plans(cast: Cast) -> str:
    return f"/clusters/{cast.clusters['A']}/term-plans"


def published(app: Flask, cast: Cast, **changes: Any) -> str:
    """The path of cluster A's plan."""
    admin = api(app, cast.who("A", "cluster_admin"))
    made = ok(admin.post(plans(cast), plan_body(**changes)), 201)
    path = f"{plans(cast)}/{made['id']}"
    ok(admin.post(f"{path}/publish"))
    return path


def rounds(app: Flask, cast: Cast, path: str) -> dict[str, tuple[str, str]]:
    body = ok(api(app, cast.who("A", "teacher")).get(path))
    return {each["kind"]: (each["opens"], each["closes"]) for each in body["rounds"]}


# --- rules ------------------------------------------------------------------------------------------------------


def spans(**changes: Any) -> dict[str, Any]:
    return {**SPANS, **changes}


@pytest.mark.parametrize(
    ("changed", "field", "code"),
    [
        ({"main": (NOW, NOW)}, "main_until", "ends_before_start"),
        ({"main": (None, None)}, "main_from", "required"),
        ({"review": (NOW, None)}, "review_until", "required"),
        ({"add_drop": (NOW, NOW + 9 * DAY)}, "add_drop_from", "rounds_overlap"),
        ({"review": (NOW - 30 * DAY, NOW - 25 * DAY)}, "review_from", "plan_out_of_order"),
        ({"preselection": (NOW - 15 * DAY, NOW - 14 * DAY)}, "preselection_from", "plan_out_of_order"),
        ({"add_drop": (NOW + 6 * DAY, NOW + 90 * DAY)}, "add_drop_until", "round_after_grades"),
    ],
)  # fmt: skip
def test_a_plan_keeps_the_order_of_its_stages(changed: dict[str, Any], field: str, code: str) -> None:
    (error, *_more) = check_plan(spans(**changed), date(2026, 9, 7), date(2027, 1, 20))
    assert (error.field, error.code) == (field, code)


def test_what_a_plan_may_leave_out() -> None:
    bare = {stage: (None, None) for stage in STAGES} | {"main": SPANS["main"]}
    assert check_plan(bare, date(2026, 9, 7), date(2027, 1, 20)) == []
    assert [each.code for each in check_plan(bare, date(2027, 2, 1), date(2027, 1, 20))] == ["grades_before_teaching"]
    assert (stage_at(SPANS, NOW), stage_at(SPANS, NOW + 5 * DAY), stage_at(bare, NOW)) == ("main", "", "main")


def test_own_rounds_lie_within_the_plan_s() -> None:
    plan = [("main", NOW, NOW + 5 * DAY), ("add_drop", NOW + 6 * DAY, NOW + 9 * DAY)]
    assert outside_plan([("main", NOW, NOW + DAY)], plan) == []
    wrong = outside_plan([("preselection", NOW, NOW + DAY), ("add_drop", NOW + 5 * DAY, NOW + 10 * DAY)], plan)
    assert [(each.field, each.code) for each in wrong] == [
        ("rounds.0.kind", "round_not_in_plan"), ("rounds.1.opens", "outside_plan"), ("rounds.1.closes", "outside_plan"),
    ]  # fmt: skip
    assert narrowed(plan, NOW + DAY, NOW + 7 * DAY) == [
        ("main", NOW + DAY, NOW + 5 * DAY), ("add_drop", NOW + 6 * DAY, NOW + 7 * DAY),
    ]  # fmt: skip
    assert [each.field for each in window_outside_plan(NOW - DAY, NOW + 10 * DAY, plan)] == [
        "enrol_from",
        "enrol_until",
    ]
    assert [each.field for each in window_outside_plan(NOW + 5 * DAY, NOW + 6 * DAY, plan)] == ["enrol_until"]


@pytest.mark.parametrize(
    ("at", "submits", "admits"),
    [
        (NOW - 21 * DAY, "submission_not_open", "admission_not_open"),
        (NOW - 20 * DAY, None, None),
        (NOW + 2 * DAY, "submission_closed", None),
        (NOW + 9 * DAY - timedelta(seconds=1), "submission_closed", None),
        (NOW + 9 * DAY, "submission_closed", "admission_over"),
    ],
)  # fmt: skip
def test_when_classes_are_handed_in_and_home_schools_may_pick(
    at: datetime, submits: str | None, admits: str | None
) -> None:
    said = may_submit(SPANS["submission"], at), may_admit(SPANS, at)
    assert [each.code if each else None for each in said] == [submits, admits]


def test_a_plan_without_such_dates_sets_no_limit() -> None:
    bare = {stage: (None, None) for stage in STAGES} | {"main": SPANS["main"]}
    assert may_submit((None, None), NOW) is None and may_admit(bare, NOW - 300 * DAY) is None
    only_review = bare | {"review": SPANS["review"]}
    assert may_admit(only_review, NOW - 11 * DAY) is not None and may_admit(only_review, NOW - 10 * DAY) is None


@pytest.mark.parametrize(
    ("picks", "undecided", "until", "state"),
    [
        (False, 3, NOW, "not_needed"),
        (True, 0, NOW, "done"),
        (True, 1, NOW, "outstanding"),
        (True, 1, NOW + DAY, "open"),
        (True, 1, None, "open"),
    ],
)
def test_what_a_home_review_has_come_to(picks: bool, undecided: int, until: datetime | None, state: str) -> None:
    assert review_state(picks=picks, undecided=undecided, until=until, now=NOW) == state


# --- handing in -------------------------------------------------------------------------------------------------


def of_plan(**changes: Any) -> dict[str, Any]:
    """Dates of an offering that are the plan's."""
    return {"enrol_from": None, "enrol_until": None, **changes}


def strict(app: Flask, cast: Cast) -> None:
    """A's cluster takes nothing that is handed in late."""
    with app.extensions["zutuan"].database.write() as session:
        admin = load_actor(session, session.get_one(Person, cast.who("A", "cluster_admin").id), NOW)
        decide(session, admin, Place(cluster_id=cast.clusters["A"]), "plan.strict_submission", True)


def test_where_the_cluster_does_not_insist_a_class_may_come_late(app: Flask, cast: Cast, clock: Clock) -> None:
    published(app, cast)
    _course, offering = drafted(app, cast, "L1")
    clock.set(NOW + 2 * DAY)
    ok(api(app, cast.who("A", "teacher")).post(f"/offerings/{offering}/publish"))


def drafted(app: Flask, cast: Cast, code: str, **audience: Any) -> tuple[int, int]:
    """(course, offering), both drafts."""
    who = api(app, cast.who("A", "teacher"))
    made = ok(who.post("/courses", course_body(code=code, audience=to_cluster(cast, "A"), **audience)), 201)
    return made["id"], ok(who.post(f"/courses/{made['id']}/offerings", offering_body(**of_plan())), 201)["id"]


def test_what_is_not_handed_in_in_time_stays_a_draft_until_the_plan_is_extended(
    app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    strict(app, cast)
    before = teach(app, cast, code="P0")
    early = {"submission_from": (NOW + DAY).isoformat(), "submission_until": (NOW + 2 * DAY).isoformat()}
    late = {"review_from": (NOW + DAY).isoformat(), "preselection_from": None, "preselection_until": None}
    path = published(app, cast, **early, **late, main_from=(NOW + DAY).isoformat())
    teacher, admin = api(app, cast.who("A", "teacher")), api(app, cast.who("A", "cluster_admin"))
    course, offering = drafted(app, cast, "P1")
    ok(teacher.post(f"/courses/{course}/publish", {}))
    with changes_nothing(database):
        body = refused(teacher.post(f"/offerings/{offering}/publish"), 409, "submission_not_open")
    assert "2026-11-26 10:00" in body["title"] and "草稿" in body["detail"], body
    version = teacher.get(before.offering).headers["ETag"]
    ok(teacher.patch(before.offering, {"note": "教室已定", "seats": 20}, headers={"If-Match": version}))

    clock.set(NOW + DAY)
    ok(teacher.post(f"/offerings/{offering}/publish"))
    _other, second = drafted(app, cast, "P2")
    clock.set(NOW + 2 * DAY)
    refused(teacher.post(f"/offerings/{second}/publish"), 409, "submission_closed")
    version = teacher.get(f"/offerings/{offering}").headers["ETag"]
    ok(teacher.patch(f"/offerings/{offering}", {"note": "已申报的仍可修改"}, headers={"If-Match": version}))

    longer = {"submission_until": (NOW + 3 * DAY).isoformat()}
    ok(admin.patch(path, longer, headers={"If-Match": admin.get(path).headers["ETag"]}))
    ok(teacher.post(f"/offerings/{second}/publish"))


def test_a_class_published_unseen_is_handed_in_with_its_course(app: Flask, cast: Cast, clock: Clock) -> None:
    strict(app, cast)
    published(app, cast)
    teacher = api(app, cast.who("A", "teacher"))
    course, offering = drafted(app, cast, "U1")
    ok(teacher.post(f"/offerings/{offering}/publish"))
    clock.set(NOW + 2 * DAY)
    refused(teacher.post(f"/courses/{course}/publish", {}), 409, "submission_closed")
    alone, _draft = drafted(app, cast, "U2")
    ok(teacher.post(f"/courses/{alone}/publish", {}))
    ok(teacher.post(f"/courses/{alone}/suspend"))
    ok(teacher.post(f"/courses/{alone}/publish", {}))


def test_a_course_of_two_clusters_keeps_to_the_dates_of_the_one_it_is_shared_with(
    app: Flask, database: Database, cast: Cast
) -> None:
    strict(app, cast)
    published(app, cast, submission_until=(NOW - 15 * DAY).isoformat())
    with database.write() as session:
        at_d = {"cluster_id": cast.clusters["D"], "school_id": cast.schools["A"], "role": "partner"}
        session.add(Membership(**at_d, from_=NOW - DAY))
        session.info["audited"] = True
    open_still = api(app, cast.who("D", "cluster_admin"))
    made = ok(open_still.post(f"/clusters/{cast.clusters['D']}/term-plans", plan_body()), 201)
    ok(open_still.post(f"/clusters/{cast.clusters['D']}/term-plans/{made['id']}/publish"))
    teacher = api(app, cast.who("A", "teacher"))
    for code, letter, status in (("W1", "A", 409), ("W2", "D", 200)):
        course = ok(teacher.post("/courses", course_body(code=code, audience=to_cluster(cast, letter))), 201)["id"]
        offering = ok(teacher.post(f"/courses/{course}/offerings", offering_body(**of_plan())), 201)["id"]
        ok(teacher.post(f"/offerings/{offering}/publish"), status)


# --- home review ------------------------------------------------------------------------------------------------


def test_home_schools_pick_in_time_or_late_and_the_board_says_which(
    app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    path, admin = published(app, cast), api(app, cast.who("A", "cluster_admin"))
    first, second, third = (
        teach(app, cast, code=f"R{n}", offering=of_plan(), meeting=at_time(n)).course_id for n in range(3)
    )
    pick_only(database, cast, "B")
    registrar, admissions = api(app, cast.who("B", "registrar")), f"/schools/{cast.schools['B']}/admissions"

    def review(school: str) -> tuple[Any, ...]:
        lines = {each["school"]["id"]: each["review"] for each in ok(admin.get(f"{path}/board"))["items"]}
        return tuple(lines[cast.schools[school]].values())

    def said(*courses: int, admitted: bool = True) -> dict[str, Any]:
        return {"course_ids": list(courses), "academic_year": YEAR, "number": 1, "admitted": admitted}

    names = ok(admin.get(f"{path}/board"))["items"][0]["review"]
    assert tuple(names) == ("state", "courses", "admitted", "undecided", "late")
    assert (review("B"), review("C")) == (("open", 3, 0, 3, 0), ("not_needed", 0, 0, 0, 0))
    assert ok(registrar.post(admissions, said(first))) == {"changed": 1}
    assert ok(registrar.post(admissions, said(second, admitted=False))) == {"changed": 1}, "no is an answer as well"
    assert review("B") == ("open", 3, 1, 1, 0)
    desk = app.test_client()
    browser_session(desk, cast.who("B", "registrar"))
    assert "外校课程待决定" in desk.get("/").text
    assert [each["id"] for each in ok(registrar.get(f"{admissions}?decided=0"))["items"]] == [third]

    clock.set(NOW + 3 * DAY)
    assert review("B") == ("outstanding", 3, 1, 1, 0)
    assert ok(registrar.post(admissions, said(third))) == {"changed": 1}
    assert review("B") == ("done", 3, 2, 0, 1)
    assert "外校课程待决定" not in desk.get("/").text

    clock.set(NOW + 9 * DAY)
    with changes_nothing(database):
        body = refused(registrar.post(admissions, said(first, second)), 409, "admission_over")
    assert [(each["field"], each["code"]) for each in body["errors"]] == [("course_ids.1", "admission_over")]


# --- offerings --------------------------------------------------------------------------------------------------


def test_an_offering_follows_its_cluster_s_plan_and_moves_with_it(app: Flask, database: Database, cast: Cast) -> None:
    path, admin = published(app, cast), api(app, cast.who("A", "cluster_admin"))
    follower = teach(app, cast, code="F1", offering={"enrol_from": None, "enrol_until": None}, meeting=at_time(3))
    assert rounds(app, cast, follower.offering)["main"] == tuple(each.isoformat() for each in SPANS["main"])
    body = ok(api(app, cast.who("B", "student")).get(follower.offering))
    assert body["follows_plan"] and body["enrol_until"] == SPANS["add_drop"][1].isoformat()

    later = (NOW + 12 * DAY).isoformat()
    shown = ok(admin.post(f"{path}/preview", {"add_drop_until": later}))
    assert ok(admin.post(f"{path}/preview", {"add_drop_until": later}, headers={"Idempotency-Key": "k1"})) == shown
    assert [each["offering_id"] for each in shown["moves"]] == [follower.offering_id]
    assert rounds(app, cast, follower.offering)["add_drop"][1] == SPANS["add_drop"][1].isoformat(), "only shown"
    changed = admin.patch(path, {"add_drop_until": later}, headers={"If-Match": admin.get(path).headers["ETag"]})
    assert ok(changed)["add_drop_until"] == later
    body = ok(api(app, cast.who("B", "student")).get(follower.offering))
    assert body["enrol_until"] == later and rounds(app, cast, follower.offering)["add_drop"][1] == later
    drain(database)
    for who in (cast.who("B", "registrar"), cast.who("A", "teacher")):
        told = [each["kind"] for each in ok(api(app, who).get("/me/notices"))["items"]]
        assert told.count("plan.changed") == 1, who


def test_a_narrower_round_stays_and_one_outside_is_refused(app: Flask, cast: Cast) -> None:
    path = published(app, cast)
    teacher, admin = api(app, cast.who("A", "teacher")), api(app, cast.who("A", "cluster_admin"))
    taught = teach(app, cast, offering={"enrol_from": None, "enrol_until": None})
    version = teacher.get(taught.offering).headers["ETag"]
    mine = [{"kind": "main", "opens": NOW.isoformat(), "closes": (NOW + 2 * DAY).isoformat()}]
    changed = teacher.patch(taught.offering, {"rounds": mine}, headers={"If-Match": version})
    assert (ok(changed)["follows_plan"], changed.json["enrol_until"]) == (False, (NOW + 2 * DAY).isoformat())
    version = changed.headers["ETag"]
    for bad, field, code in (
        ([{**mine[0], "closes": (NOW + 6 * DAY).isoformat()}], "rounds.0.closes", "outside_plan"),
        ([{**mine[0], "closes": (NOW - DAY).isoformat()}], "rounds.0.closes", "ends_before_start"),
        ([{**mine[0], "opens": (NOW - 9 * DAY).isoformat()}], "rounds.0.opens", "outside_plan"),
    ):
        body = refused(teacher.patch(taught.offering, {"rounds": bad}, headers={"If-Match": version}), 422, "invalid")
        assert [(each["field"], each["code"]) for each in body["errors"]] == [(field, code)]
    window = {"enrol_from": NOW.isoformat(), "enrol_until": (NOW + 7 * DAY).isoformat()}
    assert ok(teacher.patch(taught.offering, window, headers={"If-Match": version}))
    assert rounds(app, cast, taught.offering) == {
        "main": (NOW.isoformat(), (NOW + 5 * DAY).isoformat()),
        "add_drop": ((NOW + 6 * DAY).isoformat(), (NOW + 7 * DAY).isoformat()),
    }
    body = offering_body(code="02", enrol_until=(NOW + 15 * DAY).isoformat())
    errors = refused(teacher.post(f"{taught.course}/offerings", body), 422, "invalid")["errors"]
    assert {(each["field"], each["code"]) for each in errors} == {("enrol_until", "outside_plan")}
    shorter = admin.patch(
        path, {"add_drop_until": (NOW + 6.5 * DAY).isoformat()}, headers={"If-Match": admin.get(path).headers["ETag"]}
    )
    assert ok(shorter) and rounds(app, cast, taught.offering)["add_drop"][1] == (NOW + 7 * DAY).isoformat()
    (line, *_others) = ok(admin.get(f"{path}/board"))["items"]
    assert (line["offerings"], line["outside"]) == (1, 1)
    version = teacher.get(taught.offering).headers["ETag"]
    assert ok(teacher.patch(taught.offering, {"follows_plan": True}, headers={"If-Match": version}))["follows_plan"]


def test_other_clusters_and_terms_keep_to_no_plan_of_ours(app: Flask, cast: Cast) -> None:
    published(app, cast)
    assert not ok(api(app, cast.who("D", "teacher")).get(teach(app, cast, "D").offering))["follows_plan"]
    published_two = ok(api(app, cast.who("A", "cluster_admin")).post(plans(cast), plan_body(number=2)), 201)
    assert published_two["state"] == "draft"
    refused(api(app, cast.who("A", "cluster_admin")).post(plans(cast), plan_body(number=2)), 409, "plan_exists")
    who = api(app, cast.who("D", "teacher"))
    made = ok(who.post("/courses", course_body(code="X2", audience=to_cluster(cast, "D"))), 201)
    body = offering_body(enrol_from=None, enrol_until=None, follows_plan=True)
    errors = refused(who.post(f"/courses/{made['id']}/offerings", body), 422, "invalid")["errors"]
    assert [(each["field"], each["code"]) for each in errors] == [("follows_plan", "no_plan")]


def test_who_waits_in_a_queue_waits_as_long_as_the_plan_lets(app: Flask, cast: Cast, database: Database) -> None:
    path, admin = published(app, cast), api(app, cast.who("A", "cluster_admin"))
    taught = teach(app, cast, seats=1, offering={"enrol_from": None, "enrol_until": None})
    holder, waiting = add_people(database, cast, "B", 2)
    ok(api(app, holder).post(taught.seats, {}), 201)
    queued = ok(api(app, waiting).post(taught.seats, {"waitlist": True}), 201)
    later = (NOW + 12 * DAY).isoformat()
    ok(admin.patch(path, {"add_drop_until": later}, headers={"If-Match": admin.get(path).headers["ETag"]}))
    assert ok(api(app, waiting).get(f"/enrolments/{queued['id']}"))["decide_by"] == later


# --- who ---------------------------------------------------------------------------------------------------------


def test_a_draft_is_its_admins_only(app: Flask, cast: Cast, database: Database) -> None:
    made = ok(api(app, cast.who("A", "cluster_admin")).post(plans(cast), plan_body()), 201)
    path = f"{plans(cast)}/{made['id']}"
    for who in (cast.who("A", "registrar"), cast.who("D", "cluster_admin"), cast.who("B", "student")):
        refused(api(app, who).get(path), 404, "not_found")
        refused(api(app, who).post(f"{path}/publish"), 404, "not_found")
    refused(api(app, cast.who("D", "cluster_admin")).post(plans(cast), plan_body()), 403, "forbidden")
    ok(api(app, cast.who("A", "cluster_admin")).post(f"{path}/publish"))
    refused(api(app, cast.who("A", "cluster_admin")).post(f"{path}/publish"), 409, "plan_published")
    ok(api(app, cast.who("B", "student")).get(path))
    refused(api(app, cast.who("B", "student")).get(f"{path}/board"), 403, "forbidden")
    refused(api(app, cast.who("B", "registrar")).post(f"{path}/preview", {"note": "x"}), 403, "forbidden")


def test_the_board_counts_what_its_rows_are(app: Flask, cast: Cast, database: Database) -> None:
    path, admin = published(app, cast), api(app, cast.who("A", "cluster_admin"))
    one = teach(app, cast, seats=30, offering={"enrol_from": None, "enrol_until": None})
    teach(app, cast, "B", code="B1", seats=5, offering={"enrol_from": None, "enrol_until": None})
    ok(api(app, cast.who("B", "student")).post(one.seats, {}), 201)
    lines = {each["school"]["name"]: each for each in ok(admin.get(f"{path}/board"))["items"]}
    assert len(lines) == 3 and lines[cast.name_of("C")]["offerings"] == 0
    a = lines[cast.name_of("A")]
    assert (a["courses"], a["offerings"], a["seats"], a["taken"], a["following"]) == (1, 1, 30, 1, 1)
    rows = ok(admin.get(f"{path}/submissions?school_id={cast.schools['A']}"))["items"]
    assert [each["offering_id"] for each in rows] == [one.offering_id]


def test_the_board_counts_only_what_is_shared_with_the_cluster(app: Flask, cast: Cast) -> None:
    """A school's own class is none of the cluster's, whoever looks; what all may see is."""
    path, own = published(app, cast), {"offering": of_plan()}
    teach(app, cast, code="OWN", audience=[], **own)
    teach(app, cast, code="ALL", audience=["platform"], meeting=at_time(2), **own)
    lines = ok(api(app, cast.who("A", "cluster_admin")).get(f"{path}/board"))["items"]
    assert [each["offerings"] for each in lines] == [1, 0, 0]


# --- pages ------------------------------------------------------------------------------------------------------


def form(**changes: Any) -> dict[str, str]:
    """As a browser sends it, on Shanghai's clock."""
    typed = {
        name: form_moment(datetime.fromisoformat(value)) if "T" in str(value) else str(value)
        for name, value in plan_body().items()
    }
    return {**typed, **changes}


def test_the_admin_drafts_publishes_and_changes_on_pages(
    sqlite_app: Flask, sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast, clock: Clock
) -> None:
    browser_session(sqlite_client, cast.who("A", "cluster_admin"))
    token = {"csrf_token": csrf_token(sqlite_client)}
    base = f"/clusters/{cast.clusters['A']}/term-plans"
    assert "新建安排" in sqlite_client.get("/term-plans").text
    wrong = sqlite_client.post(f"{base}/new", data={**form(main_until="2026-01-01T00:00"), **token})
    assert wrong.status_code == 422 and "f-main_until-error" in wrong.text
    with changes_nothing(sqlite_database):
        sqlite_client.post(f"{base}/new", data={**form(academic_year="2026-2028"), **token})
    made = sqlite_client.post(f"{base}/new", data={**form(), **token})
    assert made.status_code == 302
    page = made.headers["Location"]
    assert sqlite_client.post(f"{page}/publish", data=token).status_code == 302
    assert "各校申报" in sqlite_client.get(page).text
    taught = teach(sqlite_app, cast, offering={"enrol_from": None, "enrol_until": None})
    asked = {**form(add_drop_until="2026-12-07T10:00"), "version": "2", **token}
    preview = sqlite_client.post(f"{page}/edit", data=asked)
    assert preview.status_code == 200 and "确认并通知" in preview.text and "教育心理学" in preview.text
    assert rounds(sqlite_app, cast, taught.offering)["add_drop"][1] == SPANS["add_drop"][1].isoformat()
    assert sqlite_client.post(f"{page}/edit", data={**asked, "seen": "1"}).status_code == 302
    assert rounds(sqlite_app, cast, taught.offering)["add_drop"][1].startswith("2026-12-07T02:00")
    assert sqlite_client.post(f"{page}/edit", data={**asked, "seen": "1"}).status_code == 412
    rows = sqlite_client.get(f"{page}/submissions?school_id={cast.schools['A']}&fits=follows").text
    assert "教育心理学" in rows
    browser_session(sqlite_client, cast.who("A", "teacher"))
    assert "跟随组团安排" in sqlite_client.get(f"/offerings/{taught.offering_id}/edit").text
    assert "选课安排" in sqlite_client.get("/").text


def test_who_runs_a_cluster_finds_its_plan_on_the_workbench(
    sqlite_app: Flask, sqlite_client: FlaskClient, cast: Cast
) -> None:
    browser_session(sqlite_client, cast.who("A", "cluster_admin"))
    assert f'href="{plans(cast)}/new"' in sqlite_client.get("/").text
    made = ok(api(sqlite_app, cast.who("A", "cluster_admin")).post(plans(cast), plan_body()), 201)
    page = sqlite_client.get("/").text
    assert f'href="{plans(cast)}/{made["id"]}"' in page and "草稿" in page and f'href="{plans(cast)}/new"' not in page
