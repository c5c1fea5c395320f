"""A registrar imports a roster with bad rows, mends them, prints slips; a student without e-mail signs in; a leave."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import openpyxl
from browser.conftest import Open
from browser.courses import OTHER
from browser.visitor import Visitor
from playwright.sync_api import expect

from zutuan.clock import clock

ROWS, BAD = 400, 4
TITLES = ["学号", "姓名", "邮箱", "身份", "学院", "专业", "年级", "班级", "培养层次", "培养类型", "学籍状态"]
PASSWORD = "my own password"


def roster(path: Path) -> Path:
    """As schools export them: a title above the header, numbers as text, and some rows that cannot be taken."""
    book = openpyxl.Workbook()
    book.active.append(["新生名单"])
    book.active.append(TITLES)
    for n in range(ROWS):
        standing = "神游" if n % (ROWS // BAD) == 0 else "在读"
        book.active.append(
            [
                f"00399{n:04d}",
                f"新生{n}",
                "",
                "学生",
                "教育学院",
                "小学教育",
                "2026",
                "新1班",
                "本科",
                "公费师范生",
                standing,
            ]
        )
    book.save(path)
    return path


def mend(path: Path) -> None:
    book = openpyxl.load_workbook(path)
    column = [cell.value for cell in book.active[1]].index("学籍状态")
    assert book.active.max_row == BAD + 1
    for row in book.active.iter_rows(min_row=2):
        assert row[-1].value
        row[column].value = "在读"
    book.save(path)


def hands_in(registrar: Visitor, path: Path, button: str) -> None:
    registrar.page.locator("input[type=file]").set_input_files(path)
    registrar.page.get_by_role("button", name=button, exact=True).click()
    expect(registrar.heading("核对结果", level=2)).to_be_visible(timeout=30_000)


def test_from_a_roster_with_mistakes_to_a_student_who_signs_in(open_window: Open, tmp_path: Path) -> None:
    registrar, student = open_window(), open_window()
    registrar.sign_in(registrar.server.who("registrar", OTHER))
    registrar.nav("导入")
    hands_in(registrar, roster(tmp_path / "名单.xlsx"), "交来核对")
    main = registrar.page.locator("main")
    expect(main).to_contain_text(f"有 {BAD} 行有误，没有写入任何内容。")
    with registrar.page.expect_download() as download:
        registrar.page.get_by_role("link", name=re.compile("下载有误的行")).click()
    returned = tmp_path / "有误的行.xlsx"
    download.value.save_as(returned)
    mend(returned)
    hands_in(registrar, returned, "交回更正")
    registrar.confirm("写入", says=f"新增 {ROWS} 项")
    expect(main).to_contain_text("写入。", timeout=30_000)
    registrar.page.get_by_role("link", name="给没有邮箱的人发激活码").click()
    registrar.confirm("发激活码", inside=registrar.row("新1班"))
    slip = registrar.page.locator(".slips-z li").first
    number, code = slip.locator(".num").inner_text(), slip.locator(".code").inner_text()
    activates(student, number, code)


def activates(student: Visitor, number: str, code: str) -> None:
    page = student.first_page()
    page.get_by_role("link", name="第一次登录").click()
    page.get_by_label("学校").fill(OTHER)
    page.get_by_label("学工号").fill(number)
    page.get_by_label("激活码").fill(code.lower())
    page.get_by_label("新密码", exact=False).first.fill(PASSWORD)
    page.get_by_label("再填一次新密码").fill(PASSWORD)
    page.get_by_role("button", name="设置密码并登录").click()
    expect(student.heading("隐私政策")).to_be_visible()
    page.get_by_role("button", name="我已阅读并同意").click()
    expect(student.heading("工作台")).to_be_visible()


def test_a_registrar_on_leave_is_acted_for_and_comes_back(open_window: Open) -> None:
    registrar, deputy = open_window(), open_window()
    registrar.sign_in(registrar.server.who("registrar", OTHER))
    deputy.sign_in(deputy.server.who("teacher", OTHER))
    until = clock.today() + timedelta(days=7)
    registrar.page.goto(registrar.server.url + "/account")
    registrar.page.locator("summary").get_by_text("委托代理…").click()
    registrar.page.get_by_label("代理人的学工号").fill(deputy.server.who("teacher", OTHER).number)
    registrar.page.get_by_label("到哪天为止（含当天）").fill(until.isoformat())
    registrar.page.get_by_role("button", name="委托", exact=True).click()
    registrar.expect_flash("已委托")
    deputy.expect_notice("请您代理“教务员”")
    deputy.nav("选课审核")
    expect(deputy.heading("选课审核")).to_be_visible()
    registrar.confirm("收回")
    registrar.expect_flash("已撤销")
    deputy.page.goto(deputy.server.url + "/imports")
    expect(deputy.page.locator("main")).to_contain_text("不能进行这项操作")
