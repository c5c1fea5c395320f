"""开班确认 and 停开 through the API and the pages: the numbers, the decision, what ends with it, and the rescue window."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from support.cast import NOW, YEAR, Cast, Player
from support.databases import Fresh
from support.http import api, browser_session, csrf_token, post_form
from support.teaching import Taught, add_people, at_time, drain, ok, refused, teach

from courses.catalogue import hooks
from courses.catalogue import services as catalogue
from courses.catalogue.models import Offering
from courses.enrolment import services as enrolling
from courses.enrolment.checks import nobody_sits_in_what_is_closed, seats_add_up
from courses.enrolment.models import Enrolment
from courses.minimum import services
from courses.minimum.models import LostSeat
from zutuan.app import make_worker
from zutuan.calendar.models import Occurrence
from zutuan.clock import Clock
from zutuan.db import Database
from zutuan.errors import NotFound, Refused
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.sharing.models import AuditEvent

DAY = timedelta(days=1)
OVER = NOW + 2 * DAY  # when enrolling ends, while there is still teaching ahead
WHY = {"reason": "选课人数不足"}


def small(app: Flask, cast: Cast, number: int = 0, minimum: int | None = 3, **more: Any) -> Taught:
    offering = {"minimum": minimum, "enrol_until": OVER.isoformat(), **more.pop("offering", {})}
    return teach(
        app, cast, code=f"M{number}", title_zh=f"小班{number}", meeting=at_time(number), offering=offering, **more
    )


def take(app: Flask, who: Player, taught: Taught, **body: Any) -> dict[str, Any]:
    return dict(ok(api(app, who).post(taught.seats, body), 201))


def approve(app: Flask, cast: Cast, *rows: dict[str, Any]) -> None:
    for row in rows:
        ok(api(app, cast.who("B", "registrar")).post(f"/enrolments/{row['id']}/approve", {}))


def registrar(app: Flask, cast: Cast, school: str = "A") -> Any:
    return api(app, cast.who(school, "registrar"))


def listed(app: Flask, cast: Cast, query: str = "") -> list[tuple[str, str, int, int]]:
    items = ok(registrar(app, cast).get(f"/offerings/decisions{query}"))["items"]
    return [(each["course"]["code"], each["standing"], each["enrolled"], each["pending"]) for each in items]


def heard(app: Flask, who: Player) -> list[str]:
    kinds = [each["kind"] for each in ok(api(app, who).get("/me/notices"))["items"]]
    return [kind for kind in kinds if kind.startswith("minimum.")]


# --- the minimum ------------------------------------------------------------------------------------------------


def test_a_minimum_is_given_with_the_class_and_can_be_reached(sqlite_app: Flask, cast: Cast, clock: Clock) -> None:
    taught, teacher = small(sqlite_app, cast, offering={"seats": 4}), api(sqlite_app, cast.who("A", "teacher"))

    def patch(**body: Any) -> Any:
        tag = teacher.get(taught.offering).headers["ETag"]
        return teacher.patch(taught.offering, body, headers={"If-Match": tag})

    assert ok(teacher.get(taught.offering))["minimum"] == 3
    for body in ({"minimum": 5}, {"seats": 2}):
        error = refused(patch(**body), 422, "invalid")["errors"][0]
        assert (error["field"], error["code"]) == ("minimum", "minimum_above_seats")
    ok(patch(minimum=4))
    assert refused(patch(minimum=0), 422, "invalid")["errors"][0]["field"] == "minimum"
    clock.set(OVER)
    refused(patch(minimum=1), 409, "minimum_fixed")
    ok(patch(minimum=4, note="带笔记本电脑"))


# --- the decision -----------------------------------------------------------------------------------------------


def test_the_list_has_what_waits_first_and_what_reached_its_minimum_stands_by_itself(
    app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    people = add_people(database, cast, "B", 3)
    below, reached, free = small(app, cast, 0), small(app, cast, 1, minimum=1), small(app, cast, 2, minimum=None)
    approve(app, cast, take(app, people[0], below), take(app, people[1], reached))
    take(app, people[2], below)
    assert listed(app, cast) == [("M0", "open", 1, 1), ("M1", "reached", 1, 0), ("M2", "unlimited", 0, 0)]
    desk = registrar(app, cast)
    refused(desk.post(f"{below.offering}/confirm", WHY), 409, "decided_too_early")
    clock.set(OVER)
    assert listed(app, cast, "?standing=waiting") == [("M0", "waiting", 1, 1)]
    assert listed(app, cast, f"?academic_year={YEAR}&number=2") == []
    refused(desk.post(f"{reached.offering}/confirm", WHY), 409, "minimum_reached")
    refused(desk.post(f"{free.offering}/confirm", WHY), 409, "no_minimum")
    assert refused(desk.post(f"{below.offering}/confirm", {}), 422, "invalid")["errors"][0]["field"] == "reason"
    done = ok(desk.post(f"{below.offering}/confirm", {"reason": "小班研讨"}))
    assert (done["standing"], done["state"], done["reason"]) == ("confirmed", "published", "小班研讨")
    refused(desk.post(f"{below.offering}/confirm", WHY), 409, "class_confirmed")
    refused(desk.post(f"{below.offering}/cancel", WHY), 409, "class_confirmed")
    drain(database)
    assert heard(app, people[0]) == ["minimum.confirmed"]


def test_cancelling_ends_everything_of_the_class_at_once(
    app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    approved, pending, waiting, gone = add_people(database, cast, "B", 4)
    elsewhere = cast.who("C", "student")
    taught = small(app, cast, offering={"seats": 3, "minimum": 3})
    row = take(app, approved, taught)
    approve(app, cast, row)
    paper = ok(registrar(app, cast, "B").post(f"/enrolments/{row['id']}/certificate", {}), 201)
    held = take(app, pending, taught)
    left = take(app, gone, taught)
    ok(api(app, gone).post(f"/enrolments/{left['id']}/withdraw", {}))
    other = take(app, elsewhere, taught)
    queued = take(app, waiting, taught, waitlist=True)
    done = ok(registrar(app, cast).post(f"{taught.offering}/cancel", WHY))
    assert (done["standing"], done["state"]) == ("cancelled", "cancelled")
    assert done["rescue_until"] == (NOW + 5 * DAY).isoformat()
    for who, each in ((approved, row), (pending, held), (elsewhere, other), (waiting, queued)):
        seen = ok(api(app, who).get(f"/enrolments/{each['id']}"))
        assert (seen["state"], seen["host_state"], seen["reason"]) == ("denied", "denied", WHY["reason"])
        assert seen["events"][-1]["event"] == "cancelled" and seen["called_off"]
        assert ok(api(app, who).get(taught.offering))["state"] == "cancelled", "who was in it goes on reading it"
    with database.read() as session:
        assert seats_add_up(session) == [] == nobody_sits_in_what_is_closed(session)
        lost = set(session.scalars(sa.select(LostSeat.enrolment_id)))
        assert lost == {row["id"], held["id"], other["id"]}, "who only waited, or had left, lost no seat"
        o = Occurrence
        ahead = sa.select(o.state).where(
            o.resource_type == "offering", o.resource_id == taught.offering_id, o.starts > NOW
        )
        assert set(session.scalars(ahead)) == {"cancelled"}
        actions = set(session.scalars(sa.select(AuditEvent.action)))
        assert {"offering.cancel", "enrolment.cancelled", "paper.revoke"} <= actions
    assert ok(api(app, approved).get(f"/papers/{paper['id']}"))["revoked_at"]
    drain(database)
    for who in (approved, pending, waiting, elsewhere):
        assert heard(app, who) == ["minimum.cancelled"]
    assert heard(app, cast.who("B", "registrar")) == ["minimum.cancelled_home"], "one for all of a school's students"
    assert heard(app, cast.who("A", "teacher")) == ["minimum.cancelled_host"]
    assert heard(app, gone) == []
    refused(registrar(app, cast).post(f"{taught.offering}/cancel", WHY), 409, "class_cancelled")
    refused(api(app, gone).post(taught.seats, {}), 409, "offering_closed")
    tag = api(app, cast.who("A", "teacher")).get(taught.offering).headers["ETag"]
    teacher = api(app, cast.who("A", "teacher"))
    refused(teacher.patch(taught.offering, {"note": "x"}, headers={"If-Match": tag}), 409, "wrong_state")


def feed_of(app: Flask, who: Player) -> str:
    client = app.test_client()
    browser_session(client, who)
    text = post_form(client, "/calendar/feed/renew").get_data(as_text=True)
    found = re.search(r"/feeds/[\w-]+\.ics", text)
    assert found
    return found[0]


def test_feeds_say_cancelled_to_students_and_teacher(sqlite_app: Flask, cast: Cast, clock: Clock) -> None:
    app, student = sqlite_app, cast.who("B", "student")
    taught = small(app, cast)
    take(app, student, taught)
    feeds = [feed_of(app, each) for each in (student, cast.who("A", "teacher"))]
    clock.advance(timedelta(minutes=5))
    ok(registrar(app, cast).post(f"{taught.offering}/cancel", WHY))
    for path in feeds:
        text = app.test_client().get(path).get_data(as_text=True)
        events = [each for each in text.split("BEGIN:VEVENT")[1:] if "小班0" in each]
        assert events and any("STATUS:CANCELLED" in each for each in events)
    week = ok(api(app, student).get("/me/timetable"))["items"]
    assert all(each["offering_id"] != taught.offering_id for each in week)


def test_what_is_graded_is_not_called_off(
    sqlite_app: Flask, cast: Cast, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    graded, other = small(sqlite_app, cast, 0), small(sqlite_app, cast, 1)
    monkeypatch.setattr(hooks, "graded", [lambda _session, offering_id: offering_id == graded.offering_id])
    desk = registrar(sqlite_app, cast)
    refused(desk.post(f"{graded.offering}/cancel", WHY), 409, "offering_graded")
    both = {"ids": [graded.offering_id, other.offering_id], "event": "cancel", **WHY}
    problem = refused(desk.post("/offerings/decisions", both), 409, "one_class_of_several")
    assert "小班0" in problem["title"]
    assert [each[1] for each in listed(sqlite_app, cast)] == ["open", "open"], "all or none"
    ok(desk.post("/offerings/decisions", {**both, "ids": [other.offering_id]}))
    clock.set(NOW + 50 * DAY)
    refused(desk.post(f"{graded.offering}/cancel", WHY), 409, "teaching_over")


def test_registrars_hear_once_when_enrolling_is_over(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, clock: Clock
) -> None:
    app, worker = sqlite_app, make_worker(sqlite_database)
    small(app, cast, 0)
    small(app, cast, 1)
    small(app, cast, 2, minimum=None)
    worker.tick()
    worker.drain()
    assert heard(app, cast.who("A", "registrar")) == []
    for _again in range(2):
        clock.set(OVER + timedelta(minutes=_again))
        worker.tick()
        worker.drain()
    assert heard(app, cast.who("A", "registrar")) == ["minimum.asked"], "one for both classes, once"
    client = app.test_client()
    browser_session(client, cast.who("A", "registrar"))
    assert "教学班待确认开班" in client.get("/").get_data(as_text=True)


# --- the rescue window ------------------------------------------------------------------------------------------


def test_who_lost_a_seat_may_enrol_elsewhere_until_a_date(
    app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    student, other = add_people(database, cast, "B", 2)
    lost = small(app, cast, 0)
    same = {"code": "02", "meetings": [at_time(1)], "seats": 5, "enrol_until": OVER.isoformat()}
    teacher = api(app, cast.who("A", "teacher"))
    from support.teaching import offering_body

    second = ok(teacher.post(f"{lost.course}/offerings", offering_body(**same)), 201)
    ok(teacher.post(f"/offerings/{second['id']}/publish"))
    open_, full, clashing = small(app, cast, 2), small(app, cast, 3, minimum=None, seats=1), None
    busy = small(app, cast, 4)
    small(app, cast, 6, minimum=None)
    clashing = teach(
        app, cast, code="CLASH", title_zh="冲突", meeting=at_time(4), offering={"enrol_until": OVER.isoformat()}
    )
    chosen = small(app, cast, 5, offering={"seats_by": "choice"})
    take(app, other, full)
    for taught in (lost, busy):
        approve(app, cast, take(app, student, taught))
    clock.set(OVER + DAY)
    refused(api(app, student).post(open_.seats, {}), 409, "window_closed")
    ok(registrar(app, cast).post(f"{lost.offering}/cancel", WHY))

    until = (OVER + 6 * DAY).isoformat()
    ahead = ok(api(app, student).get(f"{open_.offering}/eligibility"))
    assert ahead["allowed"] and ahead["rescue_until"] == until and not ahead["may_wait"]
    assert not ok(api(app, other).get(f"{open_.offering}/eligibility"))["allowed"]
    mine = ok(api(app, student).get("/me/lost-seats"))["items"]
    assert [each["course"]["code"] for each in mine] == ["M0"] and mine[0]["until"] == until
    shown = [(each["course"]["code"], each["same_course"], each["unsure"]) for each in mine[0]["alternatives"]]
    firm = ("M6", False, False)
    assert shown == [("M0", True, False), firm, ("M2", False, True)], (
        "the same course first; none full, chosen, clashing"
    )
    assert chosen and clashing
    said = {"outcome": "counts", "course_id": open_.course_id, "code": "PUB1", "name": "公共选修课"}
    ok(registrar(app, cast, "B").post("/recognitions", said), 201)
    (mine,) = ok(api(app, student).get("/me/lost-seats"))["items"]
    found = [(each["course"]["code"], each["counts_as"]["outcome"]) for each in mine["alternatives"]]
    assert found == [("M0", "unsaid"), ("M2", "counts"), ("M6", "unsaid")], "what counts at home before what may not"
    refused(api(app, student).post(full.seats, {"waitlist": True}), 409, "seats_gone")
    refused(api(app, student).post(chosen.seats, {}), 409, "window_closed")
    refused(api(app, student).post(clashing.seats, {}), 409, "time_clash")

    desk = registrar(app, cast, "B")
    assert [each["instead_id"] for each in ok(desk.get("/lost-seats"))["items"]] == [None]
    made = take(app, student, open_)
    assert made["state"] == "pending" and made["decide_by"], "the home school is asked as always"
    assert [each["instead_id"] for each in ok(desk.get("/lost-seats"))["items"]] == [made["id"]]
    refused(api(app, student).post(f"/offerings/{second['id']}/enrolments", {}), 409, "window_closed")
    ok(desk.post(f"/enrolments/{made['id']}/deny", {"reason": "学分已满"}))
    assert ok(api(app, student).get(f"{open_.offering}/eligibility"))["rescue_until"] == until, "it is missing again"
    clock.set(OVER + 6 * DAY)
    refused(api(app, student).post(open_.seats, {}), 409, "window_closed")


def test_one_lost_seat_stays_one_however_often_its_rescue_is_called_off(
    app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    first, second, third, fourth = (small(app, cast, number) for number in range(4))
    student, desk = add_people(database, cast, "B", 1)[0], registrar(app, cast)
    row = take(app, student, first)
    for taught, instead in ((first, second), (second, third)):
        clock.set(OVER + DAY if taught is first else OVER + 2 * DAY)
        ok(desk.post(f"{taught.offering}/cancel", WHY))
        clock.advance(timedelta(hours=1))
        made = take(app, student, instead)
        refused(api(app, student).post(fourth.seats, {}), 409, "window_closed")
        shown = {
            each["enrolment_id"]: each["instead_id"] for each in ok(api(app, student).get("/me/lost-seats"))["items"]
        }
        assert shown[row["id"]] == made["id"]
        row = made


def test_the_lost_seat_no_longer_counts_towards_the_credit_cap(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, clock: Clock
) -> None:
    from zutuan.policies.rules import Place
    from zutuan.policies.services import decide

    app, student = sqlite_app, cast.who("B", "student")
    with sqlite_database.write() as session:
        actor = load_actor(session, session.get_one(Person, cast.who("B", "school_admin").id), NOW)
        decide(session, actor, Place(school_id=cast.schools["B"]), "enrolment.credit_cap", 2)
    lost, other = small(app, cast, 0), small(app, cast, 1)
    take(app, student, lost)
    refused(api(app, student).post(other.seats, {}), 409, "credit_cap")
    ok(registrar(app, cast).post(f"{lost.offering}/cancel", WHY))
    take(app, student, other)


# --- pages ------------------------------------------------------------------------------------------------------


def page(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.get_data(as_text=True)


def test_the_pages_show_it_to_registrar_student_and_home(sqlite_app: Flask, cast: Cast, clock: Clock) -> None:
    app, student = sqlite_app, cast.who("B", "student")
    taught, other = small(app, cast, 0), small(app, cast, 1)
    approve(app, cast, take(app, student, taught))
    clock.set(OVER)
    desk, learner, home = (app.test_client() for _ in range(3))
    browser_session(desk, cast.who("A", "registrar"))
    browser_session(learner, student)
    browser_session(home, cast.who("B", "registrar"))
    assert "满 3 人开班，现 1 人" in page(learner, taught.offering)
    shown = page(desk, "/confirmations?standing=waiting")
    assert "小班0" in shown and "小班1" in shown
    form = {"csrf_token": csrf_token(desk), "id": str(taught.offering_id), "do": "cancel"}
    asked = desk.post("/confirmations", data={**form, "do": "ask"})
    assert asked.status_code == 200 and "将停开 1 个教学班，涉及 1 名学生" in asked.get_data(as_text=True)
    for event in ("cancel", "confirm"):
        answer = desk.post("/confirmations", data={**form, "do": event})
        said = answer.get_data(as_text=True)
        assert answer.status_code == 422 and 'id="f-reason-error"' in said and "没有保存任何一项" not in said
        assert f'value="{taught.offering_id}" form="batch" checked' in said
    again = desk.post("/confirmations", data={**form, "reason": WHY["reason"]}, follow_redirects=True)
    assert again.status_code == 200 and "停开" in again.get_data(as_text=True)
    assert "停开补选" in page(learner, "/")
    shown = page(learner, "/rescue")
    assert other.offering in shown and "本校尚未说明认定为什么" in shown
    assert "停开补选，至" in page(learner, other.offering)
    assert "停开" in page(learner, taught.offering) and "/rescue" in page(learner, taught.offering)
    assert "停开" in page(learner, "/enrolments") and "停开" in page(desk, taught.course)
    assert "还没有" in page(home, "/rescue/students") and "本校学生停开待补选" in page(home, "/")
    assert learner.get("/confirmations").status_code == learner.get("/rescue/students").status_code == 403
    assert "没有停开的选课" in page(desk, "/rescue")


# --- at once ----------------------------------------------------------------------------------------------------


def test_confirm_cancel_and_enrol_at_once_leave_one_decision(
    fresh: Fresh, app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    """Two registrars' clicks and students' at the same moment: one decision stands, and nobody sits in what is off."""
    people = add_people(database, cast, "B", 6)
    classes = [small(app, cast, number, seats=10) for number in range(3)]
    for taught in classes:
        take(app, people[0], taught)
    with database.write() as session:  # enrolling is over for the rule that confirms, and a round is open again
        actor = load_actor(session, session.get_one(Person, cast.who("A", "registrar").id), NOW)
        students = [load_actor(session, session.get_one(Person, each.id), NOW) for each in people[1:]]
    late = load_later(database, cast.who("A", "registrar"))
    jobs_of = [
        [(services.confirm, late), (services.cancel, late)],
        [(services.cancel, late), (services.cancel, late)],
        [(services.cancel, actor), *((enrolling.enrol, each) for each in students)],
    ]
    databases = [Database(fresh.url, pool_size=1) for _ in range(6)]
    try:
        for taught, jobs in zip(classes, jobs_of, strict=True):
            ends = at_once(databases, taught.offering_id, jobs)
            with database.read() as session:
                offering = session.get_one(Offering, taught.offering_id)
                held = session.scalar(sa.select(sa.func.count()).where(
                    Enrolment.offering_id == offering.id, Enrolment.holds_seat()))  # fmt: skip
                assert seats_add_up(session) == [] == nobody_sits_in_what_is_closed(session)
                assert offering.decided_at is not None and (held == 0) == (offering.state == "cancelled")
            if len(jobs) == 2:
                assert sorted(ends)[1] == "done" and sorted(ends)[0] in ("class_confirmed", "class_cancelled"), ends
            assert set(ends) <= {"done", "class_confirmed", "class_cancelled", "offering_closed", "offering_changed"}
    finally:
        for each in databases:
            each.dispose()


def load_later(database: Database, who: Player) -> Any:
    with database.read() as session:
        return load_actor(session, session.get_one(Person, who.id), OVER + DAY)


def at_once(databases: list[Database], offering_id: int, jobs: list[Any]) -> list[str]:
    barrier = Barrier(len(jobs))

    def one(index: int) -> str:
        do, actor = jobs[index]
        barrier.wait(60)
        try:
            with databases[index].write() as session:
                do(session, actor, offering_id, *(["理由"] if do is not enrolling.enrol else []))
        except (Refused, NotFound) as error:
            return error.code
        return "done"

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(one, range(len(jobs))))


def test_a_calendar_that_changes_brings_nothing_back(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, clock: Clock
) -> None:
    """What was called off has no meetings to move, and its books stay as they are."""
    from courses.catalogue.timing import sources

    taught = small(sqlite_app, cast)
    with sqlite_database.read() as session:
        assert [each.id for each in sources(session, [cast.terms["A"]])] == [taught.offering_id]
    ok(registrar(sqlite_app, cast).post(f"{taught.offering}/cancel", WHY))
    with sqlite_database.read() as session:
        assert sources(session, [cast.terms["A"]]) == []
        offering = session.get_one(Offering, taught.offering_id)
        assert all(each.starts <= NOW for each in catalogue.queries.occurrences(session, offering.id))
