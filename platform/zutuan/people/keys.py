"""Mailed one-use links, and what every key ends in: a password of one's own. (On paper: `slips`.)"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.db import Database
from zutuan.decision import Refusal
from zutuan.errors import Invalid
from zutuan.people import rules
from zutuan.people.models import AccessKey, Person
from zutuan.people.permissions import allow
from zutuan.people.policies import least_length
from zutuan.people.services import digest
from zutuan.people.signing_in import insist_strong, use_key
from zutuan.people.slips import MAX_SLIPS, Wanted, school_subject, waiting
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

RESET_LIFE = timedelta(hours=2)
INVITATION_LIFE = timedelta(days=7)
# A new link no sooner than this after the last, and so many a day: nobody's mailbox is flooded by a stranger.
BETWEEN_MAILS = timedelta(minutes=2)
MAILS_A_DAY = 5


Mail = Callable[[Session, AccessKey, Person, str], None]


def mail_link(
    session: Session,
    actor: Actor | None,
    person: Person,
    purpose: str,
    now: datetime,
    mail: Mail,
    school_id: int | None = None,
) -> bool:
    """Mail a one-use link. False where one went out too recently: who asks is told the same."""
    recent = sa.select(AccessKey.created_at).where(AccessKey.person_id == person.id, AccessKey.channel == "mail")
    sent = session.scalars(recent.where(AccessKey.created_at > now - timedelta(days=1))).all()
    if not person.email or len(sent) >= MAILS_A_DAY or any(at > now - BETWEEN_MAILS for at in sent):
        return False
    secret = secrets.token_urlsafe(32)
    key = AccessKey(
        person_id=person.id, school_id=school_id, purpose=purpose, channel="mail", secret_hash=digest(secret),
        issued_by=actor.person_id if actor else None, created_at=now,
        expires_at=now + (RESET_LIFE if purpose == "reset" else INVITATION_LIFE),
    )  # fmt: skip
    session.add(key)
    session.flush()
    audit(session, actor, f"key.mail.{purpose}", Subject("person", person.id), now=now, school_id=school_id)
    mail(session, key, person, secret)
    return True


def invite(session: Session, actor: Actor, school_id: int, mail: Mail) -> int:
    """Mail an invitation to everybody of the school who has an address and cannot sign in yet; answers how many went out.

    Who was invited a moment ago, or often enough today, is passed over: a second click sends nothing twice.
    """
    allow.require(actor, "key.issue", school_subject(school_id))
    ids = waiting(school_id, actor.now, Wanted()).where(Person.email.is_not(None)).limit(MAX_SLIPS)
    people = session.scalars(sa.select(Person).where(Person.id.in_(ids)).order_by(Person.id)).all()
    return sum(mail_link(session, actor, person, "activate", actor.now, mail, school_id) for person in people)


def ask_reset(session: Session, email: str, now: datetime, mail: Mail) -> None:
    """Mail a link to whoever's address this is; the caller says the same whether or not there is anybody."""
    address = rules.normal_email(email)
    if isinstance(address, Refusal):
        raise Invalid.field("email", address.code)
    person = session.scalar(sa.select(Person).where(Person.email == address, Person.state == "active"))
    if person is not None:
        mail_link(session, None, person, "reset", now, mail)


def proven_address(session: Session, person_id: int) -> bool:
    """Whether the account's address is its owner's: whoever opened it last by a slip has shown only that a registrar of
    one school gave it to them, and a school may have written anybody's address beside their name."""
    k = AccessKey
    used = sa.select(k.channel).where(k.person_id == person_id, k.used_at.is_not(None), k.revoked_at.is_(None))
    return session.scalar(used.order_by(k.used_at.desc(), k.id.desc()).limit(1)) != "slip"


def owner_of(session: Session, secret: str, now: datetime) -> Person | None:
    """Whose a mailed link is, while it works."""
    k = AccessKey
    query = sa.select(Person).join(k, k.person_id == Person.id)
    return session.scalar(
        query.where(k.secret_hash == digest(secret), k.channel == "mail", k.open_at(now), Person.state == "active")
    )


def use_link(database: Database, secret: str, password: str, now: datetime) -> int:
    with database.read() as session:
        person = owner_of(session, secret, now)
        if person is not None:
            insist_strong(password, least_length(session, person.id, now))
    return use_key(database, digest(secret), password, now)


def fingerprint(secret: str) -> str:
    """Names a mail's event without giving its secret away."""
    return hashlib.sha256(b"mail:" + secret.encode()).hexdigest()[:32]
