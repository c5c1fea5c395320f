"""What a host school may export of the grades it gives, in columns of its own choice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from courses.enrolment.models import Enrolment
from courses.grades import views
from courses.grades.lists import Given
from courses.grades.models import GradeEntry, GradeSheet
from courses.grades.queries import Row as SheetRow
from courses.grades.queries import grade_of
from courses.grades.workbooks import cell
from courses.rosters.kinds import CLASS, STUDENT
from zutuan.exports.kinds import ExportColumn, ExportKind, Preset


@dataclass(frozen=True)
class Row:
    """One student of a sheet; without an entry nothing is written yet."""

    number: int
    enrolment: Enrolment
    sheet: GradeSheet
    entry: GradeEntry | None
    attempt: str

    @property
    def total(self) -> str:
        grade = grade_of(self.entry) if self.entry else None
        return views.grade(str(grade)) if grade else ""

    @property
    def passed(self) -> bool | None:
        grade = grade_of(self.entry) if self.entry else None
        return grade.passed if grade else None

    @property
    def confirmed_at(self) -> datetime | None:
        return self.sheet.confirmed_at


def of_sheet(sheet: GradeSheet, rows: Iterable[SheetRow]) -> Iterable[Row]:
    for number, each in enumerate(rows, start=1):
        yield Row(number, each.enrolment, sheet, each.entry, views.sitting(sheet))


def given(found: Iterable[Given]) -> Iterable[Row]:
    for number, each in enumerate(found, start=1):
        yield Row(number, each.entry.enrolment, each.entry.sheet, each.entry, str(views.KIND[each.kind]))


def _parts(entry: GradeEntry | None) -> str:
    return _("、").join(f"{name} {views.grade(text)}" for name, text in entry.parts.items()) if entry else ""


def _mark(entry: GradeEntry | None) -> str:
    return dict(views.marks())[entry.mark] if entry and entry.mark else ""


def _passed(row: Row) -> str:
    return "" if row.passed is None else _("是") if row.passed else _("否")


def _column(name: str, label: Any, attribute: str) -> ExportColumn:
    return ExportColumn(name, label, lambda row: getattr(row.entry, attribute) if row.entry else None)


GRADE = (
    ExportColumn("total", _l("成绩"), lambda row: cell(row.total)),
    ExportColumn("parts", _l("各项成绩"), lambda row: _parts(row.entry)),
    ExportColumn("mark", _l("标记"), lambda row: _mark(row.entry)),
    ExportColumn("scale", _l("记分制"), lambda row: str(views.SCALE[row.entry.scale]) if row.entry else ""),
    ExportColumn("attempt", _l("考试性质"), lambda row: row.attempt),
    ExportColumn("passed", _l("及格"), _passed),
    _column("remark", _l("备注"), "remark"),
    ExportColumn("confirmed_at", _l("确认时间"), lambda row: row.confirmed_at),
)
_OFFICE = (
    ("number", _l("学号")), ("name", ""), ("school", _l("所在学校")), ("course_code", _l("课程号")), ("course", ""),
    ("class_code", _l("教学班")), ("credits", ""), ("academic_year", ""), ("term_number", _l("学期")), ("total", ""), ("mark", ""),
    ("attempt", ""), ("teacher", _l("任课教师")), ("remark", ""),
)  # fmt: skip
PRESETS = (Preset("office", _l("教务系统"), _OFFICE),)
SHEET = ExportKind("grade_sheet", _l("成绩单"), (*STUDENT, *CLASS, *GRADE), PRESETS)
GIVEN = ExportKind("grades_given", _l("外校学生成绩"), (*STUDENT, *CLASS, *GRADE), PRESETS)
ALL = (SHEET, GIVEN)
