"""The demonstration's freeze: what the cluster of the printed accounts had counted before today."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.flows import queries, services
from zutuan.people.models import Person, RoleAssignment
from zutuan.people.services import load_actor

if TYPE_CHECKING:
    from zutuan.demo import DemoWorld


def load(session: Session, world: DemoWorld) -> None:
    r = RoleAssignment
    admins = session.scalars(sa.select(r).where(r.role == "cluster_admin", r.cluster_id.is_not(None)).order_by(r.id))
    for held in {each.cluster_id: each for each in reversed(admins.all())}.values():
        assert held.cluster_id is not None
        admin = load_actor(session, session.get_one(Person, held.person_id), world.now)
        _terms, now = queries.terms(session, held.cluster_id, world.now)
        if now is not None:
            services.freeze(session, admin, held.cluster_id, {
                "academic_year": now.year, "number": now.number, "plan_code": "", "name": "期中上报",
                "note": "演示：上报数据以此为准，之后的变化见对比。",
            })  # fmt: skip
    world.say("流向数据定格")
