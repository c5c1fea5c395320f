"""My data: everything that names me, in one file; and closing my account, which takes what is optional at once.

Found by the tables themselves: every column that refers to a person, so that a feature cannot forget one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.calendar import busy
from zutuan.db import Base, UtcDateTime
from zutuan.errors import Invalid, Refused
from zutuan.notices.models import Notice
from zutuan.people import passwords
from zutuan.people.models import AccessKey, Affiliation, Person, PersonalToken, Proposal, RoleAssignment, WebSession
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import AuditEvent
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit
from zutuan.storage.services import erase_own

# Nobody's to read, not even their owner's: hashes and what keys are made of; bytes are files of their own.
SECRET = ("hash", "nonce", "secret", "content", "body", "report")
# Columns that say whom a row is about. By any other (issued_by, proposed_by …) somebody only did something to it: then
# the export says what and when, and leaves out what the row tells of somebody else.
ABOUT = ("person_id", "uploaded_by")
CLOSED_NAME = "已注销"


def references() -> Iterator[tuple[sa.Table, sa.Column[Any]]]:
    """Every column of every table that refers to a person."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if any(key.column.table.name == "person" for key in column.foreign_keys):
                yield table, column


def export(session: Session, actor: Actor) -> dict[str, list[dict[str, Any]]]:
    """Table → the rows that name the person, without secrets."""
    person: Any = Person.__table__
    event: Any = AuditEvent.__table__
    found = {"person": _rows(session, person, person.c.id == actor.person_id)}
    for table, column in references():
        rows = _rows(session, table, column == actor.person_id, None if column.name in ABOUT else column)
        found.setdefault(table.name, []).extend(rows)
    # The audit names a merged account by its old id for ever.
    mine = [actor.person_id, *session.scalars(sa.select(person.c.id).where(person.c.merged_into == actor.person_id))]
    about = sa.and_(event.c.subject_type == "person", event.c.subject_id.in_(mine))
    found["audit_event"] = _rows(session, event, sa.or_(event.c.actor_id.in_(mine), about))
    return {str(name): rows for name, rows in found.items() if rows}


def _rows(
    session: Session, table: sa.Table, clause: sa.ColumnElement[bool], by: sa.Column[Any] | None = None
) -> list[dict[str, Any]]:
    """The rows; where the person is only named `by` that column, which rows and when."""
    shown = [column for column in table.columns if not any(word in column.name for word in SECRET)]
    if by is not None:
        shown = [each for each in shown if each.name in ("id", by.name) or isinstance(each.type, UtcDateTime)]
    rows = session.execute(sa.select(*shown).where(clause))
    return [{str(name): value for name, value in row._mapping.items()} for row in rows]


def close(session: Session, actor: Actor, password: str) -> None:
    """Close one's account. What schools must keep (enrolments, papers, the audit) stays, under 已注销; files that were
    only the person's own go."""
    person = session.get_one(Person, actor.person_id)
    if not passwords.verify(person.password_hash, password):
        raise Invalid.field("password", "password_wrong")
    if any(held.role == "platform_admin" for held in actor.roles):
        raise Refused("closing_platform_admin")
    mine, now = actor.person_id, actor.now
    for table in (WebSession, Notice):
        session.execute(sa.delete(table).where(table.person_id == mine))
    busy.forget(session, mine)
    session.execute(sa.update(PersonalToken).where(PersonalToken.person_id == mine).values(revoked_at=now))
    session.execute(
        sa.update(AccessKey).where(AccessKey.person_id == mine, AccessKey.used_at.is_(None)).values(revoked_at=now)
    )
    session.execute(
        sa.update(Proposal)
        .where(Proposal.person_id == mine, Proposal.state == "open")
        .values(state="declined", decided_at=now)
    )
    erase_own(session, mine, now)
    for dated in (Affiliation, RoleAssignment):
        still = sa.or_(dated.until.is_(None), dated.until > now)
        session.execute(sa.update(dated).where(dated.person_id == mine, dated.from_ <= now, still).values(until=now))
    person.name, person.email, person.password_hash, person.state = CLOSED_NAME, None, None, "closed"
    person.closed_at = now
    audit(session, actor, "person.close", Subject("person", mine), now=now)
