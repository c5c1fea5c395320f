"""What a feature tells the calendar about its own meetings, so that the kernel can move them without knowing the feature."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.calendar.plan import Meeting
from zutuan.calendar.rules import Pattern
from zutuan.db import chunks
from zutuan.paging import Query

if TYPE_CHECKING:
    from zutuan.feature import Feature

Resource = tuple[str, int]
# ids of people and an instant, or the parameters of a statement that is built once
People = Sequence[int] | sa.BindParameter[list[int]]
Instant = datetime | sa.BindParameter[datetime]
Ref = tuple[str, int]
# week, weekday and first period: which meeting of its source's pattern it is
Key = tuple[int, int, int]
Value = TypeVar("Value")


@dataclass(frozen=True)
class Source:
    """Something with meetings in a term: its patterns as kept, and the resources that each meeting takes; `exclusive`
    ones keep others out. `fixed`: meetings of the patterns that somebody has moved by word (to where they stay, whatever
    the calendar does) or called off (None)."""

    id: int
    term_id: int
    patterns: tuple[Pattern, ...]
    resources: tuple[Resource, ...]
    exclusive: tuple[Resource, ...] = ()
    grade: str = ""
    fixed: Mapping[Key, Meeting | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Remark:
    """What is said of one single meeting beside what its source says of all: words behind the title, and where it is when
    not where the others are."""

    title_zh: str = ""
    title_en: str = ""
    place: str = ""


@dataclass(frozen=True)
class Described:
    """A source as people know it. `url` is a path of ours, empty where there is no page. `kind` is what a week's grid
    shows it as (home, course, session, own), `school_id` the school by whose calendar it meets, 0 where by none."""

    title_zh: str
    title_en: str = ""
    place: str = ""
    url: str = ""
    note: str = ""
    kind: str = ""
    school_id: int = 0


@dataclass(frozen=True)
class CalendarSource:
    """A feature's part in the calendar; each question may be left unanswered.

    `sources`: term ids → everything of `type` with patterns there that may still take place.
    `describe`: ids of `type` → what they are called.
    `concerned`: ids of `type` → (id, person) of everyone to tell when its meetings move.
    `busy`: person ids → a select of (person, resource type, resource id): whose time is taken with that resource.
    `spared`: person ids → a select of (person, source type, source id, week, weekday, period): single meetings (all of
    the source without a week) that do not take that person's time though their resource does.
    `unsettled`: a person → the resources of their time that may yet be refused or given up.
    `remarks`: ids of `type` → what is said of single meetings of theirs.
    """

    type: str
    sources: Callable[[Session, Sequence[int]], list[Source]] | None = None
    describe: Callable[[Session, Sequence[int]], Mapping[int, Described]] | None = None
    concerned: Callable[[Session, Sequence[int], datetime], Iterable[tuple[int, int]]] | None = None
    busy: Callable[[People, Instant], Query] | None = None
    spared: Callable[[People], Query] | None = None
    unsettled: Callable[[Session, int], Iterable[Resource]] | None = None
    remarks: Callable[[Session, Sequence[int]], Mapping[tuple[int, Key], Remark]] | None = None


Hooks = Sequence[CalendarSource]


def hooks_of(features: Iterable[Feature]) -> Hooks:
    return tuple(hook for feature in features for hook in feature.calendar)


_known: list[CalendarSource] = []


def learn(features: Iterable[Feature]) -> None:
    """What the features tell the calendar; the composition root says it once."""
    _known[:] = hooks_of(features)


def known() -> Hooks:
    return tuple(_known)


def described(session: Session, hooks: Hooks, refs: Iterable[Ref]) -> dict[Ref, Described]:
    """What these sources are called; one statement (or few) per kind of source."""
    wanted: dict[str, set[int]] = {}
    for type_, id_ in refs:
        wanted.setdefault(type_, set()).add(id_)
    found: dict[Ref, Described] = {}
    for hook in hooks:
        if hook.describe is not None and hook.type in wanted:
            for some in chunks(sorted(wanted[hook.type])):
                found |= {(hook.type, id_): each for id_, each in hook.describe(session, some).items()}
    return found


def remarks(session: Session, hooks: Hooks, refs: Iterable[Ref]) -> dict[tuple[Ref, Key], Remark]:
    """What is said of single meetings of these sources."""
    wanted = sorted(set(refs))
    found: dict[tuple[Ref, Key], Remark] = {}
    for hook in hooks:
        mine = [id_ for type_, id_ in wanted if type_ == hook.type]
        if hook.remarks is not None and mine:
            for some in chunks(mine):
                found |= {((hook.type, id_), key): each for (id_, key), each in hook.remarks(session, some).items()}
    return found


def concerned(session: Session, hooks: Hooks, refs: Iterable[Ref], now: datetime) -> dict[Ref, set[int]]:
    """Source → the people whose time its meetings are."""
    found: dict[Ref, set[int]] = {}
    ids = sorted(set(refs))
    for hook in hooks:
        mine = [id_ for type_, id_ in ids if type_ == hook.type]
        if hook.concerned is not None and mine:
            for some in chunks(mine):
                for id_, person in hook.concerned(session, some, now):
                    found.setdefault((hook.type, id_), set()).add(person)
    return found


def busy_of(
    hooks: Hooks, people: People, now: Instant, *, also: Iterable[Resource] = ()
) -> sa.CompoundSelect[Any] | None:
    """A select of (person, resource_type, resource_id) over all features: with what these people's time is taken, and
    these resources (of person 0) beside it."""
    parts = [hook.busy(people, now) for hook in hooks if hook.busy is not None]
    if not parts:
        return None
    return sa.union(*parts, *(_plain(resource) for resource in sorted(set(also))))


def takes(hooks: Hooks, people: People, person: Any, row: Any) -> sa.ColumnElement[bool]:
    """Whether `row` (an occurrence of a resource that takes the time of `person`, one of `people`) does take it."""
    parts = [hook.spared(people) for hook in hooks if hook.spared is not None]
    if not parts:
        return sa.true()
    spared = sa.union_all(*parts).subquery()
    who, type_, id_, week, weekday, period = list(spared.c)
    meeting = sa.and_(week == row.week, weekday == row.weekday, period == row.period)
    same = sa.and_(who == person, type_ == row.source_type, id_ == row.source_id, sa.or_(week.is_(None), meeting))
    return sa.not_(sa.exists(sa.select(sa.literal(1)).select_from(spared).where(same)))


def unsettled(session: Session, hooks: Hooks, person_id: int) -> set[Resource]:
    """What of the person's time is not certain yet, over all features."""
    return {each for hook in hooks if hook.unsettled is not None for each in hook.unsettled(session, person_id)}


def _plain(resource: Resource) -> Query:
    type_, id_ = resource
    columns: tuple[Any, ...] = (
        sa.literal(0, sa.BigInteger).label("person_id"),
        sa.literal(type_, sa.String).label("resource_type"),
        sa.literal(id_, sa.BigInteger).label("resource_id"),
    )
    return sa.select(*columns)
