"""Making a course by hand, through the form pages: what most of these tests begin with."""

from __future__ import annotations

import secrets
from itertools import cycle

from browser.visitor import Visitor
from playwright.sync_api import expect

# Printed accounts that the tests use, by what they do in the story.
HOST, HOME, OTHER = "北京师范大学", "阜阳师范大学", "陕西师范大学"


def fresh_title(about: str) -> str:
    """A title that no other test and no earlier run has used."""
    return f"{about} {secrets.token_hex(3)}"


def fill_course(teacher: Visitor, title: str, code: str) -> None:
    page = teacher.page
    page.get_by_label("课程名称").fill(title)
    page.get_by_label("课程代码").fill(code)
    page.get_by_label("一句话介绍").fill("由浏览器测试在表单中填写的课程。")


_SLOTS = cycle(range(10))


def fill_meeting(
    teacher: Visitor, weekday: str = "周三", first: str = "9", last: str = "10", weeks: str = "1-16"
) -> None:
    page = teacher.page
    page.get_by_label("第 1 行星期").select_option(label=weekday)
    page.get_by_label("第 1 行从第几节").select_option(value=first)
    page.get_by_label("第 1 行到第几节").select_option(value=last)
    page.get_by_label("第 1 行周次").fill(weeks)


def _own_time() -> dict[str, str]:
    """So that a student who takes one of these courses can take the next. The demonstration rests on weekends."""
    slot = next(_SLOTS)
    first = 1 + 2 * (slot % 5)
    return {"weekday": "周六" if slot < 5 else "周日", "first": str(first), "last": str(first + 1)}


def new_course(teacher: Visitor, title: str, meeting: dict[str, str] | None = None) -> None:
    """A draft with one offering of three seats, on the course's own page at the end."""
    page = teacher.page
    teacher.nav("我的开课")
    page.get_by_role("link", name="新建课程").click()
    fill_course(teacher, title, f"T{secrets.token_hex(4).upper()}")
    page.get_by_role("button", name="保存草稿").click()
    teacher.expect_flash("草稿已保存")
    page.get_by_role("link", name="添加教学班").first.click()
    page.get_by_label("第 1 行名额").fill("3")
    page.get_by_label("教室", exact=True).fill("教二 204")
    fill_meeting(teacher, **(meeting or _own_time()))
    page.get_by_role("button", name="保存", exact=True).click()
    teacher.expect_flash("教学班已保存为草稿")


def publish(teacher: Visitor) -> None:
    """From the course's page to everyone of the cluster, the draft offering with it."""
    page = teacher.page
    page.get_by_role("link", name="发布", exact=True).click()
    page.get_by_label("北京师范大学组团").check()
    page.get_by_label("同时发布 1 个草稿教学班").check()
    page.locator("main").get_by_role("button", name="发布", exact=True).click()
    teacher.expect_flash("已发布")
    expect(teacher.heading("阜阳师范大学的学生这样看到它")).to_be_visible()


def published_course(teacher: Visitor, about: str, meeting: dict[str, str] | None = None) -> str:
    """The title of a course that BNU's teacher has just published to the cluster."""
    title = fresh_title(about)
    teacher.sign_in(teacher.server.who("teacher", HOST))
    new_course(teacher, title, meeting)
    publish(teacher)
    return title


def open_by_search(visitor: Visitor, title: str) -> None:
    visitor.search(title[:100])  # the box takes more, the answer reads no more
    visitor.page.get_by_role("link", name=title, exact=True).click()
    expect(visitor.heading(title)).to_be_visible()
    offering = visitor.page.get_by_role("link", name="01 班", exact=True)
    if offering.count():  # a hit may lead to the course; the seats are on its class's page
        offering.click()
    expect(visitor.card("名额")).to_be_visible()


def enrol(student: Visitor) -> None:
    student.page.get_by_role("button", name="选这个班").click()
    student.expect_flash("名额已为您保留")
