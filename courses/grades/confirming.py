"""Making grades count: the registrar confirms a sheet, enrolments are completed, home schools and students hear of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.enrolment import completing
from courses.enrolment.models import Enrolment
from courses.grades import hooks, notices, queries, rules, steps
from courses.grades.models import GradeEntry, GradeSheet
from courses.grades.queries import Attempt
from courses.grades.rules import Grade
from zutuan.errors import insist
from zutuan.sharing.actor import Actor
from zutuan.web.texts import credit


def confirm(session: Session, actor: Actor, sheet_id: int) -> GradeSheet:
    """From now on these grades count. 缓考 counts for nothing yet: such a student is on the next sheet."""
    sheet = queries.view_sheet(session, actor, sheet_id, "grades.confirm", hold=True)
    after = steps.move(sheet, "confirm", "registrar")
    insist(rules.four_eyes(actor.person_id, sheet.submitted_by))
    rows = queries.rows_of(session, sheet, hold=True)
    steps.insist_complete(session, actor, sheet, rows)
    _forget_drafts(session, sheet, [row.enrolment.id for row in rows])
    sheet.state, sheet.updated_at = after, actor.now
    sheet.confirmed_at, sheet.confirmed_by = actor.now, actor.person_id
    session.flush()
    counting = [row.enrolment for row in rows if row.grade is not None and row.grade.passed is not None]
    make_count(session, actor, counting)
    steps.write_down(session, actor, "grades.confirm", sheet, n=len(rows), counting=len(counting))
    notices.moved(session, sheet, "confirmed", actor.now)
    session.flush()
    return sheet


def _forget_drafts(session: Session, sheet: GradeSheet, kept: Iterable[int]) -> None:
    """What was written of students who have left meanwhile: it never counted, and now it never will."""
    e = GradeEntry
    gone = sa.delete(e).where(e.sheet_id == sheet.id, e.enrolment_id.not_in(list(kept)))
    session.execute(gone.execution_options(synchronize_session=False))


def make_count(session: Session, actor: Actor, enrolments: list[Enrolment]) -> None:
    """The grade that stands is the enrolment's now; what is over is completed, and whoever builds on it hears."""
    attempts = queries.attempts_of(session, [each.id for each in enrolments])
    originals: dict[int, dict[str, Any]] = {}
    for each in enrolments:
        found = queries.stands(attempts.get(each.id, ()))
        if found is not None and found[1].passed is not None:
            each.passed = found[1].passed
            originals[each.id] = original(each, *found)
    completing.complete(session, actor, [each for each in enrolments if each.host_state == "accepted"])
    _tell_hooks(session, actor, originals)


def _tell_hooks(session: Session, actor: Actor, originals: Mapping[int, dict[str, Any]]) -> None:
    for told in hooks.confirmed if originals else ():
        told(session, actor, originals, actor.now)


def original(enrolment: Enrolment, attempt: Attempt, grade: Grade) -> dict[str, Any]:
    """The grade as home schools hear of it (`hooks.confirmed`)."""
    confirmed_at = attempt.sheet.confirmed_at
    return {
        "scale": grade.scale, "grade": "" if grade.mark else str(grade), "mark": grade.mark, "attempt": attempt.kind,
        "credits": credit(enrolment.offering.course.credits), "entry_id": attempt.entry.id,
        "entry_version": attempt.entry.version, "confirmed_at": confirmed_at.isoformat() if confirmed_at else "",
    }  # fmt: skip
