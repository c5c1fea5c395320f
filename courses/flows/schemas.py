"""What comes in and goes out about flows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import fields

from courses.flows import counting, figures, rules
from zutuan.fields import AcademicYear, Choice, Pattern, Ref, Schema, Text, Whole, bad
from zutuan.sharing import plan
from zutuan.web.api import ListQuery

FIGURE_KEYS = tuple(each.key for each in figures.FIGURES)


class TermText(Pattern):
    """学期 as 2026-2027-1."""

    def __init__(self, **kw: Any) -> None:
        super().__init__(r"20[0-9]{2}-20[0-9]{2}-[1-4]", "bad_term", 11, **kw)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kw)
        found = rules.TermKey.read(text)
        if found is None:
            raise bad(self.code)
        return found


class Task(Choice):
    """A task of the plan; empty: whatever it serves."""

    def __init__(self, choices: Sequence[str], **kw: Any) -> None:
        super().__init__(("", *choices), load_default="", **kw)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> str:
        return "" if value == "" else super()._deserialize(value, attr, data, **kw)


class TermQuery(Schema):
    """`term`: 2026-2027-1; without it the one that is on. `plan`: only courses that serve that task of the plan."""

    term = TermText(load_default=None)
    plan = Task((*plan.TASKS, counting.UNMARKED))


class BoardQuery(TermQuery):
    """`figure`: what the page's matrix shows."""

    figure = Choice(FIGURE_KEYS, load_default="enrolled")


class RowsQuery(TermQuery, ListQuery):
    """The rows of a figure: of a home school, of a host school, of those that have a school on either side, or of all."""

    home = Ref(load_default=None)
    host = Ref(load_default=None)
    school = Ref(load_default=None)


class FigureRowsQuery(RowsQuery):
    figure = Choice(FIGURE_KEYS, load_default="requests")


class FrozenRows(ListQuery):
    """The rows that were counted at a home school, a host school, both, or all."""

    home = Ref(load_default=None)
    host = Ref(load_default=None)


class FrozenRowsQuery(FrozenRows):
    figure = Choice(FIGURE_KEYS, load_default="requests")


class FreezeIn(Schema):
    """Freezes the term's figures as they are now."""

    academic_year = AcademicYear(required=True)
    number = Whole(1, 4, required=True)
    name = Text(60, required=True)
    note = Text(400, min=0, multiline=True)
    plan_code = Task(tuple(plan.TASKS))


# --- out ----------------------------------------------------------------------------------------------------------


class FlowSchoolOut(Schema):
    id = fields.Integer()
    name = fields.String()
    role = fields.String(metadata={"enum": ["lead", "partner", "supported", ""]})


class FlowCellOut(Schema):
    """A figure at a home school, a host school, both, or (neither) over all; `value` is null where nothing is measured."""

    figure = fields.String()
    home_id = fields.Integer(allow_none=True)
    host_id = fields.Integer(allow_none=True)
    value = fields.String(allow_none=True, metadata={"description": "an exact decimal number"})


class FlowsOut(Schema):
    term = fields.String()
    terms = fields.List(fields.String())
    plan = fields.String()
    schools = fields.List(fields.Nested(FlowSchoolOut))
    cells = fields.List(fields.Nested(FlowCellOut))


class FlowFigureOut(Schema):
    key = fields.String()
    title = fields.String()
    unit = fields.String()
    definition = fields.String()
    plan_code = fields.String()
    rows = fields.String(metadata={"enum": ["enrolment", "offering", "course", "home_word", "host_word"]})
    value = fields.String(allow_none=True, metadata={"description": "an exact decimal number"})


class FlowRowOut(Schema):
    """`student` and `number` are empty for whoever runs the cluster only."""

    id = fields.Integer()
    home = fields.String()
    host = fields.String()
    title_zh = fields.String()
    title_en = fields.String()
    course_id = fields.Integer()
    offering_id = fields.Integer(allow_none=True)
    code = fields.String()
    state = fields.String(
        metadata={"description": "of the enrolment; `stopped`: it ended with its class, which was called off"}
    )
    at = fields.AwareDateTime(allow_none=True)
    student = fields.String()
    number = fields.String()
    seats = fields.Integer(allow_none=True)
    taken = fields.Integer(allow_none=True)
    counts = fields.Boolean(metadata={"description": "of a frozen figure: whether it is counted now, too"})


class FrozenFigureOut(Schema):
    figure = fields.String()
    title_zh = fields.String()
    title_en = fields.String()
    unit_zh = fields.String()
    unit_en = fields.String()
    definition_zh = fields.String()
    definition_en = fields.String()
    plan_code = fields.String()


class FreezeOut(Schema):
    id = fields.Integer()
    cluster_id = fields.Integer()
    cluster_name = fields.String()
    academic_year = fields.String()
    number = fields.Integer()
    name = fields.String()
    note = fields.String()
    plan_code = fields.String()
    platform = fields.String()
    made_by = fields.Integer()
    frozen_at = fields.AwareDateTime()


class DifferenceOut(Schema):
    figure = fields.String()
    home_id = fields.Integer(allow_none=True)
    host_id = fields.Integer(allow_none=True)
    then = fields.String(allow_none=True, metadata={"description": "an exact decimal number"})
    now = fields.String(allow_none=True, metadata={"description": "an exact decimal number"})


class FreezeDetailOut(FreezeOut):
    figures = fields.List(fields.Nested(FrozenFigureOut))
    schools = fields.List(fields.Nested(FlowSchoolOut))
    cells = fields.List(fields.Nested(FlowCellOut))
    differences = fields.List(fields.Nested(DifferenceOut))
