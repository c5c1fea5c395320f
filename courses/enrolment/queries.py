"""Reading enrolments: mine, my school's, an offering's."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, object_session, selectinload

from courses.catalogue import queries as catalogue
from courses.catalogue.models import Course, CourseTeacher, Offering
from courses.enrolment import rules
from courses.enrolment.models import Enrolment, EnrolmentEvent
from courses.enrolment.permissions import allow
from courses.enrolment.rules import Tracks
from zutuan.calendar.models import Occurrence
from zutuan.clock import local
from zutuan.errors import Denial, Hidden, NotFound
from zutuan.paging import Key, Page, Query, fetch_page, like, moment
from zutuan.people.models import Affiliation, Person
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import SharedItem
from zutuan.sharing.permissions import Place, Subject


def tracks(enrolment: Enrolment) -> Tracks:
    return Tracks(enrolment.home_state, enrolment.host_state)


def combined(enrolment: Enrolment) -> str:
    return rules.combined(tracks(enrolment))


def subject(enrolment: Enrolment) -> Subject:
    """The enrolment as the permission table sees it."""
    course = enrolment.offering.course
    return Subject(
        "enrolment",
        enrolment.id,
        places={
            "home": Place(enrolment.home_school_id, enrolment.home_department_id),
            "host": Place(enrolment.host_school_id, course.department_id),
        },
        persons={
            "self": frozenset({enrolment.person_id}),
            "staff": frozenset(each.person_id for each in course.staff),
        },
    )


_OFFERING = joinedload(Enrolment.offering)
_COURSE = _OFFERING.joinedload(Offering.course)
_TITLES = (SharedItem.title_zh, SharedItem.title_en, SharedItem.owner_school_id, SharedItem.version)

# What a row of a list shows. Schools are few and shared by many rows: a statement of their own costs less than joins.
_ROW = (
    _COURSE.joinedload(Course.item).load_only(*_TITLES),
    _COURSE.load_only(Course.code, Course.credits, Course.school_id),
    joinedload(Enrolment.person).load_only(Person.name, Person.demonstration),
    joinedload(Enrolment.affiliation),
    selectinload(Enrolment.home_school),
    selectinload(Enrolment.host_school),
)
_STORY = selectinload(Enrolment.events).joinedload(EnrolmentEvent.actor).load_only(Person.name)
_MEETINGS = _OFFERING.selectinload(Offering.meetings)


def _whole() -> list[Any]:
    """Everything the page of one enrolment shows."""
    staff = _COURSE.selectinload(Course.staff).joinedload(CourseTeacher.person).load_only(Person.name)
    return [*_ROW, _STORY, _MEETINGS, _OFFERING.joinedload(Offering.term), staff]


def view_enrolment(session: Session, actor: Actor, enrolment_id: int) -> Enrolment:
    """The enrolment, or 404 for whoever has nothing to do with it."""
    enrolment = session.scalar(sa.select(Enrolment).where(Enrolment.id == enrolment_id).options(*_whole()))
    if enrolment is None:
        raise NotFound
    if not allow.may(actor, "enrolment.read", subject(enrolment)):
        raise Hidden(Denial("enrolment.read", "enrolment", enrolment_id))
    return enrolment


def still_readable(session: Session, actor: Actor, enrolment: Enrolment) -> bool:
    """Whether the offering of this enrolment can be opened by the actor now."""
    try:
        catalogue.view_offering(session, actor, enrolment.offering_id)
    except NotFound:
        return False
    return True


def active_in(session: Session, person_id: int, offering_id: int) -> Enrolment | None:
    """The student's last try in the offering, the active one before all."""
    query = sa.select(Enrolment.id).where(Enrolment.person_id == person_id, Enrolment.offering_id == offering_id)
    order = (sa.case((Enrolment.active(), 0), else_=1), Enrolment.id.desc())
    last = session.scalar(query.order_by(*order).limit(1))
    return session.get(Enrolment, last, options=_whole()) if last is not None else None


_STATE_CLAUSES: dict[str, Any] = {
    # what waits for the home school's word, and for the host's
    "pending": sa.and_(Enrolment.home_state == "pending", Enrolment.host_state.in_(("pending", "accepted"))),
    "requested": sa.and_(Enrolment.host_state == "pending", Enrolment.home_state.in_(("pending", "accepted"))),
    "waitlisted": sa.and_(Enrolment.active(), Enrolment.host_state == "queued"),
    "offered": sa.and_(Enrolment.active(), Enrolment.host_state == "offered"),
    "enrolled": sa.and_(Enrolment.home_state == "accepted", Enrolment.host_state.in_(("accepted", "completed"))),
    "active": Enrolment.active(),
    "over": sa.not_(Enrolment.active()),
    # 学籍异动: who has left or is on leave, and still holds a seat
    "standing": sa.and_(Enrolment.holds_seat(), Enrolment.affiliation.has(Affiliation.standing != "active")),
    **{state: sa.or_(Enrolment.home_state == state, Enrolment.host_state == state) for state in rules.FREEING},
}
STATES = tuple(_STATE_CLAUSES)


def mine(session: Session, actor: Actor, query: dict[str, Any]) -> Page:
    """The actor's own enrolments, newest first."""
    found = sa.select(Enrolment).where(Enrolment.person_id == actor.person_id)
    return _page(session, found, query, [Key(Enrolment.id, descending=True)], (_STORY, _MEETINGS))


def recent(session: Session, actor: Actor, limit: int) -> list[Enrolment]:
    """The actor's latest enrolments, for the workbench."""
    query = sa.select(Enrolment).where(Enrolment.person_id == actor.person_id).options(*_ROW, _STORY)
    return list(session.scalars(query.order_by(Enrolment.id.desc()).limit(limit)))


def of_school(session: Session, actor: Actor, query: dict[str, Any], *, story: bool = False) -> Page:
    """Outgoing (`side` home) or incoming (host) enrolments of the schools the actor works for, oldest first."""
    order = [Key(Enrolment.created_at, decode=moment), Key(Enrolment.id)]
    return _page(session, _of_side(actor, query["side"]), query, order, (_STORY,) if story else ())


def _of_side(actor: Actor, side: str) -> sa.Select[Enrolment]:
    if side == "host":
        found = sa.select(Enrolment).join(Offering, Offering.id == Enrolment.offering_id)
        found = found.join(Course, Course.id == Offering.course_id)
        columns = {"host": (Enrolment.host_school_id, Course.department_id)}
        return found.where(allow.clause(actor, "enrolment.list_host", columns))
    columns = {"home": (Enrolment.home_school_id, Enrolment.home_department_id)}
    return sa.select(Enrolment).where(allow.clause(actor, "enrolment.list_home", columns))


def roster(session: Session, offering_id: int, query: dict[str, Any], *, story: bool = False) -> Page:
    """Who holds a seat in the offering, in the order they took it."""
    found = sa.select(Enrolment).where(Enrolment.offering_id == offering_id)
    return _page(session, found, query, [Key(Enrolment.id)], (_STORY,) if story else ())


def _page(session: Session, found: Query, query: dict[str, Any], order: list[Key], more: tuple[Any, ...] = ()) -> Page:
    if query.get("state"):
        found = found.where(_STATE_CLAUSES[query["state"]])
    if query.get("q"):
        found = found.where(_matches(query["q"]))
    return fetch_page(session, found.options(*_ROW, *more), order, query["cursor"], query["limit"])


def _matches(text: str) -> sa.ColumnElement[bool]:
    """The words in the student's name or number, or the course's title."""
    pattern = like(text)
    taken = Enrolment.offering.has(
        Offering.course.has(Course.item.has(SharedItem.title_zh.ilike(pattern, escape="\\")))
    )
    return sa.or_(
        Enrolment.person.has(Person.name.ilike(pattern, escape="\\")),
        Enrolment.affiliation.has(Affiliation.number.ilike(pattern, escape="\\")),
        taken,
    )


def waiting(session: Session, actor: Actor) -> tuple[int, datetime | None]:
    """How many approvals wait for the actor, and since when the oldest does."""
    columns = {"home": (Enrolment.home_school_id, Enrolment.home_department_id)}
    query = sa.select(sa.func.count(), sa.func.min(Enrolment.created_at)).where(_STATE_CLAUSES["pending"])
    known = session.info.setdefault("waiting", {})  # navigation and page ask in the same request
    if actor.person_id not in known:
        known[actor.person_id] = session.execute(query.where(allow.clause(actor, "enrolment.approve", columns))).one()
    count, since = known[actor.person_id]
    return count, since


def out_of_standing(session: Session, actor: Actor) -> int:
    """How many seats the actor's students hold who are no longer 在读."""
    columns = {"home": (Enrolment.home_school_id, Enrolment.home_department_id)}
    query = sa.select(sa.func.count()).select_from(Enrolment).where(_STATE_CLAUSES["standing"])
    return session.scalar(query.where(allow.clause(actor, "enrolment.approve", columns))) or 0


def days_held(enrolment: Enrolment) -> list[date]:
    """The day of each meeting of the offering, as the book has them: holidays left out, swapped days where they are."""
    session = object_session(enrolment)
    assert session is not None
    known: dict[int, list[date]] = session.info.setdefault("days_held", {})  # both lanes of a page ask
    if enrolment.offering_id not in known:
        o = Occurrence
        own = sa.and_(o.resource_type == "offering", o.resource_id == enrolment.offering_id, o.state == "active")
        found = session.scalars(sa.select(o.starts).where(own, o.source_type == "offering").order_by(o.starts))
        known[enrolment.offering_id] = [local(starts).date() for starts in found]
    return known[enrolment.offering_id]


def offerings(session: Session, ids: Collection[int]) -> dict[int, Offering]:
    """These offerings, each with its course's names."""
    query = sa.select(Offering).where(Offering.id.in_(ids))
    course = joinedload(Offering.course).joinedload(Course.item).load_only(*_TITLES)
    return {each.id: each for each in session.scalars(query.options(course))} if ids else {}


def busy_between(session: Session, actor: Actor, starts: datetime, ends: datetime) -> list[tuple[Occurrence, Offering]]:
    """What the actor attends or teaches in that time, from the book."""
    attends = sa.select(Enrolment.offering_id).where(Enrolment.person_id == actor.person_id, Enrolment.holds_seat())
    teaches = (
        sa.select(Offering.id)
        .join(Course, Course.id == Offering.course_id)
        .join(SharedItem, SharedItem.id == Course.id)
        .where(catalogue.taught_by(actor), Offering.state == "published", SharedItem.state == "published")
    )
    o = Occurrence
    course = joinedload(Offering.course).joinedload(Course.item).joinedload(SharedItem.owner)
    query = (
        sa.select(o, Offering)
        .join(Offering, o.resource_id == Offering.id)
        .where(o.resource_type == "offering", o.resource_id.in_(sa.union(attends, teaches)))
        .where(o.state == "active", o.starts < ends, o.ends > starts)
        .order_by(o.starts)
        .options(course)
    )
    return [(occurrence, offering) for occurrence, offering in session.execute(query)]
