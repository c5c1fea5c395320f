"""What the course and offering forms show: their values and choices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import request
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from courses.catalogue import disciplines, hooks, labels, offering_rows
from courses.catalogue.models import Course, Offering
from courses.catalogue.permissions import allow
from courses.catalogue.schemas import CourseFields, OfferingFields
from courses.catalogue.services import COURSE_FIELDS, ITEM_FIELDS, OFFERING_FIELDS
from zutuan.calendar import services as calendar
from zutuan.calendar.models import Term
from zutuan.calendar.patterns import read, rows
from zutuan.calendar.rules import MAX_WEEK
from zutuan.clock import at_shanghai, clock
from zutuan.clusters.models import Cluster, Department, School
from zutuan.decision import Refusal
from zutuan.errors import Invalid, Stale, say
from zutuan.fields import from_form
from zutuan.people.models import Affiliation, Person
from zutuan.sharing import plan, scopes
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import SharedItem
from zutuan.sharing.services import clusters_of
from zutuan.web.texts import SHORT_WEEKDAYS, form_moment

# In an address: the preview of an audience that is nobody beyond the own school.
NOBODY_ELSE = "school"
EMPTY_ROWS = 2
EMPTY_WEEKS = 4
MOST_REQUIRED = 300  # courses to choose prerequisites from
LONGEST = timedelta(days=14)


def check_version(version: int) -> None:
    """The form names the version it was opened with; a newer one is not overwritten."""
    if request.form.get("version") != str(version):
        raise Stale("stale_form")


# --- courses ----------------------------------------------------------------------------------------------------


def empty_course() -> dict[str, Any]:
    return {"credits": "2", "hours": "32", "level": "bachelor", "language": "zh", "delivery": "live_online",
            "category": "teacher_education", "plan_code": plan.default_for("course"), "syllabus": _weeks([])}  # fmt: skip


def _weeks(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [*rows, *({} for _row in range(EMPTY_WEEKS))]


def course_values(course: Course) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(course.item, name) for name in ITEM_FIELDS}
    values |= {name: getattr(course, name) for name in COURSE_FIELDS}
    values["keywords"] = _("、").join(course.item.keywords)
    values["credits"] = f"{course.credits.normalize():f}"
    values["teacher_ids"] = [staff.person_id for staff in course.staff]
    values["requires_ids"] = [each.required_id for each in course.requires]
    values["syllabus"] = _weeks(course.syllabus)
    return values


def copied_course(course: Course) -> dict[str, Any]:
    """A new course that says the same; its code is its own."""
    return {**course_values(course), "code": "", "school_id": course.school_id}


def typed_course() -> dict[str, Any]:
    """What was typed, as it was typed."""
    # The version is left out: the form shows the newest, so that saving again is a deliberate act.
    lists = {name: request.form.getlist(name) for name in ("teacher_ids", "requires_ids", "audience")}
    rows = from_form(CourseFields(), request.form)["syllabus"]
    return {**request.form.to_dict(), **lists, "syllabus": _weeks(rows), "version": None}


def course_choices(session: Session, actor: Actor, course: Course | None) -> dict[str, Any]:
    """Schools the actor may publish for, and departments and teachers of the course's (or the first such) school."""
    school_ids = sorted({course.school_id} if course else allow.schools(actor, "course.create"))
    school_id = course.school_id if course else school_ids[0]
    schools = session.execute(sa.select(School.id, School.name).where(School.id.in_(school_ids)).order_by(School.id))
    departments = session.execute(
        sa.select(Department.id, Department.name).where(Department.school_id == school_id).order_by(Department.id)
    )
    teachers = session.execute(
        sa.select(Person.id, Person.name, Affiliation.number)
        .join(Affiliation, Affiliation.person_id == Person.id)
        .where(Affiliation.school_id == school_id, Affiliation.kind == "teacher", Affiliation.open_at(clock.now()))
        .order_by(Affiliation.number)
        .limit(500)
    )
    return {
        "schools": [tuple(row) for row in schools],
        "departments": [("", _("不限院系")), *(tuple(row) for row in departments)],
        "teachers": [(id_, f"{name} · {number}") for id_, name, number in teachers],
        "requirable": _requirable(session, school_id, course),
        "schemes": [("", "—"), *disciplines.choices()],
        "choices": {name: labels.choices(table) for name, table in labels.WORDS.items()},
    }


def _requirable(session: Session, school_id: int, course: Course | None) -> list[tuple[int, str]]:
    """Courses of the school that one can have completed before, and those that are required already."""
    required = {each.required_id for each in course.requires} if course else set()
    known = sa.or_(
        sa.and_(Course.school_id == school_id, SharedItem.state == "published"), Course.id.in_(sorted(required))
    )
    query = sa.select(Course.id, SharedItem.title_zh, Course.code).join(SharedItem, SharedItem.id == Course.id)
    query = query.where(known, Course.id != (course.id if course else 0)).order_by(Course.code).limit(MOST_REQUIRED)
    return [(id_, f"{title} · {code}") for id_, title, code in session.execute(query)]


def school_for(actor: Actor, wanted: int | None) -> int:
    """The school that a new course would be of: the one named, if the actor may publish for it, or the first such."""
    mine = allow.schools(actor, "course.create")
    return wanted if wanted in mine else min(mine)


def audience_options(session: Session, actor: Actor, school_id: int) -> list[tuple[str, str, str]]:
    """(scope, label, note) of whom a course of that school can be shared with beyond it."""
    members = clusters_of(session, school_id, actor.now)
    clusters = session.scalars(sa.select(Cluster).where(Cluster.id.in_(members)).order_by(Cluster.id))
    options = [(scopes.cluster(each.id), each.name, _("组团内各校师生可见")) for each in clusters]
    return [*options, (scopes.PLATFORM, _("全平台"), _("所有登录的师生可见"))]


# --- offerings --------------------------------------------------------------------------------------------------


def empty_offering(course: Course) -> dict[str, Any]:
    today = at_shanghai(clock.today())
    number = len(course.offerings) + 1
    return {
        "code": f"{number:02d}",
        "follows_plan": True,
        "enrol_from": form_moment(clock.now().replace(minute=0)),
        "enrol_until": form_moment(today + LONGEST + timedelta(hours=17)),
        "meetings": [{} for _row in range(EMPTY_ROWS)],
        **offering_rows.empty(),
    }


def offering_values(offering: Offering) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(offering, name) for name in OFFERING_FIELDS}
    values["enrol_from"], values["enrol_until"] = form_moment(offering.enrol_from), form_moment(offering.enrol_until)
    values |= offering_rows.values(offering)
    values["follows_plan"] = offering.follows_plan
    shown = [
        {"weekday": m.weekday, "first_period": m.first_period, "last_period": m.last_period, "weeks": m.weeks}
        for m in offering.meetings
    ]
    values["meetings"] = [*shown, *({} for _row in range(EMPTY_ROWS))]
    return values


def typed_offering(filled: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """What was typed; `filled` are rows read from the pasted line, which the box then no longer holds."""
    listed = [*from_form(OfferingFields(), request.form)["meetings"], *filled]
    typed = {**request.form.to_dict(), "meetings": [*listed, *({} for _row in range(EMPTY_ROWS))], "version": None}
    typed |= offering_rows.typed()
    return typed | ({"times": ""} if filled else {})


def pasted(session: Session, course: Course, offering: Offering | None) -> list[dict[str, Any]]:
    """The line pasted from a 教务系统 as rows of the form. Raises Invalid naming the part that is not understood."""
    text = request.form.get("times", "").strip()
    if not text:
        return []
    term = offering.term if offering else _chosen_term(session, course)
    lines = read(text)
    found = lines if isinstance(lines, Refusal) else rows(lines, term.weeks if term else MAX_WEEK)
    if isinstance(found, Refusal):
        raise Invalid.field("times", found.code, **found.params)
    return [asdict(each) for each in found]


def _chosen_term(session: Session, course: Course) -> Term | None:
    chosen = request.form.get("term_id", type=int)
    terms = calendar.terms_of(session, course.school_id)
    current = calendar.term_on(session, course.school_id, clock.today())
    return next((term for term in terms if term.id == chosen), current)


def grades(terms: Iterable[Term]) -> list[tuple[str, str]]:
    """The grades whose weeks differ in any of these terms; empty where none does."""
    known = sorted({start.grade for term in terms for start in term.starts})
    return [("", _("按学期日期")), *((each, _("%(grade)s 级", grade=each)) for each in known)] if known else []


def offering_choices(session: Session, course: Course, offering: Offering | None) -> dict[str, Any]:
    term = offering.term if offering else _chosen_term(session, course)
    terms = calendar.terms_of(session, course.school_id)
    periods = calendar.periods_on(session, course.school_id, clock.today())
    return {
        "terms": [(term.id, labels.term(term)) for term in terms],
        "plan": hooks.plan_of(session, course, term, hold=False) if term else None,
        "late": too_late(session, course, [term] if term and not (offering and offering.state == "published") else []),
        "grades": grades(terms),
        "weekdays": [("", "—"), *((number, name) for number, name in enumerate(SHORT_WEEKDAYS, start=1))],
        "periods": [
            ("", "—"),
            *((n, f"{n} · {_clock(starts)}–{_clock(ends)}") for n, (starts, ends) in sorted(periods.items())),
        ],
        **offering_rows.choices(session, course, offering),
    }


def too_late(session: Session, course: Course, terms: Iterable[Term]) -> list[dict[str, str]]:
    """Why classes of these terms cannot be handed in now, as pages say it."""
    found = (hooks.against_submitting(session, course, term, hold=False) for term in terms)
    said = dict.fromkeys(say(each.code, each.params) for each in found if each is not None)
    return [{"message": message, "cure": cure} for message, cure in said]


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
