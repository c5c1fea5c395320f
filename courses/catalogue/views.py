"""Courses and offerings as the schemas dump them."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from courses.catalogue import hooks, queries
from courses.catalogue.hooks import CountsAs
from courses.catalogue.models import Course, Offering
from zutuan.sharing import services as sharing
from zutuan.sharing.actor import Actor

_OWN = (
    "id", "code", "description_zh", "description_en", "credits", "hours", "category", "level", "language", "delivery",
    "department", "prerequisites", "assessment", "textbooks", "syllabus", "discipline_scheme", "discipline_version",
    "discipline_code", "item",
)  # fmt: skip


def course(value: Course, counts_as: CountsAs | None = None) -> dict[str, Any]:
    own = {name: getattr(value, name) for name in _OWN}
    return {**own, "teachers": [staff.person for staff in value.staff], "counts_as": counts_as}


def course_detail(session: Session, actor: Actor, value: Course) -> dict[str, Any]:
    reach = queries.reach(session, actor, value)
    schools = None if reach.schools is None else [{"id": id_, "name": name} for id_, name in reach.schools]
    audience = {"scopes": sharing.audience(session, value.item, actor.now), "schools": schools, "count": reach.count}
    requires = [each.required for each in value.requires]
    counts_as = hooks.recognised(session, actor, [value.id]).get(value.id)
    return {**course(value, counts_as), "audience": audience, "requires": requires}


_OFFERING = (
    "id", "course_id", "code", "state", "term", "grade", "enrol_from", "enrol_until", "rounds",
    "follows_plan", "seats_by", "waitlist", "for_grades", "for_majors", "room", "room_seats",
    "minimum", "decided_at", "decision_reason", "rescue_until", "note", "meetings", "dates", "pools", "version",
)  # fmt: skip


def offering(value: Offering, *, may_join: bool) -> dict[str, Any]:
    """The address of the lesson is for those who teach it or hold a seat."""
    shown = {name: getattr(value, name) for name in _OFFERING}
    return {**shown, "online_url": value.online_url if may_join else ""}


def offering_detail(session: Session, actor: Actor, view: queries.OfferingView) -> dict[str, Any]:
    value = view.offering
    counts_as = hooks.recognised(session, actor, [value.course_id]).get(value.course_id)
    return {
        **offering(value, may_join=view.may_join),
        "course": course(value.course, counts_as),
        "occurrences": queries.occurrences(session, value.id),
        "promised": view.promised,
    }
