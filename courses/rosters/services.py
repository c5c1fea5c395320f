"""Writing attendance. Of two words about one student at one meeting a defined one stands: the teacher's own, then a scan,
then a leave, then what the teacher said of all the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue.models import Offering
from courses.enrolment import queries as enrolments
from courses.enrolment.models import Enrolment
from courses.rosters import queries, rules
from courses.rosters.models import AttendanceMark, AttendanceSheet
from courses.rosters.permissions import allow
from courses.rosters.queries import Line, Meeting
from courses.rosters.rules import Key
from zutuan.db import insert_or
from zutuan.errors import Denial, Hidden, Invalid, NotFound, Refused, Stale, insist
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit


def save(
    session: Session, actor: Actor, offering: Offering, key: Key, version: int, marks: Sequence[Mapping[str, Any]],
    rest: str | None = None,
) -> AttendanceSheet:  # fmt: skip
    """Write these marks of one meeting, and `rest` for whoever on its list has none after that: all or nothing.

    Raises Stale when somebody has saved the meeting since `version`, and Invalid naming the row that does not fit."""
    allow.require(actor, "attendance.mark", queries.subject(offering))
    meeting = queries.meeting(session, offering.id, key)
    insist(rules.may_mark(meeting.starts, actor.now, queries.window(session, offering.course.school_id, actor.now)))
    sheet = hold(session, offering.id, meeting)
    if sheet.version != version:
        raise Stale
    if meeting.gone:
        raise Refused("meeting_gone")
    lines = queries.roll(session, offering.id)
    said = _said(lines, meeting, marks)
    _write(session, sheet, said, {each.enrolment.id: each.enrolment.person_id for each in lines}, actor.now)
    _write_rest(session, sheet, lines, meeting, rest, actor.now)
    sheet.version, sheet.saved_at, sheet.saved_by = version + 1, actor.now, actor.person_id
    session.flush()
    about = Subject("attendance", sheet.id)
    audit(
        session, actor, "attendance.save", about, now=actor.now, school_id=offering.course.school_id,
        offering=offering.id, enrolments=sorted(said)[:300], rest=rest or "",
    )  # fmt: skip
    return sheet


def _said(lines: Sequence[Line], meeting: Meeting, marks: Sequence[Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    """Enrolment → what the teacher says of it."""
    there = {each.enrolment.id for each in lines if each.expected(meeting)}
    later = {each.enrolment.id for each in lines} - there
    errors = rules.check_marks(marks, there, later)
    if errors:
        raise Invalid(errors=errors)
    return {each["enrolment_id"]: each for each in marks}


def hold(session: Session, offering_id: int, meeting: Meeting) -> AttendanceSheet:
    """The meeting's sheet, made if there is none, and this transaction's until the commit. (`key_share`: marks that come in
    meanwhile may refer to it, or a scan and the teacher would wait for each other.)"""
    s, named = AttendanceSheet, {"offering_id": offering_id, **meeting.key._asdict()}
    held = sa.select(s).filter_by(**named).with_for_update(key_share=True).execution_options(populate_existing=True)
    found = session.scalars(held).first()
    if found is None:
        new = insert_or(session, s).values(**named, starts=meeting.starts, ends=meeting.ends, version=0)
        session.execute(new.on_conflict_do_nothing())
        found = session.scalars(held).one()
    if not meeting.gone:
        found.starts, found.ends = meeting.starts, meeting.ends
    return found


def _write(
    session: Session, sheet: AttendanceSheet, said: Mapping[int, Mapping[str, Any]], people: Mapping[int, int], now: datetime
) -> None:  # fmt: skip
    """The teacher's own words, over whatever stands there. `people`: enrolment → its person."""
    rows = [
        {**_row(sheet, id_, people[id_], each["status"], now), "note": each.get("note") or ""}
        for id_, each in sorted(said.items())
    ]
    if rows:
        new = insert_or(session, AttendanceMark)
        over = {name: getattr(new.excluded, name) for name in ("status", "source", "note", "at")}
        session.execute(new.on_conflict_do_update(index_elements=["sheet_id", "enrolment_id"], set_=over), rows)


def _row(
    sheet: AttendanceSheet, enrolment_id: int, person_id: int, status: str, now: datetime, source: str = "teacher"
) -> dict[str, Any]:  # fmt: skip
    return {
        "sheet_id": sheet.id, "enrolment_id": enrolment_id, "person_id": person_id, "status": status, "source": source,
        "note": "", "at": now,
    }  # fmt: skip


def _write_rest(
    session: Session, sheet: AttendanceSheet, lines: Sequence[Line], meeting: Meeting, rest: str | None, now: datetime
) -> None:  # fmt: skip
    """For whoever has no mark: a scan or a leave that stands (or comes in the same instant) is left alone."""
    there = sorted((each.enrolment.id, each.enrolment.person_id) for each in lines if each.expected(meeting))
    if rest is None or not there:
        return
    rows = [_row(sheet, *each, rest, now) for each in there]
    session.execute(insert_or(session, AttendanceMark).on_conflict_do_nothing(), rows)


# --- signing in -------------------------------------------------------------------------------------------------


def attending(session: Session, actor: Actor, offering_id: int) -> Enrolment:
    """The actor's own enrolment in the class, on the roster now, or 404."""
    query = sa.select(Enrolment).where(Enrolment.offering_id == offering_id, Enrolment.person_id == actor.person_id)
    found = session.scalars(query.where(enrolments.clause_of("attending"))).first()
    if found is None:
        raise Hidden(Denial("attendance.check_in", "offering", offering_id))
    return found


def check_in(session: Session, actor: Actor, offering_id: int, key: Key) -> AttendanceMark:
    """签到: the student has scanned the code of this meeting. Once: a second scan changes nothing, and neither does a
    scan after the teacher's word."""
    enrolment = attending(session, actor, offering_id)
    allow.require(actor, "attendance.check_in", enrolments.subject(enrolment))
    meeting, school_id = queries.meeting(session, offering_id, key), enrolment.host_school_id
    if meeting.gone:
        raise NotFound
    window = queries.window(session, school_id, actor.now)
    insist(rules.may_check_in(meeting.starts, meeting.ends, actor.now, window))
    sheet = _sheet_for_scan(session, offering_id, meeting)
    status = rules.signed_in(meeting.starts, actor.now, window)
    m, new = AttendanceMark, insert_or(session, AttendanceMark)
    row = new.values(**_row(sheet, enrolment.id, enrolment.person_id, status, actor.now, "scan"))
    over = {name: getattr(new.excluded, name) for name in ("status", "source", "note", "at")}
    session.execute(
        row.on_conflict_do_update(index_elements=["sheet_id", "enrolment_id"], set_=over, where=m.source == "leave")
    )
    query = sa.select(m).filter_by(sheet_id=sheet.id, enrolment_id=enrolment.id)
    mark = session.scalars(query.execution_options(populate_existing=True)).one()
    about = Subject("enrolment", enrolment.id)
    audit(session, actor, "attendance.check_in", about, now=actor.now, school_id=school_id, sheet=sheet.id)
    return mark


def _sheet_for_scan(session: Session, offering_id: int, meeting: Meeting) -> AttendanceSheet:
    """The sheet, not held: a whole class that scans at once does not queue for it."""
    return meeting.sheet if meeting.sheet is not None else hold(session, offering_id, meeting)
