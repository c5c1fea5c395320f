"""Who hears of a change of membership."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from zutuan.clusters.models import Cluster, Membership, School
from zutuan.notices.kinds import NoticeKind
from zutuan.notices.services import tell
from zutuan.people.roles import holders
from zutuan.web.texts import stamp


def ended(session: Session, cluster: Cluster, membership: Membership, at: datetime, now: datetime) -> None:
    """Registrars and school admins of the school that leaves: their students will ask them."""
    school = session.get_one(School, membership.school_id)
    people = {each for role in ("registrar", "school_admin") for each in holders(session, role, school.id, now)}
    params = {"school": school.name, "cluster": cluster.name, "at": at.isoformat()}
    key = f"membership:{membership.id}:end:{at.isoformat()}"
    tell(session, people, "membership.end", key, params, f"/clusters/{cluster.id}", now, school_id=school.id)


KINDS = (
    NoticeKind(
        "membership", _l("组团成员变化"), ("membership.end",), "now", True, True,
        lambda actor: actor.holds(["registrar", "school_admin"]),
    ),
)  # fmt: skip

TEXTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "membership.end": lambda p: _(
        "%(school)s自 %(at)s 起不再是%(cluster)s成员：互相不再看到对方的共享，学生已有的名额保留到学期结束。",
        school=p["school"], at=stamp(datetime.fromisoformat(p["at"])), cluster=p["cluster"],
    ),
}  # fmt: skip
