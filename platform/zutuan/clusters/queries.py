"""Reading schools, clusters and memberships."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.clusters.models import Cluster, Department, FormerName, Membership, School
from zutuan.clusters.permissions import allow, cluster_subject, school_subject
from zutuan.clusters.rules import Caution, Counts, Stay, cautions
from zutuan.paging import Key, Page, fetch_page, like
from zutuan.sharing.actor import Actor
from zutuan.sharing.services import fetch

# --- memberships ------------------------------------------------------------------------------------------------

_ROLE_ORDER = sa.case({"lead": 0, "partner": 1}, value=Membership.role, else_=2)


def _stays() -> sa.Select[Any]:
    m, s = Membership, School
    columns: list[Any] = [m.id, m.cluster_id, Cluster.name, m.school_id, s.name, m.role, m.from_, m.until, s.code]
    query = sa.select(*columns, s.province, s.city)
    return query.join(Cluster, Cluster.id == m.cluster_id).join(s, s.id == m.school_id)


def _stay(row: Sequence[Any]) -> Stay:
    *values, province, city = row
    return replace(Stay(*values), place=province if city == province else f"{province}{city}")


def stays(session: Session, *where: sa.ColumnElement[bool]) -> list[Stay]:
    """Memberships as values, in the order lead, partner, supported, and by age."""
    query = _stays().where(*where).order_by(_ROLE_ORDER, Membership.from_, Membership.id)
    return [_stay(row) for row in session.execute(query)]


def memberships_page(session: Session, actor: Actor, cluster_id: int, query: dict[str, Any]) -> Page:
    """A cluster's memberships of all time; only the open or only the other ones where `open` is given."""
    allow.require(actor, "cluster.read", cluster_subject(actor, fetch(session, Cluster, cluster_id).id))
    rows = _stays().where(Membership.cluster_id == cluster_id)
    if query["open"] is not None:
        now_open = Membership.open_at(actor.now)
        rows = rows.where(now_open if query["open"] else sa.not_(now_open))
    page = fetch_page(session, rows, [Key(Membership.id)], query["cursor"], query["limit"])
    return Page([shown(_stay(row), actor.now) for row in page.items], page.next, page.total)


def membership(session: Session, membership_id: int, now: datetime) -> dict[str, Any]:
    (stay,) = stays(session, Membership.id == membership_id)
    return shown(stay, now)


def shown(stay: Stay, now: datetime) -> dict[str, Any]:
    """A membership as the API tells it."""
    return {
        "id": stay.id,
        "cluster_id": stay.cluster_id,
        "cluster_name": stay.cluster_name,
        "school_id": stay.school_id,
        "school_name": stay.school_name,
        "school_code": stay.school_code,
        "role": stay.role,
        "from_": stay.from_,
        "until": stay.until,
        "state": stay.state(now),
    }


# --- clusters ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ClusterView:
    """A cluster as it is now."""

    id: int
    name: str
    version: int
    members: tuple[Stay, ...]

    @property
    def counts(self) -> Counts:
        return Counts.of(stay.role for stay in self.members)

    @property
    def cautions(self) -> list[Caution]:
        return cautions(self.counts)

    @property
    def leads(self) -> list[Stay]:
        return [stay for stay in self.members if stay.role == "lead"]


def clusters_page(session: Session, actor: Actor, cursor: str | None, limit: int) -> Page:
    allow.require(actor, "cluster.read", cluster_subject(actor))
    page = fetch_page(session, sa.select(Cluster).select_from(Cluster), [Key(Cluster.id)], cursor, limit)
    ids = [cluster.id for cluster in page.items]
    members = stays(session, Membership.cluster_id.in_(ids), Membership.open_at(actor.now))
    return Page([_view(cluster, members) for cluster in page.items], page.next, page.total)


def _view(cluster: Cluster, members: Sequence[Stay]) -> ClusterView:
    own = tuple(stay for stay in members if stay.cluster_id == cluster.id)
    return ClusterView(cluster.id, cluster.name, cluster.version, own)


def cluster_view(session: Session, actor: Actor, cluster_id: int) -> ClusterView:
    cluster = fetch(session, Cluster, cluster_id)
    allow.require(actor, "cluster.read", cluster_subject(actor, cluster_id))
    members = stays(session, Membership.cluster_id == cluster_id, Membership.open_at(actor.now))
    return _view(cluster, members)


# --- schools ----------------------------------------------------------------------------------------------------


def _matching(text: str) -> sa.ColumnElement[bool]:
    """A school by part of its name, of one it had before, or the beginning of its code."""
    code = like(text).lstrip("%")
    before = sa.select(FormerName.school_id).where(FormerName.name.like(like(text), escape="\\"))
    named = sa.or_(School.name.like(like(text), escape="\\"), School.id.in_(before))
    return sa.or_(named, School.code.like(code, escape="\\"))


def former_names(session: Session, school_ids: Sequence[int]) -> dict[int, list[FormerName]]:
    """School id → what it was called before, the latest first."""
    found: dict[int, list[FormerName]] = {}
    query = sa.select(FormerName).where(FormerName.school_id.in_(school_ids))
    for each in session.scalars(query.order_by(FormerName.until.desc(), FormerName.id.desc())):
        found.setdefault(each.school_id, []).append(each)
    return found


def schools_page(session: Session, actor: Actor, query: dict[str, Any]) -> Page:
    allow.require(actor, "school.read", school_subject(actor))
    rows = sa.select(School).select_from(School)
    if query["q"]:
        rows = rows.where(_matching(query["q"]))
    if query["province"]:
        rows = rows.where(School.province == query["province"])
    if query["cluster_id"] is not None:
        inside = sa.select(Membership.school_id).where(Membership.cluster_id == query["cluster_id"])
        rows = rows.where(School.id.in_(inside.where(Membership.open_at(actor.now))))
    return fetch_page(session, rows, [Key(School.id)], query["cursor"], query["limit"])


def provinces(session: Session) -> list[str]:
    """In the order of the ministry's list, which is the order of the codes."""
    query = sa.select(School.province).where(School.province != "").group_by(School.province)
    return list(session.scalars(query.order_by(sa.func.min(School.code))))


def clusters_of_schools(session: Session, school_ids: Sequence[int], now: datetime) -> dict[int, list[Stay]]:
    """School id → its open memberships."""
    found: dict[int, list[Stay]] = {}
    for stay in stays(session, Membership.school_id.in_(school_ids), Membership.open_at(now)):
        found.setdefault(stay.school_id, []).append(stay)
    return found


@dataclass(frozen=True)
class SchoolView:
    school: School
    now: tuple[Stay, ...]
    before: tuple[Stay, ...]
    former: tuple[FormerName, ...] = ()
    successor: School | None = None
    predecessors: tuple[School, ...] = ()


def school_view(session: Session, actor: Actor, school_id: int) -> SchoolView:
    """A school with its clusters of now (and those it will join), and those of before."""
    school = fetch(session, School, school_id)
    allow.require(actor, "school.read", school_subject(actor, school_id))
    all_time = stays(session, Membership.school_id == school_id)
    ended = [stay for stay in all_time if stay.state(actor.now) == "ended"]
    before = tuple(stay for stay in ended if not stay.called_off)
    return SchoolView(
        school, tuple(stay for stay in all_time if stay not in ended), before,
        former=tuple(former_names(session, [school_id]).get(school_id, ())),
        successor=session.get(School, school.successor_id) if school.successor_id else None,
        predecessors=tuple(
            session.scalars(sa.select(School).where(School.successor_id == school_id).order_by(School.succeeded_on))
        ),
    )  # fmt: skip


def departments_of(session: Session, actor: Actor, school_id: int) -> list[Department]:
    allow.require(actor, "school.read", school_subject(actor, fetch(session, School, school_id).id))
    query = sa.select(Department).where(Department.school_id == school_id).order_by(Department.id)
    return list(session.scalars(query))


def find_schools(session: Session, text: str, limit: int) -> tuple[list[School], int]:
    """The school of exactly that name or code; else those it is part of, and how many they are."""
    exact = session.scalar(sa.select(School).where(sa.or_(School.name == text, School.code == text)))
    if exact is not None:
        return [exact], 1
    found = sa.select(School).where(_matching(text))
    count = session.scalar(sa.select(sa.func.count()).select_from(found.subquery())) or 0
    return list(session.scalars(found.order_by(School.id).limit(limit))), count
