"""Which imports there are, and at which schools somebody may hand one in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from zutuan.errors import Denial, Hidden, NotFound
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Place, Subject

if TYPE_CHECKING:
    from zutuan.feature import Feature, ImportKind

Kinds = Mapping[str, "ImportKind"]


def kinds_of(features: Iterable[Feature]) -> Kinds:
    return {kind.name: kind for feature in features for kind in feature.imports}


def may(actor: Actor, kind: ImportKind, school_id: int) -> bool:
    return kind.allow.may(actor, kind.action, Subject("school", school_id, places={"school": Place(school_id)}))


def insist(kinds: Kinds, actor: Actor, name: str, school_id: int) -> ImportKind:
    """The kind, or 404: an import of a school that one does not run does not exist."""
    if name not in kinds:
        raise NotFound
    if not may(actor, kinds[name], school_id):
        raise Hidden(Denial(kinds[name].action, "school", school_id))
    return kinds[name]


def schools_of(kinds: Kinds, actor: Actor) -> frozenset[int]:
    """The schools for which the actor may hand in something."""
    return frozenset(
        s for kind in kinds.values() for s in kind.allow.schools(actor, kind.action) if may(actor, kind, s)
    )
