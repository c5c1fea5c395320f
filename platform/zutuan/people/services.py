"""Accounts, sign-in, sessions, tokens, roles."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.clusters.models import Cluster, Department, FormerName, Membership, School
from zutuan.db import Database, UtcDateTime, padded
from zutuan.decision import Refusal
from zutuan.errors import Denial, Hidden, Invalid, NotFound, Refused, Unauthenticated, insist
from zutuan.people import passwords, rules, throttle
from zutuan.people.models import Affiliation, Person, PersonalToken, RoleAssignment, WebSession
from zutuan.people.permissions import allow
from zutuan.sharing.actor import Actor, Belongs, Holds, Member
from zutuan.sharing.permissions import Place, Subject
from zutuan.sharing.services import audit

SESSION_LIFE = timedelta(hours=12)
TOKEN_LIFE = timedelta(days=180)
TOKEN_PREFIX = "zt_"  # noqa: S105


def digest(secret: str) -> str:
    """Secrets are random and long, so a plain hash is enough to keep them out of the database."""
    return hashlib.sha256(secret.encode()).hexdigest()


# --- the actor of a request -------------------------------------------------------------------------------------


def load_actor(
    session: Session, person: Person, now: datetime, request_id: str = "", really: int | None = None
) -> Actor:
    """What this person is now: open affiliations, roles held with them, memberships of their schools.

    A role at a school counts only while an affiliation there is open, so ending one takes the other with it.
    """
    affiliations = _belongings(session, person.id, now)
    school_ids = {each.school_id for each in affiliations}
    return Actor(
        person_id=person.id,
        name=person.name,
        now=now,
        locale=person.locale,
        demonstration=person.demonstration,
        affiliations=affiliations,
        roles=_roles(session, person.id, affiliations, school_ids, now),
        memberships=_memberships(session, school_ids, now),
        request_id=request_id,
        really=really,
        privacy_version=person.privacy_version,
    )


_PERSON: sa.BindParameter[int] = sa.bindparam("person")
_NOW: sa.BindParameter[datetime] = sa.bindparam("now", type_=UtcDateTime())
_SCHOOLS: sa.BindParameter[list[int]] = sa.bindparam("schools", expanding=True)


def _open(
    table: type[Affiliation | RoleAssignment | Membership], now: datetime | sa.BindParameter[datetime] = _NOW
) -> sa.ColumnElement[bool]:
    return sa.and_(table.from_ <= now, sa.or_(table.until.is_(None), table.until > now))


def role_stands(now: datetime | sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
    """When an assignment counts, for permissions and notices alike: it is open; and a delegated one only while the one it
    comes from is, whose holder still belongs to the school and whose account works."""
    source, here = sa.orm.aliased(RoleAssignment), sa.orm.aliased(Affiliation)
    belongs = sa.select(here.id).where(here.person_id == source.person_id, here.school_id == source.school_id)
    source_stands = (
        sa.select(source.id)
        .join(Person, Person.id == source.person_id)
        .where(source.id == RoleAssignment.delegates, _open(source, now), Person.state == "active")
        .where(sa.or_(source.school_id.is_(None), belongs.where(_open(here, now)).exists()))
        .correlate(RoleAssignment)
        .exists()
    )
    return sa.and_(_open(RoleAssignment, now), sa.or_(RoleAssignment.delegates.is_(None), source_stands))


# Every request asks these three: built once, they cost half of what building them anew does.
_AFFILIATIONS = (
    sa.select(
        Affiliation.id, Affiliation.school_id, School.name, Affiliation.kind, Affiliation.number,
        Affiliation.department_id, Affiliation.major, Affiliation.grade, Affiliation.standing,
    )
    .join(School, School.id == Affiliation.school_id)
    .where(Affiliation.person_id == _PERSON, _open(Affiliation))
    .order_by(Affiliation.id)
)  # fmt: skip
_ROLES = sa.select(
    RoleAssignment.role, RoleAssignment.school_id, RoleAssignment.department_id, RoleAssignment.cluster_id
).where(RoleAssignment.person_id == _PERSON, role_stands(_NOW))
_MEMBERSHIPS = (
    sa.select(Membership.cluster_id, Membership.school_id, Membership.role, Cluster.name)
    .join(Cluster, Cluster.id == Membership.cluster_id)
    .where(Membership.school_id.in_(_SCHOOLS), _open(Membership))
    .order_by(Membership.id)
)


def _belongings(session: Session, person_id: int, now: datetime) -> tuple[Belongs, ...]:
    return tuple(Belongs(*row) for row in session.execute(_AFFILIATIONS, {"person": person_id, "now": now}))


def _roles(
    session: Session, person_id: int, affiliations: Sequence[Belongs], school_ids: set[int], now: datetime
) -> tuple[Holds, ...]:
    rows = session.execute(_ROLES, {"person": person_id, "now": now})
    granted = [Holds(*row) for row in rows if row.school_id is None or row.school_id in school_ids]
    by_kind = [Holds(each.kind, each.school_id) for each in affiliations if each.kind in ("student", "teacher")]
    return tuple(by_kind + granted)


def _memberships(session: Session, school_ids: set[int], now: datetime) -> tuple[Member, ...]:
    if not school_ids:
        return ()
    return tuple(
        Member(*row) for row in session.execute(_MEMBERSHIPS, {"schools": padded(sorted(school_ids)), "now": now})
    )


def actor_of_session(session: Session, secret: str, now: datetime, request_id: str = "") -> Actor | None:
    query = (
        sa.select(Person, WebSession.viewing_id, WebSession.viewing_until)
        .join(WebSession, WebSession.person_id == Person.id)
        .where(WebSession.secret_hash == digest(secret), WebSession.expires_at > now, Person.state == "active")
    )
    found = session.execute(query).first()
    if found is None:
        return None
    person, viewing, until = found
    if viewing is None or until is None or until <= now:
        return load_actor(session, person, now, request_id)
    return _seen_as(session, person, viewing, now, request_id)


def _seen_as(session: Session, person: Person, viewing: int, now: datetime, request_id: str) -> Actor:
    """The other one, with tied hands, while the admin still is one; else the admin themselves."""
    own = load_actor(session, person, now, request_id)
    other = session.get(Person, viewing)
    if other is None or other.state != "active" or not allow.may(own, "person.view_as", Subject("person", viewing)):
        return own
    return load_actor(session, other, now, request_id, really=person.id)


def actor_of_token(session: Session, secret: str, now: datetime, request_id: str = "") -> Actor | None:
    token = PersonalToken
    query = (
        sa.select(Person)
        .join(token, token.person_id == Person.id)
        .where(token.secret_hash == digest(secret), token.revoked_at.is_(None), token.expires_at > now)
        .where(Person.state == "active")
    )
    person = session.scalar(query)
    return load_actor(session, person, now, request_id) if person else None


# --- signing in and out -----------------------------------------------------------------------------------------


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
    goes_on = sa.and_(there.person_id == Person.id, there.school_id == school.successor_id, _open(there, now))
    return session.scalar(here.where(sa.select(there.id).where(goes_on).exists()))


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
    """Sign out here, or everywhere."""
    gone = sa.delete(WebSession).where(WebSession.person_id == actor.person_id)
    session.execute(gone if everywhere else gone.where(WebSession.secret_hash == digest(secret)))
    audit(session, actor, "session.close", Subject("person", actor.person_id), now=actor.now, everywhere=everywhere)


# --- accounts ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NewPerson:
    name: str
    school_id: int
    number: str
    kind: str
    email: str | None = None
    password_hash: str | None = None
    department_id: int | None = None
    major: str = ""
    grade: str = ""
    demonstration: bool = False
    privacy_version: int = 0


def create_person(session: Session, actor: Actor | None, new: NewPerson, now: datetime) -> Person:
    """An account with its first affiliation."""
    email = rules.normal_email(new.email) if new.email else None
    school = session.get(School, new.school_id)
    if school is not None and school.successor_id is not None:
        raise Refused("school_succeeded", school=school.name)
    if isinstance(email, Refusal):
        raise Invalid.field("email", email.code)
    if email and session.scalar(sa.select(Person.id).where(Person.email == email)):
        raise Refused("email_taken")
    taken = sa.select(Affiliation.id).where(Affiliation.school_id == new.school_id, Affiliation.number == new.number)
    if session.scalar(taken):
        raise Refused("number_taken")
    person = Person(
        name=new.name,
        email=email,
        password_hash=new.password_hash,
        demonstration=new.demonstration,
        created_at=now,
        privacy_version=new.privacy_version,
        privacy_at=now if new.privacy_version else None,
    )
    person.affiliations.append(
        Affiliation(
            school_id=new.school_id, number=new.number, kind=new.kind, department_id=new.department_id,
            major=new.major, grade=new.grade, from_=now,
        )
    )  # fmt: skip
    session.add(person)
    session.flush()
    audit(session, actor, "person.create", Subject("person", person.id), now=now, school_id=new.school_id)
    return person


def set_password(session: Session, actor: Actor | None, person: Person, password: str, now: datetime) -> None:
    """A new password; it signs out every session of the person from its next request on."""
    weak = passwords.weakness(password)
    if weak:
        raise Invalid.field("password", weak.code)
    person.password_hash = passwords.hash_password(password)
    session.execute(sa.delete(WebSession).where(WebSession.person_id == person.id))
    audit(session, actor, "person.password", Subject("person", person.id), now=now)


def change_password(database: Database, actor: Actor, old: str, new: str, now: datetime) -> str:
    """A new password by who knows the old one; every session ends, and the secret of the new one here is answered."""
    with database.read() as session:
        known = session.get_one(Person, actor.person_id).password_hash
    if not passwords.verify(known, old):
        raise Invalid.field("old", "password_wrong")
    with database.write() as session:
        set_password(session, actor, session.get_one(Person, actor.person_id), new, now)
        return open_session(session, actor.person_id, now)


def ensure_department(session: Session, school_id: int, name: str) -> Department:
    query = sa.select(Department).where(Department.school_id == school_id, Department.name == name)
    department = session.scalar(query)
    if department is None:
        department = Department(school_id=school_id, name=name)
        session.add(department)
        session.flush()
    return department


# --- roles ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class At:
    """Where a role is held; all None for the platform."""

    school_id: int | None = None
    department_id: int | None = None
    cluster_id: int | None = None

    @property
    def kind(self) -> str:
        if self.cluster_id is not None:
            return "cluster"
        if self.department_id is not None:
            return "department"
        return "school" if self.school_id is not None else "platform"


def grant_role(
    session: Session,
    actor: Actor | None,
    person: Person,
    role: str,
    at: At,
    now: datetime,
    until: datetime | None = None,
) -> RoleAssignment:
    """Give a role at a place. Without an actor it is the command line of the machine's operator.

    A person takes it up who has activated their account: the address of one that nobody has opened yet is a roster's
    word, and whoever reads that mailbox would be the one to act in the role.
    """
    insist(rules.check_grant(role, at.kind))
    if actor is not None:
        places = {"school": Place(at.school_id, at.department_id)} if at.school_id else {}
        subject = Subject("person", person.id, places=places, cluster_id=at.cluster_id)
        allow.require(actor, f"role.grant.{role}", subject)
        insist(rules.may_hold_a_role(person.state, person.password_hash is not None, person.name))
    if at.department_id is not None:
        department = session.get(Department, at.department_id)
        if department is None or department.school_id != at.school_id:
            raise Invalid.field("department_id", "no_such")
    if at.school_id is not None and not _belongs(session, person.id, at.school_id, now):
        raise Refused("no_affiliation_here")
    if at.cluster_id is not None and session.get(Cluster, at.cluster_id) is None:
        raise Invalid.field("cluster_id", "no_such")
    held = RoleAssignment(
        person_id=person.id, role=role, school_id=at.school_id, department_id=at.department_id,
        cluster_id=at.cluster_id, from_=now, until=until, granted_by=actor.person_id if actor else None,
    )  # fmt: skip
    session.add(held)
    where = at.cluster_id or at.department_id or at.school_id
    audit(
        session, actor, "role.grant", Subject("person", person.id), now=now, school_id=at.school_id,
        role=role, place=at.kind, place_id=where,
    )  # fmt: skip
    return held


def _belongs(session: Session, person_id: int, school_id: int, now: datetime) -> bool:
    query = sa.select(Affiliation.id).where(Affiliation.person_id == person_id, Affiliation.school_id == school_id)
    return session.scalar(query.where(Affiliation.open_at(now))) is not None


def holders(session: Session, role: str, school_id: int, now: datetime, department_id: int | None = None) -> list[int]:
    """Person ids that hold the role at the school now, for notices."""
    r, a = RoleAssignment, Affiliation
    here = sa.and_(a.person_id == r.person_id, a.school_id == r.school_id, a.open_at(now))
    query = sa.select(r.person_id).join(a, here).join(Person, Person.id == r.person_id)
    query = query.where(r.role == role, r.school_id == school_id, role_stands(now), Person.state == "active")
    limited = sa.or_(r.department_id.is_(None), r.department_id == department_id)
    return sorted(set(session.scalars(query.where(limited))))


# --- tokens -----------------------------------------------------------------------------------------------------


def create_token(session: Session, actor: Actor, name: str, now: datetime) -> tuple[PersonalToken, str]:
    """A new personal token and its secret, which is shown once and never again."""
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = PersonalToken(
        person_id=actor.person_id, name=name, secret_hash=digest(secret), created_at=now, expires_at=now + TOKEN_LIFE
    )
    session.add(token)
    session.flush()
    audit(session, actor, "token.create", Subject("token", token.id), now=now)
    return token, secret


def tokens_of(session: Session, actor: Actor) -> list[PersonalToken]:
    table = PersonalToken
    query = sa.select(table).where(table.person_id == actor.person_id, table.revoked_at.is_(None))
    return list(session.scalars(query.where(table.expires_at > actor.now).order_by(table.id)))


def revoke_token(session: Session, actor: Actor, token_id: int) -> None:
    token = session.get(PersonalToken, token_id)
    if token is None or (token.person_id == actor.person_id and token.revoked_at is not None):
        raise NotFound
    if token.person_id != actor.person_id:
        raise Hidden(Denial("token.revoke", "token", token_id))
    token.revoked_at = actor.now
    audit(session, actor, "token.revoke", Subject("token", token.id), now=actor.now)


def accept_privacy(session: Session, actor: Actor, version: int) -> None:
    """The person has read and accepted this version of the privacy notice."""
    person = session.get_one(Person, actor.person_id)
    person.privacy_version, person.privacy_at = version, actor.now
    audit(session, actor, "privacy.accept", Subject("person", person.id), now=actor.now, version=version)


def set_locale(session: Session, actor: Actor, locale: str) -> None:
    person = session.get_one(Person, actor.person_id)
    if person.locale != locale:
        person.locale = locale
        audit(session, actor, "person.locale", Subject("person", person.id), now=actor.now)
