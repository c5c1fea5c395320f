"""Attendance as pages, sheets and the API show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from courses.catalogue.models import Offering
from courses.rosters.models import AttendanceMark, LeaveRequest
from courses.rosters.queries import Line, Meeting
from zutuan.clock import local
from zutuan.exporting import Table
from zutuan.web.texts import SHORT_WEEKDAYS

STATUS = {
    "present": (_l("出勤"), "good"),
    "late": (_l("迟到"), "warn"),
    "absent": (_l("缺勤"), "bad"),
    "leave": (_l("请假"), "info"),
}
# as a matrix shows them, explained below it
SIGN = {"present": "✓", "late": _l("迟"), "absent": "✗", "leave": _l("假")}
SOURCE = {"teacher": _l("教师记录"), "scan": _l("扫码签到"), "leave": _l("准假")}
LEAVE = {
    "asked": (_l("待办理"), "warn"),
    "accepted": (_l("已准假"), "good"),
    "refused": (_l("未准假"), "bad"),
    "withdrawn": (_l("已撤回"), ""),
}


def when(meeting: Any) -> str:
    """09-16 周三 08:00–09:40."""
    starts, ends = local(meeting.starts), local(meeting.ends)
    return f"{starts:%m-%d} {SHORT_WEEKDAYS[starts.weekday()]} {starts:%H:%M}–{ends:%H:%M}"


def day(meeting: Any) -> str:
    return f"{local(meeting.starts):%m-%d}"


def percent(value: Decimal | None) -> str:
    return "—" if value is None else f"{(value * 100).quantize(Decimal('0.1')).normalize():f}%"


def cell(line: Line, meeting: Meeting, now: datetime) -> str:
    """What stands in the matrix: a status, `before` (not enrolled yet), `ahead`, or nothing said."""
    mark = line.marks.get(meeting.key)
    if mark is not None:
        return mark.status
    if not line.expected(meeting):
        return "before"
    return "ahead" if meeting.starts > now else ""


def mark(value: AttendanceMark | None) -> dict[str, Any]:
    if value is None:
        return {"status": None, "source": None, "note": "", "at": None}
    return {"status": value.status, "source": value.source, "note": value.note, "at": value.at}


def meeting(value: Meeting) -> dict[str, Any]:
    return {
        "meeting": str(value.key), "week": value.key.week, "starts": value.starts, "ends": value.ends,
        "version": value.version, "saved_at": value.sheet.saved_at if value.sheet else None, "gone": value.gone,
    }  # fmt: skip


def line(value: Line, meetings: Iterable[Meeting]) -> dict[str, Any]:
    enrolment = value.enrolment
    return {
        "enrolment_id": enrolment.id, "name": enrolment.person.name, "number": enrolment.affiliation.number,
        "school": enrolment.home_school, "since": value.since, "rate": value.rate,
        **{status: value.counts[status] for status in STATUS},
        "marks": [
            {"meeting": str(each.key), **mark(value.marks[each.key])} for each in meetings if each.key in value.marks
        ],
    }  # fmt: skip


def sheet(value: Meeting, lines: Iterable[Line]) -> dict[str, Any]:
    """One meeting with everybody on its list."""
    return {
        **meeting(value),
        "marks": [
            {
                "enrolment_id": each.enrolment.id, "name": each.enrolment.person.name,
                "number": each.enrolment.affiliation.number, **mark(each.marks.get(value.key)),
            }
            for each in lines
            if each.expected(value)
        ],
    }  # fmt: skip


def leave(value: LeaveRequest) -> dict[str, Any]:
    return {
        "id": value.id, "meeting": str(value.sheet.key), "starts": value.sheet.starts, "ends": value.sheet.ends,
        "enrolment_id": value.enrolment_id, "name": value.enrolment.person.name, "state": value.state,
        "reason": value.reason, "answer": value.answer, "asked_at": value.asked_at, "decided_at": value.decided_at,
    }  # fmt: skip


def own(value: Line, meetings: Sequence[Meeting], leaves: Sequence[LeaveRequest]) -> dict[str, Any]:
    """One student's own record of one class."""
    enrolment = value.enrolment
    return {
        **line(value, meetings), "offering_id": enrolment.offering_id, "course": enrolment.offering.course,
        "meetings": [meeting(each) for each in meetings if value.expected(each)],
        "leaves": [leave(each) for each in leaves],
    }  # fmt: skip


def table(offering: Offering, meetings: Sequence[Meeting], lines: Sequence[Line]) -> Table:
    """The matrix as a sheet: students by meetings, and what it comes to."""
    words = {status: str(label) for status, (label, _tone) in STATUS.items()}
    heads = [
        _("学校"),
        _("学工号"),
        _("姓名"),
        *(when(each) for each in meetings),
        *words.values(),
        _("出勤率（百分数）"),
    ]
    rows = [
        [
            each.enrolment.home_school.name, each.enrolment.affiliation.number, each.enrolment.person.name,
            *(_in_sheet(each, one, words) for one in meetings), *(each.counts[status] for status in words),
            None if each.rate is None else each.rate * 100,
        ]
        for each in lines
    ]  # fmt: skip
    return Table(f"{offering.course.code} {offering.code}", heads, rows)


def _in_sheet(each: Line, meeting: Meeting, words: dict[str, str]) -> str:
    found = each.marks.get(meeting.key)
    return words[found.status] if found else "" if each.expected(meeting) else "—"


def saved(n: int) -> str:
    return _("考勤已保存，共 %(n)s 名学生。", n=n)
