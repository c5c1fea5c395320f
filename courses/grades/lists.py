"""The registrar's lists: sheets that wait, and corrections that are asked for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from courses.catalogue.models import Course, CourseTeacher, Offering
from courses.catalogue.services import teaching_ends
from courses.enrolment.models import Enrolment
from courses.grades import rules
from courses.grades.models import GradeCorrection, GradeEntry, GradeSheet
from courses.grades.permissions import allow
from courses.grades.queries import ENROLLED, retakes
from zutuan.calendar.models import Term
from zutuan.paging import Key, Page, fetch_page
from zutuan.people.models import Affiliation, Person
from zutuan.sharing.actor import Actor
from zutuan.waiting import Waiting

MOST_CLASSES = 50
_OFFERING = joinedload(GradeSheet.offering)
_SHOWN = (_OFFERING.joinedload(Offering.course).joinedload(Course.item), _OFFERING.joinedload(Offering.term))


def _named(person_id: int) -> sa.ColumnElement[bool]:
    return Course.id.in_(sa.select(CourseTeacher.course_id).where(CourseTeacher.person_id == person_id))


_PLACES: dict[str, Any] = {"host": (Course.school_id, Course.department_id), "staff": _named}


def _readable(actor: Actor, columns: Any = _PLACES) -> sa.Select[Any]:
    found: sa.Select[Any] = sa.select(GradeSheet).join(Offering, Offering.id == GradeSheet.offering_id)
    return found.join(Course, Course.id == Offering.course_id).where(allow.clause(actor, "grades.read", columns))


def sheets(session: Session, actor: Actor, query: dict[str, Any]) -> Page:
    """Those that the actor may read, what was handed in first before all; the office's and the teacher's own alike."""
    found = _readable(actor)
    if query["state"]:
        found = found.where(GradeSheet.state == query["state"])
    return fetch_page(session, found.options(*_SHOWN), [Key(GradeSheet.id)], query["cursor"], query["limit"])


def counts(session: Session, ids: Collection[int]) -> dict[int, int]:
    """Sheet → how many of its rows have a grade or a mark."""
    e = GradeEntry
    done = sa.or_(e.grade != "", e.mark != "")
    query = sa.select(e.sheet_id, sa.func.count(sa.case((done, 1)))).where(e.sheet_id.in_(ids)).group_by(e.sheet_id)
    return dict(session.execute(query).tuples().all()) if ids else {}


def _submitted(actor: Actor) -> Any:
    query = _decidable(actor, "grades.confirm").where(GradeSheet.state == "submitted")
    return query.with_only_columns(sa.func.count(), sa.func.min(GradeSheet.submitted_at))


# Sheets that wait for the registrar's word.
SUBMITTED = Waiting("grades", lambda actor: bool(allow.schools(actor, "grades.confirm")), _submitted)


def _decidable(actor: Actor, action: str) -> sa.Select[Any]:
    found: sa.Select[Any] = sa.select(GradeSheet).join(Offering, Offering.id == GradeSheet.offering_id)
    return found.join(Course, Course.id == Offering.course_id).where(allow.clause(actor, action, _PLACES))


def returned(session: Session, actor: Actor) -> list[GradeSheet]:
    """The teacher's own sheets that came back."""
    query = _decidable(actor, "grades.save").where(GradeSheet.state == "open", GradeSheet.returned_because != "")
    return list(session.scalars(query.options(*_SHOWN).order_by(GradeSheet.id)))


def ungraded(session: Session, actor: Actor) -> list[Offering]:
    """The teacher's own classes whose teaching is over and whose students have no grades yet."""
    sheet = sa.select(GradeSheet.id).where(GradeSheet.offering_id == Offering.id, GradeSheet.state != "open")
    student = sa.select(Enrolment.id).where(Enrolment.offering_id == Offering.id, ENROLLED, Enrolment.passed.is_(None))
    query = (
        sa.select(Offering).join(Course, Course.id == Offering.course_id).join(Term, Term.id == Offering.term_id)
        .where(_named(actor.person_id), Course.school_id.in_(sorted(actor.school_ids)), Offering.enrol_until <= actor.now)
        .where(student.correlate(Offering).exists(), sa.not_(sheet.correlate(Offering).exists()))
        .options(joinedload(Offering.course).joinedload(Course.item), joinedload(Offering.term))
        .order_by(Offering.id).limit(MOST_CLASSES)
    )  # fmt: skip
    return [each for each in session.scalars(query) if teaching_ends(each.term) <= actor.now]


# --- what students of other schools were given ------------------------------------------------------------------


@dataclass(frozen=True)
class Given:
    """A confirmed row, and as which attempt it counts."""

    entry: GradeEntry
    kind: str


def terms_given(session: Session, actor: Actor) -> list[tuple[str, int]]:
    """(academic year, number) of the terms with grades of other schools' students, the latest first."""
    columns = (Term.academic_year, Term.number)
    query = _given(actor).with_only_columns(*columns).distinct().order_by(*(each.desc() for each in columns))
    return [(year, number) for year, number in session.execute(query)]


def given(session: Session, actor: Actor, year: str, number: int) -> list[Given]:
    """Confirmed grades of that term, of students of other schools, by school and 学工号."""
    query = _given(actor).where(Term.academic_year == year, Term.number == number).options(*_GIVEN)
    query = query.join(Affiliation, Affiliation.id == Enrolment.affiliation_id)
    order = (Enrolment.home_school_id, Affiliation.number, Enrolment.id, GradeSheet.confirmed_at, GradeSheet.id)
    found = list(session.scalars(query.order_by(*order)))
    again = retakes(session, [each.enrolment_id for each in found])
    return [
        Given(
            each,
            rules.RETAKE if each.sheet.attempt == rules.FIRST and each.enrolment_id in again else each.sheet.attempt,
        )
        for each in found
    ]


def _given(actor: Actor) -> sa.Select[Any]:
    e = GradeEntry
    found: sa.Select[Any] = sa.select(e).join(GradeSheet, GradeSheet.id == e.sheet_id)
    found = found.join(Enrolment, Enrolment.id == e.enrolment_id).join(Offering, Offering.id == Enrolment.offering_id)
    found = found.join(Course, Course.id == Offering.course_id).join(Term, Term.id == Offering.term_id)
    found = found.where(GradeSheet.state == "confirmed", Enrolment.home_school_id != Enrolment.host_school_id)
    return found.where(allow.clause(actor, "grades.list", {"host": (Course.school_id, Course.department_id)}))


_OF = joinedload(GradeEntry.enrolment)
_TAUGHT = _OF.joinedload(Enrolment.offering)
_GIVEN = (
    joinedload(GradeEntry.sheet), _OF.joinedload(Enrolment.person), _OF.joinedload(Enrolment.home_school),
    _OF.joinedload(Enrolment.host_school), _OF.joinedload(Enrolment.affiliation).joinedload(Affiliation.department),
    _TAUGHT.joinedload(Offering.term), _TAUGHT.joinedload(Offering.course).joinedload(Course.item),
    _TAUGHT.joinedload(Offering.course).selectinload(Course.staff).joinedload(CourseTeacher.person),
)  # fmt: skip


# --- corrections ------------------------------------------------------------------------------------------------


def _corrections(actor: Actor, action: str) -> sa.Select[Any]:
    c = GradeCorrection
    found: sa.Select[Any] = sa.select(c).join(GradeEntry, GradeEntry.id == c.entry_id)
    found = found.join(GradeSheet, GradeSheet.id == GradeEntry.sheet_id)
    found = found.join(Offering, Offering.id == GradeSheet.offering_id).join(Course, Course.id == Offering.course_id)
    return found.where(allow.clause(actor, action, _PLACES))


_ENTRY = joinedload(GradeCorrection.entry)
_ABOUT = (
    _ENTRY.joinedload(GradeEntry.sheet).options(
        *(joinedload(GradeSheet.offering).joinedload(Offering.course).joinedload(Course.item),)
    ),
    _ENTRY.joinedload(GradeEntry.enrolment).joinedload(Enrolment.person).load_only(Person.name),
    _ENTRY.joinedload(GradeEntry.enrolment).joinedload(Enrolment.affiliation).load_only(Affiliation.number),
    joinedload(GradeCorrection.asker).load_only(Person.name),
)


def corrections(session: Session, actor: Actor, query: dict[str, Any]) -> Page:
    found = _corrections(actor, "grades.read")
    if query["state"]:
        found = found.where(GradeCorrection.state == query["state"])
    order = [Key(GradeCorrection.id, descending=True)]
    return fetch_page(session, found.options(*_ABOUT), order, query["cursor"], query["limit"])


def corrections_of(session: Session, sheet_id: int) -> list[GradeCorrection]:
    query = sa.select(GradeCorrection).join(GradeEntry, GradeEntry.id == GradeCorrection.entry_id)
    query = query.where(GradeEntry.sheet_id == sheet_id).options(*_ABOUT).order_by(GradeCorrection.id.desc())
    return list(session.scalars(query))


def _asked(actor: Actor) -> Any:
    query = _corrections(actor, "grades.decide_correction").where(GradeCorrection.state == "asked")
    return query.with_only_columns(sa.func.count(), sa.func.min(GradeCorrection.asked_at))


ASKED = Waiting("grade corrections", lambda actor: bool(allow.schools(actor, "grades.decide_correction")), _asked)
