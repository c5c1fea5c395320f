"""One step of an enrolment with all that follows from it: deadlines, seats handed on, a transfer made certain."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, selectinload

from courses.catalogue.models import Course, Offering
from courses.catalogue.services import teaching_ends
from courses.enrolment import policies, queries, rules, seats, story
from courses.enrolment.models import Enrolment
from courses.enrolment.permissions import allow
from courses.enrolment.rules import Tracks
from zutuan.errors import Denial, Hidden, NotFound
from zutuan.papers import services as papers
from zutuan.policies import services as policy_values
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject


def locked(session: Session, actor: Actor, enrolment_id: int, action: str) -> Enrolment:
    """The enrolment, held against others until the commit; 404 for whoever may not see it."""
    offering = joinedload(Enrolment.offering)
    course = offering.joinedload(Offering.course)
    query = (
        sa.select(Enrolment)
        .where(Enrolment.id == enrolment_id)
        .options(course.selectinload(Course.staff), course.joinedload(Course.item), offering.joinedload(Offering.term))
        .with_for_update(of=Enrolment)
        .execution_options(populate_existing=True)
    )
    enrolment = session.scalar(query)
    if enrolment is None:
        raise NotFound
    if not allow.may(actor, "enrolment.read", queries.subject(enrolment)):
        raise Hidden(Denial(action, "enrolment", enrolment_id))
    return enrolment


def apply(
    session: Session, actor: Actor | None, enrolment: Enrolment, event: str, who: str, note: str,
    now: datetime | None = None, name: str = "",
) -> Enrolment:  # fmt: skip
    """Walk one step; a seat no longer held goes back, and with it what it promised."""
    moment = now or cast(Actor, actor).now
    before, after = story.walk(session, actor, enrolment, event, who, note, now=moment, name=name)
    if event == "approve" and after.home != "pending":  # while home's word is awaited its deadline stands
        enrolment.decide_by = due(session, enrolment, moment)
    if before.active and not after.active:
        _end(session, actor, enrolment, moment)
    else:
        settle(session, actor, enrolment, moment)
    session.flush()
    return enrolment


def _end(session: Session, actor: Actor | None, enrolment: Enrolment, now: datetime) -> None:
    papers.lapse(session, actor, Subject("enrolment", enrolment.id), now)
    if enrolment.pool_id is not None:
        seats.free(session, enrolment, now)


def settle(session: Session, actor: Actor | None, enrolment: Enrolment, now: datetime) -> None:
    """A transfer is done when the new seat is certain: only then the old one is given up."""
    if enrolment.replaces_id is None or rules.combined(story.tracks(enrolment)) != "enrolled":
        return
    old = session.scalar(
        sa.select(Enrolment).where(Enrolment.id == enrolment.replaces_id).with_for_update(of=Enrolment)
    )
    if old is not None and isinstance(rules.step(story.tracks(old), "withdraw", "student"), Tracks):
        apply(session, None, old, "withdraw", "student", "", now, "transfer")


# --- deadlines --------------------------------------------------------------------------------------------------


def approvals(session: Session, key: str, school_id: int, now: datetime) -> int:
    """How many approvals follow each other at that school."""
    return len(rules.APPROVALS[policy_values.value(session, key, school_id, now)])


def approval_days(session: Session, school_id: int, now: datetime) -> int:
    """How many days the school gives itself for its word."""
    return int(policy_values.value(session, policies.APPROVAL_DAYS.key, school_id, now))


def due(session: Session, enrolment: Enrolment, now: datetime) -> datetime | None:
    """When what is awaited now lapses: a school's word, or the end of a queue. None: nothing is awaited."""
    offering = enrolment.offering
    return rules.due(
        story.tracks(enrolment), now, teaching_ends(offering.term), offering.enrol_until,
        chosen=offering.seats_by == "choice", days=days_of(session, enrolment.home_school_id, enrolment.host_school_id, now),
    )  # fmt: skip


def days_of(session: Session, home_id: int, host_id: int, now: datetime) -> Callable[[str], int]:
    """Side → how many days its school has for its word; read only when asked."""
    return lambda side: approval_days(session, home_id if side == "home" else host_id, now)


# --- the clock's part, and the offering's -----------------------------------------------------------------------

EXPIRED_AT_ONCE = 50  # rows that one transaction holds


def expire_due(session: Session, now: datetime) -> int:
    """The clock's part: what nobody has answered in time lets go of its seat. A few at a time."""
    awaited = sa.or_(Enrolment.home_state == "pending", Enrolment.host_state.in_(("pending", "queued", "offered")))
    query = (
        sa.select(Enrolment)
        .where(Enrolment.active(), awaited, Enrolment.decide_by <= now)
        .order_by(Enrolment.id)
        .limit(EXPIRED_AT_ONCE)
        .options(selectinload(Enrolment.offering))
        .with_for_update(skip_locked=True, of=Enrolment)
    )
    enrolments = list(session.scalars(query))
    for enrolment in enrolments:
        apply(session, None, enrolment, "expire", "clock", "", now)
    return len(enrolments)


def seats_changed(session: Session, actor: Actor, offering: Offering) -> None:
    """More seats than before: they go to those who wait. With the window moves how long they may."""
    _move_deadlines(session, offering, actor.now)
    if seats.hand_on(session, offering, actor.now):
        seats.tell_audit(session, actor, offering, actor.now)


def _move_deadlines(session: Session, offering: Offering, now: datetime) -> None:
    """Who waits, or is to be chosen from, does so until enrolling is over."""
    e = Enrolment
    hangs = [e.host_state == "queued"]
    if offering.seats_by == "choice":
        hangs.append(sa.and_(e.home_state == "accepted", e.host_state == "pending"))
    query = sa.select(e).where(e.offering_id == offering.id, e.active(), sa.or_(*hangs)).order_by(e.id)
    for enrolment in session.scalars(query):
        enrolment.decide_by = due(session, enrolment, now)
