"""A person at a browser: signs in, looks for words and buttons, and notices when a page does what it must not."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from browser.demo_server import Account, Served
from playwright.sync_api import ConsoleMessage, Locator, Page, Request, Response, expect

# A document that answers 4xx is reported on the console as well; the test that asked for it knows.
EXPECTED = "Failed to load resource"


@dataclass
class Complaints:
    """What went wrong in a page behind the visitor's back."""

    origin: str
    found: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.found.append(f"script error: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(EXPECTED):
            self.found.append(f"console: {message.text} ({message.location.get('url')})")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.found.append(f"leaves the origin: {request.url}")

    def _response(self, response: Response) -> None:
        document = response.request.resource_type == "document"
        if response.status >= (500 if document else 400):
            self.found.append(f"{response.status}: {response.url}")


class Visitor:
    """A browser window. Everything is found by what is shown, never by an address."""

    def __init__(self, server: Served, page: Page, complaints: Complaints) -> None:
        self.server, self.page, self.complaints = server, page, complaints

    # --- coming and going ---------------------------------------------------------------------------------------

    def first_page(self) -> Page:
        self.page.goto(self.server.url + "/")
        return self.page

    def sign_in(self, account: Account, *, by_number: bool = False) -> Page:
        """By the form: with the e-mail, or as most students do, with school and number."""
        page = self.first_page()
        page.get_by_label("邮箱或学工号").fill(account.number if by_number else account.email)
        if by_number:
            page.get_by_label("学校（用学工号登录时填写）").fill(account.school)
        page.get_by_label("密码").fill(account.password)
        page.get_by_role("button", name="登录", exact=True).click()
        expect(self.heading("工作台")).to_be_visible()
        return page

    def sign_out(self) -> None:
        self.account_menu().click()
        self.page.get_by_role("button", name="退出登录").click()
        expect(self.heading("登录", level=2)).to_be_visible()

    def account_menu(self) -> Locator:
        return self.page.locator(".account > summary")

    # --- finding the way ----------------------------------------------------------------------------------------

    def heading(self, name: str | re.Pattern[str], level: int = 1) -> Locator:
        return self.page.get_by_role("heading", name=name, level=level)

    def nav(self, label: str) -> None:
        """By the navigation: the side on a desk, the dock (and its 更多) on a phone."""
        bar = self.page.get_by_role("navigation", name="主导航")
        link = bar.get_by_role("link", name=re.compile(f"^{label}"))
        if link.count() == 0:
            bar.get_by_text("更多").click()
        link.click()

    def card(self, title: str) -> Locator:
        return self.page.locator("section").filter(
            has=self.page.get_by_role("heading", name=title, level=2, exact=True)
        )

    def row(self, text: str) -> Locator:
        """The row of a list or table that shows this text."""
        return self.page.locator("main :is(.rows > li, tbody > tr)").filter(has_text=text)

    def search(self, words: str) -> None:
        box = self.page.get_by_role("search").get_by_role("searchbox", name="搜索")
        box.fill(words)
        box.press("Enter")
        expect(self.heading(f"搜索：{words}")).to_be_visible()

    def narrow(self, words: str) -> None:
        """The search box of the list that is shown."""
        box = self.page.locator("main form.filters").get_by_role("searchbox")
        box.fill(words)
        box.press("Enter")

    def notices(self) -> None:
        self.page.get_by_role("link", name=re.compile("^通知，")).click()
        expect(self.heading("通知")).to_be_visible()

    def expect_notice(self, text: str | re.Pattern[str]) -> None:
        """In the bell's list. The worker delivers a moment after the commit: look again until it is there."""
        self.notices()
        notice = self.page.locator(".notices > li").filter(has_text=text)
        for _try in range(10):
            if notice.count():
                break
            self.page.wait_for_timeout(200)
            self.page.reload()
        expect(notice).to_be_visible()

    def expect_flash(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.get_by_role("status").filter(has_text=text)).to_be_visible()

    def confirm(self, label: str, inside: Locator | None = None, says: str | re.Pattern[str] = "") -> None:
        """Open a confirming button, read what it says, and go through with it."""
        where = inside if inside is not None else self.page.locator("main")
        where.locator("summary").get_by_text(label, exact=True).click()
        button = where.get_by_role("button", name=f"确认{label}", exact=True)
        expect(button).to_be_visible()
        if says:
            expect(where.locator("details[open] form")).to_contain_text(says)
        button.click()
