"""A place's policies as forms and API show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from zutuan.clusters.models import Cluster, School
from zutuan.policies import services
from zutuan.policies.models import PolicyValue
from zutuan.policies.permissions import action, allow, subject
from zutuan.policies.registry import at_level
from zutuan.policies.rules import Place, Policy, minutes, split
from zutuan.sharing.services import fetch
from zutuan.web.requests import actor, db


@dataclass(frozen=True)
class Shown:
    """One policy at one place: what holds, what is planned, what was."""

    policy: Policy
    above: Any
    decisions: list[PolicyValue]
    now: datetime

    key = property(lambda self: self.policy.key)
    label = property(lambda self: str(self.policy.label))
    help = property(lambda self: str(self.policy.help))
    type = property(lambda self: self.policy.type)
    version = property(lambda self: max((each.id for each in self.decisions), default=0))

    @property
    def holding(self) -> PolicyValue | None:
        """The decision of this place that holds now; None where the level above speaks."""
        first = next((each for each in self.decisions if each.from_ <= self.now), None)
        return first if first is not None and first.value is not None else None

    @property
    def planned(self) -> list[PolicyValue]:
        return [each for each in self.decisions if each.from_ > self.now]

    @property
    def inherited(self) -> bool:
        return self.holding is None

    @property
    def value(self) -> Any:
        return self.above if self.holding is None else self.holding.value

    def say(self, value: Any) -> str:
        """A value in words."""
        if value is None:
            return _("不另作决定")
        if self.policy.type == "bool":
            return _("是") if value else _("否")
        if self.policy.type == "choice":
            return str(dict(self.policy.choices).get(value, value))
        if self.policy.type == "duration":
            return in_words(minutes(value))
        if self.policy.type == "text":
            return value or _("（未填）")
        return f"{value} {self.policy.unit}".strip()

    @property
    def bounds(self) -> str:
        """What its value may be, in words; empty where the form's choices say it."""
        policy = self.policy
        if policy.type == "whole":
            return _("%(low)s 至 %(high)s %(unit)s", low=policy.low, high=policy.high, unit=policy.unit)
        if policy.type == "duration":
            return _("%(low)s 至 %(high)s", low=in_words(policy.low), high=in_words(policy.high))
        return _("最多 %(n)s 个字", n=policy.high) if policy.type == "text" else ""

    def parts(self, value: Any) -> tuple[int, str]:
        """A duration as the form takes it: a number and its unit."""
        return split(minutes(value))


def in_words(whole: int) -> str:
    """So many minutes, in the longest unit that fits."""
    number, unit = split(whole)
    return {
        "D": lambda: _("%(n)s 天", n=number), "H": lambda: _("%(n)s 小时", n=number), "M": lambda: _("%(n)s 分钟", n=number),
    }[unit]()  # fmt: skip


def place(level: str, id_: int | None) -> tuple[Place, str]:
    """The place of an address and its name; 404 where there is none, 403 for whoever may not read its policies."""
    if level == "school":
        assert id_ is not None
        found, name = Place(school_id=id_), fetch(db(), School, id_).name
    elif level == "cluster":
        assert id_ is not None
        found, name = Place(cluster_id=id_), fetch(db(), Cluster, id_).name
    else:
        found, name = Place(), _("平台")
    allow.require(actor(), action(found, "read"), subject(found))
    return found, name


def shown(where: Place) -> list[Shown]:
    """Every policy that can be decided there."""
    session, now = db(), actor().now
    decisions = services.history(session, where)
    return [
        Shown(policy, services.above(session, policy, where, now), [d for d in decisions if d.key == policy.key], now)
        for policy in at_level(where.level)
    ]


def one(where: Place, key: str) -> Shown | None:
    return next((each for each in shown(where) if each.key == key), None)
