"""The access log: every request of a person, never a secret, six months at least, many processes, no page the slower."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from conftest import SECRET, make_app
from flask import Flask
from support.cast import NOW, PASSWORD, Cast
from support.http import api, browser_session, post_form

from zutuan.cli import main
from zutuan.clock import Clock
from zutuan.clock import clock as the_clock
from zutuan.config import ConfigError, load
from zutuan.db import Database
from zutuan.operations.access_log import AccessLog, files, path_of, search
from zutuan.people import viewing
from zutuan.people.models import Person
from zutuan.people.services import load_actor


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "access"


@pytest.fixture
def logged(database: Database, folder: Path, tmp_path: Path, clock: Clock) -> Flask:
    return make_app(database, tmp_path, access_logs=folder)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for _, path in files(folder) for line in path.read_text().splitlines()]


def test_every_request_of_a_person_is_there(logged: Flask, folder: Path, cast: Cast) -> None:
    who, client = cast.who("A", "student"), logged.test_client()
    api(logged, who).get(f"/schools/{cast.schools['B']}", environ_base={"REMOTE_ADDR": "10.1.2.3"})
    browser_session(client, who)
    answer = client.get("/account?next=https%3A%2F%2Fsecret.example")
    first, second = lines(folder)
    assert first == {
        "at": "2026-11-25T02:00:00.000+00:00", "person": who.id, "address": "10.1.2.3", "method": "GET",
        "route": "/api/v1/schools/<id:school_id>", "ids": {"school_id": cast.schools["B"]}, "status": 200, "by": "token",
        "request": first["request"],
    }  # fmt: skip
    assert (second["route"], second["by"], second["request"]) == ("/account", "cookie", answer.headers["X-Request-Id"])
    assert "secret" not in str(lines(folder))


def test_signing_in_and_out(logged: Flask, folder: Path, cast: Cast) -> None:
    who, client = cast.who("B", "registrar"), logged.test_client()
    post_form(client, "/sign-in", {"email": who.email, "password": "not the password"})
    assert post_form(client, "/sign-in", {"email": who.email, "password": PASSWORD}).status_code == 302
    assert post_form(client, "/sign-out").status_code == 302
    answer = logged.test_client().post("/api/v1/session", json={"email": who.email, "password": PASSWORD})
    assert answer.status_code == 200
    found = [(line["person"], line["method"], line["route"], line["status"], line["by"]) for line in lines(folder)]
    assert found == [
        (None, "POST", "/sign-in", 401, "sign-in"),
        (who.id, "POST", "/sign-in", 302, "sign-in"),
        (who.id, "POST", "/sign-out", 302, "cookie"),
        (who.id, "POST", "/api/v1/session", 200, "sign-in"),
    ]
    text = "".join(path.read_text() for _, path in files(folder))
    assert who.email not in text and PASSWORD not in text and "not the password" not in text and who.token not in text


def test_who_looks_as_somebody_else_is_still_who_asked(logged: Flask, folder: Path, cast: Cast) -> None:
    admin, student, client = cast.who("A", "platform_admin"), cast.who("B", "student"), logged.test_client()
    secret = browser_session(client, admin)
    with logged.extensions["zutuan"].database.write() as session:
        actor = load_actor(session, session.get_one(Person, admin.id), NOW)
        viewing.begin(session, actor, secret, student.id)
    client.get("/account")
    (line,) = lines(folder)
    assert (line["person"], line["viewing"]) == (admin.id, student.id)


def test_nobody_and_static_files_are_not_logged(logged: Flask, folder: Path, cast: Cast) -> None:
    client = logged.test_client()
    client.get("/sign-in")
    client.get("/healthz")
    browser_session(client, cast.who("A", "student"))
    client.get("/static/zutuan.css")
    assert lines(folder) == []


def test_refused_and_missing_are_logged_too(logged: Flask, folder: Path, cast: Cast) -> None:
    someone = api(logged, cast.who("A", "student"))
    someone.get("/schools/999999")
    someone.post(f"/clusters/{cast.clusters['A']}/memberships", {"school_id": cast.schools["D"], "role": "partner"})
    statuses = [(line["route"], line["status"]) for line in lines(folder)]
    assert statuses == [("/api/v1/schools/<id:school_id>", 404), ("/api/v1/clusters/<id:cluster_id>/memberships", 403)]


def test_a_new_day_is_a_new_file_and_what_is_past_its_time_goes(folder: Path, clock: Clock) -> None:
    log = AccessLog(folder, 190)
    start = the_clock.today()
    for days in range(0, 200, 10):
        clock.set(NOW + timedelta(days=days))
        log.write({"person": 1})
    kept = [day for day, _ in files(folder)]
    assert kept == [start + timedelta(days=days) for days in range(0, 200, 10)][-20:]
    clock.set(NOW + timedelta(days=200))
    log.write({"person": 1})
    assert [day for day, _ in files(folder)][0] == start + timedelta(days=10)
    assert path_of(folder, start + timedelta(days=200)).stat().st_mode & 0o077 == 0
    assert folder.stat().st_mode & 0o077 == 0


def test_nothing_else_in_the_folder_is_touched(folder: Path, clock: Clock) -> None:
    folder.mkdir()
    for name in ("access-2001-01-01.jsonl.gz", "notes.txt", "access-x.jsonl"):
        (folder / name).touch()
    AccessLog(folder, 190).write({"person": 1})
    assert len(list(folder.iterdir())) == 4


def test_less_than_six_months_is_refused() -> None:
    for days in ("0", "30", "179"):
        with pytest.raises(ConfigError, match="ZUTUAN_ACCESS_LOG_DAYS"):
            load({"ZUTUAN_SECRET": SECRET, "ZUTUAN_ACCESS_LOG_DAYS": days})
    assert load({"ZUTUAN_SECRET": SECRET, "ZUTUAN_ACCESS_LOG_DAYS": "365"}).access_log_days == 365


def test_a_folder_that_cannot_be_is_refused_at_the_start(sqlite_database: Database, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="ZUTUAN_ACCESS_LOGS"):
        make_app(sqlite_database, tmp_path, access_logs=tmp_path / "file" / "access")


def _write(folder: Path, number: int, count: int) -> None:
    log = AccessLog(folder, 190)
    for n in range(count):
        log.write({"person": number, "n": n, "pad": "长" * 300})


def test_processes_do_not_write_into_each_others_lines(folder: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_write, args=(folder, number, 500)) for number in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    found = lines(folder)
    assert sorted((line["person"], line["n"]) for line in found) == [(p, n) for p in range(4) for n in range(500)]


def test_a_line_cut_by_a_crash_spoils_no_other(folder: Path, clock: Clock) -> None:
    folder.mkdir()
    path_of(folder, the_clock.today()).write_bytes(
        b'{"at": "2026-11-25T01:00:00+00:00", "person": 7}\n{"at": "2026-11-2'
    )
    AccessLog(folder, 190).write({"person": 7})
    day = timedelta(days=1)
    assert [entry["at"][11:13] for entry in search(folder, NOW - day, NOW + day, 7)] == ["01", "02"]


def test_a_full_disk_fails_no_request(logged: Flask, folder: Path, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    assert api(logged, cast.who("A", "student")).get("/me").status_code == 200


def test_it_costs_a_request_next_to_nothing(folder: Path) -> None:
    log, entry = AccessLog(folder, 190), {"person": 1, "route": "/x", "status": 200}
    started = time.perf_counter()
    for _ in range(1000):
        log.write(entry)
    assert time.perf_counter() - started < 0.5  # half a millisecond each, on a busy machine


def test_the_command(folder: Path, clock: Clock) -> None:
    log = AccessLog(folder, 190)
    for days in range(4):
        clock.set(NOW + timedelta(days=days))
        for person in (1, 2):
            log.write({"person": person, "address": f"10.0.0.{person}"})
    env = {"ZUTUAN_SECRET": SECRET, "ZUTUAN_ACCESS_LOGS": str(folder)}

    def found(*args: str) -> list[tuple[int, int]]:
        result = CliRunner().invoke(main, ["access-log", *args], env=env)
        assert result.exit_code == 0, result.output
        entries = [json.loads(line) for line in result.output.splitlines()]
        return [(datetime.fromisoformat(e["at"]).day, e["person"]) for e in entries]

    assert len(found()) == 8
    assert found("--person", "2") == [(25, 2), (26, 2), (27, 2), (28, 2)]
    assert found("--person", "1", "--since", "2026-11-26", "--until", "2026-11-27") == [(26, 1), (27, 1)]
    assert found("--address", "10.0.0.2", "--since", "2026-11-28T09:59") == [(28, 2)]
    assert found("--person", "1", "--since", "2026-11-28T10:01") == []
    missing = CliRunner().invoke(main, ["access-log"], env={**env, "ZUTUAN_ACCESS_LOGS": "/nowhere"})
    assert missing.exit_code == 1 and "ZUTUAN_ACCESS_LOGS" in missing.output
