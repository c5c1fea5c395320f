"""Mail: at least once under one Message-ID, to a real SMTP server that dies, refuses and dawdles; nothing of it stays behind."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog
from support.cast import NOW
from support.smtp import Server, smtp_server

from zutuan.app import make_worker
from zutuan.clock import Clock
from zutuan.config import Config, ConfigError, Smtp, load
from zutuan.db import Database
from zutuan.jobs import LEASE, PAUSE, Away, OutboxMessage, Worker
from zutuan.mail import feature, message, services
from zutuan.mail.message import BadAddress
from zutuan.mail.transport import SmtpTransport

LINK = "https://zutuan.example.cn/reset/very-secret-token"
TO = "teacher@example.cn"


@pytest.fixture
def server() -> Iterator[Server]:
    with smtp_server() as made:
        yield made


def ask(database: Database, key: str = "reset:1", to: str = TO, subject: str = "重设密码", **more: object) -> None:
    with database.write() as session:
        services.send_mail(session, to, subject, f"请打开 {LINK}", key=key, now=NOW, **more)  # type: ignore[arg-type]


def worker(database: Database, server: Server) -> Worker:
    return make_worker(database, server.config)


def row(database: Database) -> OutboxMessage:
    with database.read() as session:
        return session.scalars(sa.select(OutboxMessage)).one()


def test_a_mail_arrives_whole(database: Database, clock: Clock, server: Server) -> None:
    ask(database, html="<p>请打开</p>")
    assert worker(database, server).drain() == 1
    (mail,) = server.post.received
    assert mail["To"] == TO and mail["Subject"] == "重设密码" and mail["Auto-Submitted"] == "auto-generated"
    assert mail["From"] == "Zutuan <no-reply@127.0.0.1>"
    assert mail["Date"].datetime == NOW
    body, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert body is not None and LINK in body.get_content()
    assert html is not None and html.get_content().strip() == "<p>请打开</p>"


def test_what_was_sent_is_forgotten(database: Database, clock: Clock, server: Server) -> None:
    """The one-use link is in no row and in no line of the log, whatever happened on the way."""
    with structlog.testing.capture_logs() as logs:
        ask(database)
        server.post.refuse_data = f"554 5.7.1 I will not carry {LINK}"
        post = worker(database, server)
        post.drain()
        assert LINK in str(row(database).payload) and "SMTP" not in row(database).error
        server.post.refuse_data = ""
        clock.advance(timedelta(minutes=1))
        post.drain()
    done = row(database)
    assert done.done_at is not None and done.gave_up_at is None and done.payload == {} and done.error == ""
    assert "secret" not in str(logs)


def test_asking_twice_sends_once(database: Database, clock: Clock, server: Server) -> None:
    ask(database)
    ask(database)
    ask(database, "reset:2")
    post = worker(database, server)
    assert post.drain() == 2
    ask(database)
    assert post.drain() == 0
    assert len(server.post.ids()) == 2 and set(server.post.ids().values()) == {1}


def test_a_dead_server_only_delays(database: Database, clock: Clock, server: Server) -> None:
    post = worker(database, server)
    server.stop()
    for number in range(3):
        ask(database, f"reset:{number}")
    for _day in range(20):
        assert post.drain() <= 1, "one mail asks whether the server is back, the others wait"
        clock.advance(timedelta(days=1))
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).where(OutboxMessage.gave_up_at.is_not(None))) == 0
        (problem,) = feature.nothing_waits_for_days(session)
        assert problem.detail == "3 rows; ConnectionRefusedError"
    server.start()
    clock.advance(timedelta(hours=2))
    assert post.drain() == 3
    assert len(server.post.ids()) == 3
    with database.read() as session:
        assert feature.nothing_waits_for_days(session) == feature.nothing_was_given_up(session) == []


def test_a_refused_recipient_is_given_up_and_seen(database: Database, clock: Clock, server: Server) -> None:
    server.post.refuse = {TO: "550 5.1.1 no such user here"}
    ask(database)
    ask(database, "reset:2", to="other@example.cn")
    post = worker(database, server)
    for _ in range(6):
        post.drain()
        clock.advance(timedelta(hours=1))
    assert server.post.tries == {TO: services.TRIES_WHEN_REFUSED, "other@example.cn": 1}
    with database.read() as session:
        (problem,) = feature.nothing_was_given_up(session)
        assert problem.detail == "mail: refused: SMTP 550 (5.1.1)"
        assert services.figures(session) == {"outbox_waiting": 0, "outbox_gave_up": 1, "outbox_oldest_seconds": 0.0}
        assert [each.payload for each in session.scalars(sa.select(OutboxMessage))] == [{}, {}]


def test_a_full_mailbox_is_tried_for_days(sqlite_database: Database, clock: Clock, server: Server) -> None:
    server.post.refuse = {TO: "452 4.2.2 mailbox full"}
    ask(sqlite_database)
    post = worker(sqlite_database, server)
    for _ in range(services.LONGEST_REFUSED.days * 4):
        post.drain()
        assert row(sqlite_database).done_at is None
        clock.advance(timedelta(hours=6))
    clock.advance(timedelta(hours=2))
    post.drain()
    assert row(sqlite_database).error == "refused for days: SMTP 452 (4.2.2)"


def test_what_came_too_late_is_not_sent(sqlite_database: Database, clock: Clock, server: Server) -> None:
    ask(sqlite_database, until=NOW + timedelta(hours=1))
    clock.advance(timedelta(hours=2))
    worker(sqlite_database, server).drain()
    assert server.post.received == [] and row(sqlite_database).error.startswith("too late")


def test_without_a_server_a_direct_mail_is_not_lost_in_silence(sqlite_database: Database, clock: Clock) -> None:
    ask(sqlite_database)
    make_worker(sqlite_database).drain()
    assert row(sqlite_database).gave_up_at is not None and "ZUTUAN_SMTP" in row(sqlite_database).error


def test_no_transaction_is_held_while_the_server_dawdles(database: Database, clock: Clock, server: Server) -> None:
    server.post.delay = 1.5
    ask(database)
    thread = threading.Thread(target=worker(database, server).drain)
    thread.start()
    while not server.post.tries:
        time.sleep(0.01)
    started = time.monotonic()
    with database.write() as session:
        services.send_mail(session, "b@example.cn", "s", "t", key="meanwhile", now=NOW)
    assert time.monotonic() - started < 1 and thread.is_alive()
    assert make_worker(database, Config(mode="test")).drain() == 1, "the other's row is leased, this one is free"
    thread.join(timeout=30)
    assert len(server.post.received) == 1


def test_a_lapsed_lease_sends_again_under_the_same_id(database: Database, clock: Clock, server: Server) -> None:
    """A worker died between sending and saying so."""
    ask(database)
    post = worker(database, server)
    task = post._lease()
    assert task is not None
    post.errands["mail"](task)
    assert worker(database, server).drain() == 0
    clock.advance(LEASE)
    assert worker(database, server).drain() == 1
    post._close(task.id, "late", gave_up=True)
    assert row(database).gave_up_at is None, "what another worker has finished stays as it is"
    assert list(server.post.ids().values()) == [2]


def test_a_server_that_hangs_is_left(clock: Clock) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        transport = SmtpTransport(Smtp("127.0.0.1", silent.getsockname()[1]), "localhost", timeout=0.2)
        made = message.build(message.Letter(TO, "s", "t"), message.sender("a@example.cn"), "k", NOW)
        with pytest.raises(Away):
            transport.send(made)


def test_the_pause_ends(sqlite_database: Database, clock: Clock, server: Server) -> None:
    post = worker(sqlite_database, server)
    server.stop()
    ask(sqlite_database)
    post.drain()
    server.start()
    assert post.drain() == 0
    clock.advance(PAUSE)
    assert post.drain() == 1 and len(server.post.received) == 1


BAD_ADDRESSES = (
    "nobody", "@example.cn", "a@", "a b@example.cn", "a@example.cn\r\nBcc: x@example.cn", "a@exa\x00mple.cn", "a@-..cn",
    "x" * 250 + "@example.cn",
)  # fmt: skip


@pytest.mark.parametrize("bad", BAD_ADDRESSES)
def test_what_is_no_address_is_given_up_at_once(
    sqlite_database: Database, clock: Clock, server: Server, bad: str
) -> None:
    ask(sqlite_database, to=bad)
    worker(sqlite_database, server).drain()
    assert row(sqlite_database).error == "not an address" and not server.post.tries


def test_no_header_can_be_slipped_in(sqlite_database: Database, clock: Clock, server: Server) -> None:
    ask(sqlite_database, subject="你好\r\nBcc: victim@example.cn\n\nbody\u2028x" + "长" * 300)
    ask(sqlite_database, "2", to='"a,b"@example.cn')
    worker(sqlite_database, server).drain()
    first, second = server.post.received
    assert first["Bcc"] is None and first["To"] == TO
    assert first["Subject"].startswith("你好 Bcc: victim@example.cn body x长") and len(first["Subject"]) == 200
    assert second["To"] == '"a,b"@example.cn' and set(server.post.tries) == {TO, '"a,b"@example.cn'}


def test_an_address_beyond_ascii_needs_a_server_that_knows_it(
    sqlite_database: Database, clock: Clock, server: Server
) -> None:
    ask(sqlite_database, to="李雷@example.cn")
    post = worker(sqlite_database, server)
    for _ in range(4):
        post.drain()
        clock.advance(timedelta(hours=1))
    assert row(sqlite_database).error == "refused: SMTP 553 (5.6.7)"
    assert message.address("a@例子.cn").domain == "xn--fsqu00a.cn"


def test_into_a_folder(sqlite_database: Database, clock: Clock, tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    ask(sqlite_database)
    post = make_worker(sqlite_database, Config(mode="test", mail_dir=folder))
    task = post._lease()
    assert task is not None
    post.errands["mail"](task)
    clock.advance(LEASE)
    assert post.drain() == 1
    (path,) = folder.iterdir()
    assert path.name.startswith("20261125-100000-") and path.suffix == ".eml"
    mail = message_from_bytes(path.read_bytes(), policy=default)
    assert mail["Subject"] == "重设密码"
    folder.chmod(0o700)


def test_a_folder_that_cannot_be_written_only_delays(sqlite_database: Database, clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ask(sqlite_database)
    make_worker(sqlite_database, Config(mode="test", mail_dir=tmp_path / "file" / "mail")).drain()
    assert row(sqlite_database).done_at is None


# --- configuration ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("smtp://127.0.0.1:1025", Smtp("127.0.0.1", 1025)),
        ("smtp://mail.example.cn", Smtp("mail.example.cn", 25)),
        ("smtp+starttls://u%40x:p%2Fw@mail.example.cn", Smtp("mail.example.cn", 587, "starttls", "u@x", "p/w")),
        ("smtps://u:p@mail.example.cn", Smtp("mail.example.cn", 465, "tls", "u", "p")),
    ],
)
def test_a_server_is_read_from_its_address(raw: str, expected: Smtp) -> None:
    config = load({"ZUTUAN_MODE": "test", "ZUTUAN_SMTP": raw})
    assert config.smtp == expected
    assert "p/w" not in repr(config)


@pytest.mark.parametrize(
    "bad",
    [
        {"ZUTUAN_SMTP": "http://user:hunter2@mail.example.cn"},
        {"ZUTUAN_SMTP": "smtp://user:hunter2@mail.example.cn"},
        {"ZUTUAN_SMTP": "smtps://user:hunter2@:70000"},
        {"ZUTUAN_SMTP": "smtps://user:hunter2@mail.example.cn/x?y"},
        {"ZUTUAN_SMTP": "smtp://127.0.0.1", "ZUTUAN_MAIL_DIR": "var/mail"},
        {"ZUTUAN_MAIL_FROM": "a@example.cn\nBcc: b@example.cn"},
        {"ZUTUAN_MAIL_FROM": "nobody"},
    ],
)
def test_a_bad_server_does_not_start(bad: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as refused:
        load({"ZUTUAN_MODE": "test", **bad})
    assert "hunter2" not in str(refused.value)


def test_a_bad_address_says_so() -> None:
    with pytest.raises(BadAddress):
        message.address("")
