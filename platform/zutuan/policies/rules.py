"""What a policy is, what values it may take, and which of several decisions holds. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from marshmallow import ValidationError

from zutuan.decision import FieldError, Refusal
from zutuan.fields import Text, field_errors

LEVELS = ("platform", "cluster", "school")
TYPES = ("bool", "whole", "choice", "text", "duration")
# Units of a duration, the longest first: letter of ISO 8601 → minutes.
UNITS = {"D": 24 * 60, "H": 60, "M": 1}
_DURATION = re.compile(r"P(?:([0-9]{1,5})D)?(?:T(?=[0-9])(?:([0-9]{1,5})H)?(?:([0-9]{1,6})M)?)?")


@dataclass(frozen=True)
class Policy:
    """A key that a feature declares. `levels` are where it may be decided; a school's decision goes before its
    cluster's (where it is in exactly one), before the platform's, before the default. `unit` stands behind the number.

    `low` and `high` bound a whole number, the characters of a text, or the minutes of a duration. Values, and `default`,
    are as they are stored and as the API has them: a duration is ISO 8601 text in days, hours and minutes (`P1DT12H`).
    `check`: what else is asked of a value that has its type (a refusal's code and params).
    """

    key: str
    label: Any
    help: Any
    default: Any
    type: str = "bool"
    levels: tuple[str, ...] = ("platform", "school")
    low: int = 0
    high: int = 0
    choices: tuple[tuple[str, Any], ...] = ()
    unit: Any = ""
    check: Callable[[Any], Refusal | None] | None = None

    def read(self, value: Any) -> Any:
        """A value as code uses it: a duration as a timedelta."""
        return duration(value) if self.type == "duration" else value

    def plain(self, value: Any) -> Any:
        """A value as it is stored: a text without what surrounds it, a duration in its shortest form."""
        if self.type == "text":
            return Text(self.high, self.low).deserialize(value)
        return spelled(minutes(value)) if self.type == "duration" else value

    def wrong(self, value: Any) -> FieldError | None:
        """Why this is no value of the policy."""
        wrong = self._wrong_of_type(value)
        if wrong is not None or self.check is None:
            return wrong
        against = self.check(self.plain(value))
        return FieldError("value", against.code, against.params) if against else None

    def _wrong_of_type(self, value: Any) -> FieldError | None:
        if self.type == "text":
            return self._wrong_text(value)
        if self.type == "duration":
            return self._wrong_duration(value)
        if self.type == "bool":
            return None if isinstance(value, bool) else FieldError("value", "not_bool", {})
        if self.type == "choice":
            names = tuple(name for name, _label in self.choices)
            return None if value in names else FieldError("value", "not_a_choice", {"choices": names})
        if not isinstance(value, int) or isinstance(value, bool):
            return FieldError("value", "not_whole", {})
        if value < self.low:
            return FieldError("value", "too_small", {"min": self.low})
        return FieldError("value", "too_big", {"max": self.high}) if value > self.high else None

    def _wrong_text(self, value: Any) -> FieldError | None:
        try:
            Text(self.high, self.low).deserialize(value)
        except ValidationError as error:
            return field_errors({"value": error.messages})[0]
        return None

    def _wrong_duration(self, value: Any) -> FieldError | None:
        if not isinstance(value, str) or duration(value) is None:
            return FieldError("value", "not_duration", {})
        if not self.low <= minutes(value) <= self.high:
            bounds = {"low": spelled(self.low), "high": spelled(self.high)}
            return FieldError("value", "duration_out_of_bounds", bounds)
        return None


def duration(text: str) -> timedelta | None:
    """ISO 8601 in days, hours and minutes; None for anything else."""
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        return None
    days, hours, left = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=left)


def minutes(text: str) -> int:
    """Of a duration that is one."""
    return int((duration(text) or timedelta(0)).total_seconds()) // 60


def spelled(whole: int) -> str:
    """So many minutes in ISO 8601, in one unit where that is enough: `P2D`, `PT36H`, `PT90M`."""
    number, unit = split(whole)
    return f"P{number}D" if unit == "D" else f"PT{number}{unit}"


def split(whole: int) -> tuple[int, str]:
    """So many minutes as a number of the longest unit that gives a whole one."""
    unit = next(unit for unit, length in UNITS.items() if whole % length == 0)
    return whole // UNITS[unit], unit


@dataclass(frozen=True)
class Place:
    """Where something is decided: a school, a cluster, or (neither) the platform."""

    school_id: int | None = None
    cluster_id: int | None = None

    @property
    def level(self) -> str:
        return "school" if self.school_id else "cluster" if self.cluster_id else "platform"


@dataclass(frozen=True)
class Decision:
    """One row, as the rules read it."""

    id: int
    place: Place
    value: Any
    from_: datetime


def holding(decisions: Iterable[Decision], now: datetime) -> Decision | None:
    """Of one place's decisions the one that holds now: the newest that has begun, of two the later written."""
    begun = [each for each in decisions if each.from_ <= now]
    return max(begun, key=lambda each: (each.from_, each.id), default=None)


def effective(policy: Policy, chain: Sequence[Place], decisions: Sequence[Decision], now: datetime) -> Any:
    """The value at the first place of the chain (nearest first) that has decided; what a newer version of the policy no
    longer takes counts as undecided."""
    for place in chain:
        if place.level not in policy.levels:
            continue
        decision = holding([each for each in decisions if each.place == place], now)
        if decision is not None and decision.value is not None and policy.wrong(decision.value) is None:
            return decision.value
    return policy.default
