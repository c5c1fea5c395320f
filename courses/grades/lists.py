"""The registrar's lists: sheets that wait, and corrections that are asked for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from courses.catalogue.models import Course, CourseTeacher, Offering
from courses.catalogue.services import teaching_ends
from courses.enrolment.models import Enrolment
from courses.grades.models import GradeCorrection, GradeEntry, GradeSheet
from courses.grades.permissions import allow
from courses.grades.queries import ENROLLED
from zutuan.calendar.models import Term
from zutuan.db import found_once
from zutuan.paging import Key, Page, fetch_page
from zutuan.people.models import Affiliation, Person
from zutuan.sharing.actor import Actor

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


def waiting(session: Session, actor: Actor) -> tuple[int, datetime | None]:
    """How many sheets wait for the registrar's word, and since when."""
    query = _decidable(actor, "grades.confirm").where(GradeSheet.state == "submitted")
    counted = query.with_only_columns(sa.func.count(), sa.func.min(GradeSheet.submitted_at))

    def find() -> tuple[int, datetime | None]:
        count, since = session.execute(counted).one()
        return count, since

    return found_once(session, ("grades to confirm", actor.person_id), find)


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


def corrections_waiting(session: Session, actor: Actor) -> tuple[int, datetime | None]:
    query = _corrections(actor, "grades.decide_correction").where(GradeCorrection.state == "asked")
    rows = session.execute(query.with_only_columns(sa.func.count(), sa.func.min(GradeCorrection.asked_at))).one()
    return rows[0], rows[1]
