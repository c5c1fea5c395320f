"""What comes in and goes out about courses and offerings."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import fields

from courses.catalogue.disciplines import SCHEMES
from courses.catalogue.models import CATEGORIES, DATES, DELIVERIES, LANGUAGES, LEVELS, SEATS_BY
from courses.catalogue.rules import CREDITS, MAX_SEATS, ROUNDS
from zutuan.calendar.rules import parse_weeks
from zutuan.calendar.schemas import TermOut
from zutuan.decision import Refusal
from zutuan.fields import Amount, Choice, Flag, Instant, Many, Named, Pattern, Ref, Row, Schema, Text, Whole, bad
from zutuan.sharing.plan import TASKS

SORTS = ("newest", "title", "credits", "seats")
CODE = r"[A-Za-z0-9._-]*[A-Za-z0-9][A-Za-z0-9._-]*"  # `.` and `..` would be steps in an address
AUDIENCE = r"platform|cluster:[1-9][0-9]{0,17}(:(lead|partner|supported))?|school:[1-9][0-9]{0,17}"


def _audience(**kw: Any) -> Many:
    """Scopes by their form; whether they may be shared with is the access rule's word."""
    return Many(Pattern(AUDIENCE, "not_an_audience", 60), max=20, unique=True, **kw)


PLAN = "|".join(re.escape(code) for code in TASKS)


class Weeks(Text):
    """Weeks as they are written: 1-8,10-16e."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> str:
        text = super()._deserialize(value, attr, data, **kw)
        if isinstance(parse_weeks(text), Refusal):
            raise bad("bad_weeks")
        return text


class SyllabusIn(Schema):
    weeks = Weeks(20, required=True)
    topic = Text(200, required=True)


class CourseFields(Schema):
    """What a course says of itself."""

    code = Pattern(CODE, "bad_code", 20, required=True)
    title_zh = Text(120, required=True)
    title_en = Text(200, min=0)
    summary_zh = Text(400, min=0)
    summary_en = Text(800, min=0)
    description_zh = Text(4000, min=0, multiline=True)
    description_en = Text(8000, min=0, multiline=True)
    keywords = Many(Text(20), max=8, unique=True, load_default=list)
    credits = Amount("0.5", "20", required=True)
    hours = Whole(1, 600, required=True)
    category = Choice(CATEGORIES, required=True)
    level = Choice(LEVELS, load_default="bachelor")
    language = Choice(LANGUAGES, load_default="zh")
    delivery = Choice(DELIVERIES, required=True)
    department_id = Ref(load_default=None, allow_none=True)
    prerequisites = Text(400, min=0, multiline=True)
    assessment = Text(400, min=0, multiline=True)
    textbooks = Text(1000, min=0, multiline=True)
    syllabus = Many(Row(SyllabusIn), max=40, load_default=list)
    discipline_scheme = Pattern("|".join(SCHEMES), "no_such", 10, min=0, load_default="")
    discipline_version = Pattern(r"\d{4}", "no_such", 10, min=0, load_default="")
    discipline_code = Pattern(r"[0-9.]+", "not_number", 10, min=0, load_default="")
    requires_ids = Many(
        Ref(), max=10, unique=True, load_default=None, allow_none=True,
        metadata={"description": "courses here that a student has completed before"},
    )  # fmt: skip
    plan_code = Pattern(
        PLAN, "no_such", 12, min=0, load_default=None, allow_none=False,
        metadata={"description": "the task of the plan; empty: none; not given: the usual one of courses"},
    )  # fmt: skip
    teacher_ids = Many(Ref(), max=20, unique=True, load_default=None)


class CourseIn(CourseFields):
    school_id = Ref(load_default=None)
    audience = _audience(load_default=list)


class CoursePatch(CourseFields):
    """Any of the course's fields; the audience is set by publishing."""

    audience = _audience()


class CopyIn(Schema):
    code = Pattern(CODE, "bad_code", 20, required=True)


class PublishIn(Schema):
    audience = _audience(load_default=None, allow_none=True)


class MeetingIn(Schema):
    weekday = Whole(1, 7, required=True)
    first_period = Whole(1, 20, required=True)
    last_period = Whole(1, 20, required=True)
    weeks = Weeks(60, required=True)


POOL = r"all|cluster:[1-9][0-9]{0,17}(:(lead|partner|supported))?|school:[1-9][0-9]{0,17}"


class PoolIn(Schema):
    scope = Pattern(
        POOL, "not_a_pool", 60, required=True,
        metadata={"description": "a home school, a role in a cluster, or all"},
    )  # fmt: skip
    seats = Whole(0, MAX_SEATS, required=True)


class RoundIn(Schema):
    kind = Choice(ROUNDS, required=True)
    opens = Instant(required=True)
    closes = Instant(required=True)


class DateIn(Schema):
    kind = Choice(DATES, load_default="class")
    starts = Instant(required=True)
    ends = Instant(required=True)
    place = Text(60, min=0)
    note = Text(100, min=0)


class OfferingFields(Schema):
    """What an offering says of itself. `seats` are those of the general pool; `pools` name all of them. `rounds` go
    before `enrol_from` and `enrol_until`, which are one round."""

    code = Pattern(CODE, "bad_code", 20, load_default="01")
    grade = Text(
        10, min=0, metadata={"description": "keeps the weeks of this grade of the term; empty: the usual ones"}
    )
    enrol_from = Instant(load_default=None, allow_none=True)
    enrol_until = Instant(load_default=None, allow_none=True)
    rounds = Many(Row(RoundIn), max=3, load_default=None, allow_none=True)
    follows_plan = Flag(
        load_default=None, allow_none=True,
        metadata={"description": "takes the rounds of the cluster's term plan, now and when it changes"},
    )  # fmt: skip
    seats_by = Choice(SEATS_BY, load_default="first_come")
    waitlist = Flag(load_default=True)
    for_grades = Many(Text(10), max=10, unique=True, load_default=list)
    for_majors = Many(Text(60), max=20, unique=True, load_default=list)
    room = Text(60, min=0)
    room_seats = Whole(
        1, 10000, load_default=None, allow_none=True,
        metadata={"description": "how many the room holds; seats above it are refused"},
    )  # fmt: skip
    minimum = Whole(
        1, MAX_SEATS, load_default=None, allow_none=True,
        metadata={"description": "with fewer students the host decides whether the class takes place"},
    )  # fmt: skip
    online_url = Pattern(r"https?://[^\s<>\"']+", "bad_url", 300, min=0)
    note = Text(400, min=0, multiline=True)
    seats = Whole(0, MAX_SEATS, load_default=None, allow_none=True)
    pools = Many(Row(PoolIn), max=40, load_default=None, allow_none=True)
    meetings = Many(Row(MeetingIn), max=14, load_default=list)
    dates = Many(
        Row(DateIn), max=20, load_default=None, allow_none=True,
        metadata={"description": "classes on single dates, and exams"},
    )  # fmt: skip


class OfferingIn(OfferingFields):
    term_id = Ref(load_default=None)


class CourseQuery(Schema):
    q = Text(60, min=0, load_default="")
    school_id = Ref(load_default=None)
    category = Choice(CATEGORIES, load_default=None)
    delivery = Choice(DELIVERIES, load_default=None)
    level = Choice(LEVELS, load_default=None)
    weekday = Whole(1, 7, load_default=None)
    periods = Pattern(
        r"([1-9]|1[0-9]|20)-([1-9]|1[0-9]|20)", "bad_periods", 5, min=0, load_default="",
        metadata={"description": "in any of these periods of its school: 1-4"},
    )  # fmt: skip
    credits = Choice(
        tuple(CREDITS),
        load_default=None,
        metadata={"description": "up to 1, to 2, to 3, or more; each without the one before"},
    )
    available = Flag(
        load_default=False, metadata={"description": "open now, with seats left; for a student those they may take"}
    )
    counts = Flag(load_default=False, metadata={"description": "those that my school recognises, as it says to me now"})
    plan = Pattern(
        rf"none|{PLAN}", "no_such", 12, min=0, load_default="", metadata={"description": "a task's code, or none"}
    )
    cluster_id = Ref(load_default=None, metadata={"description": "of schools that are its members now"})
    mine = Flag(load_default=False, metadata={"description": "those I may edit, drafts included"})
    sort = Choice(SORTS, load_default="newest")


class MeetingOut(Schema):
    weekday = fields.Integer()
    first_period = fields.Integer()
    last_period = fields.Integer()
    weeks = fields.String()


class CountsAsOut(Schema):
    """学分认定: what my school says it counts as."""

    outcome = fields.String(metadata={"enum": ["counts", "refused", "unsaid"]})
    id = fields.Integer(allow_none=True, metadata={"description": "of the recognition; null: unsaid"})
    school_id = fields.Integer(metadata={"description": "the home school"})
    school_name = fields.String()
    code = fields.String()
    name = fields.String()
    name_en = fields.String()
    category = fields.String()
    credits = Amount("0", "100", allow_none=True)
    until = fields.AwareDateTime(allow_none=True)
    note = fields.String()
    asked = fields.Integer(allow_none=True, metadata={"description": "my request that waits for an answer"})


class PoolOut(Schema):
    id = fields.Integer()
    scope = fields.String()
    capacity = fields.Integer()
    wanted = fields.Integer()
    taken = fields.Integer()
    left = fields.Integer()


class RoundOut(Schema):
    kind = fields.String()
    opens = fields.AwareDateTime()
    closes = fields.AwareDateTime()


class DateOut(Schema):
    kind = fields.String()
    starts = fields.AwareDateTime()
    ends = fields.AwareDateTime()
    place = fields.String()
    note = fields.String()


class OfferingOut(Schema):
    id = fields.Integer()
    course_id = fields.Integer()
    code = fields.String()
    state = fields.String()
    term = fields.Nested(TermOut)
    grade = fields.String()
    enrol_from = fields.AwareDateTime()
    enrol_until = fields.AwareDateTime()
    rounds = fields.List(fields.Nested(RoundOut))
    follows_plan = fields.Boolean()
    seats_by = fields.String()
    waitlist = fields.Boolean()
    for_grades = fields.List(fields.String())
    for_majors = fields.List(fields.String())
    room = fields.String()
    room_seats = fields.Integer(allow_none=True)
    minimum = fields.Integer(allow_none=True)
    decided_at = fields.AwareDateTime(allow_none=True)
    decision_reason = fields.String()
    rescue_until = fields.AwareDateTime(
        allow_none=True,
        metadata={"description": "of a cancelled class: until when its students may enrol elsewhere"},
    )
    online_url = fields.String()
    note = fields.String()
    meetings = fields.List(fields.Nested(MeetingOut))
    dates = fields.List(fields.Nested(DateOut))
    pools = fields.List(fields.Nested(PoolOut))
    version = fields.Integer()


class CourseOut(Schema):
    id = fields.Integer()
    school = fields.Nested(Named, attribute="item.owner")
    code = fields.String()
    title_zh = fields.String(attribute="item.title_zh")
    title_en = fields.String(attribute="item.title_en")
    summary_zh = fields.String(attribute="item.summary_zh")
    summary_en = fields.String(attribute="item.summary_en")
    description_zh = fields.String()
    description_en = fields.String()
    keywords = fields.List(fields.String(), attribute="item.keywords")
    plan_code = fields.String(attribute="item.plan_code")
    credits = Amount("0", "100")
    hours = fields.Integer()
    category = fields.String()
    level = fields.String()
    language = fields.String()
    delivery = fields.String()
    department = fields.Nested(Named, allow_none=True)
    prerequisites = fields.String()
    assessment = fields.String()
    textbooks = fields.String()
    syllabus = fields.List(fields.Dict(keys=fields.String(), values=fields.String()))
    discipline_scheme = fields.String()
    discipline_version = fields.String()
    discipline_code = fields.String()
    teachers = fields.List(fields.Nested(Named))
    state = fields.String(attribute="item.state")
    published_at = fields.AwareDateTime(attribute="item.published_at", allow_none=True)
    demonstration = fields.Boolean(attribute="item.demonstration")
    version = fields.Integer(attribute="item.version")
    counts_as = fields.Nested(
        CountsAsOut, allow_none=True, metadata={"description": "for students, of other schools' courses; else null"}
    )


class AudienceOut(Schema):
    scopes = fields.List(fields.String())
    schools = fields.List(fields.Nested(Named), allow_none=True)
    count = fields.Integer(allow_none=True, metadata={"description": "null: the whole platform"})


class RequiredOut(Schema):
    id = fields.Integer()
    code = fields.String()
    title_zh = fields.String(attribute="item.title_zh")


class CourseDetailOut(CourseOut):
    audience = fields.Nested(AudienceOut)
    requires = fields.List(fields.Nested(RequiredOut))


class EditionOut(Schema):
    number = fields.Integer()
    at = fields.AwareDateTime()
    person = fields.Nested(Named, allow_none=True)
    changed = fields.List(fields.String(), metadata={"description": "fields that differ from the edition before"})
    content = fields.Dict(keys=fields.String())


class OfferingDetailOut(OfferingOut):
    course = fields.Nested(CourseOut)
    occurrences = fields.List(
        fields.Nested(
            Schema.from_dict(
                {
                    "week": fields.Integer(),
                    "starts": fields.AwareDateTime(),
                    "ends": fields.AwareDateTime(),
                    "kind": fields.String(
                        attribute="source_type", metadata={"description": "offering, offering_date or exam"}
                    ),
                },
                name="OccurrenceOut",
            )
        )
    )
    promised = fields.Boolean(metadata={"description": "seen only because of a seat held in it"})
