"""What a change of a calendar does to the meetings that lie ahead, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from zutuan.calendar.plan import Meeting
from zutuan.calendar.sources import Described, Ref


@dataclass(frozen=True)
class Move:
    """One meeting of a source that is now held at another time (`before`, `after`), no longer (`after` None, `reason`
    why), or only now (`before` None)."""

    source: Ref
    before: Meeting | None
    after: Meeting | None
    reason: str = ""

    @property
    def at(self) -> datetime:
        shown = self.before or self.after
        assert shown is not None
        return shown.starts


@dataclass(frozen=True)
class Clash:
    """A meeting that would newly be at the same time as another, for so many people; none for a room taken twice."""

    source: Ref
    after: Meeting
    other: Ref
    people: int


@dataclass
class Effects:
    """What a change of a calendar does to the meetings that lie ahead."""

    edition: str = ""
    moves: list[Move] = field(default_factory=list)
    clashes: list[Clash] = field(default_factory=list)
    people: dict[Ref, set[int]] = field(default_factory=dict)
    names: dict[Ref, Described] = field(default_factory=dict)
    updates: list[dict[str, Any]] = field(default_factory=list)
    inserts: list[dict[str, Any]] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)  # of the calendar's own rows that were written

    @property
    def moved(self) -> list[Move]:
        return [each for each in self.moves if each.before and each.after]

    @property
    def lost(self) -> list[Move]:
        return [each for each in self.moves if each.after is None]

    @property
    def added(self) -> list[Move]:
        return [each for each in self.moves if each.before is None]

    @property
    def told(self) -> set[int]:
        return set().union(*self.people.values()) if self.people else set()
