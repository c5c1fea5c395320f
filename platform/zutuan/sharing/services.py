"""Shared items in the database: the visibility filter, audiences, the audit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, TypeVarTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from zutuan.clusters.models import Membership, School
from zutuan.db import MAX_ID, UtcDateTime, found_once, insert_or, insert_plain, mark_audited, padded
from zutuan.errors import Denial, NotFound, Refused, insist
from zutuan.sharing import rules, scopes
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import AuditEvent, Share, SharedItem
from zutuan.sharing.permissions import Subject

Row = TypeVar("Row")
Columns = TypeVarTuple("Columns")


# --- seeing -----------------------------------------------------------------------------------------------------


def _visible(item: type[SharedItem], wanted: sa.SQLColumnExpression[int]) -> sa.Select[int]:
    """The access rule in SQL: `wanted` of every (aliased) item that the viewer sees, once for each share that shows it.
    `rules.seen_through` says the same of a single item.

    Written from the shares' side, not as a question to each item: a viewer's scopes are few and indexed. Built once:
    a statement that forgets whose eyes it is for has no value for the viewer's parameters, and fails.
    """
    mine: sa.BindParameter[list[str]] = sa.bindparam("viewer_scopes", expanding=True)
    private: sa.BindParameter[list[str]] = sa.bindparam("viewer_private_scopes", expanding=True)
    now: sa.BindParameter[datetime] = sa.bindparam("viewer_now", type_=UtcDateTime())
    owner_is_member = (
        sa.select(Membership.id)
        .where(Membership.cluster_id == Share.cluster_id)
        .where(Membership.school_id == item.owner_school_id, Membership.open_at(now))
        .correlate(Share, item)
        .exists()
    )
    return (
        sa.select(wanted)
        .select_from(Share)
        .join(item, item.id == Share.item_id)
        .where(Share.aspect == sa.bindparam("viewer_aspect"), Share.scope.in_(mine), Share.open_at(now))
        .where(sa.or_(item.state == "published", Share.scope.in_(private)))
        .where(sa.or_(Share.cluster_id.is_(None), owner_is_member))
    )


_ITEM = aliased(SharedItem)
_VISIBLE = SharedItem.id.in_(_visible(_ITEM, Share.item_id))
_OWNERS = (
    _visible(_ITEM, _ITEM.owner_school_id)
    .where(_ITEM.kind == sa.bindparam("viewer_kind"), _ITEM.state == "published")
    .distinct()
)


# A column: whether the viewer (`viewer`) sees the SharedItem of the row, for a reader who has to know it of one item.
SEEN = _visible(_ITEM, Share.id).where(_ITEM.id == SharedItem.id).correlate(SharedItem).exists()


def seen_by(actor: Actor, query: sa.Select[*Columns], aspect: str = rules.RECORD) -> sa.Select[*Columns]:
    """`query`, whose rows have a `SharedItem`, without what the actor may not see now."""
    return query.where(_VISIBLE).params(**viewer(actor, aspect))


def shared_with_cluster(cluster_id: int, now: datetime) -> sa.ColumnElement[bool]:
    """Whether the audience of the row's `SharedItem` reaches that cluster (any role in it) or the whole platform now. Who
    asks has seen to it that the item is published and its owner a member."""
    wide = sa.or_(Share.scope == scopes.PLATFORM, Share.cluster_id == cluster_id)
    found = sa.select(Share.id).where(Share.item_id == SharedItem.id, Share.aspect == rules.RECORD, wide)
    return found.where(Share.open_at(now)).correlate(SharedItem).exists()


def owners_seen(session: Session, actor: Actor, kind: str) -> list[int]:
    """Ids of the schools that have published something of this kind which the actor sees now."""
    return sorted(session.scalars(_OWNERS.params(viewer_kind=kind, **viewer(actor))))


def viewer(actor: Actor, aspect: str = rules.RECORD) -> dict[str, Any]:
    """The parameters of `SEEN` and of the filter: whose eyes they are for."""
    mine = sorted(actor.scopes)
    return {
        "viewer_scopes": padded(mine),
        "viewer_private_scopes": padded([scope for scope in mine if scopes.is_private(scope)]),
        "viewer_now": actor.now,
        "viewer_aspect": aspect,
    }


def clusters_of(session: Session, school_id: int, now: datetime) -> dict[int, str]:
    """Cluster id → the school's role there, for the clusters it is a member of now."""
    return clusters_of_each(session, [school_id], now)[school_id]


def clusters_of_each(session: Session, school_ids: Collection[int], now: datetime) -> dict[int, dict[int, str]]:
    """The same of several schools, in one statement."""
    key = ("clusters", now, *sorted(school_ids))
    found = found_once(session, key, lambda: _clusters_of(session, school_ids, now))
    return {school_id: dict(clusters) for school_id, clusters in found.items()}


def _clusters_of(session: Session, school_ids: Collection[int], now: datetime) -> dict[int, dict[int, str]]:
    m = Membership
    query = sa.select(m.school_id, m.cluster_id, m.role).where(m.school_id.in_(padded(sorted(school_ids))))
    found: dict[int, dict[int, str]] = {id_: {} for id_ in school_ids}
    for school_id, cluster_id, role in session.execute(query.where(m.open_at(now))):
        found[school_id][cluster_id] = role
    return found


def aspects_seen(session: Session, actor: Actor, item: SharedItem) -> dict[str, list[rules.Shared]]:
    """Aspect → the shares through which the actor sees it now. Two statements, however many shares the item has."""
    held = sorted(actor.scopes)
    shares = found_once(session, ("shares", item.id, *held), lambda: _shares_with(session, item, held))
    owner_clusters = clusters_of(session, item.owner_school_id, actor.now)
    seen = {}
    for aspect in {share.aspect for share in shares}:
        through = rules.seen_through(item.state, shares, owner_clusters, actor.scopes, actor.now, aspect)
        if through:
            seen[aspect] = through
    return seen


def _shares_with(session: Session, item: SharedItem, held: Sequence[str]) -> list[rules.Shared]:
    mine = sa.select(Share).where(Share.item_id == item.id, Share.scope.in_(padded(held)))
    return [rules.Shared(s.aspect, s.scope, s.from_, s.until) for s in session.scalars(mine)]


def seen_through(session: Session, actor: Actor, item: SharedItem, aspect: str = rules.RECORD) -> list[rules.Shared]:
    """The shares through which the actor sees this one item now (empty: it does not exist for them)."""
    return aspects_seen(session, actor, item).get(aspect, [])


def fetch(session: Session, model: type[Row], id_: int, *options: Any) -> Row:
    """The row of that id, or 404; an id that no column could hold is not found either."""
    row = session.get(model, id_, options=options or None) if 0 < id_ <= MAX_ID else None
    if row is None:
        raise NotFound
    return row


# --- audience ---------------------------------------------------------------------------------------------------


def set_audience(session: Session, actor: Actor, item: SharedItem, wanted: Iterable[str]) -> bool:
    """Make `wanted` (scopes) the audience of the item's record; past shares are ended, not deleted.

    The owner's `school:` and `manage:` shares always stand. Answers whether anything changed.
    """
    owner, now = item.owner_school_id, actor.now
    target = set(wanted) | {scopes.school(owner), scopes.manage(owner)}
    current = {share.scope: share for share in _audience_shares(session, item, now)}
    added = target - current.keys()
    owner_clusters = clusters_of(session, owner, now)
    for scope in added - {scopes.manage(owner)}:
        insist(rules.may_share_with(scope, owner, owner_clusters))
    for scope in sorted(added):
        add_share(session, item.id, scope, now)
    for scope in current.keys() - target:
        current[scope].until = now
    return bool(added or current.keys() - target)


def _audience_shares(session: Session, item: SharedItem, now: datetime) -> list[Share]:
    """Open shares of the record, without those of single persons and teams."""
    query = sa.select(Share).where(Share.item_id == item.id, Share.aspect == rules.RECORD)
    still = query.where(sa.or_(Share.until.is_(None), Share.until > now))
    return [share for share in session.scalars(still) if not share.scope.startswith(("person:", "team:"))]


def audience(session: Session, item: SharedItem, now: datetime) -> list[str]:
    """The scopes chosen for the record, without the owner's own."""
    own = {scopes.school(item.owner_school_id), scopes.manage(item.owner_school_id)}
    return sorted({share.scope for share in _audience_shares(session, item, now)} - own)


def add_share(
    session: Session,
    item_id: int,
    scope: str,
    now: datetime,
    aspect: str = rules.RECORD,
    until: datetime | None = None,
) -> None:
    """Let a scope see an aspect from now on. (Never through `item.shares`, which may hold thousands.)"""
    cluster_id = scopes.cluster_of(scope)
    row = {"item_id": item_id, "aspect": aspect, "scope": scope, "cluster_id": cluster_id, "from_": now, "until": until}
    insert_plain(session, Share, **row)


def end_share(session: Session, item_id: int, aspect: str, scope: str, now: datetime) -> None:
    """End the open shares of that aspect and scope at `now`."""
    session.execute(
        sa.update(Share)
        .where(Share.item_id == item_id, Share.aspect == aspect, Share.scope == scope, Share.from_ <= now)
        .where(sa.or_(Share.until.is_(None), Share.until > now))
        .values(until=now)
        .execution_options(synchronize_session=False)
    )


@dataclass(frozen=True)
class Reach:
    """Whom an audience reaches now, the owner not counted. `schools` is None for the whole platform."""

    schools: list[tuple[int, str]] | None

    @property
    def count(self) -> int | None:
        return None if self.schools is None else len(self.schools)

    @property
    def names(self) -> list[str]:
        return [name for _, name in self.schools or []]


def reach(session: Session, owner_school_id: int, wanted: Sequence[str], now: datetime) -> Reach:
    """The schools that these scopes reach now ("7 所学校可见" does not count the owner)."""
    if scopes.PLATFORM in wanted:
        return Reach(None)
    members = clusters_of(session, owner_school_id, now)
    parts = [_members_clause(scope) for scope in wanted if scopes.cluster_of(scope) in members]
    if not parts:
        return Reach([])
    query = (
        sa.select(School.id, School.name)
        .join(Membership, Membership.school_id == School.id)
        .where(sa.or_(*parts), Membership.open_at(now), School.id != owner_school_id)
        .group_by(School.id, School.name)
        .order_by(sa.func.min(Membership.id))
    )
    return Reach([(id_, name) for id_, name in session.execute(query)])


def _members_clause(scope: str) -> sa.ColumnElement[bool]:
    _, cluster_id, *role = scope.split(":")
    clause = Membership.cluster_id == int(cluster_id)
    return sa.and_(clause, Membership.role == role[0]) if role else sa.and_(clause)


# --- life -------------------------------------------------------------------------------------------------------


def move(item: SharedItem, event: str, now: datetime) -> None:
    """Bring the item to its next state, or refuse with the reason."""
    state = rules.next_state(item.state, event)
    if not isinstance(state, str):
        raise Refused.because(state)
    item.state, item.updated_at = state, now
    if event == "publish":
        item.published_at = item.published_at or now


# --- audit ------------------------------------------------------------------------------------------------------


def audit(
    session: Session,
    actor: Actor | None,
    action: str,
    subject: Subject,
    *,
    now: datetime,
    school_id: int | None = None,
    **detail: Any,
) -> None:
    """Write down who did what, as which affiliation. `detail` holds ids, codes and names of changed fields only."""
    belongs = actor.at(school_id) if actor else None
    insert_plain(
        session,
        AuditEvent,
        at=now,
        actor_id=actor.person_id if actor else None,
        affiliation_id=belongs.affiliation_id if belongs else None,
        action=action,
        subject_type=subject.type,
        subject_id=subject.id,
        school_id=school_id,
        detail=detail,
        request_id=actor.request_id if actor else "",
    )
    mark_audited(session)


def audit_denial(session: Session, actor: Actor, denial: Denial) -> None:
    """Once per person, action and minute: inserted if absent. Of whoever looks as somebody else it is theirs, never the
    other's."""
    who = actor.really or actor.person_id
    minute = actor.now.strftime("%Y%m%d%H%M")
    belongs = actor.at(None)
    statement = insert_or(session, AuditEvent).values(
        at=actor.now,
        actor_id=who,
        affiliation_id=belongs.affiliation_id if belongs and actor.really is None else None,
        action=f"denied:{denial.action}",
        subject_type=denial.subject_type,
        subject_id=denial.subject_id,
        school_id=belongs.school_id if belongs else None,
        detail={} if actor.really is None else {"viewing_as": actor.person_id},
        request_id=actor.request_id,
        once=f"{who}:{denial.action}:{minute}",
    )
    session.execute(statement.on_conflict_do_nothing(index_elements=["once"]))
