"""A sheet as a table that goes out, is filled in, and comes back: what it holds, and what it would change."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _

from courses.grades import entering
from courses.grades.entering import Draft
from courses.grades.models import GradeSheet
from courses.grades.queries import Row
from courses.grades.rules import MARKS
from courses.grades.schemes import KEY, TITLES, WHOLE, WHOLE_TITLES, Judged, Scheme, Written, mark_of, say_parts, word
from zutuan.clock import clock, local
from zutuan.exporting import Table
from zutuan.fields import Text
from zutuan.importing import Column, Record, RowError, check_sheet, in_order, read
from zutuan.importing import Import as Kind
from zutuan.importing.running import Plan

_KEY = re.compile(r"([1-9][0-9]{0,17})-([1-9][0-9]{0,17})-([0-9]{1,9})")


def columns(scheme: Scheme) -> tuple[Column, ...]:
    """What such a table may hold; of a class that is graded in parts, the total is reckoned and never read."""
    longest = {"remark": 200, "school": 80, "name": 60}
    known = {name: Text(longest.get(name, 60), min=0) for name in TITLES}
    parts = [
        Column(name, Text(20, min=0), WHOLE_TITLES if name == WHOLE else (), needed=True) for name in scheme.columns
    ]
    return (*(Column(name, field, TITLES[name]) for name, field in known.items()), *parts)


def _key(sheet: GradeSheet, row: Row) -> str:
    return f"{sheet.id}-{row.enrolment.id}-{row.version}"


def table(sheet: GradeSheet, scheme: Scheme, rows: Sequence[Row]) -> list[Table]:
    """The sheet to be filled in, and what may be written."""
    written = [WHOLE_TITLES[0] if name == WHOLE else name for name in scheme.columns]
    total = [_("总评（自动计算）")] if scheme.parts else []
    heads = [
        TITLES["school"][0],
        TITLES["number"][0],
        TITLES["name"][0],
        *written,
        *total,
        TITLES["mark"][0],
        TITLES["remark"][0],
        TITLES["key"][1],
    ]
    lines = [
        [
            row.enrolment.home_school.name, row.enrolment.affiliation.number, row.enrolment.person.name,
            *(cell(row.part(name)) for name in scheme.columns), *([cell(row.total)] if total else []), word(row.mark),
            row.remark, _key(sheet, row),
        ]
        for row in rows
    ]  # fmt: skip
    help_ = [
        [_("成绩构成"), say_parts(scheme.parts) or _("不分项")],
        [TITLES["mark"][0], " / ".join(MARKS)],
        [TITLES["key"][1], _("用来认出每一行；上传时据此检查有没有别人改过。")],
    ]
    return [Table(_("成绩"), heads, lines), Table(_("填写说明"), [_("列"), _("可以填")], help_)]


def cell(text: str) -> float | int | str:
    """A percentage is a number in a workbook, as teachers sort and count by it."""
    if re.fullmatch(r"[0-9]{1,3}", text):
        return int(text)
    return float(text) if re.fullmatch(r"[0-9]{1,3}\.[0-9]{1,2}", text) else text


# --- coming back ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Looked:
    """What a table would change: (draft, row, what it comes to) in its order, and everything that stands against it."""

    changes: list[tuple[Draft, Row, Judged]]
    errors: tuple[RowError, ...]
    unchanged: int
    # line of the file → whose it is
    students: Mapping[int, str]


def look(sheet: GradeSheet, scheme: Scheme, rows: Sequence[Row], data: bytes) -> Looked:
    """Read the file against the sheet as it stands. Writes nothing."""
    kind = Kind("grades", columns(scheme), lambda *_args: Plan(), lambda *_args: None, extra=True)
    checked = check_sheet(kind, read(data, kind.columns))
    drafts, errors = _drafts(sheet, scheme, rows, checked.records)
    by_id = {row.enrolment.id: row for row in rows}
    found = entering.compare(scheme, by_id, drafts)
    errors += [
        RowError(drafts[int(each.field.split(".")[1])].line, _column(each.field), each.code, each.params)
        for each in (*found.wrong, *found.meanwhile)
    ]
    of = {draft.enrolment_id: draft for draft in drafts}
    students = {
        draft.line: by_id[draft.enrolment_id].enrolment.person.name for draft in drafts if draft.enrolment_id in by_id
    }
    changes = [(of[row.enrolment.id], row, judged) for row, judged in found.rows]
    return Looked(changes, in_order((*checked.errors, *errors)), len(drafts) - len(changes), students)


def _column(field: str) -> str:
    """What a reader calls the column in which something is wrong."""
    name = field.split(".", 2)[2]
    titles = {"enrolment_id": KEY, "version": KEY, WHOLE: WHOLE_TITLES[0], "mark": TITLES["mark"][0]}
    return titles.get(name, name)


def _drafts(
    sheet: GradeSheet, scheme: Scheme, rows: Sequence[Row], records: Sequence[Record]
) -> tuple[list[Draft], list[RowError]]:
    found: list[Draft] = []
    errors: list[RowError] = []
    for record in records:
        whose = _whose(sheet, rows, record)
        if isinstance(whose, RowError):
            errors.append(whose)
            continue
        said = record.values
        parts = {name: said.get(name, "") for name in scheme.columns}
        remark = said.get("remark", "") if "remark" in said else _remark(rows, whose[0])
        written = Written(parts, mark_of(said.get("mark", "")), remark)
        found.append(Draft(whose[0], written, whose[1], record.line))
    return found, errors


def _remark(rows: Sequence[Row], enrolment_id: int) -> str:
    return next((row.remark for row in rows if row.enrolment.id == enrolment_id), "")


def _whose(sheet: GradeSheet, rows: Sequence[Row], record: Record) -> tuple[int, int | None] | RowError:
    """(enrolment, the row's version that was read) of a line: by its key, or else by 学工号 and school."""
    text, number = record.values.get("key", ""), record.values.get("number", "").strip()
    if not text:
        return _by_number(rows, record, number)
    match = _KEY.fullmatch(text)
    if match is None:
        return RowError(record.line, KEY, "bad_row_key")
    if int(match[1]) != sheet.id:
        return RowError(record.line, KEY, "row_of_other_sheet")
    row = next((each for each in rows if each.enrolment.id == int(match[2])), None)
    if row is not None and number and number != row.enrolment.affiliation.number:
        return RowError(record.line, KEY, "not_this_student", {"number": row.enrolment.affiliation.number})
    return int(match[2]), int(match[3])


def _by_number(rows: Sequence[Row], record: Record, number: str) -> tuple[int, int | None] | RowError:
    school = record.values.get("school", "").strip()
    title = TITLES["number"][0]
    mine = [
        row for row in rows
        if row.enrolment.affiliation.number == number and school in ("", row.enrolment.home_school.name)
    ]  # fmt: skip
    if not number or not mine:
        return RowError(record.line, title, "required" if not number else "not_on_sheet")
    if len(mine) > 1:
        return RowError(record.line, title, "number_of_several", {"number": number})
    return mine[0].enrolment.id, mine[0].version


def file_name(sheet: GradeSheet) -> str:
    """Of which class, and when it was taken: by Shanghai's clock."""
    day = local(clock.now()).strftime("%m%d-%H%M")
    return f"{sheet.offering.course.code}-{sheet.offering.code}-{_('成绩单')}-{day}.xlsx"
