"""What a feature tells the kernel about the people in its tables. Every question may be left unanswered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from zutuan.feature import Feature


@dataclass(frozen=True)
class Clash:
    """Where two persons cannot simply become one. What `stops` has to be mended first; the rest is settled by the merge
    and only said."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    stops: bool = False


@dataclass(frozen=True)
class Holding:
    """Something that a person has at a school. `url`: where to deal with it, if there is a page."""

    label: str
    text: str
    url: str = ""


@dataclass(frozen=True)
class PeopleHook:
    """A feature's part when persons change. Every column that refers to a person goes over to the survivor of a merge by
    itself; a feature says only what its rows are called and what would collide.

    `labels`: `table.column` → what a merge's preview calls such rows; others count as what somebody has dealt with.
    `clashes`: (kept, gone, now) → what stands in the way, and what will be settled how.
    `prepare`: (kept, gone, now): end or drop rows of `gone` that would collide, before all others go over.
    `holdings`: (person, school, now) → what they have there, shown before their affiliation is ended.
    `strip`: (person, now): the time of keeping is over, nothing may name the person any more.
    """

    labels: Mapping[str, Any] = field(default_factory=dict)
    clashes: Callable[[Session, int, int, datetime], list[Clash]] | None = None
    prepare: Callable[[Session, int, int, datetime], None] | None = None
    holdings: Callable[[Session, int, int, datetime], list[Holding]] | None = None
    strip: Callable[[Session, int, datetime], None] | None = None


def hooks_of(features: Iterable[Feature]) -> tuple[PeopleHook, ...]:
    return tuple(feature.people for feature in features if feature.people is not None)
