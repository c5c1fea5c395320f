"""What comes in and goes out about grades."""

from __future__ import annotations

from marshmallow import fields

from courses.enrolment.schemas import CourseRef
from courses.grades.rules import CORRECTION_STATES, FIRST, RESIT, SCALES, SHEET_STATES
from courses.grades.schemes import LONGEST_PART, MOST_PARTS
from zutuan.fields import Choice, Many, Named, Ref, Row, Schema, Text, Whole

MARK_CODES = ("deferred", "absent", "misconduct")


class GradePartIn(Schema):
    name = Text(LONGEST_PART, required=True)
    weight = Whole(0, 100, required=True, metadata={"description": "percent"})


class GradeSchemeIn(Schema):
    scale = Choice(SCALES, required=True)
    places = Whole(0, 2, load_default=0, metadata={"description": "decimals of percentages"})
    parts = Many(
        Row(GradePartIn), max=MOST_PARTS, load_default=list,
        metadata={"description": "written in percent, together 100; none: the whole at once"},
    )  # fmt: skip


class GradeSchemeForm(Schema):
    """The same as a page sends it: the parts as one line."""

    scale = Choice(SCALES, required=True)
    places = Whole(0, 2, load_default=0)
    parts = Text(100, min=0)


class GradeOpenIn(Schema):
    attempt = Choice((FIRST, RESIT), load_default=FIRST)


class GradeReasonIn(Schema):
    """An empty reason is refused by the service, in its own words."""

    reason = Text(400, min=0, multiline=True)


class GradeWrittenIn(Schema):
    parts = fields.Dict(
        keys=Text(LONGEST_PART), values=Text(20, min=0), load_default=dict,
        metadata={"description": "part → what is written (of a class without parts: `grade` alone)"},
    )  # fmt: skip
    grade = Text(20, min=0, metadata={"description": "where the class is not graded in parts"})
    mark = Choice(MARK_CODES, load_default=None, allow_none=True)
    remark = Text(200, min=0)


class GradeEntryIn(GradeWrittenIn):
    enrolment_id = Ref(required=True)
    version = Whole(
        0, 10**9, load_default=None, allow_none=True,
        metadata={"description": "of the row that was read; without it If-Match alone answers for it"},
    )  # fmt: skip


class GradeEntriesIn(Schema):
    entries = Many(Row(GradeEntryIn), max=2000, min=1, required=True)


class GradeCorrectionIn(GradeWrittenIn):
    entry_id = Ref(required=True)
    reason = Text(400, required=True, multiline=True)


class GradeCorrectionForm(Schema):
    mark = Text(12, min=0)
    reason = Text(400, min=0, multiline=True)


class GradeSheetQuery(Schema):
    state = Choice(SHEET_STATES, load_default=None)


class GradeCorrectionQuery(Schema):
    state = Choice(CORRECTION_STATES, load_default=None)


class GradePartOut(Schema):
    name = fields.String()
    weight = fields.Integer()


class GradingOut(Schema):
    scale = fields.String()
    places = fields.Integer()
    parts = fields.List(fields.Nested(GradePartOut))


class GradeSchemeOut(GradingOut):
    version = fields.Integer(metadata={"description": "0: nobody has said yet, the school's own"})


class GradeSheetOut(Schema):
    id = fields.Integer()
    offering_id = fields.Integer()
    course = fields.Nested(CourseRef)
    code = fields.String(metadata={"description": "of the class"})
    term = fields.String()
    attempt = fields.String()
    sitting = fields.Integer()
    state = fields.String()
    submitted_at = fields.AwareDateTime(allow_none=True)
    confirmed_at = fields.AwareDateTime(allow_none=True)
    returned_because = fields.String()
    version = fields.Integer()
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


class GradeEntryOut(Schema):
    id = fields.Integer(allow_none=True, metadata={"description": "null: nothing is written yet"})
    enrolment_id = fields.Integer()
    student = fields.Nested(Named)
    number = fields.String()
    school = fields.Nested(Named)
    parts = fields.Dict()
    grade = fields.String()
    mark = fields.String()
    remark = fields.String()
    passed = fields.Boolean(allow_none=True)
    entered_at = fields.AwareDateTime(allow_none=True)
    version = fields.Integer()


class WholeGradeSheetOut(GradeSheetOut):
    scheme = fields.Nested(GradingOut)
    entries = fields.List(fields.Nested(GradeEntryOut))


class GradeCorrectionOut(Schema):
    id = fields.Integer()
    sheet_id = fields.Integer()
    entry_id = fields.Integer()
    enrolment_id = fields.Integer()
    before = fields.Dict()
    after = fields.Dict()
    reason = fields.String()
    state = fields.String()
    asker = fields.Nested(Named, allow_none=True)
    asked_at = fields.AwareDateTime()
    decided_at = fields.AwareDateTime(allow_none=True)
    decision = fields.String()


class GradeAttemptOut(Schema):
    attempt = fields.String(metadata={"description": "first, resit or retake"})
    sitting = fields.Integer()
    scale = fields.String()
    grade = fields.String()
    mark = fields.String()
    parts = fields.Dict()
    passed = fields.Boolean(allow_none=True)
    confirmed_at = fields.AwareDateTime(allow_none=True)
    entry_id = fields.Integer()
    entry_version = fields.Integer()


class GradeOwnOut(Schema):
    """What a student got in one class: what stands, and every attempt; only what is confirmed."""

    scale = fields.String()
    grade = fields.String()
    mark = fields.String()
    passed = fields.Boolean(allow_none=True)
    attempts = fields.List(fields.Nested(GradeAttemptOut))
