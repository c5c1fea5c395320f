"""Pages at their extremes: long names, nothing to show, paper."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from browser import courses
from browser.conftest import Open
from browser.courses import HOME, HOST
from browser.demo_server import Account, DemoServer
from browser.test_axe import overhang
from playwright.sync_api import expect

from zutuan.clusters.models import Cluster, Membership, School
from zutuan.db import Database
from zutuan.people import passwords, services
from zutuan.people.rules import PRIVACY_VERSION

LONG_TITLE = (
    "面向新时代乡村振兴与师范教育协同提质背景下小学全科教师跨学科主题教学设计能力与数字素养协同提升的理论研究与课堂实践"
    * 2
)
LONG_SCHOOL = "测试省测试民族自治州测试高新技术产业开发区师范教育与学前教育及特殊教育协同发展高等专科学校附属继续教育与教师发展学院（测试）"
PASSWORD = "a long password of the tests"


def _student(demo: DemoServer, school_name: str, number: str, *, cluster: str | None) -> Account:
    """A student of a school that the demonstration does not have, put straight into its database."""
    database = Database(f"sqlite:///{demo.folder / 'var' / 'zutuan.db'}")
    now = datetime.now(UTC)
    with database.write() as session:
        school = School(name=school_name, province="测试省", city="测试市", level="专科")
        session.add(school)
        session.flush()
        if cluster:
            found = session.query(Cluster).filter_by(name=cluster).one()
            session.add(Membership(cluster_id=found.id, school_id=school.id, role="supported", from_=now))
        email = f"{number.lower()}@nowhere.example"
        new = services.NewPerson(
            "欧阳" + "长" * 8,
            school.id,
            number,
            "student",
            email=email,
            password_hash=passwords.hash_password(PASSWORD),
            privacy_version=PRIVACY_VERSION,
        )
        services.create_person(session, None, new, now)
    database.dispose()
    return Account("student", school_name, number, email, PASSWORD)


@pytest.fixture(scope="module")
def far_away(demo: DemoServer) -> Account:
    """Of a school with a very long name, in no cluster."""
    return _student(demo, LONG_SCHOOL[:60], "X0001", cluster=None)


def test_nothing_to_show_says_what_to_do_next(open_window: Open, far_away: Account, width: int) -> None:
    window = open_window(width)
    page = window.sign_in(far_away)
    assert overhang(page) == []
    expect(window.card("我的选课")).to_contain_text("还没有选课")
    window.nav("课程")
    main = page.locator("main")
    # What is open to the whole platform is all that this school can see.
    page.get_by_label("学校").select_option(index=0)
    page.get_by_role("searchbox", name="课程、代码或教师").fill("没有这样的课程")
    page.keyboard.press("Enter")
    expect(main).to_contain_text("没有符合条件的课程")
    page.get_by_role("link", name="清除筛选").click()
    assert overhang(page) == []
    window.nav("我的选课")
    expect(main).to_contain_text("还没有选课")
    expect(main.get_by_role("link", name="去选课")).to_be_visible()
    assert overhang(page) == []
    window.notices()
    expect(main).to_contain_text("还没有通知")
    window.nav("组团")
    assert overhang(page) == []


def test_very_long_names_stay_inside_the_page(open_window: Open, width: int) -> None:
    window = open_window(width)
    page = window.sign_in(window.server.who("teacher", HOST))
    title = courses.fresh_title(LONG_TITLE[:113])
    assert len(title) == 120
    courses.new_course(window, title)
    assert overhang(page) == []
    page.get_by_role("link", name="发布", exact=True).click()
    expect(window.heading(f"发布：{title}")).to_be_visible()
    assert overhang(page) == []
    page.locator("main").get_by_role("button", name="发布", exact=True).click()
    window.expect_flash("已发布")
    assert overhang(page) == []
    window.nav("我的开课")
    expect(page.locator("main")).to_contain_text(title)
    assert overhang(page) == []
    window.nav("工作台")
    assert overhang(page) == []
    student = open_window(width)
    student.sign_in(student.server.who("student", HOME))
    courses.open_by_search(student, title)
    assert overhang(student.page) == []
    courses.enrol(student)
    assert overhang(student.page) == []
    student.confirm("退选")
    student.expect_flash("已退出")


def test_paper_carries_no_navigation(open_window: Open) -> None:
    window = open_window()
    page = window.sign_in(window.server.who("teacher", HOST))
    window.card("我任教的教学班").get_by_role("link", name="名单").last.click()
    expect(window.heading(re.compile("^名单："))).to_be_visible()
    page.emulate_media(media="print")
    for hidden in (".bar", ".side", ".dock", ".filters", ".pager .go"):
        for each in page.locator(hidden).all():
            expect(each).to_be_hidden()
    expect(page.locator("tbody tr").first).to_be_visible()
    expect(window.heading(re.compile("^名单："))).to_be_visible()


def test_the_demonstration_keeps_its_own_rules(demo: DemoServer) -> None:
    """`zutuan check` in its folder: every feature's invariants, over everything that was loaded and done since."""
    environment = {**os.environ, "ZUTUAN_MODE": "demo"}
    done = subprocess.run(
        [sys.executable, "-m", "zutuan.cli", "check"],
        cwd=demo.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
