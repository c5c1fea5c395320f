"""The approval centre and rosters: filters, what is shown beside each request, many at once, who may what."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from support.cast import LONG_AGO, NOW, Cast, Player
from support.http import api, browser_session, csrf_token
from support.teaching import Taught, add_people, at_time, changes_nothing, drain, offering_body, ok, refused, teach

from courses.catalogue import queries as catalogue
from courses.catalogue.models import Offering
from courses.enrolment import services
from courses.enrolment.choosing import choose_each
from courses.enrolment.models import Enrolment
from zutuan.calendar.book import book
from zutuan.calendar.plan import Meeting
from zutuan.clock import Clock
from zutuan.db import Database
from zutuan.notices.models import Notice
from zutuan.people.models import Affiliation, Person
from zutuan.people.roles import At, grant_role
from zutuan.people.services import ensure_department, load_actor
from zutuan.policies.rules import Place
from zutuan.policies.services import decide
from zutuan.sharing.models import AuditEvent
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit


def policy(database: Database, cast: Cast, school: str, key: str, value: Any) -> None:
    with database.write() as session:
        actor = load_actor(session, session.get_one(Person, cast.who(school, "school_admin").id), NOW)
        decide(session, actor, Place(school_id=cast.schools[school]), key, value)


def ask(database: Database, people: list[Player], taught: Taught, statement: str = "") -> list[int]:
    """Each of them asks for a seat, by the service that pages and API use."""
    made = []
    for each in people:
        with database.write() as session:
            actor = load_actor(session, session.get_one(Person, each.id), NOW)
            made.append(services.enrol(session, actor, taught.offering_id, statement=statement).id)
    return made


def states(database: Database) -> dict[str, int]:
    with database.read() as session:
        query = sa.select(Enrolment.home_state, sa.func.count()).group_by(Enrolment.home_state)
        return dict(session.execute(query).tuples().all())


def signed_in(app: Flask, who: Player) -> tuple[FlaskClient, dict[str, str]]:
    client = app.test_client()
    browser_session(client, who)
    return client, {"csrf_token": csrf_token(client)}


def named(page: str) -> list[str]:
    """The students of the table."""
    return re.findall(r'class="title" href="/enrolments/\d+">([^<]+)</a>', page)


@pytest.mark.parametrize("count", [20, 200])
def test_many_at_once_all_or_none(sqlite_app: Flask, sqlite_database: Database, cast: Cast, count: int) -> None:
    """200 are as many as one may tick; that many run only thoroughly."""
    late = count * 3 // 4
    taught = teach(sqlite_app, cast, seats=300)
    people = add_people(sqlite_database, cast, "B", count)
    ids = ask(sqlite_database, people, taught, "想在教育实习之前学完。")
    client, token = signed_in(sqlite_app, cast.who("B", "registrar"))
    page = client.get("/approvals?n=200").text
    assert len(named(page)) == count and page.count('name="id"') == count and "想在教育实习之前学完" in page
    assert 'class="note num">B9' in page and "本学期共 2 学分" in page and "未检查冲突" in page

    with sqlite_database.write() as session:
        session.get_one(Enrolment, ids[late]).returned = True
        audit(session, None, "test.returned", Subject(), now=NOW)
    with changes_nothing(sqlite_database):
        refused = client.post("/approvals?n=200", data={"id": ids, "do": "approve", **token})
    assert refused.status_code == 409 and "已退回学生修改" in refused.text
    assert f"B student {people[late].number[2:].lstrip('0')}" in refused.text, "the refusal names the student"
    assert refused.text.count('name="id"') == count - 1 and refused.text.count(" checked") >= count - 1
    rest = [each for each in ids if each != ids[late]]
    done = client.post("/approvals?n=200&side=home", data={"id": rest, "do": "approve", **token})
    assert done.status_code == 302 and done.headers["Location"] == "/approvals?n=200&side=home"
    assert states(sqlite_database) == {"accepted": count - 1, "pending": 1}
    drain(sqlite_database)
    with sqlite_database.read() as session:
        told = session.scalar(sa.select(sa.func.count()).where(Notice.kind == "enrolment.approve"))
        written = session.scalar(sa.select(sa.func.count()).where(AuditEvent.action == "enrolment.approve"))
    assert (told, written) == (count - 1, count - 1)


def test_more_than_two_hundred_or_nothing_is_refused(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    client, token = signed_in(sqlite_app, cast.who("B", "registrar"))
    with changes_nothing(sqlite_database):
        too_many = client.post("/approvals", data={"id": list(range(1, 202)), **token})
        nothing = client.post("/approvals", data=token)
    assert (too_many.status_code, nothing.status_code) == (409, 409)
    assert "最多办理 200 项" in too_many.text and "还没有选中" in nothing.text


def test_a_batch_is_returned_or_denied_with_a_reason(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    taught = teach(sqlite_app, cast)
    people = add_people(sqlite_database, cast, "B", 4)
    ids = ask(sqlite_database, people, taught)
    client, token = signed_in(sqlite_app, cast.who("B", "registrar"))
    with changes_nothing(sqlite_database):
        assert client.post("/approvals", data={"id": ids, "do": "return", **token}).status_code == 422
    assert (
        client.post("/approvals", data={"id": ids[:2], "do": "return", "reason": "请写明理由", **token}).status_code
        == 302
    )
    returned = client.get("/approvals?step=returned").text
    assert len(named(returned)) == 2 and "学生修改中" in returned and 'name="id"' not in returned
    assert client.post("/approvals", data={"id": ids[2:], "do": "deny", "reason": "重复", **token}).status_code == 302
    assert states(sqlite_database) == {"pending": 2, "denied": 2}


def test_filters_and_what_waits_for_whom(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    """Two steps at B: its secretary's department first, other departments fall to the registrar."""
    policy(sqlite_database, cast, "B", "enrolment.home_approval", "both")
    one, other = teach(sqlite_app, cast), teach(sqlite_app, cast, code="E2", title_zh="班级管理", meeting=at_time(4))
    here, elsewhere = add_people(sqlite_database, cast, "B", 3), add_people(sqlite_database, cast, "B", 2)
    with sqlite_database.write() as session:
        department = ensure_department(session, cast.schools["B"], "文学院").id
        change = sa.update(Affiliation).where(Affiliation.id.in_([each.affiliation_id for each in elsewhere]))
        session.execute(change.values(department_id=department))
        audit(session, None, "test.moved", Subject(), now=NOW)
    ask(sqlite_database, here, one)
    ids = ask(sqlite_database, elsewhere, other)
    registrar, token = signed_in(sqlite_app, cast.who("B", "registrar"))
    secretary, her_token = signed_in(sqlite_app, cast.who("B", "secretary"))
    assert len(named(registrar.get("/approvals").text)) == 5
    assert len(named(registrar.get("/approvals?mine=1").text)) == 2, "nobody is secretary there"
    assert "等我审核 2 项" in registrar.get("/approvals").text
    assert len(named(registrar.get(f"/approvals?course_id={one.course_id}").text)) == 3
    assert len(named(registrar.get(f"/approvals?department_id={department}").text)) == 2
    assert len(named(registrar.get("/approvals?step=department").text)) == 5
    assert named(registrar.get("/approvals?step=registrar").text) == []
    page = secretary.get("/approvals").text
    assert len(named(page)) == 3 and "等我审核 3 项" in page and "不通过所选" not in page
    assert "选课等待审核" in secretary.get("/").text
    assert secretary.post("/approvals", data={"id": ids, **her_token}).status_code == 404
    mine = re.findall(r'name="id" value="(\d+)"', page)
    assert secretary.post("/approvals", data={"id": mine, **her_token}).status_code == 302
    assert "没有等我审核" in secretary.get("/approvals").text
    assert len(named(registrar.get("/approvals?mine=1").text)) == 5
    assert len(named(registrar.get("/approvals?step=registrar&mine=1").text)) == 3
    listed = ok(api(sqlite_app, cast.who("B", "registrar")).get("/enrolments?side=home&mine=true&step=department"))
    assert listed["total"] == 2


def test_a_deputy_works_as_the_registrar_does(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, clock: Clock
) -> None:
    taught = teach(sqlite_app, cast)
    (student,) = add_people(sqlite_database, cast, "B", 1)
    ids = ask(sqlite_database, [student], taught)
    deputy = cast.who("B", "teacher")
    with sqlite_database.write() as session:
        person = session.get_one(Person, deputy.id)
        grant_role(session, None, person, "registrar", At(cast.schools["B"]), LONG_AGO, NOW + timedelta(days=3))
    client, token = signed_in(sqlite_app, deputy)
    assert "等我审核 1 项" in client.get("/approvals").text
    assert client.post("/approvals", data={"id": ids, **token}).status_code == 302
    clock.advance(timedelta(days=4))
    client, _token = signed_in(sqlite_app, deputy)
    assert client.get("/approvals").status_code == 403


def test_what_stands_beside_a_request(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    """Credits of the term, a clash that came after the request, a standing that has changed."""
    one, other = teach(sqlite_app, cast), teach(sqlite_app, cast, code="E2", credits=3, meeting=at_time(4))
    (student,) = add_people(sqlite_database, cast, "B", 1)
    ask(sqlite_database, [student], one)
    ask(sqlite_database, [student], other)
    policy(sqlite_database, cast, "B", "enrolment.credit_cap", 4)
    with sqlite_database.write() as session:
        first = [each for each in catalogue.occurrences(session, one.offering_id) if each.ends > NOW][0]
        meeting = Meeting(first.starts, first.ends, first.week, first.weekday, first.period)
        book(session, ("person", student.id), ("person", 1), [meeting])
        session.get_one(Affiliation, student.affiliation_id).standing = "suspended"
        audit(session, None, "test.standing", Subject(), now=NOW)
    client, _token = signed_in(sqlite_app, cast.who("B", "registrar"))
    page = client.get("/approvals").text
    assert page.count("本学期共 5 / 4 学分") == 2 and "休学" in page
    assert page.count("冲突 1 次") == 1


def test_the_way_between_two_campuses_stands_beside_a_request(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast
) -> None:
    """As when they asked (`rules.clash`): the host has since said that the way takes longer."""
    early = teach(sqlite_app, cast, delivery="on_site", meeting=at_time(0))
    late = teach(sqlite_app, cast, "C", code="E2", delivery="on_site", meeting=at_time(1))
    (student,) = add_people(sqlite_database, cast, "B", 1)
    policy(sqlite_database, cast, "A", "enrolment.travel_minutes", 0)
    policy(sqlite_database, cast, "C", "enrolment.travel_minutes", 0)
    ask(sqlite_database, [student], early)
    ask(sqlite_database, [student], late)
    client, _token = signed_in(sqlite_app, cast.who("B", "registrar"))
    assert "来不及往返" not in client.get("/approvals").text
    policy(sqlite_database, cast, "A", "enrolment.travel_minutes", 300)
    page = client.get("/approvals").text
    assert page.count("来不及往返") == 1 and "」冲突" not in page


def test_who_changes_classes_counts_once_and_both_requests_say_so(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast
) -> None:
    """Also when the two classes meet at the same time."""
    taught, (student,) = teach(sqlite_app, cast), add_people(sqlite_database, cast, "B", 1)
    teacher = api(sqlite_app, cast.who("A", "teacher"))
    other = ok(teacher.post(f"{taught.course}/offerings", offering_body(code="02")), 201)["id"]
    ok(teacher.post(f"/offerings/{other}/publish"))
    (old,) = ask(sqlite_database, [student], taught)
    new = ok(api(sqlite_app, student).post(f"/offerings/{other}/enrolments", {"replaces_id": old}), 201)["id"]
    client, _token = signed_in(sqlite_app, cast.who("B", "registrar"))
    page = client.get("/approvals").text
    assert page.count("本学期共 2 学分") == 2 and "」冲突" not in page
    assert "由 01 班转来" in page and "正在转往 02 班" in page
    assert "01 班的名额即释放" in client.get(f"/enrolments/{new}").text
    assert f'href="/enrolments/{new}"' in client.get(f"/enrolments/{old}").text


# --- rosters ----------------------------------------------------------------------------------------------------


@pytest.fixture
def chosen(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> tuple[Taught, list[int]]:
    """A class of two seats whose teacher chooses among four; their home school asks nobody."""
    policy(sqlite_database, cast, "B", "enrolment.home_approval", "none")
    taught = teach(sqlite_app, cast, seats=2, offering={"seats_by": "choice"})
    people = add_people(sqlite_database, cast, "B", 4)
    return taught, ask(sqlite_database, people, taught, "=1+1")


def test_a_teacher_chooses_in_the_roster(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, chosen: tuple[Taught, list[int]]
) -> None:
    taught, ids = chosen
    client, token = signed_in(sqlite_app, cast.who("A", "teacher"))
    path = f"/offerings/{taught.offering_id}/roster"
    assert "学生等待挑选" in client.get("/").text
    page = client.get(f"{path}?state=requested").text
    assert page.count('name="id"') == 4 and "接收所选" in page
    other = teach(sqlite_app, cast, code="E9", meeting=at_time(7))
    assert client.post(f"/offerings/{other.offering_id}/roster", data={"id": ids[:1], **token}).status_code == 404
    page = client.post(f"{path}?state=requested", data={"id": ids[:3], "do": "approve", **token})
    assert page.status_code == 200 and "已办理 2 名，另有 1 名没有办理" in page.text and "名额已满" in page.text
    assert len(named(client.get(f"{path}?state=enrolled").text)) == 2
    again = client.post(path, data={"id": ids[:1], "do": "approve", **token})
    assert "已办理 0 名，另有 1 名没有办理" in again.text
    student, his = signed_in(sqlite_app, cast.who("B", "student"))
    assert student.post(path, data={"id": ids[2:], **his}).status_code in (403, 404)


def test_what_one_request_is_refused_leaves_the_others_done(app: Flask, database: Database, cast: Cast) -> None:
    taught = teach(app, cast, seats=1, offering={"seats_by": "choice"})
    ids = ask(database, add_people(database, cast, "B", 3), taught)
    with database.write() as session:
        actor = load_actor(session, session.get_one(Person, cast.who("A", "teacher").id), NOW)
        offering = session.get_one(Offering, taught.offering_id)
        taken = choose_each(session, actor, offering, ids, "approve")
        declined = choose_each(session, actor, offering, ids[1:2], "deny", "名额不够")
    assert [each.refused and each.refused.code for each in (*taken, *declined)] == [
        None, "seats_gone", "seats_gone", None,
    ]  # fmt: skip
    with database.read() as session:
        found = [session.get_one(Enrolment, id_) for id_ in ids]
        assert [each.host_state for each in found] == ["accepted", "denied", "pending"]
        assert [len(each.events) for each in found] == [2, 2, 1], "what was refused has left no step behind"


def test_a_teacher_declines_several_with_one_reason(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, chosen: tuple[Taught, list[int]]
) -> None:
    taught, ids = chosen
    client, token = signed_in(sqlite_app, cast.who("A", "teacher"))
    path = f"/offerings/{taught.offering_id}/roster?state=requested"
    for data in ({"id": ids[:2], "reason": ""}, {"reason": "先修不足"}):
        with changes_nothing(sqlite_database):
            wrong = client.post(path, data={"do": "deny", **data, **token})
        assert wrong.status_code in (409, 422) and "没有保存任何一项" in wrong.text
    done = client.post(path, data={"id": ids[:2], "do": "deny", "reason": "先修不足", **token})
    assert done.status_code == 302
    assert len(named(client.get(path).text)) == 2
    registrar = api(sqlite_app, cast.who("B", "registrar"))
    for id_ in ids[:2]:
        said = ok(registrar.get(f"/enrolments/{id_}"))
        assert (said["state"], said["reason"]) == ("denied", "先修不足")
    drain(sqlite_database)
    with sqlite_database.read() as session:
        told = sa.select(sa.func.count()).select_from(Notice).where(Notice.kind == "enrolment.host_deny")
        assert session.scalar(told) == 2
    ok(api(sqlite_app, cast.who("A", "teacher")).post(f"/enrolments/{ids[2]}/approve", {}))
    taken = api(sqlite_app, cast.who("A", "teacher")).post(f"/enrolments/{ids[2]}/deny", {"reason": "不接收"})
    assert refused(taken, 403, "forbidden"), "who is chosen is not sent away by the teacher alone"


def test_a_teacher_of_a_class_that_is_first_come_declines_nobody(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast
) -> None:
    taught = teach(sqlite_app, cast)
    ids = ask(sqlite_database, add_people(sqlite_database, cast, "B", 1), taught)
    teacher = api(sqlite_app, cast.who("A", "teacher"))
    refused(teacher.post(f"/enrolments/{ids[0]}/deny", {"reason": "不接收"}), 403, "forbidden")


def test_a_roster_as_a_workbook_runs_nothing(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, chosen: tuple[Taught, list[int]]
) -> None:
    taught, _ids = chosen
    client, _token = signed_in(sqlite_app, cast.who("A", "registrar"))
    answer = client.get(f"/offerings/{taught.offering_id}/roster.xlsx")
    assert answer.status_code == 200 and "attachment" in answer.headers["Content-Disposition"]
    sheet = openpyxl.load_workbook(BytesIO(answer.data)).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0][:4] == ("序号", "学校", "学工号", "姓名") and len(rows) == 5
    assert rows[1][1] == cast.name_of("B") and rows[1][-1] == "=1+1"
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    browser_session(client, cast.who("B", "registrar"))
    assert client.get(f"/offerings/{taught.offering_id}/roster.xlsx").status_code == 403


def test_the_roster_tells_each_s_place_as_the_student_sees_it(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast
) -> None:
    """Seats for B only, and for C only: who waits for one is not behind who waits for the other."""
    pools = [{"scope": f"school:{cast.schools[each]}", "seats": 1} for each in "BC"]
    taught = teach(sqlite_app, cast, offering={"seats": None, "pools": pools})
    places = {}
    for school in "BCB":
        for index, each in enumerate(add_people(sqlite_database, cast, school, 2)):
            waits = index > 0 or bool(places.get(school))
            made = ok(api(sqlite_app, each).post(taught.seats, {"waitlist": waits}), 201)
            places.setdefault(school, []).append(made["id"])
            if made["place"]:
                shown = ok(api(sqlite_app, each).get(f"/enrolments/{made['id']}"))
                assert shown["place"] == len(places[school]) - 1
    listed = ok(api(sqlite_app, cast.who("A", "teacher")).get(f"{taught.seats}?state=waitlisted"))["items"]
    assert [(each["place"], each["waiting"]) for each in listed] == [(1, 3), (1, 1), (2, 3), (3, 3)]
    client, _token = signed_in(sqlite_app, cast.who("A", "teacher"))
    page = client.get(f"/offerings/{taught.offering_id}/roster?state=waitlisted").text
    assert re.findall(r"第 (\d) 位，共 (\d) 人", page) == [("1", "3"), ("1", "1"), ("2", "3"), ("3", "3")]
    book = client.get(f"/offerings/{taught.offering_id}/roster.xlsx?state=waitlisted").data
    rows = list(openpyxl.load_workbook(BytesIO(book)).active.iter_rows(values_only=True))
    assert rows[0][9:11] == ("候补次序", "候补人数") and [row[9:11] for row in rows[1:]] == [
        (1, 3),
        (1, 1),
        (2, 3),
        (3, 3),
    ]
