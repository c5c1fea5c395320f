"""What a person may choose about: kinds of notices, each of one or several events, declared by the features."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from zutuan.sharing.actor import Actor

MAIL = ("now", "digest", "off")


def _everyone(_actor: Actor) -> bool:
    return True


@dataclass(frozen=True)
class NoticeKind:
    """One line of 通知设置. `mail` is how it comes unless the person chooses; what `binds` (asks for a decision, or
    changes what one holds) always rings; `group`: a school may have it told in its group chat."""

    name: str
    label: Any
    events: tuple[str, ...] = ()
    mail: str = "digest"
    binds: bool = False
    group: bool = False
    concerns: Callable[[Actor], bool] = _everyone


# Events that no feature has sorted into a kind.
OTHER = NoticeKind("other", _l("其他通知"))
_kinds: dict[str, NoticeKind] = {}
_by_event: dict[str, NoticeKind] = {}


def learn(kinds: Iterable[NoticeKind]) -> None:
    """The composition root says once which kinds there are."""
    for kind in (*kinds, OTHER):
        _kinds[kind.name] = kind
        _by_event.update(dict.fromkeys(kind.events, kind))


def all_kinds() -> list[NoticeKind]:
    return list(_kinds.values())


def named(name: str) -> NoticeKind | None:
    return _kinds.get(name)


def kind_of(event: str) -> NoticeKind:
    return _by_event.get(event, OTHER)
