"""Writing grades: how a class is graded, its sheets, and their way from the teacher to the registrar.

What is written in a sheet stands in `entering`, making it count in `confirming`, what is changed afterwards in `correcting`.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from courses.catalogue.models import Offering
from courses.grades import notices, queries, rules
from courses.grades.models import GradeEntry, GradeScheme, GradeSheet
from courses.grades.permissions import allow
from courses.grades.queries import Row
from courses.grades.schemes import WHOLE, Scheme, Written, check_scheme, judge
from courses.grades.steps import insist_complete, move, put, write_down
from zutuan.errors import Invalid, Refused, insist
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

# --- how a class is graded --------------------------------------------------------------------------------------


def set_scheme(session: Session, actor: Actor, offering: Offering, scheme: Scheme) -> GradeScheme:
    """Say how the class is graded. What is written already is reckoned anew, and has to fit."""
    allow.require(actor, "grades.scheme", queries.subject(offering))
    sheets = [
        queries.view_sheet(session, actor, each.id, "grades.scheme", hold=True) for each in _sheets(session, offering)
    ]
    if any(each.state != "open" for each in sheets):
        raise Refused("scheme_fixed")
    wrong = check_scheme(scheme.scale, scheme.places, scheme.parts)
    if wrong is not None:
        raise Invalid.field("scale" if wrong.code == "no_such_scale" else "parts", wrong.code, **wrong.params)
    row = queries.scheme_row(session, offering.id) or GradeScheme(offering_id=offering.id)
    row.scale, row.places = scheme.scale, scheme.places
    row.parts = [{"name": name, "weight": weight} for name, weight in scheme.parts]
    session.add(row)
    _reckon(session, sheets, scheme)
    session.flush()
    detail = {"scale": scheme.scale, "places": scheme.places, "parts": len(scheme.parts)}
    subject, school_id = Subject("offering", offering.id), offering.course.school_id
    audit(session, actor, "grades.scheme", subject, now=actor.now, school_id=school_id, **detail)
    return row


def _sheets(session: Session, offering: Offering) -> Sequence[GradeSheet]:
    return queries.sheets_of(session, offering.id)


def _reckon(session: Session, sheets: Sequence[GradeSheet], scheme: Scheme) -> None:
    """Every row that has something written, under the new scheme. Raises Refused naming those that do not fit it."""
    misfits: list[Row] = []
    for sheet in sheets:
        for row in queries.rows_of(session, sheet):
            entry = row.entry
            if entry is None:
                continue
            parts = dict(entry.parts) or ({WHOLE: entry.grade} if entry.grade else {})
            found = judge(scheme, Written(parts, row.mark, entry.remark))
            if isinstance(found, dict):
                misfits.append(row)
                continue
            entry.scale = scheme.scale
            put(entry, found)
    if misfits:
        raise Refused("scheme_does_not_fit", n=len(misfits), students=queries.names(misfits)[:10])


# --- sheets -----------------------------------------------------------------------------------------------------


def open_sheet(session: Session, actor: Actor, offering_id: int, attempt: str) -> GradeSheet:
    """Open a sheet: the class's first, a later sitting of it for whose exam was deferred, or a 补考."""
    offering = queries.view_class(session, actor, offering_id, "grades.open")
    sheets = _sheets(session, offering)
    same = [each for each in sheets if each.attempt == attempt]
    again = attempt == rules.RESIT or bool(same)
    allow.require(actor, "grades.open_again" if again else "grades.open", queries.subject(offering))
    if attempt == rules.RESIT and not any(each.state == "confirmed" for each in sheets):
        raise Refused("first_sheet_first")
    count = queries.candidates(session, offering_id, attempt)
    insist(rules.may_open(attempt, [each.state for each in same], count))
    sheet = GradeSheet(
        offering_id=offering_id, attempt=attempt, sitting=len(same) + 1, state="open", created_at=actor.now,
        updated_at=actor.now,
    )  # fmt: skip
    session.add(sheet)
    try:
        session.flush()
        _keep_scheme(session, actor, offering)
        session.flush()
    except IntegrityError as error:  # two at once
        raise Refused("sheet_open_already") from error
    sheet.offering = offering
    write_down(session, actor, "grades.open", sheet, attempt=attempt, sitting=sheet.sitting)
    return sheet


def _keep_scheme(session: Session, actor: Actor, offering: Offering) -> None:
    """From the first sheet on, what the school decides later is no longer this class's."""
    if queries.scheme_row(session, offering.id) is None:
        scheme = queries.scheme_of(session, offering, actor.now)
        parts = [{"name": name, "weight": weight} for name, weight in scheme.parts]
        session.add(GradeScheme(offering_id=offering.id, scale=scheme.scale, places=scheme.places, parts=parts))


def discard(session: Session, actor: Actor, sheet_id: int) -> int:
    """Take away an open sheet that nobody is on (they left, or a correction let them pass); answers its class. What was
    written in it never counted and goes with it; the audit keeps how much it was and of whom."""
    sheet = queries.view_sheet(session, actor, sheet_id, "grades.discard", hold=True)
    insist(rules.may_discard(sheet.state, len(queries.rows_of(session, sheet, hold=True))))
    of_it = sa.select(GradeEntry.enrolment_id).where(GradeEntry.sheet_id == sheet_id)
    drafts = session.scalars(of_it.order_by(GradeEntry.enrolment_id)).all()
    said = {"attempt": sheet.attempt, "sitting": sheet.sitting, "drafts": list(drafts)}
    write_down(session, actor, "grades.discard", sheet, **said)
    offering_id = sheet.offering_id
    for table, column in ((GradeEntry, GradeEntry.sheet_id), (GradeSheet, GradeSheet.id)):
        session.execute(sa.delete(table).where(column == sheet_id).execution_options(synchronize_session=False))
    session.expire_all()
    return offering_id


def submit(session: Session, actor: Actor, sheet_id: int) -> GradeSheet:
    """The teacher hands the sheet in: from now on it is the registrar's."""
    sheet = queries.view_sheet(session, actor, sheet_id, "grades.submit", hold=True)
    after = move(sheet, "submit", "staff")
    insist_complete(session, actor, sheet, queries.rows_of(session, sheet))
    sheet.state, sheet.updated_at, sheet.returned_because = after, actor.now, ""
    sheet.submitted_at, sheet.submitted_by = actor.now, actor.person_id
    write_down(session, actor, "grades.submit", sheet)
    notices.moved(session, sheet, "submitted", actor.now)
    session.flush()
    return sheet


def return_(session: Session, actor: Actor, sheet_id: int, reason: str) -> GradeSheet:
    """退回: the registrar gives it back to the teacher, who reads why."""
    sheet = queries.view_sheet(session, actor, sheet_id, "grades.return", hold=True)
    after = move(sheet, "return", "registrar")
    if not reason:
        raise Invalid.field("reason", "why_needed")
    sheet.state, sheet.updated_at, sheet.returned_because = after, actor.now, reason
    write_down(session, actor, "grades.return", sheet)
    notices.moved(session, sheet, "returned", actor.now)
    session.flush()
    return sheet
