"""Signing in and out, sessions, passwords."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.clusters.models import FormerName, School
from zutuan.db import Database, chunks
from zutuan.decision import Refusal
from zutuan.errors import Invalid, Unauthenticated
from zutuan.people import passwords, rules, throttle
from zutuan.people.models import AccessKey, Affiliation, Person, PersonalToken, WebSession
from zutuan.people.policies import least_length
from zutuan.people.services import digest
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

SESSION_LIFE = timedelta(hours=12)


@dataclass(frozen=True)
class Credentials:
    """Either `email`, or `school` (name, code or id) and `number` (学工号)."""

    password: str
    email: str = ""
    school: str = ""
    number: str = ""

    def account(self, school: School | None) -> str:
        """What failures are counted under: the account that was meant, whether or not there is one."""
        if self.email:
            return throttle.account_of_email(self.email)
        return throttle.account_of_number(school.id if school else self.school.strip(), self.number)


def find_school(session: Session, text: str) -> School | None:
    """A school by its name, its ministry code, or its id here; else by the one name that it alone had before."""
    text = text.strip()
    clauses = [School.name == text, School.code == text]
    if text.isascii() and text.isdecimal() and len(text) < 10:
        clauses.append(School.id == int(text))
    found = session.scalars(sa.select(School).where(sa.or_(*clauses)).order_by(School.id)).first()
    if found is not None:
        return found
    named = sa.select(FormerName.school_id).where(FormerName.name == text)
    before = session.scalars(sa.select(School).where(School.id.in_(named)).limit(2)).all()
    return before[0] if len(before) == 1 else None


def _find_person(session: Session, credentials: Credentials, school: School | None, now: datetime) -> Person | None:
    if credentials.email:
        email = rules.normal_email(credentials.email)
        return None if isinstance(email, Refusal) else session.scalar(sa.select(Person).where(Person.email == email))
    if school is None:
        return None
    query = sa.select(Person).join(Affiliation, Affiliation.person_id == Person.id)
    here = query.where(Affiliation.school_id == school.id, Affiliation.number == credentials.number.strip())
    if school.successor_id is None:
        return session.scalar(here.where(Affiliation.open_at(now)))
    # What was the school's number still opens the account of whoever continues at its successor.
    there = sa.orm.aliased(Affiliation)
    goes_on = sa.select(there.id).where(there.person_id == Person.id, there.school_id == school.successor_id)
    still = sa.and_(there.from_ <= now, sa.or_(there.until.is_(None), there.until > now))
    return session.scalar(here.where(goes_on.where(still).exists()))


def sign_in(
    database: Database, credentials: Credentials, origin: throttle.Origin, now: datetime, replaces: str = ""
) -> tuple[int, str, str]:
    """(person id, session secret, hashed account); the session that it `replaces` in this browser ends. Opens its own
    short transactions: no lock is held while a password is hashed.

    Raises TooMany while this account has to wait at this place, Unauthenticated when it does not fit.
    """
    with database.read() as session:
        school = None if credentials.email else find_school(session, credentials.school)
        account = credentials.account(school)
        throttle.check(session, account, origin, now)
        person = _find_person(session, credentials, school, now)
        password_hash = person.password_hash if person and person.state == "active" else None
    if not passwords.verify(password_hash, credentials.password) or person is None:
        throttle.count(database, account, origin, now)
        raise Unauthenticated("sign_in_failed")
    with database.write() as session:
        throttle.forget(session, account, origin)
        secret = open_session(session, person.id, now, replaces)
    return person.id, secret, account


def open_session(session: Session, person_id: int, now: datetime, replaces: str = "") -> str:
    """Start a browser session and answer its secret. The one it `replaces` ends, and so do the person's old ones that
    have run out."""
    secret = secrets.token_urlsafe(32)
    over = sa.and_(WebSession.person_id == person_id, WebSession.expires_at <= now)
    session.execute(sa.delete(WebSession).where(sa.or_(over, WebSession.secret_hash == digest(replaces))))
    session.add(
        WebSession(secret_hash=digest(secret), person_id=person_id, created_at=now, expires_at=now + SESSION_LIFE)
    )
    audit(session, None, "session.open", Subject("person", person_id), now=now)
    return secret


def close_session(session: Session, actor: Actor, secret: str, *, everywhere: bool = False) -> None:
    """Sign out here, or everywhere. Who looks as somebody else signs out themselves, never the other."""
    mine = actor.really or actor.person_id
    gone = sa.delete(WebSession).where(WebSession.person_id == mine)
    session.execute(gone if everywhere else gone.where(WebSession.secret_hash == digest(secret)))
    who = actor if actor.really is None else None
    audit(session, who, "session.close", Subject("person", mine), now=actor.now, everywhere=everywhere)


def set_password(session: Session, actor: Actor | None, person: Person, password: str, now: datetime) -> None:
    """A new password; it signs out every session of the person from its next request on, and ends every key to the
    account that is still about."""
    weak = passwords.weakness(password, least_length(session, person.id, now))
    if weak:
        raise Invalid.field("password", weak.code, **weak.params)
    person.password_hash = passwords.hash_password(password)
    revoke_keys(session, [person.id], now)
    session.execute(sa.delete(WebSession).where(WebSession.person_id == person.id))
    audit(session, actor, "person.password", Subject("person", person.id), now=now)


def revoke_keys(session: Session, people: Sequence[int], now: datetime) -> None:
    """Slips and mailed links of these people that nobody has used stop working."""
    for part in chunks(people):
        mine = AccessKey.person_id.in_(part)
        change = sa.update(AccessKey).where(mine, AccessKey.used_at.is_(None), AccessKey.revoked_at.is_(None))
        session.execute(change.values(revoked_at=now).execution_options(synchronize_session=False))


def change_password(database: Database, actor: Actor, old: str, new: str, now: datetime) -> str:
    """A new password by who knows the old one; every session ends, and the secret of the new one here is answered."""
    with database.read() as session:
        known = session.get_one(Person, actor.person_id).password_hash
    if not passwords.verify(known, old):
        raise Invalid.field("old", "password_wrong")
    with database.write() as session:
        set_password(session, actor, session.get_one(Person, actor.person_id), new, now)
        return open_session(session, actor.person_id, now)


def insist_strong(password: str, least: int) -> None:
    weak = passwords.weakness(password, least)
    if weak:
        raise Invalid.field("password", weak.code, **weak.params)


def use_key(database: Database, key_hash: str, password: str, now: datetime) -> int:
    """Take the key, once and by one: the password is set in the same transaction, and every session before it ends."""
    hashed = passwords.hash_password(password)
    with database.write() as session:
        k = AccessKey
        taken = sa.update(k).where(k.secret_hash == key_hash, k.open_at(now)).values(used_at=now).returning(k.person_id)
        person_id = session.scalar(taken.execution_options(synchronize_session=False))
        person = session.get(Person, person_id) if person_id else None
        if person is None or person.state != "active":
            raise Unauthenticated("link_failed")
        person.password_hash = hashed
        revoke_keys(session, [person.id], now)
        session.execute(sa.delete(WebSession).where(WebSession.person_id == person.id))
        # Who opens an account by a key may be taking it back from somebody: nothing of theirs goes on working.
        tokens = sa.update(PersonalToken).where(PersonalToken.person_id == person.id)
        session.execute(tokens.where(PersonalToken.revoked_at.is_(None)).values(revoked_at=now))
        audit(session, None, "person.password", Subject("person", person.id), now=now, by="key")
        return person.id
