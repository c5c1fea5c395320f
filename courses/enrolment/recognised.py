"""学分认定 on enrolments: each has the word of its home school that stood when it began, or the first that came after.

A student who enrols and a registrar who writes do not wait for each other. Whoever commits last looks again after the
commit (`look_again`), so that none of the two is missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue.models import Offering
from courses.enrolment import notices
from courses.enrolment.models import Enrolment
from courses.recognition import queries as recognition
from courses.recognition.models import Recognition
from zutuan.clock import clock
from zutuan.db import padded
from zutuan.feature import Problem
from zutuan.jobs import enqueue
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

E = Enrolment
TOPIC = "enrolment.recognised"


def fill(session: Session, actor: Actor | None, row: Recognition, now: datetime) -> list[int]:
    """The hook of recognition: enrolments of that school in that course that stand and have no answer yet have this one;
    an answer that stands is not changed. Says whose they are."""
    people = _fill(session, row, now, actor)
    enqueue(session, TOPIC, {"recognition": row.id}, now)
    return people


def _fill(session: Session, row: Recognition, now: datetime, actor: Actor | None = None) -> list[int]:
    offered = sa.select(Offering.id).where(Offering.course_id == row.course_id)
    change = sa.update(E).where(
        E.home_school_id == row.home_school_id, E.offering_id.in_(offered), E.recognition_id.is_(None), E.active()
    )
    if row.person_id is not None:
        change = change.where(E.person_id == row.person_id)
    values = {"recognition_id": row.id, "updated_at": now, "version": E.version + 1}
    session.flush()
    # past the session: one that finds nothing to fill has changed nothing, and owes no audit row
    found = session.connection().execute(change.values(**values).returning(E.id, E.person_id)).all()
    for enrolment_id, _person in found:
        _audit(session, actor, enrolment_id, row, now)
    return [person for _id, person in found]


def _audit(session: Session, actor: Actor | None, enrolment_id: int, row: Recognition, now: datetime) -> None:
    subject, school = Subject("enrolment", enrolment_id), row.home_school_id
    audit(session, actor, "enrolment.recognised", subject, now=now, school_id=school, recognition=row.id)


def begin(session: Session, enrolments: Sequence[Enrolment], now: datetime) -> None:
    """Enrolments that are made together: each has the word that stands now."""
    course = sa.select(Offering.course_id).where(Offering.id == E.offering_id).correlate(E).scalar_subquery()
    said = recognition.latest(E.home_school_id, course, E.person_id, now).correlate(E).scalar_subquery()
    mine = E.id.in_(padded(sorted(each.id for each in enrolments)))
    session.flush()
    session.execute(sa.update(E).where(mine).values(recognition_id=said).execution_options(synchronize_session=False))
    for each in enrolments:
        session.expire(each, ["recognition_id"])


def look_again(session: Session, payload: dict[str, Any]) -> None:
    """The outbox's handler: enrolments that began while the row was being written."""
    row, now = session.get(Recognition, payload["recognition"]), clock.now()
    if row is not None and recognition.answer(row).open_at(now):
        _fill(session, row, now)


def follow_up(session: Session, payload: dict[str, Any]) -> None:
    """What follows a step: whom it concerns is told, and who enrolled while their school was writing has its word."""
    if payload["event"] in ("enrol", "queue"):
        _look_for(session, payload["enrolment"], clock.now())
    notices.tell_all(session, payload)


def _look_for(session: Session, enrolment_id: int, now: datetime) -> None:
    said = recognition.latest(E.home_school_id, Offering.course_id, E.person_id, now).correlate(E, Offering)
    query = sa.select(said.scalar_subquery()).select_from(E).join(Offering, Offering.id == E.offering_id)
    row_id = session.scalar(query.where(E.id == enrolment_id, E.recognition_id.is_(None)))
    if row_id is not None:
        _fill(session, session.get_one(Recognition, row_id), now)


def answers_are_of_their_school(session: Session) -> list[Problem]:
    """An enrolment's answer is of its own course."""
    query = (
        sa.select(E.id)
        .join(Offering, Offering.id == E.offering_id)
        .join(Recognition, Recognition.id == E.recognition_id)
    )
    wrong = query.where(Recognition.course_id != Offering.course_id)
    return [
        Problem("answers_are_of_their_school", f"enrolment {id_}", "its recognition is of another course")
        for id_ in session.scalars(wrong)
    ]
