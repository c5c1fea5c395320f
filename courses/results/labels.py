"""Words of results, Chinese first, and rows of them as every table shows them: pages, papers and workbooks alike."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from courses.catalogue import labels
from courses.grades.rules import Grade
from courses.results import rules
from courses.results.models import Result
from zutuan.web.texts import credit, english, title

STATE = {"waiting": (_l("等待认定"), "warn"), "recognised": (_l("已认定"), "good"), "refused": (_l("未予认定"), "bad")}
SCALE = {"percent": _l("百分制"), "five": _l("五级制"), "two": _l("二级制")}
LEVEL = {
    "优秀": _l("优秀"), "良好": _l("良好"), "中等": _l("中等"), "及格": _l("及格"), "不及格": _l("不及格"),
    "合格": _l("合格"), "不合格": _l("不合格"),
}  # fmt: skip
MARK = {"deferred": _l("缓考"), "absent": _l("缺考"), "misconduct": _l("违纪")}
ATTEMPT = {"first": _l("正考"), "resit": _l("补考"), "retake": _l("重修")}


def grade(scale: str, written: str, mark: str) -> str:
    if mark:
        return str(MARK[mark])
    return str(LEVEL.get(written, written)) if scale != "percent" else written


def grade_of(value: Grade) -> str:
    return grade(value.scale, "" if value.mark else str(value), value.mark)


def original(result: Result) -> str:
    kept = result.original
    return grade(kept["scale"], str(kept.get("grade") or ""), str(kept.get("mark") or ""))


def host_title(result: Result) -> str:
    return title(result.enrolment.offering.course.item)


def own_title(result: Result) -> str:
    """In English by what the registrar wrote, or else as the course that it was called after is called."""
    return (english() and (result.name_en or _english_of(result))) or result.name


def _english_of(result: Result) -> str:
    said, item = result.enrolment.recognition, result.enrolment.offering.course.item
    if said is not None and said.name == result.name and said.name_en:
        return said.name_en
    return item.title_en if item.title_zh == result.name else ""


def number(value: Decimal | None) -> str:
    """Credits; 绩点 keep their two places."""
    return "—" if value is None else credit(value)


def points(value: Decimal | None) -> str:
    return "—" if value is None else f"{value:.2f}"


@dataclass(frozen=True)
class Row:
    """One course of a student as tables show it, in the reader's language."""

    term: str
    host: str
    code: str
    title: str
    credits: str
    grade: str
    attempt: str
    counts_as: str
    category: str
    earned: str
    recognised: str
    points: str


def row(result: Result) -> Row:
    enrolment = result.enrolment
    said = result.state == rules.RECOGNISED
    counts_as = " ".join(part for part in (result.code, own_title(result)) if part) or "—"
    return Row(
        labels.term(enrolment.offering.term), enrolment.host_school.name, enrolment.offering.course.code,
        host_title(result), number(Decimal(result.original["credits"])), original(result),
        str(ATTEMPT.get(result.original.get("attempt") or "first", "")), counts_as if result.recorded else _("不计入"),
        labels.own_category(result.category) or "—", number(result.credits) if said else "—",
        grade(result.scale, result.grade, result.mark) if said else str(STATE[result.state][0]),
        points(result.points) if said else "—",
    )  # fmt: skip


def totals(results: list[Result]) -> rules.Totals:
    """Of what is recognised and recorded."""
    return rules.totals(
        (each.credits or Decimal(0), _weight(each), each.points)
        for each in results
        if each.state == rules.RECOGNISED and each.recorded
    )


def _weight(result: Result) -> Decimal:
    """A fail weighs what the course is worth."""
    worth = result.credits or Decimal(0)
    if worth or rules.original(result.original).passed:
        return worth
    return Decimal(result.original["credits"])


WORDS: dict[str, Any] = {"state": STATE, "scale": SCALE}
FILTERS = {
    "result_original": original, "result_category": labels.own_category, "result_points": points, "result_credits": number,
    "result_row": row, "grade_words": grade_of,
}  # fmt: skip
