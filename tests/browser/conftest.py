"""Tests with a real browser (Debian's Chromium) against the real demonstration, one server and one browser a process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser import demo_server, stage
from browser.demo_server import DemoServer, Served
from browser.stage import Stage
from browser.visitor import Complaints, Visitor
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from support.places import make_folder

HOW_TO_GET_IT = "Chromium is not installed: apt-get install chromium fonts-noto-cjk (or name one in ZUTUAN_CHROMIUM)"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
DESK, PHONE = 1280, 390
HEIGHTS = {DESK: 800, PHONE: 844}
expect.set_options(timeout=20_000)

Open = Callable[..., Visitor]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The loaded demonstration, from which servers take copies."""
    base = tmp_path_factory.getbasetemp()
    return demo_server.prepare((base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "demonstration")


@pytest.fixture(scope="session")
def demo(prepared: Path) -> Iterator[DemoServer]:
    """The demonstration. Tests share it: each uses people and courses of its own, named in the test."""
    folder = make_folder("browser")
    server = demo_server.start(prepared, folder)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = os.environ.get("ZUTUAN_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        pytest.skip(HOW_TO_GET_IT)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield launched
        launched.close()


@pytest.fixture
def open_window(browser: Browser, demo: DemoServer) -> Iterator[Open]:
    """Windows of different people (each with its own cookies); whatever they had to complain of fails the test."""
    with windows(browser, demo) as open_one:
        yield open_one


@contextmanager
def windows(browser: Browser, server: Served) -> Iterator[Open]:
    contexts: list[BrowserContext] = []
    complaints = Complaints(server.url)

    def open_one(width: int = DESK, *, javascript: bool = True) -> Visitor:
        phone = width == PHONE
        context = browser.new_context(
            viewport={"width": width, "height": HEIGHTS[width]}, is_mobile=phone, has_touch=phone, locale="zh-CN",
            java_script_enabled=javascript, reduced_motion="reduce",
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        complaints.watch(page)
        return Visitor(server, page, complaints)

    yield open_one
    for context in contexts:
        context.close()
    assert complaints.found == []


@pytest.fixture
def set_up(prepared: Path, browser: Browser) -> Iterator[tuple[Stage, Open]]:
    """A stage of the test's own, on which time moves, and windows onto it."""
    folder = make_folder("story")
    with stage.set_up(prepared, folder) as made, windows(browser, made) as open_one:
        yield made, open_one


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def width(request: pytest.FixtureRequest) -> int:
    return int(request.param)
