"""选课证明: issued, read back as a PDF, its QR code scanned and its address opened; refused rather than misprinted."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any
from urllib.parse import urlsplit

import pypdf
import pytest
import sqlalchemy as sa
from flask import Flask
from support.cast import NOW, Cast
from support.http import api, browser_session, post_form
from support.reading import BLANK, scanned
from support.teaching import ok, refused, teach

from courses.enrolment import services as enrolments
from zutuan.clock import Clock
from zutuan.db import Database
from zutuan.papers import fonts, rules
from zutuan.papers.feature import papers_are_what_was_issued
from zutuan.papers.models import Paper
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.sharing.models import SharedItem

PUZZLE = "\U00020089\U0002a701\U0002b741\U0002b821\U0002ceb5·‧・"  # one of each of Extensions B to F, and three dots


def enrolled(app: Flask, cast: Cast) -> int:
    taught = teach(app, cast)
    made = ok(api(app, cast.who("B", "student")).post(taught.seats, {}), 201)
    ok(api(app, cast.who("B", "registrar")).post(f"/enrolments/{made['id']}/approve", {}))
    return int(made["id"])


def certify(app: Flask, cast: Cast, enrolment: int, letter: str = "B", role: str = "student") -> Any:
    return api(app, cast.who(letter, role)).post(f"/enrolments/{enrolment}/certificate")


def file_of(app: Flask, cast: Cast, paper: int, letter: str = "B", role: str = "student") -> Any:
    client = app.test_client()
    browser_session(client, cast.who(letter, role))
    return client.get(f"/papers/{paper}/file")


def call_people(database: Database, cast: Cast, name: str) -> None:
    with database.write() as session:
        session.execute(sa.update(Person).where(Person.id == cast.who("B", "student").id).values(name=name))
        session.execute(sa.update(SharedItem).values(title_zh=name * 2 if len(name) <= 60 else name))
        session.info["audited"] = True


def test_a_paper_is_issued_read_and_verified(app: Flask, cast: Cast) -> None:
    enrolment = enrolled(app, cast)
    paper = ok(certify(app, cast, enrolment), 201)
    assert paper["content"]["title"] == "选课证明" and paper["school"]["name"] == "甲参与师范大学"
    assert ["学工号", "B***"] in paper["content"]["facts"]
    answer = file_of(app, cast, paper["id"])
    assert answer.status_code == 200 and answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{paper["number"]}.pdf"'
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    reader = pypdf.PdfReader(io.BytesIO(answer.data))
    words = "".join(page.extract_text() for page in reader.pages).translate(BLANK)
    assert len(reader.pages) == 1
    for text in ("选课证明", "教育心理学", "甲牵头师范大学", paper["number"], "第1页，共1页", "经办人（签字）", "盖章"):
        assert text.replace(" ", "") in words, text
    url = scanned(answer.data)
    assert url == paper["verify_url"] == f"http://127.0.0.1:8000/verify/{paper['number']}"
    public = app.test_client(use_cookies=False).get(urlsplit(url).path)
    assert public.status_code == 200 and "这份证明有效" in public.text
    assert public.headers["X-Robots-Tag"] == "noindex, nofollow"
    for _label, value in paper["content"]["facts"]:
        assert value in public.text
    assert cast.who("B", "student").number not in public.text and "@" not in public.text
    assert file_of(app, cast, paper["id"]).data == answer.data, "the same bytes each time"


def test_the_same_paper_is_not_issued_twice(app: Flask, cast: Cast) -> None:
    enrolment = enrolled(app, cast)
    first = ok(certify(app, cast, enrolment), 201)
    assert ok(certify(app, cast, enrolment), 201)["number"] == first["number"]
    assert ok(certify(app, cast, enrolment, "B", "registrar"), 201)["number"] == first["number"]
    host = ok(certify(app, cast, enrolment, "A", "registrar"), 201)
    assert host["number"] != first["number"] and host["school"]["name"] == "甲牵头师范大学"


def test_who_may_issue_and_see(app: Flask, cast: Cast) -> None:
    enrolment = enrolled(app, cast)
    refused(certify(app, cast, enrolment, "A", "teacher"), 403, "forbidden")
    refused(certify(app, cast, enrolment, "B", "teacher"), 404, "not_found")
    refused(certify(app, cast, enrolment, "C", "registrar"), 404, "not_found")
    paper = ok(certify(app, cast, enrolment), 201)
    for letter, role, status in (
        ("B", "registrar", 200), ("B", "school_admin", 200), ("A", "registrar", 404), ("B", "teacher", 404),
    ):  # fmt: skip
        assert api(app, cast.who(letter, role)).get(f"/papers/{paper['id']}").status_code == status
        assert file_of(app, cast, paper["id"], letter, role).status_code == status
    listed = ok(api(app, cast.who("B", "student")).get("/papers"))["items"]
    assert [each["id"] for each in listed] == [paper["id"]]
    school = ok(api(app, cast.who("B", "registrar")).get("/papers?side=school"))["items"]
    assert [each["id"] for each in school] == [paper["id"]]
    assert ok(api(app, cast.who("A", "registrar")).get("/papers?side=school"))["items"] == []


def test_before_the_approval_there_is_none(app: Flask, cast: Cast) -> None:
    taught = teach(app, cast)
    made = ok(api(app, cast.who("B", "student")).post(taught.seats, {}), 201)
    refused(certify(app, cast, made["id"]), 409, "not_enrolled_yet")


def test_what_is_no_longer_true_is_taken_back(app: Flask, cast: Cast) -> None:
    enrolment = enrolled(app, cast)
    paper = ok(certify(app, cast, enrolment), 201)
    ok(api(app, cast.who("B", "student")).post(f"/enrolments/{enrolment}/withdraw", {}))
    public = app.test_client(use_cookies=False).get(f"/verify/{paper['number']}")
    assert public.status_code == 200 and "这份证明已撤销" in public.text and "所证明的事项已经变化" in public.text


def test_the_issuing_school_takes_it_back(app: Flask, cast: Cast) -> None:
    paper = ok(certify(app, cast, enrolled(app, cast)), 201)
    path = f"/papers/{paper['id']}/revoke"
    refused(api(app, cast.who("B", "student")).post(path, {"reason": "x"}), 403, "forbidden")
    refused(api(app, cast.who("B", "registrar")).post(path, {"reason": ""}), 422, "invalid")
    assert ok(api(app, cast.who("B", "registrar")).post(path, {"reason": "信息有误"}))["revoke_reason"] == "信息有误"
    refused(api(app, cast.who("B", "registrar")).post(path, {"reason": "再来"}), 409, "paper_revoked")
    assert "信息有误" in app.test_client(use_cookies=False).get(f"/verify/{paper['number']}").text


def test_unknown_numbers_all_look_alike(sqlite_app: Flask, cast: Cast) -> None:
    client = sqlite_app.test_client(use_cookies=False)
    unknown = rules.new_number(2026, lambda n: 3)
    pages = []
    for number in (unknown, "ZT2026-AAAAA", "x" * 500, "<script>", "%00", "１２３"):
        answer = client.get(f"/verify/{number}")
        assert answer.status_code == 404 and "没有这份证明" in answer.text and "<script>" not in answer.text
        pages.append(answer.text)
    assert client.get("/verify").status_code == 200 and "没有这份证明" not in client.get("/verify").text


def test_a_number_typed_by_hand(sqlite_app: Flask, cast: Cast, clock: Clock) -> None:
    paper = ok(certify(sqlite_app, cast, enrolled(sqlite_app, cast)), 201)
    typed = paper["number"].lower().replace("-", " ").replace("1", "l")
    typed = typed[:6] + typed[6:].replace("0", "o")
    answer = sqlite_app.test_client(use_cookies=False).get("/verify", query_string={"number": typed})
    assert "这份证明有效" in answer.text


def test_long_and_rare_names_are_printed(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    if not all(font.path.exists() for font in fonts.CHAIN):
        pytest.skip("rare characters: apt-get install fonts-hanazono fonts-babelstone-han")
    enrolment = enrolled(sqlite_app, cast)
    name = (PUZZLE * 8)[:60]
    call_people(sqlite_database, cast, name)
    paper = ok(certify(sqlite_app, cast, enrolment), 201)
    raw = file_of(sqlite_app, cast, paper["id"]).data
    reader = pypdf.PdfReader(io.BytesIO(raw))
    words = "".join(page.extract_text() for page in reader.pages).translate(BLANK)
    assert set(PUZZLE) <= set(words) and scanned(raw) == paper["verify_url"]
    embedded: set[bool] = set()
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():  # type: ignore[index]
            descriptor = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            embedded.add(bool({"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor)))
    assert embedded == {True}


def test_what_no_font_has_is_refused(app: Flask, database: Database, cast: Cast) -> None:
    enrolment = enrolled(app, cast)
    call_people(database, cast, "某\U000e0100\U0003fffd")
    problem = refused(certify(app, cast, enrolment), 409, "no_glyph")
    assert "U+3FFFD" in problem["title"] and "fonts-hanazono" in problem["detail"]
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Paper)) == 0


def test_check_finds_what_was_changed(app: Flask, database: Database, cast: Cast) -> None:
    ok(certify(app, cast, enrolled(app, cast)), 201)
    with database.write() as session:
        assert papers_are_what_was_issued(session) == []
        session.execute(sa.update(Paper).values(content={"title": "学位证书"}))
        session.info["audited"] = True
        assert len(papers_are_what_was_issued(session)) == 1


def test_on_the_pages(sqlite_app: Flask, cast: Cast) -> None:
    enrolment = enrolled(sqlite_app, cast)
    client = sqlite_app.test_client()
    browser_session(client, cast.who("B", "student"))
    assert "开具选课证明" in client.get(f"/enrolments/{enrolment}").text
    made = post_form(client, f"/enrolments/{enrolment}/certificate")
    assert made.status_code == 302
    assert "下载 PDF" in client.get(made.headers["Location"]).text
    mine = client.get("/papers").text
    assert "有效" in mine and "本校开具的证明" not in mine
    assert post_form(client, f"{made.headers['Location']}/revoke", {"reason": "x"}).status_code == 403
    browser_session(client, cast.who("B", "registrar"))
    issued, own = client.get("/papers").text, client.get("/papers?side=mine").text
    assert made.headers["Location"] in issued and "开给我的证明" in issued
    assert made.headers["Location"] not in own and "教学工作量证明" in own and "选课通过后" not in own
    assert post_form(client, f"{made.headers['Location']}/revoke", {"reason": ""}).status_code == 422
    assert post_form(client, f"{made.headers['Location']}/revoke", {"reason": "错"}).status_code == 302


# --- numbers ----------------------------------------------------------------------------------------------------


def test_a_mistyped_number_is_noticed() -> None:
    number = rules.new_number(2026, lambda n: NOW.day % n)
    assert rules.read_number(number) == number
    plain = number.replace("-", "")
    wrong = 0
    for place in range(6, len(plain)):
        for char in rules.ALPHABET:
            changed = plain[:place] + char + plain[place + 1 :]
            if changed != plain and rules.read_number(changed) is not None and {char, plain[place]} != {"0", "Z"}:
                wrong += 1
    assert wrong == 0


def test_what_is_masked() -> None:
    assert [rules.masked(n) for n in ("1", "B001", "20240", "202412345678")] == ["1", "B***", "20*40", "202******678"]


@pytest.mark.parametrize("fresh", ["postgres"], indirect=True)
def test_no_paper_outlives_a_withdrawal_of_the_same_moment(app: Flask, database: Database, cast: Cast) -> None:
    """(SQLite has one writer: there it cannot be the same moment.)"""
    enrolment = enrolled(app, cast)
    with ThreadPoolExecutor(1) as pool:
        with database.write() as session:
            student = load_actor(session, session.get_one(Person, cast.who("B", "student").id), NOW)
            enrolments.withdraw(session, student, enrolment)
            asked = pool.submit(certify, app, cast, enrolment, "B", "registrar")
            wait([asked], timeout=0.5)
        refused(asked.result(), 409, "not_enrolled_yet")
    with database.read() as session:
        assert session.scalars(sa.select(Paper.id).where(Paper.revoked_at.is_(None))).all() == []
