"""People as those who run a school see them, the roles they hold, and what the audit says."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from zutuan.clusters.models import Cluster, Department, School
from zutuan.paging import Key, Page, fetch_page, like
from zutuan.people.models import Affiliation, Person, RoleAssignment
from zutuan.people.signing_in import find_school
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


def at_schools(session: Session, people: Collection[int]) -> dict[int, list[tuple[Affiliation, str]]]:
    """Person → (affiliation, school) of all time, the latest first."""
    a = Affiliation
    query = sa.select(a, School.name).join(School, School.id == a.school_id).where(a.person_id.in_(people))
    found: dict[int, list[tuple[Affiliation, str]]] = {}
    for affiliation, school in session.execute(query.order_by(a.from_.desc(), a.id.desc())):
        found.setdefault(affiliation.person_id, []).append((affiliation, school))
    return found


def person_of_number(session: Session, school: str | int, number: str, now: datetime | None = None) -> int | None:
    """Whose number that is or was, at a school by its id, name or code; with `now`, only whose it is."""
    place = find_school(session, str(school)) if school else None
    query = sa.select(Affiliation.person_id).where(Affiliation.number == number.strip())
    query = query.where(Affiliation.open_at(now)) if now else query
    return session.scalar(query.where(Affiliation.school_id == place.id)) if place else None


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
    e, survivor = AuditEvent, aliased(Person)
    name = sa.func.coalesce(survivor.name, Person.name)
    rows = sa.select(e, name).outerjoin(Person, Person.id == e.actor_id)
    rows = rows.outerjoin(survivor, survivor.id == Person.merged_into)
    if schools is not None:
        rows = rows.where(e.school_id.in_(sorted(schools)))
    if query["action"]:
        rows = rows.where(e.action.startswith(query["action"], autoescape=True))
    if query["person"]:
        ids = sa.select(Person.id).where(sa.or_(Person.id == query["person"], Person.merged_into == query["person"]))
        about = sa.and_(e.subject_type == "person", e.subject_id.in_(ids))
        rows = rows.where(sa.or_(e.actor_id.in_(ids), about))
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
