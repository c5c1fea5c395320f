"""请假: a student asks to miss a meeting, the teacher (or the host's registrar) decides. An accepted leave is a mark."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from courses.enrolment import queries as enrolments
from courses.rosters import notices, queries, rules, services
from courses.rosters.models import AttendanceMark, LeaveRequest
from courses.rosters.permissions import allow
from courses.rosters.rules import Key
from zutuan.db import insert_or
from zutuan.decision import Refusal
from zutuan.errors import Denial, Hidden, NotFound, Refused, insist
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

_ATTENDING = ("enrolled", "completed")
LATEST = timedelta(days=7)  # after the meeting, for whoever was ill


def ask(session: Session, actor: Actor, enrolment_id: int, key: Key | None, reason: str) -> LeaveRequest:
    """The student asks; those who teach the class hear of it."""
    enrolment = queries.view_one(session, actor, enrolment_id)
    allow.require(actor, "leave.ask", enrolments.subject(enrolment))
    services.attending(session, actor, enrolment.offering_id)
    meeting = queries.meeting(session, enrolment.offering_id, key)
    if meeting.gone:
        raise NotFound
    line = queries.one(session, enrolment)
    insist(rules.may_ask_leave(meeting.starts, meeting.ends, line.since, actor.now, LATEST))
    sheet = services.hold(session, enrolment.offering_id, meeting)
    who = {"enrolment_id": enrolment.id, "person_id": enrolment.person_id}
    request = LeaveRequest(sheet_id=sheet.id, **who, reason=reason, asked_at=actor.now)
    session.add(request)
    try:
        session.flush()
    except IntegrityError as error:
        raise Refused("leave_asked") from error
    _audit(session, actor, "leave.ask", request)
    notices.asked(session, request, actor.now)
    return request


def decide(session: Session, actor: Actor, leave_id: int, *, accept: bool, answer: str = "") -> LeaveRequest:
    """The teacher's word. Accepted, the student is on leave at that meeting, unless the teacher or a scan says otherwise;
    an absence is made good."""
    request = view(session, actor, leave_id)
    allow.require(actor, "leave.decide", enrolments.subject(request.enrolment))
    if enrolments.combined(request.enrolment) not in _ATTENDING:
        raise Refused("not_on_roster")
    _move(request, "accept" if accept else "refuse")
    request.answer, request.decided_at, request.decided_by = answer, actor.now, actor.person_id
    if accept:
        _mark(session, actor, request)
    session.flush()
    _audit(session, actor, "leave.accept" if accept else "leave.refuse", request)
    notices.decided(session, request, actor.now)
    return request


def withdraw(session: Session, actor: Actor, leave_id: int) -> LeaveRequest:
    """The student takes it back; an unused leave goes with it."""
    request = view(session, actor, leave_id)
    allow.require(actor, "leave.withdraw", enrolments.subject(request.enrolment))
    if request.state == "accepted" and request.sheet.starts <= actor.now:
        raise Refused("leave_decided")
    _move(request, "withdraw")
    m = AttendanceMark
    unused = sa.delete(m).where(
        m.sheet_id == request.sheet_id, m.enrolment_id == request.enrolment_id, m.source == "leave"
    )
    session.execute(unused)
    session.flush()
    _audit(session, actor, "leave.withdraw", request)
    return request


def view(session: Session, actor: Actor, leave_id: int) -> LeaveRequest:
    """The request, held until the commit; 404 for whoever has nothing to do with it."""
    found = session.scalars(sa.select(LeaveRequest).where(LeaveRequest.id == leave_id).with_for_update()).first()
    if found is None:
        raise NotFound
    if not allow.may(actor, "attendance.read_one", enrolments.subject(found.enrolment)):
        raise Hidden(Denial("attendance.read_one", "leave_request", leave_id))
    return found


def _move(request: LeaveRequest, event: str) -> None:
    after = rules.leave_after(request.state, event)
    if isinstance(after, Refusal):
        raise Refused.because(after)
    request.state = after


def _mark(session: Session, actor: Actor, request: LeaveRequest) -> None:
    """It takes the place of an absence, and of nothing else."""
    m, new = AttendanceMark, insert_or(session, AttendanceMark)
    row = new.values(
        sheet_id=request.sheet_id, enrolment_id=request.enrolment_id, person_id=request.person_id, status="leave",
        source="leave", note="", at=actor.now,
    )  # fmt: skip
    over = {name: getattr(new.excluded, name) for name in ("status", "source", "at")}
    keys = ["sheet_id", "enrolment_id"]
    session.execute(row.on_conflict_do_update(index_elements=keys, set_=over, where=m.status == "absent"))


def _audit(session: Session, actor: Actor, action: str, request: LeaveRequest) -> None:
    about = Subject("leave_request", request.id)
    audit(
        session, actor, action, about, now=actor.now, school_id=request.enrolment.host_school_id,
        enrolment=request.enrolment_id,
    )  # fmt: skip
