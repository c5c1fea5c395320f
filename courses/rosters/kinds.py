"""What a school may export of rosters, and of its outgoing and incoming students, in columns of its own choice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from courses.catalogue import labels
from courses.enrolment import views as enrolment_views
from courses.enrolment.models import Enrolment
from zutuan.exports.kinds import ExportColumn, ExportKind, Preset
from zutuan.web.texts import title


@dataclass(frozen=True)
class Row:
    """One line of a roster or of a list of outgoing or incoming students."""

    number: int
    enrolment: Enrolment
    place: int | None = None
    waiting: int | None = None
    rate: Decimal | None = None


def rows(
    found: Iterable[Enrolment], rates: Mapping[int, Decimal], places: Mapping[int, tuple[int, int]] | None = None
) -> Iterable[Row]:
    for number, each in enumerate(found, start=1):
        place, waiting = (places or {}).get(each.id, (None, None))
        yield Row(number, each, place, waiting, rates.get(each.id))


def _column(name: str, label: Any, value: Callable[[Enrolment], Any]) -> ExportColumn:
    return ExportColumn(name, label, lambda row: value(row.enrolment))


def _of_student(name: str, label: Any, attribute: str) -> ExportColumn:
    return _column(name, label, lambda e: getattr(e.affiliation, attribute))


def _department(e: Enrolment) -> str:
    return e.affiliation.department.name if e.affiliation.department else ""


def _teachers(e: Enrolment) -> str:
    return _("、").join(each.person.name for each in e.offering.course.staff)


def _counts_as(attribute: str) -> Callable[[Enrolment], Any]:
    return lambda e: getattr(e.recognition, attribute) if e.recognition and e.recognition.outcome == "counts" else None


STUDENT = (
    ExportColumn("index", _l("序号"), lambda row: row.number),
    _column("school", _l("学校"), lambda e: e.home_school.name),
    _column("school_code", _l("学校标识码"), lambda e: e.home_school.code),
    _of_student("number", _l("学工号"), "number"),
    _column("name", _l("姓名"), lambda e: e.person.name),
    _column("department", _l("院系"), _department),
    _of_student("major", _l("专业"), "major"),
    _of_student("grade", _l("年级"), "grade"),
    _of_student("class_name", _l("班级"), "class_name"),
)
CLASS = (
    _column("host", _l("开课学校"), lambda e: e.host_school.name),
    _column("host_code", _l("开课学校标识码"), lambda e: e.host_school.code),
    _column("course_code", _l("课程代码"), lambda e: e.offering.course.code),
    _column("course", _l("课程名称"), lambda e: title(e.offering.course.item)),
    _column("credits", _l("学分"), lambda e: e.offering.course.credits),
    _column("class_code", _l("教学班号"), lambda e: e.offering.code),
    _column("term", _l("学期"), lambda e: labels.term(e.offering.term)),
    _column("academic_year", _l("学年"), lambda e: e.offering.term.academic_year),
    _column("term_number", _l("学期号"), lambda e: e.offering.term.number),
    _column("teacher", _l("教师"), _teachers),
)
STATE = (
    _column("state", _l("状态"), lambda e: str(enrolment_views.state_words(e))),
    _column("enrolled_at", _l("选课时间"), lambda e: e.created_at),
    ExportColumn("attendance", _l("出勤率（百分数）"), lambda row: None if row.rate is None else row.rate * 100),
)
QUEUE = (
    ExportColumn("place", _l("候补次序"), lambda row: row.place),
    ExportColumn("waiting", _l("候补人数"), lambda row: row.waiting),
    _column("statement", _l("学生的说明"), lambda e: e.statement),
)
RECOGNISED = (
    _column("counts_code", _l("认定课程代码"), _counts_as("code")),
    _column("counts_as", _l("认定课程名称"), _counts_as("name")),
    _column("counts_category", _l("认定课程类别"), _counts_as("category")),
    _column("counts_credits", _l("认定学分"), _counts_as("credits")),
)
_OFFICE = (
    ("number", _l("学号")), ("name", ""), ("school", _l("所在学校")), ("department", _l("学院")), ("major", ""), ("grade", ""),
    ("class_name", _l("行政班")), ("course_code", _l("课程号")), ("course", ""), ("class_code", _l("教学班")), ("credits", ""),
    ("academic_year", ""), ("term_number", _l("学期")), ("teacher", _l("任课教师")),
)  # fmt: skip
_CHAOXING = (
    ("name", ""), ("number", _l("学号/工号")), ("school", ""), ("department", ""), ("major", ""), ("class_name", _l("行政班级")),
)  # fmt: skip
PRESETS = (Preset("office", _l("教务系统"), _OFFICE), Preset("chaoxing", _l("学习通"), _CHAOXING))
ROSTER = ExportKind("roster", _l("教学班名单"), (*STUDENT, *CLASS, *STATE, *QUEUE), PRESETS)
OUTGOING = ExportKind("outgoing", _l("外出修读"), (*STUDENT, *CLASS, *RECOGNISED, *STATE), PRESETS[:1])
INCOMING = ExportKind("incoming", _l("来校修读"), (*STUDENT, *CLASS, *STATE), PRESETS)
ALL = (ROSTER, OUTGOING, INCOMING)
