"""Lists of what was handed in, and of what was found in it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session, joinedload

from zutuan.clusters.models import School
from zutuan.fields import Pattern
from zutuan.importing import RowError
from zutuan.importing.mapping import PLACE, REASON
from zutuan.imports.models import ImportBatch, ImportLine
from zutuan.paging import Key, Page, fetch_page

STATE = {
    "checking": (_l("正在核对"), "info"),
    "checked": (_l("待确认"), "warn"),
    "applying": (_l("正在写入"), "info"),
    "applied": (_l("已导入"), "good"),
    "failed": (_l("没有办完"), "bad"),
    "dropped": (_l("已放弃"), ""),
    "superseded": (_l("由修改后的工作簿接替"), ""),
}
OUTCOME = {
    "bad": _l("有误"),
    "updated": _l("变动"),
    "created": _l("新增"),
    "removed": _l("去掉"),
    "follows": _l("随之变动"),
    "proposed": _l("待本人接受"),
    "kept": _l("保留原样"),
}
FILE_NAME = Pattern(r"(?!\.{1,2}$)[^/\\]+", "bad_file_name", 200)


def school_names(session: Session, ids: Collection[int]) -> list[tuple[int, str]]:
    query = sa.select(School.id, School.name).where(School.id.in_(ids)).order_by(School.id)
    return [(id_, name) for id_, name in session.execute(query)]


def batches(session: Session, schools: Collection[int], cursor: str | None, limit: int) -> Page:
    """What was handed in for these schools, newest first."""
    query = sa.select(ImportBatch).where(ImportBatch.school_id.in_(schools))
    query = query.options(joinedload(ImportBatch.school), joinedload(ImportBatch.person))
    return fetch_page(session, query, [Key(ImportBatch.id, descending=True)], cursor, limit)


def followed_by(session: Session, batch: ImportBatch) -> ImportBatch | None:
    """The mended workbook that was written in this file's place."""
    return session.get(ImportBatch, batch.superseded_by_id) if batch.superseded_by_id else None


def line_counts(session: Session, batch_id: int) -> dict[str, int]:
    query = sa.select(ImportLine.outcome, sa.func.count()).where(ImportLine.batch_id == batch_id)
    return {outcome: n for outcome, n in session.execute(query.group_by(ImportLine.outcome))}


def lines(session: Session, batch_id: int, outcome: str, cursor: str | None, limit: int) -> Page:
    query = sa.select(ImportLine).where(ImportLine.batch_id == batch_id, ImportLine.outcome == outcome)
    return fetch_page(session, query, [Key(ImportLine.id)], cursor, limit)


def failed_rows(
    session: Session, batch: ImportBatch, labels: Mapping[str, Any]
) -> tuple[list[str], Iterator[list[str]]]:
    """Head and rows of the workbook that goes back: the row's place, the file's own columns, the reasons."""
    titles: list[str] = batch.report.get("columns", [])
    query = sa.select(ImportLine).where(ImportLine.batch_id == batch.id, ImportLine.outcome == "bad")
    found = session.scalars(query.where(ImportLine.line > 0).order_by(ImportLine.line, ImportLine.id))
    rows = ([f"{batch.id}-{row.line}", *_cells(row, len(titles)), _reasons(row, labels)] for row in found)
    return [PLACE, *titles, REASON], rows


def _cells(line: ImportLine, width: int) -> list[str]:
    return (list(line.detail["cells"]) + [""] * width)[:width]


def _reasons(line: ImportLine, labels: Mapping[str, Any]) -> str:
    errors = (RowError(line.line, column, code, params) for column, code, params in line.detail["errors"])
    said = (f"{labels.get(e.column, e.column)}{_('：')}{e.sentence}" if e.column else e.sentence for e in errors)
    return " ".join(said)
