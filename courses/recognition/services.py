"""Writing what courses count as: rows of a school's table, answers to its students, and what they ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from courses.catalogue import queries as catalogue
from courses.catalogue.models import Course
from courses.recognition import notices, queries, rules, table
from courses.recognition.models import Recognition, RecognitionRequest
from courses.recognition.permissions import allow
from zutuan.errors import Invalid, Refused, insist
from zutuan.sharing.actor import Actor, Belongs
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

# --- the table --------------------------------------------------------------------------------------------------


def put(
    session: Session, actor: Actor, course_id: int, data: Mapping[str, Any], school_id: int | None = None
) -> Recognition:
    """The school's word on a course, from now on, in the place of what its table said; who asked is answered by it. Raises
    Invalid naming each field, Refused for a chain that loops."""
    home = school_for(actor, school_id)
    queries.require_read(actor, home)
    allow.require(actor, "recognition.write", queries.place(home))
    course = session.get(Course, course_id)
    if course is not None:
        insist(rules.may_recognise(home, course.school_id))
    if course is None or not queries.known(session, home, course_id, actor.now):
        raise Invalid.field("course_id", "no_such")
    row = table.write(session, actor, home, course, data)
    answer_all(session, actor, row)
    return row


def school_for(actor: Actor, school_id: int | None) -> int:
    """The school for which the actor writes: the one named, or the only one."""
    mine = allow.schools(actor, "recognition.write") or allow.schools(actor, "recognition.read")
    if school_id is None and len(mine) > 1:
        raise Invalid.field("school_id", "required")
    return school_id or next(iter(mine), 0)


def answer_all(session: Session, actor: Actor, row: Recognition) -> None:
    """A row of the table answers everybody who asked for the course."""
    _close(session, actor, row, _asking(session, row.home_school_id, row.course_id))


def end(session: Session, actor: Actor, recognition_id: int) -> Recognition:
    """The school says nothing of the course any more, nor of what counts as it."""
    row = queries.view(session, actor, recognition_id)
    allow.require(actor, "recognition.write", queries.place(row.home_school_id))
    table.hold(session, row.home_school_id)
    session.refresh(row)
    insist(rules.may_end(row.ended_at is not None, row.until, actor.now))
    table.end(session, actor, row)
    return row


# --- requests ---------------------------------------------------------------------------------------------------


def ask(
    session: Session, actor: Actor, course_id: int, message: str = "", affiliation_id: int | None = None
) -> RecognitionRequest:
    """A student asks what a course that they see would count as."""
    course = catalogue.view_course(session, actor, course_id, "recognition.ask").course
    home = _studying(actor, affiliation_id)
    allow.require(actor, "recognition.ask", queries.place(home.school_id) if home else Subject("course", course_id))
    assert home is not None
    known = queries.standing(session, home.school_id, course_id, actor.person_id, actor.now)
    asked = any(each.person_id == actor.person_id for each in _asking(session, home.school_id, course_id))
    answer = queries.answer(known) if known else None
    insist(rules.may_ask(home.school_id, course.school_id, answer, asked=asked, in_standing=home.standing == "active"))
    request = RecognitionRequest(
        home_school_id=home.school_id, course_id=course_id, person_id=actor.person_id,
        affiliation_id=home.affiliation_id, state="open", message=message, created_at=actor.now,
    )  # fmt: skip
    session.add(request)
    try:
        session.flush()
    except IntegrityError as error:  # two tabs at once
        raise Refused("asked_already") from error
    _note(session, actor, "recognition.ask", request)
    notices.asked(session, request, actor.now)
    return request


def _studying(actor: Actor, affiliation_id: int | None) -> Belongs | None:
    """The affiliation the actor asks as: the one named, or the only one as a student."""
    studying = [each for each in actor.affiliations if each.kind == "student"]
    if affiliation_id is not None:
        chosen = next((each for each in studying if each.affiliation_id == affiliation_id), None)
        if chosen is None:
            raise Invalid.field("affiliation_id", "no_such")
        return chosen
    if len(studying) > 1:
        raise Invalid.field("affiliation_id", "required")
    return studying[0] if studying else None


def _asking(session: Session, home: int, course_id: int) -> list[RecognitionRequest]:
    q = RecognitionRequest
    query = sa.select(q).where(q.home_school_id == home, q.course_id == course_id, q.state == "open")
    return list(session.scalars(query.order_by(q.id).with_for_update()))


def _held(session: Session, actor: Actor, request_id: int) -> RecognitionRequest:
    """The request, which nobody else decides until the commit; 404 for whoever has nothing to do with it."""
    request = queries.view_request(session, actor, request_id)
    session.refresh(request, with_for_update={"of": RecognitionRequest})
    return request


def answer(
    session: Session, actor: Actor, request_id: int, data: Mapping[str, Any], *, for_all: bool
) -> RecognitionRequest:
    """The school answers: this student, or (`for_all`) everybody by a row of its table."""
    home = queries.view_request(session, actor, request_id).home_school_id
    table.hold(session, home)  # as whoever writes a row does: first the table, then who asks
    request = _held(session, actor, request_id)
    allow.require(actor, "recognition.answer", queries.request_subject(request))
    insist(rules.may_answer(request.state, asker=request.person_id, answerer=actor.person_id))
    person_id = None if for_all else request.person_id
    row = table.write(session, actor, home, request.course, data, person_id)
    if for_all:
        answer_all(session, actor, row)
    else:
        _close(session, actor, row, [request])
    return request


def _close(session: Session, actor: Actor, row: Recognition, answered: Iterable[RecognitionRequest]) -> None:
    """These requests have their answer."""
    answered = list(answered)
    for request in answered:
        request.state, request.answer_id = "answered", row.id
        request.answered_by, request.answered_at = actor.person_id, actor.now
        _note(session, actor, "recognition.answer", request)
    session.flush()
    for request in answered:
        session.expire(request, ["answer"])
    notices.answered(session, row, {each.person_id for each in answered}, actor.now)


def withdraw(session: Session, actor: Actor, request_id: int) -> RecognitionRequest:
    """The student does not ask any more."""
    request = _held(session, actor, request_id)
    allow.require(actor, "recognition.withdraw", queries.request_subject(request))
    insist(rules.may_decide(request.state))
    request.state = "withdrawn"
    session.flush()
    _note(session, actor, "recognition.withdraw", request)
    return request


def _note(session: Session, actor: Actor, action: str, request: RecognitionRequest) -> None:
    subject, school = Subject("recognition_request", request.id), request.home_school_id
    audit(session, actor, action, subject, now=actor.now, school_id=school, course=request.course_id)
