"""The meeting column of a file: what a 教务系统 prints, as rows that fit a term and its period tables."""

from __future__ import annotations

from dataclasses import dataclass

from zutuan.calendar import patterns
from zutuan.calendar.plan import Calendar, expand
from zutuan.calendar.rules import Pattern, check_pattern
from zutuan.decision import Refusal


@dataclass(frozen=True)
class MeetingText:
    """Rows to keep, and the same in canonical writing."""

    rows: tuple[Pattern, ...]
    text: str


def read(text: str, here: Calendar) -> MeetingText | Refusal:
    """What the text says in this term, or which part of it is not understood or does not fit."""
    lines = patterns.read(text)
    if isinstance(lines, Refusal):
        return lines
    found = patterns.rows(lines, here.term.weeks)
    if isinstance(found, Refusal):
        return found
    for pattern in found:
        misfit = check_pattern(pattern, here.term, sorted(here.periods))
        if misfit is not None:
            return misfit[1]
        missing = next((each for each in expand([pattern], here).lost if each.reason == "no_period"), None)
        if missing is not None:
            return Refusal("no_such_period_on", {"day": missing.day.isoformat(), "period": pattern.last_period})
    return MeetingText(tuple(found), patterns.write(lines))
