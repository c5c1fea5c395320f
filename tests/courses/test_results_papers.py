"""学分认定表, 跨校修读成绩单 and 教学工作量证明: filled in, read back, verified by their QR code, taken back when a grade changes."""

from __future__ import annotations

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from threading import Barrier
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import openpyxl
import pypdf
import pytest
import sqlalchemy as sa
from flask import Flask
from flask_babel import force_locale
from support.cast import NOW, YEAR, Cast
from support.hosting import confirm, graded
from support.http import api, browser_session, post_form
from support.reading import BLANK, scanned, words_of
from support.teaching import add_people, ok, refused, teach

from courses.results import labels, services, workload
from courses.results.models import Result
from zutuan.calendar.models import Occurrence
from zutuan.clock import Clock
from zutuan.db import Database
from zutuan.papers import pdf, rules
from zutuan.papers.feature import papers_are_what_was_issued
from zutuan.papers.models import Paper
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.policies.rules import Place
from zutuan.policies.services import decide
from zutuan.sharing.models import AuditEvent, SharedItem


def file_of(app: Flask, cast: Cast, paper: int, letter: str = "B", role: str = "registrar") -> Any:
    client = app.test_client()
    browser_session(client, cast.who(letter, role))
    return client.get(f"/papers/{paper}/file")


def place_of(cast: Cast, letter: str = "B", role: str = "student") -> int:
    return cast.who(letter, role).affiliation_id


def recognised(app: Flask, database: Database, cast: Cast, **more: Any) -> tuple[int, int]:
    enrolment, result = graded(app, database, cast, **more)
    ok(api(app, cast.who("B", "registrar")).post(f"/results/{result}/recognise", {}))
    return enrolment, result


def verified(app: Flask, paper: dict[str, Any]) -> Any:
    return app.test_client(use_cookies=False).get(urlsplit(paper["verify_url"]).path)


# --- 学分认定表 --------------------------------------------------------------------------------------------------


def test_the_form_arrives_filled_in(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    _enrolment, result = recognised(sqlite_app, sqlite_database, cast, title_zh="教育心理学 <b>甲</b>")
    registrar = api(sqlite_app, cast.who("B", "registrar"))
    (paper,) = ok(registrar.post("/results/forms", {"ids": [result]}), 201)["items"]
    assert paper["content"]["title"] == "学分认定表" and paper["school"]["name"] == "甲参与师范大学"
    raw = file_of(sqlite_app, cast, paper["id"]).data
    words = words_of(raw)
    for text in (
        "学分认定表", "甲牵头师范大学", "EDU101", "教育心理学<b>甲</b>", "PUB201教育心理学专题", "公共选修", "1.5", "86", "3.60",
        "学生（签字）", "学院（盖章）", "教务处（盖章）", "认定学分合计1.5", paper["number"], cast.who("B", "student").number,
    ):  # fmt: skip
        assert text in words, text
    assert scanned(raw) == paper["verify_url"]
    public = verified(sqlite_app, paper)
    assert public.status_code == 200 and "这份证明有效" in public.text
    assert "教育心理学 &lt;b&gt;甲&lt;/b&gt;" in public.text and "<b>甲</b>" not in public.text
    number = cast.who("B", "student").number
    assert number not in public.text and rules.masked(number) in public.text and "只显示首尾" in public.text
    again = ok(registrar.post("/results/forms", {"ids": [result]}), 201)["items"]
    assert again[0]["number"] == paper["number"], "the same paper is not issued twice"
    with sqlite_database.write() as session:
        assert papers_are_what_was_issued(session) == []


def test_who_may_issue_it(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    _enrolment, result = graded(sqlite_app, sqlite_database, cast)
    body = {"ids": [result]}
    for letter, role, status in (
        ("B", "student", 403),
        ("B", "secretary", 403),
        ("A", "registrar", 404),
        ("B", "registrar", 409),
    ):
        assert api(sqlite_app, cast.who(letter, role)).post("/results/forms", body).status_code == status, role


def test_forms_for_many_come_in_one_file(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    taught = teach(sqlite_app, cast, seats=5)
    people = add_people(sqlite_database, cast, "B", 3)
    made = [ok(api(sqlite_app, each).post(taught.seats, {}), 201)["id"] for each in people]
    registrar = api(sqlite_app, cast.who("B", "registrar"))
    ok(registrar.post("/enrolments/decide", {"ids": made, "event": "approve", "reason": ""}))
    results = confirm(sqlite_database, cast, dict.fromkeys(made, "80"), course_id=taught.course_id)
    ok(registrar.post("/results/recognise", {"ids": results}))
    client = sqlite_app.test_client()
    browser_session(client, cast.who("B", "registrar"))
    done = post_form(client, "/results?state=recognised", {"id": results, "do": "forms"})
    assert done.status_code == 302
    shown = client.get(done.headers["Location"]).text
    assert "已开具 3 份" in shown and "全部下载" in shown
    query = done.headers["Location"].split("?")[1]
    answer = client.get(f"/papers/files.zip?{query}")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as packed:
        assert len(packed.namelist()) == 3
        assert all(people[n].school in name and name.endswith(".pdf") for n, name in enumerate(packed.namelist()))
        assert "学分认定表" in words_of(packed.read(packed.namelist()[0]))
    browser_session(client, cast.who("A", "registrar"))
    assert client.get(f"/papers/files.zip?{query}").status_code == 404
    assert client.get("/papers/files.zip").status_code == 404


# --- 跨校修读成绩单 ----------------------------------------------------------------------------------------------


def test_the_transcript_in_both_languages(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    recognised(sqlite_app, sqlite_database, cast, title_en="Educational Psychology", grade="良好")
    student = api(sqlite_app, cast.who("B", "student"))
    chinese = ok(student.post("/me/results/transcript", {}), 201)
    english = ok(student.post("/me/results/transcript", {"language": "en"}), 201)
    assert chinese["number"] != english["number"] and "language" not in chinese["content"]
    words = words_of(file_of(sqlite_app, cast, chinese["id"], "B", "student").data)
    for text in ("跨校修读成绩单", "教育心理学专题", "良好", "3.50", "平均学分绩点3.50", "第1页，共1页"):
        assert text in words, text
    raw = file_of(sqlite_app, cast, english["id"], "B", "student").data
    words = words_of(raw)
    for text in (
        "Transcript",
        "EducationalPsychology",
        "TopicsinEducationalPsychology",
        "Good",
        "General,elective",
        "3.50",
        "Page1of1",
    ):
        assert text in words, text
    assert "良好" not in words and "学分" not in words and scanned(raw) == english["verify_url"]
    public = verified(sqlite_app, english)
    assert 'lang="en"' in public.text and "Topics in Educational Psychology" in public.text
    number = cast.who("B", "student").number
    assert number in words and number not in public.text and rules.masked(number) in public.text


def test_the_school_may_keep_the_transcript_to_itself(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    recognised(sqlite_app, sqlite_database, cast)
    with sqlite_database.write() as session:
        admin = load_actor(session, session.get_one(Person, cast.who("B", "school_admin").id), NOW)
        decide(session, admin, Place(school_id=cast.schools["B"]), "results.own_transcript", False)
    refused(api(sqlite_app, cast.who("B", "student")).post("/me/results/transcript", {}), 403, "forbidden")
    path = f"/results/students/{place_of(cast)}/transcript"
    assert ok(api(sqlite_app, cast.who("B", "registrar")).post(path, {}), 201)["kind"] == "result.transcript"
    refused(api(sqlite_app, cast.who("A", "registrar")).post(path, {}), 404, "not_found")
    refused(api(sqlite_app, cast.who("C", "student")).post(path, {}), 404, "not_found")


def test_without_a_recognised_result_there_is_none(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    graded(sqlite_app, sqlite_database, cast)
    refused(api(sqlite_app, cast.who("B", "student")).post("/me/results/transcript", {}), 409, "nothing_recognised")
    client = sqlite_app.test_client()
    browser_session(client, cast.who("B", "registrar"))
    done = post_form(client, f"/results/students/{place_of(cast)}/form")
    assert done.status_code == 409 and "还没有已认定的成绩" in done.text


def test_the_workbook_has_a_sheet_for_each_language(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    recognised(sqlite_app, sqlite_database, cast, title_en="Educational Psychology", title_zh="=1+1")
    client = sqlite_app.test_client()
    browser_session(client, cast.who("B", "student"))
    raw = client.get(f"/results/students/{place_of(cast)}/transcript.xlsx").data
    chinese, english = openpyxl.load_workbook(io.BytesIO(raw)).worksheets
    assert (chinese.title, english.title) == ("跨校成绩单", "Transcript")
    (head,) = [row[0].row for row in chinese.rows if row[0].value == "学期"]
    above = [chinese.cell(row, 1).value for row in range(1, head)]
    student = cast.who("B", "student")
    assert f"学工号：{student.number}" in above and "导出日期：2026-11-25" in above and above[0] == "跨校修读成绩单"
    row = [cell.value for cell in chinese[head + 1]]
    assert row[2] == "EDU101 =1+1" and [row[place] for place in (3, 4, 7, 8, 9)] == [2, 86, 1.5, 86, 3.6]
    assert chinese.cell(head + 2, 1).value == "合计" and chinese.cell(head + 2, 8).value == 1.5
    words = {cell.value for line in english.rows for cell in line}
    assert {"Term", "EDU101 Educational Psychology", "PUB201 Topics in Educational Psychology", 3.6} <= words


def test_a_newer_form_takes_the_place_of_those_whose_courses_it_shows(
    app: Flask, database: Database, cast: Cast
) -> None:
    _first, one = recognised(app, database, cast)
    _second, other = recognised(app, database, cast, code="EDU102", number=1)
    registrar = api(app, cast.who("B", "registrar"))
    (form,) = ok(registrar.post("/results/forms", {"ids": [one]}), 201)["items"]
    (apart,) = ok(registrar.post("/results/forms", {"ids": [other]}), 201)["items"]
    transcript = ok(registrar.post(f"/results/students/{place_of(cast)}/transcript", {}), 201)
    assert "这份证明有效" in verified(app, form).text, "it shows another course"
    (both,) = ok(registrar.post("/results/forms", {"ids": [one, other]}), 201)["items"]
    for old in (form, apart):
        assert "已由新的学分认定表代替" in verified(app, old).text
    for standing in (both, transcript):
        assert "这份证明有效" in verified(app, standing).text


def test_an_english_name_is_found_where_one_is_known(sqlite_app: Flask) -> None:
    """The registrar's own, the recognition's, or that of the course after which it was called; else what was written."""
    item = SimpleNamespace(title_zh="教育学", title_en="Pedagogy")
    said = SimpleNamespace(name="教育学原理", name_en="Principles of Education")
    enrolment = SimpleNamespace(recognition=said, offering=SimpleNamespace(course=SimpleNamespace(item=item)))

    def shown(name: str, name_en: str = "") -> str:
        result: Any = SimpleNamespace(name=name, name_en=name_en, enrolment=enrolment)
        return labels.own_title(result)

    with sqlite_app.test_request_context(), force_locale("en"):
        assert shown("教育学", "Own") == "Own" and shown("教育学") == "Pedagogy"
        assert shown("教育学原理") == "Principles of Education" and shown("别的") == "别的"


# --- taken back -------------------------------------------------------------------------------------------------


def test_a_correction_takes_back_every_paper_that_shows_it(app: Flask, database: Database, cast: Cast) -> None:
    first, one = recognised(app, database, cast)
    _second, other = recognised(app, database, cast, code="EDU102", number=1)
    registrar = api(app, cast.who("B", "registrar"))
    (form,) = ok(registrar.post("/results/forms", {"ids": [one]}), 201)["items"]
    (apart,) = ok(registrar.post("/results/forms", {"ids": [other]}), 201)["items"]
    transcript = ok(registrar.post(f"/results/students/{place_of(cast)}/transcript", {}), 201)
    confirm(database, cast, {first: "60"}, version=2)
    for paper, stands in ((form, False), (apart, True), (transcript, False)):
        assert ("这份证明有效" in verified(app, paper).text) is stands
        assert ("所证明的事项已经变化" in verified(app, paper).text) is not stands
    ok(registrar.post(f"/results/{one}/recognise", {}))
    (renewed,) = ok(registrar.post("/results/forms", {"ids": [one]}), 201)["items"]
    assert renewed["number"] != form["number"] and "这份证明有效" in verified(app, renewed).text
    ok(registrar.post(f"/results/{other}/reopen", {"reason": "填错"}))
    assert "这份证明已撤销" in verified(app, apart).text


# --- 教学工作量证明 ----------------------------------------------------------------------------------------------


def _taught_to_b(app: Flask, cast: Cast) -> int:
    taught = teach(app, cast)
    made = ok(api(app, cast.who("B", "student")).post(taught.seats, {}), 201)
    ok(api(app, cast.who("B", "registrar")).post(f"/enrolments/{made['id']}/approve", {}))
    return taught.offering_id


def test_a_teachers_workload_in_one_click(app: Flask, database: Database, cast: Cast, clock: Clock) -> None:
    offering = _taught_to_b(app, cast)
    clock.set(NOW + timedelta(days=15))
    with database.read() as session:
        o = Occurrence
        over = sa.select(sa.func.count()).where(
            o.resource_type == "offering", o.resource_id == offering, o.ends <= clock.now()
        )
        held = session.scalar(over)
    client = app.test_client()
    browser_session(client, cast.who("A", "teacher"))
    assert (
        "教学工作量证明" in client.get("/courses/mine").text
        and "教学工作量证明" in client.get(f"/offerings/{offering}/roster").text
    )
    assert "甲参与师范大学 1 人" in client.get("/workload").text
    body = {"school_id": cast.schools["A"], "academic_year": YEAR, "number": 1}
    done = post_form(client, "/workload", body)
    assert done.status_code == 302
    paper = ok(api(app, cast.who("A", "teacher")).get(f"/papers/{done.headers['Location'].rsplit('/', 1)[1]}"))
    assert paper["content"]["tables"][0]["rows"] == [
        ["EDU101 教育心理学", "01", "32", "1–16 周", "甲参与师范大学 1 人", "1", str(held)]
    ]
    raw = file_of(app, cast, paper["id"], "A", "teacher").data
    assert (
        "教学工作量证明" in words_of(raw) and f"已授课{held}次" in words_of(raw) and scanned(raw) == paper["verify_url"]
    )
    assert (
        ok(
            api(app, cast.who("A", "registrar")).post("/workload", {**body, "person_id": cast.who("A", "teacher").id}),
            201,
        )["number"]
        == paper["number"]
    )
    terms = ok(api(app, cast.who("A", "teacher")).get("/workload"))["items"]
    assert terms[0]["offerings"][0]["students"] == [{"school": "甲参与师范大学", "count": 1}]


def test_who_may_certify_a_workload(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    _taught_to_b(sqlite_app, cast)
    body = {"school_id": cast.schools["A"], "academic_year": YEAR, "number": 1}
    teacher = {**body, "person_id": cast.who("A", "teacher").id}
    refused(api(sqlite_app, cast.who("B", "registrar")).post("/workload", teacher), 404, "not_found")
    refused(api(sqlite_app, cast.who("B", "teacher")).post("/workload", teacher), 404, "not_found")
    refused(api(sqlite_app, cast.who("B", "teacher")).post("/workload", body), 403, "forbidden")
    refused(
        api(sqlite_app, cast.who("A", "teacher")).post("/workload", {**body, "number": 2}), 409, "no_outside_students"
    )
    with sqlite_database.write() as session:
        admin = load_actor(session, session.get_one(Person, cast.who("A", "school_admin").id), NOW)
        decide(session, admin, Place(school_id=cast.schools["A"]), "results.own_workload", False)
    refused(api(sqlite_app, cast.who("A", "teacher")).post("/workload", body), 403, "forbidden")
    assert (
        ok(api(sqlite_app, cast.who("A", "registrar")).post("/workload", teacher), 201)["person"]["id"]
        == teacher["person_id"]
    )


def test_a_meeting_counts_for_whoever_held_it(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast, clock: Clock
) -> None:
    """Next Wednesday a colleague takes the class: one less for its teacher, and a certificate of the colleague's own."""
    offering, teacher = _taught_to_b(sqlite_app, cast), cast.who("A", "teacher").id
    (colleague,) = add_people(sqlite_database, cast, "A", 1, kind="teacher")
    wish = {
        "kind": "substitute",
        "week": 13,
        "weekday": 3,
        "period": 1,
        "substitute": colleague.number,
        "reason": "出差",
    }
    asked = ok(api(sqlite_app, cast.who("A", "teacher")).post(f"/offerings/{offering}/adjustments", wish), 201)
    registrar, term = api(sqlite_app, cast.who("A", "registrar")), workload.TermOf(cast.schools["A"], YEAR, 1)
    ok(registrar.post(f"/adjustments/{asked['id']}/approve", {}))
    with sqlite_database.read() as session:
        assert workload.terms(session, colleague.id, NOW) == [], "not yet held"
        o, later = Occurrence, NOW + timedelta(days=15)
        over = session.scalars(sa.select(o.id).where(o.resource_type == "offering", o.ends <= later)).all()
        (own,) = workload.lines(session, teacher, term, later)
        assert workload.terms(session, colleague.id, later) == [term]
        (other,) = workload.lines(session, colleague.id, term, later)
    assert (own.held, own.stood_in) == (len(over) - 1, False)
    assert (other.held, other.stood_in, other.outside) == (1, True, 1)
    clock.set(later)
    body = {"school_id": cast.schools["A"], "academic_year": YEAR, "number": 1, "person_id": colleague.id}
    (row,) = ok(registrar.post("/workload", body), 201)["content"]["tables"][0]["rows"]
    assert row[0] == "EDU101 教育心理学（代课）" and row[-1] == "1"


# --- the kernel: tables -----------------------------------------------------------------------------------------

_PLAIN = {
    "title": "选课证明", "text": "兹证明某某已选修《教育心理学》。", "facts": [["姓名", "张三"], ["学分", "2"]], "school": "阜阳师范大学",
}  # fmt: skip
_WORDS = pdf.Words(
    "编号 ZT", "第 {page} 页，共 {pages} 页", "核对：", "阜阳师范大学", "开具日期 2026-11-27", ("签字", "盖章")
)


def test_a_paper_without_tables_is_what_it_was() -> None:
    """Papers that were issued before there were tables keep their digest and what they are drawn of."""
    assert rules.digest(_PLAIN) == "0c14b0023dc9aa263bc31802af93379920c3efe3932754813c9b40b0e2b978c5"
    raw = pdf.render(_PLAIN, _WORDS, "https://zutuan.example/verify/ZT", NOW)
    assert raw == pdf.render({**_PLAIN, "tables": []}, _WORDS, "https://zutuan.example/verify/ZT", NOW)
    assert len(pypdf.PdfReader(io.BytesIO(raw)).pages) == 1


@pytest.mark.parametrize("orientation", ["portrait", "landscape"])
def test_a_long_table_repeats_its_heads(orientation: str) -> None:
    rows = [[f"课程{n}", "很长的名称" * 12 if n % 7 == 0 else "短", str(n)] for n in range(60)]
    table = {"title": "明细", "heads": ["课程", "说明", "学分"], "rows": rows, "widths": [30, 90, 20], "numbers": [2]}
    content = {
        **_PLAIN,
        "tables": [table],
        "orientation": orientation,
        "after": "合计一行",
        "signatures": ["学生", "学院", "教务处"],
    }
    raw = pdf.render(content, _WORDS, "https://zutuan.example/verify/ZT", NOW)
    pages = pypdf.PdfReader(io.BytesIO(raw)).pages
    tabled = [page.extract_text().translate(BLANK) for page in pages]
    assert len(pages) >= 3
    assert all("课程说明学分" in text for text in tabled if "短" in text)
    assert all(f"课程{n}" in "".join(tabled) for n in range(60)) and "合计一行" in tabled[-1] + tabled[-2]
    wide = pages[0].mediabox.width > pages[0].mediabox.height
    assert wide is (orientation == "landscape") and scanned(raw) == "https://zutuan.example/verify/ZT"
    assert set(pdf.texts_of(content, _WORDS)) >= {"课程59", "明细", "合计一行", "教育心理学"} - {"教育心理学"}


def test_a_rare_character_in_a_table_is_refused(sqlite_app: Flask, sqlite_database: Database, cast: Cast) -> None:
    _enrolment, result = recognised(sqlite_app, sqlite_database, cast)
    with sqlite_database.write() as session:
        session.execute(sa.update(SharedItem).values(title_zh="某\U0003fffd"))
        session.info["audited"] = True
    problem = refused(
        api(sqlite_app, cast.who("B", "registrar")).post("/results/forms", {"ids": [result]}), 409, "no_glyph"
    )
    assert "U+3FFFD" in problem["title"]


@pytest.mark.parametrize("fresh", ["postgres"], indirect=True)
def test_no_paper_outlives_a_correction_of_the_same_moment(app: Flask, database: Database, cast: Cast) -> None:
    """(SQLite has one writer: there it cannot be the same moment.)"""
    enrolment, result = recognised(app, database, cast)
    given = {**_original_of(database, result), "grade": "61"}
    with ThreadPoolExecutor(1) as pool:
        with database.write() as session:
            host = load_actor(session, session.get_one(Person, cast.who("A", "registrar").id), NOW)
            services.received(session, host, {enrolment: given}, NOW)
            asked = pool.submit(api(app, cast.who("B", "registrar")).post, "/results/forms", {"ids": [result]})
            wait([asked], timeout=0.5)
        refused(asked.result(), 409, "nothing_recognised")
    with database.read() as session:
        assert session.scalars(sa.select(Paper.id).where(Paper.revoked_at.is_(None))).all() == []


def test_clicks_at_once_issue_one_paper(app: Flask, database: Database, cast: Cast) -> None:
    """Whoever comes second gets the one that stands, and it is written down once who issued it."""
    _enrolment, result = recognised(app, database, cast)
    barrier = Barrier(5)

    def click(number: int) -> Any:
        registrar = api(app, cast.who("B", "registrar"))
        barrier.wait(60)
        if number < 3:
            return ok(registrar.post("/results/forms", {"ids": [result]}), 201)["items"][0]["number"]
        return ok(registrar.post(f"/results/students/{place_of(cast)}/transcript", {"language": "zh"}), 201)["number"]

    with ThreadPoolExecutor(5) as pool:
        numbers = list(pool.map(click, range(5)))
    assert len(set(numbers[:3])) == len(set(numbers[3:])) == 1
    with database.read() as session:
        assert len(session.scalars(sa.select(Paper.id)).all()) == 2
        issued = sa.select(sa.func.count()).where(AuditEvent.action == "paper.issue")
        assert session.scalar(issued) == 2


def test_one_paper_stands_and_another_after_it_is_taken_back(
    sqlite_app: Flask, sqlite_database: Database, cast: Cast
) -> None:
    _enrolment, result = recognised(sqlite_app, sqlite_database, cast)
    registrar = api(sqlite_app, cast.who("B", "registrar"))
    (first,) = ok(registrar.post("/results/forms", {"ids": [result]}), 201)["items"]
    ok(registrar.post(f"/papers/{first['id']}/revoke", {"reason": "盖错了章"}))
    (second,) = ok(registrar.post("/results/forms", {"ids": [result]}), 201)["items"]
    assert second["number"] != first["number"]


def _original_of(database: Database, result: int) -> dict[str, Any]:
    with database.read() as session:
        return dict(session.get_one(Result, result).original)
