"""What a course counts as at home: said by the registrar, asked by students, there before one applies, and kept on the enrolment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from support.cast import NOW, Cast, Player
from support.http import api, browser_session, csrf_token, post_form
from support.teaching import Taught, add_people, at_time, changes_nothing, drain, ok, refused, teach

from courses.enrolment.models import Enrolment
from courses.recognition import changes, queries, rules
from courses.recognition.models import Recognition, RecognitionRequest
from zutuan.clock import Clock
from zutuan.db import Database
from zutuan.notices.models import Notice
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.policies.rules import Place
from zutuan.policies.services import decide
from zutuan.sharing.models import AuditEvent


def say(app: Flask, cast: Cast, taught: Taught, school: str = "B", **said: Any) -> Any:
    """School B's registrar puts it into the table."""
    who = api(app, cast.who(school, "registrar"))
    return ok(who.post("/recognitions", {"course_id": taught.course_id, **said}), 201)


def counts_as(app: Flask, who: Player, taught: Taught) -> Any:
    return ok(api(app, who).get(taught.course))["counts_as"]


def allow_categories(
    database: Database, cast: Cast, key: str = "recognition.categories", value: Any = "通识选修、专业选修"
) -> None:
    with database.write() as session:
        admin = load_actor(session, session.get_one(Person, cast.who("B", "school_admin").id), NOW)
        decide(session, admin, Place(school_id=cast.schools["B"]), key, value)


@pytest.fixture
def taught(request: pytest.FixtureRequest, cast: Cast) -> Taught:
    name = "sqlite_app" if "sqlite_app" in request.fixturenames else "app"
    return teach(request.getfixturevalue(name), cast)


def told(database: Database, person: Player) -> list[str]:
    drain(database)
    with database.read() as session:
        found = session.scalars(sa.select(Notice.kind).where(Notice.person_id == person.id).order_by(Notice.id))
        return [kind for kind in found if kind.startswith("recognition.")]


# --- before applying, and on the enrolment ----------------------------------------------------------------------


def test_what_it_counts_as_is_there_before_one_applies_and_stays_on_the_enrolment(
    app: Flask, database: Database, cast: Cast, taught: Taught
) -> None:
    student, registrar = cast.who("B", "student"), api(app, cast.who("B", "registrar"))
    assert counts_as(app, student, taught)["outcome"] == "unsaid"
    assert counts_as(app, cast.who("A", "student"), taught) is None, "of one's own school it is no question"
    assert counts_as(app, cast.who("B", "registrar"), taught) is None
    allow_categories(database, cast)
    row = say(app, cast, taught, name="心理学基础", category="专业选修", credits="1.5", code="XL01")
    shown = counts_as(app, student, taught)
    assert (shown["outcome"], shown["name"], shown["credits"], shown["category"]) == (
        "counts",
        "心理学基础",
        1.5,
        "专业选修",
    )
    assert ok(api(app, student).get(taught.offering))["course"]["counts_as"]["id"] == row["id"]
    assert counts_as(app, cast.who("C", "student"), taught)["outcome"] == "unsaid", "it is B's word only"

    made = ok(api(app, student).post(taught.seats, {}), 201)
    assert made["recognition"]["id"] == row["id"] and made["recognition"]["credits"] == 1.5
    later = say(app, cast, taught, name="教育学", credits="2")
    assert ok(registrar.get(f"/enrolments/{made['id']}"))["recognition"]["name"] == "心理学基础"
    assert ok(api(app, cast.who("A", "registrar")).get(f"/enrolments/{made['id']}"))["recognition"]["id"] == row["id"]
    (other,) = add_people(database, cast, "B", 1)
    assert ok(api(app, other).post(taught.seats, {}), 201)["recognition"]["id"] == later["id"]
    ok(registrar.post(f"/recognitions/{later['id']}/end"))
    assert counts_as(app, student, taught)["outcome"] == "unsaid"
    refused(registrar.post(f"/recognitions/{later['id']}/end"), 409, "recognition_is_over")
    assert ok(registrar.get(f"/enrolments/{made['id']}"))["recognition"]["id"] == row["id"]
    with database.read() as session:
        actions = session.scalars(sa.select(AuditEvent.action).where(AuditEvent.subject_type == "recognition"))
        assert list(actions) == ["recognition.add", "recognition.add", "recognition.end"]


def test_who_has_enrolled_before_has_the_first_word_that_comes_after(
    app: Flask, database: Database, cast: Cast, taught: Taught
) -> None:
    student, elsewhere = cast.who("B", "student"), cast.who("C", "student")
    mine = ok(api(app, student).post(taught.seats, {}), 201)
    theirs = ok(api(app, elsewhere).post(taught.seats, {}), 201)
    (gone,) = add_people(database, cast, "B", 1)
    left = ok(api(app, gone).post(taught.seats, {}), 201)
    ok(api(app, gone).post(f"/enrolments/{left['id']}/withdraw", {}))
    assert mine["recognition"] is None
    row = say(app, cast, taught, outcome="refused", note="内容重复")
    with database.read() as session:
        found = {id_: said for id_, said in session.execute(sa.select(Enrolment.id, Enrolment.recognition_id))}
        assert found == {mine["id"]: row["id"], theirs["id"]: None, left["id"]: None}
    say(app, cast, taught, credits="1")
    assert ok(api(app, student).get(f"/enrolments/{mine['id']}"))["recognition"]["outcome"] == "refused"
    assert told(database, student) == ["recognition.refused"] and told(database, gone) == []


def test_who_enrols_while_the_school_writes_is_found_by_the_worker(
    app: Flask, database: Database, cast: Cast, taught: Taught
) -> None:
    """Neither has seen the other: the row was written before the enrolment was there, which was read before the row was."""
    mine = ok(api(app, cast.who("B", "student")).post(taught.seats, {}), 201)
    row = say(app, cast, taught)
    with database.write() as session:
        session.get_one(Enrolment, mine["id"]).recognition_id = None
        session.info["audited"] = True
    drain(database)
    with database.read() as session:
        assert session.get_one(Enrolment, mine["id"]).recognition_id == row["id"]


# --- the filter -------------------------------------------------------------------------------------------------


def test_the_filter_and_the_rule_agree_over_time(app: Flask, database: Database, cast: Cast, clock: Clock) -> None:
    """Every course with every pair of a table's word and an answer to the student, some over before the other."""
    student, registrar = cast.who("B", "student"), cast.who("B", "registrar")
    day, words = timedelta(days=1), ("counts", "refused")
    spans = ((-5, None), (-5, -1), (-5, 2), (1, 4))
    table = [None, *((outcome, span) for outcome in words for span in spans)]
    own = [None, ("counts", (-4, None)), ("refused", (-4, 3)), ("counts", (-4, -2))]
    pairs = [(a, b) for a in table for b in own]
    ids = [teach(app, cast, code=f"F{n}", title_zh=f"课{n}", meeting=at_time(n)).course_id for n in range(6)]
    seen: set[int] = set()
    for start in range(0, len(pairs), len(ids)):
        with database.write() as session:
            session.execute(sa.delete(Recognition))
            for course_id, (for_all, to_me) in zip(ids, pairs[start : start + len(ids)], strict=False):
                for word, person in ((for_all, None), (to_me, student.id)):
                    if word is not None:
                        outcome, (since, until) = word
                        session.add(Recognition(
                            home_school_id=cast.schools["B"], course_id=course_id, person_id=person, outcome=outcome,
                            credits=Decimal(outcome == "counts"), since=NOW + since * day,
                            until=None if until is None else NOW + until * day, decided_by=registrar.id, created_at=NOW,
                        ))  # fmt: skip
            session.info["audited"] = True
        for moment in (NOW, NOW + 2 * day, NOW + 3.5 * day):
            clock.set(moment)
            expected = _by_rule(database, student, moment)
            found = {each["id"] for each in ok(api(app, student).get("/courses?counts=1&limit=200"))["items"]}
            assert found == expected
            shown = ok(api(app, student).get("/courses?limit=200"))["items"]
            assert {each["id"] for each in shown if each["counts_as"]["outcome"] == "counts"} == expected
            seen.add(len(expected))
    assert len(seen) > 2, "some count and some do not"
    assert ok(api(app, cast.who("C", "student")).get("/courses?counts=1"))["items"] == []
    assert ok(api(app, registrar).get("/courses?counts=1"))["items"] == [], "who studies nowhere has none"


def _by_rule(database: Database, student: Player, moment: Any) -> set[int]:
    with database.read() as session:
        answers: dict[int, list[rules.Answer]] = {}
        for row in session.scalars(sa.select(Recognition)):
            answers.setdefault(row.course_id, []).append(queries.answer(row))
        return {course for course, said in answers.items() if rules.counts(said, student.id, moment)}


def test_a_planned_end_holds_until_it_comes(sqlite_app: Flask, cast: Cast, taught: Taught, clock: Clock) -> None:
    student = cast.who("B", "student")
    row = say(sqlite_app, cast, taught, last_day="2026-11-26")
    assert row["until"] == "2026-11-26T16:00:00+00:00"
    clock.advance(timedelta(hours=37, minutes=59))
    assert counts_as(sqlite_app, student, taught)["outcome"] == "counts"
    clock.advance(timedelta(minutes=1))
    assert counts_as(sqlite_app, student, taught)["outcome"] == "unsaid"
    again = say(sqlite_app, cast, taught, credits="1")
    assert counts_as(sqlite_app, student, taught)["id"] == again["id"]
    items = ok(api(sqlite_app, cast.who("B", "registrar")).get("/recognitions?state=over"))["items"]
    assert [(each["id"], each["until"]) for each in items] == [(row["id"], row["until"])], (
        "its end stays as it was said"
    )


# --- what is refused --------------------------------------------------------------------------------------------


def test_what_cannot_be_said_names_the_field(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, taught: Taught
) -> None:
    registrar, own = (
        api(sqlite_app, cast.who("B", "registrar")),
        teach(sqlite_app, cast, "B", code="B1", meeting=at_time(3)),
    )
    foreign = teach(sqlite_app, cast, "D", code="D1", meeting=at_time(4))
    allow_categories(sqlite_database, cast)

    def codes(status: int = 422, **said: Any) -> list[tuple[str, str]]:
        with changes_nothing(sqlite_database):
            body = refused(registrar.post("/recognitions", {"course_id": taught.course_id, **said}), status, "invalid")
        return [(each["field"], each["code"]) for each in body["errors"]]

    assert codes(credits="2.5") == [("credits", "exceeds_credits")]
    assert codes(credits="0", category="体育") == [("credits", "no_credits"), ("category", "not_a_category")]
    assert codes(last_day="2026-11-24") == [("last_day", "until_not_ahead")]
    assert codes(outcome="refused", credits="1") == [("credits", "refused_says_nothing_else")]
    assert codes(same_as_id=987654) == [("same_as_id", "no_such")]
    for unseen in (foreign.course_id, 987654):
        assert codes(course_id=unseen) == [("course_id", "no_such")]
    refused(registrar.post("/recognitions", {"course_id": own.course_id}), 409, "own_course")
    body = {"course_id": taught.course_id, "school_id": cast.schools["C"]}
    refused(registrar.post("/recognitions", body), 404, "not_found")
    for role in ("secretary", "school_admin", "teacher", "student"):
        refused(
            api(sqlite_app, cast.who("B", role)).post("/recognitions", {"course_id": taught.course_id}),
            403,
            "forbidden",
        )


@pytest.mark.parametrize(("way", "said", "expected"), [("host", None, 2), ("lesser", "3", 2), ("free", "3", 3)])
def test_credits_by_the_schools_own_way(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, taught: Taught, way: str, said: str | None, expected: int
) -> None:
    allow_categories(sqlite_database, cast, "recognition.credits", way)
    assert say(sqlite_app, cast, taught, credits=said)["credits"] == expected


# --- the same as another ----------------------------------------------------------------------------------------


def test_what_counts_as_another_goes_with_it(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    first, second, third = (
        teach(sqlite_app, cast, code=f"S{n}", title_zh=f"课{n}", credits=credits, meeting=at_time(n))
        for n, credits in enumerate((2, 2, 1.5))
    )
    registrar = api(sqlite_app, cast.who("B", "registrar"))
    student = cast.who("B", "student")
    row = say(sqlite_app, cast, first, name="心理学基础", credits="1.5", last_day="2027-07-31")
    follower = say(sqlite_app, cast, second, same_as_id=row["id"])
    assert (follower["name"], follower["credits"], follower["until"]) == ("心理学基础", 1.5, row["until"])
    say(sqlite_app, cast, third, same_as_id=follower["id"])
    with changes_nothing(sqlite_database):
        loop = refused(
            registrar.post("/recognitions", {"course_id": first.course_id, "same_as_id": follower["id"]}),
            409,
            "recognition_loops",
        )
        assert "课0 → 课1 → 课0" in loop["title"]
        both = {"course_id": second.course_id, "same_as_id": row["id"], "credits": "1", "name": "x"}
        said = refused(registrar.post("/recognitions", both), 422, "invalid")["errors"]
        assert [each["code"] for each in said] == ["follows_and_says"] * 2
        too_many = refused(
            registrar.post("/recognitions", {"course_id": first.course_id, "credits": "2"}),
            409,
            "follower_exceeds_credits",
        )
        assert "课2" in too_many["title"] and "1.5" in too_many["title"]
        refused(
            registrar.post("/recognitions", {"course_id": first.course_id, "same_as_id": row["id"]}),
            409,
            "recognition_loops",
        )

    say(sqlite_app, cast, first, name="教育心理", credits="1")
    assert {counts_as(sqlite_app, student, each)["name"] for each in (first, second, third)} == {"教育心理"}
    refused(registrar.post("/recognitions", {"course_id": third.course_id, "same_as_id": row["id"]}), 422, "invalid")
    say(sqlite_app, cast, first, outcome="refused")
    assert {counts_as(sqlite_app, student, each)["outcome"] for each in (first, second, third)} == {"refused"}
    last = ok(registrar.get(f"/recognitions/{counts_as(sqlite_app, student, first)['id']}"))
    ok(registrar.post(f"/recognitions/{last['id']}/end"))
    assert {counts_as(sqlite_app, student, each)["outcome"] for each in (first, second, third)} == {"unsaid"}


# --- asking -----------------------------------------------------------------------------------------------------


def test_a_student_asks_and_is_answered_alone_or_with_all(
    app: Flask, database: Database, cast: Cast, taught: Taught
) -> None:
    student, registrar = cast.who("B", "student"), cast.who("B", "registrar")
    other, third = add_people(database, cast, "B", 2)
    body = {"course_id": taught.course_id, "message": "想计入专业选修"}
    mine = ok(api(app, student).post("/recognition-requests", body), 201)
    assert mine["state"] == "open" and counts_as(app, student, taught)["asked"] == mine["id"]
    refused(api(app, student).post("/recognition-requests", body), 409, "asked_already")
    assert told(database, registrar) == ["recognition.asked"]
    theirs = ok(api(app, other).post("/recognition-requests", body), 201)
    one = ok(api(app, registrar).post(f"/recognition-requests/{mine['id']}/answer", {"credits": "1", "name": "选修一"}))
    assert one["state"] == "answered" and one["answer"]["student"]["id"] == student.id
    assert (counts_as(app, student, taught)["name"], counts_as(app, other, taught)["outcome"]) == ("选修一", "unsaid")
    refused(api(app, student).post("/recognition-requests", body), 409, "answered_already")
    refused(api(app, registrar).post(f"/recognition-requests/{mine['id']}/answer", {}), 409, "request_is_over")
    assert ok(api(app, other).get(f"/recognition-requests/{theirs['id']}"))["state"] == "open"

    more = ok(api(app, third).post("/recognition-requests", body), 201)
    ok(api(app, third).post(f"/recognition-requests/{more['id']}/withdraw"))
    again = ok(api(app, third).post("/recognition-requests", body), 201)
    ok(
        api(app, registrar).post(
            f"/recognition-requests/{theirs['id']}/answer", {"for_all": True, "outcome": "refused"}
        )
    )
    assert ok(api(app, third).get(f"/recognition-requests/{again['id']}"))["state"] == "answered", "all who ask are"
    assert counts_as(app, student, taught)["name"] == "选修一", "the answer to one goes before the table"
    assert counts_as(app, third, taught)["outcome"] == "refused"
    assert (told(database, student), told(database, other)) == (["recognition.counts"], ["recognition.refused"])
    ok(api(app, third).post("/recognition-requests", body), 201)  # a table's refusal is not the last word


def test_who_may_read_what(sqlite_app: Flask, sqlite_database: Database, cast: Cast, taught: Taught) -> None:
    student, registrar = cast.who("B", "student"), api(sqlite_app, cast.who("B", "registrar"))
    (other,) = add_people(sqlite_database, cast, "B", 1)
    asked = ok(api(sqlite_app, student).post("/recognition-requests", {"course_id": taught.course_id}), 201)
    answer = ok(registrar.post(f"/recognition-requests/{asked['id']}/answer", {}))["answer"]["id"]
    row = say(sqlite_app, cast, taught)["id"]
    for who, of_table, of_student in (
        (cast.who("B", "school_admin"), 200, 200), (cast.who("B", "teacher"), 200, 404), (other, 200, 404),
        (student, 200, 200), (cast.who("A", "registrar"), 404, 404), (cast.who("C", "student"), 404, 404),
    ):  # fmt: skip
        assert api(sqlite_app, who).get(f"/recognitions/{row}").status_code == of_table
        assert api(sqlite_app, who).get(f"/recognitions/{answer}").status_code == of_student
        assert api(sqlite_app, who).get(f"/recognition-requests/{asked['id']}").status_code == of_student
        listed = api(sqlite_app, who).get(f"/recognitions?school_id={cast.schools['B']}")
        assert listed.status_code == of_table
    secretary = api(sqlite_app, cast.who("B", "secretary"))  # of the student's department
    ok(secretary.get(f"/recognitions/{row}"))
    assert [each["id"] for each in ok(secretary.get("/recognition-requests?side=school"))["items"]] == [asked["id"]]
    refused(secretary.post(f"/recognition-requests/{asked['id']}/answer", {}), 403, "forbidden")
    assert [each["id"] for each in ok(api(sqlite_app, student).get("/recognitions?state=own"))["items"]] == [answer]
    assert ok(api(sqlite_app, other).get("/recognitions?state=own"))["items"] == []
    assert [each["id"] for each in ok(registrar.get("/recognition-requests?side=school"))["items"]] == [asked["id"]]
    refused(api(sqlite_app, student).get("/recognition-requests?side=school"), 403, "forbidden")
    assert [each["id"] for each in ok(api(sqlite_app, student).get("/recognition-requests"))["items"]] == [asked["id"]]
    refused(
        api(sqlite_app, cast.who("D", "student")).post("/recognition-requests", {"course_id": taught.course_id}),
        404,
        "not_found",
    )
    refused(
        api(sqlite_app, cast.who("A", "student")).post("/recognition-requests", {"course_id": taught.course_id}),
        409,
        "own_course",
    )
    refused(
        api(sqlite_app, cast.who("B", "teacher")).post("/recognition-requests", {"course_id": taught.course_id}),
        403,
        "forbidden",
    )


# --- at once ----------------------------------------------------------------------------------------------------


def test_two_at_once_leave_one_last_word_and_one_open_request(
    app: Flask, database: Database, cast: Cast, taught: Taught
) -> None:
    registrar, student = api(app, cast.who("B", "registrar")), api(app, cast.who("B", "student"))
    outcomes: list[int] = []

    def both() -> Iterator[threading.Thread]:
        for n in range(4):
            said = {"course_id": taught.course_id, "credits": str(1 + n % 2)}
            yield threading.Thread(
                target=lambda s=said: outcomes.append(registrar.post("/recognitions", s).status_code)
            )
            ask = {"course_id": taught.course_id}
            yield threading.Thread(
                target=lambda a=ask: outcomes.append(student.post("/recognition-requests", a).status_code)
            )

    threads = list(both())
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert set(outcomes) <= {201, 409}
    with database.read() as session:
        r, q = Recognition, RecognitionRequest
        assert session.scalar(sa.select(sa.func.count()).select_from(r).where(r.ended_at.is_(None))) == 1
        assert (session.scalar(sa.select(sa.func.count()).select_from(q).where(q.state == "open")) or 0) <= 1
        wrong = sa.select(r.id).where(r.ended_at.is_not(None), sa.or_(r.until.is_(None), r.until > r.ended_at))
        assert session.scalars(wrong).all() == []


# --- pages ------------------------------------------------------------------------------------------------------


def test_the_pages(
    sqlite_app: Flask, sqlite_client: FlaskClient, sqlite_database: Database, cast: Cast, taught: Taught
) -> None:
    allow_categories(sqlite_database, cast)
    client = sqlite_client
    browser_session(client, cast.who("B", "student"))
    assert "本校尚未说明" in client.get("/courses").text
    page = client.get(f"/courses/{taught.course_id}").text
    assert "请本校说明" in page and "填写本校的认定" not in page
    assert "教务处会答复" in client.get(f"/recognition-requests/new?course_id={taught.course_id}").text
    asked = post_form(client, f"/recognition-requests/new?course_id={taught.course_id}", {"message": "求认定"})
    assert asked.status_code == 302
    assert "等待本校答复" in client.get(f"/offerings/{taught.offering_id}").text
    again = client.get(f"/recognition-requests/new?course_id={taught.course_id}").text
    assert "已向" in again and "等待答复" in again and asked.headers["Location"] in again and "<textarea" not in again
    assert "等待答复" in client.get("/recognition-requests").text
    twice = post_form(client, f"/recognition-requests/new?course_id={taught.course_id}", {})
    assert twice.status_code == 409 and "已经申请过" in twice.text
    assert client.get("/recognitions/new?course_id=1").status_code == 403

    browser_session(client, cast.who("B", "registrar"))
    assert "学分认定申请" in client.get("/").text
    assert "求认定" in client.get("/recognition-requests").text
    form = client.get(asked.headers["Location"])
    assert "写进认定表" in form.text and "通识选修" in form.text
    bad = post_form(
        client, f"{asked.headers['Location']}/answer", {"outcome": "counts", "credits": "9", "for_all": "1"}
    )
    assert bad.status_code == 422 and "超过开课学校的 2 学分" in bad.text
    said = {"outcome": "counts", "name": "心理学基础", "credits": "1.5", "category": "专业选修", "for_all": "1"}
    assert post_form(client, f"{asked.headers['Location']}/answer", said).status_code == 302
    shown = client.get("/recognitions").text
    assert "心理学基础" in shown and "专业选修" in shown and "开课 2" in shown
    assert "教育心理学" not in client.get("/recognitions?state=unsaid").text
    assert "没有符合条件" in client.get("/recognitions?q=没有").text
    edit = client.get(f"/recognitions/new?course_id={taught.course_id}").text
    assert 'value="心理学基础"' in edit and 'value="1.5"' in edit
    assert client.get("/recognitions.xlsx").status_code == 200
    new = post_form(client, f"/recognitions/new?course_id={taught.course_id}", {"outcome": "refused", "note": "重复"})
    assert new.status_code == 302 and "不认定" in client.get(new.headers["Location"]).text

    browser_session(client, cast.who("B", "student"))
    page = client.get("/courses").text
    assert "本校不认定" in page and "没有符合条件" in client.get("/courses?counts=1").text
    assert "个别认定" in client.get(f"/courses/{taught.course_id}").text
    row = client.get(new.headers["Location"]).text
    assert "终止认定" not in row and "重复" in row
    assert client.get("/recognitions").status_code == 200
    browser_session(client, cast.who("A", "registrar"))
    assert client.get(new.headers["Location"]).status_code == 404
    browser_session(client, cast.who("B", "registrar"))
    token = {"csrf_token": csrf_token(client)}
    assert client.post(f"{new.headers['Location']}/end", data=token).status_code == 302
    assert client.post(f"{new.headers['Location']}/end", data=token).status_code == 409
    assert "教育心理学" in client.get("/recognitions?state=unsaid").text


def test_the_enrolments_pages_say_it_to_both_schools(
    sqlite_app: Flask, sqlite_client: FlaskClient, cast: Cast, taught: Taught
) -> None:
    say(sqlite_app, cast, taught, name="心理学基础", credits="1")
    made = ok(api(sqlite_app, cast.who("B", "student")).post(taught.seats, {}), 201)["id"]
    plain = ok(api(sqlite_app, cast.who("C", "student")).post(taught.seats, {}), 201)["id"]
    for who in (("B", "student"), ("B", "registrar"), ("A", "registrar")):
        browser_session(sqlite_client, cast.who(*who))
        assert "心理学基础 1 学分" in sqlite_client.get(f"/enrolments/{made}").text
    assert f"{cast.name_of('C')}尚未说明" in sqlite_client.get(f"/enrolments/{plain}").text
    browser_session(sqlite_client, cast.who("B", "registrar"))
    assert "心理学基础 1 学分" in sqlite_client.get("/approvals").text
    browser_session(sqlite_client, cast.who("B", "student"))
    assert "心理学基础 1 学分" in sqlite_client.get("/enrolments").text


# --- people and schools change ----------------------------------------------------------------------------------


def test_when_two_persons_are_one_the_survivors_word_stays(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, taught: Taught
) -> None:
    kept, gone = add_people(sqlite_database, cast, "B", 2)
    registrar, other = (
        api(sqlite_app, cast.who("B", "registrar")),
        teach(sqlite_app, cast, code="X", meeting=at_time(5)),
    )
    for who in (kept, gone):
        asked = ok(api(sqlite_app, who).post("/recognition-requests", {"course_id": taught.course_id}), 201)["id"]
        ok(registrar.post(f"/recognition-requests/{asked}/answer", {"name": f"给{who.number}"}))
        ok(api(sqlite_app, who).post("/recognition-requests", {"course_id": other.course_id}), 201)
    with sqlite_database.write() as session:
        changes.PEOPLE.prepare(session, kept.id, gone.id, NOW)  # type: ignore[misc]
        for column in (Recognition, RecognitionRequest):
            mine = sa.update(column).where(column.person_id == gone.id).values(person_id=kept.id)
            session.execute(mine)
        session.info["audited"] = True
    assert counts_as(sqlite_app, kept, taught)["name"] == f"给{kept.number}"
    states = [each["state"] for each in ok(api(sqlite_app, kept).get("/recognition-requests"))["items"]]
    assert sorted(states) == ["answered", "answered", "open", "withdrawn"]


def test_a_successor_goes_on_with_what_was_said_and_asked(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, taught: Taught
) -> None:
    """C is taken over by B, which has said something of one of the courses."""
    second, third = (teach(sqlite_app, cast, code=f"Y{n}", meeting=at_time(5 + n)) for n in range(2))
    row = say(sqlite_app, cast, taught, "C", name="丙")
    say(sqlite_app, cast, second, "C", same_as_id=row["id"])
    say(sqlite_app, cast, second, "B", name="乙")
    student = cast.who("C", "student")
    asked = ok(api(sqlite_app, student).post("/recognition-requests", {"course_id": third.course_id}), 201)["id"]
    old, new = cast.schools["C"], cast.schools["B"]
    with sqlite_database.write() as session:
        foreseen = changes.SUCCESSION.foresee(session, old, new, NOW)  # type: ignore[misc]
        done = changes.SUCCESSION.pass_on(session, None, old, new, {}, NOW)  # type: ignore[misc]
        session.info["audited"] = True
    assert [each.count for each in foreseen] == [1] and done == {"recognition": 1, "recognition_request": 1}
    registrar = api(sqlite_app, cast.who("B", "registrar"))
    found = ok(registrar.get("/recognitions?state=open"))["items"]
    assert {(each["course"]["id"], each["name"]) for each in found} == {
        (taught.course_id, "丙"),
        (second.course_id, "乙"),
    }
    assert [each["id"] for each in ok(registrar.get("/recognition-requests?side=school"))["items"]] == [asked]
    assert ok(api(sqlite_app, cast.who("C", "registrar")).get("/recognitions?state=open"))["items"] == []
