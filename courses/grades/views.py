"""Grades as pages show them and schemas dump them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from courses.catalogue import labels
from courses.grades import queries, rules
from courses.grades.models import GradeCorrection, GradeSheet
from courses.grades.queries import Attempt, Row
from courses.grades.rules import FIVE, LEVELS, MARKS, PERCENT, TWO, Grade
from courses.grades.schemes import WHOLE, Scheme, word
from courses.grades.workbooks import Looked

SCALE = {PERCENT: _l("百分制"), FIVE: _l("五级制"), TWO: _l("二级制")}
STATE = {
    "open": (_l("录入中"), "warn"),
    "submitted": (_l("待确认"), "info"),
    "confirmed": (_l("已确认"), "good"),
}
CORRECTION = {
    "asked": (_l("待审核"), "warn"),
    "approved": (_l("已更正"), "good"),
    "denied": (_l("未通过"), "bad"),
    "withdrawn": (_l("已撤回"), ""),
}
# The words that a school writes; a reader of English sees what they mean.
WORD = {
    "缓考": _l("缓考"), "缺考": _l("缺考"), "违纪": _l("违纪"), "优秀": _l("优秀"), "良好": _l("良好"), "中等": _l("中等"),
    "及格": _l("及格"), "不及格": _l("不及格"), "合格": _l("合格"), "不合格": _l("不合格"),
}  # fmt: skip
# What schools usually call parts; any other is shown as it was written. (In a workbook they stay what they are.)
PART = {
    "平时": _l("平时"), "期中": _l("期中"), "期末": _l("期末"), "作业": _l("作业"), "实验": _l("实验"), "实践": _l("实践"),
    "考勤": _l("考勤"), "课堂": _l("课堂"), "论文": _l("论文"), "平时成绩": _l("平时成绩"), "期末成绩": _l("期末成绩"),
}  # fmt: skip
KIND = {rules.FIRST: _l("正考"), rules.RESIT: _l("补考"), rules.RETAKE: _l("重修")}
DONE = {
    "open": _l("已开成绩单。"),
    "save": _l("已保存。"),
    "submit": _l("已提交，等待教务员确认。"),
    "return": _l("已退回任课教师。"),
    "confirm": _l("已确认，学生和他们的学校会收到通知。"),
    "discard": _l("已撤销没有学生的成绩单。"),
    "scheme": _l("记分制和成绩构成已保存。"),
    "ask": _l("已提交更正申请，等待教务员审核。"),
    "approve": _l("已更正，学生和他们的学校会收到通知。"),
    "deny": _l("没有更正，教师会看到理由。"),
    "withdraw": _l("已撤回更正申请。"),
}


def grade(value: str) -> str:
    """A grade, a level or a mark as it is read."""
    return str(WORD.get(value, value))


def sitting(sheet: GradeSheet) -> str:
    """正考, 正考（第 2 次，缓考学生）, 补考 …"""
    if sheet.sitting == 1:
        return str(KIND[sheet.attempt])
    if sheet.attempt == rules.FIRST:
        return _("缓考（第 %(n)s 次考试）", n=sheet.sitting)
    return _("补考（第 %(n)s 次）", n=sheet.sitting)


def scheme(value: Scheme) -> str:
    """百分制 · 整数 · 平时 40、期末 60."""
    places = _("%(n)s 位小数", n=value.places) if value.places else _("整数")
    parts = [
        str(SCALE[value.scale]),
        *([places] if value.scale == PERCENT else []),
        _("、").join(f"{column(name)} {weight}" for name, weight in value.parts) or _("不分项"),
    ]
    return " · ".join(parts)


def column(name: str) -> str:
    return _("成绩") if name == WHOLE else str(PART.get(name, name))


def marks() -> list[tuple[str, str]]:
    return [("", "—"), *((mark, grade(text)) for text, mark in MARKS.items())]


def levels(value: Scheme) -> list[str]:
    """What may be chosen where levels are written."""
    return list(LEVELS.get(value.written_in, ()))


def tone(value: Grade | None) -> str:
    if value is None or value.passed is None:
        return "warn" if value else ""
    return "" if value.passed else "bad"


def counted(attempts: Sequence[Attempt]) -> Grade | None:
    """The grade that stands."""
    found = queries.stands(attempts)
    return found[1] if found else None


def figures(rows: Sequence[Row]) -> dict[str, Any]:
    """What a registrar looks at before confirming: how many, how many failed, the average, the bands."""
    grades = [row.grade for row in rows if row.grade is not None]
    percents = [each.percent for each in grades if each.percent is not None and not each.mark]
    return {
        "rows": len(rows),
        "graded": len(grades),
        "failed": sum(each.passed is False for each in grades),
        "deferred": sum(each.passed is None for each in grades),
        "average": str(rules.round_to(sum(percents, Decimal(0)) / len(percents), 1)) if percents else "",
    }


def difference(before: Row, judged: Any, scheme: Scheme) -> list[tuple[str, str, str]]:
    """(column, before, after) of what a file changes in a row."""
    after = {name: judged.text if name == WHOLE else judged.parts.get(name, "") for name in scheme.columns}
    found = [
        (column(name), grade(before.part(name)), grade(text))
        for name, text in after.items()
        if before.part(name) != text
    ]
    if scheme.parts and before.total != judged.text:
        found.append((_("总评"), grade(before.total), grade(judged.text)))
    if before.remark != judged.remark:
        found.append((_("备注"), before.remark, judged.remark))
    return found


def looked(found: Looked, scheme: Scheme) -> dict[str, Any]:
    """A file as its page shows it: what it changes, what is wrong, and the fields that write it."""
    return {
        "changes": [(row, difference(row, judged, scheme)) for _draft, row, judged in found.changes],
        "errors": found.errors,
        "students": found.students,
        "unchanged": found.unchanged,
        "fields": [field for draft, row, _judged in found.changes for field in _fields(draft, row, scheme)],
    }


def _fields(draft: Any, row: Row, scheme: Scheme) -> list[tuple[str, str]]:
    start = f"r-{row.enrolment.id}-"
    parts = [(f"{start}{n}", draft.written.parts.get(name, "")) for n, name in enumerate(scheme.columns)]
    own = {"mark": draft.written.mark, "remark": draft.written.remark, "v": str(row.version)}
    return [*parts, *((f"{start}{name}", value) for name, value in own.items())]


def said(value: Mapping[str, Any]) -> str:
    """A row as a correction keeps it: 85（平时 90、期末 80）."""
    whole = grade(word(value["mark"]) or value["grade"])
    parts = _("、").join(f"{column(name)} {grade(text)}" for name, text in value["parts"].items())
    return _("%(whole)s（%(parts)s）", whole=whole, parts=parts) if parts else whole


# --- the API ----------------------------------------------------------------------------------------------------


def scheme_out(value: Scheme, version: int) -> dict[str, Any]:
    parts = [{"name": name, "weight": weight} for name, weight in value.parts]
    return {"scale": value.scale, "places": value.places, "parts": parts, "version": version}


_SHEET = (
    "id", "offering_id", "attempt", "sitting", "state", "submitted_at", "confirmed_at", "returned_because", "version",
    "created_at", "updated_at",
)  # fmt: skip


def sheet_out(sheet: GradeSheet) -> dict[str, Any]:
    offering = sheet.offering
    own = {name: getattr(sheet, name) for name in _SHEET}
    return {**own, "course": offering.course, "code": offering.code, "term": labels.term(offering.term)}


def entry_out(row: Row) -> dict[str, Any]:
    entry = row.entry
    return {
        "id": entry.id if entry else None,
        "enrolment_id": row.enrolment.id,
        "student": row.enrolment.person,
        "number": row.enrolment.affiliation.number,
        "school": row.enrolment.home_school,
        "parts": dict(entry.parts) if entry else {},
        "grade": entry.grade if entry else "",
        "mark": entry.mark if entry else "",
        "remark": row.remark,
        "passed": row.grade.passed if row.grade else None,
        "entered_at": entry.entered_at if entry else None,
        "version": row.version,
    }


def whole_out(sheet: GradeSheet, scheme: Scheme, rows: Sequence[Row]) -> dict[str, Any]:
    return {**sheet_out(sheet), "scheme": scheme_out(scheme, 0), "entries": [entry_out(row) for row in rows]}


def correction_out(value: GradeCorrection) -> dict[str, Any]:
    names = ("id", "entry_id", "before", "after", "reason", "state", "asked_at", "decided_at", "decision")
    own = {name: getattr(value, name) for name in names}
    return {**own, "sheet_id": value.entry.sheet_id, "enrolment_id": value.entry.enrolment_id, "asker": value.asker}


def attempt_out(value: Attempt) -> dict[str, Any]:
    entry = value.entry
    return {
        "attempt": value.kind, "sitting": value.sheet.sitting, "scale": entry.scale, "grade": entry.grade,
        "mark": entry.mark, "parts": dict(entry.parts), "passed": value.grade.passed,
        "confirmed_at": value.sheet.confirmed_at, "entry_id": entry.id, "entry_version": entry.version,
    }  # fmt: skip


def own_out(attempts: Sequence[Attempt]) -> dict[str, Any]:
    """What stands for an enrolment, and every attempt."""
    stands = counted(attempts)
    return {
        "grade": "" if stands is None or stands.mark else str(stands),
        "mark": stands.mark if stands else "",
        "scale": stands.scale if stands else "",
        "passed": stands.passed if stands else None,
        "attempts": [attempt_out(each) for each in attempts],
    }
