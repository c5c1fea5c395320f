"""One step of an enrolment: the machine's word, the enrolment's own story, the audit and the notices. No seats here."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from sqlalchemy.orm import Session

from courses.enrolment import facts, notices, rules
from courses.enrolment.models import Enrolment, EnrolmentEvent
from courses.enrolment.rules import Tracks
from zutuan.db import insert_plain
from zutuan.decision import Refusal
from zutuan.errors import Refused
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

# Steps that the host school makes; all others are written down at the home school.
AT_HOST = (
    "host_approve", "host_review", "host_deny", "host_expire", "offer", "offer_lapsed", "queue_closed", "graded", "cancelled",
)  # fmt: skip


def tracks(enrolment: Enrolment) -> Tracks:
    return Tracks(enrolment.home_state, enrolment.host_state)


def walk(
    session: Session,
    actor: Actor | None,
    enrolment: Enrolment,
    event: str,
    who: str,
    note: str = "",
    *,
    now: datetime | None = None,
    name: str = "",
) -> tuple[Tracks, Tracks]:
    """Walk one step of the machine and tell those concerned; (before, after). `name`: what the step is called when it
    is not what the event is usually called. Raises Refused."""
    moment = now or cast(Actor, actor).now
    before = tracks(enrolment)
    after = rules.step(before, event, who)
    if isinstance(after, Refusal):
        raise Refused.because(after)
    enrolment.home_state, enrolment.host_state, enrolment.updated_at = after.home, after.host, moment
    if event in ("deny", "cancel"):
        enrolment.reason = note
    called = name or _called(enrolment, before, event, who, moment)
    record(session, actor, enrolment, called, note, moment)
    if event != "cancel":  # who calls off a class tells all of it at once
        notices.moved(session, enrolment, called, moment)
    session.flush()
    return before, after


def _called(enrolment: Enrolment, before: Tracks, event: str, who: str, now: datetime) -> str:
    if event == "withdraw":
        left = rules.withdrawal_event(now, facts.window(enrolment.offering))
        return "release" if who == "home" else left
    if event == "expire":
        lapsed = {"offered": "offer_lapsed", "queued": "queue_closed"}
        return lapsed.get(before.host) or ("host_expire" if before.home == "accepted" else "expire")
    if event == "cancel":
        return "cancelled"
    return f"host_{event}" if who == "host" and event in ("approve", "deny") else event


def record(session: Session, actor: Actor | None, enrolment: Enrolment, event: str, note: str, now: datetime) -> None:
    """The step in the enrolment's own story, and in the audit (which keeps no words about a person)."""
    school_id = enrolment.host_school_id if event in AT_HOST else enrolment.home_school_id
    belongs = actor.at(school_id) if actor else None
    insert_plain(
        session,
        EnrolmentEvent,
        enrolment_id=enrolment.id,
        at=now,
        event=event,
        actor_id=actor.person_id if actor else None,
        affiliation_id=belongs.affiliation_id if belongs else None,
        note=note,
    )
    if "events" in enrolment.__dict__:  # it was read before this step
        session.expire(enrolment, ["events"])
    subject = Subject("enrolment", enrolment.id)
    audit(session, actor, f"enrolment.{event}", subject, now=now, school_id=school_id, offering=enrolment.offering_id)
