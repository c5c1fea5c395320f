"""Files over the API: stored, shown, followed by the access rule, resumed after every kind of break, and removed."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import os
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import make_app
from flask import Flask
from support.asgi import Answer, ask
from support.cast import NOW, Cast, Player
from support.http import Api, api, browser_session, csrf_token
from werkzeug.test import TestResponse

from zutuan.app import make_worker
from zutuan.clock import Clock
from zutuan.clusters.models import Membership
from zutuan.config import Config
from zutuan.db import Database
from zutuan.errors import NotFound
from zutuan.jobs import OutboxMessage
from zutuan.sharing import scopes
from zutuan.sharing.models import AuditEvent, SharedItem
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import add_share, audit
from zutuan.storage import rules, services, upkeep, uploads
from zutuan.storage.backends import Directory, new_key
from zutuan.storage.models import StoredFile, Upload, UploadPart
from zutuan.storage.server import make_server
from zutuan.web import receiving

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40
SHA = hashlib.sha256(PDF).hexdigest()
STREAM = {"Content-Type": "application/octet-stream"}


@pytest.fixture(params=["directory", "s3"])
def anywhere(request: pytest.FixtureRequest, database: Database, tmp_path: Path, clock: Clock) -> Flask:
    """An application on each database, keeping files in each storage."""
    s3 = request.getfixturevalue("s3_server").config if request.param == "s3" else None
    return make_app(database, tmp_path, s3=s3, uploads_at_once=8)


def put(client: Api, name: str = "讲义.pdf", data: bytes = PDF, headers: dict[str, str] | None = None, **query: Any):  # type: ignore[no-untyped-def]
    return client.post("/files", data=data, query_string={"name": name, **query}, headers={**STREAM, **(headers or {})})


def stored(client: Api, **kw: Any) -> int:
    response = put(client, **kw)
    assert response.status_code == 201, response.json
    return int(response.json["id"])


def arriving(source: Any, length: int) -> dict[str, Any]:
    """A body that says to be so long and comes from there."""
    return {"CONTENT_LENGTH": str(length), "wsgi.input": source}


def fields_of(response: TestResponse) -> dict[str, str]:
    assert response.status_code == 422, (response.status_code, response.json)
    return {each["field"]: each["code"] for each in response.json["errors"]}


def config_of(app: Flask) -> Config:
    found: Config = app.extensions["zutuan"].config
    return found


def download(app: Flask, client: Api, file_id: int, method: str = "GET", **headers: str) -> Answer:
    """As a browser does it: where the application sends it, there it asks again."""
    response = client.get(f"/files/{file_id}/content")
    assert response.status_code == 302 and response.headers["ETag"]
    address = response.headers["Location"]
    assert address.startswith(config_of(app).files_address + "/-/files/")
    return ask(make_server(config_of(app)), method, address, {k.replace("_", "-"): v for k, v in headers.items()})


def drain(app: Flask, database: Database) -> None:
    make_worker(database, config_of(app)).drain()


def contents(app: Flask) -> set[str]:
    return {entry.key for entry in app.extensions["zutuan"].files.storage.list()}


# --- storing ----------------------------------------------------------------------------------------------------


def test_a_file_is_stored_and_read_back(anywhere: Flask, database: Database, cast: Cast) -> None:
    student = api(anywhere, cast.who("A", "student"))
    response = put(student, sha256=SHA)
    assert response.status_code == 201 and response.headers["Location"] == f"/api/v1/files/{response.json['id']}"
    shown = student.get(f"/files/{response.json['id']}").json
    assert (shown["name"], shown["media_type"], shown["size"], shown["sha256"]) == (
        "讲义.pdf", "application/pdf", len(PDF), SHA,
    )  # fmt: skip
    head = student.request("HEAD", f"/files/{shown['id']}/content")
    assert head.status_code == 200 and head.data == b"" and head.headers["Content-Length"] == str(len(PDF))
    assert head.headers["ETag"] == f'"{SHA}"' and head.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in head.headers["Content-Security-Policy"]
    assert (
        head.headers["Content-Disposition"].startswith("attachment;")
        and len(head.headers.getlist("Content-Security-Policy")) == 1
    )
    same = student.get(f"/files/{shown['id']}/content", headers={"If-None-Match": f'"{SHA}"'})
    assert same.status_code == 304
    with database.read() as session:
        assert session.scalar(sa.select(AuditEvent.action).order_by(AuditEvent.id.desc())) == "file.store"
        assert upkeep.verify(session, anywhere.extensions["zutuan"].files.storage, deep=True) == []


def test_a_form_stores_a_file_too(sqlite_app: Flask, cast: Cast) -> None:
    client = sqlite_app.test_client()
    browser_session(client, cast.who("A", "teacher"))
    form = {"file": (io.BytesIO(PDF), "教学大纲.pdf"), "purpose": "document"}
    assert client.post("/api/v1/files", data=form).json["code"] == "csrf"
    form = {"file": (io.BytesIO(PDF), "教学大纲.pdf"), "purpose": "document", "csrf_token": csrf_token(client)}
    answer = client.post("/api/v1/files", data=form)
    assert answer.status_code == 201 and answer.json["name"] == "教学大纲.pdf"
    raw = client.post("/api/v1/files?name=a.pdf", data=PDF, headers={**STREAM, "X-CSRF-Token": csrf_token(client)})
    assert raw.status_code == 201


def test_larger_than_any_form(sqlite_app: Flask, cast: Cast) -> None:
    client = api(sqlite_app, cast.who("A", "teacher"))
    large = PDF + bytes(3 * 1024 * 1024)
    assert put(client, data=large).status_code == 201
    form = {"file": (io.BytesIO(large), "大.pdf")}
    assert client.post("/files", data=form).json["size"] == len(large)
    assert client.post("/courses", {"title_zh": "x" * 1024 * 1024}).status_code == 413


@pytest.mark.parametrize(
    ("query", "data", "expected"),
    [
        ({"name": "../../etc/passwd"}, PDF, {"name": "name_path"}),
        ({"name": "讲义\u202efdp.pdf"}, PDF, {"name": "name_invisible"}),
        ({"name": "x" * 300 + ".pdf"}, PDF, {"name": "too_long"}),
        ({"name": "a.html"}, b"<html>", {"name": "file_ending"}),
        ({"name": "a"}, PDF, {"name": "file_ending_missing"}),
        ({"name": "a.pdf"}, b"MZ\x90" + bytes(90), {"file": "file_content"}),
        ({"name": "a.pdf"}, b"", {"file": "file_empty"}),
        ({"name": "a.pdf", "sha256": "0" * 64}, PDF, {"sha256": "file_checksum"}),
        ({"name": "a.pdf", "sha256": "xyz"}, PDF, {"sha256": "bad_sha256"}),
        ({"name": "a.pdf", "purpose": "weapon"}, PDF, {"purpose": "not_a_choice"}),
        ({"name": "a.pdf", "item_id": "987654321"}, PDF, {"item_id": "no_such"}),
        ({"name": "a.pdf", "path": "/tmp"}, PDF, {"path": "unknown_field"}),
        ({}, PDF, {"name": "required"}),
    ],
)  # fmt: skip
def test_refusals_name_the_field_and_leave_nothing(
    sqlite_app: Flask, cast: Cast, query: dict[str, str], data: bytes, expected: dict[str, str]
) -> None:
    client = api(sqlite_app, cast.who("A", "student"))
    response = client.post("/files", data=data, query_string=query, headers=STREAM)
    assert fields_of(response) == expected and contents(sqlite_app) == set()
    if "name" in query:
        form = {**query, "file": (io.BytesIO(data), query["name"])}
        assert fields_of(client.post("/files", data=form)) == expected and contents(sqlite_app) == set()


def test_a_form_without_a_file(sqlite_app: Flask, cast: Cast) -> None:
    client = api(sqlite_app, cast.who("A", "student"))
    assert fields_of(client.post("/files", data={"name": "a.pdf", "x": (io.BytesIO(b""), "y")})) == {
        "file": "file_missing"
    }


def test_a_body_that_ends_early_is_no_file(sqlite_app: Flask, cast: Cast) -> None:
    client = api(sqlite_app, cast.who("A", "student"))
    response = client.post(
        "/files?name=a.pdf", headers=STREAM, environ_overrides=arriving(io.BytesIO(PDF[:500]), len(PDF))
    )
    assert (response.status_code, response.json["code"]) == (400, "file_incomplete") and contents(sqlite_app) == set()


def test_limits(sqlite_database: Database, tmp_path: Path, clock: Clock, cast: Cast) -> None:
    app = make_app(sqlite_database, tmp_path, max_file_mb=1, files_quota_mb=1)
    client = api(app, cast.who("A", "student"))
    assert fields_of(put(client, data=PDF + bytes(1024 * 1024))) == {"file": "file_too_large"}
    assert stored(client, data=PDF + bytes(700 * 1024))
    assert put(client, data=PDF + bytes(700 * 1024)).json["code"] == "files_quota"
    assert begin(client, PDF + bytes(700 * 1024)).json["code"] == "files_quota"
    assert len(contents(app)) == 1


def test_idempotency_reads_no_body_into_memory_and_keeps_one_content(anywhere: Flask, cast: Cast) -> None:
    client, before = api(anywhere, cast.who("A", "teacher")), contents(anywhere)
    key = {"Idempotency-Key": "k1"}
    first, again = put(client, headers=key), put(client, headers=key)
    assert first.status_code == again.status_code == 201 and first.json == again.json
    assert len(contents(anywhere) - before) == 1
    other = put(client, data=PDF[:-1] + b"x", headers=key)
    assert (other.status_code, other.json["code"]) == (422, "idempotency_mismatch")
    assert len(contents(anywhere) - before) == 1


def test_places_are_few_and_pages_go_on(sqlite_database: Database, tmp_path: Path, clock: Clock, cast: Cast) -> None:
    app = make_app(sqlite_database, tmp_path, uploads_at_once=1)
    client = api(app, cast.who("A", "student"))
    places: receiving.Places = app.extensions["zutuan"].places
    places.take()
    assert (put(client).status_code, put(client).json["code"]) == (503, "uploads_crowded")
    assert client.get("/me").status_code == 200
    places.give_back()
    assert stored(client) and put(client, name="..").status_code == 422 and stored(client)


class Stalling(io.RawIOBase):
    """A connection on which nothing comes after the first bytes."""

    def __init__(self, first: bytes) -> None:
        self._first, self.released = io.BytesIO(first), threading.Event()

    def read(self, size: int = -1) -> bytes:
        data = self._first.read(size)
        if not data:
            self.released.wait(20)
        return data


def test_who_stalls_loses_the_place(sqlite_app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving.PatientInput.__init__, "__defaults__", (0.2, 5.0))
    client = api(sqlite_app, cast.who("A", "student"))
    places: receiving.Places = sqlite_app.extensions["zutuan"].places
    source = Stalling(PDF[:700])
    response = client.post("/files?name=a.pdf", headers=STREAM, environ_overrides=arriving(source, 9000))
    assert (response.status_code, response.json["code"]) == (408, "upload_stalled")
    assert contents(sqlite_app) == set() and places.abandoned == 1
    source.released.set()
    upload = begin(client, PDF).headers["Location"]
    source = Stalling(PDF[:700])
    response = patch(client, upload, 0, b"", environ_overrides=arriving(source, len(PDF)))
    assert (response.status_code, response.headers["Upload-Offset"]) == (204, "700")
    source.released.set()
    assert patch(client, upload, 700, PDF[700:]).headers["Content-Location"]


# --- reading ----------------------------------------------------------------------------------------------------


def test_ranges_and_conditions(sqlite_app: Flask, cast: Cast) -> None:
    client = api(sqlite_app, cast.who("A", "student"))
    file_id = stored(client)
    everything = download(sqlite_app, client, file_id)
    assert everything.status == 200 and everything.body == PDF and everything.headers["etag"] == f'"{SHA}"'
    assert everything.headers["content-type"] == "application/pdf"
    assert (
        everything.headers["x-content-type-options"] == "nosniff"
        and "sandbox" in everything.headers["content-security-policy"]
    )
    assert everything.headers["content-disposition"].endswith("filename*=UTF-8''%E8%AE%B2%E4%B9%89.pdf")
    for header, part in (("bytes=0-8", PDF[:9]), ("bytes=-3", PDF[-3:]), ("bytes=10-", PDF[10:])):
        answer = download(sqlite_app, client, file_id, Range=header)
        assert (answer.status, answer.body) == (206, part)
        assert answer.headers["content-range"].endswith(f"/{len(PDF)}")
        assert answer.headers["content-length"] == str(len(part))
    beyond = download(sqlite_app, client, file_id, Range="bytes=999999-")
    assert beyond.status == 416 and beyond.headers["content-range"] == f"bytes */{len(PDF)}"
    for whole in ({"Range": "bytes=1-2,5-6"}, {"Range": "pages=1-2"}, {"Range": "bytes=5-1"},
                  {"Range": "bytes=0-3", "If_Range": '"other"'}, {"Range": "bytes=999999-", "If_Range": '"other"'}):  # fmt: skip
        answer = download(sqlite_app, client, file_id, **whole)
        assert (answer.status, answer.body) == (200, PDF), whole
    assert download(sqlite_app, client, file_id, Range="bytes=0-3", If_Range=f'"{SHA}"').status == 206
    assert download(sqlite_app, client, file_id, If_None_Match=f'"{SHA}"').status == 304
    head = download(sqlite_app, client, file_id, "HEAD")
    assert head.body == b"" and head.headers["content-length"] == str(len(PDF))


def test_an_address_is_for_minutes_and_for_one_file(sqlite_app: Flask, clock: Clock, cast: Cast) -> None:
    client = api(sqlite_app, cast.who("A", "student"))
    address = client.get(f"/files/{stored(client)}/content").headers["Location"]
    server = make_server(config_of(sqlite_app))
    assert ask(server, "GET", address).status == 200 and ask(server, "POST", address).status == 405
    token = address.split("/")[-2]
    middle = len(token) - 10  # of the signature; its very last character holds bits that say nothing
    other = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
    for forged in (other, "x", token.split(".")[0], "..", "%2e%2e"):
        assert ask(server, "GET", address.replace(token, forged)).status in (403, 404), forged
    assert ask(make_server(Config(files=config_of(sqlite_app).files, secret="x" * 40)), "GET", address).status == 403
    for path in ("/../../etc/passwd", "/-/files/../../../etc/passwd", "/-/files/a/../../x", "/"):
        assert ask(server, "GET", path).status in (403, 404)
    clock.advance(timedelta(minutes=5, seconds=1))
    assert ask(server, "GET", address).status == 403


def test_a_proxy_that_accelerates_is_told_where(
    sqlite_database: Database, tmp_path: Path, clock: Clock, cast: Cast
) -> None:
    app = make_app(sqlite_database, tmp_path, accel="/protected")
    client = api(app, cast.who("A", "student"))
    answer = client.get(f"/files/{stored(client)}/content")
    path = answer.headers["X-Accel-Redirect"]
    assert answer.status_code == 200 and (tmp_path / path.removeprefix("/protected/")).read_bytes() == PDF
    assert answer.headers["Content-Type"] == "application/pdf" and answer.data == b""


def test_s3_hands_out_itself(database: Database, tmp_path: Path, clock: Clock, cast: Cast, s3_server: Any) -> None:
    client = api(make_app(database, tmp_path, s3=s3_server.config), cast.who("A", "student"))
    address = client.get(f"/files/{stored(client)}/content").headers["Location"]
    assert address.startswith(s3_server.config.endpoint + "/zutuan/files/") and "X-Amz-Expires=300" in address


def test_the_page_of_a_download(sqlite_app: Flask, cast: Cast) -> None:
    client, owner = sqlite_app.test_client(), api(sqlite_app, cast.who("A", "student"))
    file_id = stored(owner)
    assert client.get(f"/files/{file_id}").headers["Location"].startswith("/sign-in")
    browser_session(client, cast.who("B", "student"))
    assert client.get(f"/files/{file_id}").status_code == client.get("/files/987654").status_code == 404
    browser_session(client, cast.who("A", "student"))
    assert "/-/files/" in client.get(f"/files/{file_id}").headers["Location"]


# --- who may ----------------------------------------------------------------------------------------------------


def item_of(session: Any, cast: Cast, *audience: str, state: str = "published") -> SharedItem:
    """A course's item of school A, its files shared with these scopes."""
    item = SharedItem(
        kind="course", owner_school_id=cast.schools["A"], title_zh="带附件", state=state, created_at=NOW,
        updated_at=NOW, published_at=NOW,
    )  # fmt: skip
    session.add(item)
    session.flush()
    for scope in audience:
        add_share(session, item.id, scope, NOW, "files")
    audit(session, None, "test.item", Subject(), now=NOW)
    return item


def file_of(database: Database, app: Flask, item_id: int, player: Player) -> int:
    """A file of the item: its feature would have asked who may attach."""
    content = app.extensions["zutuan"].files.storage.put(new_key("files"), [PDF])
    with database.write() as session:
        file = StoredFile(
            name="附件.pdf", media_type="application/pdf", purpose="document", size=len(PDF), sha256=SHA,
            key=content.key, item_id=item_id, aspect="files", owner_school_id=1, uploaded_by=player.id, created_at=NOW,
        )  # fmt: skip
        session.add(file)
        audit(session, None, "test.file", Subject(), now=NOW)
        session.flush()
        return file.id


def test_a_file_of_an_item_follows_its_shares_at_once(database: Database, app: Flask, cast: Cast, clock: Clock) -> None:
    with database.write() as session:
        shared = scopes.cluster(cast.clusters["A"])
        item_id = item_of(session, cast, shared, scopes.school(cast.schools["A"])).id
    file_id = file_of(database, app, item_id, cast.who("A", "teacher"))
    inside, outside, former = (api(app, cast.who(school, "student")) for school in "BDE")

    def answers(client: Api) -> list[int]:
        paths = (f"/files/{file_id}", f"/files/{file_id}/content", f"/files?item_id={item_id}")
        return [client.get(path).status_code for path in paths]

    assert answers(inside) == [200, 302, 200]
    assert answers(outside) == answers(former) == [404, 404, 404]
    assert inside.get(f"/files?item_id={item_id}").json["items"][0]["id"] == file_id
    assert inside.delete(f"/files/{file_id}", headers={"If-Match": '"v1"'}).status_code == 403
    clock.advance(timedelta(seconds=1))
    with database.write() as session:
        membership = session.scalars(sa.select(Membership).where(Membership.school_id == cast.schools["B"])).one()
        membership.until = clock.now()
        audit(session, None, "test.leaves", Subject(), now=clock.now())
    assert answers(inside) == [404, 404, 404]


def test_files_of_a_draft_are_not_its_audiences(sqlite_database: Database, sqlite_app: Flask, cast: Cast) -> None:
    with sqlite_database.write() as session:
        item_id = item_of(session, cast, scopes.PLATFORM, scopes.manage(cast.schools["A"]), state="draft").id
    file_id = file_of(sqlite_database, sqlite_app, item_id, cast.who("A", "teacher"))
    assert api(sqlite_app, cast.who("B", "student")).get(f"/files/{file_id}").status_code == 404
    assert api(sqlite_app, cast.who("A", "registrar")).get(f"/files/{file_id}").status_code == 200


def test_own_files_are_nobody_elses(app: Flask, database: Database, cast: Cast) -> None:
    owner, other = api(app, cast.who("A", "student")), api(app, cast.who("A", "platform_admin"))
    file_id, version = stored(owner), {"If-Match": '"v1"'}
    for method, path in (("GET", ""), ("GET", "/content"), ("HEAD", "/content"), ("DELETE", "")):
        assert other.request(method, f"/files/{file_id}{path}", headers=version).status_code == 404
    assert [each["id"] for each in owner.get("/files").json["items"]] == [file_id] and other.get("/files").json[
        "total"
    ] == 0
    assert owner.delete(f"/files/{file_id}").status_code == 428
    assert owner.delete(f"/files/{file_id}", headers=version).status_code == 204
    assert (
        owner.get(f"/files/{file_id}").status_code
        == owner.delete(f"/files/{file_id}", headers=version).status_code
        == 404
    )
    assert len(contents(app)) == 1  # until the commit is followed up
    drain(app, database)
    drain(app, database)
    assert contents(app) == set() and owner.get("/files").json["items"] == []


# --- resumable uploads ------------------------------------------------------------------------------------------


def coded(**facts: str) -> str:
    return ",".join(f"{name} {base64.b64encode(text.encode()).decode()}" for name, text in facts.items())


def begin(client: Api, data: bytes, name: str = "讲义.pdf", **facts: str) -> TestResponse:
    headers = {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(len(data)),
        "Upload-Metadata": coded(filename=name, **facts),
    }
    return client.post("/uploads", headers=headers)


def patch(client: Api, path: str, offset: int, data: bytes, headers: Any = None, **kw: Any) -> TestResponse:
    sent = {
        "Tus-Resumable": "1.0.0", "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream",
        **(headers or {}),
    }  # fmt: skip
    return client.patch(path, data=data, headers=sent, **kw)


def offset_of(client: Api, path: str) -> int:
    head = client.request("HEAD", path, headers={"Tus-Resumable": "1.0.0"})
    assert (
        head.status_code == 200
        and head.headers["Tus-Resumable"] == "1.0.0"
        and head.headers["Cache-Control"] == "no-store"
    )
    return int(head.headers["Upload-Offset"])


def test_an_upload_in_pieces(anywhere: Flask, database: Database, cast: Cast) -> None:
    client, before = api(anywhere, cast.who("A", "teacher")), contents(anywhere)
    answer = begin(client, PDF, sha256=SHA, filetype="text/html")
    path = answer.headers["Location"]
    assert answer.status_code == 201 and answer.headers["Upload-Expires"] and offset_of(client, path) == 0
    assert patch(client, path, 0, PDF[:1000]).headers["Upload-Offset"] == "1000"
    assert offset_of(client, path) == 1000 and "Upload-Length" in client.request("HEAD", path).headers
    assert patch(client, path, 1000, PDF[1000:1001]).status_code == 204
    last = patch(client, path, 1001, PDF[1001:])
    assert last.status_code == 204 and last.headers["Upload-Offset"] == str(len(PDF)) == str(offset_of(client, path))
    file = client.get(last.headers["Content-Location"]).json
    assert (file["sha256"], file["media_type"]) == (SHA, "application/pdf")
    assert client.get(path).json["file_id"] == file["id"] and client.get(path).json["state"] == "complete"
    assert patch(client, path, len(PDF), b"x").status_code == 410
    drain(anywhere, database)
    assert len(contents(anywhere) - before) == 1


def test_parts_join_in_order(anywhere: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PART", 16 * 1024)
    client = api(anywhere, cast.who("A", "teacher"))
    data = PDF + b"".join(hashlib.sha512(str(n).encode()).digest() for n in range(3000))
    path = begin(client, data, sha256=hashlib.sha256(data).hexdigest()).headers["Location"]
    assert patch(client, path, 0, data[:100_000]).headers["Upload-Offset"] == "100000"
    assert patch(client, path, 100_000, data[100_000:]).headers["Content-Location"]


def test_a_broken_connection_keeps_what_came(anywhere: Flask, cast: Cast) -> None:
    client = api(anywhere, cast.who("A", "teacher"))
    path = begin(client, PDF).headers["Location"]
    patch(client, path, 0, b"", environ_overrides=arriving(io.BytesIO(PDF[:3000]), len(PDF)))
    assert offset_of(client, path) == 3000
    assert patch(client, path, 3000, PDF[3000:]).status_code == 204 and offset_of(client, path) == len(PDF)


class Killed(BaseException):
    """Like SIGKILL: no `except Exception` of ours sees it."""


def test_a_crash_in_the_middle_loses_at_most_a_part(
    anywhere: Flask, database: Database, cast: Cast, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies while a part is written, and again while the whole is joined: nothing half is ever seen."""
    monkeypatch.setattr(uploads, "PART", 4096)
    monkeypatch.setattr(receiving, "UNIT", 1024)
    files, person = anywhere.extensions["zutuan"].files, cast.who("A", "teacher")
    client = api(anywhere, person)
    path = begin(client, PDF).headers["Location"]
    upload_id = int(path.rsplit("/", 1)[1])

    def dies() -> Iterator[bytes]:
        for start in range(0, 6000, 1000):
            yield PDF[start : start + 1000]
        raise Killed

    with monkeypatch.context() as crash:
        crash.setattr(uploads, "_give_back", lambda *_: None)  # a killed process tidies nothing up
        with pytest.raises(Killed):
            uploads.add(database, files, actor_of(database, person), upload_id, uploads.Piece(0, len(PDF), dies()))
    assert offset_of(client, path) == 5000  # parts of five pieces each
    assert patch(client, path, 5000, PDF[5000:]).json["code"] == "upload_busy"
    clock.advance(rules.LEASE)
    with monkeypatch.context() as crash:
        crash.setattr(uploads, "_complete", lambda *_: (_ for _ in ()).throw(Killed()))
        crash.setattr(uploads, "_give_back", lambda *_: None)
        with pytest.raises(Killed):
            rest = uploads.Piece(5000, len(PDF) - 5000, [PDF[5000:]])
            uploads.add(database, files, actor_of(database, person), upload_id, rest)
    reached = offset_of(client, path)
    assert reached < len(PDF) and client.get(path).json["state"] == "open"
    clock.advance(rules.LEASE)
    done = patch(client, path, reached, PDF[reached:])
    assert client.get(done.headers["Content-Location"]).json["sha256"] == SHA


def actor_of(database: Database, person: Player) -> Any:
    from zutuan.people.models import Person
    from zutuan.people.services import load_actor

    with database.read() as session:
        return load_actor(session, session.get_one(Person, person.id), NOW)


def test_of_many_at_once_one_writes(anywhere: Flask, database: Database, cast: Cast) -> None:
    person, many = cast.who("A", "teacher"), 6
    path = begin(api(anywhere, person), PDF).headers["Location"]
    barrier, answers = threading.Barrier(many), []

    def work() -> None:
        client = api(anywhere, person)
        barrier.wait()
        answers.append(patch(client, path, 0, PDF[:5000]).status_code)

    threads = [threading.Thread(target=work) for _ in range(many)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(answers) == [204] + [409] * (many - 1)
    client = api(anywhere, person)
    assert offset_of(client, path) == 5000 and patch(client, path, 5000, PDF[5000:]).status_code == 204
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(StoredFile)) == 1
        assert session.scalar(sa.select(StoredFile.sha256)) == SHA


def test_who_comes_late_is_told_where_it_stands(app: Flask, cast: Cast) -> None:
    client = api(app, cast.who("A", "teacher"))
    path = begin(client, PDF).headers["Location"]
    patch(client, path, 0, PDF[:100])
    for offset in (0, 99, 101, 5000):
        refused = patch(client, path, offset, b"x" * 10)
        assert (refused.status_code, refused.json["code"]) == (409, "upload_offset")
    assert offset_of(client, path) == 100


def test_lengths_that_lie(app: Flask, cast: Cast) -> None:
    client = api(app, cast.who("A", "teacher"))
    path = begin(client, PDF[:2000]).headers["Location"]
    longer = patch(client, path, 0, PDF)
    assert (longer.status_code, longer.json["code"]) == (413, "upload_too_long") and offset_of(client, path) == 0
    for value in ("", "-1", "1.5", "x", "9" * 30):
        bad = client.post("/uploads", headers={"Upload-Length": value, "Upload-Metadata": coded(filename="a.pdf")})
        assert (bad.status_code, bad.json["code"]) == (400, "upload_length"), value
    zero = client.post("/uploads", headers={"Upload-Length": "0", "Upload-Metadata": coded(filename="a.pdf")})
    assert fields_of(zero) == {"file": "file_empty"}
    huge = client.post("/uploads", headers={"Upload-Length": "9" * 15, "Upload-Metadata": coded(filename="a.pdf")})
    assert fields_of(huge) == {"file": "file_too_large"}


@pytest.mark.parametrize(
    ("name", "code"), [("../x.pdf", "name_path"), ("a\u202e.pdf", "name_invisible"), ("n" * 300, "too_long")]
)
def test_names_of_uploads(sqlite_app: Flask, cast: Cast, name: str, code: str) -> None:
    assert fields_of(begin(api(sqlite_app, cast.who("A", "teacher")), PDF, name=name)) == {"name": code}


def test_checksums_of_pieces(anywhere: Flask, cast: Cast) -> None:
    client = api(anywhere, cast.who("A", "teacher"))
    path, before = begin(client, PDF).headers["Location"], contents(anywhere)

    def checked(data: bytes, algorithm: str = "sha256", said: bytes | None = None) -> dict[str, str]:
        digest = hashlib.new(algorithm, data if said is None else said).digest()
        return {"Upload-Checksum": f"{algorithm} {base64.b64encode(digest).decode()}"}

    damaged = patch(client, path, 0, PDF[:5000], headers=checked(PDF[:5000], said=b"other"))
    assert (damaged.status_code, damaged.json["code"]) == (460, "piece_checksum")
    assert offset_of(client, path) == 0 and contents(anywhere) == before
    assert patch(client, path, 0, PDF[:5000], headers={"Upload-Checksum": "md5 x"}).status_code == 400
    assert patch(client, path, 0, PDF[:5000], headers=checked(PDF[:5000])).status_code == 204
    assert patch(client, path, 5000, PDF[5000:], headers=checked(PDF[5000:], "sha1")).headers["Content-Location"]


def test_a_whole_that_is_not_what_was_announced(anywhere: Flask, database: Database, cast: Cast) -> None:
    client, before = api(anywhere, cast.who("A", "teacher")), contents(anywhere)
    path = begin(client, PDF, sha256="0" * 64).headers["Location"]
    patch(client, path, 0, PDF[:5000])
    assert fields_of(patch(client, path, 5000, PDF[5000:])) == {"sha256": "file_checksum"}
    assert client.request("HEAD", path).status_code == patch(client, path, 5000, PDF[5000:]).status_code == 410
    wrong = begin(client, b"MZ" + PDF).headers["Location"]
    assert fields_of(patch(client, wrong, 0, b"MZ" + PDF)) == {"file": "file_content"}
    drain(anywhere, database)
    assert contents(anywhere) == before and client.get("/files").json["items"] == []


def test_an_upload_is_its_persons(app: Flask, cast: Cast) -> None:
    path = begin(api(app, cast.who("A", "teacher")), PDF).headers["Location"]
    other = api(app, cast.who("A", "school_admin"))
    for method in ("GET", "HEAD", "DELETE"):
        assert other.request(method, path).status_code == 404
    assert patch(other, path, 0, PDF).status_code == patch(other, "/uploads/987654", 0, PDF).status_code == 404


def test_giving_up_and_running_out(app: Flask, database: Database, cast: Cast, clock: Clock) -> None:
    client = api(app, cast.who("A", "teacher"))
    ended, late = (begin(client, PDF).headers["Location"] for _ in range(2))
    for path in (ended, late):
        patch(client, path, 0, PDF[:5000])
    assert client.delete(ended).status_code == 204 and client.request("HEAD", ended).status_code == 410
    clock.advance(rules.KEEP)
    client = api(app, cast.who("A", "teacher"))
    assert client.request("HEAD", late).status_code == patch(client, late, 5000, PDF[5000:]).status_code == 410
    worker = make_worker(database, config_of(app))
    worker.tick()
    worker.drain()
    with database.read() as session:
        assert set(session.scalars(sa.select(Upload.state))) == {"ended"}
        assert session.scalar(sa.select(sa.func.count()).select_from(UploadPart)) == 0
    assert contents(app) == set()


def test_protocol(app: Flask, cast: Cast) -> None:
    client = api(app, cast.who("A", "teacher"))
    options = client.request("OPTIONS", "/uploads")
    assert options.headers["Tus-Version"] == "1.0.0" and "creation" in options.headers["Tus-Extension"]
    other = client.post("/uploads", headers={"Tus-Resumable": "0.2.2"})
    assert other.status_code == 412 and other.headers["Tus-Version"] == "1.0.0"
    path = begin(client, PDF).headers["Location"]
    assert client.patch(path, data=b"x", headers={"Upload-Offset": "0", **STREAM}).status_code == 415
    assert (
        client.post("/uploads", headers={"Upload-Length": "5", "Upload-Metadata": "x !!"}).json["code"]
        == "upload_metadata"
    )
    for _ in range(uploads.MAX_OPEN - 1):
        assert begin(client, PDF).status_code == 201
    assert begin(client, PDF).json["code"] == "too_many_uploads"


# --- upkeep and backup ------------------------------------------------------------------------------------------


def test_orphans_go_and_nothing_else(app: Flask, database: Database, cast: Cast) -> None:
    client, storage = api(app, cast.who("A", "teacher")), app.extensions["zutuan"].files.storage
    stored(client)
    patch(client, begin(client, PDF).headers["Location"], 0, PDF[:5000])
    kept = contents(app)
    for _ in range(5):
        storage.put(new_key("files"), [b"nobody's"])
    from datetime import UTC, datetime

    for now, left in ((datetime.now(UTC), 7), (datetime.now(UTC) + upkeep.ORPHAN_AGE + timedelta(hours=1), 2)):
        after = "start"
        while after:
            with database.write() as session:
                after = upkeep.sweep(session, storage, now, "" if after == "start" else after, limit=2)
        with database.write() as session:
            session.execute(sa.update(OutboxMessage).values(available_at=NOW))  # the sweep was asked on another day
        drain(app, database)
        assert len(contents(app)) == left
    assert contents(app) == kept


def test_a_worker_keeps_the_storage(app: Flask, database: Database, cast: Cast, clock: Clock) -> None:
    """Round after round, as it runs: expiry first, then the sweep to its end, and not again before tomorrow."""
    storage = app.extensions["zutuan"].files.storage
    orphan = storage.put(new_key("files"), [b"nobody's"]).key
    os.utime(storage.path(orphan), (0, 0))
    work = upkeep.FilesUpkeep(storage)
    for _ in range(3):
        with database.write() as session:
            assert work(session, clock.now()) == 0
    drain(app, database)
    assert contents(app) == set()
    assert work._next_sweep == NOW + upkeep.SWEEP_EVERY


def test_what_is_wrong_is_found(app: Flask, database: Database, cast: Cast, tmp_path: Path) -> None:
    client = api(app, cast.who("A", "teacher"))
    directory = app.extensions["zutuan"].files.storage
    assert isinstance(directory, Directory)
    for _ in range(3):
        stored(client)
    with database.read() as session:
        gone, cut, changed = session.scalars(sa.select(StoredFile.key).order_by(StoredFile.id))
        directory.path(gone).unlink()
        directory.path(cut).write_bytes(PDF[:-1])
        directory.path(changed).write_bytes(PDF[:-1] + b"!")
        found = {problem.subject.split()[-1]: problem.detail for problem in upkeep.verify(session, directory)}
        assert set(found) == {gone, cut} and found[gone] == "missing"
        assert len(upkeep.verify(session, directory, deep=True)) == 3
        with pytest.raises(upkeep.Damaged):
            list(upkeep.copy(directory, Directory(tmp_path / "copy"), upkeep.complete(session)))


def test_backup_and_restore_go_through_the_interface(
    anywhere: Flask, database: Database, cast: Cast, tmp_path: Path
) -> None:
    client, storage = api(anywhere, cast.who("A", "teacher")), anywhere.extensions["zutuan"].files.storage
    for number in range(3):
        stored(client, data=PDF + bytes(number))
    backup = Directory(tmp_path / "backup")
    with database.read() as session:
        wanted = list(upkeep.complete(session, batch=2))
        assert len(wanted) == 3 and list(upkeep.copy(storage, backup, wanted)) == wanted
        assert upkeep.verify(session, backup, deep=True) == []
        storage.delete(wanted[0].key)
        list(upkeep.copy(backup, storage, wanted))
        assert upkeep.verify(session, storage, deep=True) == []


def test_readyz_speaks_of_the_storage(sqlite_database: Database, tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "f").write_text("")
    good, bad = make_app(sqlite_database, tmp_path), make_app(sqlite_database, tmp_path / "f" / "g")
    assert good.test_client().get("/readyz").json["checks"]["storage"] == "ok"
    answer = bad.test_client().get("/readyz")
    assert (answer.status_code, answer.json["status"], answer.json["checks"]["storage"]) == (
        200,
        "degraded",
        "degraded",
    )


# --- files of items ---------------------------------------------------------------------------------------------


def with_keepers(app: Flask, *people: Player) -> None:
    """As if these people, and nobody else, looked after the files of courses."""
    ids = {person.id for person in people}
    _keep(app, {"course": lambda _session, actor, _item: actor.person_id in ids})


def _keep(app: Flask, keepers: dict[str, Callable[..., bool]]) -> None:
    runtime = app.extensions["zutuan"]
    app.extensions["zutuan"] = dataclasses.replace(runtime, files=dataclasses.replace(runtime.files, keepers=keepers))


def test_who_looks_after_an_item_adds_and_removes_its_files(app: Flask, database: Database, cast: Cast) -> None:
    keeper, colleague, outsider = (cast.who("A", "teacher"), cast.who("A", "student"), cast.who("D", "teacher"))
    with database.write() as session:
        item_id = item_of(session, cast, scopes.cluster(cast.clusters["A"])).id
    _keep(app, {})
    assert fields_of(put(api(app, colleague), item_id=item_id)) == {"item_id": "item_takes_no_files"}
    with_keepers(app, keeper)
    assert put(api(app, colleague), item_id=item_id).status_code == 403
    assert fields_of(put(api(app, outsider), item_id=item_id)) == {"item_id": "no_such"}
    assert contents(app) == set()
    file_id = stored(api(app, keeper), item_id=item_id)
    assert api(app, cast.who("B", "student")).get(f"/files/{file_id}").json["item_id"] == item_id
    assert api(app, colleague).get(f"/files/{file_id}").status_code == 200  # the owner's school always
    assert api(app, outsider).get(f"/files/{file_id}").status_code == 404
    upload = begin(api(app, keeper), PDF, item_id=str(item_id)).headers["Location"]
    done = patch(api(app, keeper), upload, 0, PDF)
    assert api(app, cast.who("B", "student")).get(done.headers["Content-Location"]).status_code == 200
    late = begin(api(app, keeper), PDF, item_id=str(item_id)).headers["Location"]
    with_keepers(app)  # who may no longer, when it has arrived, may not
    assert patch(api(app, keeper), late, 0, PDF).status_code == 403
    assert api(app, keeper).delete(f"/files/{file_id}", headers={"If-Match": '"v1"'}).status_code == 403
    with_keepers(app, keeper)
    assert api(app, keeper).delete(f"/files/{file_id}", headers={"If-Match": '"v1"'}).status_code == 204
    assert api(app, colleague).get(f"/files/{file_id}").status_code == 404


def test_a_file_of_ones_own_is_given_to_an_item(app: Flask, database: Database, cast: Cast) -> None:
    keeper = cast.who("A", "teacher")
    with_keepers(app, keeper)
    files, file_id = app.extensions["zutuan"].files, stored(api(app, keeper))
    actor, stranger = actor_of(database, keeper), actor_of(database, cast.who("A", "student"))
    with database.write() as session:
        item = item_of(session, cast, scopes.cluster(cast.clusters["A"]))
        with pytest.raises(NotFound):
            services.attach(session, files, stranger, file_id, item, "files")
        services.attach(session, files, actor, file_id, item, "files")
        with pytest.raises(NotFound):
            services.attach(session, files, actor, file_id, item, "files")
    assert api(app, cast.who("B", "student")).get(f"/files/{file_id}").status_code == 200
    assert api(app, keeper).get("/files").json["items"] == []
