"""Somebody leaves a school: their affiliation ends on a day, with a reason, and what hangs on it with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.clusters.models import School
from zutuan.errors import Denial, Hidden, Invalid, NotFound, Refused, insist
from zutuan.notices.services import tell
from zutuan.people import rules
from zutuan.people.hooks import Holding, PeopleHook
from zutuan.people.models import Affiliation, Person, RoleAssignment
from zutuan.people.permissions import allow
from zutuan.people.roles import may_grant, place_of
from zutuan.people.roster_rules import STAYS
from zutuan.people.slips import school_subject
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit


def view(session: Session, actor: Actor, affiliation_id: int) -> Affiliation:
    """The affiliation, for those who may end it; 404 for all others."""
    affiliation = session.get(Affiliation, affiliation_id)
    if affiliation is None:
        raise NotFound
    if not allow.may(actor, "affiliation.end", school_subject(affiliation.school_id)):
        raise Hidden(Denial("affiliation.end", "affiliation", affiliation_id))
    return affiliation


def holdings(session: Session, hooks: Sequence[PeopleHook], affiliation: Affiliation, now: datetime) -> list[Holding]:
    """What the person has at the school, feature by feature."""
    place = (affiliation.person_id, affiliation.school_id, now)
    return [each for hook in hooks if hook.holdings for each in hook.holdings(session, *place)]


def end(session: Session, actor: Actor, affiliation_id: int, at: datetime | None, reason: str) -> Affiliation:
    """End it at that instant (now, if none). From its next request the person is nothing at the school any more; seats
    they hold stay until a registrar deals with them."""
    affiliation = view(session, actor, affiliation_id)
    session.refresh(affiliation, with_for_update=True)
    now, moment = actor.now, at or actor.now
    if affiliation.person_id == actor.person_id:
        raise Refused("end_oneself")
    refusal = rules.check_affiliation_end(affiliation.from_, affiliation.until, moment, now)
    if refusal is not None and refusal.code == "affiliation_ended":
        insist(refusal)
    if refusal is not None:
        raise Invalid.field("at", refusal.code)
    held = _roles_here(session, affiliation, now)
    if not all(may_grant(actor, each.role, place_of(each)) for each in held):
        raise Refused("affiliation_beyond_reach")
    affiliation.until, affiliation.end_reason = moment, reason
    if moment <= now and affiliation.standing in STAYS:
        affiliation.standing = "left"  # seats that are still held go to the registrar's list
    if not _also_here(session, affiliation, moment):
        for each in held:
            if each.until is None or each.until > moment:
                each.until = max(moment, each.from_)
    _tell(session, actor, affiliation, moment, len(held))
    return affiliation


def _roles_here(session: Session, affiliation: Affiliation, now: datetime) -> list[RoleAssignment]:
    r = RoleAssignment
    mine = sa.select(r).where(r.person_id == affiliation.person_id, r.school_id == affiliation.school_id)
    return list(session.scalars(mine.where(sa.or_(r.until.is_(None), r.until > now)).order_by(r.id)))


def _also_here(session: Session, affiliation: Affiliation, at: datetime) -> bool:
    """Whether they are at the school under another number as well."""
    a = Affiliation
    other = sa.select(a.id).where(a.person_id == affiliation.person_id, a.school_id == affiliation.school_id)
    return session.scalar(other.where(a.id != affiliation.id, a.open_at(at))) is not None


def _tell(session: Session, actor: Actor, affiliation: Affiliation, at: datetime, roles: int) -> None:
    person_id, school_id = affiliation.person_id, affiliation.school_id
    audit(
        session, actor, "affiliation.end", Subject("person", person_id), now=actor.now, school_id=school_id,
        affiliation=affiliation.id, at=at.isoformat(), roles=roles,
    )  # fmt: skip
    params = {"school": session.get_one(School, school_id).name, "until": at.isoformat()}
    key = f"affiliation:{affiliation.id}:end:{at.isoformat()}"
    tell(session, [person_id], "affiliation.ended", key, params, "/account", actor.now)


def name_of(session: Session, affiliation: Affiliation) -> str:
    return session.get_one(Person, affiliation.person_id).name
