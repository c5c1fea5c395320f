"""What a feature tells the kernel about a school's rows when another school takes it over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from zutuan.decision import Refusal
from zutuan.sharing.actor import Actor

if TYPE_CHECKING:
    from zutuan.feature import Feature


@dataclass(frozen=True)
class Foreseen:
    """One line of the preview: so many of what, and which (not all of many)."""

    label: Any
    count: int
    which: Sequence[str] = ()


@dataclass(frozen=True)
class SuccessionHook:
    """Every column that refers to a school or a department is in one of the two sets of one feature (a test sees to it).

    `moves`: columns that the feature's own `pass_on` brings to the successor; `stays`: what stays true of the old school.
    `against`: (old, new, now) → what cannot be done cleanly.
    `foresee`: (old, new, now) → what will happen, for the preview.
    `pass_on`: (actor, old, new, {old department: new one}, now) → what went over, for the audit.
    """

    moves: frozenset[str] | set[str] = frozenset()
    stays: frozenset[str] | set[str] = frozenset()
    against: Callable[[Session, int, int, datetime], list[Refusal]] | None = None
    foresee: Callable[[Session, int, int, datetime], list[Foreseen]] | None = None
    pass_on: Callable[[Session, Actor | None, int, int, Mapping[int, int], datetime], dict[str, int]] | None = None


def hooks_of(features: Iterable[Feature]) -> tuple[SuccessionHook, ...]:
    return tuple(feature.succession for feature in features if feature.succession is not None)
