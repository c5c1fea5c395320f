"""Accounts, sign-in, sessions, tokens, roles."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.clusters.models import Cluster, Department, Membership, School
from zutuan.db import UtcDateTime, plain
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


def load_actor(
    session: Session, person: Person, now: datetime, request_id: str = "", really: int | None = None
) -> Actor:
    """What this person is now: open affiliations, roles held with them, memberships of their schools.

    A role at a school counts only while an affiliation there is open, so ending one takes the other with it.
    """
    session.flush()  # what follows reads past the session
    found = plain(session, _BY_PERSON, {"person": person.id, "now": now})
    return _actor(session, found, now, request_id, really)


_PERSON: sa.BindParameter[int] = sa.bindparam("person")
_NOW: sa.BindParameter[datetime] = sa.bindparam("now", type_=UtcDateTime())


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


_ACCOUNT = (Person.id, Person.name, Person.locale, Person.demonstration, Person.privacy_version)
_BELONGS = (
    Affiliation.id, Affiliation.school_id, School.name, Affiliation.kind, Affiliation.number,
    Affiliation.department_id, Affiliation.major, Affiliation.grade, Affiliation.standing,
)  # fmt: skip
_MEMBER = (Membership.id, Membership.cluster_id, Membership.school_id, Membership.role, Cluster.name)
# Every request asks this and the roles: built once, they cost half of what building them anew does. A row for each of the
# person's affiliations and each membership of its school.
_STANDS: Any = (
    sa.select(*_ACCOUNT, *_BELONGS, *_MEMBER)
    .select_from(Person)
    .outerjoin(Affiliation, sa.and_(Affiliation.person_id == Person.id, _open(Affiliation)))
    .outerjoin(School, School.id == Affiliation.school_id)
    .outerjoin(Membership, sa.and_(Membership.school_id == School.id, _open(Membership)))
    .outerjoin(Cluster, Cluster.id == Membership.cluster_id)
    .order_by(Affiliation.id, Membership.id)
)
_BY_PERSON = _STANDS.where(Person.id == _PERSON)
_SECRET: sa.BindParameter[str] = sa.bindparam("secret")
_BY_TOKEN = (
    _STANDS.join(PersonalToken, PersonalToken.person_id == Person.id)
    .where(PersonalToken.secret_hash == _SECRET, PersonalToken.revoked_at.is_(None), PersonalToken.expires_at > _NOW)
    .where(Person.state == "active")
)
_BY_SESSION = (
    _STANDS.join(WebSession, WebSession.person_id == Person.id)
    .where(WebSession.secret_hash == _SECRET, WebSession.expires_at > _NOW, Person.state == "active")
    .add_columns(WebSession.viewing_id, WebSession.viewing_until)
)
_ROLES = sa.select(
    RoleAssignment.role,
    RoleAssignment.school_id,
    RoleAssignment.department_id,
    RoleAssignment.cluster_id,
    RoleAssignment.delegates.is_not(None),
).where(RoleAssignment.person_id == _PERSON, role_stands(_NOW))
_AT_BELONGS = len(_ACCOUNT)
_AT_MEMBER = _AT_BELONGS + len(_BELONGS)
_AT_END = _AT_MEMBER + len(_MEMBER)


def _actor(
    session: Session, rows: Sequence[sa.Row[Any]], now: datetime, request_id: str, really: int | None = None
) -> Actor:
    person_id, name, locale, demonstration, privacy_version = rows[0][:_AT_BELONGS]
    belongs = {row[_AT_BELONGS]: Belongs(*row[_AT_BELONGS:_AT_MEMBER]) for row in rows if row[_AT_BELONGS] is not None}
    members = {row[_AT_MEMBER]: Member(*row[_AT_MEMBER + 1 : _AT_END]) for row in rows if row[_AT_MEMBER] is not None}
    affiliations = tuple(belongs.values())
    return Actor(
        person_id=person_id,
        name=name,
        now=now,
        locale=locale,
        demonstration=demonstration,
        affiliations=affiliations,
        roles=_roles(session, person_id, affiliations, now),
        memberships=tuple(members[id_] for id_ in sorted(members)),
        request_id=request_id,
        really=really,
        privacy_version=privacy_version,
    )


def _roles(session: Session, person_id: int, affiliations: Sequence[Belongs], now: datetime) -> tuple[Holds, ...]:
    school_ids = {each.school_id for each in affiliations}
    rows = plain(session, _ROLES, {"person": person_id, "now": now})
    granted = [Holds(*row) for row in rows if row.school_id is None or row.school_id in school_ids]
    by_kind = [Holds(each.kind, each.school_id) for each in affiliations if each.kind in ("student", "teacher")]
    return tuple(by_kind + granted)


def actor_of_session(session: Session, secret: str, now: datetime, request_id: str = "") -> Actor | None:
    """Who is signed in; an admin who looks as somebody else is that one, with tied hands, while they still may look."""
    found = plain(session, _BY_SESSION, {"secret": digest(secret), "now": now})
    if not found:
        return None
    own = _actor(session, found, now, request_id)
    viewing, until = found[0][_AT_END:]
    other = session.get(Person, viewing) if viewing is not None and until is not None and until > now else None
    if other is None or other.state != "active" or not allow.may(own, "person.view_as", Subject("person", other.id)):
        return own
    return load_actor(session, other, now, request_id, really=own.person_id)


def actor_of_token(session: Session, secret: str, now: datetime, request_id: str = "") -> Actor | None:
    found = plain(session, _BY_TOKEN, {"secret": digest(secret), "now": now})
    return _actor(session, found, now, request_id) if found else None


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
