"""Lists of people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.clusters.models import Cluster, Department, School
from zutuan.paging import Key, Page, fetch_page, like
from zutuan.people.models import Affiliation, Person
from zutuan.sharing.actor import Actor, Holds


def people_of(session: Session, school_id: int, query: dict[str, Any], now: datetime) -> Page:
    """People with an open affiliation at the school, by number."""
    a = Affiliation
    rows = (
        sa.select(Person.id, Person.name, a.school_id, a.number, a.kind, Person.demonstration)
        .join(a, a.person_id == Person.id)
        .where(a.school_id == school_id, a.open_at(now))
    )
    if query["q"]:
        text = like(query["q"])
        rows = rows.where(sa.or_(Person.name.ilike(text, escape="\\"), a.number.ilike(text, escape="\\")))
    page = fetch_page(session, rows, [Key(a.number, decode=str), Key(a.id)], query["cursor"], query["limit"])
    names = ("id", "name", "school_id", "number", "kind", "demonstration")
    return Page([dict(zip(names, row, strict=True)) for row in page.items], page.next, page.total)


def school_name(session: Session, school_id: int) -> str:
    return session.scalar(sa.select(School.name).where(School.id == school_id)) or ""


def not_activated(session: Session, school_id: int, now: datetime) -> list[tuple[int | None, str, str, int]]:
    """(department id, department, class, people) of those who cannot sign in yet."""
    from zutuan.people.slips import Wanted, waiting

    a, d = Affiliation, Department
    query = (
        sa.select(a.department_id, sa.func.coalesce(d.name, ""), a.class_name, sa.func.count())
        .outerjoin(d, d.id == a.department_id)
        .where(a.school_id == school_id, a.person_id.in_(waiting(school_id, now, Wanted())))
        .group_by(a.department_id, d.name, a.class_name).order_by(d.name, a.class_name)
    )  # fmt: skip
    return [(dept, name, class_name, n) for dept, name, class_name, n in session.execute(query)]


def invitable(session: Session, school_id: int, now: datetime) -> int:
    """How many of those who cannot sign in yet have an address."""
    from zutuan.people.slips import Wanted, waiting

    ids = waiting(school_id, now, Wanted()).where(Person.email.is_not(None)).subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(ids)) or 0


def role_places(session: Session, actor: Actor) -> dict[Holds, str]:
    """Where each of the actor's roles is held, in words."""
    school_ids = {held.school_id for held in actor.roles if held.school_id}
    schools = dict(session.execute(sa.select(School.id, School.name).where(School.id.in_(school_ids))).tuples().all())
    cluster_ids = {held.cluster_id for held in actor.roles if held.cluster_id}
    clusters = dict(
        session.execute(sa.select(Cluster.id, Cluster.name).where(Cluster.id.in_(cluster_ids))).tuples().all()
    )
    return {held: schools.get(held.school_id or 0) or clusters.get(held.cluster_id or 0) or "" for held in actor.roles}
