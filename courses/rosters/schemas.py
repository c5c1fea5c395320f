"""What comes in and goes out about attendance."""

from __future__ import annotations

from marshmallow import fields

from courses.enrolment.schemas import SchoolEnrolmentQuery
from courses.rosters.rules import STATUSES
from zutuan.fields import Choice, Flag, Many, Named, Pattern, Ref, Row, Schema, Text, Whole

MOST_MARKS = 1000


class MarkIn(Schema):
    enrolment_id = Ref(required=True)
    status = Choice(STATUSES, required=True)
    note = Text(100, min=0, load_default="")


class SheetIn(Schema):
    marks = Many(Row(MarkIn), MOST_MARKS, load_default=list)
    rest = Choice(
        STATUSES, load_default=None, allow_none=True,
        metadata={"description": "for whoever on the list has no mark after that"},
    )  # fmt: skip


class _Unsaid(Pattern):
    """A status, or nothing: what a form leaves open."""

    def __init__(self) -> None:
        super().__init__("|".join(STATUSES), "field_invalid", 10, min=0, load_default="")


class MarkOfForm(Schema):
    """One student's line of the form: what is chosen now and what the page showed."""

    enrolment_id = Ref(required=True)
    status = _Unsaid()
    seen = _Unsaid()
    note = Text(100, min=0, load_default="")
    seen_note = Text(100, min=0, load_default="")


class MarksOfForm(Schema):
    marks = Many(Row(MarkOfForm), MOST_MARKS, load_default=list)


class SheetOfForm(Schema):
    version = Whole(0, 2**31 - 1, required=True)
    rest = _Unsaid()


class LeaveIn(Schema):
    meeting = Text(60, required=True)
    reason = Text(400, required=True, multiline=True)


class LeaveAnswerIn(Schema):
    answer = Text(400, min=0, multiline=True, load_default="")


class LeaveDecisionIn(LeaveAnswerIn):
    accept = Flag(required=True)


class CodeIn(Schema):
    code = Text(400, required=True)


class CrossingQuery(SchoolEnrolmentQuery):
    """Filters of the lists of outgoing and incoming students; `term` as 2026-2027.1."""

    term = Pattern(r"([0-9]{4}-[0-9]{4}\.[1-4])?", "not_a_term", 11, min=0, load_default="")


class ClassMeetingOut(Schema):
    meeting = fields.String(metadata={"description": "names the meeting of its class, wherever it is moved"})
    week = fields.Integer()
    starts = fields.AwareDateTime()
    ends = fields.AwareDateTime()
    version = fields.Integer()
    saved_at = fields.AwareDateTime(allow_none=True)
    gone = fields.Boolean(metadata={"description": "no longer held; what was marked stays"})


class MarkOut(Schema):
    meeting = fields.String()
    status = fields.String(allow_none=True)
    source = fields.String(allow_none=True, metadata={"description": "teacher, scan or leave"})
    note = fields.String()
    at = fields.AwareDateTime(allow_none=True)


class StudentMarkOut(Schema):
    enrolment_id = fields.Integer()
    name = fields.String()
    number = fields.String()
    status = fields.String(allow_none=True)
    source = fields.String(allow_none=True)
    note = fields.String()
    at = fields.AwareDateTime(allow_none=True)


class RollLineOut(Schema):
    enrolment_id = fields.Integer()
    name = fields.String()
    number = fields.String()
    school = fields.Nested(Named)
    since = fields.AwareDateTime()
    present = fields.Integer()
    late = fields.Integer()
    absent = fields.Integer()
    leave = fields.Integer()
    rate = fields.Decimal(as_string=True, allow_none=True)
    marks = fields.List(fields.Nested(MarkOut))


class LeaveOut(Schema):
    id = fields.Integer()
    meeting = fields.String()
    starts = fields.AwareDateTime()
    ends = fields.AwareDateTime()
    enrolment_id = fields.Integer()
    name = fields.String()
    state = fields.String()
    reason = fields.String()
    answer = fields.String()
    asked_at = fields.AwareDateTime()
    decided_at = fields.AwareDateTime(allow_none=True)


class AttendanceOut(Schema):
    meetings = fields.List(fields.Nested(ClassMeetingOut))
    students = fields.List(fields.Nested(RollLineOut))
    leaves = fields.List(fields.Nested(LeaveOut))


class SheetOut(ClassMeetingOut):
    marks = fields.List(fields.Nested(StudentMarkOut))


class CourseName(Schema):
    id = fields.Integer()
    code = fields.String()
    title_zh = fields.String(attribute="item.title_zh")
    title_en = fields.String(attribute="item.title_en")


class OwnOut(RollLineOut):
    offering_id = fields.Integer()
    course = fields.Nested(CourseName)
    meetings = fields.List(fields.Nested(ClassMeetingOut))
    leaves = fields.List(fields.Nested(LeaveOut))
