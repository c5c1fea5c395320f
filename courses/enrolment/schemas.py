"""What comes in and goes out about enrolments."""

from __future__ import annotations

from datetime import timedelta

from marshmallow import fields

from courses.enrolment.queries import STATES, STEP_NAMES
from courses.enrolment.services import AT_ONCE
from zutuan.fields import Amount, Choice, Flag, Instant, Many, Named, Ref, Schema, Text


class EnrolIn(Schema):
    affiliation_id = Ref(load_default=None, allow_none=True)
    waitlist = Flag(load_default=False, metadata={"description": "wait for a seat when none is left"})
    statement = Text(400, min=0, multiline=True, load_default="", metadata={"description": "for the home school"})
    replaces_id = Ref(
        load_default=None, allow_none=True,
        metadata={"description": "my enrolment in another class of the course, given up once this one is certain"},
    )  # fmt: skip


class StatementIn(Schema):
    statement = Text(400, min=0, multiline=True)


class NoteIn(Schema):
    note = Text(400, min=0, multiline=True)


class ReasonIn(Schema):
    reason = Text(400, required=True, multiline=True)


class WithdrawIn(Schema):
    reason = Text(400, min=0, multiline=True)


class DecideIn(WithdrawIn):
    ids = Many(Ref(), max=AT_ONCE, min=1, unique=True, required=True, metadata={"description": "enrolments"})
    event = Choice(("approve", "return", "deny"), required=True)


class DecidedOut(Schema):
    event = fields.String()
    ids = fields.List(fields.Integer())


class EnrolmentQuery(Schema):
    state = Choice(STATES, load_default=None)
    q = Text(60, min=0, load_default="")


class SchoolEnrolmentQuery(EnrolmentQuery):
    side = Choice(("home", "host"), load_default="home")
    step = Choice(STEP_NAMES, load_default=None, metadata={"description": "what waits for whom"})
    course_id = Ref(load_default=None)
    department_id = Ref(
        load_default=None, metadata={"description": "of the student at home, of the course at the host"}
    )
    mine = Flag(load_default=False, metadata={"description": "what waits for my word"})


LONGEST_SPAN = timedelta(days=200)


class TimetableQuery(Schema):
    starts = Instant(load_default=None)
    ends = Instant(load_default=None)


class CourseRef(Schema):
    id = fields.Integer()
    code = fields.String()
    title_zh = fields.String(attribute="item.title_zh")
    title_en = fields.String(attribute="item.title_en")


class EventOut(Schema):
    at = fields.AwareDateTime()
    event = fields.String()
    actor = fields.Nested(Named, allow_none=True)
    note = fields.String()


class RecognisedOut(Schema):
    id = fields.Integer(metadata={"description": "of the recognition"})
    outcome = fields.String(metadata={"enum": ["counts", "refused"]})
    code = fields.String()
    name = fields.String()
    name_en = fields.String()
    category = fields.String()
    credits = Amount("0", "100")


class EnrolmentOut(Schema):
    id = fields.Integer()
    state = fields.String(metadata={"description": "both sides in one word"})
    called_off = fields.Boolean(metadata={"description": "it was denied because the class does not take place"})
    home_state = fields.String()
    host_state = fields.String()
    offering_id = fields.Integer()
    course = fields.Nested(CourseRef)
    student = fields.Nested(Named)
    number = fields.String(metadata={"description": "学工号 at the home school"})
    home_school = fields.Nested(Named)
    host_school = fields.Nested(Named)
    statement = fields.String(metadata={"description": "what the student says to the home school"})
    returned = fields.Boolean(metadata={"description": "the student is to mend it and resubmit"})
    home_step = fields.Integer(metadata={"description": "approvals given at home, of `home_steps`"})
    home_steps = fields.Integer()
    host_step = fields.Integer()
    host_steps = fields.Integer()
    place = fields.Integer(allow_none=True, metadata={"description": "in the queue; null: does not wait"})
    waiting = fields.Integer(allow_none=True, metadata={"description": "how many wait for the same seats"})
    waits_because = fields.String(metadata={"description": "the code of what stood against the last seat"})
    replaces_id = fields.Integer(allow_none=True)
    recognition = fields.Nested(
        RecognisedOut, allow_none=True, metadata={"description": "what it counts as at home; null: not said yet"}
    )
    reason = fields.String()
    decide_by = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()
    events = fields.List(fields.Nested(EventOut))
    version = fields.Integer()


class RefusalOut(Schema):
    code = fields.String()
    message = fields.String()
    cure = fields.String()


class EligibilityOut(Schema):
    allowed = fields.Boolean()
    may_wait = fields.Boolean(metadata={"description": "no seat is left, and one may wait for it"})
    reasons = fields.List(fields.Nested(RefusalOut))
    seats_left = fields.Integer(metadata={"description": "that I could take"})
    waiting = fields.Integer(metadata={"description": "how many wait now"})
    rescue_until = fields.AwareDateTime(
        allow_none=True,
        metadata={"description": "enrolling is over; because another class was called off I may until then"},
    )
    timetable_checked = fields.Boolean(metadata={"description": "false: my school's own timetable is not here"})
    approvals = fields.List(fields.String(), metadata={"description": "whose word is asked, in order"})
    decide_by = fields.AwareDateTime(allow_none=True)


class SlotOut(Schema):
    starts = fields.AwareDateTime()
    ends = fields.AwareDateTime()
    kind = fields.String(
        metadata={"description": "course, home (the own school's timetable), own (a busy period of one's own)"}
    )
    week = fields.Integer(
        metadata={"description": "of the term of the school that holds it; of an own one, which it is"}
    )
    title_zh = fields.String()
    title_en = fields.String()
    place = fields.String()
    offering_id = fields.Integer(allow_none=True)
    course = fields.Nested(CourseRef, allow_none=True)
