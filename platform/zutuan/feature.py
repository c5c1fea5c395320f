"""What a feature gives the kernel: one `Feature` value each, registered by `app.py` and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from click import Command
from flask import Blueprint
from sqlalchemy.orm import Session

from zutuan.exports.kinds import ExportKind
from zutuan.importing import Import
from zutuan.jobs import Handler, Periodic, Task
from zutuan.notices.kinds import NoticeKind
from zutuan.policies.rules import Policy
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import SharedItem
from zutuan.sharing.permissions import Permissions
from zutuan.waiting import Waiting

if TYPE_CHECKING:
    from zutuan.calendar.sources import CalendarSource
    from zutuan.clusters.hooks import SuccessionHook
    from zutuan.demo import DemoWorld
    from zutuan.desk import Desk
    from zutuan.people.hooks import PeopleHook


def _everyone(_actor: Actor) -> bool:
    return True


@dataclass(frozen=True)
class NavEntry:
    """One line of the side navigation; the phone's bottom bar shows it unless `more_only`."""

    endpoint: str
    label: Any
    icon: str
    group: str = "main"
    shown: Callable[[Actor], bool] = _everyone
    count: Callable[[Session, Actor], int] | None = None
    # the same where it is a `Waiting`: all of a page are then asked at once
    waits: Waiting | None = None
    more_only: bool = False
    args: Mapping[str, Any] = field(default_factory=dict)
    order: int = 50


@dataclass(frozen=True)
class Todo:
    """Something that waits for this person. `since` is the oldest of it; `due` makes it say how long is left."""

    count: int
    title: str
    note: str
    url: str
    action: str
    since: datetime | None = None
    due: datetime | None = None
    accent: bool = False


@dataclass(frozen=True)
class Card:
    """One card of the workbench: a template of the feature and what it shows."""

    template: str
    context: Mapping[str, Any]
    column: str = "main"
    order: int = 50


@dataclass(frozen=True)
class Way:
    """A way on from another feature's page. `export`: a download of what that page lists, which takes its filters along;
    `download`: another file."""

    label: Any
    url: str
    export: bool = False
    download: bool = False


@dataclass(frozen=True)
class Kind:
    """A kind of shared item: how lists name it and where its page is."""

    name: str
    label: Any
    icon: str
    endpoint: str
    arg: str
    listing: str = ""
    # the task of the plan (`sharing/plan.py`) that such items serve unless their owner says otherwise
    plan: str = ""
    # whether this person looks after the files of such an item; without it the kind has none
    keeps_files: Callable[[Session, Actor, SharedItem], bool] | None = None


@dataclass(frozen=True)
class ImportParam:
    """What a file does not say itself and the form asks: a term. `options`: (session, school) → [(value, text)], the
    usual one first; anything else is refused. `said`: a chosen value as people read it afterwards."""

    name: str
    label: Any
    options: Callable[[Session, int], Sequence[tuple[str, str]]]
    said: Callable[[str], str] = str


@dataclass(frozen=True)
class Handed:
    """For whom an import is made: the school, the values of the kind's `params`, and the features that there are.
    Without a school it is asked for its columns only."""

    school_id: int = 0
    params: Mapping[str, str] = field(default_factory=dict)
    features: tuple[Feature, ...] = ()


@dataclass(frozen=True)
class ImportKind:
    """A table that a school hands in on 导入 or through `/imports`. docs/importing.md says how to add one.

    `make` gives the import for one school; `action` in `allow` says who may. `labels` names its columns, `words` the
    coded values of some of them, `hints` what its template says of others. `replaces`: what the file does not name goes, and the page says so.
    """

    name: str
    title: Any
    note: Any
    make: Callable[[Handed], Import]
    allow: Permissions
    action: str
    labels: Mapping[str, Any]
    words: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    hints: Mapping[str, Any] = field(default_factory=dict)
    params: tuple[ImportParam, ...] = ()
    replaces: bool = False


@dataclass(frozen=True)
class Problem:
    """A broken invariant that `zutuan check` found; a warning is worth a look and breaks nothing."""

    check: str
    subject: str
    detail: str
    warning: bool = False


@dataclass(frozen=True)
class Feature:
    name: str
    pages: tuple[Blueprint, ...] = ()
    api: tuple[Blueprint, ...] = ()
    permissions: Permissions | None = None
    public: frozenset[str] = frozenset()
    nav: tuple[NavEntry, ...] = ()
    # what its `todos` count besides what the navigation does
    waits: tuple[Waiting, ...] = ()
    todos: Callable[[Session, Actor], list[Todo]] | None = None
    cards: Callable[[Session, Actor], list[Card]] | None = None
    # place on another feature's page ("enrolment.page": its enrolment) → what this feature shows there, and where one
    # may go on from there
    parts: Mapping[str, Callable[[Session, Actor, Any], Sequence[Card]]] = field(default_factory=dict)
    ways: Mapping[str, Callable[[Session, Actor, Any], Sequence[Way]]] = field(default_factory=dict)
    kinds: tuple[Kind, ...] = ()
    handlers: Mapping[str, Handler] = field(default_factory=dict)
    # outbox topic → what talks to another machine about it, outside of any transaction
    errands: Mapping[str, Callable[[Desk, Task], None]] = field(default_factory=dict)
    periodic: tuple[Periodic | type[Periodic], ...] = ()
    # notice kind → function of its params that makes the sentence in the reader's language
    notices: Mapping[str, Callable[[Mapping[str, Any]], str]] = field(default_factory=dict)
    # tables that a school may hand in on pages, and endpoint → bytes of the bodies that may be larger than others
    imports: tuple[ImportKind, ...] = ()
    # tables that are exported in orders that a school saves
    exports: tuple[ExportKind, ...] = ()
    bodies: Mapping[str, int] = field(default_factory=dict)
    # what a person may choose about those; events that are in no kind are 其他通知
    notice_kinds: tuple[NoticeKind, ...] = ()
    policies: tuple[Policy, ...] = ()
    demo: Callable[[Session, DemoWorld], None] | None = None
    demo_order: int = 50
    # what this feature's meetings are to the calendar (see `calendar/sources.py`)
    calendar: tuple[CalendarSource, ...] = ()
    # what this feature has to say when persons merge, leave a school or are forgotten, and when a school is taken over
    people: PeopleHook | None = None
    succession: SuccessionHook | None = None
    checks: tuple[Callable[[Session], list[Problem]], ...] = ()
    # groups of commands that `zutuan` has besides the kernel's
    commands: tuple[Command, ...] = ()
