"""What comes in and goes out about admitted courses."""

from __future__ import annotations

from marshmallow import fields

from courses.admission.rules import AT_ONCE
from zutuan.fields import AcademicYear, Flag, Many, Named, Ref, Schema, Text, Whole


class AdmissionQuery(Schema):
    q = Text(60, min=0, load_default="")
    host_id = Ref(load_default=None, metadata={"description": "courses of this school only"})
    admitted = Flag(load_default=None)
    decided = Flag(load_default=None, metadata={"description": "whether the school has said anything of it yet"})
    academic_year = AcademicYear(min=0, metadata={"description": "without it, of now"})
    number = Whole(1, 4, load_default=None)


class AdmissionIn(Schema):
    course_ids = Many(Ref(), max=AT_ONCE, min=1, unique=True, required=True)
    academic_year = AcademicYear(required=True)
    number = Whole(1, 4, required=True)
    admitted = Flag(required=True)


class AdmittedOut(Schema):
    id = fields.Integer(metadata={"description": "of the course"})
    code = fields.String()
    title_zh = fields.String()
    title_en = fields.String()
    school = fields.Nested(Named)
    offerings = fields.Integer()
    admitted = fields.Boolean()
    decided = fields.Boolean()


class ChangedOut(Schema):
    changed = fields.Integer(metadata={"description": "how many were otherwise before"})
