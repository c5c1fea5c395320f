"""Reading adjustments: of one offering, of a school, and who took over from whom."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from courses.adjustments import rules, timing
from courses.adjustments.models import Adjustment
from courses.adjustments.permissions import allow
from courses.catalogue import queries as catalogue
from courses.catalogue.models import Course, CourseTeacher, Offering
from courses.catalogue.timing import TYPE as OFFERING
from zutuan.calendar import calendars
from zutuan.calendar.models import Occurrence
from zutuan.calendar.plan import expand
from zutuan.db import found_once
from zutuan.errors import Denial, Hidden, NotFound
from zutuan.paging import Key, Page, fetch_page, moment
from zutuan.people.models import Affiliation, Person
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import SharedItem
from zutuan.sharing.permissions import Subject
from zutuan.waiting import Waiting

MOST = 2000  # colleagues to choose among


def staff(offering: Offering) -> frozenset[int]:
    return frozenset(each.person_id for each in offering.course.staff)


def subject_of(offering: Offering) -> Subject:
    """What may be asked of an offering, as the permission table sees it."""
    course = catalogue.subject(offering.course)
    return Subject("offering", offering.id, places={"host": course.places["owner"]}, persons=course.persons)


def subject(value: Adjustment) -> Subject:
    of_it = subject_of(value.offering)
    persons = {
        **of_it.persons,
        "asker": frozenset({value.asked_by} if value.asked_by else ()),
        "substitute": frozenset({value.substitute_id} if value.substitute_id and value.state == "approved" else ()),
    }
    return Subject("adjustment", value.id, places=of_it.places, persons=persons)


_PEOPLE = tuple(
    joinedload(column).load_only(Person.name)
    for column in (Adjustment.substitute, Adjustment.asker, Adjustment.decider)
)
_COURSE = joinedload(Adjustment.offering).joinedload(Offering.course)
_TERM = joinedload(Adjustment.offering).joinedload(Offering.term)
_TITLES = (SharedItem.title_zh, SharedItem.title_en, SharedItem.owner_school_id, SharedItem.version)
_ROW = (*_PEOPLE, _COURSE.joinedload(Course.item).load_only(*_TITLES), _TERM)
_WHOLE = (*_ROW, _COURSE.selectinload(Course.staff).joinedload(CourseTeacher.person).load_only(Person.name))


def view(session: Session, actor: Actor, adjustment_id: int, action: str = "adjustment.read") -> Adjustment:
    """The request, or 404 for whoever has nothing to do with it. Who sees the offering sees what was approved of it."""
    found = session.scalar(sa.select(Adjustment).where(Adjustment.id == adjustment_id).options(*_WHOLE))
    if found is None:
        raise NotFound
    if allow.may(actor, "adjustment.read", subject(found)):
        return found
    if found.state != "approved" or not _sees(session, actor, found.offering_id):
        raise Hidden(Denial(action, "adjustment", adjustment_id))
    return found


def _sees(session: Session, actor: Actor, offering_id: int) -> bool:
    try:
        catalogue.view_offering(session, actor, offering_id)
    except NotFound:
        return False
    return True


def of_offering(session: Session, actor: Actor, offering: Offering) -> list[Adjustment]:
    """In the order of their meetings: all of them for who runs the class, for the others those that stand."""
    whole = allow.may(actor, "adjustment.read", subject_of(offering))
    found = _all_of(session, offering.id)
    return [each for each in found if whole or each.state == "approved"]


def _all_of(session: Session, offering_id: int) -> list[Adjustment]:
    a = Adjustment
    query = sa.select(a).where(a.offering_id == offering_id).options(*_PEOPLE)
    order = sa.func.coalesce(a.was_starts, a.starts)
    return found_once(session, ("adjustments", offering_id), lambda: list(session.scalars(query.order_by(order, a.id))))


def of_schools(session: Session, actor: Actor, query: dict[str, Any]) -> Page:
    """Those of the schools the actor works for, the oldest first while they wait, else the latest first."""
    found = _mine(actor).options(*_WHOLE)
    if query.get("state"):
        found = found.where(Adjustment.state == query["state"])
    if query.get("kind"):
        found = found.where(Adjustment.kind == query["kind"])
    waits = query.get("state") == "asked"
    keys = [Key(Adjustment.asked_at, decode=moment, descending=not waits), Key(Adjustment.id, descending=not waits)]
    return fetch_page(session, found, keys, query["cursor"], query["limit"])


def _mine(actor: Actor, action: str = "adjustment.list") -> sa.Select[Adjustment]:
    found = sa.select(Adjustment).join(Offering, Offering.id == Adjustment.offering_id)
    found = found.join(Course, Course.id == Offering.course_id)
    return found.where(allow.clause(actor, action, {"host": (Course.school_id, Course.department_id)}))


def _asked(actor: Actor) -> sa.Select[Any]:
    mine: Any = _mine(actor, "adjustment.decide").where(Adjustment.state == "asked")
    return mine.with_only_columns(sa.func.count(), sa.func.min(Adjustment.asked_at))


# Those that wait for the actor's word.
WAITING = Waiting("adjustments", lambda actor: bool(allow.schools(actor, "adjustment.decide")), _asked)


def made_up(session: Session, value: Adjustment) -> bool:
    """Whether something is asked or decided to make up for the meeting that this one calls off."""
    a = Adjustment
    query = sa.select(a.id).where(a.offering_id == value.offering_id, a.kind == "make_up", a.state.in_(rules.LIVE))
    same = query.where(a.week == value.week, a.weekday == value.weekday, a.period == value.period)
    return value.kind == "cancel" and session.scalar(same.limit(1)) is not None


# --- the meetings of an offering --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One meeting of the pattern: where the book has it, and what is asked or decided of it."""

    week: int
    weekday: int
    period: int
    starts: datetime | None
    ends: datetime | None
    held: bool
    adjustment: Adjustment | None = None
    made_up: Adjustment | None = None


def lines(session: Session, offering: Offering, found: Sequence[Adjustment]) -> list[Line]:
    """Every meeting of the offering's pattern, those that the calendar leaves no place for too."""
    o, live = Occurrence, [each for each in found if each.state in rules.LIVE]
    query = sa.select(o).where(o.source_type == OFFERING, o.source_id == offering.id)
    rows = {(row.week, row.weekday, row.period): row for row in session.scalars(query)}
    about = {each.key: each for each in live if each.kind != "make_up"}
    ups = {each.key: each for each in live if each.kind == "make_up"}
    made = [
        Line(*key, row.starts, row.ends, row.state == "active", about.get(key), ups.get(key))
        for key, row in rows.items()
    ]
    here = calendars.of_term(session, offering.term, offering.grade)
    lost = expand([timing.as_pattern(each) for each in offering.meetings], here).lost
    keys = [(each.week, each.weekday, each.period) for each in lost]
    made += [Line(*key, None, None, False, None, ups.get(key)) for key in keys if key not in rows]
    return sorted(made, key=lambda each: (each.week, each.weekday, each.period))


# --- who taught -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StoodIn:
    """A meeting that somebody else teaches: `periods` of it, in [starts, ends)."""

    offering_id: int
    person_id: int
    starts: datetime
    ends: datetime
    periods: int
    asked_by: int | None = None

    def instead_of(self, person_id: int, teachers: frozenset[int]) -> bool:
        return person_id in rules.replaced(self.asked_by, teachers)


_STANDS_IN = sa.and_(Adjustment.state == "approved", Adjustment.substitute_id.is_not(None))
_ITS_TIME = sa.and_(
    Occurrence.resource_type == timing.TYPE, Occurrence.resource_id == Adjustment.id, Occurrence.state == "active"
)


def stood_in(session: Session, offerings: Collection[int]) -> list[StoodIn]:
    """The meetings of these offerings that a substitute teaches: they count as that person's workload, not of those
    whom they stand in for."""
    o, a = Occurrence, Adjustment
    query = sa.select(a, a.substitute_id, o.starts, o.ends).join(o, _ITS_TIME)
    query = query.where(a.offering_id.in_(offerings), _STANDS_IN)
    found = []
    for each, person, starts, ends in session.execute(query.order_by(o.starts)):
        first, last = (each.first, each.last) if each.first else (each.period, each.last_period)
        periods = (last or 0) - (first or 0) + 1 if first else 0
        found.append(StoodIn(each.offering_id, person or 0, starts, ends, periods, each.asked_by))
    return found


def stood_in_by(person_id: int, now: datetime) -> sa.Select[int]:
    """The offerings of which the person has held a meeting in a teacher's stead."""
    over = sa.select(Adjustment.offering_id).join(Occurrence, _ITS_TIME)
    return over.where(_STANDS_IN, Adjustment.substitute_id == person_id, Occurrence.ends <= now)


def stand_ins(session: Session, offering_id: int, now: datetime) -> list[Person]:
    """Those who have held a meeting of the offering in a teacher's stead."""
    who = sa.select(Adjustment.substitute_id).join(Occurrence, _ITS_TIME)
    who = who.where(Adjustment.offering_id == offering_id, _STANDS_IN, Occurrence.ends <= now)
    return list(session.scalars(sa.select(Person).where(Person.id.in_(who)).order_by(Person.id)))


def colleagues(session: Session, offering: Offering, now: datetime) -> list[tuple[str, str]]:
    """(学工号, name) of the host school's teachers who do not teach the course: who may stand in."""
    a = Affiliation
    query = sa.select(a.number, Person.name).join(Person, Person.id == a.person_id)
    query = query.where(a.school_id == offering.course.school_id, a.kind == "teacher", a.open_at(now))
    others = query.where(a.person_id.not_in(sorted(staff(offering))), Person.state == "active", a.number != "")
    return [(number, name) for number, name in session.execute(others.order_by(a.number).limit(MOST))]
