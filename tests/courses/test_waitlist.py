"""Pools, the queue, approvals in steps, returns, transfers, and what stands against a seat: through the API, as people use it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from support.cast import NOW, Cast, Player
from support.http import api, browser_session
from support.teaching import CLOSES, MEETING, OPENS, add_people, at_time, calm, drain, ok, refused, teach

from courses.catalogue import services as catalogue
from courses.catalogue.models import Course
from courses.enrolment import enrolling
from courses.enrolment.checks import seats_add_up
from courses.enrolment.models import Enrolment
from zutuan.app import make_worker
from zutuan.calendar.book import book
from zutuan.calendar.plan import Meeting
from zutuan.clock import Clock
from zutuan.db import Database
from zutuan.people.models import Affiliation, Person
from zutuan.people.services import load_actor
from zutuan.policies.rules import Place
from zutuan.policies.services import decide
from zutuan.sharing import scopes
from zutuan.sharing.models import AuditEvent

DAY = timedelta(days=1)


def policy(app: Flask, cast: Cast, school: str, key: str, value: Any) -> None:
    admin, database = cast.who(school, "school_admin"), app.extensions["zutuan"].database
    with database.write() as session:
        actor = load_actor(session, session.get_one(Person, admin.id), NOW)
        decide(session, actor, Place(school_id=cast.schools[school]), key, value)


def wait(app: Flask, who: Player, path: str) -> dict[str, Any]:
    return dict(ok(api(app, who).post(path, {"waitlist": True}), 201))


def take(app: Flask, who: Player, path: str, **body: Any) -> dict[str, Any]:
    return dict(ok(api(app, who).post(path, body), 201))


def act(app: Flask, who: Player, enrolment: dict[str, Any], event: str, **body: Any) -> dict[str, Any]:
    return dict(ok(api(app, who).post(f"/enrolments/{enrolment['id']}/{event}", body)))


def see(app: Flask, who: Player, enrolment: dict[str, Any]) -> dict[str, Any]:
    return dict(ok(api(app, who).get(f"/enrolments/{enrolment['id']}")))


def left(app: Flask, cast: Cast, offering: str) -> dict[str, tuple[int, int]]:
    """Pool scope → (capacity, taken)."""
    pools = ok(api(app, cast.who("A", "teacher")).get(offering))["pools"]
    with app.extensions["zutuan"].database.read() as session:
        assert seats_add_up(session) == []
    return {each["scope"]: (each["capacity"], each["taken"]) for each in pools}


# --- the queue --------------------------------------------------------------------------------------------------


def test_a_freed_seat_goes_to_the_first_in_the_queue(app: Flask, database: Database, cast: Cast, clock: Clock) -> None:
    taught = teach(app, cast, seats=1)
    holder, first, second = add_people(database, cast, "B", 3)
    held = take(app, holder, taught.seats)
    refused(api(app, first).post(taught.seats, {}), 409, "seats_gone")
    waiting, last = wait(app, first, taught.seats), wait(app, second, taught.seats)
    assert (waiting["state"], waiting["place"], last["place"], last["waiting"]) == ("waitlisted", 1, 2, 2)
    refused(api(app, first).post(taught.seats, {"waitlist": True}), 409, "already_enrolled")
    ahead = ok(api(app, holder).get(f"{taught.offering}/eligibility"))
    assert ahead["waiting"] == 2 and not ahead["allowed"]

    act(app, holder, held, "withdraw")
    offered = see(app, first, waiting)
    assert offered["state"] == "offered" and offered["decide_by"] == (NOW + DAY).isoformat()
    assert see(app, second, last)["place"] == 1
    assert left(app, cast, taught.offering) == {"all": (1, 1)}, "an offered seat is nobody else's"
    refused(api(app, holder).post(taught.seats, {}), 409, "seats_gone")
    drain(database)
    kinds = [each["kind"] for each in ok(api(app, first).get("/me/notices"))["items"]]
    assert kinds == ["enrolment.offer", "enrolment.queue"]

    taken = act(app, first, waiting, "accept")
    assert (taken["state"], taken["home_state"], taken["host_state"]) == ("pending", "pending", "accepted")
    assert taken["decide_by"] == (NOW + 5 * DAY).isoformat()
    assert act(app, cast.who("B", "registrar"), waiting, "approve")["state"] == "enrolled"
    assert act(app, second, last, "withdraw")["state"] == "withdrawn"
    assert left(app, cast, taught.offering) == {"all": (1, 1)}


def test_an_offer_that_lapses_goes_to_the_next_and_the_queue_ends_with_enrolling(
    app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    taught = teach(app, cast, seats=1)
    holder, first, second, third = add_people(database, cast, "B", 4)
    held = take(app, holder, taught.seats)
    rows = [wait(app, each, taught.seats) for each in (first, second, third)]
    act(app, holder, held, "withdraw")
    clock.advance(DAY)
    refused(api(app, first).post(f"/enrolments/{rows[0]['id']}/accept", {}), 409, "offer_lapsed")
    make_worker(database).tick()
    assert [see(app, who, row)["state"] for who, row in zip((first, second, third), rows, strict=True)] == [
        "expired", "offered", "waitlisted",
    ]  # fmt: skip
    clock.set(CLOSES)
    make_worker(database).tick()
    assert see(app, third, rows[2])["state"] == "expired"
    assert left(app, cast, taught.offering) == {"all": (1, 0)}


def test_more_seats_go_to_those_who_wait_and_fewer_take_nobodys(
    app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    taught, teacher = teach(app, cast, seats=1), api(app, cast.who("A", "teacher"))
    people = add_people(database, cast, "B", 5)
    take(app, people[0], taught.seats)
    rows = [wait(app, each, taught.seats) for each in people[1:]]

    def seats(n: int) -> None:
        tag = teacher.get(taught.offering).headers["ETag"]
        ok(teacher.patch(taught.offering, {"seats": n}, headers={"If-Match": tag}))

    seats(3)
    states = [see(app, who, row)["state"] for who, row in zip(people[1:], rows, strict=True)]
    assert states == ["offered", "offered", "waitlisted", "waitlisted"]
    seats(1)
    assert left(app, cast, taught.offering) == {"all": (3, 3)}
    act(app, people[1], rows[0], "withdraw")
    assert left(app, cast, taught.offering) == {"all": (2, 2)}, "a seat too many goes away before anybody gets it"
    assert see(app, people[3], rows[2])["state"] == "waitlisted"


def test_who_may_not_have_the_seat_now_keeps_their_place_and_is_told_why(
    app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    taught = teach(app, cast, seats=1)
    other = teach(app, cast, seats=5, code="EDU2", title_zh="同时的课")
    holder, first, second = add_people(database, cast, "B", 3)
    held = take(app, holder, taught.seats)
    rows = [wait(app, each, taught.seats) for each in (first, second)]
    take(app, first, other.seats)  # meets at the same time
    act(app, holder, held, "withdraw")
    passed_over = see(app, first, rows[0])
    assert (passed_over["state"], passed_over["waits_because"], passed_over["place"]) == ("waitlisted", "time_clash", 1)
    assert see(app, second, rows[1])["state"] == "offered"


# --- pools ------------------------------------------------------------------------------------------------------


def test_seats_are_kept_for_schools_and_taken_from_the_nearest_pool(
    app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    ours = scopes.school(cast.schools["B"])
    pools = [{"scope": ours, "seats": 1}, {"scope": "all", "seats": 1}]
    taught = teach(app, cast, offering={"seats": None, "pools": pools})
    b = add_people(database, cast, "B", 3)
    c = add_people(database, cast, "C", 2)
    take(app, c[0], taught.seats)
    assert left(app, cast, taught.offering) == {ours: (1, 0), "all": (1, 1)}
    refused(api(app, c[1]).post(taught.seats, {}), 409, "seats_of_school_gone")
    held = take(app, b[0], taught.seats)
    assert left(app, cast, taught.offering) == {ours: (1, 1), "all": (1, 1)}
    from_c, from_b = wait(app, c[1], taught.seats), wait(app, b[1], taught.seats)
    act(app, b[0], held, "withdraw")
    assert see(app, c[1], from_c)["state"] == "waitlisted", "B's seat is none of C's"
    assert see(app, b[1], from_b)["state"] == "offered"
    only_b = teach(app, cast, code="EDU2", meeting=at_time(1), offering={"seats": None, "pools": pools[:1]})
    refused(api(app, c[1]).post(only_b.seats, {}), 409, "no_seats_for_school")


# --- approvals --------------------------------------------------------------------------------------------------


def test_the_roster_names_the_seats_waited_for_and_the_workbench_the_place(
    app: Flask, client: FlaskClient, database: Database, cast: Cast, clock: Clock
) -> None:
    pools = [{"scope": scopes.school(cast.schools[each]), "seats": 1} for each in "BC"]
    taught, gone = (
        teach(app, cast, offering={"pools": pools, "seats": None}),
        teach(app, cast, code="X", meeting=at_time(5)),
    )
    for school in "BC":
        holder, other = add_people(database, cast, school, 2)
        take(app, holder, taught.seats)
        wait(app, other, taught.seats)
    student = cast.who("B", "student")
    wait(app, student, taught.seats)
    act(app, student, take(app, student, gone.seats), "withdraw")
    browser_session(client, cast.who("A", "teacher"))
    page = client.get(f"{taught.offering}/roster?state=waitlisted").text
    rows = [each.split("</tr>")[0] for each in page.split("位，共 ")[1:]]
    assert [(each[0], [s for s in "BC" if cast.name_of(s) in each.split("</td>")[0]]) for each in rows] == [
        ("2", ["B"]), ("1", ["C"]), ("2", ["B"]),
    ]  # fmt: skip
    browser_session(client, student)
    page = client.get("/").text
    assert page.index("候补第 2 位，共 2 人") < page.index("已退出"), "what lives stands first"


def test_two_steps_a_return_and_a_reminder(app: Flask, database: Database, cast: Cast, clock: Clock) -> None:
    policy(app, cast, "B", "enrolment.home_approval", "both")
    taught, student = teach(app, cast), cast.who("B", "student")
    secretary, registrar = cast.who("B", "secretary"), cast.who("B", "registrar")
    asked = take(app, student, taught.seats, statement="想学")
    assert ok(api(app, cast.who("B", "student")).get(f"/enrolments/{asked['id']}"))["home_steps"] == 2
    drain(database)
    assert [each["kind"] for each in ok(api(app, secretary).get("/me/notices"))["items"]] == ["enrolment.to_approve"]
    assert act(app, student, asked, "remind")["state"] == "pending"
    refused(api(app, student).post(f"/enrolments/{asked['id']}/remind", {}), 409, "reminded_already")

    returned = act(app, secretary, asked, "return", reason="请写明用途")
    assert returned["returned"] and returned["state"] == "pending"
    refused(api(app, secretary).post(f"/enrolments/{asked['id']}/approve", {}), 409, "waits_for_student")
    refused(api(app, student).post(f"/enrolments/{asked['id']}/remind", {}), 409, "nothing_awaited")
    again = act(app, student, asked, "resubmit", statement="为了毕业设计")
    assert (again["returned"], again["statement"], again["decide_by"]) == (False, "为了毕业设计", asked["decide_by"])
    refused(api(app, student).post(f"/enrolments/{asked['id']}/resubmit", {"statement": "x"}), 409, "not_returned")

    reviewed = act(app, secretary, asked, "approve")
    assert (reviewed["state"], reviewed["home_step"]) == ("pending", 1)
    refused(api(app, secretary).post(f"/enrolments/{asked['id']}/approve", {}), 403, "forbidden")
    assert act(app, registrar, asked, "approve")["state"] == "enrolled"
    assert [each["event"] for each in see(app, student, asked)["events"]] == [
        "enrol", "remind", "return", "resubmit", "review", "approve",
    ]  # fmt: skip


def test_a_school_that_asks_nobody_and_a_host_that_asks(
    app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    policy(app, cast, "B", "enrolment.home_approval", "none")
    student, host = cast.who("B", "student"), cast.who("A", "registrar")
    at_once = take(app, student, teach(app, cast).seats)
    assert (at_once["state"], at_once["decide_by"]) == ("enrolled", None)
    policy(app, cast, "A", "enrolment.host_approval", "registrar")
    taught = teach(app, cast, code="EDU2", meeting=at_time(1))
    asked = take(app, student, taught.seats)
    assert (asked["state"], asked["home_state"], asked["host_state"]) == ("pending", "accepted", "pending")
    refused(api(app, cast.who("B", "registrar")).post(f"/enrolments/{asked['id']}/approve", {}), 409, "already_decided")
    assert [each["id"] for each in ok(api(app, host).get("/enrolments?side=host&state=requested"))["items"]] == [
        asked["id"]
    ]
    assert act(app, host, asked, "approve")["state"] == "enrolled"


def test_the_teacher_chooses_and_only_then_a_seat_is_taken(
    app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    taught, teacher = teach(app, cast, seats=1, offering={"seats": 1, "seats_by": "choice"}), cast.who("A", "teacher")
    first, second = add_people(database, cast, "B", 2)
    one, two = take(app, first, taught.seats), take(app, second, taught.seats)
    assert left(app, cast, taught.offering) == {"all": (1, 0)}
    assert act(app, teacher, two, "approve")["host_state"] == "accepted"
    assert left(app, cast, taught.offering) == {"all": (1, 1)}
    refused(api(app, teacher).post(f"/enrolments/{one['id']}/approve", {}), 409, "seats_gone")
    assert see(app, first, one)["host_state"] == "pending"
    assert act(app, cast.who("B", "registrar"), two, "approve")["state"] == "enrolled"


def test_the_steps_of_a_request_stand_in_the_audit_in_their_order(app: Flask, cast: Cast, clock: Clock) -> None:
    policy(app, cast, "B", "enrolment.home_approval", "none")
    take(app, cast.who("B", "student"), teach(app, cast).seats)
    with app.extensions["zutuan"].database.read() as session:
        found = session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id.desc()).limit(2))
        assert list(found) == ["enrolment.approve", "enrolment.enrol"]


def test_the_teacher_who_chooses_is_asked_once_and_led_to_the_roster(
    app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    taught = teach(app, cast, offering={"seats_by": "choice"})
    asked = take(app, cast.who("B", "student"), taught.seats)
    act(app, cast.who("B", "registrar"), asked, "approve")
    drain(database)
    items = ok(api(app, cast.who("A", "teacher")).get("/me/notices"))["items"]
    assert [each["link"] for each in items if "决定是否接收" in each["text"]] == [
        f"{taught.offering}/roster?state=requested"
    ]


def test_who_is_chosen_is_asked_every_rule_again(app: Flask, database: Database, cast: Cast, clock: Clock) -> None:
    """Between asking and being chosen the student took a seat at the same time elsewhere."""
    taught, teacher = teach(app, cast, offering={"seats_by": "choice"}), cast.who("A", "teacher")
    other = teach(app, cast, code="OTHER")
    (student,) = add_people(database, cast, "B", 1)
    asked, held = take(app, student, taught.seats), take(app, student, other.seats)
    refused(api(app, teacher).post(f"/enrolments/{asked['id']}/approve", {}), 409, "time_clash")
    assert left(app, cast, taught.offering) == {"all": (10, 0)}
    act(app, student, held, "withdraw")
    assert act(app, teacher, asked, "approve")["host_state"] == "accepted"


def test_the_host_s_word_does_not_move_the_home_school_s_deadline(app: Flask, cast: Cast, clock: Clock) -> None:
    taught, student = teach(app, cast, offering={"seats_by": "choice"}), cast.who("B", "student")
    asked = take(app, student, taught.seats)
    clock.advance(timedelta(days=2))
    chosen = act(app, cast.who("A", "teacher"), asked, "approve")
    assert (chosen["home_state"], chosen["decide_by"]) == ("pending", asked["decide_by"])


def test_the_answer_to_enrolling_is_what_reading_it_says(app: Flask, cast: Cast, clock: Clock) -> None:
    """It is put together from what was written, not read again."""
    taught, student = teach(app, cast), cast.who("B", "student")
    made = take(app, student, taught.seats, statement="跨校辅修")
    assert see(app, student, made) == made


def test_who_asks_ahead_hears_of_the_queue_for_their_own_seats(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, clock: Clock
) -> None:
    app = sqlite_app
    pools = [{"scope": scopes.school(cast.schools[letter]), "seats": 1} for letter in ("B", "C")]
    taught = teach(app, cast, offering={"seats": None, "pools": pools})
    b, c = add_people(sqlite_database, cast, "B", 3), add_people(sqlite_database, cast, "C", 3)
    for who in (b[0], c[0]):
        ok(api(app, who).post(taught.seats, {}), 201)
    for who in (b[1], c[1], c[2]):
        ok(api(app, who).post(taught.seats, {"waitlist": True}), 201)
    ahead = ok(api(app, b[2]).get(f"{taught.offering}/eligibility"))
    mine = ok(api(app, b[2]).post(taught.seats, {"waitlist": True}), 201)
    assert (ahead["waiting"], mine["waiting"] - 1) == (1, 1), "two of those who wait, wait for C's seats"


@pytest.mark.parametrize("how", ["seat", "queue", "choice"])
def test_what_changed_after_it_was_read_is_noticed(
    app: Flask, database: Database, cast: Cast, clock: Clock, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """The course is suspended between the student's first look and the writing of their request."""
    taught = teach(app, cast, seats=1, offering={"seats_by": "choice" if how == "choice" else "first_come"})
    one, other = add_people(database, cast, "B", 2)
    if how == "queue":
        take(app, other, taught.seats)
    see = enrolling._see

    def then_suspended(*args: Any) -> Any:
        found = see(*args)
        with database.write() as session:
            teacher = load_actor(session, session.get_one(Person, cast.who("A", "teacher").id), NOW)
            catalogue.move_course(session, teacher, session.get_one(Course, taught.course_id), "suspend")
        return found

    monkeypatch.setattr(enrolling, "_see", then_suspended)
    with database.read() as session:
        before = session.scalar(sa.select(sa.func.count()).select_from(Enrolment))
    refused(api(app, one).post(taught.seats, {"waitlist": how == "queue"}), 409, "offering_changed")
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Enrolment)) == before


# --- changing classes -------------------------------------------------------------------------------------------


def test_the_old_seat_is_kept_until_the_new_one_is_certain(
    app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    taught, student, registrar = teach(app, cast), cast.who("B", "student"), cast.who("B", "registrar")
    teacher = api(app, cast.who("A", "teacher"))
    body = {"code": "02", "seats": 1, "enrol_from": OPENS.isoformat(), "enrol_until": CLOSES.isoformat(),
            "meetings": [MEETING]}  # fmt: skip
    other = ok(teacher.post(f"{taught.course}/offerings", body), 201)
    ok(teacher.post(f"/offerings/{other['id']}/publish"))
    seats = f"/offerings/{other['id']}/enrolments"
    old = take(app, student, taught.seats)
    act(app, registrar, old, "approve")
    refused(api(app, student).post(seats, {}), 409, "in_other_class")
    stranger = add_people(database, cast, "B", 1)[0]
    refused(api(app, stranger).post(seats, {"replaces_id": old["id"]}), 422, "invalid")
    new = take(app, student, seats, replaces_id=old["id"])
    assert see(app, student, old)["state"] == "enrolled", "nothing is given up yet"
    act(app, registrar, new, "approve")
    gone = see(app, student, old)
    assert gone["state"] == "withdrawn" and gone["events"][-1]["event"] == "transfer"
    assert see(app, student, new)["state"] == "enrolled"
    assert left(app, cast, taught.offering) == {"all": (10, 0)}


def test_the_registrar_gives_back_what_a_student_on_leave_holds(
    app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    taught, student, registrar = teach(app, cast), cast.who("B", "student"), cast.who("B", "registrar")
    held = take(app, student, taught.seats)
    act(app, registrar, held, "approve")
    path = f"/enrolments/{held['id']}/release"
    refused(api(app, registrar).post(path, {"reason": "休学"}), 409, "still_in_standing")
    with database.write() as session:
        session.execute(
            sa.update(Affiliation).where(Affiliation.id == student.affiliation_id).values(standing="suspended")
        )
        session.info["audited"] = True
    refused(api(app, registrar).post(path, {"reason": ""}), 422, "invalid")
    refused(api(app, cast.who("A", "registrar")).post(path, {"reason": "休学"}), 403, "forbidden")
    assert act(app, registrar, held, "release", reason="休学")["state"] == "withdrawn"
    assert left(app, cast, taught.offering) == {"all": (10, 0)}


# --- what stands against a seat ---------------------------------------------------------------------------------


def test_time_is_compared_as_absolute_time_across_schools_and_with_what_is_ones_own(
    app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    student = cast.who("B", "student")
    first = teach(app, cast)
    take(app, student, first.seats)
    there = teach(app, cast, "C", audience=[scopes.PLATFORM], code="C1")
    body = refused(api(app, student).post(there.seats, {}), 409, "time_clash")
    assert "教育心理学" in body["title"] and body["detail"]
    ahead = ok(api(app, student).get(f"{there.offering}/eligibility"))
    assert [each["code"] for each in ahead["reasons"]] == ["time_clash"] and not ahead["may_wait"]
    with database.write() as session:
        mine = Meeting(NOW + 7 * DAY, NOW + 7 * DAY + timedelta(hours=12), 13, 3, 1)
        book(session, ("person", student.id), ("person", student.id), [mine])
        session.info["audited"] = True
    later = teach(
        app, cast, "C", audience=[scopes.PLATFORM], code="C2", meeting={**MEETING, "first_period": 3, "last_period": 4}
    )
    refused(api(app, student).post(later.seats, {}), 409, "time_clash")


def test_credits_grades_and_majors(app: Flask, database: Database, cast: Cast, clock: Clock) -> None:
    policy(app, cast, "B", "enrolment.credit_cap", 4)
    student = cast.who("B", "student")
    for number in (1, 2):
        take(app, student, teach(app, cast, code=f"EDU{number}", meeting=at_time(number)).seats)
    third = teach(app, cast, code="EDU3", meeting=at_time(3))
    refused(api(app, student).post(third.seats, {}), 409, "credit_cap")
    other = add_people(database, cast, "B", 1)[0]
    for_some = teach(
        app, cast, code="EDU4", meeting=at_time(4), offering={"for_grades": ["1999"], "for_majors": ["天文学"]}
    )
    reasons = ok(api(app, other).get(f"{for_some.offering}/eligibility"))["reasons"]
    assert [each["code"] for each in reasons] == ["not_your_grade", "not_your_major"]
    refused(api(app, other).post(for_some.seats, {}), 409, "not_your_grade")


ROUND = {"opens": OPENS.isoformat(), "closes": CLOSES.isoformat()}


@pytest.mark.parametrize(
    ("offering", "field"),
    [
        ({"pools": [{"scope": "all", "seats": 1}, {"scope": "all", "seats": 2}]}, "pools.1.scope"),
        ({"pools": [{"scope": "school:999", "seats": 1}]}, "pools.0.scope"),
        ({"pools": [{"scope": "person:1", "seats": 1}]}, "pools.0.scope"),
        ({"pools": [{"scope": "all", "seats": -1}]}, "pools.0.seats"),
        ({"pools": [{"scope": "all", "seats": 2000}, {"scope": "school:1", "seats": 1}]}, "pools"),
        ({"rounds": [{"kind": "main", "opens": CLOSES.isoformat(), "closes": OPENS.isoformat()}]}, "rounds.0.closes"),
        ({"rounds": [{"kind": "main", **ROUND}, {"kind": "main", **ROUND}]}, "rounds.1.kind"),
        ({"rounds": [{"kind": "add_drop", **ROUND}, {"kind": "main", **ROUND}]}, "rounds.0.opens"),
        ({"rounds": [{"kind": "lunch", **ROUND}]}, "rounds.0.kind"),
        ({"seats_by": "auction"}, "seats_by"),
    ],
)
def test_bad_pools_and_rounds_are_told_by_field(
    sqlite_app: Flask, cast: Cast, offering: dict[str, Any], field: str
) -> None:
    taught, teacher = teach(sqlite_app, cast), api(sqlite_app, cast.who("A", "teacher"))
    body = {"code": "02", "seats": 1, "enrol_from": OPENS.isoformat(), "enrol_until": CLOSES.isoformat(), **offering}
    with calm():
        answer = refused(teacher.post(f"{taught.course}/offerings", body), 422, "invalid")
    assert [each["field"] for each in answer["errors"]] == [field]


def test_between_two_rounds_nobody_enrols(app: Flask, cast: Cast, clock: Clock) -> None:
    rounds = [
        {"kind": "main", "opens": (NOW - 2 * DAY).isoformat(), "closes": (NOW - DAY).isoformat()},
        {"kind": "add_drop", "opens": (NOW + DAY).isoformat(), "closes": (NOW + 2 * DAY).isoformat()},
    ]
    taught = teach(app, cast, offering={"rounds": rounds, "enrol_from": None, "enrol_until": None})
    student = api(app, cast.who("B", "student"))
    refused(student.post(taught.seats, {}), 409, "window_not_open")
    clock.set(NOW + DAY)
    ok(student.post(taught.seats, {}), 201)
