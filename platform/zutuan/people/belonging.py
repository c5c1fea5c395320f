"""Proposed affiliations, which their owners accept or decline; accounts that are closed to their owners."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from zutuan.clusters.models import Department
from zutuan.errors import NotFound, Refused
from zutuan.people.keys import proven_address
from zutuan.people.models import Affiliation, Person, Proposal, WebSession
from zutuan.people.permissions import allow
from zutuan.people.services import ensure_department, home_school
from zutuan.people.slips import within_reach
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Place, Subject
from zutuan.sharing.services import audit, fetch


def proposals_of(session: Session, actor: Actor) -> list[Proposal]:
    query = sa.select(Proposal).where(Proposal.person_id == actor.person_id, Proposal.state == "open")
    return list(session.scalars(query.options(joinedload(Proposal.school)).order_by(Proposal.id)))


def decide(session: Session, actor: Actor, proposal_id: int, *, accept: bool) -> Proposal:
    """Accept: the affiliation begins now, as the roster says it. Decline: the school sees it in its next import."""
    proposal = session.get(Proposal, proposal_id, with_for_update=True)
    if proposal is None or proposal.person_id != actor.person_id:
        raise NotFound
    if proposal.state != "open":
        raise Refused("proposal_decided")
    if accept and not proven_address(session, actor.person_id):
        raise Refused("address_unproven")
    proposal.state, proposal.decided_at = ("accepted" if accept else "declined"), actor.now
    if accept:
        session.add(_affiliation(session, proposal, actor))
    action = f"affiliation.{'accept' if accept else 'decline'}"
    audit(session, actor, action, Subject("person", actor.person_id), now=actor.now, school_id=proposal.school_id)
    return proposal


def _affiliation(session: Session, proposal: Proposal, actor: Actor) -> Affiliation:
    values = dict(proposal.values)
    name = values.pop("department", "")
    department: Department | None = ensure_department(session, proposal.school_id, name) if name else None
    taken = sa.select(Affiliation.id).where(Affiliation.school_id == proposal.school_id)
    if session.scalar(taken.where(Affiliation.number == proposal.number)) is not None:
        raise Refused("number_taken")
    return Affiliation(
        person_id=actor.person_id, school_id=proposal.school_id, number=proposal.number, from_=actor.now,
        department_id=department.id if department else None, **values,
    )  # fmt: skip


# --- disabling --------------------------------------------------------------------------------------------------


def account_subject(session: Session, person_id: int) -> Subject:
    """Whose account it is to disable: the one school's where it is used; used at several, only the platform's."""
    school_id = home_school(session, (person_id,))
    return Subject("person", person_id, places={"only": Place(school_id)} if school_id else {})


def set_disabled(session: Session, actor: Actor, person_id: int, *, disabled: bool) -> Person:
    """Nothing of the account works from its next request on; enabling brings no old sign-in back."""
    person = fetch(session, Person, person_id)
    allow.require(actor, "person.disable", account_subject(session, person_id))
    own_school = account_subject(session, person_id).places.get("only")
    everywhere = allow.may(actor, "person.view_as", Subject("person", person_id))
    if (
        own_school is not None
        and not everywhere
        and not session.scalar(
            sa.select(Person.id).where(Person.id == person_id, within_reach(actor, own_school.school_id))
        )
    ):
        raise Refused("account_beyond_reach")
    wanted, before = ("disabled", "active") if disabled else ("active", "disabled")
    if person.state != before:
        raise Refused("account_state")
    if person_id == actor.person_id:
        raise Refused("disable_oneself")
    person.state = wanted
    session.execute(sa.delete(WebSession).where(WebSession.person_id == person_id))
    audit(session, actor, f"person.{wanted}", Subject("person", person_id), now=actor.now)
    return person
