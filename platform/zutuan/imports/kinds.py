"""Which imports there are, and at which schools somebody may hand one in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from zutuan.errors import Denial, Hidden, Invalid, NotFound
from zutuan.importing import Import
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Place, Subject

if TYPE_CHECKING:
    from zutuan.feature import Feature, ImportKind


class Kinds(dict[str, "ImportKind"]):
    """Name → kind, of these features."""

    def __init__(self, features: Iterable[Feature]) -> None:
        self.features = tuple(features)
        super().__init__({kind.name: kind for feature in self.features for kind in feature.imports})

    def make(self, name: str, school_id: int = 0, params: Mapping[str, str] | None = None) -> Import:
        from zutuan.feature import Handed

        return self[name].make(Handed(school_id, params or {}, self.features))


def fitting(session: Session, kind: ImportKind, school_id: int, given: Mapping[str, Any]) -> dict[str, str]:
    """What the form said of the kind's params, or Invalid naming the one that does not fit this school."""
    found = {param.name: str(given.get(param.name) or "") for param in kind.params}
    for param in kind.params:
        known = [value for value, _text in param.options(session, school_id)]
        if found[param.name] not in known:
            code = "not_a_choice" if found[param.name] else "required"
            raise Invalid.field(
                f"params.{param.name}", code, **({"choices": tuple(known)} if found[param.name] else {})
            )
    return found


def said(session: Session, kind: ImportKind, school_id: int, params: Mapping[str, str]) -> list[tuple[Any, str]]:
    """(label, text) of each param, as people read them."""
    return [
        (
            param.label,
            dict(param.options(session, school_id)).get(params.get(param.name, ""), params.get(param.name, "")),
        )
        for param in kind.params
    ]


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
