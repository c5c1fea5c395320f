"""What comes in and goes out about schools and clusters."""

from __future__ import annotations

from datetime import date
from typing import Any

from marshmallow import fields

from zutuan.clusters.models import MEMBER_ROLES
from zutuan.errors import say
from zutuan.fields import Choice, Flag, Instant, Ref, Schema, Text, bad


class Day(fields.Date):
    """A Shanghai date, as forms give it."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> date:
        day = super()._deserialize(value, attr, data, **kw)
        if not isinstance(day, date) or not 2000 <= day.year <= 2100:
            raise bad("not_date")
        return day


# --- in ---------------------------------------------------------------------------------------------------------


class SchoolQuery(Schema):
    q = Text(60, min=0)
    province = Text(20, min=0)
    cluster_id = Ref(load_default=None)


class MembershipQuery(Schema):
    open = Flag(load_default=None)


class MembershipIn(Schema):
    school_id = Ref(required=True)
    role = Choice(MEMBER_ROLES, required=True)
    from_ = Instant(data_key="from", load_default=None, metadata={"description": "now, where it is not given"})


class MembershipEndIn(Schema):
    at = Instant(load_default=None, metadata={"description": "now, where it is not given"})


class RenameForm(Schema):
    """`day`: from when on it is called so; today where none is given."""

    name = Text(60, required=True)
    day = Day(load_default=None)


class SucceedForm(Schema):
    day = Day(load_default=None)


class AddMemberForm(Schema):
    """A school is typed (name, part of it, or code) and, where several fit, picked."""

    school = Text(60, required=True)
    school_id = Ref(load_default=None)
    role = Choice(MEMBER_ROLES, required=True)
    since = Day(load_default=None)


class EndMembershipForm(Schema):
    at = Day(load_default=None)


# --- out --------------------------------------------------------------------------------------------------------


class SchoolOut(Schema):
    id = fields.Integer()
    code = fields.String(allow_none=True)
    name = fields.String()
    province = fields.String()
    city = fields.String()
    level = fields.String()
    supervisor = fields.String()


class DepartmentOut(Schema):
    id = fields.Integer()
    school_id = fields.Integer()
    name = fields.String()


class ClusterMembershipOut(Schema):
    id = fields.Integer()
    cluster_id = fields.Integer()
    cluster_name = fields.String()
    school_id = fields.Integer()
    school_name = fields.String()
    school_code = fields.String(allow_none=True)
    role = fields.String()
    from_ = fields.AwareDateTime(data_key="from")
    until = fields.AwareDateTime(allow_none=True)
    state = fields.String(metadata={"enum": ["coming", "open", "ended"]})


class FormerNameOut(Schema):
    name = fields.String()
    until = fields.Date()


class SchoolDetailOut(SchoolOut):
    """`successor_id`: the school that took this one over, on `succeeded_on`."""

    former_names = fields.List(fields.Nested(FormerNameOut))
    successor_id = fields.Integer(allow_none=True)
    succeeded_on = fields.Date(allow_none=True)
    memberships = fields.List(fields.Nested(ClusterMembershipOut))


class CountsOut(Schema):
    """Open memberships by role."""

    lead = fields.Integer()
    partner = fields.Integer()
    supported = fields.Integer()
    schools = fields.Integer()


class FigureOut(Schema):
    kind = fields.String()
    plan_code = fields.String(attribute="code")
    title = fields.String()
    count = fields.Integer()


class CautionOut(Schema):
    """Where the cluster departs from 1+M+N."""

    code = fields.String()
    message = fields.Function(lambda caution: say(caution.code, caution.params)[0])


class ClusterOut(Schema):
    id = fields.Integer()
    name = fields.String()
    version = fields.Integer()
    counts = fields.Nested(CountsOut)
    warnings = fields.List(fields.Nested(CautionOut), attribute="cautions")
