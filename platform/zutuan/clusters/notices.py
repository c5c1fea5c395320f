"""Who hears of a change of membership."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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


def managers(session: Session, schools: Sequence[int], now: datetime) -> dict[int, set[int]]:
    """School → its registrars and school admins."""
    roles = ("registrar", "school_admin")
    return {school: {each for role in roles for each in holders(session, role, school, now)} for school in schools}


def renamed(session: Session, school_id: int, name: str, now: datetime) -> None:
    people = managers(session, (school_id,), now)[school_id]
    key = f"school:{school_id}:rename:{now.isoformat()}"
    tell(session, people, "school.renamed", key, {"school": name}, f"/schools/{school_id}", now)


def succeeded(session: Session, people: Mapping[int, set[int]], old: School, new: School, now: datetime) -> None:
    """Those who ran either: the ones have no role any more, the others have new people."""
    params = {"school": old.name, "into": new.name}
    everybody = set().union(*people.values())
    tell(session, everybody, "school.succeeded", f"school:{old.id}:into", params, f"/schools/{new.id}", now)


KINDS = (
    NoticeKind(
        "membership", _l("组团成员变化"), ("membership.end", "school.renamed", "school.succeeded"), "now", True, True,
        lambda actor: actor.holds(["registrar", "school_admin"]),
    ),
)  # fmt: skip

TEXTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "school.renamed": lambda p: _("贵校在平台上的名称已改为%(school)s。", school=p["school"]),
    "school.succeeded": lambda p: _(
        "%(school)s已并入%(into)s：人员和共享资源转入承接学校，原校的角色和组团成员身份结束。", school=p["school"], into=p["into"],
    ),
    "membership.end": lambda p: _(
        "%(school)s自 %(at)s 起不再是%(cluster)s成员：互相不再看到对方的共享，学生已有的名额保留到学期结束。",
        school=p["school"], at=stamp(datetime.fromisoformat(p["at"])), cluster=p["cluster"],
    ),
}  # fmt: skip
