"""The entry page's form: which rows it brings back, and what stands beside each when it was refused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from marshmallow import ValidationError
from werkzeug.datastructures import MultiDict

from courses.grades.entering import Draft, seen, sent
from courses.grades.queries import Row
from courses.grades.rules import round_to
from courses.grades.schemes import DAILY, Scheme, Written
from zutuan.decision import FieldError
from zutuan.fields import Text, field_errors
from zutuan.web.problems import field_message

_NAME = re.compile(r"r-([1-9][0-9]{0,17})-([0-9]|mark|remark|v|was)")
_TEXT, _REMARK = Text(20, min=0), Text(200, min=0)


@dataclass
class Cells:
    """One row as the page shows it: the values of its controls by name, and what is wrong with which."""

    row: Row
    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)


def shown(rows: Sequence[Row], scheme: Scheme, typed: Mapping[int, Mapping[str, str]] | None = None) -> list[Cells]:
    """The rows as they stand, under what was typed."""
    return [Cells(row, {**_stands(row, scheme), **_kept((typed or {}).get(row.enrolment.id, {}))}) for row in rows]


def by_attendance(rows: Sequence[Row], scheme: Scheme, rates: Mapping[int, Decimal]) -> dict[int, dict[str, str]]:
    """As if somebody had typed 出勤率 × 100 into every empty cell of 平时; nothing is written by it."""
    if DAILY not in scheme.columns:
        return {}
    control = str(scheme.columns.index(DAILY))
    return {
        row.enrolment.id: {control: str(round_to(rates[row.enrolment.id] * 100, 0))}
        for row in rows
        if row.enrolment.id in rates and not row.part(DAILY)
    }


def _stands(row: Row, scheme: Scheme) -> dict[str, str]:
    parts = {str(n): row.part(name) for n, name in enumerate(scheme.columns)}
    return {**parts, "mark": row.mark, "remark": row.remark, "v": str(row.version), "was": seen(row, scheme)}


def _kept(typed: Mapping[str, str]) -> dict[str, str]:
    """What was typed, but not what it was read from: that is what stands now."""
    return {name: text for name, text in typed.items() if name not in ("v", "was")}


def rows_typed(form: MultiDict[str, str]) -> dict[int, dict[str, str]]:
    """Enrolment → what its controls hold."""
    found: dict[int, dict[str, str]] = {}
    for name, value in form.items():
        match = _NAME.fullmatch(name)
        if match:
            found.setdefault(int(match[1]), {})[match[2]] = value
    return found


def drafts(typed: Mapping[int, Mapping[str, str]], scheme: Scheme) -> tuple[list[Draft], list[FieldError]]:
    """Those of the rows that somebody touched, and texts that are none."""
    found: list[Draft] = []
    errors: list[FieldError] = []
    for enrolment_id, row in typed.items():
        parts = {name: row.get(str(n), "") for n, name in enumerate(scheme.columns)}
        written = Written(parts, row.get("mark", ""), row.get("remark", ""))
        if row.get("was") == sent(written, scheme):
            continue
        errors += _no_text(len(found), written)
        version = row.get("v", "")
        found.append(Draft(enrolment_id, written, int(version) if re.fullmatch(r"[0-9]{1,9}", version) else -1))
    return found, errors


def _no_text(index: int, written: Written) -> list[FieldError]:
    """Control characters and what is too long."""
    found: list[FieldError] = []
    checks = [(_TEXT, name, text) for name, text in written.parts.items()] + [(_REMARK, "remark", written.remark)]
    for kind, name, text in checks:
        try:
            kind.deserialize(text)
        except ValidationError as error:
            found += [FieldError(f"entries.{index}.{name}", e.code, e.params) for e in field_errors(error.messages)]
    return found


def put_errors(
    cells: Sequence[Cells], scheme: Scheme, sent_: Sequence[Draft], errors: Sequence[FieldError]
) -> list[tuple[int, str]]:
    """Each error beside its control; answers (enrolment, sentence) of those whose row is not on the page any more."""
    by_id = {each.row.enrolment.id: each for each in cells}
    names = {name: str(n) for n, name in enumerate(scheme.columns)} | {"version": "0", "enrolment_id": "0"}
    gone: list[tuple[int, str]] = []
    for error in errors:
        _entries, index, name = error.field.split(".", 2)
        enrolment_id = sent_[int(index)].enrolment_id
        row = by_id.get(enrolment_id)
        if row is None:
            gone.append((enrolment_id, field_message(error)))
        else:
            row.errors[names.get(name, name)] = field_message(error)
    return gone
