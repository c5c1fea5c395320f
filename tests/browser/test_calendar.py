"""A calendar changes, and the right people hear of it once: shown first, confirmed, told, and seen in the student's time."""

from __future__ import annotations

import re
from datetime import date, timedelta

from browser import courses
from browser.conftest import Open
from browser.courses import HOME, HOST, OTHER
from browser.visitor import Visitor
from playwright.sync_api import expect

from zutuan.clock import clock


def wednesday(weeks: int) -> date:
    """The Wednesday of the week so many weeks ahead."""
    today = clock.today()
    return today - timedelta(days=today.weekday() - 2) + timedelta(weeks=weeks)


def test_a_changed_calendar_is_shown_confirmed_and_told_once(open_window: Open) -> None:
    holiday = wednesday(3)
    make_up = holiday + timedelta(days=3)
    teacher, student, registrar = open_window(), open_window(), open_window(javascript=False)
    title = courses.published_course(teacher, "校历测试课", {"weekday": "周三", "first": "9", "last": "10"})
    student.sign_in(student.server.who("student", HOME))
    courses.open_by_search(student, title)
    courses.enrol(student)
    registrar.sign_in(registrar.server.who("registrar", HOST))
    registrar.page.goto(registrar.server.url + "/calendar")
    registrar.page.get_by_role("link", name="管理").click()
    enters(registrar, "补课（上另一天的课）", "校庆补课", make_up, takes=holiday)
    main = registrar.page.locator("main")
    expect(registrar.heading("核对影响")).to_be_visible()
    expect(main).to_contain_text("还没有保存")
    row = registrar.row(title).filter(has_text=f"{holiday:%m-%d}")
    expect(row).to_contain_text(re.compile(f"{make_up:%m-%d} 周六"))
    registrar.page.get_by_role("button", name="确认并通知").click()
    registrar.expect_flash(re.compile(r"已通知 \d+ 人"))
    expect(main).to_contain_text("校庆补课")
    for window in (teacher, student):
        told_once(window)
    stranger = open_window()
    stranger.sign_in(stranger.server.who("student", OTHER))
    stranger.notices()
    expect(stranger.page.locator(".notices > li").filter(has_text=f"校历调整（{HOST}）")).to_have_count(0)
    refused_onto_a_holiday(registrar, holiday)


def enters(registrar: Visitor, kind: str, name: str, first: date, takes: date | None = None) -> None:
    page = registrar.page
    page.get_by_label("类型").select_option(label=kind)
    page.get_by_label("名称").fill(name)
    page.get_by_label("日期").fill(first.isoformat())
    if takes is not None:
        page.get_by_label("补哪天的课").fill(takes.isoformat())
    page.get_by_role("button", name="登记", exact=True).click()


def told_once(window: Visitor) -> None:
    text = f"校历调整（{HOST}）"
    window.expect_notice(text)
    expect(window.page.locator(".notices > li").filter(has_text=text)).to_have_count(1)


def refused_onto_a_holiday(registrar: Visitor, near: date) -> None:
    """Said beside the field, and what was typed is still there."""
    page = registrar.page
    day = near + timedelta(days=4)
    enters(registrar, "放假（不上课）", "测试假", day)
    if registrar.heading("核对影响").count():  # classes of the demonstration meet on that day
        page.get_by_role("button", name="确认并通知").click()
    expect(registrar.page.locator("main")).to_contain_text("测试假")
    enters(registrar, "补课（上另一天的课）", "不行", day, takes=near + timedelta(days=1))
    expect(page.get_by_role("alert")).to_contain_text("不能在这一天补课")
    expect(page.get_by_label("名称")).to_have_value("不行")
