"""Accounts, sign-in, sessions, tokens, roles."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.clusters.models import Cluster, Department, Membership, School
from zutuan.db import UtcDateTime, padded, plain
from zutuan.decision import Refusal
from zutuan.errors import Denial, Hidden, Invalid, NotFound, Refused
from zutuan.people import rules
from zutuan.people.models import Affiliation, Person, PersonalToken, RoleAssignment, WebSession
from zutuan.people.permissions import allow
from zutuan.sharing.actor import Actor, Belongs, Holds, Member
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

TOKEN_LIFE = timedelta(days=180)
TOKEN_PREFIX = "zt_"  # noqa: S105


def digest(secret: str) -> str:
    """Secrets are random and long, so a plain hash is enough to keep them out of the database."""
    return hashlib.sha256(secret.encode()).hexdigest()


# --- the actor of a request -------------------------------------------------------------------------------------


class Account(NamedTuple):
    """What an actor is made of, read with the secret that names them."""

    id: int
    name: str
    locale: str
    demonstration: bool
    privacy_version: int


def load_actor(
    session: Session, person: Person | Account, now: datetime, request_id: str = "", really: int | None = None
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


def ones_own(school_id: int) -> sa.Select[int]:
    """The school, and those that it has taken over: whoever was of one of them before is of no other school for that."""
    return sa.select(School.id).where(sa.or_(School.id == school_id, School.successor_id == school_id))


def home_school(session: Session, people: Collection[int]) -> int | None:
    """The one school that these people have ever been of, with those it has taken over; None where there are several."""
    home = sa.func.coalesce(School.successor_id, School.id)
    query = sa.select(home).join(Affiliation, Affiliation.school_id == School.id)
    found = session.scalars(query.where(Affiliation.person_id.in_(people)).distinct()).all()
    return found[0] if len(found) == 1 else None


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
    RoleAssignment.role,
    RoleAssignment.school_id,
    RoleAssignment.department_id,
    RoleAssignment.cluster_id,
    RoleAssignment.delegates.is_not(None),
).where(RoleAssignment.person_id == _PERSON, role_stands(_NOW))
_MEMBERSHIPS = (
    sa.select(Membership.cluster_id, Membership.school_id, Membership.role, Cluster.name)
    .join(Cluster, Cluster.id == Membership.cluster_id)
    .where(Membership.school_id.in_(_SCHOOLS), _open(Membership))
    .order_by(Membership.id)
)


def _belongings(session: Session, person_id: int, now: datetime) -> tuple[Belongs, ...]:
    return tuple(Belongs(*row) for row in plain(session, _AFFILIATIONS, {"person": person_id, "now": now}))


def _roles(
    session: Session, person_id: int, affiliations: Sequence[Belongs], school_ids: set[int], now: datetime
) -> tuple[Holds, ...]:
    rows = plain(session, _ROLES, {"person": person_id, "now": now})
    granted = [Holds(*row) for row in rows if row.school_id is None or row.school_id in school_ids]
    by_kind = [Holds(each.kind, each.school_id) for each in affiliations if each.kind in ("student", "teacher")]
    return tuple(by_kind + granted)


def _memberships(session: Session, school_ids: set[int], now: datetime) -> tuple[Member, ...]:
    if not school_ids:
        return ()
    return tuple(
        Member(*row) for row in plain(session, _MEMBERSHIPS, {"schools": padded(sorted(school_ids)), "now": now})
    )


_ACCOUNT: tuple[Any, ...] = (
    Person.id, Person.name, Person.locale, Person.demonstration, Person.privacy_version,
)  # fmt: skip
_SECRET: sa.BindParameter[str] = sa.bindparam("secret")
_OF_SESSION: Any = (
    sa.select(*_ACCOUNT, WebSession.viewing_id, WebSession.viewing_until)
    .join(WebSession, WebSession.person_id == Person.id)
    .where(WebSession.secret_hash == _SECRET, WebSession.expires_at > _NOW, Person.state == "active")
)
_OF_TOKEN: Any = (
    sa.select(*_ACCOUNT)
    .join(PersonalToken, PersonalToken.person_id == Person.id)
    .where(PersonalToken.secret_hash == _SECRET, PersonalToken.revoked_at.is_(None), PersonalToken.expires_at > _NOW)
    .where(Person.state == "active")
)


def actor_of_session(session: Session, secret: str, now: datetime, request_id: str = "") -> Actor | None:
    found = plain(session, _OF_SESSION, {"secret": digest(secret), "now": now})
    if not found:
        return None
    *account, viewing, until = found[0]
    person = Account(*account)
    if viewing is None or until is None or until <= now:
        return load_actor(session, person, now, request_id)
    return _seen_as(session, person, viewing, now, request_id)


def _seen_as(session: Session, person: Account, viewing: int, now: datetime, request_id: str) -> Actor:
    """The other one, with tied hands, while the admin still is one; else the admin themselves."""
    own = load_actor(session, person, now, request_id)
    other = session.get(Person, viewing)
    if other is None or other.state != "active" or not allow.may(own, "person.view_as", Subject("person", viewing)):
        return own
    return load_actor(session, other, now, request_id, really=person.id)


def actor_of_token(session: Session, secret: str, now: datetime, request_id: str = "") -> Actor | None:
    found = plain(session, _OF_TOKEN, {"secret": digest(secret), "now": now})
    return load_actor(session, Account(*found[0]), now, request_id) if found else None


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
    class_name: str = ""
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
            major=new.major, grade=new.grade, class_name=new.class_name, from_=now,
        )
    )  # fmt: skip
    session.add(person)
    session.flush()
    audit(session, actor, "person.create", Subject("person", person.id), now=now, school_id=new.school_id)
    return person


def ensure_department(session: Session, school_id: int, name: str) -> Department:
    query = sa.select(Department).where(Department.school_id == school_id, Department.name == name)
    department = session.scalar(query)
    if department is None:
        department = Department(school_id=school_id, name=name)
        session.add(department)
        session.flush()
    return department


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
