"""What comes in and goes out about term plans."""

from __future__ import annotations

from marshmallow import fields

from courses.catalogue.schemas import RoundOut
from zutuan.fields import AcademicYear, Day, Instant, Named, Ref, Schema, Text, Whole


def _moment(what: str) -> Instant:
    return Instant(load_default=None, allow_none=True, metadata={"description": what})


class PlanFields(Schema):
    """Each stage is [from, until); all but `main` may be left out."""

    submission_from = _moment("handing in offerings")
    submission_until = _moment("")
    review_from = _moment("home review")
    review_until = _moment("")
    preselection_from = _moment("preselection")
    preselection_until = _moment("")
    main_from = _moment("main round")
    main_until = _moment("")
    add_drop_from = _moment("add/drop")
    add_drop_until = _moment("")
    teaching_starts = Day(required=True, metadata={"description": "a Shanghai date"})
    grades_due = Day(required=True, metadata={"description": "the last Shanghai date"})
    note = Text(400, min=0, multiline=True)


class PlanIn(PlanFields):
    academic_year = AcademicYear(required=True)
    number = Whole(1, 4, required=True)


class SubmissionQuery(Schema):
    school_id = Ref(load_default=None)


class PlanOut(Schema):
    id = fields.Integer()
    cluster = fields.Nested(Named)
    academic_year = fields.String()
    number = fields.Integer()
    state = fields.String()
    submission_from = fields.AwareDateTime(allow_none=True)
    submission_until = fields.AwareDateTime(allow_none=True)
    review_from = fields.AwareDateTime(allow_none=True)
    review_until = fields.AwareDateTime(allow_none=True)
    preselection_from = fields.AwareDateTime(allow_none=True)
    preselection_until = fields.AwareDateTime(allow_none=True)
    main_from = fields.AwareDateTime()
    main_until = fields.AwareDateTime()
    add_drop_from = fields.AwareDateTime(allow_none=True)
    add_drop_until = fields.AwareDateTime(allow_none=True)
    teaching_starts = fields.Date()
    grades_due = fields.Date()
    note = fields.String()
    published_at = fields.AwareDateTime(allow_none=True)
    version = fields.Integer()


class MoveOut(Schema):
    offering_id = fields.Integer()
    code = fields.String()
    title_zh = fields.String()
    school = fields.String()
    before = fields.List(fields.Nested(RoundOut))
    after = fields.List(fields.Nested(RoundOut))


class EffectsOut(Schema):
    """Offerings that follow the plan and would move, and those whose own dates would lie outside it."""

    moves = fields.List(fields.Nested(MoveOut))
    strays = fields.List(fields.Nested(MoveOut))


class ReviewOut(Schema):
    """What a home school has said of the others' submitted courses that are shared with it."""

    state = fields.String(metadata={"enum": ["not_needed", "done", "open", "outstanding"]})
    courses = fields.Integer()
    admitted = fields.Integer()
    undecided = fields.Integer()
    late = fields.Integer(metadata={"description": "decided after the plan's date"})


class BoardLineOut(Schema):
    """What one school has submitted: the sums of its rows."""

    school = fields.Nested(Named)
    courses = fields.Integer()
    offerings = fields.Integer()
    seats = fields.Integer()
    taken = fields.Integer()
    following = fields.Integer(metadata={"description": "offerings with the plan's own rounds"})
    outside = fields.Integer(metadata={"description": "offerings with dates outside the plan"})
    has_term = fields.Boolean(metadata={"description": "the school's calendar has this term"})
    review = fields.Nested(ReviewOut)


class SubmissionOut(Schema):
    offering_id = fields.Integer()
    course_id = fields.Integer()
    code = fields.String()
    title_zh = fields.String()
    title_en = fields.String()
    school = fields.Nested(Named)
    seats = fields.Integer()
    taken = fields.Integer()
    fits = fields.String(metadata={"enum": ["follows", "narrower", "outside"]})
