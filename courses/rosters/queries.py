"""Reading attendance: a class's meetings and its roll, marks, and what they come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue import queries as catalogue
from courses.catalogue.models import Course, Offering
from courses.enrolment import queries as enrolments
from courses.enrolment.models import Enrolment, EnrolmentEvent
from courses.rosters import policies, rules
from courses.rosters.models import AttendanceMark, AttendanceSheet, LeaveRequest
from courses.rosters.permissions import allow
from courses.rosters.rules import Key, Window
from zutuan.calendar.models import Occurrence
from zutuan.db import padded
from zutuan.errors import Denial, Hidden, NotFound
from zutuan.policies import services as policy_values
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject

MOST_CLASSES = 100
# What brings somebody onto the roster; the last of these is when.
_JOINING = ("enrol", "queue", "offer", "accept", "approve", "host_approve")


@dataclass(frozen=True)
class Meeting:
    """One meeting of a class, as the book has it now or as its sheet remembers it (`gone`: the book no longer has it)."""

    key: Key
    starts: datetime
    ends: datetime
    sheet: AttendanceSheet | None = None
    gone: bool = False

    @property
    def version(self) -> int:
        return self.sheet.version if self.sheet else 0


@dataclass(frozen=True)
class Line:
    """One student on the roll: since when, and the marks by meeting."""

    enrolment: Enrolment
    since: datetime
    marks: Mapping[Key, AttendanceMark] = field(default_factory=dict)

    @property
    def counts(self) -> Counter[str]:
        return Counter(mark.status for mark in self.marks.values())

    @property
    def rate(self) -> Decimal | None:
        return rules.rate(self.counts)

    def expected(self, meeting: Meeting) -> bool:
        return rules.expected(self.since, meeting.ends)


# --- meetings ---------------------------------------------------------------------------------------------------


def meetings(session: Session, offering_id: int) -> list[Meeting]:
    """The meetings of the class in time's order, exams left out; one that is no longer held stays if it has marks."""
    sheets = _sheets(session, offering_id)
    found: dict[Key, Meeting] = {}
    for row in catalogue.occurrences(session, offering_id):
        key = _key(row)
        if row.source_type != enrolments.EXAM and key not in found:
            found[key] = Meeting(key, row.starts, row.ends, sheets.get(key))
    marked = _marked(session, offering_id) if sheets.keys() - found.keys() else set()
    for key, sheet in sheets.items():
        if key not in found and sheet.id in marked:
            found[key] = Meeting(key, sheet.starts, sheet.ends, sheet, gone=True)
    return sorted(found.values(), key=lambda each: (each.starts, each.key))


def _key(row: Occurrence) -> Key:
    return Key(row.source_type, row.source_id, row.week, row.weekday, row.period)


def _sheets(session: Session, offering_id: int) -> dict[Key, AttendanceSheet]:
    found = session.scalars(sa.select(AttendanceSheet).where(AttendanceSheet.offering_id == offering_id))
    return {sheet.key: sheet for sheet in found}


def _marked(session: Session, offering_id: int) -> set[int]:
    s = AttendanceSheet
    query = sa.select(AttendanceMark.sheet_id).join(s, s.id == AttendanceMark.sheet_id)
    return set(session.scalars(query.where(s.offering_id == offering_id).distinct()))


def meeting(session: Session, offering_id: int, key: Key | None) -> Meeting:
    """That meeting of the class, or 404."""
    found = next((each for each in meetings(session, offering_id) if each.key == key), None)
    if found is None:
        raise NotFound
    return found


def window(session: Session, school_id: int, now: datetime) -> Window:
    """The host school's own minutes."""
    minutes = [
        timedelta(minutes=policy_values.value(session, each.key, school_id, now))
        for each in (policies.BEFORE_OF, policies.AFTER_OF, policies.LATE_OF)
    ]
    return Window(*minutes)


def code_seconds(session: Session, school_id: int, now: datetime) -> int:
    return int(policy_values.value(session, policies.CODE.key, school_id, now))


# --- the roll ---------------------------------------------------------------------------------------------------


def roll(session: Session, offering_id: int) -> list[Line]:
    """Who is enrolled now, by school and number, each with every mark. Who has left is not on it; their marks stay."""
    people = enrolments.whole_roster(session, offering_id, {"state": "attending"})
    began, marks = since(session, offering_id), _marks(session, offering_id)
    lines = [Line(each, began.get(each.id, each.created_at), marks.get(each.id, {})) for each in people]
    return sorted(lines, key=lambda each: (each.enrolment.home_school_id, each.enrolment.affiliation.number))


def since(session: Session, offering_id: int) -> dict[int, datetime]:
    """Enrolment → when its student came onto the roster."""
    v = EnrolmentEvent
    query = sa.select(v.enrolment_id, sa.func.max(v.at)).join(Enrolment, Enrolment.id == v.enrolment_id)
    query = query.where(Enrolment.offering_id == offering_id, v.event.in_(_JOINING)).group_by(v.enrolment_id)
    return {id_: at for id_, at in session.execute(query)}


def _marks(session: Session, offering_id: int) -> dict[int, dict[Key, AttendanceMark]]:
    s, m = AttendanceSheet, AttendanceMark
    query = sa.select(m, s).join(s, s.id == m.sheet_id).where(s.offering_id == offering_id)
    found: dict[int, dict[Key, AttendanceMark]] = {}
    for mark, sheet in session.execute(query):
        found.setdefault(mark.enrolment_id, {})[sheet.key] = mark
    return found


def mine(session: Session, actor: Actor) -> list[Enrolment]:
    """The actor's own enrolments in classes that they are taught in."""
    page = {"state": "attending", "cursor": None, "limit": MOST_CLASSES}
    return list(enrolments.mine(session, actor, page).items)


def one(session: Session, enrolment: Enrolment) -> Line:
    """One student's own line."""
    s, m = AttendanceSheet, AttendanceMark
    query = sa.select(m, s).join(s, s.id == m.sheet_id).where(m.enrolment_id == enrolment.id)
    began = since(session, enrolment.offering_id).get(enrolment.id, enrolment.created_at)
    return Line(enrolment, began, {sheet.key: mark for mark, sheet in session.execute(query)})


# --- what it comes to -------------------------------------------------------------------------------------------


def rate(session: Session, offering_id: int) -> dict[int, Decimal]:
    """Enrolment → 出勤率 from 0 to 1, of those about whom something counts; for grades (平时) as well."""
    m = AttendanceMark
    mine = sa.select(Enrolment.id).where(Enrolment.offering_id == offering_id)
    return _rates(session, m.enrolment_id.in_(mine))


def rates(session: Session, enrolment_ids: Collection[int]) -> dict[int, Decimal]:
    """The same of these enrolments, whatever their classes."""
    return _rates(session, AttendanceMark.enrolment_id.in_(padded(list(enrolment_ids)))) if enrolment_ids else {}


def _rates(session: Session, *where: sa.ColumnElement[bool]) -> dict[int, Decimal]:
    m = AttendanceMark
    query = sa.select(m.enrolment_id, m.status, sa.func.count()).where(*where).group_by(m.enrolment_id, m.status)
    counts: dict[int, Counter[str]] = {}
    for id_, status, n in session.execute(query):
        counts.setdefault(id_, Counter())[status] = n
    found = {id_: rules.rate(each) for id_, each in counts.items()}
    return {id_: value for id_, value in found.items() if value is not None}


# --- who may ----------------------------------------------------------------------------------------------------


def view_class(session: Session, actor: Actor, offering_id: int, action: str = "attendance.read") -> Offering:
    """The offering, 404 for who does not see it, 403 for who may not read or mark its attendance."""
    view = catalogue.view_offering(session, actor, offering_id, action)
    allow.require(actor, action, subject(view.offering))
    return view.offering


def subject(offering: Offering) -> Subject:
    course = catalogue.subject(offering.course)
    return Subject("offering", offering.id, places={"host": course.places["owner"]}, persons=course.persons)


def view_one(session: Session, actor: Actor, enrolment_id: int) -> Enrolment:
    """The enrolment whose record is read, or 404."""
    enrolment = enrolments.view_enrolment(session, actor, enrolment_id)
    if not allow.may(actor, "attendance.read_one", enrolments.subject(enrolment)):
        raise Hidden(Denial("attendance.read_one", "enrolment", enrolment_id))
    return enrolment


# --- leave ------------------------------------------------------------------------------------------------------


def leaves(session: Session, *where: sa.ColumnElement[bool]) -> list[LeaveRequest]:
    """Requests, the latest first."""
    lr = LeaveRequest
    query = sa.select(lr).join(AttendanceSheet, AttendanceSheet.id == lr.sheet_id).where(*where)
    return list(session.scalars(query.order_by(lr.id.desc())))


def asked_in(session: Session, offering_id: int) -> list[LeaveRequest]:
    """What waits for the teacher's word in the class; whoever has left it needs no leave."""
    on_roster = sa.select(Enrolment.id).where(
        Enrolment.id == LeaveRequest.enrolment_id, enrolments.clause_of("attending")
    )
    asked = (LeaveRequest.state == "asked", on_roster.correlate(LeaveRequest).exists())
    return leaves(session, AttendanceSheet.offering_id == offering_id, *asked)


def waiting_for(session: Session, actor: Actor) -> list[tuple[Offering, int]]:
    """Classes that the actor teaches, with how many requests wait there."""
    s, lr = AttendanceSheet, LeaveRequest
    query = (
        sa.select(Offering, sa.func.count())
        .join(s, s.offering_id == Offering.id)
        .join(lr, lr.sheet_id == s.id)
        .join(Course, Course.id == Offering.course_id)
        .where(lr.state == "asked", catalogue.taught_by(actor))
        .group_by(Offering.id)
        .order_by(Offering.id)
    )
    return [(offering, count) for offering, count in session.execute(query)]
