"""Chinese is the source, English is complete: every message has its English, and no Chinese is left on an English page.

Run as a program (`PYTHONPATH=tests python tests/kernel/test_translations.py`) it brings en.po up to date: messages that are gone are
taken out, new ones come in without English, in order, for a person to fill in.
"""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po
from flask import Flask
from flask.testing import FlaskClient
from support.cast import Cast, Player
from support.http import Api, browser_session

ROOT = Path(__file__).resolve().parents[2]
SOURCES = tuple(each for each in ("platform", "courses", "library", "exchanges") if (ROOT / each).is_dir())
PO = ROOT / "platform" / "zutuan" / "web" / "translations" / "en.po"
CJK = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef]")  # characters, 、。「」 and full-width forms
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%%")
HEAD = """# English of Zutuan. Chinese is the source (design.md section 1 has the terms); read as it is, nothing is compiled.
# Kept in order by: PYTHONPATH=tests python tests/kernel/test_translations.py
msgid ""
msgstr ""
"Language: en\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


@cache
def in_the_code() -> Catalog:
    found = Catalog(locale="en")
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    for source in SOURCES:
        messages = extract_from_dir(ROOT / source, methods, options, {**DEFAULT_KEYWORDS, "_l": None})
        for name, line, message, _comments, context in messages:
            found.add(message, locations=[(f"{source}/{name}", line)], context=context)
    return found


@cache
def in_english() -> Catalog:
    with PO.open("rb") as file:
        return read_po(file, locale="en")


def entries(catalog: Catalog) -> dict[str, Any]:
    return {str(message.id): message for message in catalog if message.id}


def rewrite() -> list[str]:
    """Bring en.po up to date; answers the messages that still want their English."""
    wanted, old = entries(in_the_code()), entries(in_english()) if PO.exists() else {}
    new = Catalog(locale="en")
    for id_ in wanted:
        new.add(id_, old[id_].string if id_ in old else "")
    text = BytesIO()
    write_po(text, new, width=0, no_location=True, omit_header=True, sort_output=True)
    PO.parent.mkdir(exist_ok=True)
    PO.write_bytes(HEAD.encode() + text.getvalue())
    return [id_ for id_ in sorted(wanted) if id_ not in old or not old[id_].string]


# --- the catalogue ----------------------------------------------------------------------------------------------


def test_every_message_has_its_english() -> None:
    english = entries(in_english())
    missing = {
        id_: message.locations[0]
        for id_, message in entries(in_the_code()).items()
        if id_ not in english or not english[id_].string
    }
    assert not missing


def test_no_english_is_left_over() -> None:
    assert sorted(entries(in_english()).keys() - entries(in_the_code()).keys()) == []
    assert not in_english().obsolete


def test_no_english_is_a_guess() -> None:
    assert [id_ for id_, message in entries(in_english()).items() if message.fuzzy] == []


def test_placeholders_are_the_same() -> None:
    def names(text: str) -> set[str]:
        return set(PLACEHOLDER.findall(text))

    assert [id_ for id_, message in entries(in_english()).items() if names(id_) != names(message.string)] == []


def test_the_english_is_english() -> None:
    assert [message.string for message in entries(in_english()).values() if CJK.search(message.string)] == []


def test_labels_end_as_in_chinese() -> None:
    """A sentence has its full stop in both languages, a label in neither."""
    uneven = [
        (id_, message.string)
        for id_, message in entries(in_english()).items()
        if id_.endswith("。") != message.string.endswith(".")
    ]
    assert uneven == []


# --- what is written outside the catalogue ----------------------------------------------------------------------

TRANSLATED = re.compile(r"""\b_\(\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")
COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
OWN_NAME = "'中文' if lang == 'en'"  # a language is called by its own name


def test_templates_say_nothing_outside_the_catalogue() -> None:
    found = []
    for source in SOURCES:
        for path in sorted((ROOT / source).rglob("templates/**/*.html")):
            text = COMMENT.sub(lambda match: "\n" * match[0].count("\n"), path.read_text(encoding="utf-8"))
            text = TRANSLATED.sub("_(", text).replace(OWN_NAME, "")
            lines = enumerate(text.splitlines(), start=1)
            found += [
                f"{path.relative_to(ROOT)}:{number}: {''.join(CJK.findall(line))}"
                for number, line in lines
                if CJK.search(line)
            ]
    assert found == []


# Chinese that is no message: what is data, what a command line says in both languages, what users type.
ALLOWED_FILES = {
    "platform/zutuan/cli.py": "says it in both languages",
    "platform/zutuan/commands_demo.py": "says it in both languages",
    "platform/zutuan/commands_import.py": "says it in both languages",
    "platform/zutuan/commands_people.py": "says it in both languages",
    "platform/zutuan/commands_serve.py": "says it in both languages",
    "platform/zutuan/demo.py": "the demonstration's data and its printed table",
    "platform/zutuan/calendar/demo.py": "the demonstration's data",
    "courses/catalogue/demo.py": "the demonstration's data",
    "courses/enrolment/demo.py": "the demonstration's data",
    "courses/grades/demo.py": "the demonstration's data",
    "courses/minimum/demo.py": "the demonstration's data",
    "courses/rosters/demo.py": "the demonstration's data",
    "courses/flows/demo.py": "the demonstration's data",
    "courses/results/demo.py": "the demonstration's data",
    "courses/recognition/demo.py": "the demonstration's data",
}
ALLOWED_LITERALS = {
    "courses/adjustments/demo.py": re.compile(r".*"),  # what its people say
    "courses/adjustments/timing.py": re.compile(r"（[调停补代]课）"),  # behind the Chinese title, the English beside it
    "courses/grades/rules.py": re.compile(
        "优秀|良好|中等|及格|不及格|合格|不合格|缓考|缺考|违纪"
    ),  # as rosters write them
    "courses/grades/schemes.py": re.compile(
        r".*"
    ),  # parts of grades as people write them, and what they may not be called
    "courses/grades/workbooks.py": re.compile(r".*"),  # how sheets call their columns
    "courses/grades/policies.py": re.compile(r"平时40、期末60"),  # as people write it
    "courses/grades/views.py": re.compile(r"[\u4e00-\u9fff]+|、"),  # levels and marks as schools write them
    "courses/lottery/recompute.py": re.compile(r"(DIFFERS|EQUAL) .*"),  # a program of its own, in both languages
    "courses/lottery/demo.py": re.compile(r".*"),
    "courses/catalogue/labels.py": re.compile(
        "(公共|通识|学科|专业|教师教育|任意)(必修|选修|基础|教育|核心)|教师教育|实践(环节)?"
    ),  # 课程类别 as schools write them
    "courses/results/labels.py": re.compile("优秀|良好|中等|及格|不及格|合格|不合格"),  # as schools write levels
    "courses/results/rules.py": re.compile(r".*[（）＝：、，；－÷／].*|.*分数.*"),  # how formulas are typed
    "courses/recognition/rules.py": re.compile(r"\[、，,;；\]"),  # what separates categories
    "courses/recognition/table_reading.py": re.compile(r".*", re.DOTALL),  # how files call columns and values
    "courses/plans/demo.py": re.compile(r"组团选课安排"),  # what `make demo` says
    "platform/zutuan/clusters/imports.py": re.compile(r".*"),  # how files call their columns
    "platform/zutuan/clusters/words.py": re.compile(r".*"),  # how files call the roles
    "platform/zutuan/people/roster_words.py": re.compile(r".*"),  # how rosters call columns and values
    "platform/zutuan/people/roster_rules.py": re.compile(r".*"),  # the dots of names
    "platform/zutuan/config.py": re.compile(r".*组团.*<no-reply@.*"),  # a name
    "platform/zutuan/people/rosters.py": re.compile(r"无"),  # what rosters write where there is no address
    "platform/zutuan/people/feature.py": re.compile(r"、"),  # between schools
    "platform/zutuan/people/own_data.py": re.compile(r"已注销"),  # the name of a closed account, in every language
    "platform/zutuan/people/merging.py": re.compile(r"已合并"),  # the name of a tombstone, in every language
    "platform/zutuan/papers/services.py": re.compile(r"学校规定的保存期限已满，内容已删除。"),  # papers are in Chinese
    "platform/zutuan/imports/pages.py": re.compile(r"、"),  # between the other names of a column
    "platform/zutuan/importing/workbook_child.py": re.compile(r"是|否"),  # what a cell that is true or false says
    "platform/zutuan/importing/mapping.py": re.compile(
        r"序号|编号|备注|说明|原文件行号（请勿修改）|错误原因"
    ),  # columns that files may have
    "platform/zutuan/calendar/rules.py": re.compile(r"\\s\*\[,，\]\\s\*"),  # what separates weeks as they are typed
    "platform/zutuan/exporting.py": re.compile(r"=\+-@.*"),  # what formulas start with
    "platform/zutuan/calendar/patterns.py": re.compile(r".*", re.DOTALL),  # timetables are read and written in Chinese
    "platform/zutuan/calendar/pattern_reading.py": re.compile(r".*", re.DOTALL),
    "platform/zutuan/calendar/timetables.py": re.compile(r".*", re.DOTALL),  # how files call their columns
    "platform/zutuan/calendar/timetable_import.py": re.compile(r".*", re.DOTALL),
    "platform/zutuan/calendar/calendar_file.py": re.compile(r".*"),
    "platform/zutuan/calendar/imports.py": re.compile(r"；"),  # between a table's periods
    "platform/zutuan/calendar/feeds.py": re.compile(r"本校课程|跨校课程|忙碌时间|联合教研"),  # beside their English
    "platform/zutuan/calendar/schemas.py": re.compile(r".*"),  # times and days as people type them
    "platform/zutuan/calendar/proposals.py": re.compile(r".*"),  # names of holidays
    "platform/zutuan/calendar/feed_pages.py": re.compile(r"组团课表"),  # the feed's name
    "platform/zutuan/fields.py": re.compile(r"\[,，、;；\]"),  # what separates keywords as they are typed
    "platform/zutuan/web/texts.py": re.compile(r"组团|师范大学组团|师大组团"),  # names
    "platform/zutuan/people/demo.py": re.compile(
        r"[\u4e00-\u9fff]+| 名学生|·|1班"
    ),  # real schools and majors, progress
    "platform/zutuan/web/api.py": re.compile(r"组团 Zutuan: .*"),  # openapi.json is English
    "platform/zutuan/storage/rules.py": re.compile(r"[^\w\s]+"),  # signs that look like a slash
    "platform/zutuan/storage/server.py": re.compile(r"(?s).*have|.*expired; please.*"),  # both languages at once
    "platform/zutuan/storage/schemas.py": re.compile(r"\s+"),  # spaces
    "courses/catalogue/disciplines.py": re.compile(r"[\u4e00-\u9fff、]+"),  # names in published tables
    "courses/catalogue/dates.py": re.compile(r"（考试）"),  # beside its English
    "courses/catalogue/import_reading.py": re.compile(r".*", re.DOTALL),  # how files call columns and values
    "courses/catalogue/offering_import.py": re.compile(r"、"),  # between names
    "courses/catalogue/queries.py": re.compile(r"、"),
    "courses/enrolment/schemas.py": re.compile(r"学工号 at the home school"),  # openapi.json
}
CALLS = {"_", "_l", "gettext", "lazy_gettext", "ngettext"}


def _literals(tree: ast.AST) -> Iterator[ast.Constant]:
    """Strings of a module that are neither docstrings nor messages."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            for argument in [*node.args[1:], *(keyword.value for keyword in node.keywords)]:
                yield from _literals(ast.Expression(argument))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node
        else:
            yield from _literals(node)


def test_python_says_nothing_outside_the_catalogue() -> None:
    found = []
    for source in SOURCES:
        for path in sorted((ROOT / source).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if name in ALLOWED_FILES:
                continue
            allowed = ALLOWED_LITERALS.get(name)
            found += [
                f"{name}:{node.lineno}: {node.value}"
                for node in _literals(ast.parse(path.read_text(encoding="utf-8")))
                if CJK.search(node.value) and not (allowed and allowed.fullmatch(node.value))
            ]
    assert found == []


def test_what_is_allowed_exists() -> None:
    assert [name for name in (*ALLOWED_FILES, *ALLOWED_LITERALS) if not (ROOT / name).is_file()] == []


# --- English pages ----------------------------------------------------------------------------------------------

DATA = (
    "甲牵头师范大学", "甲参与师范大学", "甲支持师范学院", "乙牵头师范大学", "甲退出师范大学", "甲组团", "乙组团",
    "教育学院", "小学教育", "测试省", "测试市", "本科", "课堂研究",
)  # fmt: skip
UNSEEN = re.compile(r"<(script|style|svg)\b.*?</\1>|<!--.*?-->", re.DOTALL)
OTHER_LANGUAGE = re.compile(r"<button[^>]*\blang=\"zh-CN\".*?</button>", re.DOTALL)


def chinese_on(page: str) -> list[str]:
    """The lines of a page, tags and attributes with them, where Chinese is left once the data is taken out."""
    text = html.unescape(OTHER_LANGUAGE.sub("", UNSEEN.sub("", page)))
    for name in DATA:
        text = text.replace(name, "")
    return [line.strip() for line in text.splitlines() if CJK.search(line)]


@pytest.fixture
def course(sqlite_app: Flask, cast: Cast) -> dict[str, int]:
    """A published course of B with one offering, in which C's student waits for approval."""
    teacher = Api(sqlite_app, cast.who("B", "teacher").token)
    made = teacher.post("/courses", {
        "code": "EDU1", "title_zh": "课堂研究", "credits": "1", "hours": 16, "category": "practice", "delivery": "mixed",
        "audience": [f"cluster:{cast.clusters['A']}"], "keywords": ["a", "b"], "assessment": "x",
    }).get_json()  # fmt: skip
    offering = teacher.post(f"/courses/{made['id']}/offerings", {
        "enrol_from": "2026-11-01T00:00:00+08:00", "enrol_until": "2026-12-01T00:00:00+08:00", "seats": 5, "room": "101",
        "meetings": [{"weekday": 4, "first_period": 1, "last_period": 2, "weeks": "1-15o"}],
    }).get_json()  # fmt: skip
    assert teacher.post(f"/courses/{made['id']}/publish", {}).status_code == 200
    assert teacher.post(f"/offerings/{offering['id']}/publish").status_code == 200
    student = Api(sqlite_app, cast.who("C", "student").token)
    enrolment = student.post(f"/offerings/{offering['id']}/enrolments", {})
    assert enrolment.status_code == 201, enrolment.get_json()
    cancel = {"kind": "cancel", "week": 15, "weekday": 4, "period": 1, "reason": "x"}
    asked = teacher.post(f"/offerings/{offering['id']}/adjustments", cancel).get_json()
    ids = {"course": made["id"], "offering": offering["id"], "enrolment": enrolment.get_json()["id"]}
    return {**ids, "adjustment": asked["id"]}


def in_english_as(client: FlaskClient, person: Player | None) -> FlaskClient:
    with client.session_transaction() as cookie:
        cookie.clear()
        cookie["lang"] = "en"
    if person:
        browser_session(client, person)
    return client


PAGES = {
    "student": ("/", "/courses", "/courses?q=none", "/courses/{course}", "/offerings/{offering}", "/enrolments", "/enrolments?state=over",
                "/enrolments/{enrolment}", "/account", "/notices", "/search", "/search?q=none", "/nowhere", "/courses/new", "/transcript",
                "/recognitions", "/recognition-requests", "/recognition-requests/new?course_id={course}", "/rescue"),
    "registrar": ("/", "/approvals", "/approvals?side=host", "/approvals?state=denied", "/enrolments/{enrolment}", "/courses/mine",
                  "/results", "/results?state=recognised", "/adjustments", "/confirmations", "/rescue/students",
                  "/recognitions", "/recognitions?state=unsaid", "/recognitions/new?course_id={course}", "/recognition-requests"),
    "cluster_admin": ("/", "/clusters", "/clusters/{cluster}", "/schools", "/schools?q=none", "/schools/{school}"),
    "room_manager": ("/",),
    "librarian": ("/",),
    "secretary": ("/",),
    "school_admin": ("/", "/courses/mine", "/people/merge"),
    "platform_admin": ("/", "/clusters/{cluster}", "/people/merge", "/platform/roles", "/clusters/{cluster}/roles",
                       "/schools/{school}", "/schools/{school}/rename", "/schools/{school}/succession",
                       "/schools/{school}/succession/{other}"),
}  # fmt: skip
HOST_PAGES = ("/", "/courses/mine", "/courses/new", "/courses/{course}", "/courses/{course}/edit", "/courses/{course}/publish",
              "/courses/{course}/as-seen", "/courses/{course}/offerings/new", "/offerings/{offering}", "/offerings/{offering}/edit",
              "/offerings/{offering}/roster", "/workload", "/offerings/{offering}/adjustments", "/adjustments/{adjustment}",
              "/offerings/{offering}/adjustments/new?kind=move&week=13&weekday=4&period=1")  # fmt: skip


def test_pages_in_english_show_no_chinese(sqlite_client: FlaskClient, cast: Cast, course: dict[str, int]) -> None:
    ids = {**course, "cluster": cast.clusters["A"], "school": cast.schools["C"], "other": cast.schools["D"]}
    visits = [(cast.who("C", role), path) for role, paths in PAGES.items() for path in paths]
    visits += [(cast.who("B", "teacher"), path) for path in HOST_PAGES]
    found: dict[str, list[str]] = {}
    for person, path in [(None, "/sign-in"), *visits]:
        page = in_english_as(sqlite_client, person).get(path.format(**ids))
        assert page.status_code < 500
        assert page.status_code in (200, 403, 404), f"{person and person.role} {path}: {page.status_code}"
        assert '<html lang="en">' in page.text
        left = chinese_on(page.text)
        if left:
            found[f"{person.role if person else 'nobody'} {path}"] = left
    assert found == {}


def test_refused_forms_in_english_show_no_chinese(sqlite_client: FlaskClient, cast: Cast) -> None:
    from support.http import post_form

    client = in_english_as(sqlite_client, cast.who("B", "teacher"))
    refused = post_form(client, "/courses/new", {"code": "a b", "title_zh": "", "category": "none", "credits": "x"})
    assert refused.status_code == 422
    assert chinese_on(refused.text) == []
    client = in_english_as(sqlite_client, None)
    refused = post_form(client, "/sign-in", {"email": "nobody@a.example.cn", "password": "wrong wrong wrong"})
    assert refused.status_code == 401
    assert chinese_on(refused.text) == []


if __name__ == "__main__":
    for each in rewrite():
        print(each)
