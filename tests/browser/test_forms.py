"""What goes wrong at a desk: wrong input, double clicks, the back button, two tabs, no mouse, no JavaScript."""

from __future__ import annotations

import re

import pytest
from browser import courses
from browser.conftest import PHONE, Open
from browser.courses import HOST
from browser.visitor import Visitor
from playwright.sync_api import Locator, Page, expect

# In the demonstration, open and far from full.
COURSE = "课堂观察与教学诊断"


def focused(where: Locator) -> bool:
    return bool(where.evaluate("element => element === document.activeElement"))


def tab_to(page: Page, where: Locator) -> None:
    """Press Tab until this has the focus, as somebody without a mouse does."""
    expect(where).to_be_visible()
    for _press in range(80):
        page.keyboard.press("Tab")
        if focused(where):
            return
    raise AssertionError("Tab never gets there")


def count_mine(student: Visitor, title: str) -> int:
    student.nav("我的选课")
    expect(student.heading("我的选课")).to_be_visible()
    return student.row(title).count()


# --- wrong input ------------------------------------------------------------------------------------------------


def test_wrong_course_keeps_what_was_typed_and_says_what_is_wrong(open_window: Open, width: int) -> None:
    window = open_window(width)
    page = window.sign_in(window.server.who("teacher", "青海师范大学"))
    window.nav("我的开课")
    page.get_by_role("link", name="新建课程").click()
    courses.fill_course(window, "高原教育专题", "课程 一")
    page.get_by_label("学分").fill("两分")
    page.get_by_label("关键词").fill("高原、双语")
    page.get_by_role("button", name="保存草稿").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("还没有保存")
    expect(alert).to_be_focused()
    for label, typed in (("学分", "两分"), ("课程代码", "课程 一")):
        box = page.get_by_label(label)
        expect(box).to_have_value(typed)
        expect(box).to_have_attribute("aria-invalid", "true")
        beside = page.locator(f"#{(box.get_attribute('aria-describedby') or '').split()[-1]}")
        expect(beside).to_be_visible()
    expect(page.get_by_label("课程名称")).to_have_value("高原教育专题")
    expect(page.get_by_label("关键词")).to_have_value("高原、双语")
    alert.get_by_role("link").first.click()
    expect(page.locator("[aria-invalid=true]:focus")).to_have_count(1)
    window.nav("我的开课")
    expect(page.locator("main")).not_to_contain_text("高原教育专题")


def test_wrong_meeting_is_told_beside_its_row(open_window: Open) -> None:
    window = open_window()
    page = window.sign_in(window.server.who("teacher", "四川师范大学"))
    window.nav("我的开课")
    page.locator("main a.title").first.click()
    page.get_by_role("link", name="添加教学班").first.click()
    courses.fill_meeting(window, weekday="周五", first="5", last="3", weeks="一到十六")
    page.get_by_label("教室", exact=True).fill("五教 101")
    page.get_by_role("button", name=re.compile("^保存")).first.click()
    expect(page.get_by_role("alert")).to_be_focused()
    weeks = page.get_by_label("第 1 行周次")
    expect(weeks).to_have_value("一到十六")
    expect(weeks).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("第 1 行星期").locator("option:checked")).to_have_text("周五")
    expect(page.get_by_label("第 1 行从第几节")).to_have_value("5")
    expect(page.get_by_label("教室", exact=True)).to_have_value("五教 101")


def test_wrong_password_is_told_without_losing_the_number(open_window: Open) -> None:
    window = open_window(PHONE)
    page = window.first_page()
    page.get_by_label("邮箱或学工号").fill("2099000000")
    page.get_by_label("学校（用学工号登录时填写）").fill(HOST)
    page.get_by_label("密码").fill("not the password")
    page.get_by_role("button", name="登录", exact=True).click()
    expect(page.locator(".why")).to_contain_text("账号或密码不对")
    expect(page.get_by_label("邮箱或学工号")).to_have_value("2099000000")
    expect(page.get_by_label("学校（用学工号登录时填写）")).to_have_value(HOST)
    expect(page.get_by_label("密码")).to_have_value("")


# --- the same thing twice ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no-script"])
def test_double_click_enrols_once_and_back_does_not_enrol_again(open_window: Open, javascript: bool) -> None:
    window = open_window(javascript=javascript)
    page = window.sign_in(window.server.who("student", "四川师范大学" if javascript else "安徽师范大学"))
    courses.open_by_search(window, COURSE)
    page.get_by_role("button", name="选这个班").dblclick()
    expect(page.locator(".lanes")).to_contain_text("占用名额")  # the flash went with whichever answer came first
    page.go_back()
    again = page.get_by_role("button", name="选这个班")
    if again.count():  # the page as it was: sending it again answers what was answered
        again.click()
    expect(page.locator("main")).to_contain_text("等待本校审核")
    assert count_mine(window, COURSE) == 1


def test_two_tabs_the_later_one_is_told(open_window: Open) -> None:
    window = open_window()
    page = window.sign_in(window.server.who("teacher", "安徽师范大学"))
    window.nav("我的开课")
    page.locator("main a.title").first.click()
    page.get_by_role("link", name="修改", exact=True).click()
    expect(window.heading("修改课程")).to_be_visible()
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_label("考核方式").fill("课程论文")
    other.get_by_role("button", name="保存", exact=True).click()
    expect(other.get_by_role("status")).to_contain_text("已保存")
    page.get_by_label("考核方式").fill("闭卷考试")
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.locator("main")).to_contain_text("别人刚刚修改过这条记录，您的修改还没有保存")
    expect(page.get_by_label("考核方式")).to_have_value("闭卷考试")
    other.reload()
    expect(other.locator("main")).to_contain_text("课程论文")
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("已保存")
    expect(page.locator("main")).to_contain_text("闭卷考试")


# --- without a mouse --------------------------------------------------------------------------------------------


def test_keyboard_alone_signs_in_searches_and_enrols(open_window: Open) -> None:
    window = open_window()
    page, keys = window.first_page(), window.page.keyboard
    account = window.server.who("student", "西北师范大学")
    tab_to(page, page.get_by_label("邮箱或学工号"))
    keys.type(account.email)
    keys.press("Tab")
    keys.press("Tab")
    keys.type(account.password)
    keys.press("Enter")
    expect(window.heading("工作台")).to_be_visible()
    keys.press("Tab")
    skip = page.get_by_role("link", name="跳到正文")
    expect(skip).to_be_focused()
    box = page.get_by_role("searchbox", name="搜索")
    tab_to(page, box)
    keys.type(COURSE)
    keys.press("Enter")
    tab_to(page, page.get_by_role("link", name=COURSE, exact=True))
    keys.press("Enter")
    expect(window.heading(COURSE)).to_be_visible()
    offering = page.get_by_role("link", name="01 班", exact=True)
    if offering.count():
        tab_to(page, offering)
        keys.press("Enter")
    tab_to(page, page.get_by_role("button", name="选这个班"))
    keys.press("Enter")
    window.expect_flash("名额已为您保留")
    tab_to(page, window.account_menu())
    keys.press("Enter")
    expect(page.get_by_role("button", name="退出登录")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("button", name="退出登录")).to_be_hidden()
    expect(window.account_menu()).to_be_focused()


def test_queue_is_worked_by_keys_and_approved_at_once(open_window: Open) -> None:
    window = open_window()
    page = window.sign_in(window.server.who("registrar", "青海师范大学"))
    window.nav("选课审核")
    rows = page.locator("tbody tr")
    before = rows.count()
    assert before >= 3
    names = rows.locator("a.title").all_inner_texts()
    tab_to(page, rows.nth(0))
    for key, at in (("j", 1), ("j", 2), ("k", 1)):
        page.keyboard.press(key)
        expect(rows.nth(at)).to_be_focused()
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    batch = page.locator("#batch")
    expect(batch.locator("summary")).to_contain_text("2")
    expect(rows.nth(0).get_by_role("checkbox")).not_to_be_checked()
    batch.locator("summary").click()
    batch.get_by_role("button", name="确认通过所选").click()
    window.expect_flash("已通过 2 项")
    expect(rows).to_have_count(before - 2)
    rows.nth(0).focus()
    page.keyboard.press("Enter")
    expect(window.card("学生")).to_contain_text(names[0])


# --- deciding and leaving ---------------------------------------------------------------------------------------


def test_denial_needs_a_reason_which_the_student_reads(open_window: Open) -> None:
    window = open_window(PHONE)
    page = window.sign_in(window.server.who("registrar", "渭南师范学院"))
    window.nav("选课审核")
    row = page.locator("tbody tr").first
    row.get_by_role("checkbox").check()
    page.get_by_role("button", name="不通过所选").click()
    expect(page.locator("main .why")).to_contain_text("没有保存任何一项")
    page.locator("tbody tr").first.locator("a.title").click()
    name = window.card("学生").locator("dd").first.inner_text()
    page.locator("main summary").get_by_text("不通过", exact=True).click()
    form = page.locator("details[open] form")
    expect(form).to_contain_text(f"{name} 在「")
    form.get_by_label("理由").fill("请改选本专业课程。")
    form.get_by_role("button", name="确认不通过").click()
    window.expect_flash("未通过，名额已释放")
    expect(window.card("办理进度")).to_contain_text("请改选本专业课程。")
    expect(page.locator(".lane").first).to_contain_text("教务处未通过")


def test_withdrawal_says_what_happens_and_frees_the_seat(open_window: Open) -> None:
    window = open_window(PHONE)
    page = window.sign_in(window.server.who("student", "青海师范大学"))
    courses.open_by_search(window, COURSE)
    seats = window.card("名额").locator(".seats .num")
    before = seats.inner_text()
    courses.enrol(window)
    window.confirm("退选", says=f"您在「{COURSE}」的名额将立即释放")
    window.expect_flash("已退出，名额已释放")
    expect(page.locator(".lanes")).to_contain_text("名额已释放")
    page.get_by_role("link", name="查看课程").click()
    expect(seats).to_have_text(before)
    expect(window.card("再次选课").get_by_role("button", name="选这个班")).to_be_visible()


def test_seat_taken_meanwhile_is_said_on_the_same_page(open_window: Open) -> None:
    teacher, late = open_window(), open_window(PHONE)
    title = courses.published_course(teacher, "地方文化与课程")
    late.sign_in(late.server.who("student", "阿坝师范学院"))
    courses.open_by_search(late, title)
    teacher.nav("我的开课")
    teacher.page.get_by_role("link", name=title, exact=True).click()
    teacher.confirm("暂停共享", says=f"「{title}」将立即对其他学校不可见")
    teacher.expect_flash("已暂停共享")
    late.page.get_by_role("button", name="选这个班").click()
    expect(late.heading(re.compile("没有找到这一页"))).to_be_visible()


# --- without JavaScript -----------------------------------------------------------------------------------------


def test_everything_works_without_javascript(open_window: Open) -> None:
    teacher = open_window(javascript=False)
    title = courses.published_course(teacher, "民族教育田野调查")
    student = open_window(PHONE, javascript=False)
    student.sign_in(student.server.who("student", "阿坝师范学院"), by_number=True)
    courses.open_by_search(student, title)
    courses.enrol(student)
    registrar = open_window(javascript=False)
    registrar.sign_in(registrar.server.who("registrar", "阿坝师范学院"))
    registrar.nav("选课审核")
    registrar.confirm("通过", registrar.row(title))
    registrar.expect_flash("已通过")
    student.nav("我的选课")
    expect(student.row(title)).to_contain_text("已选上")


def test_filters_and_language_work_without_javascript(open_window: Open) -> None:
    window = open_window(javascript=False)
    page = window.sign_in(window.server.who("student", "咸阳师范学院"))
    window.nav("课程")
    page.get_by_label("方式").select_option(label="线下")
    page.get_by_role("button", name="筛选").click()
    expect(page.get_by_label("方式").locator("option:checked")).to_have_text("线下")
    assert page.locator("main .rows > li").count() == page.locator("main .rows > li").filter(has_text="线下").count()
    window.account_menu().click()
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("select[name=delivery]")).to_have_value("on_site")  # the same page, the filter kept
    window.account_menu().click()
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_filters_send_themselves_with_javascript(open_window: Open) -> None:
    window = open_window(PHONE)
    page = window.sign_in(window.server.who("student", "天水师范学院"))
    window.nav("课程")
    expect(page.get_by_role("button", name="筛选")).to_be_hidden()
    page.get_by_label("只看我能选的余量").check()
    page.wait_for_url(re.compile("available=1"))
    expect(page.get_by_label("只看我能选的余量")).to_be_checked()


def test_bell_refreshes_by_itself(open_window: Open) -> None:
    """Nothing is clicked after the page has been opened; only time passes."""
    teacher, student = open_window(), open_window(PHONE)
    page = student.page
    page.clock.install()
    student.sign_in(student.server.who("student", "西昌民族幼儿师范高等专科学校"))
    bell = page.get_by_role("link", name=re.compile("^通知，"))
    expect(bell).to_have_accessible_name("通知，0 条未读")
    other = page.context.new_page()
    tab = Visitor(student.server, other, student.complaints)
    tab.first_page()
    courses.open_by_search(tab, COURSE)
    courses.enrol(tab)
    for _turn in range(20):
        page.clock.run_for(15_000)
        if bell.get_attribute("aria-label") != "通知，0 条未读":
            break
        other.reload()
    expect(bell).to_have_accessible_name("通知，1 条未读")
    teacher.page.close()
