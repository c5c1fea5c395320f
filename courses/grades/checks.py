"""Invariants that `zutuan check` looks at."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.enrolment.models import Enrolment
from courses.grades import queries
from courses.grades.models import GradeEntry, GradeSheet
from zutuan.db import chunks
from zutuan.feature import Problem


def who_is_completed_has_a_grade(session: Session) -> list[Problem]:
    """Every enrolment that the host has completed has a confirmed grade, and what it says of passing is that grade's."""
    query = sa.select(Enrolment.id, Enrolment.passed).where(Enrolment.active(), Enrolment.host_state == "completed")
    kept = {id_: passed for id_, passed in session.execute(query)}
    found = []
    for ids in chunks(list(kept)):
        attempts = queries.attempts_of(session, ids)
        for id_ in ids:
            stands = queries.stands(attempts.get(id_, ()))
            says = stands[1].passed if stands else None
            if says is None or says != kept[id_]:
                detail = f"passed is {kept[id_]}, its grades say {says}"
                found.append(Problem("who_is_completed_has_a_grade", f"enrolment {id_}", detail))
    return found


def what_is_confirmed_is_whole(session: Session) -> list[Problem]:
    """Every row of a confirmed sheet has a grade or a mark, and its student has come to what the sheet says."""
    query = (
        sa.select(GradeEntry.id, GradeEntry.grade, GradeEntry.mark, Enrolment.host_state)
        .join(GradeSheet, GradeSheet.id == GradeEntry.sheet_id)
        .join(Enrolment, Enrolment.id == GradeEntry.enrolment_id)
        .where(GradeSheet.state == "confirmed")
    )
    found = []
    for id_, grade, mark, host in session.execute(query):
        if not grade and not mark:
            found.append(Problem("what_is_confirmed_is_whole", f"grade_entry {id_}", "neither grade nor mark"))
        elif mark != "deferred" and host != "completed":
            found.append(Problem("what_is_confirmed_is_whole", f"grade_entry {id_}", f"its enrolment is {host}"))
    return found


def open_work_is_of_its_class(session: Session) -> list[Problem]:
    """A row is of an enrolment in the class of its sheet."""
    query = (
        sa.select(GradeEntry.id)
        .join(GradeSheet, GradeSheet.id == GradeEntry.sheet_id)
        .join(Enrolment, Enrolment.id == GradeEntry.enrolment_id)
        .where(Enrolment.offering_id != GradeSheet.offering_id)
    )
    return [
        Problem("open_work_is_of_its_class", f"grade_entry {id_}", "its enrolment is in another class")
        for id_ in session.scalars(query)
    ]


ALL = (who_is_completed_has_a_grade, what_is_confirmed_is_whole, open_work_is_of_its_class)
