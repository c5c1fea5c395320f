"""校历 and 本校课表 as tables that a school hands in."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from zutuan.calendar import calendars, timetables, views
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
        text = f"{term.academic_year} {views.TERMS[term.number]}"
        there = _("%(text)s（已有 %(n)s 行）", text=text, n=lines[term.id]) if term.id in lines else text
        found.append((calendars.term_name(term), there))
    return found


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
)  # fmt: skip

TIMETABLE = ImportKind(
    "timetable", _l("本校课表"), _l("一个学期的课表，按行政班或按学号；同一学期再次导入，换成新文件的内容"),
    _timetable, allow, "timetable.import",
    labels={
        "course": _l("课程名称"), "time": _l("上课时间"), "classes": _l("班级"), "students": _l("学号"),
        "teacher_number": _l("教师学工号"), "teacher": _l("教师"), "room": _l("教室"),
    },
    params=(ImportParam("term", _l("学期"), _terms),),
    replaces=True,
)  # fmt: skip
