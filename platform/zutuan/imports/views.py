"""Imports as pages show them and schemas dump them."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from zutuan.feature import ImportKind
from zutuan.importing import RowError
from zutuan.imports.kinds import Kinds
from zutuan.imports.models import ImportBatch, ImportLine


def mistakes(line: ImportLine) -> list[RowError]:
    return [RowError(line.line, column, code, params) for column, code, params in line.detail.get("errors", ())]


def shown(kind: ImportKind, line: ImportLine) -> list[dict[str, str]]:
    """A line's changes or mistakes, in words."""
    if line.outcome == "bad":
        return [{"column": str(kind.labels.get(e.column, e.column)), "text": e.sentence} for e in mistakes(line)]

    def word(column: str, value: str) -> str:
        return str(kind.words.get(column, {}).get(value, value))

    return [
        {"column": str(kind.labels.get(c, c)), "before": word(c, before), "after": word(c, after)}
        for c, before, after in line.detail["values"]
    ]


def batch(value: ImportBatch) -> dict[str, Any]:
    report = value.report
    own = (
        "id", "kind", "school", "person", "params", "file_name", "state", "done", "total", "mends_id",
        "superseded_by_id", "created_at", "changed_at",
    )  # fmt: skip
    return {
        **{name: getattr(value, name) for name in own},
        "rows": report.get("rows", 0), "counts": report.get("counts", {}), "bad_lines": report.get("bad_lines", 0),
        "mapping": [{"title": title, "column": column} for title, column in report.get("mapping", ())],
        "encoding": report.get("encoding", ""), "problem": report.get("problem", ""),
        "told": report.get("told", 0),
    }  # fmt: skip


def line(value: ImportLine) -> dict[str, Any]:
    changes = value.detail.get("values", ())
    return {
        "line": value.line, "outcome": value.outcome, "label": value.label,
        "changes": [{"column": column, "before": before, "after": after} for column, before, after in changes],
        "errors": [{"column": e.column, "code": e.code, "message": e.sentence} for e in mistakes(value)],
    }  # fmt: skip


def kind(session: Session, kinds: Kinds, value: ImportKind, school_id: int) -> dict[str, Any]:
    """A kind as somebody needs it who makes a file for this school."""
    columns = kinds.make(value.name).columns
    return {
        "name": value.name, "title": str(value.title), "replaces": value.replaces,
        "columns": [{"name": each.name, "titles": each.titles, "needed": each.needed} for each in columns],
        "params": [
            {
                "name": param.name, "label": str(param.label),
                "options": [{"value": v, "text": text} for v, text in param.options(session, school_id)],
            }
            for param in value.params
        ],
    }  # fmt: skip
