"""Roles over time: granted, revoked, and delegated while somebody is away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.clusters.models import Cluster, Department, Membership
from zutuan.errors import Denial, Hidden, Invalid, NotFound, Refused, insist
from zutuan.notices.services import tell
from zutuan.paging import Key, Page, fetch_page
from zutuan.people import rules
from zutuan.people.models import Affiliation, Person, RoleAssignment
from zutuan.people.permissions import allow
from zutuan.people.services import role_stands
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Place, Subject
from zutuan.sharing.services import audit, fetch

MAX_AT_ONCE = 100


@dataclass(frozen=True)
class At:
    """Where a role is held; all None for the platform."""

    school_id: int | None = None
    department_id: int | None = None
    cluster_id: int | None = None

    @property
    def kind(self) -> str:
        if self.cluster_id is not None:
            return "cluster"
        if self.department_id is not None:
            return "department"
        return "school" if self.school_id is not None else "platform"


def grant_role(
    session: Session,
    actor: Actor | None,
    person: Person,
    role: str,
    at: At,
    now: datetime,
    until: datetime | None = None,
) -> RoleAssignment:
    """Give a role at a place. Without an actor it is the command line of the machine's operator.

    A person takes it up who has activated their account: the address of one that nobody has opened yet is a roster's
    word, and whoever reads that mailbox would be the one to act in the role.
    """
    insist(rules.check_grant(role, at.kind))
    if actor is not None:
        places = {"school": Place(at.school_id, at.department_id)} if at.school_id else {}
        subject = Subject("person", person.id, places=places, cluster_id=at.cluster_id)
        allow.require(actor, f"role.grant.{role}", subject)
        insist(rules.may_hold_a_role(person.state, person.password_hash is not None, person.name))
    if at.department_id is not None:
        department = session.get(Department, at.department_id)
        if department is None or department.school_id != at.school_id:
            raise Invalid.field("department_id", "no_such")
    if at.school_id is not None and not _belongs(session, person.id, at.school_id, now):
        raise Refused("no_affiliation_here")
    if at.cluster_id is not None and session.get(Cluster, at.cluster_id) is None:
        raise Invalid.field("cluster_id", "no_such")
    held = RoleAssignment(
        person_id=person.id, role=role, school_id=at.school_id, department_id=at.department_id,
        cluster_id=at.cluster_id, from_=now, until=until, granted_by=actor.person_id if actor else None,
    )  # fmt: skip
    session.add(held)
    where = at.cluster_id or at.department_id or at.school_id
    audit(
        session, actor, "role.grant", Subject("person", person.id), now=now, school_id=at.school_id,
        role=role, place=at.kind, place_id=where,
    )  # fmt: skip
    return held


def _belongs(session: Session, person_id: int, school_id: int, now: datetime) -> bool:
    query = sa.select(Affiliation.id).where(Affiliation.person_id == person_id, Affiliation.school_id == school_id)
    return session.scalar(query.where(Affiliation.open_at(now))) is not None


def holders(session: Session, role: str, school_id: int, now: datetime, department_id: int | None = None) -> list[int]:
    """Person ids that hold the role at the school now, for notices."""
    r, a = RoleAssignment, Affiliation
    here = sa.and_(a.person_id == r.person_id, a.school_id == r.school_id, a.open_at(now))
    query = sa.select(r.person_id).join(a, here).join(Person, Person.id == r.person_id)
    query = query.where(r.role == role, r.school_id == school_id, role_stands(now), Person.state == "active")
    limited = sa.or_(r.department_id.is_(None), r.department_id == department_id)
    return sorted(set(session.scalars(query.where(limited))))


def subject_of(person_id: int, at: At) -> Subject:
    places = {"school": Place(at.school_id, at.department_id)} if at.school_id else {}
    return Subject("person", person_id, places=places, cluster_id=at.cluster_id)


def may_grant(actor: Actor, role: str, at: At) -> bool:
    return allow.may(actor, f"role.grant.{role}", subject_of(0, at))


def grantable(actor: Actor, school_id: int) -> list[str]:
    """Roles that the actor may grant at that school."""
    return [
        role for role, (place, _) in rules.GRANTS.items() if place == "school" and may_grant(actor, role, At(school_id))
    ]


def grant_many(
    session: Session, actor: Actor, people: Sequence[int], role: str, at: At, from_: datetime, until: datetime | None
) -> list[RoleAssignment]:
    """Grant one role to several people, all or none; who holds it already keeps it as it is."""
    if not people:
        raise Invalid.field("people", "required")
    if len(set(people)) > MAX_AT_ONCE:
        raise Invalid.field("people", "too_many_items", max=MAX_AT_ONCE)
    refusal = rules.check_dates(from_, until, actor.now)
    if refusal is not None:
        raise Invalid.field("until", refusal.code)
    insist(rules.check_grant(role, at.kind))
    allow.require(actor, f"role.grant.{role}", subject_of(0, at))  # before anything is said about the people
    if not may_grant(actor.in_own_right, role, at):
        raise Refused("deputy_grants_nothing")  # what a deputy granted would outlive the leave
    made = []
    for person_id in dict.fromkeys(people):
        person = fetch(session, Person, person_id)
        if _held(session, person_id, role, at, from_) is not None:
            continue
        held = grant_role(session, actor, person, role, at, actor.now, until)
        held.from_ = max(from_, actor.now)
        session.flush()
        made.append(held)
        params = {"role": role, "school": at.school_id, "cluster": at.cluster_id}
        tell(session, [person_id], "role.granted", f"role:{held.id}", params, "/account", actor.now)
    return made


def _held(session: Session, person_id: int, role: str, at: At, when: datetime) -> RoleAssignment | None:
    r = RoleAssignment
    same = sa.and_(
        r.person_id == person_id, r.role == role, r.school_id.is_not_distinct_from(at.school_id),
        r.department_id.is_not_distinct_from(at.department_id), r.cluster_id.is_not_distinct_from(at.cluster_id),
    )  # fmt: skip
    return session.scalars(sa.select(r).where(same, r.open_at(when), r.delegates.is_(None))).first()


def place_of(held: RoleAssignment) -> At:
    return At(held.school_id, held.department_id, held.cluster_id)


def assignments(session: Session, actor: Actor, at: At | None, query: dict[str, Any]) -> Page:
    """(assignment, name) of all who hold a role at the place, or will; `at` None: the actor's own, wherever."""
    r = RoleAssignment
    rows = sa.select(r, Person.name).join(Person, Person.id == r.person_id)
    rows = rows.where(sa.or_(r.until.is_(None), r.until > actor.now))
    if at is None:
        rows = rows.where(r.person_id == actor.person_id)
    else:
        allow.require(actor, "role.list", subject_of(0, at))
        rows = rows.where(
            r.school_id.is_not_distinct_from(at.school_id), r.cluster_id.is_not_distinct_from(at.cluster_id)
        )
    return fetch_page(session, rows, [Key(r.id)], query["cursor"], query["limit"])


def revocable(session: Session, actor: Actor, assignment_id: int) -> RoleAssignment:
    """The assignment, for whoever may end it; 404 for all others."""
    held = fetch(session, RoleAssignment, assignment_id)
    source = session.get(RoleAssignment, held.delegates) if held.delegates else None
    own = source is not None and source.person_id == actor.person_id
    if not own and not may_grant(actor, held.role, place_of(held)):
        raise Hidden(Denial(f"role.grant.{held.role}", "role", assignment_id))
    return held


def revoke(session: Session, actor: Actor, assignment_id: int) -> RoleAssignment:
    """End a role now, and what was delegated of it; by whoever may grant it, or by the delegator."""
    held = revocable(session, actor, assignment_id)
    if held.until is not None and held.until <= actor.now:
        raise Refused("role_ended")
    if held.role == "platform_admin" and _last_platform_admin(session, held, actor.now):
        raise Refused("last_platform_admin")
    _end(session, actor, held)
    return held


def _last_platform_admin(session: Session, held: RoleAssignment, now: datetime) -> bool:
    r = RoleAssignment
    others = sa.select(r.id).where(r.role == "platform_admin", r.id != held.id, r.open_at(now), r.delegates.is_(None))
    return session.scalar(others.join(Person, Person.id == r.person_id).where(Person.state == "active")) is None


def _end(session: Session, actor: Actor, held: RoleAssignment) -> None:
    held.until = max(actor.now, held.from_)
    audit(
        session, actor, "role.revoke", Subject("person", held.person_id), now=actor.now, school_id=held.school_id,
        role=held.role, assignment=held.id,
    )  # fmt: skip
    params = {"role": held.role, "school": held.school_id, "cluster": held.cluster_id}
    tell(session, [held.person_id], "role.revoked", f"role:{held.id}:end", params, "/account", actor.now)
    r = RoleAssignment
    still = sa.or_(r.until.is_(None), r.until > actor.now)
    for child in session.scalars(sa.select(r).where(r.delegates == held.id, still)):
        _end(session, actor, child)


# --- delegation -------------------------------------------------------------------------------------------------


def delegate(
    session: Session, actor: Actor, assignment_id: int, number: str, from_: datetime, until: datetime
) -> RoleAssignment:
    """Let somebody of the same school act in one's role for some days; it never outlives the role itself."""
    source = session.get(RoleAssignment, assignment_id)
    if source is None or source.person_id != actor.person_id:
        raise NotFound
    insist(rules.may_delegate(source.role, source.delegates is not None, source.from_, source.until, actor.now))
    refusal = rules.check_dates(from_, until, actor.now) or rules.check_leave(from_, until)
    if refusal is not None:
        raise Invalid.field("until", refusal.code, **refusal.params)
    other = _colleague(session, source, number, actor)
    held = RoleAssignment(
        person_id=other, role=source.role, school_id=source.school_id, department_id=source.department_id,
        cluster_id=source.cluster_id, from_=max(from_, actor.now), until=min(until, source.until or until),
        granted_by=actor.person_id, delegates=source.id,
    )  # fmt: skip
    session.add(held)
    session.flush()
    audit(
        session, actor, "role.delegate", Subject("person", other), now=actor.now, school_id=source.school_id,
        role=source.role, assignment=held.id,
    )  # fmt: skip
    params = {"role": held.role, "name": actor.name, "until": until.isoformat()}
    tell(session, [other], "role.delegated", f"role:{held.id}", params, "/account", actor.now)
    return held


def _colleague(session: Session, source: RoleAssignment, number: str, actor: Actor) -> int:
    """Whose number it is at the school of the role; for a cluster's role, at one's own school if it is a member."""
    a = Affiliation
    school_id = source.school_id
    if school_id is None:
        m = Membership
        mine = sa.select(m.school_id).where(m.cluster_id == source.cluster_id, m.open_at(actor.now))
        members = set(session.scalars(mine)) & actor.school_ids
        school_id = next(iter(sorted(members or actor.school_ids)), 0)
    query = sa.select(a.person_id).join(Person, Person.id == a.person_id).where(Person.state == "active")
    found = session.scalar(query.where(a.school_id == school_id, a.number == number.strip(), a.open_at(actor.now)))
    if found is None:
        raise Invalid.field("number", "nobody_of_that_number")
    if found == actor.person_id:
        raise Invalid.field("number", "delegate_to_oneself")
    if session.scalar(sa.select(a.kind).where(a.person_id == found, a.school_id == school_id)) == "student":
        raise Invalid.field("number", "delegate_is_student")
    return found
