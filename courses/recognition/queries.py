"""Reading what courses count as: for one viewer, a school's table, and what its students ask."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, joinedload

from courses.catalogue import queries as catalogue
from courses.catalogue.hooks import CountsAs
from courses.catalogue.models import Course
from courses.catalogue.rows import CourseRow, rows
from courses.recognition import policies, rules
from courses.recognition.models import Recognition, RecognitionRequest
from courses.recognition.permissions import allow
from courses.recognition.rules import Answer, Ways
from zutuan.clusters.models import School
from zutuan.db import UtcDateTime, padded
from zutuan.errors import Denial, Hidden, NotFound
from zutuan.paging import Key, Page, fetch_page, like
from zutuan.people.models import Affiliation, Person
from zutuan.policies import services as policy_values
from zutuan.sharing import services as sharing
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import SharedItem
from zutuan.sharing.permissions import Place, Subject
from zutuan.waiting import Waiting

R, Q = Recognition, RecognitionRequest


# --- what a course counts as ------------------------------------------------------------------------------------


def latest(home: Any, course: Any, person: Any, now: Any) -> sa.Select[int]:
    """`rules.standing` in SQL, as the id of the answer: of the two last words that a school may have on a course for
    one person, the one to them first. Ended rows are over, and what is not over is of one row each."""
    r = aliased(R)
    of_both = sa.or_(r.person_id.is_(None), r.person_id == person)
    query = sa.select(r.id).where(r.home_school_id == home, r.course_id == course, of_both)
    return query.where(r.ended_at.is_(None), r.open_at(now)).order_by(r.person_id.is_(None)).limit(1)


_NOW: sa.BindParameter[datetime] = sa.bindparam("now", type_=UtcDateTime())
_PERSON: sa.BindParameter[int] = sa.bindparam("person", type_=sa.BigInteger)
_SAID = (R.id, R.code, R.name, R.name_en, R.category, R.credits, R.until, R.note)
# Each course at each home, with the answer that stands and the viewer's open request.
_LOOK: Any = (
    sa.select(Course.id, School.id, School.name, R.outcome, *_SAID, Q.id)
    .select_from(Course)
    .join(School, School.id.in_(sa.bindparam("homes", expanding=True)))
    .outerjoin(R, R.id == latest(School.id, Course.id, _PERSON, _NOW).correlate(School, Course).scalar_subquery())
    .outerjoin(
        Q, sa.and_(Q.home_school_id == School.id, Q.course_id == Course.id, Q.person_id == _PERSON, Q.state == "open")
    )
    .where(Course.id.in_(sa.bindparam("ids", expanding=True)), Course.school_id != School.id)
)
_BEST = ("counts", "refused", "unsaid")


def homes(actor: Actor) -> list[int]:
    """The schools at which the actor studies."""
    return sorted({each.school_id for each in actor.affiliations if each.kind == "student"})


def counts_as(session: Session, actor: Actor, course_ids: Sequence[int]) -> dict[int, CountsAs]:
    """The catalogue's hook: course → what it counts as for the actor, in one statement. Who studies at two schools hears
    of the one where it counts."""
    mine = homes(actor)
    if not mine or not course_ids:
        return {}
    asked = {"homes": padded(mine), "ids": padded(list(course_ids)), "person": actor.person_id, "now": actor.now}
    found: dict[int, CountsAs] = {}
    for course_id, school_id, school, outcome, id_, *said, request_id in session.execute(_LOOK, asked):
        own = dict(zip(("code", "name", "name_en", "category", "credits", "until", "note"), said, strict=True))
        words = own if id_ else {}
        one = CountsAs(outcome or "unsaid", school_id, school, id_, asked=request_id, **words)
        other = found.get(course_id)
        if other is None or _BEST.index(one.outcome) < _BEST.index(other.outcome):
            found[course_id] = one
    return found


def counting(actor: Actor) -> sa.ColumnElement[bool]:
    """The catalogue's other hook: the courses that count for the actor, as `rules.counts` has it. From the table's side:
    what a school recognises is less than what is shared with it."""
    return sa.or_(sa.false(), *(_counting_at(actor, school_id) for school_id in homes(actor)))


def _counting_at(actor: Actor, school_id: int) -> sa.ColumnElement[bool]:
    open_ = sa.select(R.course_id).where(R.home_school_id == school_id, R.ended_at.is_(None), R.open_at(actor.now))
    own, table = open_.where(R.person_id == actor.person_id), open_.where(R.person_id.is_(None))
    by_table = sa.and_(Course.id.in_(table.where(R.outcome == "counts")), Course.id.not_in(own))
    return sa.and_(Course.school_id != school_id, sa.or_(Course.id.in_(own.where(R.outcome == "counts")), by_table))


def answer(row: Recognition) -> Answer:
    return Answer(row.id, row.person_id, row.outcome, row.since, row.until)


def standing(session: Session, home_id: int, course_id: int, person_id: int, now: datetime) -> Recognition | None:
    """What the school says of the course to this person now."""
    return session.scalar(sa.select(R).where(R.id == latest(home_id, course_id, person_id, now).scalar_subquery()))


def ways(session: Session, school_id: int, now: datetime) -> Ways:
    """What the school has decided about its recognitions."""
    way = policy_values.value(session, policies.CREDITS.key, school_id, now)
    return Ways(way, rules.words(policy_values.value(session, policies.CATEGORIES.key, school_id, now)))


# --- the table --------------------------------------------------------------------------------------------------


def place(school_id: int) -> Subject:
    """The school's table as the permission table sees it."""
    return Subject("school", school_id, places={"home": Place(school_id)})


def subject(row: Recognition) -> Subject:
    persons = {"self": frozenset({row.person_id})} if row.person_id else {}
    return Subject("recognition", row.id, places={"home": Place(row.home_school_id)}, persons=persons)


def reads(actor: Actor, school_id: int) -> bool:
    """Whether they are of the school, whatever they do there and for which department."""
    return school_id in allow.schools(actor, "recognition.read")


def require_read(actor: Actor, school_id: int) -> None:
    """404 for who is not of the school: its table does not exist for others."""
    if not reads(actor, school_id):
        raise Hidden(Denial("recognition.read", "school", school_id))


def _course(path: Any) -> Any:
    return path.joinedload(Course.item).joinedload(SharedItem.owner)


_ROW = (
    _course(joinedload(R.course)),
    joinedload(R.person).load_only(Person.name),
    _course(joinedload(R.same_as).joinedload(R.course)),
)


def view(session: Session, actor: Actor, recognition_id: int) -> Recognition:
    """The row, or 404 for whom it is not there."""
    found = session.scalar(sa.select(R).where(R.id == recognition_id).options(*_ROW, joinedload(R.home_school)))
    if found is None:
        raise NotFound
    own = found.person_id is not None
    if allow.may(actor, "recognition.read_own", subject(found)) if own else reads(actor, found.home_school_id):
        return found
    raise Hidden(Denial("recognition.read", "recognition", recognition_id))


STATES = ("open", "over", "own")


def table(session: Session, actor: Actor, school_id: int, query: dict[str, Any]) -> Page:
    """Rows of the school's table, the newest first; `own`: its answers to single students, for who may read them all."""
    found = _table(actor, school_id, query).options(*_ROW)
    return fetch_page(session, found, [Key(R.id, descending=True)], query["cursor"], query["limit"])


def whole_table(session: Session, actor: Actor, school_id: int, query: dict[str, Any]) -> list[Recognition]:
    """The same without pages, for a workbook."""
    return list(session.scalars(_table(actor, school_id, query).order_by(R.id).options(*_ROW)))


def _table(actor: Actor, school_id: int, query: dict[str, Any]) -> sa.Select[Recognition]:
    found = sa.select(R).join(Course, Course.id == R.course_id).join(SharedItem, SharedItem.id == Course.id)
    found = found.where(R.home_school_id == school_id)
    if query["state"] == "own":
        mine = allow.clause(actor, "recognition.list_own", {"home": R.home_school_id})
        found = found.where(R.person_id.is_not(None), sa.or_(mine, R.person_id == actor.person_id))
    else:
        found = found.where(R.person_id.is_(None))
    if query["state"] in ("open", "over"):
        holds = sa.and_(R.ended_at.is_(None), R.open_at(actor.now))
        found = found.where(holds if query["state"] == "open" else sa.not_(holds))
    if query["outcome"]:
        found = found.where(R.outcome == query["outcome"])
    if query["q"]:
        found = found.where(_matches(query["q"]))
    return found


def _matches(text: str) -> sa.ColumnElement[bool]:
    """The words in the course, or in what it counts as."""
    pattern = like(text)
    return sa.or_(
        catalogue.matches(text), *(c.ilike(pattern, escape="\\") for c in (R.code, R.name, R.name_en, R.category))
    )


def current(session: Session, school_id: int, course_ids: Collection[int] | None = None) -> dict[int, Recognition]:
    """Course → the last word of the school's table on it, whether it still holds or is over by itself."""
    query = sa.select(R).where(R.home_school_id == school_id, R.person_id.is_(None), R.ended_at.is_(None))
    if course_ids is not None:
        query = query.where(R.course_id.in_(padded(sorted(course_ids))))
    return {each.course_id: each for each in session.scalars(query.options(*_ROW))}


def by_home(session: Session, course_id: int, now: datetime) -> dict[int, int]:
    """Home school → the row of its table on the course that holds."""
    query = sa.select(R.home_school_id, R.id).where(R.course_id == course_id, R.person_id.is_(None))
    found = session.execute(query.where(R.ended_at.is_(None), R.open_at(now)))
    return {school: id_ for school, id_ in found}


def chains(session: Session, school_id: int) -> dict[int, int]:
    """Course → the course that it counts as, in the school's table."""
    followed = aliased(R)
    query = sa.select(R.course_id, followed.course_id).join(followed, followed.id == R.same_as_id)
    query = query.where(R.home_school_id == school_id, R.person_id.is_(None), R.ended_at.is_(None))
    return {course: other for course, other in session.execute(query)}


def shared_ids(session: Session, school_id: int, now: datetime) -> sa.Select[int]:
    """Published courses of other schools that the school's students see."""
    student = catalogue.student_of(session, session.get_one(School, school_id), now)
    query = sa.select(Course.id).join(SharedItem, SharedItem.id == Course.id)
    query = query.where(SharedItem.state == "published", Course.school_id != school_id)
    return sharing.seen_by(student, query)


def unsaid(session: Session, school_id: int, query: dict[str, Any], now: datetime) -> Page:
    """Courses shared with the school of which its table says nothing now."""
    said = sa.select(R.course_id).where(R.home_school_id == school_id, R.person_id.is_(None), R.ended_at.is_(None))
    found = shared_ids(session, school_id, now).where(Course.id.not_in(said.where(R.open_at(now))))
    if query["q"]:
        found = found.where(catalogue.matches(query["q"]))
    page = fetch_page(session, found, [Key(Course.id, descending=True)], query["cursor"], query["limit"])
    courses: list[CourseRow] = rows(session, page.items)
    return Page(courses, page.next, page.total)


def known(session: Session, school_id: int, course_id: int, now: datetime) -> bool:
    """Whether the school has to do with the course: its students see it, or its word on it was given or asked."""
    if session.scalar(shared_ids(session, school_id, now).where(Course.id == course_id)) is not None:
        return True
    said = sa.select(R.id).where(R.home_school_id == school_id, R.course_id == course_id)
    asked = sa.select(Q.id).where(Q.home_school_id == school_id, Q.course_id == course_id)
    return bool(session.scalar(sa.select(sa.or_(said.exists(), asked.exists()))))


# --- requests ---------------------------------------------------------------------------------------------------


def request_subject(request: RecognitionRequest) -> Subject:
    return Subject(
        "recognition_request", request.id, places={"home": Place(request.home_school_id, request.affiliation.department_id)},
        persons={"self": frozenset({request.person_id})},
    )  # fmt: skip


_REQUEST = (
    _course(joinedload(Q.course)),
    joinedload(Q.person).load_only(Person.name, Person.demonstration),
    joinedload(Q.affiliation),
    joinedload(Q.home_school),
    joinedload(Q.answer).options(joinedload(R.person).load_only(Person.name)),
)


def view_request(session: Session, actor: Actor, request_id: int) -> RecognitionRequest:
    found = session.scalar(sa.select(Q).where(Q.id == request_id).options(*_REQUEST))
    if found is None:
        raise NotFound
    if not allow.may(actor, "recognition.request_read", request_subject(found)):
        raise Hidden(Denial("recognition.request_read", "recognition_request", request_id))
    return found


def requests(session: Session, actor: Actor, query: dict[str, Any]) -> Page:
    """What the students of the actor's schools or departments ask (`side` school, the oldest first), or what the actor asked (mine)."""
    found = sa.select(Q).join(Course, Course.id == Q.course_id).join(SharedItem, SharedItem.id == Course.id)
    if query["side"] == "mine":
        found, order = found.where(Q.person_id == actor.person_id), Key(Q.id, descending=True)
    else:
        found = found.join(Affiliation, Affiliation.id == Q.affiliation_id)
        home = {"home": (Q.home_school_id, Affiliation.department_id)}
        found, order = found.where(allow.clause(actor, "recognition.request_list", home)), Key(Q.id)
    if query["state"]:
        found = found.where(Q.state == query["state"])
    if query["q"]:
        pattern = like(query["q"])
        student = Q.person.has(Person.name.ilike(pattern, escape="\\"))
        number = Q.affiliation.has(Affiliation.number.ilike(pattern, escape="\\"))
        found = found.where(sa.or_(catalogue.matches(query["q"]), student, number))
    return fetch_page(session, found.options(*_REQUEST), [order], query["cursor"], query["limit"])


def asked_of(session: Session, person_id: int, course_id: int) -> list[RecognitionRequest]:
    """What the student has asked of the course and must not ask again: it waits, or was answered to them alone."""
    query = sa.select(Q).outerjoin(R, R.id == Q.answer_id).where(Q.person_id == person_id, Q.course_id == course_id)
    final = sa.and_(Q.state == "answered", R.person_id.is_not(None), R.ended_at.is_(None))
    found = query.where(sa.or_(Q.state == "open", final)).options(*_REQUEST).order_by(Q.id.desc())
    return list(session.scalars(found))


def _open(actor: Actor) -> Any:
    query = sa.select(sa.func.count(), sa.func.min(Q.created_at)).where(Q.state == "open")
    return query.where(allow.clause(actor, "recognition.answer", {"home": Q.home_school_id}))


# Requests that wait for the actor's word.
WAITING = Waiting("recognition", lambda actor: bool(allow.schools(actor, "recognition.answer")), _open)
