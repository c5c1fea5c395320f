"""Reading policies cheaply, and deciding them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
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
    """The same for several schools at once, in one statement."""
    policy, wanted = _policy(key), set(school_ids)
    known = _read(session, wanted, now)
    return {each: policy.read(_effective(policy, known[each], now)) for each in wanted}


def preload(session: Session, school_ids: Iterable[int], now: datetime) -> None:
    """Read what decides at these schools at once, for whatever is asked of them later in this session."""
    _read(session, set(school_ids), now)


def carry(reading: Session, session: Session) -> None:
    """What one session of a request has read of policies need not be read by the other."""
    session.info.setdefault("policies", {}).update(reading.info.get("policies", {}))


def _policy(key: str | Policy) -> Policy:
    policy = named(key) if isinstance(key, str) else key
    if policy is None:
        raise NotFound
    return policy


@dataclass
class _Known:
    """Where decisions for a school may stand, the nearest first, and those that stand there: of every policy."""

    chain: list[Place]
    decisions: list[tuple[str, Decision]] = field(default_factory=list)


def _effective(policy: Policy, known: _Known, now: datetime) -> Any:
    return effective(policy, known.chain, [each for key, each in known.decisions if key == policy.key], now)


_SCHOOLS: sa.BindParameter[list[int]] = sa.bindparam("schools", expanding=True)
_V = PolicyValue
# School → its cluster, for schools that are in exactly one: of two, neither can speak for the school.
_ALONE = (
    sa.select(Membership.school_id, sa.func.min(Membership.cluster_id).label("cluster_id"))
    .where(Membership.school_id.in_(_SCHOOLS), Membership.open_at(sa.bindparam("now", type_=UtcDateTime())))
    .group_by(Membership.school_id)
    .having(sa.func.count() == 1)
    .subquery()
)
_DECIDED: Any = (
    sa.select(_ALONE.c.school_id, _V.key, _V.id, _V.school_id, _V.cluster_id, _V.value, _V.from_)
    .join_from(_V, _ALONE, _ALONE.c.cluster_id == _V.cluster_id, isouter=True)
    .where(
        sa.or_(
            _V.school_id.in_(_SCHOOLS),
            _V.cluster_id.is_(None) & _V.school_id.is_(None),
            _ALONE.c.school_id.is_not(None),
        )
    )
)


def _read(session: Session, schools: Collection[int | None], now: datetime) -> dict[int | None, _Known]:
    """What is known of these schools in this session: several policies are asked of the same in one request. Deciding
    forgets it. None is the platform."""
    known: dict[int | None, _Known] = session.info.setdefault("policies", {})
    new = [each for each in schools if each not in known]
    if new:
        session.flush()  # what follows reads past the session
        ids = padded(sorted(each for each in new if each is not None))
        rows = plain(session, _DECIDED, {"schools": ids, "now": now})
        known |= {each: _deciding(each, rows) for each in new}
    return known


def _deciding(school_id: int | None, rows: Sequence[sa.Row[Any]]) -> _Known:
    own = [Place(school_id=school_id)] if school_id else []
    found = _Known([*own, PLATFORM])
    for row in rows:
        through, key, id_, school, cluster, value_, from_ = tuple(row)
        place = Place(school, cluster)
        mine = school_id is not None and school_id in (school, through)
        if mine or place == PLATFORM:
            found.decisions.append((key, Decision(id_, place, value_, from_)))
            if cluster is not None and place not in found.chain:
                found.chain.insert(len(own), place)
    return found


def _at(place: Place) -> sa.ColumnElement[bool]:
    v = PolicyValue
    return sa.and_(v.school_id == place.school_id, v.cluster_id == place.cluster_id)


def history(session: Session, place: Place) -> list[PolicyValue]:
    """Every decision of the place, newest first."""
    query = sa.select(PolicyValue).where(_at(place)).options(joinedload(PolicyValue.decider))
    return list(session.scalars(query.order_by(PolicyValue.from_.desc(), PolicyValue.id.desc())))


def above(session: Session, policy: Policy, place: Place, now: datetime) -> Any:
    """What would hold at the place if it decided nothing."""
    known = _read(session, {place.school_id}, now)[place.school_id]
    chain = [each for each in known.chain if each != place] if place != PLATFORM else []
    return _effective(policy, _Known(chain, known.decisions), now)


def of_cluster(session: Session, key: str | Policy, cluster_id: int, now: datetime) -> Any:
    """What holds in the cluster itself, for what is the cluster's and no school's."""
    policy, chain = _policy(key), [Place(cluster_id=cluster_id), PLATFORM]
    query = sa.select(_V.id, _V.school_id, _V.cluster_id, _V.value, _V.from_).where(_V.key == policy.key)
    rows = session.execute(query.where(sa.or_(*(_at(place) for place in chain))))
    decisions = [Decision(id_, Place(school, cluster), *rest) for id_, school, cluster, *rest in rows]
    return policy.read(effective(policy, chain, decisions, now))


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
