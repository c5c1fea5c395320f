"""Which policies there are; the composition root says it once."""

from __future__ import annotations

from collections.abc import Iterable

from zutuan.policies.rules import Policy

_policies: dict[str, Policy] = {}


def learn(policies: Iterable[Policy]) -> None:
    _policies.update({policy.key: policy for policy in policies})


def named(key: str) -> Policy | None:
    return _policies.get(key)


def at_level(level: str) -> list[Policy]:
    return [policy for policy in _policies.values() if level in policy.levels]
