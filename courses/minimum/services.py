"""Deciding whether a class takes place: once, by the host, all or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from courses.catalogue import hooks
from courses.catalogue import queries as catalogue
from courses.catalogue.models import Course, Offering
from courses.catalogue.rules import next_offering_state
from courses.catalogue.services import new_edition, teaching_ends
from courses.catalogue.timing import TYPE
from courses.enrolment import steps
from courses.enrolment.models import Enrolment
from courses.minimum import notices, policies, queries, rules
from courses.minimum.models import LostSeat
from courses.minimum.permissions import allow
from zutuan.calendar.book import call_off
from zutuan.decision import Refusal
from zutuan.errors import Invalid, Refused, insist, say
from zutuan.policies import services as policy_values
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

AT_ONCE = 50


def confirm(session: Session, actor: Actor, offering_id: int, reason: str) -> Offering:
    """It takes place with fewer students than its minimum: the host's right, with a reason."""
    offering = _held(session, actor, offering_id)
    insist(rules.may_confirm(queries.class_of(session, offering), actor.now))
    _decide(offering, actor, reason)
    session.flush()
    _audit(session, actor, "offering.confirm", offering, actor.now)
    notices.confirmed(session, offering, _people(session, offering), actor.now)
    return offering


def cancel(session: Session, actor: Actor, offering_id: int, reason: str) -> Offering:
    """停开: every place in it ends, nothing of it is taught any more, and who held a seat may look for another class."""
    offering = _held(session, actor, offering_id)
    insist(rules.may_cancel(queries.class_of(session, offering), actor.now))
    _decide(offering, actor, reason)
    state = next_offering_state(offering.state, "cancel")
    assert not isinstance(state, Refusal)
    days = int(policy_values.value(session, policies.RESCUE.key, offering.course.school_id, actor.now))
    ends = teaching_ends(offering.term)
    offering.state, offering.rescue_until = state, rules.rescue_until(actor.now, ends, days)
    session.flush()
    ended = _end_all(session, actor, offering, reason)
    source = (TYPE, offering.id)
    meetings = call_off(session, source, source, actor.now)
    for each in hooks.sources_of(session, offering.id):
        call_off(session, each, each, actor.now)
    _audit(session, actor, "offering.cancel", offering, actor.now, ended=len(ended), meetings=meetings)
    notices.cancelled(session, actor, offering, ended, reason)
    return offering


def _held(session: Session, actor: Actor, offering_id: int) -> Offering:
    """The offering, held until the commit: nobody else decides it, and nobody begins to enrol in it."""
    view = catalogue.view_offering(session, actor, offering_id, "minimum.decide")
    allow.require(actor, "minimum.decide", catalogue.subject(view.course))
    held = sa.select(Offering).where(Offering.id == offering_id).with_for_update(of=Offering)
    return session.scalars(held.execution_options(populate_existing=True)).one()


def _decide(offering: Offering, actor: Actor, reason: str) -> None:
    if not reason:
        raise Invalid.field("reason", "reason_needed")
    offering.decided_at = offering.updated_at = actor.now
    offering.decided_by, offering.decision_reason = actor.person_id, reason


def _end_all(session: Session, actor: Actor, offering: Offering, reason: str) -> list[Enrolment]:
    """Everybody's place ends, and what it promised; seats come free and go to nobody. Who was about to take one is told
    to look again. Answers whose ended; whose seat is lost stands in `LostSeat`."""
    e = Enrolment
    active = sa.select(e).where(e.offering_id == offering.id, e.active()).order_by(e.id).with_for_update(of=e)
    enrolments = list(session.scalars(active.execution_options(populate_existing=True)))
    new_edition(session, [offering])
    kept = _keep_another(session, enrolments)
    for each in enrolments:
        seated = each.pool_id is not None
        steps.apply(session, actor, each, "cancel", "host", reason)
        if seated and each.id not in kept:
            session.add(LostSeat(enrolment_id=each.id, offering_id=offering.id))
    session.flush()
    return enrolments


def _keep_another(session: Session, enrolments: Sequence[Enrolment]) -> set[int]:
    """Those that were to replace a seat in another class: that one was never given up."""
    wanted = {each.replaces_id: each.id for each in enrolments if each.replaces_id is not None}
    query = sa.select(Enrolment.id).where(Enrolment.id.in_(sorted(wanted)), Enrolment.holds_seat())
    return {wanted[id_] for id_ in session.scalars(query)} if wanted else set()


def _people(session: Session, offering: Offering) -> list[int]:
    """Who holds a seat in it, and who teaches it."""
    held = sa.select(Enrolment.person_id).where(Enrolment.offering_id == offering.id, Enrolment.holds_seat())
    return [*session.scalars(held), *(each.person_id for each in offering.course.staff)]


def _audit(
    session: Session, actor: Actor | None, action: str, offering: Offering, now: datetime, **detail: int
) -> None:
    subject = Subject("offering", offering.id)
    audit(session, actor, action, subject, now=now, school_id=offering.course.school_id, **detail)


def decide_all(session: Session, actor: Actor, ids: Sequence[int], event: str, reason: str) -> None:
    """`confirm` or `cancel` several, in the order of their ids: all or none. What stands against one names it."""
    if not ids:
        raise Refused("nothing_chosen")
    if len(ids) > AT_ONCE:
        raise Refused("too_many_chosen", max=AT_ONCE)
    for offering_id in sorted(ids):
        try:
            (confirm if event == "confirm" else cancel)(session, actor, offering_id, reason)
        except Refused as error:
            offering = session.get_one(Offering, offering_id)
            why = " ".join(part for part in say(error.code, error.params) if part)
            title = offering.course.item.title_zh
            raise Refused("one_class_of_several", title=title, code=offering.code, why=why) from error


# --- the clock's part -------------------------------------------------------------------------------------------


def ask_due(session: Session, now: datetime) -> int:
    """When enrolling is over, the host's registrars hear once of what stays below its minimum. A few at a time."""
    o = Offering
    due = sa.and_(o.minimum.is_not(None), o.decided_at.is_(None), o.enrol_until <= now)
    asked = sa.or_(o.asked_for.is_(None), o.asked_for != o.enrol_until)
    query = sa.select(o).where(o.state == "published", due, asked).order_by(o.id).limit(AT_ONCE)
    query = query.options(joinedload(o.course).joinedload(Course.item), joinedload(o.term))
    found = list(session.scalars(query.with_for_update(skip_locked=True, of=o)))
    below: dict[int, list[Offering]] = {}
    for each in found:
        # past the version: nothing of what people edit has changed
        said = sa.update(o).where(o.id == each.id).values(asked_for=each.enrol_until)
        session.execute(said.execution_options(synchronize_session=False))
        _audit(session, None, "offering.ask", each, now)
        facts = queries.facts_of(each, *queries.numbers(session, each.id))
        if rules.standing(facts, now) == "waiting":
            below.setdefault(each.course.school_id, []).append(each)
    for school_id, offerings in below.items():
        notices.asked(session, school_id, offerings, now)
    return len(found)
