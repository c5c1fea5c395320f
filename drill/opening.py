"""Before the term: schools and clusters, calendars and rosters as files, the term plan, classes from a 教务系统's export."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from drill.stage import Stage, Who, changed, ok, sheet
from zutuan.calendar.services import usual_periods
from zutuan.clock import at_shanghai
from zutuan.clusters import demo as lists
from zutuan.clusters.models import Cluster, Membership, School
from zutuan.demo import DemoWorld
from zutuan.sharing import scopes

LEAD, PARTNER = "北京师范大学", "四川师范大学"
FUYANG, QINGHAI = "阜阳师范大学", "青海师范大学"
HOSTS, HOMES = (LEAD, PARTNER), (FUYANG, QINGHAI)
LATE = {QINGHAI: 30}  # minutes: the sun is late there
YEAR, NUMBER = "2026-2027", 1
TERM = f"{YEAR}-{NUMBER}"
FIRST_DAY, WEEKS = date(2026, 9, 7), 18
REGISTRAR, ADMIN, TEACHER, SECOND = "G001", "G900", "T001", "T002"
_CLUSTER = "北京师范大学组团"
STAGES = {
    "submission": (date(2026, 8, 21), date(2026, 8, 25)), "review": (date(2026, 8, 21), date(2026, 9, 1)),
    "preselection": (date(2026, 8, 28), date(2026, 8, 31)), "main": (date(2026, 9, 1), date(2026, 9, 4)),
    "add_drop": (date(2026, 9, 7), date(2026, 9, 18)),
}  # fmt: skip


def found(stage: Stage) -> None:
    """The ministry's lists, and somebody at each school who can do the rest."""
    world = DemoWorld(stage.clock.now(), lambda _text: None, Path())
    with stage.database.write() as session:
        lists.load(session, world)
        stage.cluster = session.scalars(sa.select(Cluster.id).where(Cluster.name == _CLUSTER)).one()
        here = sa.select(School.name, School.id).join(Membership, Membership.school_id == School.id)
        stage.schools = dict(session.execute(here.where(Membership.cluster_id == stage.cluster)).tuples().all())
    for school in (*HOSTS, *HOMES):
        stage.appoint(school, REGISTRAR, "registrar")
    stage.appoint(LEAD, ADMIN, "cluster_admin")
    stage.say(f"{len(stage.schools)} 所学校，组团“{_CLUSTER}”")


def registrar(stage: Stage, school: str) -> Any:
    return stage.api(stage.who(school, REGISTRAR))


def admin(stage: Stage) -> Any:
    return stage.api(stage.who(LEAD, ADMIN))


# --- files ------------------------------------------------------------------------------------------------------


def hands_in(stage: Stage, school: str, kind: str, rows: Sequence[Mapping[str, Any]], **params: str) -> dict[str, Any]:
    """A file, checked and written by the worker; what it counted."""
    api = registrar(stage, school)
    form = {"kind": kind, "school_id": str(stage.schools[school]), "params": json.dumps(params)}
    made = ok(api.post("/imports", data={**form, "file": (sheet(rows), "导出.xlsx")}), 201)
    stage.works()
    checked = ok(api.get(f"/imports/{made['id']}"))
    said = ok(api.get(f"/imports/{made['id']}/lines")) if checked["bad_lines"] else ""
    stage.shown(
        f"{school}：{kind} 的文件核对无误，{len(rows)} 行", checked["state"] == "checked" and not said, (checked, said)
    )
    ok(api.post(f"/imports/{made['id']}/apply"))
    stage.works()
    applied = ok(api.get(f"/imports/{made['id']}"))
    stage.shown(f"{school}：{kind} 已写入", applied["state"] == "applied", applied)
    return dict(applied["counts"])


def calendars(stage: Stage) -> None:
    for school in (*HOSTS, *HOMES):
        hands_in(stage, school, "calendar", calendar_rows(LATE.get(school, 0)))


def calendar_rows(later: int) -> list[dict[str, Any]]:
    head = {
        "类型": "",
        "名称": "",
        "开始": "",
        "结束": "",
        "学年": "",
        "学期": "",
        "周数": "",
        "节": "",
        "上课": "",
        "下课": "",
    }
    term = {"类型": "学期", "开始": FIRST_DAY.isoformat(), "学年": YEAR, "学期": NUMBER, "周数": WEEKS}
    bells = [
        {
            "类型": "作息",
            "名称": "作息",
            "开始": "2026-01-01",
            "节": n,
            "上课": _bell(starts + later),
            "下课": _bell(ends + later),
        }
        for n, starts, ends in usual_periods()
    ]
    return [{**head, **row} for row in (term, *bells)]


def _bell(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def rosters(stage: Stage) -> None:
    """Students and teachers as each school has them."""
    for school in (*HOSTS, *HOMES):
        students = stage.size if school in HOMES else 2
        hands_in(stage, school, "people", [*teacher_rows(), *(student_row(n) for n in range(1, students + 1))])
        stage.learn(school)


def teacher_rows() -> list[dict[str, str]]:
    blank = {"专业": "", "年级": "", "班级": "", "学籍状态": "在职"}
    return [{"学工号": number, "姓名": f"教师{number[-1]}", "身份": "教师", **blank} for number in (TEACHER, SECOND)]


def student_row(n: int, standing: str = "在读") -> dict[str, str]:
    place = {"专业": "小学教育", "年级": "2025", "班级": f"2025级小教{1 + n % 2}班"}
    return {"学工号": f"S{n:05d}", "姓名": f"学生{n}", "身份": "学生", **place, "学籍状态": standing}


def students(stage: Stage, school: str) -> list[Who]:
    return [who for (at, number), who in stage.people.items() if at == school and number.startswith("S")]


# --- the plan and the classes -----------------------------------------------------------------------------------


def plan(stage: Stage) -> None:
    """The cluster's dates of the term, published."""
    api, path = admin(stage), f"/clusters/{stage.cluster}/term-plans"
    spans = {
        f"{name}_{end}": at_shanghai(day).isoformat()
        for name, span in STAGES.items()
        for end, day in zip(("from", "until"), span, strict=True)
    }
    days = {"teaching_starts": FIRST_DAY.isoformat(), "grades_due": "2027-01-20"}
    made = ok(api.post(path, {"academic_year": YEAR, "number": NUMBER, **spans, **days}), 201)
    ok(api.post(f"{path}/{made['id']}/publish"))
    stage.kept["plan"] = f"{path}/{made['id']}"
    stage.say("学期选课安排已公布")


def offer(
    stage: Stage, school: str, rows: Sequence[Mapping[str, Any]], changes: Mapping[str, Any] | None = None
) -> None:
    """Classes come as a file, and their teacher publishes each to the cluster. `changes`: course → what the file cannot say."""
    hands_in(stage, school, "offerings", rows, term=TERM)
    teacher = stage.api(stage.who(school, TEACHER))
    for course in ok(teacher.get("/courses?mine=1&limit=100"))["items"]:
        code = course["code"]
        ok(teacher.post(f"/courses/{course['id']}/publish", {"audience": [scopes.cluster(stage.cluster)]}))
        for offering in ok(teacher.get(f"/courses/{course['id']}/offerings"))["items"]:
            path = stage.kept[f"{code}-{offering['code']}"] = f"/offerings/{offering['id']}"
            if code in (changes or {}):
                changed(teacher, "PATCH", path, (changes or {})[code])
            ok(teacher.post(f"{path}/publish"))
        stage.kept[code] = f"/courses/{course['id']}"


def classes(stage: Stage) -> None:
    """What is taught: a class that everybody wants, two that are drawn for, one that few want, and one with room."""
    stage.kept["lot seats"] = 2 * few(stage)
    rows = [
        class_row("EDU1", "课堂观察", "星期二第3-4节{1-16周}", len(HOMES) * few(stage), 面向学校=kept_seats(stage)),
        class_row("EDU2", "教育测量", "星期三第3-4节{1-16周}", few(stage)),
        class_row("EDU3", "乡土课程资源", "星期四第3-4节{1-16周}", 20, 开课人数下限="3"),
    ]
    offer(stage, LEAD, rows, {"EDU2": {"seats_by": "lot"}})
    more = [
        class_row("EDU4", "儿童绘本", "星期五第3-4节{1-16周}", 20),
        class_row("EDU5", "教师口语", "星期一第3-4节{1-16周}", few(stage)),
    ]
    offer(stage, PARTNER, more, {"EDU5": {"seats_by": "lot"}})


def few(stage: Stage) -> int:
    """Seats that are kept for each home school: two fewer than it has students."""
    return max(stage.size - 2, 2)


def kept_seats(stage: Stage) -> str:
    """How the import says it."""
    return "、".join(f"{school}:{few(stage)}" for school in HOMES)


def class_row(code: str, title: str, times: str, seats: int, **more: Any) -> dict[str, Any]:
    return {
        "课程代码": code, "课程名称": title, "学分": "2", "学时": "32", "教学班号": "01", "教师工号": TEACHER,
        "上课时间": times, "容量": str(seats), "面向学校": "", "开课人数下限": "", **more,
    }  # fmt: skip
