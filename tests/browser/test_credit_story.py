"""Issue 5 told as its people live it: what a course will count as, the seat, the grade, both grades, the papers that anybody
can verify; and a draw that anybody can recompute. Each test has a stage of its own, on which time moves."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from browser import courses
from browser.conftest import PHONE, Open
from browser.courses import HOME, HOST
from browser.demo_server import Account
from browser.stage import Stage, enters
from browser.visitor import Visitor
from playwright.sync_api import Locator, expect
from support.reading import scanned, words_of

from zutuan.calendar.rules import Pattern
from zutuan.web.texts import form_moment

NAMES = ("顾雁行", "苏棠")
COUNTS = "教师教育选修"


def test_from_what_it_counts_as_to_the_paper_that_says_so(set_up: tuple[Stage, Open]) -> None:
    on, open_one = set_up
    title = courses.fresh_title("乡村学校的课程领导")
    (offering,) = on.taught(title, 30, meets=(Pattern(7, 3, 4, "8-16"),))
    known, classmate = on.students(HOME, NAMES)
    office = enters(on, open_one, on.who("registrar", HOME))
    says_what_it_counts_as(office, title)

    student = enters(on, open_one, known, PHONE)
    courses.open_by_search(student, title)
    expect(student.card("学分认定")).to_contain_text("认定为：乡土课程建设")
    expect(student.card("学分认定")).to_contain_text("2 学分")
    expect(student.card("选课")).to_contain_text("认定为：乡土课程建设")
    courses.enrol(student)
    on.enrolled([classmate], offering)
    approves_all(office, title)

    end = on.term().first_day + timedelta(weeks=on.term().weeks + 1)
    on.later(days=(end - on.clock.today()).days)
    grades(enters(on, open_one, on.who("teacher", HOST)), title)
    confirms(enters(on, open_one, on.who("registrar", HOST)), title)
    on.works()
    student = enters(on, open_one, known, PHONE)
    student.expect_notice(f"「{title}」01 班的成绩已公布")
    student.nav("我的成绩")
    expect(student.row(title)).to_contain_text("86")
    expect(student.row(title)).to_contain_text("等待认定")

    office = enters(on, open_one, on.who("registrar", HOME))
    recognises(office, title)
    student.page.reload()
    expect(student.row(title)).to_contain_text("乡土课程建设")
    expect(student.row(title).get_by_text("86", exact=True)).to_have_count(2)  # the original, and what it counts as
    expect(student.card("合计")).to_contain_text("2")

    stranger = open_one(PHONE)
    form = form_of(office, title)
    stands(stranger, form, "学分认定表", title, "乡土课程建设")
    stands(stranger, transcript_of(office, title), "跨校修读成绩单", title, "86")
    teacher = enters(on, open_one, on.who("teacher", HOST))
    class_page(teacher, title)
    teacher.page.locator("main").get_by_role("link", name="名单", exact=True).click()
    teacher.page.get_by_role("button", name="教学工作量证明", exact=True).click()
    stands(stranger, downloaded(teacher), "教学工作量证明", title, HOME)


def says_what_it_counts_as(office: Visitor, title: str) -> None:
    """The home registrar, of a course that is shared with the school and not in its table yet."""
    page = office.page
    office.nav("学分认定")
    page.locator("main").get_by_role("link", name="填写认定", exact=True).click()
    office.narrow(title)
    office.row(title).get_by_role("link", name=f"填写认定：{title}").click()
    page.get_by_label("认定为本校课程").fill("乡土课程建设")
    page.get_by_label("本校课程代码").fill("FYX900")
    page.get_by_label("认定学分").fill("2")
    page.get_by_label("课程类别").select_option(label=COUNTS)
    page.get_by_role("button", name="保存", exact=True).click()
    office.expect_flash("已保存")


def approves_all(office: Visitor, title: str) -> None:
    office.nav("选课审核")
    office.narrow(title)
    expect(office.row(NAMES[0])).to_contain_text("乡土课程建设")
    expect(office.page.locator("tbody tr")).to_have_count(2)
    ticks_all(office, "通过所选")
    office.expect_flash("已通过 2 项")


def ticks_all(office: Visitor, label: str) -> None:
    page = office.page
    page.locator("thead").get_by_role("checkbox").check()
    page.locator("summary").get_by_text(label).click()
    page.get_by_role("button", name=f"确认{label}").click()


def class_page(teacher: Visitor, title: str) -> None:
    teacher.nav("我的开课")
    teacher.page.get_by_role("link", name=title, exact=True).click()
    teacher.page.get_by_role("link", name="01 班", exact=True).click()
    expect(teacher.card("名额")).to_be_visible()


def grades(teacher: Visitor, title: str) -> None:
    """平时 and 期末 on the page: half a mark where grades are whole is named with its row, and nothing is kept of the rest."""
    page = teacher.page
    expect(teacher.card("等我处理")).to_contain_text("成绩待提交")
    class_page(teacher, title)
    page.locator("main").get_by_role("link", name="成绩", exact=True).click()
    page.get_by_label("成绩构成").fill("平时 40、期末 60")
    page.get_by_role("button", name="保存记分办法").click()
    teacher.expect_flash("记分制和成绩构成已保存")
    page.get_by_role("button", name="开始录入成绩（2 名学生）").click()
    for name, usual, final in ((NAMES[0], "80", "90"), (NAMES[1], "70", "59.5")):
        page.get_by_label(f"{name} 的平时").fill(usual)
        page.get_by_label(f"{name} 的期末").fill(final)
    teacher.confirm("保存并提交")
    expect(page.get_by_role("alert")).to_contain_text(NAMES[1])
    expect(teacher.row(NAMES[1])).to_contain_text("“59.5”不是整数；本班成绩不保留小数。")
    expect(page.get_by_label(f"{NAMES[0]} 的期末")).to_have_value("90")
    page.get_by_label(f"{NAMES[1]} 的期末").fill("60")
    teacher.confirm("保存并提交")
    teacher.expect_flash("已提交，等待教务员确认")
    expect(teacher.row(NAMES[0])).to_contain_text("86")


def confirms(office: Visitor, title: str) -> None:
    office.card("等我处理").get_by_role("link", name=re.compile("^去确认")).click()
    office.row(title).get_by_role("link", name="查看", exact=True).click()
    office.confirm("公布成绩", says="2 名学生的成绩将公布")
    office.expect_flash("已确认，学生和他们的学校会收到通知")


def recognises(office: Visitor, title: str) -> None:
    office.nav("成绩认定")
    office.narrow(title)
    expect(office.row(NAMES[0])).to_contain_text("乡土课程建设")
    expect(office.page.locator("tbody tr")).to_have_count(2)
    ticks_all(office, "认定所选")
    office.expect_flash("已认定 2 项成绩")


# --- the papers -------------------------------------------------------------------------------------------------


def recognised(office: Visitor, title: str) -> Locator:
    """The student's row among what is recognised."""
    office.nav("成绩认定")
    office.page.get_by_role("link", name=re.compile("^已认定")).click()
    office.narrow(title)
    return office.row(NAMES[0])


def form_of(office: Visitor, title: str) -> bytes:
    recognised(office, title).get_by_role("checkbox").check()
    office.page.get_by_role("button", name=re.compile("^开具学分认定表")).click()
    return downloaded(office)


def transcript_of(office: Visitor, title: str) -> bytes:
    recognised(office, title).get_by_role("link", name="查看", exact=True).click()
    office.page.get_by_role("link", name="该生的全部外校成绩").click()
    office.page.get_by_role("button", name="开具成绩单（中文）").click()
    return downloaded(office)


def downloaded(visitor: Visitor) -> bytes:
    """The PDF that the page offers."""
    return saved(visitor, "下载 PDF").read_bytes()


def saved(visitor: Visitor, link: str) -> Path:
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("link", name=link, exact=True).click()
    return Path(download.value.path())


def stands(stranger: Visitor, raw: bytes, kind: str, *says: str) -> None:
    """Scanned by somebody who has no account here: what the paper says, the page says as well."""
    words = words_of(raw)
    url = scanned(raw)
    assert url.startswith(f"{stranger.server.url}/verify/ZT"), url
    stranger.page.goto(url)
    main = stranger.page.locator("main")
    expect(main).to_contain_text("这份证明有效")
    expect(stranger.heading(kind, level=2)).to_be_visible()
    assert urlsplit(url).path.rsplit("/", 1)[1] in words
    for text in says:
        expect(main).to_contain_text(text)
        assert text.replace(" ", "") in words, text


# --- the draw ---------------------------------------------------------------------------------------------------


def test_a_draw_that_anybody_can_recompute(set_up: tuple[Stage, Open], tmp_path: Path) -> None:
    on, open_one = set_up
    on.without_draws()
    dear, other = (courses.fresh_title(about) for about in ("绘本与儿童阅读", "戏剧教育工作坊"))
    for title, period in ((dear, 3), (other, 7)):
        on.taught(title, 1, meets=(Pattern(7, period, period + 1, "8-16"),), seats_by="lot")
    people = on.students(HOME, ("梁夏", "温如玉"))
    announces(on, enters(on, open_one, on.who("cluster_admin", HOST)))
    for who in people:
        wishes(enters(on, open_one, who, PHONE), dear, other)
    on.later(hours=30)
    draws(enters(on, open_one, on.who("cluster_admin", HOST)), dear)
    on.works()

    assert {outcome(on, open_one, who, dear, other) for who in people} == {dear, other}  # one for each of them
    recomputes(enters(on, open_one, on.who("student", "四川师范大学")), tmp_path)


def announces(on: Stage, admin: Visitor) -> None:
    page, now = admin.page, on.clock.now()
    admin.nav("抽签")
    page.get_by_role("link", name="新建抽签").first.click()
    page.get_by_label("为谁抽签").select_option(label="北京师范大学组团")
    page.get_by_label("学年").fill(on.term().academic_year)
    page.locator("main").get_by_label("学期").select_option(value=str(on.term().number))
    page.get_by_label("志愿填报开始").fill(form_moment(now))
    page.get_by_label("志愿填报截止").fill(form_moment(now + timedelta(days=1)))
    page.get_by_role("button", name="保存草稿").click()
    admin.expect_flash("草稿已保存")
    admin.confirm("公布", says="此后不能再换种子")
    admin.expect_flash("抽签已公布")


def wishes(student: Visitor, *titles: str) -> None:
    """From the workbench, the dearest first."""
    student.card("等我处理").get_by_role("link", name=re.compile("^去填报")).click()
    for title in titles:
        student.page.get_by_role("button", name=f"加入志愿：{title}").click()
        student.expect_flash("志愿已保存")
    expect(student.card("我的志愿").locator("tbody tr")).to_contain_text(list(titles))


def draws(admin: Visitor, title: str) -> None:
    admin.card("等我处理").get_by_role("link", name=re.compile("^去抽签")).click()
    admin.page.get_by_role("button", name="试抽（只看数字）").click()
    expect(admin.card("试抽的数字")).to_contain_text("2 人，4 个志愿")
    admin.confirm("抽签", says="只能抽一次。2 名学生的名额当场落定")
    admin.expect_flash("已抽签")
    expect(admin.card("抽签结果")).to_contain_text("2 人至少抽中一个")
    expect(admin.row(title)).to_be_visible()


def outcome(on: Stage, open_one: Open, who: Account, *titles: str) -> str:
    """Which of them the student got, as their phone says it."""
    student = enters(on, open_one, who, PHONE)
    sees_the_draw(student)
    card = student.card("我的结果")
    won = [title for title in titles if "看选课进度" in card.locator("tr").filter(has_text=title).inner_text()]
    assert len(won) == 1, card.inner_text()
    student.nav("我的选课")
    expect(student.row(won[0])).to_contain_text("等待本校审核")
    return won[0]


def sees_the_draw(visitor: Visitor) -> None:
    visitor.nav("抽签志愿")
    visitor.row("北京师范大学组团").get_by_role("link", name="看结果").click()


def recomputes(somebody: Visitor, folder: Path) -> None:
    """Who took no part draws again at home, with nothing but what is handed out; another seed is another draw."""
    sees_the_draw(somebody)
    somebody.page.get_by_role("link", name="抽签说明", exact=True).click()
    somebody.page.get_by_role("link", name="重新计算", exact=True).click()
    expect(somebody.page.get_by_role("status").filter(has_text="重新计算的结果完全一致")).to_be_visible()
    statement = saved(somebody, "下载说明（JSON）").read_text(encoding="utf-8")
    program = folder / "recompute.py"
    program.write_bytes(saved(somebody, "下载计算程序").read_bytes())
    again = run(program, folder / "statement.json", statement)
    assert (again.returncode, again.stdout) == (0, "EQUAL 一致: 2 seats, 2 entrants\n"), again
    seed = json.loads(statement)["seed"]
    touched = run(program, folder / "touched.json", statement.replace(seed, seed[::-1]))
    assert touched.returncode == 1 and "DIFFERS 不一致: the seed is not the one" in touched.stdout, touched


def run(program: Path, file: Path, statement: str) -> subprocess.CompletedProcess[str]:
    file.write_text(statement, encoding="utf-8")
    command = [sys.executable, "-I", "-X", "utf8", str(program), str(file)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)
