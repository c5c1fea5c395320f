"""What every writer of grades does: ask the machine, keep a row, write down who did it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from courses.grades import queries, rules
from courses.grades.models import GradeEntry, GradeSheet
from courses.grades.queries import Row
from courses.grades.schemes import Judged
from zutuan.decision import Refusal
from zutuan.errors import Refused, insist
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit


def write_down(session: Session, actor: Actor, action: str, sheet: GradeSheet, **detail: Any) -> None:
    """The audit row of what was done with a sheet."""
    school_id = sheet.offering.course.school_id
    subject = Subject("grade_sheet", sheet.id)
    audit(session, actor, action, subject, now=actor.now, school_id=school_id, offering=sheet.offering_id, **detail)


def move(sheet: GradeSheet, event: str, who: str) -> str:
    """The state that the event leads to. Raises Refused."""
    after = rules.sheet_step(sheet.state, event, who)
    if isinstance(after, Refusal):
        raise Refused.because(after)
    return after


def insist_complete(session: Session, actor: Actor, sheet: GradeSheet, rows: Sequence[Row]) -> None:
    without = queries.names([row for row in rows if row.grade is None])
    insist(rules.may_submit(actor.now, sheet.offering.enrol_until, len(rows), without))


def put(entry: GradeEntry, judged: Judged) -> None:
    """What a row has come to, as it is kept."""
    mark = judged.grade.mark if judged.grade else ""
    entry.parts, entry.mark, entry.remark = dict(judged.parts), mark, judged.remark
    entry.grade = "" if mark or judged.grade is None else str(judged.grade)
