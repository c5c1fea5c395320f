"""What comes in and goes out about results."""

from __future__ import annotations

from marshmallow import fields

from courses.enrolment.schemas import CourseRef
from courses.results.papers import LANGUAGES
from courses.results.rules import STATES
from courses.results.services import AT_ONCE
from zutuan.fields import AcademicYear, Amount, Choice, Many, Named, Pattern, Ref, Schema, Text, Whole


class ResultQuery(Schema):
    state = Choice(STATES, load_default=None)
    term = Pattern(
        r"20[0-9]{2}-20[0-9]{2}/[1-4]", "field_invalid", 11, load_default=None,
        metadata={"description": "of the host school: 2026-2027/1"},
    )  # fmt: skip
    host_id = Ref(load_default=None, metadata={"description": "the host school"})
    department_id = Ref(load_default=None, metadata={"description": "of the student at home"})
    q = Text(60, min=0, load_default="")


class RecogniseIn(Schema):
    """The registrar's own word; what is left out is as it is proposed."""

    grade = Text(10, min=0, load_default=None, metadata={"description": "in the home school's scale"})
    credits = Amount("0", "99.99", load_default=None)
    code = Text(20, min=0, load_default=None, metadata={"description": "of the course at home"})
    name = Text(120, min=0, load_default=None)
    name_en = Text(200, min=0, load_default=None)
    category = Text(40, min=0, load_default=None, metadata={"description": "category at home"})


class IdsIn(Schema):
    ids = Many(Ref(), max=AT_ONCE, min=1, unique=True, required=True, metadata={"description": "results"})


class LanguageIn(Schema):
    language = Choice(LANGUAGES, load_default="zh")


class MyTranscriptIn(LanguageIn):
    affiliation_id = Ref(
        load_default=None, metadata={"description": "as a student of which school; mine, if it is one"}
    )


class WorkloadIn(Schema):
    person_id = Ref(load_default=None, metadata={"description": "the teacher; me, if left out"})
    school_id = Ref(required=True)
    academic_year = AcademicYear(required=True)
    number = Whole(1, 4, required=True)


class HostTermOut(Schema):
    academic_year = fields.String()
    number = fields.Integer()


class OriginalOut(Schema):
    """As the host school gave it."""

    scale = fields.String(metadata={"enum": ["percent", "five", "two"]})
    grade = fields.String()
    mark = fields.String(metadata={"description": "deferred, absent or misconduct in its place"})
    attempt = fields.String()
    credits = fields.String()
    confirmed_at = fields.String()


class ResultRecognisedOut(Schema):
    """As it stands, or is proposed, at home."""

    scale = fields.String()
    grade = fields.String()
    mark = fields.String()
    points = fields.Decimal(as_string=True, allow_none=True)
    credits = Amount("0", "99.99", allow_none=True)
    code = fields.String()
    name = fields.String(metadata={"description": "empty: the home school has not said what it counts as"})
    name_en = fields.String()
    category = fields.String()
    recorded = fields.Boolean(metadata={"description": "false: a fail that the home school does not record"})


class ResultOut(Schema):
    id = fields.Integer()
    enrolment_id = fields.Integer()
    state = fields.String(metadata={"enum": list(STATES)})
    student = fields.Nested(Named)
    number = fields.String(metadata={"description": "student number at the home school"})
    home_school = fields.Nested(Named)
    host_school = fields.Nested(Named)
    course = fields.Nested(CourseRef)
    term = fields.Nested(HostTermOut)
    original = fields.Nested(OriginalOut)
    proposal = fields.Nested(ResultRecognisedOut, allow_none=True, metadata={"description": "while it waits"})
    recognised = fields.Nested(ResultRecognisedOut, allow_none=True, metadata={"description": "once it is recognised"})
    before = fields.Dict(allow_none=True, metadata={"description": "what was said before it waited again"})
    reason = fields.String()
    decided_at = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()
    version = fields.Integer()


class TotalsOut(Schema):
    courses = fields.Integer(metadata={"description": "recognised and recorded"})
    credits = Amount("0", "9999.99")
    average = fields.Decimal(as_string=True, allow_none=True, metadata={"description": "grade point average"})


class StudentResultsOut(Schema):
    """Everything that one student has studied at other schools."""

    items = fields.List(fields.Nested(ResultOut))
    next = fields.String(allow_none=True)
    total = fields.Integer()
    totals = fields.Nested(TotalsOut)


class RecognisedManyOut(Schema):
    ids = fields.List(fields.Integer())


class WorkloadStudentsOut(Schema):
    school = fields.String()
    count = fields.Integer()


class WorkloadLineOut(Schema):
    offering_id = fields.Integer()
    code = fields.String()
    course = fields.Nested(CourseRef)
    hours = fields.Integer()
    students = fields.List(fields.Nested(WorkloadStudentsOut))
    held = fields.Integer(metadata={"description": "meetings that are over"})


class WorkloadOut(Schema):
    """One term of my teaching for students of other schools."""

    school_id = fields.Integer()
    academic_year = fields.String()
    number = fields.Integer()
    offerings = fields.List(fields.Nested(WorkloadLineOut))
