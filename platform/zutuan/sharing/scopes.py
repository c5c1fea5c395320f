"""Scope tokens: one token of an audience or of a viewer (design 3)."""

from __future__ import annotations

import re

PLATFORM = "platform"
_ID = r"[1-9][0-9]{0,17}"
_CLUSTER = re.compile(rf"cluster:({_ID})(?::(lead|partner|supported))?")
_GRAMMAR = re.compile(
    rf"platform|cluster:{_ID}(:(lead|partner|supported))?|school:{_ID}|team:{_ID}|person:{_ID}(:school:{_ID})?"
    rf"|manage:school:{_ID}"
)


def cluster(cluster_id: int, role: str = "") -> str:
    return f"cluster:{cluster_id}:{role}" if role else f"cluster:{cluster_id}"


def school(school_id: int) -> str:
    return f"school:{school_id}"


def manage(school_id: int) -> str:
    return f"manage:school:{school_id}"


def person(person_id: int) -> str:
    return f"person:{person_id}"


def member(person_id: int, school_id: int) -> str:
    """This person while belonging to that school: named staff, who take nothing along when they leave."""
    return f"person:{person_id}:school:{school_id}"


def cluster_of(scope: str) -> int | None:
    """The cluster a scope speaks of, or None."""
    match = _CLUSTER.fullmatch(scope)
    return int(match[1]) if match else None


def is_scope(text: str) -> bool:
    return _GRAMMAR.fullmatch(text) is not None


def is_private(scope: str) -> bool:
    """Scopes that reach an item in every state: its managers and the persons named."""
    return scope.startswith(("manage:", "person:"))
