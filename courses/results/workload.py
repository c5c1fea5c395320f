"""教学工作量证明: what a teacher has taught students of other schools in one term, and the paper of it.

Meetings are counted as the book has them: moved ones where they were held, cancelled ones not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session, joinedload, selectinload

from courses.adjustments import queries as adjustments
from courses.catalogue import dates, labels
from courses.catalogue.models import Course, CourseTeacher, Offering
from courses.catalogue.timing import TYPE
from courses.enrolment.models import Enrolment
from courses.results import policies
from courses.results.permissions import allow
from zutuan.calendar.models import Occurrence, Term
from zutuan.clock import local
from zutuan.clusters.models import School
from zutuan.errors import Denial, Forbidden, NotFound, Refused
from zutuan.papers.models import Paper
from zutuan.papers.services import Draft, issue
from zutuan.people.models import Affiliation
from zutuan.policies import services as policy_values
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Place, Subject
from zutuan.web.texts import day

KIND = "workload.certificate"
_TAUGHT = ("accepted", "completed")
_EXAM = dates.TYPES["exam"]


@dataclass(frozen=True)
class TermOf:
    """A term of the school at which one teaches, as its papers name it."""

    school_id: int
    academic_year: str
    number: int

    @property
    def text(self) -> str:
        return labels.term_named(self.academic_year, self.number)


@dataclass(frozen=True)
class Line:
    """One class: its outside students by home school, and how many of its meetings the person has held so far; `stood_in`:
    in its teachers' stead."""

    offering: Offering
    students: tuple[tuple[str, int], ...]
    held: int
    stood_in: bool = False

    @property
    def outside(self) -> int:
        return sum(count for _school, count in self.students)

    @property
    def weeks(self) -> str:
        written = dict.fromkeys(labels.weeks(each.weeks) for each in self.offering.meetings)
        return _("、").join(written) or "—"

    @property
    def schools(self) -> str:
        return _("、").join(_("%(school)s %(n)s 人", school=name, n=count) for name, count in self.students)


def subject(person_id: int, school_id: int) -> Subject:
    return Subject(
        "workload", person_id, places={"host": Place(school_id)}, persons={"self": frozenset({person_id})}
    )  # fmt: skip


def may_issue(session: Session, actor: Actor, person_id: int, school_id: int) -> bool:
    """The school's registrar; the teacher where the school lets them."""
    if allow.may(actor, "workload.issue", subject(person_id, school_id)):
        return True
    own = allow.may(actor, "workload.own", subject(person_id, school_id))
    return own and bool(policy_values.value(session, policies.OWN_WORKLOAD.key, school_id, actor.now))


# --- counting ---------------------------------------------------------------------------------------------------


def terms(session: Session, person_id: int, now: datetime) -> list[TermOf]:
    """Terms in which the person's classes have students of other schools, the latest first."""
    columns = (Course.school_id, Term.academic_year, Term.number)
    query = _taught(sa.select(*columns), person_id, now).join(Term, Term.id == Offering.term_id)
    query = query.join(Enrolment, Enrolment.offering_id == Offering.id).where(_outside()).distinct()
    found = session.execute(query.order_by(Term.academic_year.desc(), Term.number.desc(), Course.school_id))
    return [TermOf(*row) for row in found]


def _taught(query: Any, person_id: int, now: datetime) -> Any:
    """Classes that the person teaches, or of which they have held a meeting in a teacher's stead."""
    query = query.select_from(Offering).join(Course, Course.id == Offering.course_id)
    own = sa.select(CourseTeacher.course_id).where(CourseTeacher.person_id == person_id)
    theirs = sa.or_(Course.id.in_(own), Offering.id.in_(adjustments.stood_in_by(person_id, now)))
    return query.where(theirs, Offering.state != "draft")


def _outside() -> sa.ColumnElement[bool]:
    """Who sits in it and is of another school."""
    e = Enrolment
    return sa.and_(
        e.home_state.in_(_TAUGHT), e.host_state.in_(_TAUGHT), e.home_school_id != e.host_school_id,
    )  # fmt: skip


def lines(session: Session, person_id: int, term: TermOf, now: datetime) -> list[Line]:
    """The person's classes of that term that have students of other schools."""
    query = _taught(sa.select(Offering), person_id, now).join(Term, Term.id == Offering.term_id)
    query = query.where(
        Course.school_id == term.school_id, Term.academic_year == term.academic_year, Term.number == term.number
    )
    whole = (
        joinedload(Offering.course).joinedload(Course.item),
        joinedload(Offering.course).selectinload(Course.staff),
        joinedload(Offering.term),
        selectinload(Offering.meetings),
    )
    offerings = session.scalars(query.options(*whole).order_by(Offering.id)).all()
    own = {each.id: adjustments.staff(each) for each in offerings}
    students, held = _students(session, list(own)), _held(session, person_id, own, now)
    return [
        Line(each, students[each.id], held.get(each.id, 0), stood_in=person_id not in own[each.id])
        for each in offerings
        if each.id in students
    ]


def _students(session: Session, ids: Collection[int]) -> dict[int, tuple[tuple[str, int], ...]]:
    query = sa.select(Enrolment.offering_id, School.name, sa.func.count()).join(
        School, School.id == Enrolment.home_school_id
    )
    query = query.where(Enrolment.offering_id.in_(ids), _outside()).group_by(
        Enrolment.offering_id, School.id, School.name
    )
    found: dict[int, tuple[tuple[str, int], ...]] = {}
    for offering, name, count in session.execute(query.order_by(Enrolment.offering_id, School.id)):
        found[offering] = (*found.get(offering, ()), (name, count))
    return found


def _held(session: Session, person_id: int, own: Mapping[int, frozenset[int]], now: datetime) -> dict[int, int]:
    """Offering → how many of its meetings are over that the person has held: where they teach (`own`: offering → who
    does), all but those at which somebody stood in for them; elsewhere those at which they stood in."""
    o = Occurrence
    query = sa.select(o.resource_id, o.starts).where(
        o.resource_type == TYPE, o.resource_id.in_(list(own)), o.state == "active"
    )
    rows = session.execute(query.where(o.source_type != _EXAM, o.ends <= now)).tuples().all()
    instead = {(each.offering_id, each.starts): each for each in adjustments.stood_in(session, list(own))}
    found: dict[int, int] = {}
    for offering, starts in rows:
        other, teachers = instead.get((offering, starts)), own[offering]
        away = other is not None and other.instead_of(person_id, teachers)
        if (person_id in teachers and not away) or (other is not None and other.person_id == person_id):
            found[offering] = found.get(offering, 0) + 1
    return found


# --- the paper --------------------------------------------------------------------------------------------------


def certify(session: Session, actor: Actor, person_id: int, term: TermOf) -> Paper:
    """Issue it as of today, or answer the one that stands and says the same."""
    about = subject(person_id, term.school_id)
    if not allow.may(actor, "workload.read", about):
        raise NotFound
    if not may_issue(session, actor, person_id, term.school_id):
        raise Forbidden(Denial("workload.issue", "person", person_id))
    place = _place(session, person_id, term.school_id)
    found = lines(session, person_id, term, actor.now)
    if place is None or not found:
        raise Refused("no_outside_students")
    with force_locale("zh"):
        content = _content(place, term, found, actor.now)
    of = Subject("affiliation", place.id)
    return issue(session, actor, Draft(KIND, person_id, term.school_id, of, content))


def _place(session: Session, person_id: int, school_id: int) -> Affiliation | None:
    a = Affiliation
    query = sa.select(a).where(a.person_id == person_id, a.school_id == school_id).order_by(a.from_.desc(), a.id.desc())
    return session.scalars(query.options(joinedload(a.person), joinedload(a.school), joinedload(a.department))).first()


def _content(place: Affiliation, term: TermOf, found: list[Line], now: datetime) -> dict[str, Any]:
    students, meetings = sum(each.outside for each in found), sum(each.held for each in found)
    text = _(
        "兹证明%(school)s教师%(name)s在%(term)s承担面向外校学生的跨校课程 %(n)s 个教学班，外校学生 %(students)s 人次，截至 %(day)s 已授课 %(meetings)s 次。",
        school=place.school.name, name=place.person.name, term=term.text, n=len(found), students=students,
        day=day(now), meetings=meetings,
    )  # fmt: skip
    facts = [
        [_("姓名"), place.person.name], [_("学工号"), place.number], [_("院系"), place.department.name if place.department else ""],
        [_("学期"), term.text], [_("截至"), str(local(now).date())],
    ]  # fmt: skip
    table = {
        "heads": [_("课程"), _("教学班"), _("学时"), _("上课周次"), _("外校学生"), _("合计人数"), _("已授课次数")],
        "rows": [
            [
                f"{each.offering.course.code} {each.offering.course.item.title_zh}" + (_("（代课）") if each.stood_in else ""),
                each.offering.code,
                str(each.offering.course.hours), each.weeks, each.schools, str(each.outside), str(each.held),
            ]
            for each in found
        ],
        "widths": [42, 15, 13, 26, 46, 19, 22], "numbers": [2, 5, 6],
    }  # fmt: skip
    return {
        "title": _("教学工作量证明"), "text": text, "school": place.school.name,
        "facts": [[label, value] for label, value in facts if value], "private": [_("学工号")], "tables": [table],
    }  # fmt: skip
