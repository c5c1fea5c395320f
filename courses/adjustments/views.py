"""Adjustments as schemas dump them and pages show them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from courses.adjustments import words
from courses.adjustments.clashes import Against, Look
from courses.adjustments.models import Adjustment
from courses.adjustments.queries import Line
from courses.adjustments.rules import Free
from zutuan.calendar.rules import clock_text
from zutuan.clock import local
from zutuan.decision import FieldError, Refusal
from zutuan.errors import say
from zutuan.web.texts import SHORT_WEEKDAYS

ROLE = {"student": _l("学生"), "teacher": _l("任课教师"), "substitute": _l("代课教师"), "room": _l("教室")}
DONE = {
    "approve": _l("已批准，名单、课表和订阅日历已更新，学生和老师会收到通知。"),
    "deny": _l("已退回，申请人会收到理由。"),
    "withdraw": _l("已撤销。"),
}
_SHOWN = (
    "id", "offering_id", "kind", "state", "week", "weekday", "period", "was_starts", "was_ends", "starts", "ends", "place",
    "substitute", "asked_at", "version",
)  # fmt: skip


def adjustment(value: Adjustment, *, whole: bool) -> dict[str, Any]:
    """`whole`: with why it was asked and what was decided by whom."""
    own = {"reason": value.reason, "asked_by": value.asker, "decided_by": value.decider, "decision": value.decision}
    less = {"reason": "", "asked_by": None, "decided_by": None, "decision": ""}
    return {
        **{name: getattr(value, name) for name in _SHOWN}, **(own if whole else less), "decided_at": value.decided_at,
        "code": value.offering.code, "course": value.offering.course, "text": words.sentence(value),
    }  # fmt: skip


def counts(look: Look) -> dict[str, Any]:
    return {
        "students": look.students,
        "student_clashes": look.count("student"),
        "teacher_clashes": look.count("teacher") + look.count("substitute"),
        "room_taken": bool(look.count("room")),
    }


def clashes(look: Look, *, whole: bool) -> dict[str, Any]:
    """`whole`: with whom, and what they have then."""
    found = [
        {
            "role": each.who.role, "name": each.who.name, "school": each.who.school, "title": each.title,
            "starts": each.starts, "ends": each.ends, "travel": each.travel,
        }
        for each in (look.against if whole else ())
    ]  # fmt: skip
    return {**counts(look), "against": found}


def preview(look: Look, wrong: Iterable[FieldError], against: Iterable[Refusal]) -> dict[str, Any]:
    said: list[FieldError | Refusal] = [*wrong, *against]
    reasons = [{"code": each.code, "message": say(each.code, each.params)[0]} for each in said]
    return {**counts(look), "allowed": not reasons, "reasons": reasons, "free": look.free}


# --- pages ------------------------------------------------------------------------------------------------------


def span(starts: datetime, ends: datetime) -> str:
    """10-14 周三 08:00–09:35."""
    here = local(starts)
    return f"{here:%m-%d} {SHORT_WEEKDAYS[here.weekday()]} {here:%H:%M}–{clock_text(ends)}"


def free_text(each: Free) -> str:
    return span(each.starts, each.ends)


def free_date(each: Free) -> str:
    return f"{local(each.starts):%Y-%m-%d}"


def line_text(line: Line) -> str:
    return _("第 %(week)s 周%(day)s", week=line.week, day=SHORT_WEEKDAYS[line.weekday - 1])


def against_text(each: Against) -> str:
    """What somebody has then: 「大学英语」 10-14 周三 08:00–09:35（来不及往返校区）."""
    what = _("个人安排") if each.private else _("「%(title)s」", title=each.title) if each.title else ""
    said = f"{what} {span(each.starts, each.ends)}".strip()
    return _("%(what)s（来不及往返校区）", what=said) if each.travel else said


def state_chip(value: Adjustment) -> tuple[str, Any]:
    label, tone = words.STATE[value.state]
    return tone, label
