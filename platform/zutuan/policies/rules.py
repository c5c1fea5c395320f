"""What a policy is, what values it may take, and which of several decisions holds. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zutuan.decision import FieldError

LEVELS = ("platform", "cluster", "school")
TYPES = ("bool", "whole", "choice")


@dataclass(frozen=True)
class Policy:
    """A key that a feature declares. `levels` are where it may be decided; a school's decision goes before its
    cluster's (where it is in exactly one), before the platform's, before the default. `unit` stands behind the number."""

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

    def wrong(self, value: Any) -> FieldError | None:
        """Why this is no value of the policy."""
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
