"""Who acts: a plain value, computed afresh for every request from current affiliations, memberships and roles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from zutuan.sharing import scopes

MANAGERS = frozenset({"registrar", "school_admin"})


@dataclass(frozen=True)
class Belongs:
    """An open affiliation."""

    affiliation_id: int
    school_id: int
    school_name: str
    kind: str
    number: str = ""
    department_id: int | None = None
    major: str = ""
    grade: str = ""
    standing: str = "active"


@dataclass(frozen=True)
class Holds:
    """A role held now. A student's and a teacher's come from their affiliation; `delegated`: held for somebody away."""

    role: str
    school_id: int | None = None
    department_id: int | None = None
    cluster_id: int | None = None
    delegated: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Member:
    """An open membership of one of the actor's schools."""

    cluster_id: int
    school_id: int
    role: str
    cluster_name: str = ""


@dataclass(frozen=True)
class Actor:
    person_id: int
    name: str
    now: datetime
    locale: str = "zh"
    demonstration: bool = False
    affiliations: tuple[Belongs, ...] = ()
    roles: tuple[Holds, ...] = ()
    memberships: tuple[Member, ...] = ()
    request_id: str = field(default="", compare=False)
    # A platform admin who only looks as this person: whose hands it really is, and they are tied.
    really: int | None = None
    privacy_version: int = field(default=0, compare=False)

    @cached_property
    def scopes(self) -> frozenset[str]:
        """Every scope this person is in now: reading unites all open affiliations."""
        found = {scopes.PLATFORM, scopes.person(self.person_id)}
        for each in self.affiliations:
            found |= {scopes.school(each.school_id), scopes.member(self.person_id, each.school_id)}
        for member in self.memberships:
            found |= {scopes.cluster(member.cluster_id), scopes.cluster(member.cluster_id, member.role)}
        for held in self.roles:
            if held.school_id is not None and held.department_id is None and held.role in MANAGERS:
                found.add(scopes.manage(held.school_id))
        return frozenset(found)

    @property
    def school_ids(self) -> frozenset[int]:
        return frozenset(each.school_id for each in self.affiliations)

    def at(self, school_id: int | None) -> Belongs | None:
        """The affiliation an act at that school is done as; without one there, the first."""
        here = [each for each in self.affiliations if each.school_id == school_id]
        return next(iter(here or self.affiliations), None)

    @property
    def in_own_right(self) -> Actor:
        """The same person without what they hold for somebody away: a deputy acts, but hands on no way in that would
        outlive the leave."""
        return replace(self, roles=tuple(held for held in self.roles if not held.delegated))

    def holds(self, roles: Iterable[str]) -> bool:
        """Whether any of these roles is held anywhere (for what is offered, never for what is allowed)."""
        wanted = set(roles)
        return any(held.role in wanted for held in self.roles)
