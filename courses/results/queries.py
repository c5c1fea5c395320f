"""Reading results: my school's students', one student's."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from courses.catalogue.models import Course, CourseTeacher, Offering
from courses.enrolment.models import Enrolment
from courses.results.models import Result
from courses.results.permissions import allow
from courses.results.rules import WAITING
from zutuan.calendar.models import Term
from zutuan.clusters.models import Department, School
from zutuan.errors import Denial, Hidden, NotFound
from zutuan.paging import Key, Page, Query, fetch_page, like
from zutuan.people.models import Affiliation, Person
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import SharedItem
from zutuan.sharing.permissions import Place, Subject
from zutuan.waiting import Waiting

MOST = 300  # courses of other schools that one student's transcript shows

_ENROLMENT = joinedload(Result.enrolment)
_OFFERING = _ENROLMENT.joinedload(Enrolment.offering)
WHOLE = (
    _OFFERING.joinedload(Offering.course).joinedload(Course.item), _OFFERING.joinedload(Offering.term),
    _ENROLMENT.joinedload(Enrolment.person), _ENROLMENT.joinedload(Enrolment.recognition),
    _ENROLMENT.joinedload(Enrolment.affiliation).joinedload(Affiliation.department),
    _ENROLMENT.joinedload(Enrolment.host_school), _ENROLMENT.joinedload(Enrolment.home_school),
)  # fmt: skip
_HOME = {"home": (Enrolment.home_school_id, Enrolment.home_department_id)}


def subject(result: Result) -> Subject:
    """The result as the permission table sees it."""
    enrolment = result.enrolment
    return Subject(
        "result", result.id, places={"home": Place(enrolment.home_school_id, enrolment.home_department_id)},
        persons={"self": frozenset({enrolment.person_id})},
    )  # fmt: skip


def view(session: Session, actor: Actor, result_id: int) -> Result:
    """The result, or 404 for whoever has nothing to do with it."""
    result = session.scalar(sa.select(Result).where(Result.id == result_id).options(*WHOLE))
    if result is None:
        raise NotFound
    if not allow.may(actor, "result.read", subject(result)):
        raise Hidden(Denial("result.read", "result", result_id))
    return result


def of_enrolment(session: Session, enrolment_id: int) -> Result | None:
    return session.scalar(sa.select(Result).where(Result.enrolment_id == enrolment_id).options(*WHOLE))


def locked(session: Session, actor: Actor, ids: Collection[int], action: str) -> list[Result]:
    """These results, held in order of their ids until the commit; 404 where one of them may not be seen."""
    found = held(session, ids)
    if len(found) != len(set(ids)):
        raise NotFound
    for each in found:
        if not allow.may(actor, "result.read", subject(each)):
            raise Hidden(Denial(action, "result", each.id))
        allow.require(actor, action, subject(each))
    return found


def held(session: Session, ids: Collection[int]) -> list[Result]:
    """These results in the order of their ids, held against others until the commit."""
    query = sa.select(Result).where(Result.id.in_(ids)).order_by(Result.id).options(*WHOLE)
    return list(session.scalars(query.with_for_update(of=Result).execution_options(populate_existing=True)))


# --- a school's --------------------------------------------------------------------------------------------------


def _of_school(actor: Actor) -> Query:
    found: Query = sa.select(Result).join(Enrolment, Enrolment.id == Result.enrolment_id)
    found = found.join(Offering, Offering.id == Enrolment.offering_id).join(Term, Term.id == Offering.term_id)
    return found.where(allow.clause(actor, "result.list_home", _HOME))


def of_school(session: Session, actor: Actor, query: dict[str, Any]) -> Page:
    """Results of the students of the schools for which the actor works, the oldest first."""
    found = _filtered(_of_school(actor), query).options(*WHOLE)
    return fetch_page(session, found, [Key(Result.id)], query["cursor"], query["limit"])


def whole(session: Session, actor: Actor, query: dict[str, Any]) -> list[Result]:
    """The same without pages, for a workbook."""
    staff = _OFFERING.joinedload(Offering.course).selectinload(Course.staff).joinedload(CourseTeacher.person)
    found = _filtered(_of_school(actor), query).options(*WHOLE, staff).order_by(Result.id)
    return [row[0] for row in session.execute(found)]


def _filtered(found: Query, query: dict[str, Any]) -> Query:
    if query.get("state"):
        found = found.where(Result.state == query["state"])
    if query.get("term"):
        year, number = query["term"].split("/")
        found = found.where(Term.academic_year == year, Term.number == int(number))
    if query.get("host_id"):
        found = found.where(Enrolment.host_school_id == query["host_id"])
    if query.get("department_id"):
        found = found.where(Enrolment.home_department_id == query["department_id"])
    return found.where(_matches(query["q"])) if query.get("q") else found


def _matches(text: str) -> sa.ColumnElement[bool]:
    """The words in the student's name or number, or the course's title."""
    pattern = like(text)
    titled = Enrolment.offering.has(
        Offering.course.has(Course.item.has(SharedItem.title_zh.ilike(pattern, escape="\\")))
    )
    return sa.or_(
        Enrolment.person.has(Person.name.ilike(pattern, escape="\\")),
        Enrolment.affiliation.has(Affiliation.number.ilike(pattern, escape="\\")), titled,
    )  # fmt: skip


@dataclass(frozen=True)
class Choices:
    """Among what the actor's list may be narrowed; how many stand in each state."""

    terms: list[tuple[str, int]]
    hosts: list[tuple[int, str]]
    departments: list[tuple[int, str]]
    counts: dict[str, int]


def choices(session: Session, actor: Actor) -> Choices:
    mine: Any = _of_school(actor)
    columns = (Result.state, Term.academic_year, Term.number, School.id, School.name, Department.id, Department.name)
    rows = mine.join(School, School.id == Enrolment.host_school_id)
    rows = rows.join(Department, Department.id == Enrolment.home_department_id, isouter=True)
    found = session.execute(rows.with_only_columns(*columns, sa.func.count()).group_by(*columns)).all()
    counts: dict[str, int] = {}
    for state, *_rest, count in found:
        counts[state] = counts.get(state, 0) + count
    return Choices(
        sorted({(row[1], row[2]) for row in found}, reverse=True), sorted({(row[3], row[4]) for row in found}),
        sorted({(row[5], row[6]) for row in found if row[5] is not None}), counts,
    )  # fmt: skip


def _unsaid(actor: Actor) -> Any:
    query = sa.select(sa.func.count(), sa.func.min(Result.updated_at)).select_from(Result)
    query = query.join(Enrolment, Enrolment.id == Result.enrolment_id).where(Result.state == WAITING)
    return query.where(allow.clause(actor, "result.recognise", _HOME))


# Results that wait for the actor's word.
UNSAID = Waiting("results", lambda actor: bool(allow.schools(actor, "result.recognise")), _unsaid)


# --- a student's -------------------------------------------------------------------------------------------------


def of_student(session: Session, affiliation_ids: Collection[int]) -> list[Result]:
    """All results of one student, in the order of their terms."""
    query = sa.select(Result).join(Enrolment, Enrolment.id == Result.enrolment_id)
    query = query.join(Offering, Offering.id == Enrolment.offering_id).join(Term, Term.id == Offering.term_id)
    query = query.where(Enrolment.affiliation_id.in_(affiliation_ids))
    order = (Term.academic_year, Term.number, Result.id)
    return list(session.scalars(query.order_by(*order).options(*WHOLE).limit(MOST)))


def places(session: Session, person_id: int) -> list[Affiliation]:
    """The schools at which a person is or was a student, the latest first."""
    query = sa.select(Affiliation).where(Affiliation.person_id == person_id, Affiliation.kind == "student")
    schools = (joinedload(Affiliation.school), joinedload(Affiliation.person), joinedload(Affiliation.department))
    return list(session.scalars(query.options(*schools).order_by(Affiliation.from_.desc(), Affiliation.id.desc())))


def student(session: Session, actor: Actor, affiliation_id: int) -> Affiliation:
    """A student's place at their home school; 404 for whoever may not read their results."""
    options = [joinedload(Affiliation.school), joinedload(Affiliation.person), joinedload(Affiliation.department)]
    found = session.get(Affiliation, affiliation_id, options=options)
    if found is None or found.kind != "student":
        raise NotFound
    if not allow.may(actor, "result.read", student_subject(found)):
        raise Hidden(Denial("result.read", "affiliation", affiliation_id))
    return found


def student_subject(place: Affiliation) -> Subject:
    return Subject(
        "affiliation", place.id, places={"home": Place(place.school_id, place.department_id)},
        persons={"self": frozenset({place.person_id})},
    )  # fmt: skip
