"""What comes in and goes out about calendars."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from marshmallow import fields

from zutuan.calendar.patterns import MAX_PERIOD
from zutuan.calendar.plan import ALL_WEEKDAYS, SPECIAL_KINDS
from zutuan.calendar.text import clock_text
from zutuan.fields import AcademicYear, Choice, Day, Many, Schema, Text, Whole, bad

MOST_PERIODS = MAX_PERIOD
TERM_NUMBERS = (1, 2, 3, 4)
_CLOCK = re.compile(r"([01]?[0-9]|2[0-4])[:.时]([0-5][0-9])分?")
_SEASON = re.compile(r"(0?[1-9]|1[0-2])[-/.月](0?[1-9]|[12][0-9]|3[01])日?")
_LONGEST_MONTH = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


# --- fields -----------------------------------------------------------------------------------------------------


class Clock(fields.Field[int]):
    """A time of day on Shanghai's clock as minutes since midnight; 24:00 is the end of the day."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> int:
        match = _CLOCK.fullmatch(unicodedata.normalize("NFKC", str(value)).strip())
        minutes = int(match[1]) * 60 + int(match[2]) if match else 1441
        if minutes > 1440:
            raise bad("not_clock")
        return minutes


class MonthDay(fields.Field[int]):
    """A day of every year, 05-01, as month * 100 + day."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> int:
        match = _SEASON.fullmatch(unicodedata.normalize("NFKC", str(value)).strip())
        if match is None or int(match[2]) > _LONGEST_MONTH.get(int(match[1]), 31):
            raise bad("not_season")
        return int(match[1]) * 100 + int(match[2])


class Weekdays(fields.Field[str]):
    """Some of the digits 1 to 7, in order."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> str:
        text = "".join(value) if isinstance(value, list) else str(value)
        if not re.fullmatch("[1-7]{1,7}", text):
            raise bad("bad_weekdays")
        return "".join(sorted(set(text)))


# --- in ---------------------------------------------------------------------------------------------------------


class StartIn(Schema):
    grade = Text(10, required=True)
    first_day = Day(required=True)
    weeks = Whole(1, 30, required=True)


class TermIn(Schema):
    academic_year = AcademicYear(required=True)
    number = Whole(1, 4, required=True)
    first_day = Day(required=True)
    weeks = Whole(1, 30, required=True)
    starts = Many(fields.Nested(StartIn), max=12, load_default=list)


class PeriodIn(Schema):
    number = Whole(1, MAX_PERIOD, required=True)
    starts = Clock(required=True)
    ends = Clock(required=True)


class TableIn(Schema):
    name = Text(40, min=0)
    from_day = Day(required=True)
    until_day = Day(load_default=None)
    season_from = MonthDay(load_default=101)
    season_until = MonthDay(load_default=1231)
    weekdays = Weekdays(load_default=ALL_WEEKDAYS)
    periods = Many(fields.Nested(PeriodIn), max=MOST_PERIODS, min=1, load_default=list)


class DaysIn(Schema):
    """One kind of special days; `last` is the first day where it is left empty."""

    kind = Choice(SPECIAL_KINDS, required=True)
    name = Text(40, min=0)
    first = Day(required=True)
    last = Day(load_default=None)
    takes = Day(load_default=None)


class BusyIn(Schema):
    """Time of one's own that is taken: on `day`, and with `until` on that weekday every week up to it."""

    title = Text(60, required=True)
    day = Day(required=True)
    starts = Clock(required=True, metadata={"type": "string", "description": "HH:MM on Shanghai's clock"})
    ends = Clock(required=True, metadata={"type": "string", "description": "HH:MM"})
    until = Day(load_default=None)


# --- out --------------------------------------------------------------------------------------------------------


class TermOut(Schema):
    id = fields.Integer()
    school_id = fields.Integer()
    academic_year = fields.String()
    number = fields.Integer()
    first_day = fields.Date()
    weeks = fields.Integer()


class StartOut(Schema):
    grade = fields.String()
    first_day = fields.Date()
    weeks = fields.Integer()


class TermDetailOut(TermOut):
    starts = fields.List(fields.Nested(StartOut), metadata={"description": "grades whose weeks differ"})


class PeriodOut(Schema):
    number = fields.Integer()
    starts = fields.String(metadata={"description": "HH:MM on Shanghai's clock"})
    ends = fields.String()


class CalendarQuery(Schema):
    """Both days are included; without them, the four weeks from today."""

    from_ = Day(data_key="from", load_default=None)
    until = Day(load_default=None)
    grade = Text(10, min=0)


class DayOut(Schema):
    day = fields.Date()
    week = fields.Integer(allow_none=True)
    held = fields.Date(allow_none=True, metadata={"description": "the date whose classes are held on that day"})
    reason = fields.String(metadata={"enum": ["term", "normal", "swapped", "holiday", "moved", "outside"]})
    name = fields.String()
    elsewhere = fields.Date(allow_none=True, metadata={"description": "where the day's own classes are held instead"})


class BusyOut(Schema):
    id = fields.Integer()
    title = fields.String()
    weekly = fields.Boolean()
    day = fields.Date(attribute="from_day")
    until = fields.Date(attribute="until_day")
    starts = fields.Function(lambda row: clock_text(row.starts), metadata={"type": "string"})
    ends = fields.Function(lambda row: clock_text(row.ends), metadata={"type": "string"})
