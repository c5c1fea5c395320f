"""Writing which courses a school admits."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.admission import queries
from courses.admission.models import CourseAdmission
from courses.admission.permissions import allow
from courses.catalogue import hooks
from zutuan.clusters.models import School
from zutuan.decision import FieldError
from zutuan.errors import Invalid, Refused
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit, fetch


def decide(
    session: Session, actor: Actor, school_id: int, course_ids: Sequence[int], term: queries.TermKey, *, admit: bool
) -> int:
    """Admit these courses for the school's own students in that term, or say that they are not (any longer): all or none;
    answers how many that changed. Who is enrolled already keeps the seat."""
    fetch(session, School, school_id)
    queries.require_read(actor, school_id)
    allow.require(actor, "admission.decide", queries.subject(school_id))
    ids = sorted(set(course_ids))
    known = _known(session, school_id, ids, term)
    unseen = set(ids) - queries.shared(session, school_id, ids, actor.now) - (set() if admit else set(known))
    if unseen:
        raise Invalid(
            errors=[
                FieldError(f"course_ids.{index}", "not_shared_with_school")
                for index, course_id in enumerate(course_ids)
                if course_id in unseen
            ]
        )
    changed = [id_ for id_ in ids if id_ not in known or known[id_].admitted != admit]
    _insist_on_plans(session, course_ids, changed, term)
    for course_id in changed:
        _write(session, actor, school_id, course_id, term, known.get(course_id), admit)
    session.flush()
    return len(changed)


def _insist_on_plans(session: Session, sent: Sequence[int], changed: Sequence[int], term: queries.TermKey) -> None:
    """Raises Refused, naming the rows for which it is too early or too late."""
    against = hooks.against_admitting(session, changed, term.academic_year, term.number)
    rows = [(index, against[course_id]) for index, course_id in enumerate(sent) if course_id in against]
    if rows:
        errors = [FieldError(f"course_ids.{index}", said.code, said.params) for index, said in rows]
        raise Refused(rows[0][1].code, errors=errors, **rows[0][1].params)


def _known(session: Session, school_id: int, ids: Sequence[int], term: queries.TermKey) -> dict[int, CourseAdmission]:
    a = CourseAdmission
    query = sa.select(a).where(a.school_id == school_id, a.course_id.in_(ids), a.number == term.number)
    query = query.where(a.academic_year == term.academic_year).order_by(a.id).with_for_update()
    return {each.course_id: each for each in session.scalars(query)}


def _write(
    session: Session, actor: Actor, school_id: int, course_id: int, term: queries.TermKey,
    row: CourseAdmission | None, admit: bool,
) -> None:  # fmt: skip
    if row is None:
        row = CourseAdmission(
            school_id=school_id, course_id=course_id, academic_year=term.academic_year, number=term.number
        )
        session.add(row)
    row.admitted, row.decided_by, row.decided_at = admit, actor.person_id, actor.now
    action = "admission.admit" if admit else "admission.end"
    term_text = f"{term.academic_year}-{term.number}"
    audit(session, actor, action, Subject("course", course_id), now=actor.now, school_id=school_id, term=term_text)
