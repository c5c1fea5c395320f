"""Random worlds for the access rule, and the rule said a third time: naively, straight from the sentence.

    An aspect is visible when its state allows it and some share is open now, is among the viewer's scopes, and,
    if it is a cluster's, owner and viewer are both members now.

Nothing here uses the platform's rule, its scopes or its queries: it is what they are compared with.
Instants are whole hours of a small grid, so that windows touch, meet and miss each other exactly at their edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from zutuan.clusters.models import Cluster, Department, Membership, School
from zutuan.people.models import Affiliation, Person, RoleAssignment
from zutuan.sharing.models import Share, SharedItem

BASE = datetime(2026, 11, 25, tzinfo=UTC)
HOURS = range(6)
SCHOOLS, CLUSTERS, PERSONS = (1, 2, 3), (1, 2), (1, 2)
MEMBER_ROLES = ("lead", "partner", "supported")
STATES = ("published", "draft", "suspended", "archived")
ASPECTS = ("record", "files")
ROLES = ("registrar", "school_admin", "registrar", "school_admin", "secretary", "librarian")


def at(hour: int) -> datetime:
    return BASE + timedelta(hours=hour)


@dataclass(frozen=True)
class Window:
    """[from_, until) in hours of the grid."""

    from_: int
    until: int | None

    def holds(self, hour: int) -> bool:
        return self.from_ <= hour and (self.until is None or hour < self.until)

    def columns(self) -> dict[str, Any]:
        return {"from_": at(self.from_), "until": None if self.until is None else at(self.until)}


@dataclass(frozen=True)
class InCluster:
    cluster: int
    school: int
    role: str
    window: Window


@dataclass(frozen=True)
class AtSchool:
    person: int
    school: int
    window: Window


@dataclass(frozen=True)
class Role:
    """Held at a school, or at its only department, or (school None) at a cluster."""

    person: int
    role: str
    school: int | None
    at_department: bool
    window: Window


@dataclass(frozen=True)
class Shown:
    aspect: str
    scope: str
    window: Window


@dataclass(frozen=True)
class Item:
    owner: int
    state: str
    shares: tuple[Shown, ...]


@dataclass(frozen=True)
class World:
    memberships: tuple[InCluster, ...]
    affiliations: tuple[AtSchool, ...]
    roles: tuple[Role, ...]
    items: tuple[Item, ...]
    nows: tuple[int, ...]


# --- the rule, naively ------------------------------------------------------------------------------------------


def sees(world: World, item: Item, person: int, hour: int, aspect: str) -> bool:
    return any(shows(world, item, share, person, hour) for share in item.shares if share.aspect == aspect)


def shows(world: World, item: Item, share: Shown, person: int, hour: int) -> bool:
    """Whether this one share lets the person see the item at that hour."""
    if not share.window.holds(hour):
        return False
    kind, *rest = share.scope.split(":")
    if item.state != "published" and kind not in ("manage", "person"):
        return False
    schools = {each.school for each in world.affiliations if each.person == person and each.window.holds(hour)}
    if kind == "platform":
        return True
    if kind == "school":
        return int(rest[0]) in schools
    if kind == "person":  # a person, or a person while belonging to a school
        return int(rest[0]) == person and (len(rest) == 1 or int(rest[2]) in schools)
    if kind == "manage":
        return _runs(world, person, int(rest[1]), schools, hour)
    if kind == "cluster":
        cluster = int(rest[0])
        role = rest[1] if len(rest) > 1 else None
        owner_in = _member(world, cluster, item.owner, None, hour)
        viewer_in = any(_member(world, cluster, school, role, hour) for school in schools)
        return owner_in and viewer_in
    return False  # teams do not exist yet


def _member(world: World, cluster: int, school: int, role: str | None, hour: int) -> bool:
    return any(
        m.cluster == cluster and m.school == school and role in (None, m.role) and m.window.holds(hour)
        for m in world.memberships
    )


def _runs(world: World, person: int, school: int, schools: set[int], hour: int) -> bool:
    """Registrar or school admin of the whole school, while belonging to it."""
    return school in schools and any(
        held.person == person
        and held.school == school
        and not held.at_department
        and held.role in ("registrar", "school_admin")
        and held.window.holds(hour)
        for held in world.roles
    )


# --- making worlds ----------------------------------------------------------------------------------------------

# What matters is drawn often, and much is in force most of the time: else two things would seldom be so together,
# and no fault would show. A window may be empty ([3, 3)): ended the moment it began.
_STEADY = [Window(0, None)]
_VARIED = [Window(start, until) for start in range(5) for until in (None, start, start + 1, start + 3)]
_CLUSTER_SCOPES = [f"cluster:{c}" for c in CLUSTERS] * 3 + [f"cluster:{c}:{r}" for c in CLUSTERS for r in MEMBER_ROLES]
_OTHER_SCOPES = (
    ["platform", "platform", "team:1"]
    + [f"school:{s}" for s in SCHOOLS]
    + [f"manage:school:{s}" for s in SCHOOLS] * 2
    + [f"person:{p}" for p in PERSONS] * 2
    + [f"person:{p}:school:{s}" for p in PERSONS for s in SCHOOLS]
)

steady = st.sampled_from(_STEADY * 2 * len(_VARIED) + _VARIED)
varied = st.sampled_from(_STEADY * len(_VARIED) + _VARIED)
shares = st.builds(
    Shown, st.sampled_from(("record", *ASPECTS)), st.sampled_from(_CLUSTER_SCOPES * 2 + _OTHER_SCOPES), varied
)
items = st.builds(
    Item,
    st.sampled_from(SCHOOLS),
    st.sampled_from(("published", *STATES)),
    st.lists(shares, min_size=1, max_size=6).map(tuple),
)


def _flat(lists: Sequence[list[Any]]) -> list[Any]:
    return [row for rows in lists for row in rows]


def _memberships_of(cluster: int, school: int) -> st.SearchStrategy[list[InCluster]]:
    return st.lists(
        st.builds(InCluster, st.just(cluster), st.just(school), st.sampled_from(MEMBER_ROLES), varied), max_size=2
    )


def _affiliations_of(person: int) -> st.SearchStrategy[list[AtSchool]]:
    return st.lists(st.builds(AtSchool, st.just(person), st.sampled_from(SCHOOLS), steady), min_size=1, max_size=3)


def _roles_of(person: int) -> st.SearchStrategy[list[Role]]:
    place, at_department = st.sampled_from((*SCHOOLS, *SCHOOLS, None)), st.sampled_from((False, False, True))
    return st.lists(st.builds(Role, st.just(person), st.sampled_from(ROLES), place, at_department, steady), max_size=4)


def _possible(rows: Sequence[InCluster]) -> tuple[InCluster, ...]:
    """Without what the database refuses: a second open membership of a school, a second open lead."""
    kept: list[InCluster] = []
    for row in rows:
        opened = [each for each in kept if each.cluster == row.cluster and each.window.until is None]
        twice = any(each.school == row.school or each.role == row.role == "lead" for each in opened)
        if row.window.until is not None or not twice:
            kept.append(row)
    return tuple(kept)


worlds = st.builds(
    World,
    memberships=st.tuples(*(_memberships_of(c, s) for c in CLUSTERS for s in SCHOOLS)).map(_flat).map(_possible),
    affiliations=st.tuples(*map(_affiliations_of, PERSONS)).map(_flat).map(tuple),
    roles=st.tuples(*map(_roles_of, PERSONS)).map(_flat).map(tuple),
    items=st.lists(items, min_size=3, max_size=6).map(tuple),
    nows=st.lists(st.sampled_from(HOURS), min_size=2, max_size=2, unique=True).map(tuple),
)


# --- putting one into a database --------------------------------------------------------------------------------


def insert(connection: Connection, world: World) -> None:
    """All rows, in bulk, with the ids that the world uses (items count from 1)."""
    put(connection, School, [{"id": s, "name": f"学校{s}"} for s in SCHOOLS])
    put(connection, Department, [{"id": s, "school_id": s, "name": "院系"} for s in SCHOOLS])
    put(connection, Cluster, [{"id": c, "name": f"组团{c}"} for c in CLUSTERS])
    put(connection, Person, [{"id": p, "name": f"人{p}", "created_at": BASE} for p in PERSONS])
    put(
        connection, Membership,
        [{"cluster_id": m.cluster, "school_id": m.school, "role": m.role, **m.window.columns()}
         for m in world.memberships],
    )  # fmt: skip
    put(
        connection, Affiliation,
        [{"person_id": a.person, "school_id": a.school, "number": str(n), "kind": "staff", **a.window.columns()}
         for n, a in enumerate(world.affiliations)],
    )  # fmt: skip
    put(connection, RoleAssignment, [_role_row(role) for role in world.roles])
    put(
        connection, SharedItem,
        [{"id": n, "kind": "course", "owner_school_id": item.owner, "title_zh": str(n), "state": item.state,
          "version": 1, "created_at": BASE, "updated_at": BASE} for n, item in enumerate(world.items, start=1)],
    )  # fmt: skip
    put(
        connection, Share,
        [{"item_id": n, "aspect": s.aspect, "scope": s.scope, "cluster_id": _cluster(s.scope), **s.window.columns()}
         for n, item in enumerate(world.items, start=1) for s in item.shares],
    )  # fmt: skip


def put(connection: Connection, model: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(sa.insert(model.__table__), rows)


def _role_row(role: Role) -> dict[str, Any]:
    place = {"school_id": role.school, "cluster_id": None if role.school else 1, "department_id": None}
    if role.school and role.at_department:
        place["department_id"] = role.school
    return {"person_id": role.person, "role": role.role, **place, **role.window.columns()}


def _cluster(scope: str) -> int | None:
    return int(scope.split(":")[1]) if scope.startswith("cluster:") else None
