"""The main job, once through, as people do it: publish → enrol → approve, on a desk and on a phone."""

from __future__ import annotations

import re

from browser import courses
from browser.conftest import DESK, Open
from browser.courses import HOME, HOST, OTHER
from browser.visitor import Visitor
from playwright.sync_api import expect

DRAFT = "乡村小学课堂的证据化教研"


def test_course_goes_from_draft_to_seat(open_window: Open, width: int) -> None:
    window = open_window(width)
    title, address = publishes(window, use_the_draft=width == DESK)
    window.sign_out()
    enrols(window, title)
    window.sign_out()
    approves(window, title)
    window.sign_out()
    sees_it_decided(window, title)
    window.sign_out()
    sees_the_student(window, title)
    window.sign_out()
    finds_nothing(window, title, address)


def publishes(window: Visitor, *, use_the_draft: bool) -> tuple[str, str]:
    """王晓红, by one click on the trail; answers the title and the address of her course."""
    page = window.first_page()
    step = page.get_by_role("listitem").filter(has_text="王晓红").filter(has_text="发布")
    step.get_by_role("button", name="以教师身份开始").click()
    window.nav("工作台")
    if use_the_draft:
        title = DRAFT
        expect(window.card("等我处理")).to_contain_text("课程草稿待发布")
        expect(window.card("等我处理")).to_contain_text(title)
        window.card("等我处理").get_by_role("link", name=re.compile("^去发布")).click()
    else:
        title = courses.fresh_title("乡土资源与课程开发")
        courses.new_course(window, title)
    expect(window.heading(title)).to_be_visible()
    courses.publish(window)
    expect(page.locator(".seen")).to_contain_text(title)
    expect(page.locator(".seen")).to_contain_text("可以选这个班")
    page.get_by_role("link", name="完成").click()
    page.get_by_text("7 所学校可见").click()
    expect(page.locator(".audience[open] .panel")).to_be_visible()
    for school in ("阜阳师范大学", "西昌民族幼儿师范高等专科学校"):
        expect(page.locator(".audience .panel")).to_contain_text(school)
    return title, page.url


def enrols(window: Visitor, title: str) -> None:
    """周文斌, by school and number: finds the course, sees what matters, takes a seat."""
    page = window.sign_in(window.server.who("student", HOME), by_number=True)
    courses.open_by_search(window, title)
    main = page.locator("main")
    expect(window.card("名额")).to_contain_text(re.compile(r"余 \d+ / \d+"))
    expect(window.card("名额")).to_contain_text("王晓红")
    expect(window.card("上课时间")).to_contain_text(re.compile(r"周. *\d\d:\d\d–\d\d:\d\d"))
    expect(main).to_contain_text(re.compile(f"由{HOME}审核，最迟 .*，逾期自动释放"))
    courses.enrol(window)
    window.expect_flash(re.compile(f"等待{HOME}教务处审核.*最迟 "))
    home, host = page.locator(".lane").nth(0), page.locator(".lane").nth(1)
    expect(home).to_contain_text(re.compile(f"{HOME}.*等待{HOME}教务处审核.*最迟 ", re.S))
    expect(host).to_contain_text(re.compile(f"{HOST}.*占用名额.*自动接收", re.S))
    expect(page.locator("[aria-current=step]")).to_contain_text("教务处审核")
    window.expect_notice(f"已提交选课「{title}」")


def approves(window: Visitor, title: str) -> None:
    """The home registrar: the workbench says how many wait, the confirm says what will happen to whom."""
    window.sign_in(window.server.who("registrar", HOME))
    expect(window.card("等我处理")).to_contain_text("选课等待审核")
    window.card("等我处理").get_by_role("link", name=re.compile("^去审核")).click()
    window.narrow(title)
    row = window.row(title)
    expect(row).to_contain_text("周文斌")
    window.confirm("通过", row, says=f"周文斌 将正式选上「{title}」")
    window.expect_flash("已通过")
    expect(window.row(title)).to_have_count(0)


def sees_it_decided(window: Visitor, title: str) -> None:
    page = window.sign_in(window.server.who("student", HOME))
    expect(page.get_by_role("link", name=re.compile(r"^通知，[1-9]\d* 条未读"))).to_be_visible()
    expect(window.row(title).filter(has_text="已选上")).to_be_visible()
    window.expect_notice(f"{HOME}已通过您选修「{title}」")
    window.nav("我的选课")
    expect(window.row(title)).to_contain_text("已选上")


def sees_the_student(window: Visitor, title: str) -> None:
    page = window.sign_in(window.server.who("teacher", HOST))
    window.nav("我的开课")
    page.get_by_role("link", name=title, exact=True).click()
    page.get_by_role("link", name="名单", exact=True).first.click()
    expect(window.heading(re.compile(f"^名单：{re.escape(title)}"))).to_be_visible()
    expect(window.row("周文斌")).to_contain_text(re.compile(f"{HOME}.*2025.*已选上|{HOME}.*已选上", re.S))


def finds_nothing(window: Visitor, title: str, address: str) -> None:
    """A student of the other cluster: for them the course does not exist, by search or by its address."""
    page = window.sign_in(window.server.who("student", OTHER))
    window.search(title)
    expect(page.locator("main")).to_contain_text("没有找到")
    expect(page.locator("main .rows")).to_have_count(0)
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == 404
    expect(window.heading(re.compile("没有找到这一页"))).to_be_visible()
    expect(page.locator("body")).not_to_contain_text(title)
    page.get_by_role("link", name="回到工作台").click()
    expect(window.heading("工作台")).to_be_visible()
