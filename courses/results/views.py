"""Results as schemas dump them and pages show them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _

from courses.catalogue import labels as catalogue
from courses.results import labels, papers, rules, services
from courses.results.models import Result
from courses.results.rules import Recognised
from courses.results.workload import Line, TermOf
from zutuan.clock import clock, local
from zutuan.exporting import Table
from zutuan.people.models import Affiliation
from zutuan.web.requests import db
from zutuan.web.texts import english

_OWN = (
    "id",
    "enrolment_id",
    "state",
    "home_school",
    "before",
    "reason",
    "decided_at",
    "created_at",
    "updated_at",
    "version",
)
_SAID = ("scale", "grade", "mark", "points", "credits", "code", "name", "name_en", "category", "recorded")


@dataclass(frozen=True)
class Shown:
    """The home school's side of a result: what stands, or what would be recorded."""

    grade: str
    points: Decimal | None
    credits: Decimal | None
    code: str
    name: str
    name_en: str
    category: str
    recorded: bool
    possible: bool = True

    @property
    def title(self) -> str:
        return (english() and self.name_en) or self.name

    @property
    def complete(self) -> bool:
        """Whether it can be recognised as it is."""
        return self.possible and bool(self.name or not self.recorded)


def shown(result: Result) -> Shown:
    if result.state == rules.WAITING:
        found = services.proposal(db(), result, clock.now())
        words = (found.code, found.name, found.name_en, found.category)
        possible = rules.may_recognise(rules.original(result.original)) is None
        return Shown(labels.grade_of(found.grade), found.points, found.credits, *words, found.recorded, possible)
    words = (result.code, result.name, result.name_en, result.category)
    grade = labels.grade(result.scale, result.grade, result.mark) if result.scale else "—"
    return Shown(grade, result.points, result.credits, *words, result.recorded)


def result(value: Result) -> dict[str, Any]:
    enrolment = value.enrolment
    waits = value.state == rules.WAITING
    return {
        **{name: getattr(value, name) for name in _OWN},
        "student": enrolment.person, "number": enrolment.affiliation.number, "host_school": enrolment.host_school,
        "course": enrolment.offering.course, "term": enrolment.offering.term, "original": value.original,
        "proposal": _proposed(services.proposal(db(), value, clock.now())) if waits else None,
        "recognised": {name: getattr(value, name) for name in _SAID} if value.state == rules.RECOGNISED else None,
    }  # fmt: skip


def _proposed(found: Recognised) -> dict[str, Any]:
    words = {name: getattr(found, name) for name in _SAID if name not in ("scale", "grade", "mark")}
    grade = found.grade
    return {**words, "scale": grade.scale, "grade": "" if grade.mark else str(grade), "mark": grade.mark}


def of_student(results: list[Result]) -> dict[str, Any]:
    return {
        "items": [result(each) for each in results], "next": None, "total": len(results),
        "totals": labels.totals(results),
    }  # fmt: skip


def workload(term: TermOf, lines: Iterable[Line]) -> dict[str, Any]:
    return {
        "school_id": term.school_id, "academic_year": term.academic_year, "number": term.number,
        "offerings": [
            {
                "offering_id": each.offering.id, "code": each.offering.code, "course": each.offering.course,
                "hours": each.offering.course.hours, "held": each.held,
                "stood_in": each.stood_in,
                "students": [{"school": name, "count": count} for name, count in each.students],
            }
            for each in lines
        ],
    }  # fmt: skip


# --- workbooks ----------------------------------------------------------------------------------------------------


def results_table(results: Sequence[Result]) -> Table:
    """A registrar's list as a sheet."""
    heads = (
        _("学期"), _("学工号"), _("姓名"), _("院系"), _("专业"), _("年级"), _("开课学校"), _("课程代码"), _("课程"), _("学分"),
        _("原成绩"), _("考试性质"), _("状态"), _("本校课程代码"), _("认定为"), _("课程类别"), _("认定学分"), _("认定成绩"), _("绩点"),
        _("记入成绩"), _("理由"), _("认定时间"),
    )  # fmt: skip
    return Table(_("成绩认定"), heads, [_line(each) for each in results])


def _line(value: Result) -> tuple[Any, ...]:
    enrolment, place, own = value.enrolment, value.enrolment.affiliation, shown(value)
    row = labels.row(value)
    return (
        row.term, place.number, enrolment.person.name, place.department.name if place.department else "", place.major,
        place.grade, row.host, row.code, row.title, Decimal(value.original["credits"]), row.grade, row.attempt,
        str(labels.STATE[value.state][0]), own.code, own.title, catalogue.own_category(own.category), own.credits, own.grade,
        own.points, _("是") if own.recorded else _("否"), value.reason, value.decided_at,
    )  # fmt: skip


def transcript_tables(place: Affiliation, results: list[Result]) -> list[Table]:
    """The transcript as a workbook, a sheet for each language: whose it is above the table, figures as figures."""
    tables = []
    for language in papers.LANGUAGES:
        with force_locale(language):
            rows = [_figures(papers.transcript_row(labels.row(each))) for each in results]
            sums = labels.totals(results)
            last = [_("合计"), None, None, None, None, None, None, sums.credits, None, sums.average]
            tables.append(
                Table(
                    _("跨校成绩单"), papers.transcript_heads(), [*rows, last], (24, 22, 34, 8, 12, 34, 14, 14, 14, 10),
                    _above(place, results, language),
                )
            )  # fmt: skip
    return tables


def _above(place: Affiliation, results: list[Result], language: str) -> list[str]:
    facts = [_("%(label)s：%(value)s", label=label, value=value) for label, value in papers.student_facts(place)]
    dated = _("导出日期：%(day)s", day=local(clock.now()).date())
    return [_("跨校修读成绩单"), *facts, dated, *papers.legend(results, language)]


FIGURES = (3, 4, 7, 8, 9)  # columns of a transcript that hold figures, where they are written as one


def _figures(row: list[str]) -> list[Any]:
    return [_figure(text) if number in FIGURES else text for number, text in enumerate(row)]


def _figure(text: str) -> Any:
    return Decimal(text) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) else text


def student_head(place: Affiliation) -> str:
    return " · ".join(part for part in (place.school.name, place.number, place.major, place.grade) if part)


def term_choices(terms: Iterable[tuple[str, int]]) -> list[tuple[str, str]]:
    return [(f"{year}/{number}", catalogue.term_named(year, number)) for year, number in terms]
