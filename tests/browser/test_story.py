"""Issue 4 told once as its people live it: a plan, an import, full pools, a queue over days, a clash of two calendars,
two hundred requests, more and fewer seats. Each test has a stage of its own, on which time moves."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import openpyxl
import pytest
import sqlalchemy as sa
from browser import courses
from browser.conftest import DESK, PHONE, Open
from browser.courses import HOME, HOST
from browser.demo_server import Account
from browser.stage import Stage, enters
from browser.visitor import Visitor
from playwright.sync_api import Locator, expect

from courses.catalogue.models import Offering
from courses.catalogue.queries import occurrences
from zutuan.calendar.rules import Pattern
from zutuan.clock import local
from zutuan.sharing.models import SharedItem

QINGHAI = "青海师范大学"
DAY = timedelta(days=1)
HEAD = [
    "课程代码",
    "课程名称",
    "学分",
    "学时",
    "课程类别",
    "教学班号",
    "教师工号",
    "上课时间",
    "教室",
    "容量",
    "面向学校",
]


# --- what people do ---------------------------------------------------------------------------------------------


def hands_in(on: Stage, registrar: Visitor, path: Path, kind: str) -> None:
    """导入: the file, what was understood of it, and (by the caller) writing it."""
    page = registrar.page
    registrar.nav("导入")
    page.get_by_label("内容").select_option(label=kind)
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name="交来核对", exact=True).click()
    expect(registrar.heading(path.name)).to_be_visible()
    on.works()
    page.reload()
    expect(registrar.heading("核对结果", level=2)).to_be_visible()


def writes(on: Stage, registrar: Visitor, says: str) -> None:
    registrar.confirm("写入", says=says)
    on.works()
    registrar.page.reload()
    expect(registrar.page.locator("main")).to_contain_text("写入。")


def sheet(path: Path, *rows: list[str]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def looks_at(student: Visitor, title: str) -> Locator:
    courses.open_by_search(student, title)
    return student.page.locator("main")


def waits(student: Visitor, title: str, place: str) -> None:
    main = looks_at(student, title)
    expect(main).to_contain_text("留给贵校的名额已满")
    student.page.get_by_role("button", name="加入候补").click()
    student.expect_flash("已进入候补")
    expect(main).to_contain_text(place)


def first_class(on: Stage, title: str) -> datetime:
    """When the course meets next."""
    with on.database.read() as session:
        item = sa.select(SharedItem.id).where(SharedItem.title_zh == title).scalar_subquery()
        offerings = session.scalars(sa.select(Offering.id).where(Offering.course_id == item))
        meetings = [each.starts for offering in offerings for each in occurrences(session, offering)]
    return min(starts for starts in meetings if starts > on.clock.now())


def subscribes(student: Visitor) -> str:
    """The secret address of the student's calendar."""
    student.nav("课表")
    student.page.get_by_role("link", name="订阅日历").click()
    student.page.get_by_role("button", name="开通订阅").click()
    text = student.page.locator("main").inner_text()
    return re.search(r"http://\S+\.ics", text)[0]  # type: ignore[index]


def feed(address: str) -> str:
    with urlopen(address) as answer:  # noqa: S310 — our own server
        return str(answer.read().decode()).replace("\r\n ", "")


def week_shows(on: Stage, student: Visitor, title: str, address: str, *, shows: bool) -> None:
    """我的一周 and the calendar that follows it say the same."""
    day = local(first_class(on, title)).date()
    student.page.goto(f"{student.server.url}/me/timetable?day={day}")
    expect(student.page.locator(".week-grid, .week-list").filter(visible=True)).to_be_visible()
    entries = student.page.get_by_role("link", name=title, exact=True).filter(visible=True)
    expect(entries).to_have_count(1 if shows else 0)
    active = [part for part in feed(address).split("BEGIN:VEVENT") if title in part and "STATUS:CANCELLED" not in part]
    assert bool(active) == shows


# --- the stories ------------------------------------------------------------------------------------------------


def test_from_the_plan_to_a_seat_that_lapses(set_up: tuple[Stage, Open], tmp_path: Path) -> None:
    on, open_one = set_up
    on.without_plans()
    title = courses.fresh_title("乡土课程资源的开发与利用")
    fuyang = on.students(HOME, ("章远舟", "柳青禾", "孟知秋", "杜若川"))
    qinghai = on.students(QINGHAI, ("才让卓玛", "马成林"))
    publishes_the_plan(on, open_one)
    file = sheet(
        tmp_path / "2026秋开课表.xlsx",
        ["北京师范大学开课一览表"],
        HEAD,
        ["XT2001", title, "2", "32", "教师教育", "01", "T0001", "星期日第3-4节{8-16周}", "教二 204", "4",
         "阜阳师范大学:2、青海师范大学:1、四川师范大学:1"],
        ["XT2002", title + "（二）", "2", "32", "教师教育", "01", "T0001", "星期日第3-4节{8-16周} 及实践若干", "", "4", ""],
    )  # fmt: skip
    imports_the_class(on, open_one, file, title)
    teacher_publishes(on, open_one, title)

    first, second, third, fourth = (enters(on, open_one, who, PHONE if n < 2 else DESK) for n, who in enumerate(fuyang))
    for student in (first, second):
        looks_at(student, title)
        courses.enrol(student)
    from_qinghai, next_one = enters(on, open_one, qinghai[0]), enters(on, open_one, qinghai[1])
    looks_at(from_qinghai, title)
    courses.enrol(from_qinghai)
    waits(third, title, "候补第 1 位，共 1 人")
    waits(fourth, title, "候补第 2 位，共 2 人")
    waits(next_one, title, "候补第 1 位，共 1 人")  # another pool, another queue
    calendar = subscribes(first)
    week_shows(on, first, title, calendar, shows=True)
    calendar_of_third, calendar_of_fourth = subscribes(third), subscribes(fourth)
    week_shows(on, third, title, calendar_of_third, shows=False)

    my_elective(first, title)
    first.confirm("退选", says="名额将立即释放")
    first.expect_flash("已退出")
    week_shows(on, first, title, calendar, shows=False)
    on.works()
    third.expect_notice(f"「{title}」有名额了，请在")
    week_shows(on, third, title, calendar_of_third, shows=True)
    my_elective(third, title)
    expect(third.page.locator("summary").get_by_text("接受名额", exact=True)).to_be_visible()

    on.later(hours=25)
    third = enters(on, open_one, fuyang[2])
    third.nav("我的选课")
    expect(third.row(title)).to_contain_text("未在期限内接受")
    week_shows(on, third, title, calendar_of_third, shows=False)
    fourth = enters(on, open_one, fuyang[3], PHONE)
    my_elective(fourth, title)
    fourth.confirm("接受名额", says=f"接受后提交{HOME}审核")
    fourth.expect_flash("已接受名额")
    registrar = enters(on, open_one, registrar_of(on, HOME))
    registrar.nav("选课审核")
    registrar.narrow(title)
    registrar.confirm("通过", registrar.row(title).filter(has_text="杜若川"), says="将正式选上")
    registrar.expect_flash("已通过")
    fourth.nav("我的选课")
    expect(fourth.row(title)).to_contain_text("已选上")
    week_shows(on, fourth, title, calendar_of_fourth, shows=True)


def registrar_of(on: Stage, school: str) -> Account:
    return on.who("registrar", school)


def publishes_the_plan(on: Stage, open_one: Open) -> None:
    """The cluster admin: dates for everybody, shown before they are published."""
    admin = enters(on, open_one, on.who("cluster_admin", HOST))
    page, term, today = admin.page, on.term(), on.clock.today()
    admin.nav("选课安排")
    page.get_by_role("link", name="新建安排").first.click()
    page.get_by_label("学年").fill(term.academic_year)
    page.locator("main").get_by_label("学期").select_option(value=str(term.number))
    spans = (("申报", -30, 2), ("本校审核", -20, -10), ("预选", -9, -3), ("正选", -2, 5), ("补退选", 5, 9))
    for stage_, opens, closes in spans:
        page.get_by_label(f"{stage_}开始").fill(f"{today + opens * DAY}T08:00")
        page.get_by_label(f"{stage_}截止").fill(f"{today + closes * DAY}T08:00")
    page.get_by_label("开始上课").fill(term.first_day.isoformat())
    page.get_by_label("成绩提交截止").fill((today + 70 * DAY).isoformat())
    page.get_by_role("button", name="保存草稿").click()
    admin.expect_flash("草稿已保存")
    admin.confirm("发布", says="各校教务员会收到通知")
    seen = page.get_by_role("button", name="确认并通知")
    if seen.count():  # classes with dates of their own outside the plan
        seen.click()
    admin.expect_flash("选课安排已发布")


def imports_the_class(on: Stage, open_one: Open, file: Path, title: str) -> None:
    """The host's registrar: half of a meeting column is not guessed at; without that row everything is taken."""
    registrar = enters(on, open_one, registrar_of(on, HOST))
    hands_in(on, registrar, file, "教学班")
    main = registrar.page.locator("main")
    expect(main).to_contain_text("有 1 行有误，没有写入任何内容。")
    expect(main).to_contain_text("实践若干")
    book = openpyxl.load_workbook(file)
    book.active.delete_rows(4)
    book.save(file)
    hands_in(on, registrar, file, "教学班")
    expect(main).to_contain_text("阜阳师范大学 2、青海师范大学 1、四川师范大学 1")
    writes(on, registrar, says="新增 1 项")


def teacher_publishes(on: Stage, open_one: Open, title: str) -> None:
    """王晓红 finds the class as a draft that follows the plan, and shows it to the cluster."""
    teacher = enters(on, open_one, on.who("teacher", HOST))
    page = teacher.page
    teacher.nav("我的开课")
    page.get_by_role("link", name=title, exact=True).click()
    page.get_by_role("link", name="01 班", exact=True).click()
    page.get_by_role("link", name="修改教学班").click()
    expect(page.get_by_label("选课时间跟随组团安排")).to_be_checked()
    page.get_by_role("button", name="保存", exact=True).click()
    teacher.expect_flash("已保存")
    courses.publish(teacher)
    expect(page.locator(".seen")).to_contain_text("可以选这个班")


def test_a_clash_of_two_calendars_is_refused_with_its_cure(set_up: tuple[Stage, Open], tmp_path: Path) -> None:
    """青海师范大学's first periods ring half an hour later: its 1–2 meets 北京师范大学's 3–4 for five minutes."""
    on, open_one = set_up
    title = courses.fresh_title("课堂观察与诊断")
    on.taught(title, 5, 5, meets=(Pattern(7, 3, 4, "8-16"), Pattern(7, 7, 8, "8-16")))
    (who,) = on.students(QINGHAI, ("拉毛草",), class_name="2025级高原1班")
    student = enters(on, open_one, who, PHONE)
    main = looks_at_class(student, title, "01 班")
    expect(main).to_contain_text("本校课表未导入，未检查冲突")
    expect(student.page.get_by_role("button", name="选这个班")).to_be_visible()

    registrar = enters(on, open_one, registrar_of(on, QINGHAI))
    file = sheet(
        tmp_path / "班级课表.xlsx", ["课程名称", "上课时间", "班级", "教室"],
        ["高原生态学", "星期日第1-2节{8-16周}", "2025级高原1班", "格桑楼 101"],
    )  # fmt: skip
    hands_in(on, registrar, file, "本校课表")
    writes(on, registrar, says="新增 1 项")

    student.page.reload()
    expect(main).to_contain_text(re.compile(r"10:00 的上课时间与「高原生态学」（.*08:30）冲突，共 \d 次"))
    expect(main).to_contain_text("可以选这门课程的其他教学班，或先退选有冲突的课程。")
    expect(student.page.get_by_role("button", name="选这个班")).to_have_count(0)
    main = looks_at_class(student, title, "02 班")
    expect(main).to_contain_text("已与本校课表比对")
    courses.enrol(student)
    address = subscribes(student)
    week_shows(on, student, title, address, shows=True)
    assert "高原生态学" in feed(address)
    shown = student.page.locator(".week-list")
    expect(shown).to_contain_text(re.compile(r"08:30–10:05.*高原生态学", re.S))
    expect(shown).to_contain_text(re.compile(rf"16:15–17:50.*{title}.*{HOST} 7–8 节", re.S))


def looks_at_class(student: Visitor, title: str, code: str) -> Locator:
    """One of several classes: by way of their course."""
    student.search(title)
    student.page.get_by_role("link", name=title, exact=True).click()
    student.page.get_by_role("link", name=code, exact=True).click()
    expect(student.card("名额")).to_contain_text(code)
    return student.page.locator("main")


@pytest.mark.parametrize("many", [50, 200])
def test_hundreds_of_requests_are_worked_through_at_once(set_up: tuple[Stage, Open], many: int) -> None:
    on, open_one = set_up
    title = courses.fresh_title("教师语言艺术")
    (offering,) = on.taught(title, many, meets=(Pattern(7, 5, 6, "8-16"),))
    (known,) = on.students(HOME, ("葛云帆",))
    rest = on.students(HOME, [f"申请人{n}" for n in range(2, many + 1)])
    on.enrolled([known, *rest], offering)

    registrar = enters(on, open_one, registrar_of(on, HOME))
    page = registrar.page
    registrar.nav("选课审核")
    page.get_by_label("课程", exact=True).select_option(label=title)
    page.get_by_label("每页", exact=True).select_option(label=f"每页 {many} 项")
    expect(page.locator("tbody tr")).to_have_count(many)
    expect(registrar.row("申请人2").first).to_contain_text("本学期共 2 学分")
    registrar.row(f"申请人{many}").get_by_role("checkbox").check()
    page.get_by_label("理由").fill("已修读内容相近的课程")
    page.get_by_role("button", name="不通过所选").click()
    registrar.expect_flash("未通过 1 项，名额已释放")
    page.locator("thead").get_by_role("checkbox").check()
    page.locator("summary").get_by_text("通过所选").click()
    expect(page.locator("[data-count]:visible")).to_have_text(str(many - 1))
    page.get_by_role("button", name="确认通过所选").click()
    registrar.expect_flash(f"已通过 {many - 1} 项")
    expect(page.locator("tbody tr")).to_have_count(0)

    on.works()
    student = enters(on, open_one, known, PHONE)
    student.expect_notice(f"{HOME}已通过您选修「{title}」")
    week_shows(on, student, title, subscribes(student), shows=True)
    teacher = enters(on, open_one, on.who("teacher", HOST))
    teacher.page.goto(f"{on.url}/offerings/{offering}/roster")
    expect(teacher.page.locator("main")).to_contain_text(f"已选 {many - 1} / {many}")


def test_more_and_fewer_seats_break_no_queue(set_up: tuple[Stage, Open]) -> None:
    """Raised, the seats go to those who wait; lowered, nobody loses one, and the page says why the queue stands."""
    on, open_one = set_up
    title = courses.fresh_title("学习科学导论")
    (offering,) = on.taught(title, 1, meets=(Pattern(7, 9, 10, "8-16"),))
    people = on.students(HOME, ("汤予安", "贺兰雪", "简明远", "路遥知"))
    on.enrolled(people[:1], offering)
    on.enrolled(people[1:], offering, waitlist=True)
    second, last = enters(on, open_one, people[1], PHONE), enters(on, open_one, people[3])
    calendar = subscribes(second)
    week_shows(on, second, title, calendar, shows=False)
    teacher = enters(on, open_one, on.who("teacher", HOST))
    sets_seats(teacher, title, 3)
    week_shows(on, second, title, calendar, shows=True)
    my_elective(last, title)
    expect(last.page.locator("main")).to_contain_text("候补第 1 位，共 1 人")

    sets_seats(teacher, title, 1)
    fewer = "通用名额已减为 1 个：已占用的 3 个不受影响，有人退出时先抵减，抵完再递补。"
    expect(teacher.page.locator("main")).to_contain_text(fewer)
    my_elective(last, title)
    expect(last.page.locator("main")).to_contain_text(fewer)
    my_elective(second, title)
    second.confirm("放弃名额", says="名额立即给候补的下一位")
    second.expect_flash("已退出")
    week_shows(on, second, title, calendar, shows=False)
    my_elective(last, title)
    expect(last.page.locator("main")).to_contain_text("候补第 1 位，共 1 人")
    expect(last.page.locator("main")).to_contain_text("已占用的 2 个不受影响")

    sets_seats(teacher, title, 3)
    my_elective(last, title)
    last.confirm("接受名额")
    last.expect_flash("已接受名额")
    on.works()
    registrar = enters(on, open_one, registrar_of(on, HOME))
    expect(registrar.card("等我处理")).to_contain_text("选课等待审核")


def my_elective(student: Visitor, title: str) -> None:
    student.nav("我的选课")
    student.page.get_by_role("link", name=title, exact=True).click()
    expect(student.heading(title)).to_be_visible()


def sets_seats(teacher: Visitor, title: str, seats: int) -> None:
    """名额 in the class's form; its page at the end."""
    page = teacher.page
    teacher.nav("我的开课")
    page.get_by_role("link", name=title, exact=True).click()
    page.get_by_role("link", name="01 班", exact=True).click()
    page.get_by_role("link", name="修改教学班").click()
    page.get_by_label("第 1 行名额").fill(str(seats))
    page.get_by_role("button", name="保存", exact=True).click()
    teacher.expect_flash("已保存")
    page.get_by_role("link", name="01 班", exact=True).click()
