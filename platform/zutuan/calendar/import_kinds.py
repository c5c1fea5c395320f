"""校历 and 本校课表 as tables that a school hands in."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from zutuan.calendar import calendars, timetables, views
from zutuan.calendar.calendar_file import KIND_TITLES
from zutuan.calendar.imports import calendar_import
from zutuan.calendar.permissions import allow
from zutuan.calendar.sources import hooks_of
from zutuan.calendar.timetable_import import timetable_import
from zutuan.clock import clock
from zutuan.feature import Handed, ImportKind, ImportParam
from zutuan.importing import Import

MOST_TERMS = 12


def _calendar(handed: Handed) -> Import:
    return calendar_import(handed.school_id, hooks_of(handed.features))


def _timetable(handed: Handed) -> Import:
    return timetable_import(handed.school_id, handed.params.get("term", ""))


def _terms(session: Session, school_id: int) -> Sequence[tuple[str, str]]:
    """The current term first, then the later and earlier ones, newest first."""
    school = calendars.of_school(session, school_id)
    current = school.term_on(clock.today())
    terms = sorted(school.terms, key=lambda term: (term is not current, -term.first_day.toordinal()))[:MOST_TERMS]
    lines = timetables.imported(session, [term.id for term in terms])
    found = []
    for term in terms:
        text = _term_said(calendars.term_name(term))
        there = _("%(text)s（已有 %(n)s 行）", text=text, n=lines[term.id]) if term.id in lines else text
        found.append((calendars.term_name(term), there))
    return found


def _term_said(name: str) -> str:
    """2026-2027 第一学期."""
    year, _dash, number = name.rpartition("-")
    return f"{year} {views.TERMS[int(number)]}"


CALENDAR = ImportKind(
    "calendar", _l("校历"), _l("学期、年级开学、作息、节假日、调休，每行一项；已排的课随之移动，并通知有关师生"),
    _calendar, allow, "calendar.edit",
    labels={
        "kind": _l("类型"), "name": _l("名称"), "from": _l("开始"), "until": _l("结束"), "takes": _l("补课日期"),
        "year": _l("学年"), "number": _l("学期"), "weeks": _l("周数"), "grade": _l("年级"),
        "season_from": _l("每年从"), "season_until": _l("每年到"), "weekdays": _l("星期"), "period": _l("节次"),
        "starts": _l("上课"), "ends": _l("下课"), "meeting": _l("上课时间"),
    },
    words={"kind": views.KINDS},
    hints={
        "kind": " / ".join(KIND_TITLES), "from": _l("日期，如 2026-9-7；学期是第一天，作息是从哪天起用"),
        "until": _l("最后一天；只有一天的不填"), "takes": _l("调休才填：那天上哪一天的课"),
        "year": _l("学期和年级开学才填，如 2026-2027"), "number": _l("学期和年级开学才填，如 1"),
        "weeks": _l("学期和年级开学才填，如 18"), "grade": _l("年级开学才填，如 2026"),
        "season_from": _l("作息分季节的才填，如 05-01"), "season_until": _l("作息分季节的才填，如 09-30"),
        "weekdays": _l("作息只用于其中几天的才填，如 12345"), "period": _l("作息才填：第几节，每节一行"),
        "starts": _l("作息才填，如 08:00"), "ends": _l("作息才填，如 08:45"),
    },
)  # fmt: skip

TIMETABLE = ImportKind(
    "timetable", _l("本校课表"), _l("一个学期的课表，按行政班或按学号；同一学期再次导入，换成新文件的内容"),
    _timetable, allow, "timetable.import",
    labels={
        "course": _l("课程名称"), "time": _l("上课时间"), "classes": _l("班级"), "students": _l("学号"),
        "teacher_number": _l("教师学工号"), "teacher": _l("教师"), "room": _l("教室"),
    },
    hints={
        "time": _l("照教务系统的写法，写明星期、节次和周次"), "classes": _l("按行政班的填；几个用逗号隔开"),
        "students": _l("按学号的填；几个用逗号隔开"),
    },
    params=(ImportParam("term", _l("学期"), _terms, _term_said),),
    replaces=True,
)  # fmt: skip
