"""Writing enrolments: one student, one seat, two schools' word.

What schools decide stands in `deciding`, taking a seat in `enrolling`, what follows from a step in `steps`; whoever calls
finds all of it here. Here itself: the student's own steps.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from courses.catalogue import hooks
from courses.catalogue import queries as catalogue
from courses.catalogue.models import Offering
from courses.catalogue.services import teaching_ends
from courses.enrolment import deciding, enrolling, notices, queries, rules, seats, steps, story
from courses.enrolment.deciding import AT_ONCE as AT_ONCE
from courses.enrolment.deciding import approve as approve
from courses.enrolment.deciding import decide_all as decide_all
from courses.enrolment.deciding import decides as decides
from courses.enrolment.deciding import deny as deny
from courses.enrolment.deciding import may_approve as may_approve
from courses.enrolment.deciding import may_choose as may_choose
from courses.enrolment.deciding import return_ as return_
from courses.enrolment.enrolling import outlook as outlook
from courses.enrolment.enrolling import student_affiliation as student_affiliation
from courses.enrolment.models import Enrolment
from courses.enrolment.permissions import allow
from courses.enrolment.rules import Tracks
from courses.enrolment.steps import expire_due as expire_due
from courses.enrolment.steps import seats_changed as seats_changed
from zutuan.decision import Refusal
from zutuan.errors import Invalid, insist
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject


def roster_subject(offering: Offering) -> Subject:
    """An offering's roster as the permission table sees it."""
    course = catalogue.subject(offering.course)
    return Subject("offering", offering.id, places={"host": course.places["owner"]}, persons=course.persons)


def roster_reader(session: Session, actor: Actor, offering: Offering) -> Subject:
    """The same for reading it: whoever stands in for a teacher reads it for a while."""
    own = roster_subject(offering)
    here = offering.course.school_id in actor.school_ids
    if not here or allow.may(actor, "roster.read", own):
        return own
    people = {person for each in hooks.standing_in for person in each(session, offering.id, actor.now)}
    return replace(own, persons={**own.persons, "substitute": frozenset(people)})


def enrol(
    session: Session, actor: Actor, offering_id: int, affiliation_id: int | None = None, **said: Any
) -> Enrolment:
    """`enrolling.enrol`, for whoever only wants the row."""
    return enrolling.enrol(session, actor, offering_id, affiliation_id, **said).enrolment


def place(session: Session, enrolment: Enrolment, now: datetime) -> tuple[int, int] | None:
    """(place, how many wait) while the enrolment waits."""
    return seats.place(session, enrolment, now) if enrolment.host_state == "queued" else None


def possible(actor: Actor, enrolment: Enrolment) -> dict[str, bool]:
    """Which steps the page offers this person now."""
    state, subject = story.tracks(enrolment), queries.subject(enrolment)

    def can(event: str, who: str) -> bool:
        return isinstance(rules.step(state, event, who), Tracks)

    own = {event: allow.may(actor, f"enrolment.{event}", subject) for event in ("withdraw", "accept", "remind")}
    denying = deciding.denying_side(actor, enrolment)
    reviews = allow.may(actor, "enrolment.review", subject)
    on_leave = rules.may_release(enrolment.affiliation.standing) is None
    reminding = rules.may_remind(actor.now, enrolment.reminded_at, state, returned=enrolment.returned) is None
    return {
        "approve": deciding.may_approve(actor, enrolment),
        "deny": denying is not None and can("deny", denying),
        "return": reviews and can("return", "home") and not enrolment.returned,
        "withdraw": own["withdraw"] and can("withdraw", "student"),
        "accept": own["accept"] and can("accept", "student"),
        "remind": own["remind"] and reminding,
        "resubmit": own["withdraw"] and enrolment.returned and can("resubmit", "student"),
        "release": on_leave and allow.may(actor, "enrolment.release", subject) and can("withdraw", "home"),
    }


# --- the student's own steps ------------------------------------------------------------------------------------


def accept(session: Session, actor: Actor, enrolment_id: int) -> Enrolment:
    """The student takes the seat that the queue has offered; now the schools are asked."""
    enrolment = steps.locked(session, actor, enrolment_id, "enrolment.accept")
    allow.require(actor, "enrolment.accept", queries.subject(enrolment))
    if enrolment.host_state == "offered":
        insist(rules.may_accept(actor.now, enrolment.decide_by))
    story.walk(session, actor, enrolment, "accept", "student")
    state = rules.settled(rules.START, home=enrolment.home_steps == 0, host=enrolment.host_steps == 0)
    enrolment.home_state, enrolment.host_state = state.home, state.host
    enrolment.decide_by = steps.due(session, enrolment, actor.now)
    if state.home == "accepted":
        story.record(session, None, enrolment, "approve", "", actor.now)
    session.flush()
    steps.settle(session, actor, enrolment, actor.now)
    return enrolment


def withdraw(session: Session, actor: Actor, enrolment_id: int, reason: str = "") -> Enrolment:
    """The student gives the seat back (a drop within add/drop, a withdrawal after it), or leaves the queue."""
    enrolment = steps.locked(session, actor, enrolment_id, "enrolment.withdraw")
    allow.require(actor, "enrolment.withdraw", queries.subject(enrolment))
    insist(rules.may_withdraw(actor.now, teaching_ends(enrolment.offering.term)))
    return steps.apply(session, actor, enrolment, "withdraw", "student", reason)


def release(session: Session, actor: Actor, enrolment_id: int, reason: str) -> Enrolment:
    """The home registrar gives back what a student holds who is no longer 在读."""
    enrolment = steps.locked(session, actor, enrolment_id, "enrolment.release")
    allow.require(actor, "enrolment.release", queries.subject(enrolment))
    insist(rules.may_release(enrolment.affiliation.standing))
    if not reason:
        raise Invalid.field("reason", "reason_needed")
    return steps.apply(session, actor, enrolment, "withdraw", "home", reason)


def resubmit(session: Session, actor: Actor, enrolment_id: int, statement: str) -> Enrolment:
    """The student has mended it and asks again; the deadline stays."""
    enrolment = steps.locked(session, actor, enrolment_id, "enrolment.resubmit")
    allow.require(actor, "enrolment.resubmit", queries.subject(enrolment))
    insist(None if enrolment.returned else Refusal("not_returned"))
    insist(rules.may_decide(actor.now, enrolment.decide_by))
    enrolment.returned, enrolment.statement = False, statement
    return steps.apply(session, actor, enrolment, "resubmit", "student", "")


def remind(session: Session, actor: Actor, enrolment_id: int) -> Enrolment:
    """催办: once a day the student asks whoever's word is awaited to look."""
    enrolment = steps.locked(session, actor, enrolment_id, "enrolment.remind")
    allow.require(actor, "enrolment.remind", queries.subject(enrolment))
    state = story.tracks(enrolment)
    insist(rules.may_remind(actor.now, enrolment.reminded_at, state, returned=enrolment.returned))
    enrolment.reminded_at = enrolment.updated_at = actor.now
    story.record(session, actor, enrolment, "remind", "", actor.now)
    notices.moved(session, enrolment, "remind", actor.now)
    session.flush()
    return enrolment
