"""What `zutuan check` asks of the kernel's own rows: shares, memberships, people, audit, outbox."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from zutuan.clock import clock
from zutuan.clusters.models import Cluster, Department, Membership, School
from zutuan.feature import Problem
from zutuan.jobs import OutboxMessage
from zutuan.people.merging import goes_over
from zutuan.people.models import Affiliation, Person, RoleAssignment
from zutuan.people.rules import check_grant
from zutuan.sharing import rules, scopes
from zutuan.sharing.models import AuditEvent, Share, SharedItem

STUCK_TRIES = 8  # eight failures are some eight minutes: no longer a passing fault
WAITING = timedelta(minutes=15)  # longer in the outbox, and probably no worker runs
AHEAD = timedelta(minutes=5)  # what clocks of several machines may differ by

Rows = sa.Select[*tuple[Any, ...]]


def _found(
    session: Session, check: str, query: Rows, subject: str, detail: str, warning: bool = False
) -> list[Problem]:
    """One problem for each row: its first column says which, all columns may stand in `detail`."""
    return [
        Problem(check, f"{subject} {row[0]}", detail.format(*row), warning=warning) for row in session.execute(query)
    ]


# --- shares -----------------------------------------------------------------------------------------------------


def _without_share(scope: sa.ColumnElement[str], *where: sa.ColumnElement[bool]) -> Rows:
    own = sa.select(Share.id).where(Share.item_id == SharedItem.id, Share.aspect == rules.RECORD)
    own = own.where(Share.scope == scope, Share.open_at(clock.now())).correlate(SharedItem)
    return sa.select(SharedItem.id, SharedItem.owner_school_id).where(~own.exists(), *where)


def owners_keep_their_shares(session: Session) -> list[Problem]:
    """Whatever the audience, the owner's managers see the item, and its people once it is published."""
    name, owner = "owners_keep_their_shares", sa.cast(SharedItem.owner_school_id, sa.String)
    managers = _without_share(sa.literal("manage:school:") + owner)
    people = _without_share(sa.literal("school:") + owner, SharedItem.state == "published")
    return [
        *_found(session, name, managers, "shared_item", "no open share manage:school:{1}"),
        *_found(session, name, people, "shared_item", "no open share school:{1}"),
    ]


def scopes_are_what_they_say(session: Session) -> list[Problem]:
    """Every scope is one of the grammar's and names its cluster in `cluster_id` too; each names something that exists."""
    name, found = "scopes_are_what_they_say", []
    known = {kind: set(session.scalars(sa.select(model.id))) for kind, model in _NAMED.items()}
    for scope, cluster_id, first in session.execute(
        sa.select(Share.scope, Share.cluster_id, sa.func.min(Share.id)).group_by(Share.scope, Share.cluster_id)
    ):
        if not scopes.is_scope(scope):
            found.append(Problem(name, f"share {first}", f"{scope!r} is no scope"))
        elif scopes.cluster_of(scope) != cluster_id:
            found.append(Problem(name, f"share {first}", f"{scope} has cluster_id {cluster_id}"))
        else:
            gone = [f"{kind} {id_}" for kind, id_ in _names(scope) if id_ not in known[kind]]
            found += [Problem(name, f"share {first}", f"{scope}: there is no {each}") for each in gone]
    return found


_NAMED: dict[str, Any] = {"cluster": Cluster, "school": School, "person": Person}


def _names(scope: str) -> Iterator[tuple[str, int]]:
    """`person:3:school:7` → (person, 3), (school, 7)."""
    parts = scope.split(":")
    yield from (
        (kind, int(id_)) for kind, id_ in zip(parts, parts[1:], strict=False) if kind in _NAMED and id_.isdecimal()
    )


def audiences_have_no_twins(session: Session) -> list[Problem]:
    """An audience's scope stands once: ending it would else leave its twin open. (A person may hold several promises.)"""
    query = (
        sa.select(Share.item_id, Share.scope)
        .where(Share.open_at(clock.now()), Share.aspect == rules.RECORD, ~Share.scope.startswith("person:"))
        .group_by(Share.item_id, Share.scope)
        .having(sa.func.count() > 1)
    )
    return _found(session, "audiences_have_no_twins", query, "shared_item", "{1} is open more than once")


# --- clusters ---------------------------------------------------------------------------------------------------


def memberships_do_not_overlap(session: Session) -> list[Problem]:
    """A school is in a cluster once at any instant, and a cluster has at most one lead."""
    one, other = aliased(Membership), aliased(Membership)
    together = sa.and_(
        one.id < other.id, one.cluster_id == other.cluster_id,
        sa.or_(one.until.is_(None), one.until > other.from_), sa.or_(other.until.is_(None), other.until > one.from_),
        sa.or_(one.until.is_(None), one.until > one.from_), sa.or_(other.until.is_(None), other.until > other.from_),
    )  # fmt: skip
    pairs = sa.select(one.id, other.id, one.cluster_id).join(other, together)
    name = "memberships_do_not_overlap"
    leads = pairs.where(one.role == "lead", other.role == "lead", one.school_id != other.school_id)
    return [
        *_found(session, name, pairs.where(one.school_id == other.school_id), "membership", "overlaps membership {1}"),
        *_found(session, name, leads, "membership", "leads cluster {2} together with membership {1}"),
    ]


def clusters_have_a_lead(session: Session) -> list[Problem]:
    """The notice's principle, which real clusters break: a warning."""
    lead = sa.select(Membership.id).where(Membership.cluster_id == Cluster.id, Membership.role == "lead")
    members = sa.select(Membership.id).where(Membership.cluster_id == Cluster.id, Membership.open_at(clock.now()))
    query = sa.select(Cluster.id).where(members.exists(), ~lead.where(Membership.open_at(clock.now())).exists())
    return _found(session, "clusters_have_a_lead", query, "cluster", "has members and no lead now", warning=True)


# --- people -----------------------------------------------------------------------------------------------------


def departments_are_of_their_school(session: Session) -> list[Problem]:
    found = []
    for model, subject in ((Affiliation, "affiliation"), (RoleAssignment, "role_assignment")):
        query = sa.select(model.id, model.department_id).join(Department, Department.id == model.department_id)
        query = query.where(sa.or_(model.school_id.is_(None), Department.school_id != model.school_id))
        detail = "department {1} is another school's"
        found += _found(session, "departments_are_of_their_school", query, subject, detail)
    return found


def roles_are_where_they_may_be(session: Session) -> list[Problem]:
    """Every role is one that can be granted, at the kind of place it is held at."""
    r = RoleAssignment
    kind = sa.case(
        (r.cluster_id.is_not(None), "cluster"), (r.department_id.is_not(None), "department"),
        (r.school_id.is_not(None), "school"), else_="platform",
    )  # fmt: skip
    query = sa.select(r.role, kind, sa.func.min(r.id)).group_by(r.role, kind)
    return [
        Problem("roles_are_where_they_may_be", f"role_assignment {first}", f"{role} at a {place}")
        for role, place, first in session.execute(query)
        if check_grant(role, place) is not None
    ]


def somebody_runs_the_platform(session: Session) -> list[Problem]:
    """Without a platform admin only the command line can grant anything."""
    now, r = clock.now(), RoleAssignment
    admins = sa.select(r.id).join(Person, Person.id == r.person_id)
    admins = admins.where(r.role == "platform_admin", r.open_at(now), Person.state == "active")
    if session.scalar(admins.limit(1)) is not None or session.scalar(sa.select(Person.id).limit(1)) is None:
        return []
    detail = "no active platform admin; zutuan grant EMAIL platform_admin"
    return [Problem("somebody_runs_the_platform", "platform", detail, warning=True)]


def nothing_is_a_tombstone_s(session: Session) -> list[Problem]:
    """Whoever has been merged has nothing any more: a request that was under way at that instant may leave a row behind."""
    found = []
    for table, column in goes_over():
        gone = aliased(Person)
        rows = sa.select(table.c.id, column).select_from(table).join(gone, gone.id == column)
        late = rows.where(gone.state == "merged").limit(20)
        found += _found(session, "nothing_is_a_tombstone_s", late, table.name, f"{column.name} {{1}} has been merged")
    return found


def nothing_goes_on_where_a_school_ended(session: Session) -> list[Problem]:
    """A school that another one took over has nobody and belongs nowhere any more."""
    name, now, ended = "nothing_goes_on_where_a_school_ended", clock.now(), School.successor_id.is_not(None)
    detail = "still open at school {1}, which was taken over"
    return [
        problem
        for table in (Affiliation, Membership, RoleAssignment)
        for problem in _found(
            session, name,
            sa.select(table.id, School.id).join(School, School.id == table.school_id).where(ended, table.open_at(now)).limit(20),
            table.__tablename__, detail,
        )
    ]  # fmt: skip


# --- audit and outbox -------------------------------------------------------------------------------------------


def audit_names_people(session: Session) -> list[Problem]:
    """Nobody is deleted: an actor of the audit is a person, and nothing lies ahead of now."""
    name, e = "audit_names_people", AuditEvent
    nobody = sa.select(e.id, e.actor_id).outerjoin(Person, Person.id == e.actor_id)
    nobody = nobody.where(e.actor_id.is_not(None), Person.id.is_(None))
    other = sa.select(e.id, e.affiliation_id).join(Affiliation, Affiliation.id == e.affiliation_id)
    ahead = sa.select(e.id, e.at).where(e.at > clock.now() + AHEAD)
    return [
        *_found(session, name, nobody.limit(20), "audit_event", "there is no person {1}"),
        *_found(session, name, other.where(e.actor_id.is_(None)).limit(20), "audit_event", "affiliation {1} of nobody"),
        *_found(session, name, ahead.limit(20), "audit_event", "is dated {1}, after now", warning=True),
    ]


def outbox_moves(session: Session) -> list[Problem]:
    """What follows commits is done: nothing fails again and again, nothing waits long for a worker."""
    m, now = OutboxMessage, clock.now()
    undone = sa.select(m.id, m.topic, m.attempts, m.error).where(m.done_at.is_(None))
    stuck = undone.where(m.attempts >= STUCK_TRIES).order_by(m.id).limit(20)
    waiting = session.scalar(
        sa.select(sa.func.min(m.available_at)).where(
            m.done_at.is_(None), m.attempts == 0, m.available_at < now - WAITING
        )
    )
    found = _found(session, "outbox_moves", stuck, "outbox", "{1} failed {2} times: {3}")
    if waiting is not None:
        detail = f"waits since {waiting.isoformat()}; does zutuan worker run?"
        found.append(Problem("outbox_moves", "outbox", detail, warning=True))
    return found


CHECKS = (
    owners_keep_their_shares, scopes_are_what_they_say, audiences_have_no_twins, memberships_do_not_overlap,
    clusters_have_a_lead, departments_are_of_their_school, roles_are_where_they_may_be, somebody_runs_the_platform,
    nothing_is_a_tombstone_s, nothing_goes_on_where_a_school_ended,
    audit_names_people, outbox_moves,
)  # fmt: skip
