"""Reading enrolments: mine, my school's, an offering's."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, joinedload, object_session, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from courses.catalogue import dates
from courses.catalogue import queries as catalogue
from courses.catalogue.models import Course, CourseTeacher, Offering, SeatPool
from courses.enrolment import facts, rules
from courses.enrolment.models import Enrolment, EnrolmentEvent
from courses.enrolment.permissions import allow
from courses.enrolment.rules import Pool, Tracks
from zutuan.calendar import sources
from zutuan.calendar.models import Occurrence, Term
from zutuan.clock import local
from zutuan.clusters.models import Department, School
from zutuan.db import found_once, padded
from zutuan.errors import Denial, Hidden, NotFound
from zutuan.paging import Key, Page, Query, fetch_page, like, moment
from zutuan.people.models import Affiliation, Person, RoleAssignment
from zutuan.sharing import services as sharing
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import SharedItem
from zutuan.sharing.permissions import Place, Subject
from zutuan.waiting import Waiting
from zutuan.web.texts import english

MOST_CHOICES = 300
EXAM = dates.TYPES["exam"]


def tracks(enrolment: Enrolment) -> Tracks:
    return Tracks(enrolment.home_state, enrolment.host_state)


def combined(enrolment: Enrolment) -> str:
    return rules.combined(tracks(enrolment))


def subject(enrolment: Enrolment) -> Subject:
    """The enrolment as the permission table sees it."""
    course = enrolment.offering.course
    staff = frozenset(each.person_id for each in course.staff)
    asks = enrolment.offering.seats_by == "choice" and enrolment.host_state == "pending"
    return Subject(
        "enrolment",
        enrolment.id,
        places={
            "home": Place(enrolment.home_school_id, enrolment.home_department_id),
            "host": Place(enrolment.host_school_id, course.department_id),
        },
        persons={
            "self": frozenset({enrolment.person_id}),
            "staff": staff,
            "chooser": staff if asks else frozenset(),
        },
    )


_OFFERING = joinedload(Enrolment.offering)
_COURSE = _OFFERING.joinedload(Offering.course)
_TITLES = (SharedItem.title_zh, SharedItem.title_en, SharedItem.owner_school_id, SharedItem.version)

# What a row of a list shows, beside its schools (`_with_schools`).
_ROW = (
    _COURSE.joinedload(Course.item).load_only(*_TITLES),
    _COURSE.load_only(Course.code, Course.credits, Course.delivery, Course.school_id, Course.department_id),
    joinedload(Enrolment.person).load_only(Person.name, Person.demonstration),
    joinedload(Enrolment.affiliation),
    joinedload(Enrolment.recognition),
)
_SCHOOLS = (joinedload(Enrolment.home_school), joinedload(Enrolment.host_school))
_STORY = selectinload(Enrolment.events).joinedload(EnrolmentEvent.actor).load_only(Person.name)
_MEETINGS = _OFFERING.selectinload(Offering.meetings)
# what the permission table asks of a row, and its term
_DECIDING = (_COURSE.selectinload(Course.staff), _OFFERING.joinedload(Offering.term))


_LIVING_FIRST = (sa.case((Enrolment.active(), 0), else_=1), Enrolment.id.desc())


def _whole() -> list[Any]:
    """Everything the page of one enrolment shows."""
    staff = _COURSE.selectinload(Course.staff).joinedload(CourseTeacher.person).load_only(Person.name)
    return [*_ROW, *_SCHOOLS, _STORY, _MEETINGS, _OFFERING.joinedload(Offering.term), staff]


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
    query = sa.select(Enrolment).where(Enrolment.person_id == person_id, Enrolment.offering_id == offering_id)
    return session.scalars(query.order_by(*_LIVING_FIRST).limit(1).options(*_whole())).first()


_STATE_CLAUSES: dict[str, Any] = {
    # what waits for the home school's word, and for the host's
    "pending": sa.and_(Enrolment.home_state == "pending", Enrolment.host_state.in_(("pending", "accepted"))),
    "requested": sa.and_(Enrolment.host_state == "pending", Enrolment.home_state.in_(("pending", "accepted"))),
    "waitlisted": sa.and_(Enrolment.active(), Enrolment.host_state == "queued"),
    "offered": sa.and_(Enrolment.active(), Enrolment.host_state == "offered"),
    "enrolled": sa.and_(Enrolment.home_state == "accepted", Enrolment.host_state.in_(("accepted", "completed"))),
    # who is taught: on the roster now, or through with it
    "attending": sa.and_(
        Enrolment.home_state.in_(("accepted", "completed")), Enrolment.host_state.in_(("accepted", "completed"))
    ),
    "active": Enrolment.active(),
    "over": sa.not_(Enrolment.active()),
    # 学籍异动: who has left or is on leave, and still holds a seat
    "standing": sa.and_(Enrolment.holds_seat(), Enrolment.affiliation.has(Affiliation.standing != "active")),
    **{state: sa.or_(Enrolment.home_state == state, Enrolment.host_state == state) for state in rules.FREEING},
}
STATES = tuple(_STATE_CLAUSES)
_AT_HOME = sa.and_(_STATE_CLAUSES["pending"], sa.not_(Enrolment.returned))
_FIRST_HOME = sa.and_(Enrolment.home_steps == 2, Enrolment.home_step == 0)
_FIRST_HOST = sa.and_(Enrolment.host_steps == 2, Enrolment.host_step == 0)
_CHOSEN = sa.and_(Offering.seats_by == "choice", _STATE_CLAUSES["requested"])
_AT_HOST = sa.and_(_STATE_CLAUSES["requested"], Offering.seats_by != "choice")
# side → step → what waits there (with Offering joined)
STEPS: dict[str, dict[str, Any]] = {
    "home": {
        "department": sa.and_(_AT_HOME, _FIRST_HOME),
        "registrar": sa.and_(_AT_HOME, sa.not_(_FIRST_HOME)),
        "returned": sa.and_(_STATE_CLAUSES["pending"], Enrolment.returned),
    },
    "host": {
        "department": sa.and_(_AT_HOST, _FIRST_HOST),
        "registrar": sa.and_(_AT_HOST, sa.not_(_FIRST_HOST)),
        "teacher": _CHOSEN,
    },
}
STEP_NAMES = ("department", "registrar", "returned", "teacher")


def mine(session: Session, actor: Actor, query: dict[str, Any]) -> Page:
    """The actor's own enrolments, newest first."""
    found = sa.select(Enrolment).where(Enrolment.person_id == actor.person_id)
    return _page(session, found, query, [Key(Enrolment.id, descending=True)], (_STORY, _MEETINGS))


def recent(session: Session, actor: Actor, limit: int) -> list[Enrolment]:
    """The actor's latest enrolments, the living ones first, for the workbench."""
    query = sa.select(Enrolment).where(Enrolment.person_id == actor.person_id).options(*_ROW, _STORY)
    return _with_schools(session, session.scalars(query.order_by(*_LIVING_FIRST).limit(limit)))


def of_school(
    session: Session, actor: Actor, query: dict[str, Any], *, story: bool = False, deciding: bool = False
) -> Page:
    """Outgoing (`side` home) or incoming (host) enrolments of the schools the actor works for, oldest first."""
    order = [Key(Enrolment.created_at, decode=moment), Key(Enrolment.id)]
    found = _of_side(actor, query["side"])
    for clause in _narrowing(actor, query):
        found = found.where(clause)
    more = (*((_STORY,) if story else ()), *(_DECIDING if deciding else ()))
    return _page(session, found, query, order, more)


def whole_of_school(session: Session, actor: Actor, query: dict[str, Any]) -> list[Enrolment]:
    """The same without pages, for a workbook: with the student's department, the term and who teaches."""
    found = _filtered(_of_side(actor, query["side"]), query)
    for clause in _narrowing(actor, query):
        found = found.where(clause)
    department = joinedload(Enrolment.affiliation).joinedload(Affiliation.department)
    staff = _COURSE.selectinload(Course.staff).joinedload(CourseTeacher.person).load_only(Person.name)
    more = (department, staff, _OFFERING.joinedload(Offering.term), joinedload(Enrolment.recognition))
    return _with_schools(
        session, session.scalars(found.order_by(Enrolment.created_at, Enrolment.id).options(*_ROW, *more))
    )


def terms_of_school(session: Session, actor: Actor, side: str) -> list[tuple[str, int]]:
    """(academic year, number) of the terms of that side's enrolments, the latest first."""
    terms: Any = _of_side(actor, side).join(Term, Term.id == Offering.term_id)
    terms = terms.with_only_columns(Term.academic_year, Term.number).distinct()
    return [
        (year, number)
        for year, number in session.execute(terms.order_by(Term.academic_year.desc(), Term.number.desc()))
    ]


def _of_side(actor: Actor, side: str) -> sa.Select[Enrolment]:
    found = sa.select(Enrolment).join(Offering, Offering.id == Enrolment.offering_id)
    found = found.join(Course, Course.id == Offering.course_id)
    return found.where(allow.clause(actor, f"enrolment.list_{side}", _columns(side)))


def _narrowing(actor: Actor, query: dict[str, Any]) -> list[sa.ColumnElement[bool]]:
    """The approval centre's filters beside state and words."""
    side, clauses = query["side"], []
    if query.get("mine"):
        clauses.append(for_me(actor, side))
    if query.get("step"):
        clauses.append(STEPS[side].get(query["step"], sa.false()))
    if query.get("course_id"):
        clauses.append(Offering.course_id == query["course_id"])
    if query.get("term"):
        year, _dot, number = query["term"].partition(".")
        clauses.append(Offering.term.has(sa.and_(Term.academic_year == year, Term.number == int(number))))
    if query.get("department_id"):
        clauses.append(_columns(side)[side][1] == query["department_id"])
    return clauses


def choices(session: Session, actor: Actor, side: str) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """(courses, departments) among which the actor's list of that side may be narrowed."""
    mine: Any = _of_side(actor, side)
    titles = mine.join(SharedItem, SharedItem.id == Course.id)
    titles = titles.with_only_columns(sa.literal(0), SharedItem.id, SharedItem.title_zh, SharedItem.title_en).distinct()
    named = mine.join(Department, Department.id == _columns(side)[side][1])
    named = named.with_only_columns(sa.literal(1), Department.id, Department.name, sa.literal("")).distinct()
    both = sa.union_all(titles, named).subquery("both").c
    found = session.execute(sa.select(*both).order_by(both[0], both[1])).all()
    courses = [(id_, (english() and en) or zh) for kind, id_, zh, en in found if kind == 0]
    return courses[:MOST_CHOICES], [(id_, name) for kind, id_, name, _en in found if kind == 1]


def roster(session: Session, offering_id: int, query: dict[str, Any], *, story: bool = False) -> Page:
    """Who holds a seat in the offering, in the order they took it."""
    found = sa.select(Enrolment).where(Enrolment.offering_id == offering_id)
    return _page(session, found, query, [Key(Enrolment.id)], (_STORY,) if story else ())


def whole_roster(session: Session, offering_id: int, query: dict[str, Any]) -> list[Enrolment]:
    """The same without pages, for a workbook."""
    found = _filtered(sa.select(Enrolment).where(Enrolment.offering_id == offering_id), query)
    department = joinedload(Enrolment.affiliation).joinedload(Affiliation.department)
    return _with_schools(session, session.scalars(found.order_by(Enrolment.id).options(*_ROW, department)))


def roster_counts(session: Session, offering_id: int) -> dict[str, int]:
    """How many are on the roster in each of the states that its reader acts on."""
    names = ("enrolled", "pending", "requested", "waitlisted", "offered")
    columns = [sa.func.count(sa.case((_STATE_CLAUSES[name], 1))).label(name) for name in names]
    row = session.execute(sa.select(*columns).where(Enrolment.offering_id == offering_id)).one()
    return {name: count for name, count in zip(names, row, strict=True)}


def queue_places(session: Session, offering: Offering, now: datetime) -> dict[int, tuple[int, int]]:
    """Enrolment → (place, how many wait for the same seats), as each student who waits sees it."""
    return rules.places_in_queue(_queue(session, offering, now))


def queue_pools(session: Session, offering: Offering, now: datetime) -> dict[int, list[SeatPool]]:
    """Enrolment → the seats that it waits for, where the class keeps several kinds."""
    if len(offering.pools) < 2:
        return {}
    waits = _queue(session, offering, now)
    return {id_: [pool for pool in offering.pools if pool.id in mine and pool.capacity] for id_, mine in waits}


def _queue(session: Session, offering: Offering, now: datetime) -> list[tuple[int, frozenset[int]]]:
    """Who waits, in order, each with the pools whose seats they could have."""
    return found_once(
        session, ("queue", offering.id, now), lambda: wants(session, offering.id, facts.pools(offering), now)
    )


def wants(session: Session, offering_id: int, pools: Iterable[Pool], now: datetime) -> list[tuple[int, frozenset[int]]]:
    """The same of any offering's pools, whatever was read before."""
    e = Enrolment
    waits = sa.select(e.id, e.home_school_id).where(e.offering_id == offering_id, _STATE_CLAUSES["waitlisted"])
    rows = session.execute(waits.order_by(e.id)).tuples().all()
    schools = sharing.clusters_of_each(session, {school for _id, school in rows}, now) if rows else {}
    kept = list(pools)
    of = {
        school: frozenset(each.id for each in rules.pools_for(kept, facts.school_scopes(school, clusters)))
        for school, clusters in schools.items()
    }
    return [(id_, of[school]) for id_, school in rows]


@dataclass(frozen=True)
class Change:
    """换班: the other enrolment of a student who goes over from one class of a course to another, and its class; `leaves`:
    it is the one that is to be given up."""

    enrolment_id: int
    offering_id: int
    code: str
    leaves: bool


def changes_of_class(session: Session, ids: Collection[int]) -> dict[int, Change]:
    """Enrolment → what it would replace, or what would replace it, while both stand."""
    new, old, to, from_ = aliased(Enrolment), aliased(Enrolment), aliased(Offering), aliased(Offering)
    standing = [side.not_in(rules.FREEING) for each in (new, old) for side in (each.home_state, each.host_state)]
    query = (
        sa.select(new.id, to.id, to.code, old.id, from_.id, from_.code)
        .join(old, old.id == new.replaces_id)
        .join(to, to.id == new.offering_id)
        .join(from_, from_.id == old.offering_id)
        .where(*standing, sa.or_(new.id.in_(padded(list(ids))), new.replaces_id.in_(padded(list(ids)))))
    )
    found: dict[int, Change] = {}
    for new_id, to_id, to_code, old_id, from_id, from_code in session.execute(query):
        found[new_id] = Change(old_id, from_id, from_code, leaves=True)
        found[old_id] = Change(new_id, to_id, to_code, leaves=False)
    return found


def _page(session: Session, found: Query, query: dict[str, Any], order: list[Key], more: tuple[Any, ...] = ()) -> Page:
    page = fetch_page(session, _filtered(found, query).options(*_ROW, *more), order, query["cursor"], query["limit"])
    _with_schools(session, page.items)
    return page


def _with_schools(session: Session, rows: Iterable[Enrolment]) -> list[Enrolment]:
    """Schools are few and shared by many rows, as home and as host: one statement of their own costs less than joins."""
    found = list(rows)
    ids = {id_ for each in found for id_ in (each.home_school_id, each.host_school_id)}
    schools = {each.id: each for each in session.scalars(sa.select(School).where(School.id.in_(ids)))} if ids else {}
    for each in found:
        set_committed_value(each, "home_school", schools[each.home_school_id])
        set_committed_value(each, "host_school", schools[each.host_school_id])
    return found


def _filtered(found: Query, query: dict[str, Any]) -> Query:
    if query.get("state"):
        found = found.where(_STATE_CLAUSES[query["state"]])
    if query.get("q"):
        found = found.where(_matches(query["q"]))
    return found


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


def _waiting(actor: Actor) -> Any:
    query = sa.select(sa.func.count(), sa.func.min(Enrolment.created_at)).select_from(Enrolment)
    query = query.join(Offering, Offering.id == Enrolment.offering_id).join(Course, Course.id == Offering.course_id)
    return query.where(sa.or_(for_me(actor, "home"), for_me(actor, "host")))


# Approvals that wait for the actor's word.
WAITING = Waiting("enrolments", lambda actor: bool(allow.schools(actor, "enrolment.review")), _waiting)


def for_me(actor: Actor, side: str) -> sa.ColumnElement[bool]:
    """What waits for the actor on that side (Offering and Course are joined): the step whose word they give. 学院审核 of a
    department that has no secretary falls to the registrars, as its notices do."""
    columns = _columns(side)
    prefix = "" if side == "home" else "host_"
    last = allow.clause(actor, f"enrolment.{prefix}approve", columns)
    nobody_first = sa.not_(_has_secretary(actor, columns[side]))
    first = sa.or_(allow.clause(actor, f"enrolment.{prefix}first_word", columns), sa.and_(last, nobody_first))
    open_still = sa.or_(Enrolment.decide_by.is_(None), Enrolment.decide_by > actor.now)
    steps = STEPS[side]
    return sa.and_(open_still, sa.or_(sa.and_(steps["department"], first), sa.and_(steps["registrar"], last)))


def _columns(side: str) -> dict[str, Any]:
    if side == "host":
        return {"host": (Enrolment.host_school_id, Course.department_id)}
    return {"home": (Enrolment.home_school_id, Enrolment.home_department_id)}


def _has_secretary(actor: Actor, place: tuple[Any, Any]) -> sa.ColumnElement[bool]:
    r = RoleAssignment
    query = sa.select(r.id).where(r.role == "secretary", r.school_id == place[0], r.open_at(actor.now))
    return query.where(sa.or_(r.department_id.is_(None), r.department_id == place[1])).exists()


def to_choose(session: Session, actor: Actor) -> list[tuple[Offering, int]]:
    """Offerings of the actor's that choose their students, with how many ask now."""
    query = (
        sa.select(Offering, sa.func.count())
        .join(Enrolment, Enrolment.offering_id == Offering.id)
        .join(Course, Course.id == Offering.course_id)
        .where(Offering.seats_by == "choice", catalogue.taught_by(actor), _STATE_CLAUSES["requested"])
        .where(sa.or_(Enrolment.decide_by.is_(None), Enrolment.decide_by > actor.now))
        .group_by(Offering.id)
        .order_by(Offering.id)
        .options(joinedload(Offering.course).joinedload(Course.item))
    )
    return [(offering, count) for offering, count in session.execute(query)]


def out_of_standing(session: Session, actor: Actor) -> int:
    """How many seats the actor's students hold who are no longer 在读."""
    columns = {"home": (Enrolment.home_school_id, Enrolment.home_department_id)}
    query = sa.select(sa.func.count()).select_from(Enrolment).where(_STATE_CLAUSES["standing"])
    return session.scalar(query.where(allow.clause(actor, "enrolment.approve", columns))) or 0


def days_held(enrolment: Enrolment) -> list[date]:
    """The day of each meeting of the offering, weekly or single, as the book has them: holidays left out, swapped days
    where they are. An exam is none."""
    session = object_session(enrolment)
    assert session is not None
    known: dict[int, list[date]] = session.info.setdefault("days_held", {})  # both lanes of a page ask
    if enrolment.offering_id not in known:
        o = Occurrence
        own = sa.and_(o.resource_type == "offering", o.resource_id == enrolment.offering_id, o.state == "active")
        found = session.scalars(sa.select(o.starts).where(own, o.source_type != EXAM).order_by(o.starts))
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
        .where(sources.takes(sources.known(), [actor.person_id], actor.person_id, o))
        .order_by(o.starts)
        .options(course)
    )
    return [(occurrence, offering) for occurrence, offering in session.execute(query)]


def clause_of(state: str) -> sa.ColumnElement[bool]:
    """One of `STATES` as a condition, for features that are built on this one."""
    clause: sa.ColumnElement[bool] = _STATE_CLAUSES[state]
    return clause
