"""The imports of schools and of clusters. Neither ends, removes or empties anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from marshmallow import fields
from sqlalchemy.orm import Session

from zutuan.clusters import errors as errors
from zutuan.clusters import queries, rules, services
from zutuan.clusters.models import MEMBER_ROLES, Cluster, Membership, School
from zutuan.clusters.rules import Stay, day_text
from zutuan.clusters.services import Joining, SchoolFacts
from zutuan.clusters.words import ROLE_TITLES, ROLE_WORDS
from zutuan.fields import Pattern, Text, bad
from zutuan.importing import Column, Import, Plan, Record, RowError, Seen
from zutuan.sharing.actor import Actor

CODE_PATTERN = "[0-9]{10}"


def _code() -> Pattern:
    return Pattern(CODE_PATTERN, "bad_school_code", 40, min=0)


class RoleTitle(fields.Field[str]):
    """A member's role by its code or by what Chinese lists call it."""

    _known = {title: role for role, titles in ROLE_TITLES.items() for title in (role, *titles)}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> str:
        role = self._known.get(str(value).strip().lower())
        if role is None:
            words = tuple(f"{each} ({ROLE_WORDS[each]})" for each in MEMBER_ROLES)
            raise bad("not_a_choice", choices=words)
        return role


# --- schools ----------------------------------------------------------------------------------------------------

SCHOOL_COLUMNS = (
    Column("code", _code(), ("学校标识码", "标识码", "学校代码", "院校代码", "school_code"), needed=True),
    Column("name", Text(60), ("学校名称", "名称", "院校名称", "学校", "school_name"), needed=True),
    Column("province", Text(20, min=0), ("省份", "省", "省市", "所在省")),
    Column("city", Text(40, min=0), ("城市", "市", "所在地", "所在市")),
    Column("level", Text(10, min=0), ("办学层次", "层次")),
    Column("supervisor", Text(60, min=0), ("主管部门", "主管单位")),
)


@dataclass(frozen=True)
class Known:
    """A school of the platform."""

    id: int
    facts: SchoolFacts


@dataclass
class Directory:
    """All schools of the platform, by code and by name."""

    by_code: dict[str, Known] = field(default_factory=dict)
    by_name: dict[str, Known] = field(default_factory=dict)

    @classmethod
    def load(cls, session: Session) -> Directory:
        s, found = School, cls()
        query = sa.select(s.id, s.name, s.code, s.province, s.city, s.level, s.supervisor)
        for id_, name, code, *others in session.execute(query):
            known = Known(id_, SchoolFacts(name, code, *others))
            found.by_name[known.facts.name] = known
            if known.facts.code:
                found.by_code[known.facts.code] = known
        return found


def plan_schools(session: Session, records: Sequence[Record], _now: datetime) -> Plan:
    """A school is matched by its code, else by its exact name. An empty cell leaves what is there."""
    directory, seen, plan = Directory.load(session), Seen(), Plan()
    for record in records:
        error = _repeated(seen, record) or _contradiction(directory, record)
        if error is not None:
            plan.errors.append(error)
            continue
        known = directory.by_code.get(record.values["code"]) or directory.by_name.get(record.values["name"])
        given = {name: value for name, value in record.values.items() if value}
        if known is None:
            plan.created.append(SchoolFacts(**given))
        elif (facts := replace(known.facts, **given)) != known.facts:
            plan.updated.append((known.id, facts))
        else:
            plan.unchanged += 1
    return plan


def _repeated(seen: Seen, record: Record) -> RowError | None:
    code, name = record.values["code"], record.values["name"]
    by_code = seen.again(record.line, "code", code) if code else None
    return by_code or seen.again(record.line, "name", name)


def _contradiction(directory: Directory, record: Record) -> RowError | None:
    """Code and name that belong to different schools here."""
    code, name = record.values["code"], record.values["name"]
    by_code, by_name = directory.by_code.get(code), directory.by_name.get(name)
    if by_name is None or by_name == by_code or not code:
        return None
    if by_code is not None:
        return RowError(record.line, "name", "school_name_taken", {"school": name})
    if by_name.facts.code:
        return RowError(record.line, "code", "school_code_differs", {"school": name, "number": by_name.facts.code})
    return None


def apply_schools(session: Session, _actor: Actor | None, plan: Plan, now: datetime) -> None:
    services.write_schools(session, plan.created, dict(plan.updated), now)


SCHOOLS = Import("schools", SCHOOL_COLUMNS, plan_schools, apply_schools)


# --- clusters ---------------------------------------------------------------------------------------------------

CLUSTER_COLUMNS = (
    Column("cluster", Text(60), ("组团", "组团名称"), needed=True),
    Column("role", RoleTitle(), ("角色", "类型"), needed=True),
    Column("school_code", _code(), ("学校标识码", "标识码", "学校代码", "院校代码", "code"), needed=True),
    Column("school_name", Text(60, min=0), ("学校名称", "院校名称", "学校", "name"), needed=True),
)


def cluster_import(since: datetime | None = None) -> Import:
    """The import of clusters. New memberships begin at `since`, by default when the import runs."""

    def plan(session: Session, records: Sequence[Record], now: datetime) -> Plan:
        return plan_clusters(session, records, since or now, now)

    return Import("clusters", CLUSTER_COLUMNS, plan, apply_clusters)


@dataclass(frozen=True)
class NewMember:
    """A row that makes a school a member of a cluster, which may be new as well."""

    cluster: str
    joining: Joining


def plan_clusters(session: Session, records: Sequence[Record], from_: datetime, now: datetime) -> Plan:
    """Open members of the same role are unchanged; every other trace of the school in the cluster is a bad row."""
    directory, seen, plan = Directory.load(session), Seen(), Plan()
    clusters = {name: id_ for id_, name in session.execute(sa.select(Cluster.id, Cluster.name))}
    stays: dict[str, list[Stay]] = {}
    for stay in queries.stays(session, Membership.cluster_id.in_(clusters.values())):
        stays.setdefault(stay.cluster_name, []).append(stay)
    for record in records:
        school = match_school(directory, record)
        if isinstance(school, RowError):
            plan.errors.append(school)
            continue
        cluster = record.values["cluster"]
        here = stays.setdefault(cluster, [])
        fresh = _new_stay(record, school, clusters.get(cluster, 0), from_)
        outcome = seen.again(record.line, "school_name", (cluster, school.id)) or _membership(record, here, fresh, now)
        if isinstance(outcome, RowError):
            plan.errors.append(outcome)
        elif outcome:
            plan.unchanged += 1
        else:
            here.append(fresh)
            plan.created.append(NewMember(cluster, Joining(school.id, fresh.role, from_)))
    return plan


def match_school(directory: Directory, record: Record) -> Known | RowError:
    """The row's school: by its code, with the name as a check; without a code by its exact name."""
    code, name = record.values["school_code"], record.values["school_name"]
    if code:
        known = directory.by_code.get(code)
        if known is None:
            return RowError(record.line, "school_code", "unknown_school_code", {"number": code})
        if name and name != known.facts.name:
            return RowError(
                record.line, "school_name", "school_disagrees", {"number": code, "school": known.facts.name}
            )
        return known
    if not name:
        return RowError(record.line, "school_name", "required")
    return directory.by_name.get(name) or RowError(record.line, "school_name", "unknown_school_name", {"name": name})


def _new_stay(record: Record, school: Known, cluster_id: int, from_: datetime) -> Stay:
    values = record.values
    return Stay(0, cluster_id, values["cluster"], school.id, school.facts.name, values["role"], from_)


def _membership(record: Record, here: Sequence[Stay], fresh: Stay, now: datetime) -> RowError | bool:
    """Whether the school is a member already as the row says; or what is wrong with the row."""
    own = [stay for stay in here if stay.school_id == fresh.school_id]
    current = next((stay for stay in own if stay.state(now) != "ended"), None)
    if current is not None:
        if current.role == fresh.role:
            return True
        said: Mapping[str, Any] = {"school": fresh.school_name, "role": ROLE_WORDS[current.role]}
        return RowError(record.line, "role", "other_role", said)
    left = max((stay.until for stay in own if stay.until is not None and not stay.called_off), default=None)
    if left is not None:
        said = {"school": fresh.school_name, "day": day_text(left)}
        return RowError(record.line, "school_name", "former_member", said)
    refusal = rules.may_join(here, fresh.school_id, fresh.role, fresh.from_)
    if refusal is not None:
        return RowError(record.line, "role", refusal.code, refusal.params)
    return False


def apply_clusters(session: Session, actor: Actor | None, plan: Plan, now: datetime) -> None:
    found = {cluster.name: cluster for cluster in session.scalars(sa.select(Cluster))}
    members: dict[str, list[Joining]] = {}
    for new in plan.created:
        members.setdefault(new.cluster, []).append(new.joining)
    for name, joinings in members.items():
        cluster = found.get(name) or services.create_cluster(session, actor, name, now)
        services.add_memberships(session, actor, cluster, joinings, now)
