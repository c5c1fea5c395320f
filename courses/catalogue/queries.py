"""Reading courses and offerings, always under the access rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from courses.catalogue import hooks
from courses.catalogue.models import Course, CoursePrerequisite, CourseTeacher, MeetingPattern, Offering, SeatPool
from courses.catalogue.permissions import allow
from courses.catalogue.rows import CourseRow, rows
from courses.catalogue.rules import CREDITS
from zutuan.calendar.models import Occurrence
from zutuan.clock import clock
from zutuan.clusters.models import Cluster, Membership, School
from zutuan.db import found_once, padded
from zutuan.errors import Denial, Hidden, NotFound
from zutuan.paging import Key, Page, fetch_ids, like, moment
from zutuan.people.models import Person
from zutuan.sharing import rules as sharing_rules
from zutuan.sharing import scopes
from zutuan.sharing import services as sharing
from zutuan.sharing.actor import Actor, Belongs, Holds, Member
from zutuan.sharing.models import SharedItem
from zutuan.sharing.permissions import Place, Subject

_STAFF = selectinload(Course.staff).joinedload(CourseTeacher.person)
_REQUIRES = selectinload(Course.requires).joinedload(CoursePrerequisite.required).joinedload(Course.item)
_OFFERINGS = selectinload(Course.offerings).options(
    joinedload(Offering.term),
    selectinload(Offering.meetings),
    selectinload(Offering.pools),
    selectinload(Offering.rounds),
)
# What pages and the API show besides; taking a seat and reading a roster ask for none of it.
_DATES = selectinload(Course.offerings).options(selectinload(Offering.dates))
_BRIEF = ("enrolment.create", "roster.read")


def seat_aspect(offering_id: int) -> str:
    """What a held seat promises of the course: to read this offering until it ends."""
    return f"seat:{offering_id}"


def subject(course: Course) -> Subject:
    """The course as the permission table sees it."""
    staff = frozenset(each.person_id for each in course.staff)
    place = Place(course.school_id, course.department_id)
    return Subject("course", course.id, places={"owner": place}, persons={"staff": staff})


@dataclass(frozen=True)
class CourseView:
    """A course as one viewer sees it; `seats` are the offerings in which they hold one."""

    course: Course
    offerings: list[Offering]
    seats: frozenset[int]
    promised: bool
    may_edit: bool
    may_close: bool = False


@dataclass(frozen=True)
class OfferingView:
    """An offering as one viewer sees it; `promised` when only a held seat shows it, `may_join` for staff and seats."""

    offering: Offering
    course: Course
    promised: bool
    may_edit: bool
    may_join: bool


def view_course(session: Session, actor: Actor, course_id: int, action: str = "course.read") -> CourseView:
    """The course, or 404. Whoever sees it only through a seat sees that offering only."""
    course = session.get(Course, course_id, options=_options(action))
    if course is None:
        raise NotFound
    return _view(session, actor, course, action)


def _options(action: str) -> list[Any]:
    item = joinedload(Course.item).joinedload(SharedItem.owner)
    more = () if action in _BRIEF else (_REQUIRES, _DATES)
    return [item, _STAFF, _OFFERINGS, joinedload(Course.department), *more]


def _view(session: Session, actor: Actor, course: Course, action: str) -> CourseView:
    for each in course.offerings:
        set_committed_value(each, "course", course)  # known, so it is not asked for again
    may_edit = allow.may(actor, "course.edit", subject(course))
    may_close = allow.may(actor, "course.archive", subject(course))
    aspects = sharing.aspects_seen(session, actor, course.item)
    seats = frozenset(each.id for each in course.offerings if seat_aspect(each.id) in aspects)
    if sharing_rules.RECORD in aspects:
        shown = [each for each in course.offerings if may_edit or each.state != "draft"]
        return CourseView(course, shown, seats, promised=False, may_edit=may_edit, may_close=may_close)
    held = [each for each in course.offerings if each.id in seats]
    if not held:
        raise Hidden(Denial(action, "course", course.id))
    return CourseView(course, held, seats, promised=True, may_edit=False)


def view_offering(session: Session, actor: Actor, offering_id: int, action: str = "offering.read") -> OfferingView:
    """The offering, or 404: it has its course's audience."""
    of_it = sa.select(Offering.course_id).where(Offering.id == offering_id).scalar_subquery()
    course = session.scalar(sa.select(Course).where(Course.id == of_it).options(*_options(action)))
    if course is None:
        raise NotFound
    view = _view(session, actor, course, action)
    offering = next((each for each in view.offerings if each.id == offering_id), None)
    if offering is None:
        raise Hidden(Denial(action, "offering", offering_id))
    may_join = view.may_edit or (offering_id in view.seats and offering.state != "cancelled")
    return OfferingView(offering, view.course, view.promised, view.may_edit, may_join)


def visible_ids(session: Session, actor: Actor, ids: Sequence[int]) -> set[int]:
    """Those of the courses that the actor sees in a list, or may edit."""
    query = sa.select(Course.id).join(SharedItem, SharedItem.id == Course.id).where(Course.id.in_(padded(ids)))
    found = set(session.scalars(sharing.seen_by(actor, query)))
    return found | set(session.scalars(query.where(_mine(actor))))


def named(session: Session, people: Sequence[int], courses: Sequence[int]) -> dict[str, str]:
    """Names of an edition's teachers and required courses, as they are called now."""
    who = session.scalars(sa.select(Person.name).where(Person.id.in_(padded(people))).order_by(Person.id))
    what = sa.select(SharedItem.title_zh).where(SharedItem.id.in_(padded(courses))).order_by(SharedItem.id)
    return {"teacher_ids": "、".join(who), "requires_ids": "、".join(session.scalars(what))}


def required_by(session: Session, ids: Iterable[int]) -> set[int]:
    """These courses and everything that is required before them, however far back."""
    found: set[int] = set()
    ahead = set(ids)
    p = CoursePrerequisite
    while ahead:
        found |= ahead
        ahead = set(session.scalars(sa.select(p.required_id).where(p.course_id.in_(sorted(ahead))))) - found
    return found


def occurrences(session: Session, offering_id: int) -> list[Occurrence]:
    """Its meetings as absolute intervals, in time's order."""
    o = Occurrence
    query = sa.select(o).where(o.resource_type == "offering", o.resource_id == offering_id, o.state == "active")
    return found_once(session, ("occurrences", offering_id), lambda: list(session.scalars(query.order_by(o.starts))))


def pool_names(session: Session, offering: Offering) -> dict[str, str]:
    """Pool scope → the school or the cluster it is kept for; the general one has no name."""
    found: dict[str, str] = {}
    for pool in offering.pools:
        kind, _, rest = pool.scope.partition(":")
        table: Any = {"school": School, "cluster": Cluster}.get(kind)
        row = session.get(table, int(rest.split(":")[0])) if table is not None else None
        if row is not None:
            found[pool.scope] = row.name
    return found


def reach(session: Session, actor: Actor, course: Course) -> sharing.Reach:
    """Whom the course's audience reaches now."""
    chosen = sharing.audience(session, course.item, actor.now)
    return sharing.reach(session, course.school_id, chosen, actor.now)


def student_of(session: Session, school: School, now: datetime) -> Actor:
    """Any student of that school, as the access rule would meet one now."""
    belongs = Belongs(0, school.id, school.name, "student")
    members = tuple(
        Member(cluster_id, school.id, role) for cluster_id, role in sharing.clusters_of(session, school.id, now).items()
    )
    return Actor(0, "", now, affiliations=(belongs,), roles=(Holds("student", school.id),), memberships=members)


# --- the catalogue ----------------------------------------------------------------------------------------------


def my_pools(actor: Actor) -> list[str] | None:
    """The pools that a student may take seats from (their schools', their roles' in clusters, the general ones); None for
    who studies nowhere and so looks at all of them."""
    homes = {each.school_id for each in actor.affiliations if each.kind == "student"}
    if not homes:
        return None
    found = {"all"} | {scopes.school(id_) for id_ in homes}
    for each in actor.memberships:
        if each.school_id in homes:
            found |= {scopes.cluster(each.cluster_id), scopes.cluster(each.cluster_id, each.role)}
    return sorted(found)


def _mine_of(pools: list[str] | None) -> sa.ColumnElement[bool]:
    return sa.true() if pools is None else SeatPool.scope.in_(padded(pools))


def _seats_left(pools: list[str] | None) -> Any:
    """Seats left for me over the course's published offerings (0 without one)."""
    return (
        sa.select(sa.func.coalesce(sa.func.sum(SeatPool.capacity - SeatPool.taken), 0))
        .join(Offering, Offering.id == SeatPool.offering_id)
        .where(Offering.course_id == Course.id, Offering.state == "published", _mine_of(pools))
        .correlate(Course)
        .scalar_subquery()
    )


def _credits(value: Any) -> Decimal:
    number = round(Decimal(str(value)), 2)
    if not 0 <= number <= 100:
        raise ValueError
    return number


def _count(value: Any) -> int:
    number = int(value)
    if abs(number) >= 2**31:
        raise ValueError
    return number


def _order(sort: str, pools: list[str] | None) -> list[Key]:
    last = Key(SharedItem.id, descending=True)
    return {
        "newest": [Key(SharedItem.published_at, descending=True, decode=moment), last],
        "title": [Key(SharedItem.title_key, decode=str), last],
        "credits": [Key(Course.credits, descending=True, decode=_credits), last],
        "seats": [Key(_seats_left(pools), descending=True, decode=_count), last],
    }[sort]


def find(session: Session, actor: Actor, query: dict[str, Any]) -> Page:
    """Ids of courses the actor may see, filtered and sorted (`schemas.CourseQuery`); drafts only among `mine`."""
    found = sharing.seen_by(actor, _COURSES)
    if query["mine"]:
        found = found.where(_mine(actor))
        order = [Key(Course.id, descending=True)]
    else:
        found = found.where(_PUBLISHED)
        order = _order(query["sort"], my_pools(actor))
    if query["counts"]:
        found = found.where(hooks.counting(actor))
    for clause in _filters(query, my_pools(actor), actor.now):
        found = found.where(clause)
    return fetch_ids(session, found, order, query["cursor"], query["limit"])


_COURSES = sa.select(Course.id).join(SharedItem, SharedItem.id == Course.id).where(SharedItem.kind == "course")
_PUBLISHED = SharedItem.state == "published"
_WHOLE = (
    sa.select(Course)
    .where(Course.id.in_(sa.bindparam("ids", expanding=True)))
    .options(joinedload(Course.item).joinedload(SharedItem.owner), joinedload(Course.department), _STAFF)
)


def whole(session: Session, ids: Sequence[int]) -> list[Course]:
    """The courses of these ids, in their order, with what the API says of a course."""
    found = {course.id: course for course in session.scalars(_WHOLE, {"ids": padded(ids)})}
    return [found[id_] for id_ in ids]


def _mine(actor: Actor) -> sa.ColumnElement[bool]:
    def staff(person_id: int) -> sa.ColumnElement[bool]:
        return Course.staff.any(CourseTeacher.person_id == person_id)

    return allow.clause(actor, "course.edit", {"owner": (Course.school_id, Course.department_id), "staff": staff})


def _filters(query: dict[str, Any], pools: list[str] | None, now: datetime) -> list[sa.ColumnElement[bool]]:
    clauses: list[sa.ColumnElement[bool]] = []
    if query["q"]:
        clauses.append(matches(query["q"]))
    for name, column in (
        ("school_id", Course.school_id),
        ("category", Course.category),
        ("delivery", Course.delivery),
        ("level", Course.level),
    ):
        if query[name]:
            clauses.append(column == query[name])
    if query["plan"]:
        clauses.append(SharedItem.plan_code == ("" if query["plan"] == "none" else query["plan"]))
    if query["cluster_id"]:
        clauses.append(Course.school_id.in_(_members(query["cluster_id"])))
    if query["credits"]:
        low, high = CREDITS[query["credits"]]
        clauses.append(sa.and_(Course.credits > low, Course.credits <= high))
    if query["weekday"] or query["periods"]:
        meets = Offering.meetings.any(sa.and_(*meeting(query)))
        clauses.append(Course.offerings.any(sa.and_(Offering.state == "published", meets)))
    if query["available"]:
        free = Offering.pools.any(sa.and_(SeatPool.taken < SeatPool.capacity, _mine_of(pools)))
        clauses.append(Course.offerings.any(sa.and_(Offering.state == "published", free, Offering.enrolling(now))))
    return clauses


def meeting(query: dict[str, Any]) -> list[sa.ColumnElement[bool]]:
    """One weekly meeting on that weekday, in any of those periods of its school."""
    m = MeetingPattern
    clauses: list[sa.ColumnElement[bool]] = [m.weekday == query["weekday"]] if query["weekday"] else []
    if query["periods"]:
        first, last = (int(part) for part in query["periods"].split("-"))
        clauses.append(sa.and_(m.first_period <= last, m.last_period >= first))
    return clauses


def _members(cluster_id: int) -> sa.Select[int]:
    """The schools that are the cluster's members now."""
    m = Membership
    return sa.select(m.school_id).where(m.cluster_id == cluster_id, m.open_at(clock.now()))


def matches(text: str) -> sa.ColumnElement[bool]:
    """The words in title, code, or a teacher's name."""
    pattern = like(text)
    taught = CourseTeacher.person.has(Person.name.ilike(pattern, escape="\\"))
    return sa.or_(
        SharedItem.title_zh.ilike(pattern, escape="\\"),
        SharedItem.title_en.ilike(pattern, escape="\\"),
        Course.code.ilike(pattern, escape="\\"),
        Course.staff.any(taught),
    )


_NEWEST = (
    _COURSES.where(_PUBLISHED, SharedItem.owner_school_id.notin_(sa.bindparam("own_schools", expanding=True)))
    .order_by(SharedItem.published_at.desc(), SharedItem.id.desc())
    .limit(sa.bindparam("newest", type_=sa.Integer))
)


def newest(session: Session, actor: Actor, limit: int) -> list[CourseRow]:
    """What is new in my clusters: the latest published courses of other schools."""
    query = sharing.seen_by(actor, _NEWEST).params(own_schools=sorted(actor.school_ids), newest=limit)
    return rows(session, list(session.scalars(query)), pools=my_pools(actor))


def taught_by(actor: Actor) -> sa.ColumnElement[bool]:
    """Named as a teacher, and still of the course's school."""
    named = Course.staff.any(CourseTeacher.person_id == actor.person_id)
    return sa.and_(named, Course.school_id.in_(padded(sorted(actor.school_ids))))


def own_drafts(session: Session, actor: Actor) -> list[Course]:
    """Drafts the actor teaches, oldest first."""
    query = sa.select(Course).join(SharedItem, SharedItem.id == Course.id).options(contains_eager(Course.item))
    query = query.where(SharedItem.state == "draft", taught_by(actor))
    return list(session.scalars(query.order_by(Course.id).limit(20)))


def teaching(session: Session, actor: Actor, limit: int = 10) -> list[Offering]:
    """Published offerings the actor teaches, newest first."""
    query = (
        sa.select(Offering)
        .join(Course, Course.id == Offering.course_id)
        .where(taught_by(actor), Offering.state == "published")
        .options(joinedload(Offering.course).joinedload(Course.item))
        .options(selectinload(Offering.meetings), selectinload(Offering.pools))
    )
    return list(session.scalars(query.order_by(Offering.id.desc()).limit(limit)))


_SCHOOLS = (
    sa.select(School.id, School.name).where(School.id.in_(sa.bindparam("ids", expanding=True))).order_by(School.id)
)


def schools_sharing(session: Session, actor: Actor) -> list[tuple[int, str]]:
    """(id, name) of the schools whose published courses the actor sees: the filter's choices."""
    owners = sharing.owners_seen(session, actor, "course")
    return [(school_id, name) for school_id, name in session.execute(_SCHOOLS, {"ids": padded(owners)})]
