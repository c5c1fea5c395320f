"""`/metrics`: what is counted, by whom it may be read, and that several processes answer as one."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import SECRET, make_app
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families as parse
from support.cast import NOW, Cast
from support.databases import Fresh
from support.http import api
from support.postgres import _free_port

from zutuan.db import Database
from zutuan.jobs import OutboxMessage, Worker
from zutuan.operations import metrics_folder

TOKEN = "a token of the monitoring"


def values(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parse(text) for sample in family.samples
    }  # fmt: skip


def read(client: FlaskClient) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200 and answer.mimetype == "text/plain"
    return values(answer.text)


def grown(before: dict, after: dict, name: str, **labels: str) -> float:  # type: ignore[type-arg]
    key = (name, tuple(sorted(labels.items())))
    return after.get(key, 0) - before.get(key, 0)


def test_requests_are_counted_by_their_route(sqlite_app: Flask, cast: Cast) -> None:
    client, student = sqlite_app.test_client(), api(sqlite_app, cast.who("A", "student"))
    before = read(client)
    school = cast.schools["A"]
    for _ in range(3):
        student.get(f"/schools/{school}")
    client.get("/no-such-page-ever")
    client.open("/healthz", method="PROPFIND")
    after = read(client)
    route = "/api/v1/schools/<id:school_id>"
    assert grown(before, after, "zutuan_requests_total", route=route, method="GET", status="200") == 3
    assert grown(before, after, "zutuan_request_seconds_count", route=route, method="GET") == 3
    assert grown(before, after, "zutuan_requests_total", route="none", method="GET", status="404") == 1
    assert grown(before, after, "zutuan_requests_total", route="none", method="OTHER", status="405") == 1


def test_refusals_and_failed_sign_ins_are_counted(sqlite_app: Flask, cast: Cast) -> None:
    client = sqlite_app.test_client()
    before = read(client)
    client.post("/api/v1/session", json={"email": "nobody@a.example.cn", "password": "wrong wrong wrong"})
    api(sqlite_app, cast.who("A", "student")).get("/schools/987654")
    after = read(client)
    assert grown(before, after, "zutuan_sign_in_failures_total", status="401") == 1
    assert grown(before, after, "zutuan_refusals_total", code="not_found") == 1


def test_no_label_holds_what_somebody_sent(sqlite_app: Flask, cast: Cast) -> None:
    client, odd = sqlite_app.test_client(), "odd" + secrets.token_hex(4)
    for path in (f"/{odd}", f"/schools/{odd}", f"/static/{odd}", f"/?q={odd}"):
        client.get(path)
    client.open("/", method=odd.upper())
    who = cast.who("A", "student")
    api(sqlite_app, who).get("/me")
    text = client.get("/metrics").text
    assert odd not in text.lower() and who.email not in text and who.number not in text


def test_the_outbox_is_watched(database: Database, tmp_path: Path, cast: Cast) -> None:
    app = make_app(database, tmp_path)
    client = app.test_client()
    assert read(client)["zutuan_outbox_waiting", ()] == 0
    with database.write() as session:
        for topic, attempts in (("a", 0), ("b", 3), ("c", 0)):
            then = NOW - timedelta(minutes=10)
            session.add(OutboxMessage(topic=topic, payload={}, created_at=then, available_at=then, attempts=attempts))
    found = read(client)
    assert found["zutuan_outbox_waiting", ()] == 3 and found["zutuan_outbox_failing", ()] == 1
    assert found["zutuan_outbox_oldest_seconds", ()] == 600
    Worker(database, {"a": lambda *_: None, "c": lambda *_: 1 / 0}).drain()  # type: ignore[dict-item]
    after = read(client)
    assert after["zutuan_outbox_waiting", ()] == 2 and after["zutuan_outbox_failing", ()] == 2
    assert after["zutuan_outbox_last_done_timestamp_seconds", ()] == NOW.timestamp()
    assert grown(found, after, "zutuan_worker_messages_total", topic="a", result="done") == 1
    assert grown(found, after, "zutuan_worker_messages_total", topic="c", result="failed") == 1
    assert grown(found, after, "zutuan_worker_messages_total", topic="unknown", result="failed") == 1


def test_a_database_that_is_away_is_said(database: Database, tmp_path: Path, cast: Cast) -> None:
    app = make_app(database, tmp_path)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE outbox RENAME TO away")
    found = read(app.test_client())
    assert found["zutuan_database_up", ()] == 0 and ("zutuan_outbox_waiting", ()) not in found


# --- who may look -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("10.1.2.3", {}, 404),
        ("10.1.2.3", {"Authorization": f"Bearer {TOKEN}"}, 200),
        ("10.1.2.3", {"Authorization": f"Bearer {TOKEN}x"}, 404),
        ("10.1.2.3", {"Authorization": "Bearer "}, 404),
        ("10.1.2.3", {"Authorization": "Bearer ünï"}, 404),
        ("10.1.2.3", {"Authorization": f"Basic {TOKEN}"}, 404),
        ("127.0.0.1", {"X-Forwarded-For": "10.1.2.3"}, 404),  # a proxy on this machine is not this machine
        ("127.0.0.1", {"Via": "1.1 proxy"}, 404),
        ("10.1.2.3", {"X-Forwarded-For": "127.0.0.1"}, 404),
    ],
)
@pytest.mark.parametrize("proxies", [0, 1])
def test_who_may_look(
    sqlite_database: Database, tmp_path: Path, address: str, headers: dict[str, str], status: int, proxies: int
) -> None:
    app = make_app(sqlite_database, tmp_path, metrics_token=TOKEN, trusted_proxies=proxies)
    answer = app.test_client().get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == status


def test_without_a_token_none_fits(sqlite_app: Flask) -> None:
    for given in ("", "Bearer", "Bearer ", "Bearer None"):
        answer = sqlite_app.test_client().get(
            "/metrics", headers={"Authorization": given}, environ_base={"REMOTE_ADDR": "10.1.2.3"}
        )
        assert answer.status_code == 404


# --- several processes ------------------------------------------------------------------------------------------


def fetch(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
        text: str = answer.read().decode()
        return text


@pytest.mark.parametrize("named", [True, False])
def test_two_processes_answer_as_one(sqlite_fresh: Fresh, tmp_path: Path, named: bool) -> None:
    port, asked = _free_port(), 30
    environment = {
        **os.environ, "ZUTUAN_DATABASE": sqlite_fresh.url, "ZUTUAN_SECRET": SECRET, "ZUTUAN_FILES": str(tmp_path),
        "ZUTUAN_ACCESS_LOGS": str(tmp_path / "access"), "TMPDIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }  # fmt: skip
    environment.pop(metrics_folder.VARIABLE, None)
    if named:
        environment["ZUTUAN_METRICS_FOLDER"] = str(tmp_path / "metrics")
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "counter_999999999.db").touch()  # of a run long ago
    command = [sys.executable, "-m", "zutuan.cli", "serve", "--port", str(port), "--workers", "2"]
    server = subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        last = time.monotonic() + 60
        while time.monotonic() < last:
            try:
                fetch(port, "/healthz")
                break
            except OSError:
                time.sleep(0.1)
        for _ in range(asked):
            fetch(port, "/readyz")
        texts = [fetch(port, "/metrics") for _ in range(6)]
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)
    ready = ("zutuan_requests_total", (("method", "GET"), ("route", "/readyz"), ("status", "200")))
    assert [values(text)[ready] for text in texts] == [asked] * len(texts)
    assert values(texts[-1])["zutuan_processes", ()] >= 2  # and those beside them: the first, the file server
    assert values(texts[-1])["zutuan_process_resident_memory_bytes", ()] > 10**7
    assert (tmp_path / "metrics" / "counter_999999999.db").exists() != named
    assert not re.search(r'pid="', texts[-1])
