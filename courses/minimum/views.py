"""Classes and lost seats as schemas dump them and pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from courses.catalogue import views as catalogue
from courses.minimum.alternatives import Alternative
from courses.minimum.models import LostSeat
from courses.minimum.queries import Affected, Row

STANDING = {
    "waiting": (_l("待决定"), "warn"),
    "open": (_l("选课中"), "info"),
    "reached": (_l("已达下限"), "good"),
    "unlimited": (_l("不设下限"), ""),
    "confirmed": (_l("已确认开班"), "good"),
    "cancelled": (_l("停开"), "bad"),
    "over": (_l("教学已结束"), ""),
}


def row(value: Row) -> dict[str, Any]:
    offering, facts = value.offering, value.facts
    same = ("id", "code", "course", "state", "minimum", "enrol_until", "decided_at", "rescue_until")
    return {
        **{name: getattr(offering, name) for name in same},
        "school": offering.course.item.owner, "standing": value.standing, "enrolled": facts.enrolled,
        "pending": facts.pending, "lost": value.lost, "decide_by": value.decide_by, "reason": offering.decision_reason,
    }  # fmt: skip


def alternative(value: Alternative) -> dict[str, Any]:
    offering = value.offering
    return {
        "offering": catalogue.offering(offering, may_join=False), "course": offering.course,
        "school": offering.course.item.owner, "same_course": value.same_course, "left": value.left, "unsure": value.unsure,
        "counts_as": value.counts_as,
    }  # fmt: skip


def lost(value: LostSeat, instead_id: int | None) -> dict[str, Any]:
    offering = value.offering
    return {
        "enrolment_id": value.enrolment_id, "offering_id": offering.id, "course": offering.course,
        "school": offering.course.item.owner, "reason": offering.decision_reason, "at": offering.decided_at,
        "until": offering.rescue_until, "instead_id": instead_id,
    }  # fmt: skip


def my_lost(value: LostSeat, instead_id: int | None, others: Sequence[Alternative]) -> dict[str, Any]:
    return {**lost(value, instead_id), "alternatives": [alternative(each) for each in others]}


def affected(value: Affected) -> dict[str, Any]:
    enrolment = value.lost.enrolment
    instead = value.instead.id if value.instead else None
    return {**lost(value.lost, instead), "student": enrolment.person, "number": enrolment.affiliation.number}


def decided(event: str, n: int) -> str:
    if event == "confirm":
        return _("已确认 %(n)s 个教学班开班。", n=n)
    return _("已停开 %(n)s 个教学班；学生可以补选其他教学班。", n=n)
