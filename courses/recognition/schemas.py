"""What comes in and goes out about recognitions."""

from __future__ import annotations

from marshmallow import fields

from courses.recognition.models import OUTCOMES, REQUEST_STATES
from courses.recognition.queries import STATES
from courses.recognition.rules import COUNTS
from zutuan.fields import Amount, Choice, Day, Flag, Named, Ref, Schema, Text

LAST_DAY = {"description": "the last day (in Shanghai) on which it holds; null: until further notice"}


class SaidIn(Schema):
    """What a school says of a course; credits, name and category of one that counts as another are that one's."""

    outcome = Choice(OUTCOMES, load_default=COUNTS)
    code = Text(20, min=0, metadata={"description": "of the course that it counts as, in the home school's programme"})
    name = Text(120, min=0, metadata={"description": "empty: as its host calls it"})
    name_en = Text(200, min=0)
    category = Text(
        40, min=0, metadata={"description": "one of the school's own words (policy recognition.categories)"}
    )
    credits = Amount("0", "100", load_default=None, allow_none=True, metadata={"description": "null: the host's"})
    same_as_id = Ref(
        load_default=None, allow_none=True, metadata={"description": "the row of the school's table that it counts as"}
    )
    last_day = Day(load_default=None, allow_none=True, metadata=LAST_DAY)
    note = Text(400, min=0, multiline=True)


class RecognitionIn(SaidIn):
    course_id = Ref(required=True)
    school_id = Ref(load_default=None, allow_none=True, metadata={"description": "the home school"})


class AnswerIn(SaidIn):
    for_all = Flag(
        load_default=False, metadata={"description": "a row of the table instead, which answers all who ask"}
    )


class RecognitionAskIn(Schema):
    course_id = Ref(required=True)
    affiliation_id = Ref(load_default=None, allow_none=True)
    message = Text(400, min=0, multiline=True)


class MessageIn(Schema):
    message = Text(400, min=0, multiline=True)
    affiliation_id = Ref(load_default=None, allow_none=True)


class RecognitionQuery(Schema):
    school_id = Ref(load_default=None, metadata={"description": "the home school; without it, one's own"})
    state = Choice(
        STATES, load_default=None, metadata={"description": "holds now, is over, or answers to single students"}
    )
    outcome = Choice(OUTCOMES, load_default=None)
    q = Text(60, min=0, load_default="")


class RequestQuery(Schema):
    side = Choice(("mine", "school"), load_default="mine")
    state = Choice(REQUEST_STATES, load_default=None)
    q = Text(60, min=0, load_default="")


class RecognisedCourse(Schema):
    id = fields.Integer()
    code = fields.String()
    title_zh = fields.String(attribute="item.title_zh")
    title_en = fields.String(attribute="item.title_en")
    credits = Amount("0", "100")
    school = fields.Nested(Named, attribute="item.owner")


class RecognitionOut(Schema):
    id = fields.Integer()
    school_id = fields.Integer(attribute="home_school_id", metadata={"description": "the home school"})
    course = fields.Nested(RecognisedCourse)
    student = fields.Nested(
        Named, attribute="person", allow_none=True, metadata={"description": "null: a row of the table, for all"}
    )
    outcome = fields.String()
    code = fields.String()
    name = fields.String()
    name_en = fields.String()
    category = fields.String()
    credits = Amount("0", "100")
    same_as_id = fields.Integer(allow_none=True)
    note = fields.String()
    since = fields.AwareDateTime()
    until = fields.AwareDateTime(allow_none=True)
    ended_at = fields.AwareDateTime(allow_none=True)


class RecognitionRequestOut(Schema):
    id = fields.Integer()
    school = fields.Nested(Named, attribute="home_school")
    course = fields.Nested(RecognisedCourse)
    student = fields.Nested(Named, attribute="person")
    state = fields.String()
    message = fields.String()
    answer = fields.Nested(RecognitionOut, allow_none=True)
    answered_at = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime()
    version = fields.Integer()
