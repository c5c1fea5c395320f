"""What comes in and goes out about confirming classes, and about lost seats."""

from __future__ import annotations

from marshmallow import fields

from courses.catalogue.schemas import CountsAsOut, OfferingOut
from courses.enrolment.schemas import CourseRef, ReasonIn
from courses.minimum.rules import EVENTS, STANDINGS
from courses.minimum.services import AT_ONCE
from zutuan.fields import AcademicYear, Choice, Many, Named, Ref, Schema, Text, Whole


class ClassDecisionIn(ReasonIn):
    ids = Many(Ref(), max=AT_ONCE, min=1, unique=True, required=True, metadata={"description": "offerings"})
    event = Choice(EVENTS, required=True)


class ClassFilter(Schema):
    standing = Choice(STANDINGS, load_default=None)
    q = Text(60, min=0, load_default="")


class ClassQuery(ClassFilter):
    academic_year = AcademicYear(min=0, metadata={"description": "without it, of now"})
    number = Whole(1, 4, load_default=None)


class ClassOut(Schema):
    id = fields.Integer()
    code = fields.String()
    course = fields.Nested(CourseRef)
    school = fields.Nested(Named)
    state = fields.String()
    standing = fields.String(
        metadata={"description": "waiting (for a decision), open, reached, unlimited, confirmed, cancelled or over"}
    )
    minimum = fields.Integer(allow_none=True)
    enrolled = fields.Integer(metadata={"description": "accepted by both schools"})
    pending = fields.Integer(metadata={"description": "hold a seat or ask to be chosen, and wait for a word"})
    lost = fields.Integer(metadata={"description": "seats that ended when it was cancelled"})
    enrol_until = fields.AwareDateTime()
    decide_by = fields.AwareDateTime(allow_none=True)
    decided_at = fields.AwareDateTime(allow_none=True)
    reason = fields.String()
    rescue_until = fields.AwareDateTime(allow_none=True)


class AlternativeOut(Schema):
    offering = fields.Nested(OfferingOut)
    course = fields.Nested(CourseRef)
    school = fields.Nested(Named)
    same_course = fields.Boolean()
    left = fields.Integer(metadata={"description": "seats that I could take"})
    unsure = fields.Boolean(metadata={"description": "below its own minimum, and not confirmed yet"})
    counts_as = fields.Nested(CountsAsOut, allow_none=True, metadata={"description": "what my home school says of it"})


class LostOut(Schema):
    enrolment_id = fields.Integer()
    offering_id = fields.Integer()
    course = fields.Nested(CourseRef)
    school = fields.Nested(Named)
    reason = fields.String()
    at = fields.AwareDateTime()
    until = fields.AwareDateTime(metadata={"description": "until when I may enrol elsewhere though enrolling is over"})
    instead_id = fields.Integer(allow_none=True, metadata={"description": "the enrolment in its place"})


class MyLostOut(LostOut):
    alternatives = fields.List(fields.Nested(AlternativeOut))


class AffectedOut(LostOut):
    student = fields.Nested(Named)
    number = fields.String()
