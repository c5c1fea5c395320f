"""What a feature gives the kernel: one `Feature` value each, registered by `app.py` and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint
from sqlalchemy.orm import Session

from zutuan.jobs import Handler, Periodic
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Permissions

if TYPE_CHECKING:
    from zutuan.calendar.sources import CalendarSource
    from zutuan.demo import DemoWorld


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
class Kind:
    """A kind of shared item: how lists name it and where its page is."""

    name: str
    label: Any
    icon: str
    endpoint: str
    arg: str


@dataclass(frozen=True)
class Problem:
    """A broken invariant that `zutuan check` found."""

    check: str
    subject: str
    detail: str


@dataclass(frozen=True)
class Feature:
    name: str
    pages: tuple[Blueprint, ...] = ()
    api: tuple[Blueprint, ...] = ()
    permissions: Permissions | None = None
    public: frozenset[str] = frozenset()
    nav: tuple[NavEntry, ...] = ()
    todos: Callable[[Session, Actor], list[Todo]] | None = None
    cards: Callable[[Session, Actor], list[Card]] | None = None
    kinds: tuple[Kind, ...] = ()
    handlers: Mapping[str, Handler] = field(default_factory=dict)
    periodic: tuple[Periodic, ...] = ()
    # notice kind → function of its params that makes the sentence in the reader's language
    notices: Mapping[str, Callable[[Mapping[str, Any]], str]] = field(default_factory=dict)
    demo: Callable[[Session, DemoWorld], None] | None = None
    demo_order: int = 50
    # what this feature's meetings are to the calendar (see `calendar/sources.py`)
    calendar: tuple[CalendarSource, ...] = ()
    checks: tuple[Callable[[Session], list[Problem]], ...] = ()
