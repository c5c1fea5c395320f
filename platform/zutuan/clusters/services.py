"""Writing schools, clusters and memberships. Without an actor it is the command line of the machine's operator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from zutuan.clock import local
from zutuan.clusters import notices, queries, rules
from zutuan.clusters.models import Cluster, FormerName, Membership, School
from zutuan.clusters.permissions import allow, cluster_subject, school_subject
from zutuan.decision import FieldError, Refusal
from zutuan.errors import Invalid, NotFound, Refused, insist
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit, fetch

# --- schools ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SchoolFacts:
    """What a school is, as lists have it. `code` is None where the ministry's list has a hole."""

    name: str
    code: str | None = None
    province: str = ""
    city: str = ""
    level: str = ""
    supervisor: str = ""


def create_school(session: Session, actor: Actor | None, facts: SchoolFacts, now: datetime) -> School:
    if actor is not None:
        allow.require(actor, "school.create", school_subject(actor))
    _free(session, School.name, facts.name, "school_name_taken")
    if facts.code:
        _free(session, School.code, facts.code, "school_code_taken")
    school = School(**asdict(facts))
    session.add(school)
    session.flush()
    audit(session, actor, "school.create", Subject("school", school.id), now=now, school_id=school.id)
    return school


def remember(session: Session, school_id: int, name: str, until: date) -> None:
    """A former name, once; called so again and renamed again, the later day holds."""
    before = session.scalar(sa.select(FormerName).where(FormerName.school_id == school_id, FormerName.name == name))
    if before is None:
        session.add(FormerName(school_id=school_id, name=name, until=until))
    else:
        before.until = until


def _free(session: Session, column: Any, value: str, code: str) -> None:
    taken = session.scalar(sa.select(School.name).where(column == value))
    if taken is not None:
        raise Refused(code, school=taken, number=value)


def write_schools(
    session: Session, new: Sequence[SchoolFacts], changed: Mapping[int, SchoolFacts], now: datetime
) -> None:
    """Many at once, for the import, which has checked them and writes the audit row. Who is called otherwise in the new
    list has a former name from today on."""
    for id_, name in session.execute(sa.select(School.id, School.name).where(School.id.in_(list(changed)))).all():
        if name != changed[id_].name:
            remember(session, id_, name, local(now).date())
    if new:
        session.execute(sa.insert(School), [asdict(facts) for facts in new])
    if changed:
        session.execute(sa.update(School), [{"id": id_, **asdict(facts)} for id_, facts in changed.items()])


# --- clusters ---------------------------------------------------------------------------------------------------


def create_cluster(session: Session, actor: Actor | None, name: str, now: datetime) -> Cluster:
    if actor is not None:
        allow.require(actor, "cluster.create", cluster_subject(actor))
    if session.scalar(sa.select(Cluster.id).where(Cluster.name == name)):
        raise Refused("cluster_name_taken", cluster=name)
    cluster = Cluster(name=name)
    session.add(cluster)
    session.flush()
    audit(session, actor, "cluster.create", Subject("cluster", cluster.id), now=now)
    return cluster


def _locked(session: Session, cluster_id: int) -> Cluster:
    """The cluster, for this transaction alone: what is then read of its memberships stays true until it commits."""
    cluster = session.get(Cluster, cluster_id, with_for_update=True)
    if cluster is None:
        raise NotFound
    return cluster


# --- memberships ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Joining:
    """A school that becomes a member from an instant on."""

    school_id: int
    role: str
    from_: datetime


def add_membership(
    session: Session, actor: Actor | None, cluster_id: int, joining: Joining, now: datetime
) -> Membership:
    """Make a school a member. Raises Refused when it is one already, or when the cluster has its lead."""
    cluster = _locked(session, cluster_id)
    if actor is not None:
        allow.require(actor, "cluster.add_member", cluster_subject(actor, cluster_id))
    if session.get(School, joining.school_id) is None:
        raise Invalid.field("school_id", "no_such")
    _check_field(rules.check_start(joining.from_, now))
    return _join(session, actor, cluster, joining, now)


def add_memberships(
    session: Session, actor: Actor | None, cluster: Cluster, joinings: Iterable[Joining], now: datetime
) -> None:
    """Several at once, for the import: each is checked and audited like one alone."""
    for joining in joinings:
        _join(session, actor, cluster, joining, now)


def _join(session: Session, actor: Actor | None, cluster: Cluster, joining: Joining, now: datetime) -> Membership:
    insist(_refusal(session, cluster.id, joining))
    try:
        with session.begin_nested():
            return _write_membership(session, actor, cluster, joining, now)
    except IntegrityError as error:
        # Somebody was quicker by another way: the database's own guard held, and now the reason can be read.
        raise Refused.because(_refusal(session, cluster.id, joining) or Refusal("conflict")) from error


def _write_membership(
    session: Session, actor: Actor | None, cluster: Cluster, joining: Joining, now: datetime
) -> Membership:
    membership = Membership(
        cluster_id=cluster.id, school_id=joining.school_id, role=joining.role, from_=joining.from_
    )  # fmt: skip
    session.add(membership)
    cluster.version += 1
    session.flush()
    audit(
        session, actor, "membership.add", Subject("membership", membership.id), now=now,
        school_id=joining.school_id, cluster_id=cluster.id, role=joining.role, at=joining.from_.isoformat(),
    )  # fmt: skip
    return membership


def _refusal(session: Session, cluster_id: int, joining: Joining) -> Refusal | None:
    school = session.get(School, joining.school_id)
    if school is not None and school.successor_id is not None:
        return Refusal("school_succeeded", {"school": school.name})
    stays = queries.stays(session, Membership.cluster_id == cluster_id)
    return rules.may_join(stays, joining.school_id, joining.role, joining.from_)


def end_membership(
    session: Session, actor: Actor | None, cluster_id: int, membership_id: int, at: datetime | None, now: datetime
) -> Membership:
    """End a membership at that instant; None: now, and one that has not begun is called off. From then on the school
    and the others see nothing of each other through this cluster; what was promised stands in shares of its own."""
    cluster = _locked(session, cluster_id)
    if actor is not None:
        allow.require(actor, "cluster.end_membership", cluster_subject(actor, cluster_id))
    membership = fetch(session, Membership, membership_id)
    if membership.cluster_id != cluster_id:
        raise NotFound
    session.refresh(membership)
    (stay,) = queries.stays(session, Membership.id == membership_id)
    moment = at or max(now, stay.from_)
    insist(rules.may_end(stay, now))
    _check_field(rules.check_end(stay, moment, now))
    membership.until = moment
    cluster.version += 1
    audit(
        session, actor, "membership.end", Subject("membership", membership.id), now=now,
        school_id=membership.school_id, cluster_id=cluster_id, role=membership.role, at=moment.isoformat(),
    )  # fmt: skip
    notices.ended(session, cluster, membership, moment, now)
    return membership


def _check_field(error: FieldError | None) -> None:
    if error is not None:
        raise Invalid(errors=[error])
