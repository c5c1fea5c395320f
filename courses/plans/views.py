"""Term plans as schemas dump them and pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l

from courses.catalogue.labels import term_named
from courses.plans import rules
from courses.plans.models import TermPlan
from courses.plans.queries import Line, Submission
from zutuan.clock import clock
from zutuan.web.texts import form_moment

STAGE = {
    "submission": _l("开课申报"),
    "review": _l("本校审核"),
    "preselection": _l("预选"),
    "main": _l("正选"),
    "add_drop": _l("补退选"),
}
STATE = {"draft": (_l("草稿"), "warn"), "published": (_l("已发布"), "good")}
REVIEW = {
    "not_needed": (_l("无需审核"), ""),
    "done": (_l("已审核"), "good"),
    "open": (_l("审核中"), "warn"),
    "outstanding": (_l("逾期未审完"), "bad"),
}
FITS = {
    "follows": (_l("跟随组团安排"), "good"),
    "narrower": (_l("自定，在安排之内"), ""),
    "outside": (_l("不在安排之内"), "bad"),
}


def term(plan: TermPlan) -> str:
    return term_named(plan.academic_year, plan.number)


def stages(plan: TermPlan) -> list[dict[str, Any]]:
    """Each stage that the plan has, with whether it is over, open or ahead."""
    now = clock.now()
    return [
        {
            "name": name,
            "label": STAGE[name],
            "opens": opens,
            "closes": closes,
            "state": _stage_state(opens, closes, now),
        }
        for name in rules.STAGES
        for opens, closes in [plan.span(name)]
        if opens is not None and closes is not None
    ]


def _stage_state(opens: datetime, closes: datetime, now: datetime) -> str:
    return "todo" if now < opens else "now" if now < closes else "done"


def now(plan: TermPlan) -> str:
    """What is open now, in a word."""
    stage = rules.stage_at(plan.spans, clock.now())
    return str(STAGE[stage]) if stage else ""


def values(plan: TermPlan) -> dict[str, Any]:
    """What the form shows."""
    spans = {
        f"{name}_{end}": form_moment(moment)
        for name in rules.STAGES
        for end, moment in zip(("from", "until"), plan.span(name), strict=True)
    }
    own = ("academic_year", "number", "teaching_starts", "grades_due", "note", "version")
    return {**spans, **{name: getattr(plan, name) for name in own}}


def line(value: Line) -> dict[str, Any]:
    return {
        "school": value.school, "courses": value.courses, "offerings": len(value.rows), "seats": value.seats,
        "taken": value.taken, "following": value.count("follows"), "outside": value.count("outside"),
        "has_term": value.has_term, "review": value.review,
    }  # fmt: skip


def submission(value: Submission) -> dict[str, Any]:
    offering, item = value.offering, value.offering.course.item
    return {
        "offering_id": offering.id, "course_id": offering.course_id, "code": offering.code, "title_zh": item.title_zh,
        "title_en": item.title_en, "school": item.owner, "seats": value.seats, "taken": offering.taken,
        "fits": value.fits,
    }  # fmt: skip


def total(lines: Sequence[Line]) -> dict[str, int]:
    return {
        "schools": sum(bool(each.rows) for each in lines),
        "courses": sum(each.courses for each in lines),
        "offerings": sum(len(each.rows) for each in lines),
        "seats": sum(each.seats for each in lines),
        "taken": sum(each.taken for each in lines),
        "outside": sum(each.count("outside") for each in lines),
        "outstanding": sum(each.review.state in ("open", "outstanding") for each in lines),
    }
