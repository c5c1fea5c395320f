"""The registrar's lists: sheets that wait, and corrections that are asked for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from courses.catalogue.models import Course, CourseTeacher, Offering
from courses.enrolment.models import Enrolment
from courses.grades.models import GradeCorrection, GradeEntry, GradeSheet
from courses.grades.permissions import allow
from zutuan.paging import Key, Page, fetch_page
from zutuan.people.models import Affiliation, Person
from zutuan.sharing.actor import Actor

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


@dataclass(frozen=True)
class Counted:
    """Of one sheet: how many have a grade or a mark, and how many of them fail."""

    written: int = 0
    failed: int = 0


def counts(session: Session, ids: Collection[int]) -> dict[int, Counted]:
    e = GradeEntry
    done = sa.or_(e.grade != "", e.mark != "")
    query = sa.select(e.sheet_id, sa.func.count(sa.case((done, 1)))).where(e.sheet_id.in_(ids)).group_by(e.sheet_id)
    return {id_: Counted(written) for id_, written in session.execute(query)} if ids else {}


def waiting(session: Session, actor: Actor) -> tuple[int, datetime | None]:
    """How many sheets wait for the registrar's word, and since when."""
    query = _decidable(actor, "grades.confirm").where(GradeSheet.state == "submitted")
    rows = session.execute(query.with_only_columns(sa.func.count(), sa.func.min(GradeSheet.submitted_at))).one()
    return rows[0], rows[1]


def _decidable(actor: Actor, action: str) -> sa.Select[Any]:
    found: sa.Select[Any] = sa.select(GradeSheet).join(Offering, Offering.id == GradeSheet.offering_id)
    return found.join(Course, Course.id == Offering.course_id).where(allow.clause(actor, action, _PLACES))


def returned(session: Session, actor: Actor) -> list[GradeSheet]:
    """The teacher's own sheets that came back."""
    query = _decidable(actor, "grades.save").where(GradeSheet.state == "open", GradeSheet.returned_because != "")
    return list(session.scalars(query.options(*_SHOWN).order_by(GradeSheet.id)))


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
