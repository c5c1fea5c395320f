"""Every page that a role can walk to, on a desk and on a phone: axe-core finds nothing, nothing hangs over the edge.

The walk begins at the workbench and follows every kind of link once, so a new page is looked at without being named here.
(That a page keeps to its origin and its console stays quiet is checked in every browser test, by `Complaints`.)
"""

from __future__ import annotations

import gzip
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from browser.conftest import DESK, HEIGHTS, PHONE, Open
from browser.courses import HOME, HOST
from browser.visitor import Visitor
from playwright.sync_api import Locator, Page, expect
from support import thorough

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPTIONS = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
# Breadth first: what is walked in every run is near the workbench, a thorough run goes on to the end.
# How many pages of one kind to look at, where not one: enrolments differ by their state.
SEVERAL = {"/enrolments/N": 3}
MOST_PAGES = 120 if thorough.ON else 28
# What everybody sees alike: looked at as the student, and not again as each other role.
ALIKE = frozenset(
    {"/account", "/notices", "/courses", "/schools", "/schools/N", "/clusters", "/schools?cursor", "/courses?cursor"}
)
KILOBYTES = 120


def kind_of(url: str) -> str:
    """/offerings/12/roster?state=over → /offerings/N/roster?state."""
    parts = urlsplit(url)
    names = "&".join(sorted(parse_qs(parts.query)))
    return re.sub(r"\d+", "N", parts.path) + (f"?{names}" if names else "")


def violations(page: Page, part: Locator | None = None) -> list[str]:
    """What axe-core finds in the page, or in a part of it."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
    if part is None:
        found = page.evaluate("options => axe.run(document, options)", OPTIONS)
    else:
        found = part.evaluate("(node, options) => axe.run(node, options)", OPTIONS)
    return [_line(each, node) for each in found["violations"] for node in each["nodes"]]


def _line(each: dict[str, Any], node: dict[str, Any]) -> str:
    return f"{each['id']}: {node['target']} {node['html'][:160]}"


def overhang(page: Page) -> list[str]:
    """How far the page is wider than the window, and by what."""
    script = """() => {
      const width = document.documentElement.clientWidth;
      if (document.documentElement.scrollWidth <= width) return [];
      const wide = [...document.body.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > width + 1);
      return wide.slice(0, 3).map(e => `wider than the window: ${e.outerHTML.slice(0, 160)}`);
    }"""
    return list(page.evaluate(script))


@dataclass
class Walk:
    """One person's walk through everything that they can reach."""

    visitor: Visitor
    most: int = MOST_PAGES
    known: frozenset[str] = frozenset()
    faults: list[str] = field(default_factory=list)
    visited: Counter[str] = field(default_factory=Counter)
    menus: set[tuple[int, str]] = field(default_factory=set)
    looks: int = 0

    @property
    def page(self) -> Page:
        return self.visitor.page

    def everywhere(self) -> None:
        """From the page we are on, each kind of link once."""
        waiting = [self.page.url]
        while waiting and self.visited.total() < self.most:
            url = waiting.pop(0)
            kind = kind_of(url)
            if kind in self.known or self.visited[kind] >= SEVERAL.get(kind, 1):
                continue
            self.visited[kind] += 1
            self.page.goto(url)
            self.look(kind)
            waiting += self.links()
            self.submit_nothing(kind)

    def links(self) -> list[str]:
        hrefs = self.page.locator("a[href]:not([download])").evaluate_all(
            "links => links.map(a => a.href.split('#')[0])"
        )
        return [href for href in hrefs if href.startswith(self.visitor.server.url)]

    def look(self, name: str) -> None:
        """On a phone, where targets are smallest and room is least, and on a desk (there axe itself is asked of one page in
        three, or of all in a thorough run); menus closed and then each kind of menu open."""
        self.looks += 1
        for width in (DESK, PHONE):
            self.page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
            self.page.evaluate("scrollTo(0, 0)")  # what lies under the dock now would count as too small
            found = overhang(self.page)
            if width == PHONE or thorough.ON or self.looks % 3 == 1:
                found += violations(self.page)
            self.faults += [f"{name} at {width}: {each}" for each in found]
            self.open_menus(name, width)
        self.page.set_viewport_size({"width": DESK, "height": HEIGHTS[DESK]})

    def open_menus(self, name: str, width: int) -> None:
        for menu in self.page.locator("details.menu").all():
            sort = menu.evaluate(
                "e => [e.className, e.querySelector('summary').className,"
                " (e.parentElement.closest('header, nav, td, li, .act, .body') || e).tagName].join(' ')"
            )
            shut = menu.get_attribute("open") is None and menu.locator("summary").is_visible()
            if (width, sort) in self.menus or not shut:
                continue
            self.menus.add((width, sort))
            menu.locator("summary").click()
            expect(menu).to_have_attribute("open", "")
            found = violations(self.page, menu) + overhang(self.page)
            self.faults += [f"{name} at {width}, {sort} open: {each}" for each in found]
            if "inline" in sort.split():  # stays open while one reads on
                menu.locator("summary").click()
            else:
                self.page.keyboard.press("Escape")  # on a phone the panel lies over its own button
            expect(menu).not_to_have_attribute("open", "")

    def submit_nothing(self, name: str) -> None:
        """A form with required fields, sent empty past the browser's own check: the page that answers is looked at too."""
        form = self.page.locator("main form[method=post]:has([required]):not(.panel)").first
        if not form.count():
            return
        with self.page.expect_navigation():
            form.evaluate(
                "form => { form.noValidate = true;"
                " for (const each of form.querySelectorAll('[required]')) each.value = '';"
                " form.requestSubmit(); }"
            )
        if self.page.locator(".errors").count() or self.page.locator("[aria-invalid]").count():
            self.look(f"{name} refused")
        else:
            self.faults.append(f"{name}: sent empty and says nothing of it")


@pytest.mark.parametrize(
    ("role", "school", "least"),
    [("student", HOME, 12), ("teacher", HOST, 10), ("registrar", HOME, 11), ("cluster_admin", HOST, 4),
     ("librarian", HOST, 2)],
)  # fmt: skip
def test_nothing_stands_in_anyones_way(open_window: Open, role: str, school: str, least: int) -> None:
    window = open_window()
    window.sign_in(window.server.who(role, school))
    walk = Walk(window, known={"student": frozenset[str](), "cluster_admin": ALIKE - {"/clusters"}}.get(role, ALIKE))
    walk.everywhere()
    if role == "student":
        window.page.goto(window.server.url + "/courses/999999999")
        walk.look("404")
        assert set(walk.visited) >= {each for each in ALIKE if "?" not in each}
    assert not walk.faults, "\n".join(walk.faults)
    assert walk.visited.total() >= least, f"only {sorted(walk.visited)}"


@pytest.mark.parametrize(("role", "school"), [("student", "四川师范大学"), ("registrar", "四川师范大学")])
def test_nothing_stands_in_anyones_way_in_english(open_window: Open, role: str, school: str) -> None:
    window = open_window()
    page = window.sign_in(window.server.who(role, school))
    window.account_menu().click()
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    walk = Walk(window, most=8)
    walk.everywhere()
    assert not walk.faults, "\n".join(walk.faults)
    window.account_menu().click()
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_nothing_stands_in_the_way_to_the_door(open_window: Open) -> None:
    window = open_window()
    page = window.first_page()
    walk = Walk(window)
    walk.look("sign-in")
    page.locator("details.group").nth(1).locator("summary").click()
    walk.look("sign-in with accounts")
    walk.submit_nothing("sign-in")
    page.get_by_label("邮箱或学工号").fill("nobody@nowhere.example")
    page.get_by_label("密码").fill("not the password")
    page.get_by_role("button", name="登录", exact=True).click()
    expect(page.locator(".why")).to_be_visible()
    walk.look("sign-in refused")
    assert not walk.faults, "\n".join(walk.faults)


def test_page_is_light(open_window: Open) -> None:
    """All styles and scripts of a page, compressed."""
    window = open_window(PHONE)
    page = window.sign_in(window.server.who("student", HOME))
    script = "all => all.map(each => each.href || each.src)"
    addresses = page.locator("link[rel=stylesheet], script[src]").evaluate_all(script)
    sizes = {url: len(gzip.compress(page.request.get(url).body(), 6)) for url in addresses}
    assert len(sizes) >= 3
    assert sum(sizes.values()) <= KILOBYTES * 1024, sizes
