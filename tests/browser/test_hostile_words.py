"""What people type is text: with markup planted in every text of the demonstration, no page runs or draws any of it."""

from __future__ import annotations

import json
import re
import shutil
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urlsplit

import pytest
import sqlalchemy as sa
from browser import demo_server
from browser.demo_server import DemoServer
from browser.visitor import Complaints, Visitor
from playwright.sync_api import Browser, Page
from support.places import make_folder

from zutuan.app import metadata
from zutuan.db import make_engine
from zutuan.guards import is_append_only

# The longest that fits goes into a column; the row's id keeps unique columns unique.
WORDS = (
    "\"><script>alert(1)</script><img src=x onerror=alert(2)><svg onload=alert(3)>{{7*7}}'`${7*7}",
    "<script>alert(1)</script>{{7*7}}",
    "<b onclick=alert(4)>{{7*7}}",
    "javascript:alert(5)",
    "<svg>{{7*7}}",
    "<b>",
)
# What is no text of people: words the code reads, keys, addresses, secrets.
NOT_TEXT = re.compile(r"(^|_)(state|kind|role|scope|aspect|topic|hash|email|locale|code|type|category|level|delivery|language|"
                      r"action|event|year|weeks|route|key|method|link|url|number|revision|season|standing|purpose|channel|outcome|batch|nonce|sha256|digest|weekdays|grade|times|writer|by|because|scale|mark|ticket|seed|commitment|figure)$|_hash$|_key$")  # fmt: skip
NOT_OURS = {"audit_event", "alembic_version", "web_session", "idempotency_key", "outbox"}
GRADES = {("grade_entry", "grade"), ("result", "grade")}  # as the rules write them
SCHOOL = "阜阳师范大学"
ROLES = ("student", "teacher", "registrar", "platform_admin")
PAGES = 30  # of each role
LOOK = """() => ({
  scripts: [...document.scripts].filter(s => !s.src).length,
  planted: document.querySelectorAll('img[src="x"], svg[onload], [onclick], [onerror], b[onclick]').length,
  links: [...document.querySelectorAll('a[href], form[action]')]
    .filter(e => /^\\s*(javascript|data|vbscript):/i.test(e.getAttribute('href') || e.getAttribute('action') || '')).length,
  next: [...document.querySelectorAll('main a[href]:not([download]), nav a[href]')].map(a => a.href),
  text: document.body.innerText + [...document.querySelectorAll('input, textarea')].map(e => e.value).join(' '),
})"""


def word(length: int, id_: int) -> str:
    fitting = next((each for each in WORDS if len(each) + len(str(id_)) <= length), "")
    return fitting + str(id_)


def _is_ours(table: sa.Table) -> bool:
    """Whether people's words are in it and may be exchanged."""
    return table.name not in NOT_OURS and "id" in table.c and not is_append_only(table.name)


def texts_of(table: sa.Table) -> list[str]:
    """Its columns that hold what people typed."""
    checks = " ".join(str(each.sqltext) for each in table.constraints if isinstance(each, sa.CheckConstraint))
    texts = (c.name for c in table.c if isinstance(c.type, sa.String) and not NOT_TEXT.search(c.name))
    return [name for name in texts if not re.search(rf"\b{name} IN \(", checks) and (table.name, name) not in GRADES]


def spoiled(value: Any) -> Any:
    """The same JSON with markup in every Chinese text: names and titles in notices."""
    if isinstance(value, dict):
        return {key: spoiled(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [spoiled(inner) for inner in value]
    return WORDS[0] if isinstance(value, str) and re.search(r"[\u4e00-\u9fff]", value) else value


def plant(database: Path) -> int:
    """Markup in every text; answers how many columns were spoiled."""
    engine, columns = make_engine(f"sqlite:///{database}"), 0
    with engine.begin() as connection:
        for table in metadata().sorted_tables:
            names = texts_of(table) if _is_ours(table) else []
            columns += len(names)
            for id_ in connection.scalars(sa.select(table.c.id)).all() if names else ():
                values = {name: word(table.c[name].type.length or 500, id_) for name in names}
                connection.execute(sa.update(table).where(table.c.id == id_).values(values))
        notice = metadata().tables["notice"]
        for id_, params in connection.execute(sa.select(notice.c.id, notice.c.params)).all():
            connection.execute(sa.update(notice).where(notice.c.id == id_).values(params=spoiled(params)))
    engine.dispose()
    return columns


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    """A demonstration of its own, whose people typed nothing but markup."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "popen-gw" in base.name else base
    prepared = demo_server.prepare(shared / "demonstration")
    spoiled_copy, folder = make_folder("spoiled"), make_folder("hostile")
    shutil.copytree(prepared / "var", spoiled_copy / "var")
    assert plant(spoiled_copy / "var" / "zutuan.db") > 20
    server = demo_server.start(spoiled_copy, folder)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(spoiled_copy, ignore_errors=True)


def shape(url: str) -> str:
    """Pages of one kind are looked at once or twice, not for each of a thousand courses."""
    parts = urlsplit(url)
    return re.sub(r"\d+", "N", parts.path) + ("?" if parts.query else "")


def walk(page: Page, start: str) -> dict[str, dict[str, Any]]:
    """What every kind of page that can be reached holds."""
    origin, waiting, seen, found = start, deque([start + "/"]), dict[str, int](), dict[str, dict[str, Any]]()
    while waiting and len(found) < PAGES:
        url = waiting.popleft()
        kind = shape(url)
        if seen.get(kind, 0) >= 2 or url in found:
            continue
        seen[kind] = seen.get(kind, 0) + 1
        answer = page.goto(url)
        if answer is None or "html" not in (answer.headers.get("content-type") or ""):
            continue
        found[url] = page.evaluate(LOOK)
        ours = (urldefrag(link)[0] for link in found[url].pop("next"))
        waiting.extend(link for link in ours if link.startswith(origin + "/"))
    return found


@pytest.mark.parametrize("role", ROLES)
def test_no_page_runs_what_people_typed(browser: Browser, hostile: DemoServer, role: str) -> None:
    complaints, dialogs = Complaints(hostile.url), list[str]()
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN")
    page = context.new_page()
    complaints.watch(page)
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    try:
        account = next(each for each in hostile.accounts if each.role == role and each.school == SCHOOL)
        Visitor(hostile, page, complaints).sign_in(account)
        found = walk(page, hostile.url)
    finally:
        context.close()
    bad = {url: look for url, look in found.items() if look["scripts"] or look["planted"] or look["links"]}
    assert (dialogs, bad, complaints.found) == ([], {}, []), json.dumps(
        {url: bad[url] for url in bad}, ensure_ascii=False
    )[:3000]
    shown = "\n".join(look["text"] for look in found.values())
    assert len(found) >= 8 and "<script>alert(1)</script>" in shown, "nothing was planted where this person looks"
    assert "{{7*7}}" in shown and not re.search(r"alert\(3\)>49", shown)
