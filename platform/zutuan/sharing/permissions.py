"""Permission tables: action → who may. Pages, API, templates and list filters all ask the same table.

A grant is either a role *held at a place* of the subject (`Held({"registrar"}, at="home")`) or being one of the
subject's named persons (`Is("staff")`). Roles say nothing at any other place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from zutuan.errors import Denial, Forbidden
from zutuan.sharing.actor import Actor, Holds

ROLES = (
    "student", "teacher", "librarian", "secretary", "registrar", "room_manager",
    "school_admin", "cluster_admin", "platform_admin",
)  # fmt: skip
ANYWHERE = "platform"


@dataclass(frozen=True)
class Held:
    """Any of these roles, held at the place of this name: a school place, `cluster`, or ANYWHERE."""

    roles: frozenset[str]
    at: str

    def __init__(self, roles: Iterable[str], at: str) -> None:
        object.__setattr__(self, "roles", frozenset(roles))
        object.__setattr__(self, "at", at)
        assert self.roles <= set(ROLES), f"unknown role in {roles}"


@dataclass(frozen=True)
class Is:
    """Being one of the subject's persons of this name (`self`, `staff`); with `at`, only while belonging to the school
    of that place: who has left a school no longer runs what is there."""

    who: str
    at: str | None = None


@dataclass(frozen=True)
class Place:
    """Where a subject is: a school and, where it matters, the department."""

    school_id: int
    department_id: int | None = None


@dataclass(frozen=True)
class Subject:
    """What an action is tried on."""

    type: str = ""
    id: int | None = None
    places: Mapping[str, Place] = field(default_factory=dict)
    cluster_id: int | None = None
    persons: Mapping[str, frozenset[int]] = field(default_factory=dict)


NOWHERE = Subject()


def _reaches(held: Holds, place: Place) -> bool:
    if held.school_id != place.school_id:
        return False
    return held.department_id is None or held.department_id == place.department_id


class Permissions:
    """One feature's table."""

    def __init__(self, table: Mapping[str, tuple[Held | Is, ...]]) -> None:
        self.table = dict(table)

    def may(self, actor: Actor, action: str, subject: Subject = NOWHERE) -> bool:
        return any(self._grants(grant, actor, subject) for grant in self.table[action])

    def require(self, actor: Actor, action: str, subject: Subject = NOWHERE) -> None:
        """Raise `Forbidden` (403, audited) unless the table allows it."""
        if not self.may(actor, action, subject):
            raise Forbidden(Denial(action, subject.type, subject.id))

    @staticmethod
    def _grants(grant: Held | Is, actor: Actor, subject: Subject) -> bool:
        if isinstance(grant, Is):
            named = actor.person_id in subject.persons.get(grant.who, ())
            place = subject.places.get(grant.at) if grant.at else None
            return named and (grant.at is None or (place is not None and place.school_id in actor.school_ids))
        held = [each for each in actor.roles if each.role in grant.roles]
        if grant.at == ANYWHERE:
            return any(each.school_id is None and each.cluster_id is None for each in held)
        if grant.at == "cluster":
            return any(each.cluster_id is not None and each.cluster_id == subject.cluster_id for each in held)
        place = subject.places.get(grant.at)
        return place is not None and any(_reaches(each, place) for each in held)

    def schools(self, actor: Actor, action: str) -> frozenset[int]:
        """The schools at which the actor holds a role that this action asks for: where it can be started."""
        roles = {role for grant in self.table[action] if isinstance(grant, Held) for role in grant.roles}
        return frozenset(each.school_id for each in actor.roles if each.role in roles and each.school_id is not None)

    def clause(self, actor: Actor, action: str, columns: Mapping[str, Any]) -> sa.ColumnElement[bool]:
        """The same table as a list filter. `columns` maps a place's name to its school column, or to a pair
        (school column, department column); and a person group's name to a callable person id → clause."""
        parts: list[sa.ColumnElement[bool]] = []
        for grant in self.table[action]:
            if isinstance(grant, Is):
                if grant.who in columns:
                    parts.append(_named_clause(grant, actor, columns))
            elif grant.at in columns:
                parts += [_reach_clause(each, columns[grant.at]) for each in actor.roles if each.role in grant.roles]
        return sa.or_(sa.false(), *parts)


def _named_clause(grant: Is, actor: Actor, columns: Mapping[str, Any]) -> sa.ColumnElement[bool]:
    named: sa.ColumnElement[bool] = columns[grant.who](actor.person_id)
    if grant.at is None:
        return named
    column = columns[grant.at]
    school = column[0] if isinstance(column, tuple) else column
    return sa.and_(named, school.in_(sorted(actor.school_ids)))


def _reach_clause(held: Holds, column: Any) -> sa.ColumnElement[bool]:
    school, department = column if isinstance(column, tuple) else (column, None)
    if held.school_id is None:
        return sa.false()
    if held.department_id is None:
        return sa.and_(school == held.school_id)
    if department is None:
        return sa.false()
    return sa.and_(school == held.school_id, department == held.department_id)
