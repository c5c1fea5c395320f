"""The worker's part: a file is read and compared without holding a lock, and written in one short transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from zutuan.clock import clock
from zutuan.db import Database, is_collision, mark_audited
from zutuan.desk import Desk
from zutuan.errors import ZutuanError
from zutuan.feature import ImportKind
from zutuan.importing import Checked, Import, Plan, RowError, Sheet, apply_plan, check_sheet, in_order, read
from zutuan.importing.mending import batch_of as returned_batch
from zutuan.importing.mending import is_returned, with_mended
from zutuan.imports.kinds import Kinds, may
from zutuan.imports.models import ImportBatch, ImportLine
from zutuan.imports.services import let_go
from zutuan.jobs import Task
from zutuan.notices.services import tell
from zutuan.people.models import Person
from zutuan.people.services import load_actor

log = structlog.get_logger()
MAX_LABEL = 200
MAX_MENDED = 20  # workbooks of mended rows, one upon the other


def check(desk: Desk, task: Task) -> None:
    """Read the file and say what it would change. May run twice: the second finds nothing to do, or does it again."""
    batch_id, kinds = task.payload["batch"], Kinds(desk.features)
    work = _Work(desk.database, kinds, batch_id)
    if not work.open("checking"):
        return
    checked, plan = work.check()
    work.keep(checked, plan)


def apply(desk: Desk, task: Task) -> None:
    """Write it, if it still means what was shown; else check it again and let the registrar look."""
    batch_id, kinds = task.payload["batch"], Kinds(desk.features)
    work = _Work(desk.database, kinds, batch_id)
    if not work.open("applying"):
        return
    checked, _plan = work.check()
    try:
        work.write(checked)
    except IntegrityError:
        log.exception("import.conflict", batch=batch_id)
        work.stop("import_failed")
    except ZutuanError as error:  # a room that somebody took in between
        work.stop(error.code)
    except DBAPIError as error:
        if is_collision(error):
            raise  # the worker tries again
        work.stop("import_failed")
        raise


class _Work:
    def __init__(self, database: Database, kinds: Kinds, batch_id: int) -> None:
        self.database, self.kinds, self.batch_id = database, kinds, batch_id
        self.kind: ImportKind
        self.maker: Import
        self.mended: list[int] = []  # the files whose bad rows this one brings mended, the latest first

    def open(self, state: str) -> bool:
        """Whether the batch still waits for this."""
        with self.database.read() as session:
            batch = session.get(ImportBatch, self.batch_id)
            if batch is None or batch.state != state:
                return False
            self.kind, self.chosen = self.kinds[batch.kind], dict(batch.chosen)
            self.maker = self.kinds.make(batch.kind, batch.school_id, batch.params)
            return True

    def check(self) -> tuple[Checked, Plan]:
        with self.database.read() as session:
            sheet = self._sheet(session, self.batch_id)
        checked = check_sheet(self.maker, sheet, self._progress, self.chosen)
        writes = self.maker.foresee is not None and not checked.errors
        with self.database.session(writes=writes) as session:
            plan = self.maker.whole_plan(session, checked.records, clock.now(), sound=writes)
            session.rollback()
        return checked, plan

    def _sheet(self, session: Session, batch_id: int, depth: int = 0) -> Sheet:
        """The file's sheet; a workbook of mended rows put into the one it came from."""
        batch = session.get_one(ImportBatch, batch_id)
        sheet = read(batch.content or b"", self.maker.columns)
        if not is_returned(sheet) or depth >= MAX_MENDED:
            return sheet
        before = batch.mends_id or returned_batch(sheet)
        earlier = session.get(ImportBatch, before) if before else None
        same = earlier is not None and all(
            getattr(earlier, name) == getattr(batch, name) for name in ("school_id", "kind", "params")
        )
        if earlier is None or not same or earlier.id >= batch.id or earlier.content is None:
            return sheet
        self.mended.append(earlier.id)
        return with_mended(self._sheet(session, earlier.id, depth + 1), sheet)

    def _progress(self, done: int, total: int) -> None:
        with self.database.write() as session:
            row = sa.update(ImportBatch).where(ImportBatch.id == self.batch_id).values(done=done, total=total)
            session.execute(row.execution_options(synchronize_session=False))
            mark_audited(session)  # how far it is says nothing about anybody

    def keep(self, checked: Checked, plan: Plan, problem: str = "") -> None:
        errors = in_order((*checked.errors, *plan.errors))
        now = clock.now()
        with self.database.write() as session:
            batch = session.get_one(ImportBatch, self.batch_id, with_for_update=True)
            if batch.state not in ("checking", "applying"):
                return
            session.execute(sa.delete(ImportLine).where(ImportLine.batch_id == batch.id))
            lines = [*_differences(batch.id, plan), *_bad(batch.id, checked.sheet, errors)]
            if lines:
                table: Any = ImportLine.__table__
                session.execute(table.insert(), lines)
            batch.state, batch.changed_at = "checked", now
            batch.report = _report(checked, plan, errors, problem)
            mark_audited(session)

    def write(self, checked: Checked) -> None:
        now = clock.now()
        with self.database.write() as session:
            batch = session.get_one(ImportBatch, self.batch_id, with_for_update=True)
            actor = load_actor(session, session.get_one(Person, batch.person_id), now)
            if batch.state != "applying":
                return
            if not may(actor, self.kind, batch.school_id):
                _stop(session, batch, "import_not_allowed", now)
                return
            self.maker.hold(session)
            plan = self.maker.whole_plan(session, checked.records, now, sound=not checked.errors)
            if not (checked.errors or plan.errors) and plan.digest == batch.report["digest"]:
                if plan.changes:
                    apply_plan(session, self.maker, actor, plan, now, batch.sha256)
                self._applied(session, batch, plan, now)
                return
        self.keep(checked, plan, "import_changed_since")

    def _applied(self, session: Session, batch: ImportBatch, plan: Plan, now: datetime) -> None:
        batch.state, batch.changed_at = "applied", now
        let_go(batch)
        for id_ in self.mended:  # the files whose bad rows were mended have served
            before = session.get_one(ImportBatch, id_)
            before.state, before.changed_at = "superseded", now
            before.superseded_by_id = batch.id
            let_go(before)
        params = {"file": batch.file_name, **plan.counts}
        tell(session, [batch.person_id], "import.applied", f"import:{batch.id}", params, f"/imports/{batch.id}", now)
        mark_audited(session)

    def stop(self, code: str) -> None:
        with self.database.write() as session:
            _stop(session, session.get_one(ImportBatch, self.batch_id), code, clock.now())


def _stop(session: Session, batch: ImportBatch, code: str, now: datetime) -> None:
    batch.state, batch.changed_at = "failed", now
    batch.report = {**batch.report, "problem": code}
    mark_audited(session)


def _report(checked: Checked, plan: Plan, errors: tuple[RowError, ...], problem: str) -> dict[str, Any]:
    return {
        "counts": plan.counts, "digest": plan.digest, "bad_lines": len({error.line for error in errors}),
        "rows": len(checked.sheet.rows), "mapping": checked.mapping, "encoding": checked.sheet.encoding,
        "columns": checked.sheet.columns, "header_line": checked.sheet.header_line, "problem": problem, "told": plan.told,
        "head": [list(map(str, row.cells)) for row in checked.sheet.rows[:3]],
    }  # fmt: skip


def _differences(batch_id: int, plan: Plan) -> Iterable[dict[str, Any]]:
    for each in plan.differences:
        yield {
            "batch_id": batch_id, "line": each.line, "outcome": each.outcome, "label": each.label[:MAX_LABEL],
            "detail": {"values": each.values},
        }  # fmt: skip


def _bad(batch_id: int, sheet: Sheet, errors: tuple[RowError, ...]) -> Iterable[dict[str, Any]]:
    cells = {row.line: row.cells for row in (*sheet.rows, *sheet.ragged)}
    by_line: dict[int, list[RowError]] = {}
    for error in errors:
        by_line.setdefault(error.line, []).append(error)
    for line, found in by_line.items():
        row = [str(cell) for cell in cells.get(line, ())]
        yield {
            "batch_id": batch_id, "line": line, "outcome": "bad", "label": " ".join(row[:2])[:MAX_LABEL],
            "detail": {"cells": row, "errors": [[each.column, each.code, dict(each.params)] for each in found]},
        }  # fmt: skip
