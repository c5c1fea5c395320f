"""What a person chose to hear: the bell, mail at once, one digest a day; and what a school's group chat hears."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from support.cast import NOW, Cast, Player
from support.http import api, browser_session, post_form
from support.smtp import Server, smtp_server
from support.teaching import ok, refused

from zutuan.app import make_worker
from zutuan.clock import Clock, at_shanghai, local
from zutuan.db import Database
from zutuan.jobs import OutboxMessage
from zutuan.notices import post
from zutuan.notices.models import Notice
from zutuan.notices.services import tell
from zutuan.people.models import Person
from zutuan.sharing.models import AuditEvent

APPROVED = {"home": "甲参与师范大学", "title_zh": "教育心理学", "title_en": "Educational Psychology"}
LEFT = {**APPROVED, "student": "某生"}
SIX = at_shanghai(local(NOW).date(), 18)


@pytest.fixture
def server() -> Iterator[Server]:
    with smtp_server() as made:
        yield made


def happen(
    database: Database, *people: Player, event: str = "enrolment.approve", key: str = "e:1", **more: Any
) -> None:
    params = {**LEFT, "reason": "", "decide_by": "", "host": "甲牵头师范大学"}
    now = more.pop("now", NOW)
    with database.write() as session:
        tell(session, [each.id for each in people], event, key, params, "/enrolments/1", now, **more)


def work(database: Database, server: Server) -> None:
    worker = make_worker(database, server.config)
    worker.tick()
    worker.drain()


def choose(app: Flask, who: Player, kind: str, *, mail: str, bell: bool = True) -> Any:
    path = f"/me/notice-choices/{kind}"
    tag = api(app, who).get(path).headers["ETag"]
    return ok(api(app, who).put(path, {"bell": bell, "mail": mail}, headers={"If-Match": tag}))


def subjects(server: Server) -> list[str]:
    return [str(mail["Subject"]) for mail in server.post.received]


def body(server: Server, index: int = 0) -> str:
    part = server.post.received[index].get_body(("plain",))
    assert part is not None
    return str(part.get_content())


# --- choices ----------------------------------------------------------------------------------------------------


def test_each_hears_of_what_concerns_them(sqlite_app: Flask, cast: Cast) -> None:
    student = ok(api(sqlite_app, cast.who("B", "student")).get("/me/notice-choices"))["items"]
    registrar = ok(api(sqlite_app, cast.who("B", "registrar")).get("/me/notice-choices"))["items"]
    assert [each["kind"] for each in student] == [
        "recognition.mine", "enrolment.mine", "enrolment.wait", "enrolment.receipt", "enrolment.dates", "draw.mine",
        "adjustment.decided", "minimum.mine", "leave.decided", "grades.mine", "result.mine", "other",
    ]  # fmt: skip
    assert [each["kind"] for each in registrar] == [
        "membership", "plan.dates", "recognition.asked", "enrolment.to_approve", "enrolment.changes", "draw.dates",
        "adjustment.asked", "minimum.mine", "minimum.desk", "grades.to_confirm", "result.arrived", "other",
    ]  # fmt: skip
    assert student[1] == {
        "kind": "enrolment.mine", "label": "我的选课有了结果", "binds": True, "bell": True, "mail": "now", "version": 0,
    }  # fmt: skip


def test_a_choice_is_kept_and_what_binds_still_rings(app: Flask, cast: Cast) -> None:
    who = cast.who("B", "student")
    assert choose(app, who, "enrolment.mine", mail="off", bell=False)["bell"] is True
    assert choose(app, who, "other", mail="now", bell=False) == {
        "kind": "other", "label": "其他通知", "binds": False, "bell": False, "mail": "now", "version": 1,
    }  # fmt: skip
    assert choose(app, who, "other", mail="digest")["version"] == 2
    path = "/me/notice-choices/other"
    refused(api(app, who).put(path, {"bell": True, "mail": "now"}), 428, "precondition_needed")
    stale = api(app, who).put(path, {"bell": True, "mail": "now"}, headers={"If-Match": '"v1"'})
    refused(stale, 412, "stale")
    refused(api(app, who).put(path, {"mail": "sms"}, headers={"If-Match": '"v2"'}), 422, "invalid")
    refused(api(app, who).get("/me/notice-choices/nothing"), 404, "not_found")
    assert ok(api(app, cast.who("B", "teacher")).get(path))["version"] == 0, "another's stays theirs"


def test_the_page_saves_everything_at_once(sqlite_client: FlaskClient, cast: Cast) -> None:
    browser_session(sqlite_client, cast.who("B", "student"))
    page = sqlite_client.get("/notices/settings").text
    assert "总是响铃" in page and "没有配置邮件" in page and 'name="bell-enrolment.mine"' not in page
    form = {"mail-enrolment.mine": "digest", "mail-other": "nonsense", "mail-enrolment.receipt": "now"}
    assert post_form(sqlite_client, "/notices/settings", form).status_code == 302
    found = ok(api(sqlite_client.application, cast.who("B", "student")).get("/me/notice-choices"))["items"]
    assert [(each["bell"], each["mail"]) for each in found] == [
        (True, "digest"), (True, "digest"), (True, "now"), (False, "now"), (True, "now"), (True, "now"), (True, "now"),
        (True, "now"), (True, "digest"), (True, "now"), (True, "now"), (False, "digest"),
    ]  # fmt: skip


# --- mail -------------------------------------------------------------------------------------------------------


def test_mail_at_once_in_the_readers_language(database: Database, cast: Cast, clock: Clock, server: Server) -> None:
    zh, en = cast.who("B", "student"), cast.who("C", "student")
    with database.write() as session:
        session.execute(sa.update(Person).where(Person.id == en.id).values(locale="en"))
        session.info["audited"] = True
    happen(database, zh, en)
    happen(database, zh, en)
    work(database, server)
    assert sorted(subjects(server)) == ["[Zutuan] Results of my enrolments", "【组团】我的选课有了结果"]
    text = next(body(server, n) for n in (0, 1) if server.post.received[n]["To"] == zh.email)
    assert "甲参与师范大学已通过您选修「教育心理学」。" in text
    assert "http://127.0.0.1:8000/enrolments/1" in text and "/notices/settings" in text
    english = next(body(server, n) for n in (0, 1) if server.post.received[n]["To"] == en.email)
    assert "Educational Psychology" in english and "甲参与师范大学" in english


def test_what_is_not_wanted_any_more_is_not_sent(
    app: Flask, database: Database, cast: Cast, clock: Clock, server: Server
) -> None:
    """By what was chosen, and who may be written to, when it is sent."""
    student, gone, mute = cast.who("B", "student"), cast.who("C", "student"), cast.who("A", "student")
    with database.write() as session:
        session.execute(sa.update(Person).where(Person.id == mute.id).values(email=None))
        session.info["audited"] = True
    happen(database, student, gone, mute)
    worker = make_worker(database, server.config)
    worker._handle_due()
    choose(app, student, "enrolment.mine", mail="off")
    with database.write() as session:
        session.execute(sa.update(Person).where(Person.id == gone.id).values(state="disabled"))
        session.info["audited"] = True
    worker.drain()
    assert server.post.received == []
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).where(OutboxMessage.done_at.is_(None))) == 0
        assert session.scalar(sa.select(sa.func.count()).select_from(Notice)) == 3


def test_one_digest_a_day(app: Flask, database: Database, cast: Cast, clock: Clock, server: Server) -> None:
    """With what came before its hour and is still unread, built when it is sent; later things wait for tomorrow's."""
    who, other = cast.who("B", "registrar"), cast.who("C", "registrar")
    for number in range(3):
        happen(database, who, event="enrolment.left", key=f"e:{number}")
    happen(database, other, event="enrolment.left", key="other")
    work(database, server)
    clock.set(SIX - timedelta(seconds=1))
    work(database, server)
    assert server.post.received == [], "its hour has not come"
    clock.set(SIX)
    happen(database, who, event="enrolment.left", key="late", now=SIX)
    ids = [each["id"] for each in ok(api(app, who).get("/me/notices"))["items"]]
    ok(api(app, who).post(f"/me/notices/{ids[0]}/read"))
    ok(api(app, other).post(f"/me/notices/{ok(api(app, other).get('/me/notices'))['items'][0]['id']}/read"))
    for _ in range(3):
        work(database, server)
        clock.advance(timedelta(minutes=10))
    assert [str(mail["To"]) for mail in server.post.received] == [who.email], "the other has read everything"
    assert subjects(server) == ["【组团】2026-11-25 通知摘要：2 条"] and body(server).count("某生") == 2
    clock.set(SIX + timedelta(days=1, hours=2))
    work(database, server)
    assert subjects(server)[1:] == ["【组团】2026-11-26 通知摘要：1 条"]
    assert len(server.post.ids()) == 2


def test_two_workers_ask_for_one_digest(database: Database, cast: Cast, clock: Clock) -> None:
    happen(database, cast.who("B", "registrar"), event="enrolment.left")
    make_worker(database).drain()
    clock.set(SIX)
    for _ in range(2):
        with database.write() as session:
            post.ask_for_digests(session, SIX)
    with database.read() as session:
        found = list(session.scalars(sa.select(OutboxMessage.key).where(OutboxMessage.topic == post.DIGEST_TOPIC)))
    assert found == [f"notice.digest:{cast.who('B', 'registrar').id}:2026-11-25"]


def test_what_does_not_ring_still_comes_in_the_digest(
    app: Flask, database: Database, cast: Cast, clock: Clock, server: Server
) -> None:
    who = cast.who("B", "registrar")
    choose(app, who, "enrolment.changes", mail="digest", bell=False)
    happen(database, who, event="enrolment.left")
    work(database, server)
    (notice,) = ok(api(app, who).get("/me/notices"))["items"]
    assert notice["read_at"] is not None and ok(api(app, who).get("/me/notices?unread=1"))["items"] == []
    clock.set(SIX)
    work(database, server)
    assert len(server.post.received) == 1


def test_a_long_digest_is_cut(sqlite_database: Database, cast: Cast, clock: Clock, server: Server) -> None:
    for number in range(post.MOST_LINES + 7):
        happen(sqlite_database, cast.who("B", "registrar"), event="enrolment.left", key=str(number))
    make_worker(sqlite_database).drain()
    clock.set(SIX)
    work(sqlite_database, server)
    assert body(server).count("某生") == post.MOST_LINES and "另有 7 条" in body(server)


# --- group chats ------------------------------------------------------------------------------------------------

ADDRESS = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=very-secret"


def chat(app: Flask, cast: Cast, role: str = "school_admin", **body: Any) -> Any:
    path = f"/schools/{cast.schools['B']}/group-chat"
    who = api(app, cast.who("B", role))
    tag = who.get(path).headers.get("ETag", '"v0"')
    return who.put(path, {"address": ADDRESS, "kinds": ["enrolment.to_approve"], **body}, headers={"If-Match": tag})


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the robot was told; `answers` (the last element's reply) is set by appending to it."""
    from zutuan.notices import groups

    heard: list[Any] = []
    monkeypatch.setattr(groups, "post_json", lambda url, body: heard.append((url, body)) or {"errcode": 0})
    return heard


def test_a_school_admin_sets_the_group_chat(app: Flask, database: Database, cast: Cast) -> None:
    shown = ok(chat(app, cast))
    assert shown["host"] == "qyapi.weixin.qq.com" and shown["kinds"] == ["enrolment.to_approve"]
    assert "secret" not in str(shown)
    assert ok(chat(app, cast, address="", kinds=["membership", "other"]))["kinds"] == ["membership"]
    with database.read() as session:
        audits = [
            str(each.detail) for each in session.scalars(sa.select(AuditEvent).where(AuditEvent.action.like("group%")))
        ]
    assert len(audits) == 2 and "secret" not in str(audits)
    path = f"/schools/{cast.schools['B']}/group-chat"
    for letter, role in (("B", "registrar"), ("B", "platform_admin"), ("A", "school_admin")):
        refused(api(app, cast.who(letter, role)).get(path), 403, "forbidden")
    refused(api(app, cast.who("B", "school_admin")).get("/schools/987654/group-chat"), 404, "not_found")
    gone = api(app, cast.who("B", "school_admin")).delete(path, headers={"If-Match": f'"v{shown["version"] + 1}"'})
    assert gone.status_code == 204
    assert ok(api(app, cast.who("B", "school_admin")).get(path))["host"] == ""


@pytest.mark.parametrize(
    "bad",
    [
        "", "http://qyapi.weixin.qq.com/x", "https://evil.example/x", "https://qyapi.weixin.qq.com.evil.example/",
        "https://user@qyapi.weixin.qq.com/", "https://qyapi.weixin.qq.com:8443/", "https://127.0.0.1/", "https://[::1]/",
        "https://qyapi.weixin.qq.com#@evil", "https://qyapi.weixin.qq.com:x/", "file:///etc/passwd", "x" * 500,
    ],
)  # fmt: skip
def test_other_addresses_are_refused(sqlite_app: Flask, cast: Cast, bad: str) -> None:
    refused(chat(sqlite_app, cast, address=bad), 422, "invalid")


def test_the_group_hears_once_of_what_was_chosen(
    app: Flask, database: Database, cast: Cast, clock: Clock, server: Server, called: list[Any]
) -> None:
    ok(chat(app, cast))
    school = cast.schools["B"]
    for _ in range(2):
        happen(database, cast.who("B", "registrar"), event="enrolment.to_approve", school_id=school)
    happen(database, event="enrolment.to_approve", key="e:2", school_id=school)
    happen(database, cast.who("B", "registrar"), event="enrolment.left", school_id=school)
    happen(database, cast.who("A", "registrar"), event="enrolment.to_approve", school_id=cast.schools["A"])
    work(database, server)
    assert [url for url, _body in called] == [ADDRESS, ADDRESS], "two events, whoever else hears of them"
    message = called[0][1]
    assert message["msgtype"] == "text" and message["text"]["content"].startswith("某生 申请选修甲牵头师范大学")
    with database.read() as session:
        assert "secret" not in str([(row.payload, row.error) for row in session.scalars(sa.select(OutboxMessage))])


def test_a_group_that_was_ended_hears_nothing(
    app: Flask, database: Database, cast: Cast, clock: Clock, server: Server, called: list[Any]
) -> None:
    ok(chat(app, cast))
    happen(database, event="enrolment.to_approve", school_id=cast.schools["B"])
    worker = make_worker(database, server.config)
    worker._handle_due()
    client = app.test_client()
    browser_session(client, cast.who("B", "school_admin"))
    page = client.get(f"/schools/{cast.schools['B']}/group-chat").text
    assert "qyapi.weixin.qq.com" in page and "secret" not in page
    assert post_form(client, f"/schools/{cast.schools['B']}/group-chat/end").status_code == 302
    worker.drain()
    assert called == []


def test_the_page_says_what_is_wrong(sqlite_client: FlaskClient, cast: Cast) -> None:
    browser_session(sqlite_client, cast.who("B", "school_admin"))
    path = f"/schools/{cast.schools['B']}/group-chat"
    answer = post_form(sqlite_client, path, {"address": "https://evil.example/", "kinds": "membership"})
    assert answer.status_code == 422 and "qyapi.weixin.qq.com" in answer.text
    assert post_form(sqlite_client, path, {"address": ADDRESS, "kinds": "membership"}).status_code == 302
