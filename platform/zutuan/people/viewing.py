"""Looking at the pages as somebody else sees them: a platform admin's, read-only, for a short time, audited."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.errors import NotFound, Refused
from zutuan.people.models import Person, WebSession
from zutuan.people.permissions import allow
from zutuan.people.services import digest
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

LONGEST = timedelta(minutes=30)


def begin(session: Session, actor: Actor, secret: str, person_id: int) -> Person:
    subject = Subject("person", person_id)
    allow.require(actor, "person.view_as", subject)
    person = session.get(Person, person_id)
    if person is None:
        raise NotFound
    if person.state != "active" or person_id == actor.person_id:
        raise Refused("cannot_view_as")
    values = {"viewing_id": person_id, "viewing_until": actor.now + LONGEST}
    _set(session, actor.person_id, secret, values)
    audit(session, actor, "person.view_as", subject, now=actor.now)
    return person


def end(session: Session, actor: Actor, secret: str) -> None:
    """Back to oneself."""
    assert actor.really is not None
    _set(session, actor.really, secret, {"viewing_id": None, "viewing_until": None})
    audit(session, None, "person.view_as_end", Subject("person", actor.person_id), now=actor.now, by=actor.really)


def _set(session: Session, person_id: int, secret: str, values: dict[str, object]) -> None:
    mine = sa.update(WebSession).where(WebSession.secret_hash == digest(secret), WebSession.person_id == person_id)
    if not session.execute(mine.values(**values).returning(WebSession.id)).all():
        raise Refused("cannot_view_as")  # a token has no browser to look with
