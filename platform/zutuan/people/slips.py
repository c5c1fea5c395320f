"""Activation codes on slips of paper, for those without e-mail: issued, printed, used once."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.clusters.models import Department, School
from zutuan.db import Database
from zutuan.errors import Invalid, Refused, Unauthenticated
from zutuan.people import rules, throttle
from zutuan.people.models import AccessKey, Affiliation, Person, RoleAssignment
from zutuan.people.permissions import allow
from zutuan.people.policies import SLIP_LIFE, least_at
from zutuan.people.services import digest, load_actor, ones_own
from zutuan.people.signing_in import find_school, insist_strong, revoke_keys, use_key
from zutuan.policies import services as policies
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Place, Subject
from zutuan.sharing.services import audit

MAX_SLIPS = 5000


_ALPHABET = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789ABCDEFGHJKMNPQRSTVWXYZ")  # Crockford's


def slip_code(secret: str, nonce: str) -> str:
    """The code of a slip, XXXX-XXXX-XXXX (60 bits): it follows from the platform's secret, so it is stored nowhere."""
    raw = hmac.digest(secret.encode(), f"slip:{nonce}".encode(), "sha256")
    text = base64.b32encode(raw).translate(_ALPHABET).decode()[:12]
    return "-".join(text[start : start + 4] for start in (0, 4, 8))


def normal_code(text: str) -> str:
    """A code as it was typed from paper: case, dashes and look-alike letters do not matter."""
    plain = "".join(char for char in text.upper() if char.isalnum())[:40]
    return plain.translate(str.maketrans("OIL", "011"))


def code_hash(code: str) -> str:
    return digest(f"slip:{normal_code(code)}")


@dataclass(frozen=True)
class Slip:
    """What is printed for one person."""

    key_id: int
    name: str
    number: str
    department: str
    class_name: str
    code: str
    expires_at: datetime
    used: bool


@dataclass(frozen=True)
class Wanted:
    """Whose slips: empty means all. `numbers` are 学工号."""

    class_name: str = ""
    department_id: int | None = None
    numbers: Sequence[str] = ()
    purpose: str = "activate"


def school_subject(school_id: int) -> Subject:
    return Subject("school", school_id, places={"school": Place(school_id)})


def within_reach(actor: Actor, school_id: int) -> sa.ColumnElement[bool]:
    """People who hold no role but such as the actor could grant at that school, in their own right: else a slip would
    be a way up, or a deputy's way to stay."""
    r, own = RoleAssignment, actor.in_own_right
    may = [role for role, (place, _) in rules.GRANTS.items()
           if place == "school" and allow.may(own, f"role.grant.{role}", school_subject(school_id))]  # fmt: skip
    beyond = sa.or_(r.school_id.is_distinct_from(school_id), r.role.not_in(may))
    return (
        ~sa.select(r.id)
        .where(r.person_id == Person.id, sa.or_(r.until.is_(None), r.until > actor.now), beyond)
        .exists()
    )


def waiting(school_id: int, now: datetime, wanted: Wanted) -> sa.Select[int]:
    """Ids of the school's people who cannot sign in yet, or for a reset of those asked for by number.

    Never an account that is used at another school as well: that one is not this school's to open.
    """
    a = Affiliation
    query = (
        sa.select(a.person_id).join(Person, Person.id == a.person_id)
        .where(a.school_id == school_id, a.open_at(now), Person.state == "active", ~_elsewhere(school_id))
    )  # fmt: skip
    query = query.where(Person.password_hash.is_(None)) if wanted.purpose == "activate" else query
    if wanted.class_name:
        query = query.where(a.class_name == wanted.class_name)
    if wanted.department_id:
        query = query.where(a.department_id == wanted.department_id)
    if wanted.numbers:
        query = query.where(a.number.in_(list(wanted.numbers)))
    return query


def _elsewhere(school_id: int) -> sa.ColumnElement[bool]:
    """Whether the person has ever been of another school as well."""
    other, own = sa.orm.aliased(Affiliation), ones_own(school_id)
    return sa.select(other.id).where(other.person_id == Person.id, other.school_id.not_in(own)).exists()


def issue_slips(session: Session, actor: Actor, school_id: int, wanted: Wanted, secret: str) -> str:
    """New slips; earlier ones of the same people stop working. Answers the batch, from which they can be printed."""
    allow.require(actor, "key.issue", school_subject(school_id))
    if wanted.purpose == "reset" and not wanted.numbers:
        raise Invalid.field("numbers", "required")
    people = session.scalars(
        waiting(school_id, actor.now, wanted).where(within_reach(actor, school_id)).limit(MAX_SLIPS + 1)
    ).all()
    if not people:
        raise Refused("nobody_to_activate")
    if len(people) > MAX_SLIPS:
        raise Invalid.field("class_name", "too_many_items", max=MAX_SLIPS)
    batch, now = secrets.token_urlsafe(16), actor.now
    life = policies.value(session, SLIP_LIFE, school_id, now)
    revoke_keys(session, people, now)
    rows = []
    for person_id in people:
        nonce = secrets.token_urlsafe(16)
        rows.append(
            {
                "person_id": person_id, "school_id": school_id, "purpose": wanted.purpose, "channel": "slip",
                "batch": batch, "nonce": nonce, "secret_hash": code_hash(slip_code(secret, nonce)),
                "issued_by": actor.person_id, "created_at": now, "expires_at": now + life,
            }
        )  # fmt: skip
    session.execute(sa.insert(AccessKey), rows)
    audit(session, actor, "key.issue", school_subject(school_id), now=now, school_id=school_id, keys=len(rows))
    return batch


def slips_of(session: Session, actor: Actor, school_id: int, batch: str, secret: str) -> list[Slip]:
    """The batch's slips by class and number: codes of those that still work, and which have been used. Of somebody for
    whom the actor could issue none (any more) there is none to read either."""
    allow.require(actor, "key.issue", school_subject(school_id))
    k, a, d = AccessKey, Affiliation, Department
    here = sa.and_(a.person_id == k.person_id, a.school_id == k.school_id)
    query = (
        sa.select(k.id, Person.name, a.number, d.name, a.class_name, k.nonce, k.expires_at, k.used_at)
        .join(Person, Person.id == k.person_id).join(a, here).outerjoin(d, d.id == a.department_id)
        .where(k.batch == batch, k.school_id == school_id, k.channel == "slip", k.revoked_at.is_(None))
        .where(k.expires_at > actor.now, within_reach(actor, school_id), ~_elsewhere(school_id))
        .order_by(d.name, a.class_name, a.number)
    )  # fmt: skip
    return [
        Slip(
            id_,
            name,
            number,
            department or "",
            class_name,
            "" if used else slip_code(secret, nonce),
            expires,
            bool(used),
        )
        for id_, name, number, department, class_name, nonce, expires, used in session.execute(query)
    ]


def batches_of(session: Session, school_id: int, now: datetime) -> list[tuple[str, datetime, datetime, int, int]]:
    """(batch, issued, runs out, keys, used), newest first, of what can still be printed."""
    k = AccessKey
    query = (
        sa.select(k.batch, sa.func.min(k.created_at), sa.func.min(k.expires_at), sa.func.count(), sa.func.count(k.used_at))
        .where(k.school_id == school_id, k.channel == "slip", k.revoked_at.is_(None), k.expires_at > now)
        .group_by(k.batch).order_by(sa.func.min(k.id).desc()).limit(30)
    )  # fmt: skip
    return [tuple(row) for row in session.execute(query)]  # type: ignore[misc]


def activate(
    database: Database, school_text: str, number: str, code: str, password: str, who: throttle.Origin, now: datetime
) -> int:
    """Set a password with a slip; answers the person. Wrong ones are counted as wrong passwords of that account are."""
    with database.read() as session:
        school = find_school(session, school_text)
        insist_strong(password, least_at(session, [school.id if school else None], now))
        account = throttle.account_of_number(school.id if school else school_text.strip(), number)
        throttle.check(session, account, who, now)
        key = _slip(session, school, number.strip(), code, now) if school else None
    if key is None:
        throttle.count(database, account, who, now)
        raise Unauthenticated("key_failed")
    person_id = use_key(database, key, password, now)
    with database.write() as session:
        throttle.forget(session, account, who)
    return person_id


def _slip(session: Session, school: School, number: str, code: str, now: datetime) -> str | None:
    """The hash of the slip's key, if it is that person's, and whoever issued it could still issue it: since then its
    owner may have got a role, or joined another school."""
    a, k = Affiliation, AccessKey
    query = (
        sa.select(k).join(Person, Person.id == k.person_id)
        .join(a, sa.and_(a.person_id == k.person_id, a.school_id == school.id, a.number == number, a.open_at(now)))
        .where(k.secret_hash == code_hash(code), k.channel == "slip", k.open_at(now), Person.state == "active")
    )  # fmt: skip
    key = session.scalar(query.where(~_elsewhere(school.id)))
    if key is None or key.issued_by is None:
        return None
    issuer = load_actor(session, session.get_one(Person, key.issued_by), now)
    reached = sa.select(Person.id).where(Person.id == key.person_id, within_reach(issuer, school.id))
    return key.secret_hash if session.scalar(reached) is not None else None
