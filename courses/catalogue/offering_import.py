"""Importing teaching classes from an export of a 教务系统: draft courses and classes with their seats; again, it updates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session, joinedload, selectinload

from courses.catalogue import hooks, labels, rules, schemas, services
from courses.catalogue.import_reading import COLUMNS, Class, pools, read_all
from courses.catalogue.models import ENDED, Course, CourseTeacher, Offering
from courses.catalogue.permissions import allow
from zutuan.calendar import calendars, patterns
from zutuan.calendar import services as calendar
from zutuan.calendar.models import Term
from zutuan.calendar.rules import Pattern
from zutuan.clock import clock
from zutuan.clusters.models import School
from zutuan.errors import NotFound
from zutuan.feature import Handed, ImportKind, ImportParam
from zutuan.importing import Difference, Import, Plan, Record, RowError
from zutuan.people.models import Affiliation
from zutuan.sharing.actor import Actor

OPEN_FOR = timedelta(days=14)
# A course that the file does not say this of
USUAL = {"category": "discipline", "delivery": "on_site"}
_COURSE = (("title", "title_zh"), ("credits", "credits"), ("hours", "hours"), ("category", "category"), ("delivery", "delivery"))  # fmt: skip


@dataclass
class Step:
    """What is written for one class: values of a new or a known course, and of its new or known offering."""

    one: Class
    course: Course | None
    offering: Offering | None
    of_course: dict[str, Any] = field(default_factory=dict)
    of_offering: dict[str, Any] = field(default_factory=dict)
    shown: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        return "created" if self.offering is None else "updated"


@dataclass(frozen=True)
class Known:
    """Everything the file can refer to, asked once."""

    courses: Mapping[str, Course]
    offerings: Mapping[tuple[str, str], Offering]
    teachers: Mapping[str, int]
    schools: Mapping[str, int]
    weeks: int

    def pool_names(self) -> dict[str, str]:
        return {f"school:{id_}": name for name, id_ in self.schools.items()}


def offering_import(school_id: int, term: str) -> Import:
    """The classes of one school's term, named as 2026-2027-1."""

    def plan(session: Session, records: Sequence[Record], _now: datetime) -> Plan:
        return _plan(session, _term(session, school_id, term), records)

    def apply(session: Session, actor: Actor | None, plan: Plan, now: datetime) -> None:
        _apply(session, actor, _term(session, school_id, term), [*plan.created, *plan.updated], now)

    return Import(
        "offerings", COLUMNS, plan, apply, extra=True, lock=lambda session: calendars.hold(session, school_id)
    )


def _term(session: Session, school_id: int, text: str) -> Term:
    term = calendars.find_term(session, school_id, text)
    if term is None:
        raise NotFound
    return term


# --- planning ---------------------------------------------------------------------------------------------------


def _plan(session: Session, term: Term, records: Sequence[Record]) -> Plan:
    here, plan = calendars.of_term(session, term), Plan()
    classes, plan.errors = read_all(records, here)
    known = _known(session, term, classes)
    new: set[str] = set()
    for one in classes:
        step = _step(one, known, new)
        if isinstance(step, RowError):
            plan.errors.append(step)
            continue
        new.add(one.code)
        if step.offering is not None and not step.shown:
            plan.unchanged += 1
            continue
        (plan.created if step.outcome == "created" else plan.updated).append(step)
        plan.differences.append(Difference(one.line, step.outcome, one.label, tuple(step.shown)))
    return plan


def _known(session: Session, term: Term, classes: Sequence[Class]) -> Known:
    codes = sorted({one.code for one in classes})
    query = sa.select(Course).where(Course.school_id == term.school_id, Course.code.in_(codes))
    whole = (joinedload(Course.item), selectinload(Course.staff).joinedload(CourseTeacher.person))
    courses = {each.code: each for each in session.scalars(query.options(*whole))}
    ids = {each.id: code for code, each in courses.items()}
    offered = sa.select(Offering).where(Offering.course_id.in_(ids), Offering.term_id == term.id)
    loaded = (selectinload(Offering.meetings), selectinload(Offering.pools))
    offerings = {(ids[each.course_id], each.code): each for each in session.scalars(offered.options(*loaded))}
    numbers = sorted({number for one in classes for number in one.teachers})
    here = sa.select(Affiliation.number, Affiliation.person_id).where(
        Affiliation.school_id == term.school_id, Affiliation.number.in_(numbers), Affiliation.kind != "student",
        Affiliation.open_at(clock.now()),
    )  # fmt: skip
    names = {name for one in classes for name, _seats in one.schools}
    held = {int(p.scope.split(":")[1]) for o in offerings.values() for p in o.pools if p.scope.startswith("school:")}
    found = sa.select(School.name, School.id).where(sa.or_(School.name.in_(sorted(names)), School.id.in_(sorted(held))))
    teachers = {number: id_ for number, id_ in session.execute(here)}
    schools = {name: id_ for name, id_ in session.execute(found)}
    return Known(courses, offerings, teachers, schools, term.weeks)


def _step(one: Class, known: Known, new: set[str]) -> Step | RowError:
    """What this class changes, or what stands against it. `new`: codes that an earlier line has dealt with."""
    course, offering = known.courses.get(one.code), known.offerings.get((one.code, one.class_code))
    against = _against(one, known, course, offering, new)
    if against is not None:
        return against
    seats = pools(one, known.schools)
    if isinstance(seats, RowError):
        return seats
    step = Step(one, course, offering)
    if one.code not in new:
        _course_values(step, known)
    _offering_values(step, known, seats)
    return step


def _against(
    one: Class, known: Known, course: Course | None, offering: Offering | None, new: set[str]
) -> RowError | None:
    stranger = next((number for number in one.teachers if number not in known.teachers), None)
    if stranger is not None:
        return RowError(one.line, "teacher_number", "no_teacher_of_number", {"number": stranger})
    if course is None and one.code not in new:
        missing = next((name for name in ("title", "credits", "hours") if getattr(one, name) is None), None)
        if missing is not None:
            return RowError(one.line, missing, "required")
    if (course is not None and course.item.state == "archived") or (offering and offering.state in ENDED):
        return RowError(one.line, "code", "course_archived")
    if offering is None and one.seats is None:
        return RowError(one.line, "seats", "required")
    seats = one.seats if one.seats is not None else sum(pool.wanted for pool in offering.pools) if offering else 0
    for wrong in rules.check_minimum(one.minimum, seats):
        return RowError(one.line, "minimum", wrong.code, wrong.params)
    fixed = offering is not None and one.minimum is not None and _minimum_fixed(one.minimum, offering)
    if fixed:
        return RowError(one.line, "minimum", "minimum_fixed")
    if offering is not None and offering.taken and one.meetings and _differs(one, offering):
        return RowError(one.line, "time", "meetings_fixed")
    return None


def _minimum_fixed(minimum: int, offering: Offering) -> bool:
    said = {"minimum": minimum}
    now = clock.now()
    against = rules.may_change_minimum(offering.minimum, said, offering.state, offering.enrol_until, now)
    return against is not None


def _differs(one: Class, offering: Offering) -> bool:
    return set(one.meetings) != set(_patterns(offering))


def _patterns(offering: Offering) -> list[Pattern]:
    return [Pattern(m.weekday, m.first_period, m.last_period, m.weeks) for m in offering.meetings]


def _course_values(step: Step, known: Known) -> None:
    """Of a new course everything, of a known one what differs."""
    one, course = step.one, step.course
    for column, name in _COURSE:
        said = getattr(one, column)
        if said is None and course is None:
            said = USUAL.get(column)
        here: Any = None
        if course is not None:
            here = course.item.title_zh if name == "title_zh" else getattr(course, name)
        if said is not None and said != here:
            step.of_course[name] = said
            step.shown.append((column, _text(here), _text(said)))
    people = [known.teachers[number] for number in one.teachers]
    before = [each.person_id for each in course.staff] if course else []
    if people and set(people) != set(before):
        step.of_course["teacher_ids"] = people
        names = "、".join(each.person.name for each in course.staff) if course else ""
        step.shown.append(("teacher_number", names, "、".join(one.teachers)))


def _text(value: Any) -> str:
    return "" if value is None else f"{value.normalize():f}" if hasattr(value, "normalize") else str(value)


def _offering_values(step: Step, known: Known, seats: tuple[tuple[str, int], ...] | None) -> None:
    one, offering = step.one, step.offering
    if one.meetings and (offering is None or _differs(one, offering)):
        step.of_offering["meetings"] = [vars(each) for each in one.meetings]
        before = patterns.write(patterns.lines_of(_patterns(offering))) if offering else ""
        step.shown.append(("time", before, one.times))
    if one.room and (offering is None or offering.room != one.room):
        step.of_offering["room"] = one.room
        step.shown.append(("room", offering.room if offering else "", one.room))
    if one.minimum is not None and (offering is None or offering.minimum != one.minimum):
        step.of_offering["minimum"] = one.minimum
        step.shown.append(("minimum", _text(offering.minimum if offering else None), _text(one.minimum)))
    here = {p.scope: p.wanted for p in offering.pools if p.wanted} if offering else {}
    if seats is not None and (offering is None or {scope: n for scope, n in seats if n} != here):
        step.of_offering["pools"] = [{"scope": scope, "seats": n} for scope, n in seats]
        step.shown.append(("seats", _seats(here.items(), known), _seats(seats, known)))


def _seats(found: Iterable[tuple[str, int]], known: Known) -> str:
    names = known.pool_names()
    return "、".join(f"{labels.pool(scope, names)} {seats}" for scope, seats in found)


# --- writing ----------------------------------------------------------------------------------------------------


def _apply(session: Session, actor: Actor | None, term: Term, steps: Iterable[Step], now: datetime) -> None:
    assert actor is not None  # somebody of the school answers for what it offers
    made: dict[str, Course] = {}
    for step in sorted(steps, key=lambda step: step.one.line):
        course = step.course or made.get(step.one.code)
        if course is None:
            said = {"school_id": term.school_id, "code": step.one.code, "teacher_ids": [], **step.of_course}
            course = services.create_course(session, actor, schemas.CourseIn().load(_plain(said)))
            made[step.one.code] = course
        elif step.of_course:
            services.update_course(session, actor, course, step.of_course)
        if step.offering is None:
            services.create_offering(session, actor, course, _new(session, step, course, term, now))
        elif step.of_offering:
            services.update_offering(session, actor, step.offering, step.of_offering)


def _plain(said: dict[str, Any]) -> dict[str, Any]:
    return {name: float(value) if name == "credits" else value for name, value in said.items()}


def _new(session: Session, step: Step, course: Course, term: Term, now: datetime) -> dict[str, Any]:
    """A draft that follows its cluster's term plan; without one open to enrol for two weeks (or to the end of teaching)
    until its teacher says otherwise."""
    said = {"term_id": term.id, "code": step.one.class_code, "meetings": [], **step.of_offering}
    if hooks.plan_of(session, course, term) is None:
        until = min(now + OPEN_FOR, services.teaching_ends(term))
        opens = min(now, until - timedelta(days=1))
        said |= {"enrol_from": opens.isoformat(), "enrol_until": until.isoformat()}
    data: dict[str, Any] = schemas.OfferingIn().load(said)
    return data


# --- as the importer knows it -----------------------------------------------------------------------------------


def _terms(session: Session, school_id: int) -> Sequence[tuple[str, str]]:
    """Terms in which there is still teaching, the current one first."""
    coming = [t for t in calendar.terms_of(session, school_id) if services.teaching_ends(t) > clock.now()]
    return [(calendars.term_name(term), labels.term(term)) for term in reversed(coming)]


def _make(handed: Handed) -> Import:
    return offering_import(handed.school_id, handed.params.get("term", ""))


OFFERINGS = ImportKind(
    "offerings", _l("教学班"),
    _l("教务系统导出的开课表，每行一个教学班；新的存为草稿，已有的更新。面向学校可写名额，如“某大学:20、某学院:10”"),
    _make, allow, "offering.import",
    labels={
        "code": _l("课程代码"), "title": _l("课程名称"), "credits": _l("学分"), "hours": _l("学时"),
        "category": _l("课程类别"), "delivery": _l("授课方式"), "class_code": _l("教学班号"),
        "teacher_number": _l("教师工号"), "time": _l("上课时间"), "room": _l("教室"), "seats": _l("容量"),
        "minimum": _l("开课人数下限"),
        "schools": _l("面向学校"),
    },
    words={"category": labels.CATEGORY, "delivery": labels.DELIVERY},
    params=(ImportParam("term", _l("学期"), _terms),),
)  # fmt: skip
