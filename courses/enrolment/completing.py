"""The host's last step: a class is over for its students, many at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.enrolment import rules, story
from courses.enrolment.models import Enrolment, EnrolmentEvent
from zutuan.decision import Refusal
from zutuan.errors import Refused
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

GRADED = "graded"


def complete(session: Session, actor: Actor, enrolments: Sequence[Enrolment]) -> None:
    """Complete these at the host's side; they are held by the caller. One audit row for all of them. Raises Refused."""
    for each in enrolments:
        after = rules.step(story.tracks(each), "complete", "host")
        if isinstance(after, Refusal):
            raise Refused.because(after)
        each.home_state, each.host_state, each.updated_at = after.home, after.host, actor.now
    session.flush()
    if enrolments:
        _tell_stories(session, actor, enrolments, actor.now)


def _tell_stories(session: Session, actor: Actor, enrolments: Sequence[Enrolment], now: datetime) -> None:
    first = enrolments[0]
    belongs = actor.at(first.host_school_id)
    step: dict[str, Any] = {
        "at": now, "event": GRADED, "actor_id": actor.person_id, "note": "",
        "affiliation_id": belongs.affiliation_id if belongs else None,
    }  # fmt: skip
    session.execute(sa.insert(EnrolmentEvent), [{"enrolment_id": each.id, **step} for each in enrolments])
    for each in enrolments:
        if "events" in each.__dict__:
            session.expire(each, ["events"])
    subject = Subject("offering", first.offering_id)
    ids = [each.id for each in enrolments]
    audit(session, actor, "enrolment.graded", subject, now=now, school_id=first.host_school_id, enrolments=ids)
