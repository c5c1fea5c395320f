"""Saving formats."""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from zutuan.clusters.models import School
from zutuan.errors import Invalid, Refused
from zutuan.exports import kinds, queries, rules
from zutuan.exports.models import ExportFormat
from zutuan.exports.permissions import allow
from zutuan.sharing.actor import Actor
from zutuan.sharing.services import audit, fetch

FIELDS = ("name", "file_type", "columns", "above")


def create(session: Session, actor: Actor, school_id: int, data: dict[str, Any]) -> ExportFormat:
    """A new format of the school."""
    fetch(session, School, school_id)
    allow.require(actor, "export_format.manage", queries.subject(school_id))
    made = ExportFormat(school_id=school_id, kind=data["kind"], created_at=actor.now)
    _put(session, actor, made, {"above": [], **data})
    _audit(session, actor, "export_format.create", made)
    return made


def update(session: Session, actor: Actor, saved: ExportFormat, data: dict[str, Any]) -> None:
    """Change it. Whoever downloads from now on gets the new order."""
    allow.require(actor, "export_format.manage", queries.subject(saved.school_id, saved.id))
    changed = [name for name in FIELDS if name in data and data[name] != getattr(saved, name)]
    _put(session, actor, saved, data)
    _audit(session, actor, "export_format.edit", saved, fields=changed)


def _put(session: Session, actor: Actor, saved: ExportFormat, data: dict[str, Any]) -> None:
    kind = kinds.named(saved.kind)
    if kind is None:
        raise Invalid.field("kind", "export_kind_unknown")
    if "columns" in data:
        errors = rules.check_columns(data["columns"], {each.name for each in kind.columns})
        if errors:
            raise Invalid(errors=errors)
    for name in FIELDS:
        if name in data:
            setattr(saved, name, data[name])
    saved.updated_at = actor.now
    session.add(saved)
    try:
        session.flush()
    except IntegrityError as error:
        raise Refused("export_name_taken") from error


def delete(session: Session, actor: Actor, saved: ExportFormat) -> None:
    """Take it away; nothing hangs on it."""
    allow.require(actor, "export_format.manage", queries.subject(saved.school_id, saved.id))
    _audit(session, actor, "export_format.delete", saved)
    session.delete(saved)
    session.flush()


def _audit(session: Session, actor: Actor, action: str, saved: ExportFormat, **detail: Any) -> None:
    about = queries.subject(saved.school_id, saved.id)
    audit(session, actor, action, about, now=actor.now, school_id=saved.school_id, kind=saved.kind, **detail)
