"""What a home school may export of its students' grades elsewhere, in columns of its own choice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from courses.catalogue import labels as catalogue
from courses.enrolment.models import Enrolment
from courses.grades.workbooks import cell
from courses.results import labels, views
from courses.results.models import Result
from courses.results.views import Shown
from courses.rosters.kinds import CLASS, STUDENT
from zutuan.exports.kinds import ExportColumn, ExportKind, Preset


@dataclass(frozen=True)
class Row:
    """One result: what the host gave, and beside it what stands, or is proposed, at home."""

    number: int
    result: Result
    own: Shown

    @property
    def enrolment(self) -> Enrolment:
        return self.result.enrolment


def rows(found: Iterable[Result]) -> Iterable[Row]:
    for number, each in enumerate(found, start=1):
        yield Row(number, each, views.shown(each))


def _attempt(result: Result) -> str:
    return str(labels.ATTEMPT[result.original.get("attempt") or "first"])


def _own(name: str, label: Any, value: Callable[[Shown], Any]) -> ExportColumn:
    return ExportColumn(name, label, lambda row: value(row.own))


RESULT = (
    ExportColumn("original", _l("原成绩"), lambda row: cell(labels.original(row.result))),
    ExportColumn("original_scale", _l("原记分制"), lambda row: str(labels.SCALE[row.result.original["scale"]])),
    ExportColumn("attempt", _l("考试性质"), lambda row: _attempt(row.result)),
    ExportColumn("original_credits", _l("原学分"), lambda row: Decimal(row.result.original["credits"])),
    ExportColumn("state", _l("状态"), lambda row: str(labels.STATE[row.result.state][0])),
    _own("own_code", _l("本校课程代码"), lambda own: own.code),
    _own("own_course", _l("认定为"), lambda own: own.title),
    _own("own_category", _l("课程类别"), lambda own: catalogue.own_category(own.category)),
    _own("own_credits", _l("认定学分"), lambda own: own.credits),
    _own("own_grade", _l("认定成绩"), lambda own: cell(own.grade)),
    _own("points", _l("绩点"), lambda own: own.points),
    _own("recorded", _l("记入成绩"), lambda own: _("是") if own.recorded else _("否")),
    ExportColumn("reason", _l("理由"), lambda row: row.result.reason),
    ExportColumn("decided_at", _l("认定时间"), lambda row: row.result.decided_at),
)
# As it is taken into the school's own record: its own course, credits and grade; where they come from stands behind.
_OFFICE = (
    ("number", _l("学号")), ("name", ""), ("department", _l("学院")), ("major", ""), ("grade", ""), ("class_name", _l("行政班")),
    ("academic_year", ""), ("term_number", _l("学期")), ("own_code", _l("课程号")), ("own_course", _l("课程名称")),
    ("own_category", ""), ("own_credits", _l("学分")), ("own_grade", _l("成绩")), ("points", ""), ("attempt", ""),
    ("host", ""), ("course_code", _l("原课程号")), ("course", _l("原课程名称")), ("original", ""),
)  # fmt: skip
RESULTS = ExportKind(
    "results", _l("外校成绩"), (*STUDENT, *CLASS, *RESULT), (Preset("office", _l("教务系统"), _OFFICE),)
)
