"""Reading policies cheaply, and deciding them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from zutuan.clusters.models import Membership
from zutuan.db import UtcDateTime, padded, plain
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
    decisions = _decisions(session, policy.key, schools, [each for each in clusters.values() if each is not None])
    return {each: policy.read(effective(policy, _chain(each, clusters.get(each)), decisions, now)) for each in wanted}


def preload(session: Session, school_ids: Iterable[int], now: datetime) -> None:
    """Read what decides at these schools at once, for whatever is asked of them later in this session."""
    clusters = _clusters(session, sorted(set(school_ids)), now)
    _decisions(session, "", list(clusters), [each for each in clusters.values() if each is not None])


def carry(reading: Session, session: Session) -> None:
    """What one session of a request has read of policies need not be read by the other."""
    session.info.setdefault("policies", {}).update(reading.info.get("policies", {}))


def _known(session: Session) -> dict[Any, Any]:
    """What this session has read of policies: several are asked of the same school in one request. Deciding forgets it."""
    known: dict[Any, Any] = session.info.setdefault("policies", {})
    return known


def _policy(key: str | Policy) -> Policy:
    policy = named(key) if isinstance(key, str) else key
    if policy is None:
        raise NotFound
    return policy


_SCHOOLS: sa.BindParameter[list[int]] = sa.bindparam("schools", expanding=True)
_CLUSTERS: sa.BindParameter[list[int]] = sa.bindparam("clusters", expanding=True)
_ALONE = (
    sa.select(Membership.school_id, sa.func.min(Membership.cluster_id))
    .where(Membership.school_id.in_(_SCHOOLS), Membership.open_at(sa.bindparam("now", type_=UtcDateTime())))
    .group_by(Membership.school_id)
    .having(sa.func.count() == 1)
)


def _clusters(session: Session, schools: Sequence[int], now: datetime) -> dict[int | None, int | None]:
    """School → its cluster, for schools that are in exactly one: of two, neither can speak for the school."""
    known: dict[int | None, int | None] = _known(session).setdefault(("clusters", now), {})
    new = [each for each in schools if each not in known]
    if new:
        alone = {
            school_id: cluster_id
            for school_id, cluster_id in plain(session, _ALONE, {"schools": padded(new), "now": now})
        }
        known |= {each: alone.get(each) for each in new}
    return {each: known[each] for each in schools}


def _decisions(session: Session, key: str, schools: Sequence[int | None], clusters: Sequence[int]) -> list[Decision]:
    """Decisions of that policy at these schools and clusters and at the platform; read with those of all others."""
    known: dict[Place, list[tuple[str, Decision]]] = _known(session).setdefault("decisions", {})
    places = [Place(school_id=each) for each in schools] + [Place(cluster_id=each) for each in clusters] + [PLATFORM]
    new = [each for each in places if each not in known]
    if new:
        known |= {each: [] for each in new}
        for key_, id_, school, cluster, *rest in plain(session, _DECIDED, _asked(new)):
            place = Place(school, cluster)
            if place in new:
                known[place].append((key_, Decision(id_, place, *rest)))
    return [decision for each in places for key_, decision in known[each] if key_ == key]


def _asked(places: Sequence[Place]) -> dict[str, list[int]]:
    schools = [each.school_id for each in places if each.school_id is not None]
    return {
        "schools": padded(schools),
        "clusters": padded([each.cluster_id for each in places if each.cluster_id is not None]),
    }


def _chain(school_id: int | None, cluster_id: int | None) -> list[Place]:
    chain = [Place(school_id=school_id)] if school_id else []
    return [*chain, *([Place(cluster_id=cluster_id)] if cluster_id else []), PLATFORM]


_V = PolicyValue
_DECIDED = sa.select(_V.key, _V.id, _V.school_id, _V.cluster_id, _V.value, _V.from_).where(
    sa.or_(
        _V.school_id.in_(_SCHOOLS),
        _V.cluster_id.in_(_CLUSTERS),
        sa.and_(_V.school_id.is_(None), _V.cluster_id.is_(None)),
    )
)


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
    return effective(
        policy,
        chain,
        _decisions(session, policy.key, [], [each for each in clusters.values() if each is not None]),
        now,
    )


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
    session.info.pop("policies", None)
    audit(
        session, actor, "policy.decide", Subject("policy_value", row.id), now=actor.now, school_id=place.school_id,
        key=key, value=wanted, cluster=place.cluster_id, at=start.isoformat(),
    )  # fmt: skip
    return row
