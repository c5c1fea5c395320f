"""Handing in a file, looking at what it would change, applying it. The work itself is the worker's (`work.py`)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.db import mark_audited
from zutuan.errors import Invalid, Refused
from zutuan.imports import kinds as known
from zutuan.imports.kinds import Kinds
from zutuan.imports.models import ImportBatch, ImportLine
from zutuan.jobs import enqueue
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit, fetch

CHECK, APPLY = "import.check", "import.apply"
# How long a file that nobody applied is kept, and how long the rows of one that was.
KEPT = timedelta(days=14)
AT_ONCE = 100


def hand_in(
    session: Session, kinds: Kinds, actor: Actor, kind: str, school_id: int, name: str, data: bytes,
    params: Mapping[str, Any] | None = None, mends: ImportBatch | None = None,
) -> ImportBatch:  # fmt: skip
    """Take a file for checking. `params` is what the kind asks besides. With `mends` it brings that batch's bad rows
    mended, for the same params."""
    wanted = known.insist(kinds, actor, kind, school_id)
    fits = dict(mends.params) if mends else known.fitting(session, wanted, school_id, params or {})
    if not data:
        raise Invalid.field("file", "import_no_file")
    batch = ImportBatch(
        kind=kind, school_id=school_id, person_id=actor.person_id, mends_id=mends.id if mends else None,
        file_name=name, sha256=hashlib.sha256(data).hexdigest(), content=data,
        chosen=dict(mends.chosen) if mends else {}, params=fits, created_at=actor.now, changed_at=actor.now,
    )  # fmt: skip
    session.add(batch)
    session.flush()
    _audit(session, actor, "import.hand_in", batch)
    enqueue(session, CHECK, {"batch": batch.id}, actor.now)
    return batch


def mend(session: Session, kinds: Kinds, actor: Actor, batch_id: int, name: str, data: bytes) -> ImportBatch:
    """Take the workbook of a batch's bad rows, mended. Its good rows come along; written, it takes that batch's place."""
    before = _locked(session, kinds, actor, batch_id, "checked", "failed")
    return hand_in(session, kinds, actor, before.kind, before.school_id, name, data, mends=before)


def batch_of(session: Session, kinds: Kinds, actor: Actor, batch_id: int) -> ImportBatch:
    """The batch, for whoever may import that kind at its school; else 404."""
    batch = fetch(session, ImportBatch, batch_id)
    known.insist(kinds, actor, batch.kind, batch.school_id)
    return batch


def choose_columns(session: Session, kinds: Kinds, actor: Actor, batch_id: int, chosen: dict[str, str]) -> ImportBatch:
    """Say which column (or "", none) each title of the file is; the file is checked again. What the kind or the file
    does not have is left out."""
    batch = _locked(session, kinds, actor, batch_id, "checked", "failed")
    names = {"", *(column.name for column in kinds.make(batch.kind).columns)}
    titles = {title for title, _name in batch.report.get("mapping", ())}
    batch.chosen = {title: name for title, name in chosen.items() if title in titles and name in names}
    return _check_again(session, actor, batch, "import.columns")


def check_again(session: Session, kinds: Kinds, actor: Actor, batch_id: int) -> ImportBatch:
    return _check_again(session, actor, _locked(session, kinds, actor, batch_id, "checked", "failed"), "import.check")


def _check_again(session: Session, actor: Actor, batch: ImportBatch, action: str) -> ImportBatch:
    _move(batch, "checking", actor.now)
    _audit(session, actor, action, batch)
    enqueue(session, CHECK, {"batch": batch.id}, actor.now)
    return batch


def apply(session: Session, kinds: Kinds, actor: Actor, batch_id: int) -> ImportBatch:
    """Write the whole file, as its differences were shown."""
    batch = _locked(session, kinds, actor, batch_id, "checked")
    if batch.report.get("bad_lines"):
        raise Refused("import_has_errors", lines=batch.report["bad_lines"])
    batch.person_id = actor.person_id
    _move(batch, "applying", actor.now)
    _audit(session, actor, "import.apply", batch)
    enqueue(session, APPLY, {"batch": batch.id}, actor.now)
    return batch


def drop(session: Session, kinds: Kinds, actor: Actor, batch_id: int) -> ImportBatch:
    """Put the file away; its rows are forgotten."""
    batch = _locked(session, kinds, actor, batch_id, "checked", "failed")
    _move(batch, "dropped", actor.now)
    forget(session, batch)
    _audit(session, actor, "import.drop", batch)
    return batch


def forget(session: Session, batch: ImportBatch) -> None:
    """The file's bytes and rows go; what it did stays in the report and the audit."""
    let_go(batch)
    session.execute(sa.delete(ImportLine).where(ImportLine.batch_id == batch.id))


def let_go(batch: ImportBatch) -> None:
    """The file's bytes, and the first of its rows in the report: they name people."""
    batch.content = None
    batch.report = {name: found for name, found in batch.report.items() if name != "head"}


def upkeep(session: Session, now: datetime) -> int:
    """Files that nobody came back for, and rows of what is long done."""
    old = sa.select(ImportBatch.id).where(ImportBatch.changed_at < now - KEPT)
    gone = sa.delete(ImportLine).where(ImportLine.batch_id.in_(old))
    session.execute(gone.execution_options(synchronize_session=False))
    still = sa.select(ImportBatch).where(ImportBatch.changed_at < now - KEPT, ImportBatch.content.is_not(None))
    for batch in session.scalars(still.limit(AT_ONCE)):
        let_go(batch)
        mark_audited(session)
    return 0


def _locked(session: Session, kinds: Kinds, actor: Actor, batch_id: int, *states: str) -> ImportBatch:
    batch = batch_of(session, kinds, actor, batch_id)
    session.refresh(batch, with_for_update=True)
    if batch.state not in states:
        raise Refused("import_wrong_state")
    return batch


def _move(batch: ImportBatch, state: str, now: datetime) -> None:
    batch.state, batch.changed_at, batch.done, batch.total = state, now, 0, 0


def _audit(session: Session, actor: Actor, action: str, batch: ImportBatch) -> None:
    audit(
        session, actor, action, Subject("import", batch.id), now=actor.now, school_id=batch.school_id, kind=batch.kind
    )
