"""What comes in and goes out about 调停课."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from courses.adjustments.rules import KINDS, STATES
from courses.enrolment.schemas import CourseRef
from zutuan.fields import Choice, Day, Instant, Named, Ref, Schema, Text, Whole

NOTHING: dict[str, Any] = {"load_default": None, "allow_none": True}


class Meeting(Schema):
    """Which meeting of the offering's pattern."""

    week = Whole(1, 60, **NOTHING)
    weekday = Whole(1, 7, **NOTHING, metadata={"description": "of the pattern, 1 is Monday"})
    period = Whole(1, 30, **NOTHING, metadata={"description": "its first period by the pattern"})


class WishIn(Meeting):
    """What is asked. The new time is a `date` with periods of the host's table, or `starts` and `ends`."""

    kind = Choice(KINDS, required=True)
    date = Day(**NOTHING)
    first_period = Whole(1, 30, **NOTHING)
    last_period = Whole(1, 30, **NOTHING)
    starts = Instant(**NOTHING)
    ends = Instant(**NOTHING)
    place = Text(60, min=0, load_default="", metadata={"description": "empty: where the class always is"})
    substitute_id = Ref(**NOTHING)
    substitute = Text(40, min=0, load_default="", metadata={"description": "the same by number at the host school"})


class AdjustmentAskIn(WishIn):
    reason = Text(400, required=True, multiline=True)


class AdjustmentQuery(Schema):
    state = Choice(STATES, load_default=None)
    kind = Choice(KINDS, load_default=None)


class AdjustmentOut(Schema):
    id = fields.Integer()
    offering_id = fields.Integer()
    code = fields.String(metadata={"description": "of the offering"})
    course = fields.Nested(CourseRef)
    kind = fields.String()
    state = fields.String()
    week = fields.Integer(allow_none=True)
    weekday = fields.Integer(allow_none=True)
    period = fields.Integer(allow_none=True)
    was_starts = fields.AwareDateTime(allow_none=True)
    was_ends = fields.AwareDateTime(allow_none=True)
    starts = fields.AwareDateTime(allow_none=True)
    ends = fields.AwareDateTime(allow_none=True)
    place = fields.String()
    substitute = fields.Nested(Named, allow_none=True)
    text = fields.String(metadata={"description": "all of that in one sentence, in the reader's language"})
    reason = fields.String(metadata={"description": "empty for who only sees the offering, as what follows"})
    asked_by = fields.Nested(Named, allow_none=True)
    asked_at = fields.AwareDateTime()
    decided_by = fields.Nested(Named, allow_none=True)
    decided_at = fields.AwareDateTime(allow_none=True)
    decision = fields.String()
    version = fields.Integer()


class AgainstOut(Schema):
    role = fields.String(metadata={"description": "student, teacher, substitute or room"})
    name = fields.String()
    school = fields.String()
    title = fields.String(metadata={"description": "empty: something of their own"})
    starts = fields.AwareDateTime()
    ends = fields.AwareDateTime()
    travel = fields.Boolean(metadata={"description": "only the way between two campuses is too long"})


class CountsOut(Schema):
    students = fields.Integer(metadata={"description": "who hold a seat"})
    student_clashes = fields.Integer()
    teacher_clashes = fields.Integer()
    room_taken = fields.Boolean()


class ClashesOut(CountsOut):
    against = fields.List(fields.Nested(AgainstOut), metadata={"description": "for who decides; else empty"})


class DetailOut(AdjustmentOut):
    clashes = fields.Nested(ClashesOut, allow_none=True, metadata={"description": "while it waits"})


class FreeOut(Schema):
    starts = fields.AwareDateTime()
    ends = fields.AwareDateTime()
    first = fields.Integer()
    last = fields.Integer()
    students = fields.Integer(metadata={"description": "who could not come"})


class ReasonOut(Schema):
    code = fields.String()
    message = fields.String()


class PreviewOut(CountsOut):
    allowed = fields.Boolean()
    reasons = fields.List(fields.Nested(ReasonOut))
    free = fields.List(fields.Nested(FreeOut), metadata={"description": "times of that week that fewest miss"})
