"""Reading policies cheaply, and deciding them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from zutuan.clusters.models import Membership
from zutuan.errors import Invalid, NotFound
from zutuan.policies.models import PolicyValue
from zutuan.policies.permissions import action, allow, subject
from zutuan.policies.registry import named
from zutuan.policies.rules import Decision, Place, Policy, effective
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

FURTHEST = timedelta(days=730)
PLATFORM = Place()


# --- reading ----------------------------------------------------------------------------------------------------


def value(session: Session, key: str | Policy, school_id: int | None, now: datetime) -> Any:
    """What holds at the school now; None asks for the platform."""
    return values(session, key, [school_id], now)[school_id]


def values(
    session: Session, key: str | Policy, school_ids: Iterable[int | None], now: datetime
) -> dict[int | None, Any]:
    """The same for several schools at once, in two statements (one where clusters do not decide it)."""
    policy, wanted = _policy(key), set(school_ids)
    schools = [each for each in wanted if each is not None]
    clusters = _clusters(session, schools, now) if "cluster" in policy.levels and schools else {}
    decisions = _decisions(session, policy.key, schools, list(clusters.values()))
    return {each: policy.read(effective(policy, _chain(each, clusters.get(each)), decisions, now)) for each in wanted}


def _policy(key: str | Policy) -> Policy:
    policy = named(key) if isinstance(key, str) else key
    if policy is None:
        raise NotFound
    return policy


def _clusters(session: Session, schools: list[int], now: datetime) -> dict[int | None, int]:
    """School → its cluster, for schools that are in exactly one: of two, neither can speak for the school."""
    m = Membership
    query = sa.select(m.school_id, sa.func.min(m.cluster_id)).where(m.school_id.in_(schools), m.open_at(now))
    rows = session.execute(query.group_by(m.school_id).having(sa.func.count() == 1))
    return {school_id: cluster_id for school_id, cluster_id in rows}


def _decisions(session: Session, key: str, schools: list[int], clusters: list[int]) -> list[Decision]:
    v = PolicyValue
    mine = sa.or_(v.school_id.in_(schools), v.cluster_id.in_(clusters), _at(PLATFORM))
    rows = session.execute(sa.select(v.id, v.school_id, v.cluster_id, v.value, v.from_).where(v.key == key, mine))
    return [Decision(id_, Place(school, cluster), value, from_) for id_, school, cluster, value, from_ in rows]


def _chain(school_id: int | None, cluster_id: int | None) -> list[Place]:
    chain = [Place(school_id=school_id)] if school_id else []
    return [*chain, *([Place(cluster_id=cluster_id)] if cluster_id else []), PLATFORM]


def _at(place: Place) -> sa.ColumnElement[bool]:
    v = PolicyValue
    return sa.and_(v.school_id == place.school_id, v.cluster_id == place.cluster_id)


def history(session: Session, place: Place) -> list[PolicyValue]:
    """Every decision of the place, newest first."""
    query = sa.select(PolicyValue).where(_at(place)).options(joinedload(PolicyValue.decider))
    return list(session.scalars(query.order_by(PolicyValue.from_.desc(), PolicyValue.id.desc())))


def above(session: Session, policy: Policy, place: Place, now: datetime) -> Any:
    """What would hold at the place if it decided nothing."""
    schools = [place.school_id] if place.school_id else []
    clusters = _clusters(session, schools, now) if schools else {}
    chain = [] if place == PLATFORM else _chain(None, clusters.get(place.school_id))
    return effective(policy, chain, _decisions(session, policy.key, [], list(clusters.values())), now)


# --- deciding ---------------------------------------------------------------------------------------------------


def decide(
    session: Session, actor: Actor, place: Place, key: str, wanted: Any, from_: datetime | None = None
) -> PolicyValue:
    """From that instant (now, if none) the policy has this value at the place; None gives it back to the level above."""
    policy = _policy(key)
    if place.level not in policy.levels:
        raise NotFound
    allow.require(actor, action(place), subject(place))
    wrong = policy.wrong(wanted) if wanted is not None else None
    if wrong is not None:
        raise Invalid(errors=[wrong])
    wanted = policy.plain(wanted) if wanted is not None else None
    start = from_ or actor.now
    if start < actor.now:
        raise Invalid.field("from", "policy_in_the_past")
    if start > actor.now + FURTHEST:
        raise Invalid.field("from", "policy_too_far")
    row = PolicyValue(
        key=key, school_id=place.school_id, cluster_id=place.cluster_id, value=wanted, from_=start,
        decided_at=actor.now, decided_by=actor.person_id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit(
        session, actor, "policy.decide", Subject("policy_value", row.id), now=actor.now, school_id=place.school_id,
        key=key, value=wanted, cluster=place.cluster_id, at=start.isoformat(),
    )  # fmt: skip
    return row
