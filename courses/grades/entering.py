"""Writing grades into an open sheet: everything that was sent, or nothing of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from courses.grades import queries, steps
from courses.grades.models import GradeEntry, GradeSheet
from courses.grades.queries import Row
from courses.grades.schemes import Judged, Scheme, Written, judge, word
from zutuan.clock import local
from zutuan.decision import FieldError
from zutuan.errors import Invalid, Refused
from zutuan.sharing.actor import Actor


@dataclass(frozen=True)
class Draft:
    """What somebody wrote of one student. `version`: of the row that they saw (0: an empty one); None: they answer for
    the sheet as a whole. `line`: where it stood in a file."""

    enrolment_id: int
    written: Written
    version: int | None = None
    line: int = 0


@dataclass
class Changes:
    """What drafts would change: (row, what it was, what it comes to), and everything that stands against them by its
    index."""

    rows: list[tuple[Row, Judged]] = field(default_factory=list)
    wrong: list[FieldError] = field(default_factory=list)
    meanwhile: list[FieldError] = field(default_factory=list)


def seen(row: Row, scheme: Scheme) -> str:
    """What a page shows of a row, as one short value: sent back with it, it tells whether the reader touched the row."""
    return _digest([row.part(name) for name in scheme.columns], row.mark, row.remark)


def sent(written: Written, scheme: Scheme) -> str:
    """The same of what comes back."""
    return _digest([written.parts.get(name, "") for name in scheme.columns], written.mark, written.remark)


def _digest(parts: Sequence[str], mark: str, remark: str) -> str:
    return hashlib.sha256("\x1f".join((*parts, mark, remark)).encode()).hexdigest()[:12]


def compare(scheme: Scheme, rows: Mapping[int, Row], drafts: Sequence[Draft]) -> Changes:
    """What these drafts change in these rows."""
    found, first = Changes(), dict[int, int]()
    for index, draft in enumerate(drafts):
        at = f"entries.{index}"
        row = rows.get(draft.enrolment_id)
        if row is None:
            found.wrong.append(FieldError(f"{at}.enrolment_id", "not_on_sheet"))
        elif draft.enrolment_id in first:
            line = first[draft.enrolment_id]
            found.wrong.append(FieldError(f"{at}.enrolment_id", "twice_on_sheet", {"line": line}))
        else:
            first[draft.enrolment_id] = draft.line or index + 1
            _compare_one(scheme, row, draft, at, found)
    return found


def _compare_one(scheme: Scheme, row: Row, draft: Draft, at: str, found: Changes) -> None:
    judged = judge(scheme, draft.written)
    if isinstance(judged, dict):
        found.wrong += [FieldError(f"{at}.{name}", each.code, each.params) for name, each in judged.items()]
        return
    if _same(row, judged):
        return
    if draft.version is not None and draft.version != row.version and row.entry is not None:
        found.meanwhile.append(FieldError(f"{at}.version", "graded_meanwhile", _meanwhile(row)))
        return
    found.rows.append((row, judged))


def _same(row: Row, judged: Judged) -> bool:
    if row.entry is None:
        return judged.grade is None and not judged.parts and not judged.remark
    return (row.entry.parts, row.grade, row.remark) == (judged.parts, judged.grade, judged.remark)


def _meanwhile(row: Row) -> dict[str, str]:
    assert row.entry is not None
    at = local(row.entry.entered_at).strftime("%m-%d %H:%M")
    parts = " / ".join(row.entry.parts.values())
    grade = word(row.entry.mark) or row.entry.grade or parts or "—"
    return {"who": row.entry.writer.name if row.entry.writer else "—", "at": at, "grade": grade}


def save(session: Session, actor: Actor, sheet_id: int, drafts: Sequence[Draft], via: str = "page") -> GradeSheet:
    """Write all of the drafts. Raises Invalid (a bad row) or Refused (a row that somebody else has changed since it was
    read), each naming every such row, and then nothing is written."""
    sheet = queries.view_sheet(session, actor, sheet_id, "grades.save", hold=True)
    steps.move(sheet, "save", "staff")
    scheme = queries.scheme_of(session, sheet.offering, actor.now)
    rows = {row.enrolment.id: row for row in queries.rows_of(session, sheet)}
    changes = compare(scheme, rows, drafts)
    if changes.wrong:
        raise Invalid(errors=[*changes.wrong, *changes.meanwhile])
    if changes.meanwhile:
        raise Refused("rows_changed", errors=changes.meanwhile, n=len(changes.meanwhile))
    for row, judged in changes.rows:
        _write(session, actor, sheet, row, judged, scheme)
    if changes.rows:
        sheet.updated_at = actor.now
        ids = [row.enrolment.id for row, _judged in changes.rows]
        steps.write_down(session, actor, "grades.save", sheet, enrolments=ids, via=via)
    session.flush()
    return sheet


def _write(session: Session, actor: Actor, sheet: GradeSheet, row: Row, judged: Judged, scheme: Scheme) -> None:
    entry = row.entry
    if entry is None:
        entry = GradeEntry(sheet_id=sheet.id, enrolment_id=row.enrolment.id)
        session.add(entry)
    entry.scale = scheme.scale
    steps.put(entry, judged)
    entry.entered_by, entry.entered_at = actor.person_id, actor.now
