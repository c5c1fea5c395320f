"""A cluster in figures. Every number is a count of rows that its reader may open, by the same rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.clusters.models import Membership
from zutuan.clusters.permissions import allow, cluster_subject
from zutuan.clusters.queries import cluster_view
from zutuan.sharing import plan
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import SharedItem
from zutuan.sharing.services import seen_by


@dataclass(frozen=True)
class Figure:
    """So many published items of a kind serve a task of the plan (`code` empty: none)."""

    kind: str
    code: str
    count: int

    @property
    def task(self) -> Any:
        return plan.TASKS.get(self.code)

    @property
    def title(self) -> str:
        return self.task.text if self.task else ""


def by_task(session: Session, actor: Actor, cluster_id: int) -> list[Figure]:
    """What the cluster's members of now have published that the actor sees, by kind and task."""
    cluster_view(session, actor, cluster_id)
    allow.require(actor, "cluster.figures", cluster_subject(actor, cluster_id))
    members = sa.select(Membership.school_id).where(Membership.cluster_id == cluster_id, Membership.open_at(actor.now))
    item = SharedItem
    query = sa.select(item.kind, item.plan_code, sa.func.count()).where(
        item.state == "published", item.owner_school_id.in_(members)
    )
    counted = seen_by(actor, query).group_by(item.kind, item.plan_code).order_by(item.kind, item.plan_code.desc())
    return [Figure(*row) for row in session.execute(counted)]
