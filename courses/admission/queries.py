"""Reading which courses a school has admitted, and which it could."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.admission import policies, rules
from courses.admission.models import CourseAdmission
from courses.admission.permissions import allow
from courses.catalogue import hooks
from courses.catalogue import queries as catalogue
from courses.catalogue.hooks import ReviewDates
from courses.catalogue.models import Course, Offering
from courses.catalogue.rows import CourseRow, rows
from zutuan.calendar import services as calendar
from zutuan.calendar.models import Term
from zutuan.clock import local
from zutuan.clusters.models import School
from zutuan.errors import Denial, Hidden
from zutuan.paging import Key, Page, fetch_page
from zutuan.policies import services as policy_values
from zutuan.sharing import services as sharing
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import SharedItem
from zutuan.sharing.permissions import Place, Subject

LATEST = 3  # terms in which something can still be reviewed


@dataclass(frozen=True)
class TermKey:
    """A term by what home and host schools match it by."""

    academic_year: str
    number: int


def subject(school_id: int) -> Subject:
    return Subject("school", school_id, places={"home": Place(school_id)})


def require_read(actor: Actor, school_id: int) -> None:
    """404 for whoever has nothing to do with that school's list. A secretary reads all of it."""
    if school_id not in allow.schools(actor, "admission.read"):
        raise Hidden(Denial("admission.read", "school", school_id))


def way(session: Session, school_id: int, now: datetime) -> str:
    return str(policy_values.value(session, policies.ADMISSION.key, school_id, now))


def admitted(session: Session, school_id: int, course_id: int, term: Term | TermKey, now: datetime) -> bool:
    """Whether the school's students may choose the course in that term."""
    how = way(session, school_id, now)
    return rules.may_choose(how, how == "picked" and course_id in picked(session, school_id, [course_id], term))


def words(session: Session, school_id: int, term: Term | TermKey) -> list[CourseAdmission]:
    """What the school has said of courses in that term: admitted or not."""
    a = CourseAdmission
    query = sa.select(a).where(a.school_id == school_id, a.academic_year == term.academic_year, a.number == term.number)
    return list(session.scalars(query))


def picked(session: Session, school_id: int, course_ids: Iterable[int], term: Term | TermKey) -> set[int]:
    """Those of the courses that the school has admitted for the term."""
    a = CourseAdmission
    query = sa.select(a.course_id).where(a.school_id == school_id, a.course_id.in_(list(course_ids)), a.admitted)
    return set(session.scalars(query.where(a.academic_year == term.academic_year, a.number == term.number)))


def terms(session: Session, school_id: int, today: datetime) -> tuple[list[TermKey], TermKey | None]:
    """The school's terms, the latest first, and the one of now."""
    found = [TermKey(each.academic_year, each.number) for each in calendar.terms_of(session, school_id)]
    current = calendar.term_on(session, school_id, local(today).date())
    return found, TermKey(current.academic_year, current.number) if current else None


@dataclass(frozen=True)
class Choice:
    """A course that the school's students could choose, and whether the school has decided that they may."""

    course: CourseRow
    admitted: bool
    decided: bool


def _shared_with(session: Session, school_id: int, now: datetime) -> sa.Select[Any]:
    """Published courses of other schools that the school's students see."""
    student = catalogue.student_of(session, session.get_one(School, school_id), now)
    query = sa.select(Course.id).join(SharedItem, SharedItem.id == Course.id)
    query = query.where(SharedItem.state == "published", Course.school_id != school_id)
    return sharing.seen_by(student, query)


def shared(session: Session, school_id: int, course_ids: Sequence[int], now: datetime) -> set[int]:
    """Those of the courses that may be admitted."""
    return set(session.scalars(_shared_with(session, school_id, now).where(Course.id.in_(course_ids))))


def _offered(session: Session, school_id: int, term: TermKey, now: datetime) -> sa.Select[Any]:
    """Courses shared with the school that have a published class in the term."""
    taught = (
        sa.select(Offering.id)
        .join(Term, Term.id == Offering.term_id)
        .where(Offering.course_id == Course.id, Offering.state == "published")
        .where(Term.academic_year == term.academic_year, Term.number == term.number)
    )
    return _shared_with(session, school_id, now).where(taught.exists())


def under_review(session: Session, school_id: int, now: datetime) -> list[tuple[TermKey, ReviewDates, int]]:
    """Terms that the school is to review now, or is late with, where it picks courses: with how many it has not decided."""
    if way(session, school_id, now) != "picked":
        return []
    found = []
    for term in terms(session, school_id, now)[0][:LATEST]:
        for dates in hooks.when_to_review(session, school_id, term.academic_year, term.number)[:1]:
            if dates.opens <= now < dates.ends:
                found.append((term, dates, undecided(session, school_id, term, now)))
    return found


def undecided(session: Session, school_id: int, term: TermKey, now: datetime) -> int:
    """How many courses of the term the school has said nothing of."""
    found = _offered(session, school_id, term, now)
    for clause in _decided_as(school_id, term, {"admitted": None, "decided": False}):
        found = found.where(clause)
    return session.scalar(sa.select(sa.func.count()).select_from(found.subquery())) or 0


def choices(session: Session, actor: Actor, school_id: int, term: TermKey, query: dict[str, Any]) -> Page:
    """Courses with a published class in the term, with the school's word on each."""
    found = _offered(session, school_id, term, actor.now)
    if query["q"]:
        found = found.where(catalogue.matches(query["q"]))
    if query["host_id"]:
        found = found.where(Course.school_id == query["host_id"])
    for clause in _decided_as(school_id, term, query):
        found = found.where(clause)
    page = fetch_page(session, found, [Key(Course.id)], query["cursor"], query["limit"])
    said = {each.course_id: each.admitted for each in words(session, school_id, term)}
    shown = [Choice(each, said.get(each.id, False), each.id in said) for each in rows(session, page.items)]
    return Page(shown, page.next, page.total)


def _decided_as(school_id: int, term: TermKey, query: dict[str, Any]) -> list[sa.ColumnElement[bool]]:
    a, clauses = CourseAdmission, []
    said = sa.select(a.id).where(a.course_id == Course.id, a.school_id == school_id)
    said = said.where(a.academic_year == term.academic_year, a.number == term.number)
    for name, word in (("admitted", said.where(a.admitted)), ("decided", said)):
        if query[name] is not None:
            clauses.append(word.exists() if query[name] else sa.not_(word.exists()))
    return clauses


def hosts(session: Session, school_id: int, now: datetime) -> list[tuple[int, str]]:
    """(id, name) of the schools that share courses with it: the filter's choices."""
    owners = sorted(set(session.scalars(_shared_with(session, school_id, now).with_only_columns(Course.school_id))))
    query = sa.select(School.id, School.name).where(School.id.in_(owners)).order_by(School.id)
    return [(id_, name) for id_, name in session.execute(query)]
