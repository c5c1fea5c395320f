"""People as those who run a school see them, the roles they hold, and what the audit says."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from zutuan.clusters.models import Cluster, Department, School
from zutuan.paging import Key, Page, fetch_page, like
from zutuan.people.models import Affiliation, Person, RoleAssignment
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import AuditEvent


def people(session: Session, school_id: int, query: dict[str, Any], now: datetime) -> Page:
    """(affiliation, person, department) of the school by number: name, number or class may be searched."""
    a, d = Affiliation, Department
    rows = (
        sa.select(a, Person, d.name)
        .join(Person, Person.id == a.person_id).outerjoin(d, d.id == a.department_id).where(a.school_id == school_id)
    )  # fmt: skip
    if not query["left"]:
        rows = rows.where(a.open_at(now))
    if query["kind"]:
        rows = rows.where(a.kind == query["kind"])
    if query["q"]:
        text = like(query["q"])
        rows = rows.where(sa.or_(*(c.ilike(text, escape="\\") for c in (Person.name, a.number, a.class_name))))
    return fetch_page(session, rows, [Key(a.number, decode=str), Key(a.id)], query["cursor"], query["limit"])


def roles_of(session: Session, people_ids: list[int], school_id: int, now: datetime) -> dict[int, list[RoleAssignment]]:
    """Person → the roles they hold at the school, now or from a day to come."""
    r = RoleAssignment
    mine = sa.select(r).where(r.person_id.in_(people_ids), r.school_id == school_id)
    found: dict[int, list[RoleAssignment]] = {}
    for held in session.scalars(mine.where(sa.or_(r.until.is_(None), r.until > now)).order_by(r.id)):
        found.setdefault(held.person_id, []).append(held)
    return found


def departments(session: Session, school_id: int) -> list[tuple[int, str]]:
    query = sa.select(Department.id, Department.name).where(Department.school_id == school_id).order_by(Department.name)
    return [(id_, name) for id_, name in session.execute(query)]


def delegable(session: Session, actor: Actor) -> list[dict[str, Any]]:
    """The actor's own assignments and those that others have of them, with their places in words."""
    r, other = RoleAssignment, aliased(RoleAssignment)
    query = (
        sa.select(r, School.name, Cluster.name)
        .outerjoin(School, School.id == r.school_id).outerjoin(Cluster, Cluster.id == r.cluster_id)
        .where(r.person_id == actor.person_id, r.open_at(actor.now)).order_by(r.id)
    )  # fmt: skip
    mine: list[dict[str, Any]] = [
        {"held": held, "place": school or cluster or ""} for held, school, cluster in session.execute(query)
    ]
    ids = [each["held"].id for each in mine]
    still = sa.or_(other.until.is_(None), other.until > actor.now)
    given = (
        sa.select(other, Person.name).join(Person, Person.id == other.person_id).where(other.delegates.in_(ids), still)
    )
    others: dict[int | None, list[Any]] = {}
    for held, name in session.execute(given):
        others.setdefault(held.delegates, []).append(
            {"id": held.id, "name": name, "from": held.from_, "until": held.until}
        )
    return [{**each, "given": others.get(each["held"].id, [])} for each in mine]


# --- the audit --------------------------------------------------------------------------------------------------


def audit_rows(session: Session, schools: frozenset[int] | None, query: dict[str, Any]) -> Any:
    """Rows of the audit with the names of who did it, newest first; `schools`: only what concerns these."""
    e = AuditEvent
    rows = sa.select(e, Person.name).outerjoin(Person, Person.id == e.actor_id)
    if schools is not None:
        rows = rows.where(e.school_id.in_(sorted(schools)))
    if query["action"]:
        rows = rows.where(e.action.startswith(query["action"], autoescape=True))
    if query["person"]:
        about = sa.and_(e.subject_type == "person", e.subject_id == query["person"])
        rows = rows.where(sa.or_(e.actor_id == query["person"], about))
    if query["since"]:
        rows = rows.where(e.at >= query["since"])
    if query["until"]:
        rows = rows.where(e.at < query["until"])
    return rows


def audit_page(session: Session, schools: frozenset[int] | None, query: dict[str, Any]) -> Page:
    rows = audit_rows(session, schools, query)
    return fetch_page(session, rows, [Key(AuditEvent.id, descending=True)], query["cursor"], query["limit"])


def audit_actions(session: Session) -> list[str]:
    """The first words of the latest actions, for the filter: the audit only grows, and is not read whole for it."""
    latest = sa.select(AuditEvent.action).order_by(AuditEvent.id.desc()).limit(2000).subquery()
    found = session.scalars(sa.select(latest.c.action).distinct())
    return sorted({action.split(".")[0].removeprefix("denied:") for action in found})
