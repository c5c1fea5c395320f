"""Who hears of a term plan: the member schools' registrars, and those whose offerings it moves or leaves outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.catalogue.labels import term_named
from courses.catalogue.models import Course, CourseTeacher, Offering
from courses.plans.models import TermPlan
from zutuan.clusters.models import Cluster, Membership
from zutuan.notices.kinds import NoticeKind
from zutuan.notices.services import tell
from zutuan.people.roles import holders
from zutuan.sharing.actor import Actor
from zutuan.web.texts import stamp


def _params(session: Session, plan: TermPlan) -> dict[str, Any]:
    return {
        "cluster": session.get_one(Cluster, plan.cluster_id).name,
        "year": plan.academic_year,
        "number": plan.number,
        "from": plan.main_from.isoformat(),
    }


def published(session: Session, plan: TermPlan, offerings: Sequence[int], now: datetime) -> None:
    _tell(session, plan, "plan.published", f"plan:{plan.id}:published", offerings, now)


def changed(session: Session, plan: TermPlan, offerings: Sequence[int], now: datetime) -> None:
    _tell(session, plan, "plan.changed", f"plan:{plan.id}:{plan.version}", offerings, now)


def _tell(
    session: Session, plan: TermPlan, kind: str, key: str, offerings: Sequence[int], now: datetime
) -> None:  # fmt: skip
    """Everyone once, whatever they are to it."""
    m = Membership
    schools = session.scalars(sa.select(m.school_id).where(m.cluster_id == plan.cluster_id, m.open_at(now))).all()
    people = {person for school in schools for person in holders(session, "registrar", school, now)}
    teach = sa.select(CourseTeacher.person_id).join(Course, Course.id == CourseTeacher.course_id)
    teach = teach.join(Offering, Offering.course_id == Course.id).where(Offering.id.in_(offerings))
    people |= set(session.scalars(teach))
    link = f"/clusters/{plan.cluster_id}/term-plans/{plan.id}"
    tell(session, people, kind, key, _params(session, plan), link, now)


def _words(p: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "cluster": p["cluster"],
        "term": term_named(p["year"], p["number"]),
        "at": stamp(datetime.fromisoformat(p["from"])),
    }


def _concerned(actor: Actor) -> bool:
    return actor.holds(["registrar", "teacher"])


KINDS = (
    NoticeKind(
        "plan.dates", _l("组团的选课安排"), ("plan.published", "plan.changed"), "digest", True, concerns=_concerned
    ),
)
TEXTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "plan.published": lambda p: _("%(cluster)s发布了%(term)s选课安排，%(at)s 开始正选。", **_words(p)),
    "plan.changed": lambda p: _("%(cluster)s修改了%(term)s选课安排，%(at)s 开始正选。", **_words(p)),
}
