"""A 学分认定表 as a file has it: its columns, and each row as what it says. Nothing here asks for what is there already."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from marshmallow import fields

from courses.catalogue.import_reading import Maybe
from courses.catalogue.schemas import CODE
from courses.recognition.rules import COUNTS, REFUSED, Said
from courses.recognition.table import last_instant
from zutuan.calendar.calendar_file import FileDay
from zutuan.fields import Amount, Pattern, Text, bad
from zutuan.importing import Column, Record, RowError


class Outcome(fields.Field[str]):
    """认定 or 不认定, as registrars write it."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> str:
        text = str(value).strip()
        if re.fullmatch(r"不(予|能|可)?(认定|认|通过)|否|refused|not recognised|no", text, re.IGNORECASE):
            return REFUSED
        if re.fullmatch(r"(予以|可以|同意)?认定|是|通过|counts|recognised|yes", text, re.IGNORECASE):
            return COUNTS
        raise bad("not_a_choice", choices=("认定", "不认定"))


COLUMNS = (
    Column(
        "course_code",
        Pattern(CODE, "bad_code", 20),
        ("课程代码", "外校课程代码", "开课课程代码", "原课程代码"),
        needed=True,
    ),
    Column("school", Text(80), ("开课学校", "开课院校", "外校", "学校"), needed=True),
    Column("outcome", Maybe(Outcome()), ("认定结果", "是否认定", "结果", "认定意见")),
    Column("code", Text(20, min=0), ("认定课程代码", "认定为课程代码", "本校课程代码", "认定后课程代码")),
    Column("name", Text(120, min=0), ("认定课程名称", "认定为", "本校课程名称", "认定后课程名称", "认定课程")),
    Column("name_en", Text(200, min=0), ("认定课程英文名称", "认定课程名称（英文）", "英文名称")),
    Column("credits", Maybe(Amount("-100", "100")), ("认定学分", "学分", "认定后学分", "本校学分")),
    Column("category", Text(40, min=0), ("课程类别", "类别", "课程性质", "认定课程类别")),
    Column("same_as", Text(120, min=0), ("认定同", "认定同（课程）", "同等认定", "等同课程")),
    Column("last_day", Maybe(FileDay()), ("有效至", "有效期至", "截止日期", "失效日期")),
    Column("note", Text(400, min=0, multiline=True), ("备注", "说明")),
)
_SAME_AS = re.compile(r"(?P<code>[^@（(]+?)\s*(?:[@＠]\s*(?P<school>.+)|[（(]\s*(?P<other>.+?)\s*[)）])?")


@dataclass(frozen=True)
class Line:
    """One row: the course by (code, school), and what is said of it; `same_as`: (code, school or nothing)."""

    line: int
    key: tuple[str, str]
    said: Said = field(default_factory=Said)
    same_as: tuple[str, str] | None = None
    same_as_text: str = ""


def read_all(records: Iterable[Record]) -> tuple[list[Line], list[RowError]]:
    lines: list[Line] = []
    errors: list[RowError] = []
    for record in records:
        read = _read(record)
        errors.append(read) if isinstance(read, RowError) else lines.append(read)
    return lines, errors


def _read(record: Record) -> Line | RowError:
    values = record.values
    names = ("code", "name", "name_en", "category", "note")
    said = Said(
        outcome=values.get("outcome") or COUNTS, credits=values.get("credits"),
        until=last_instant(values.get("last_day")), **{name: values.get(name) or "" for name in names},
    )  # fmt: skip
    key, text = (values["course_code"], values["school"]), (values.get("same_as") or "").strip()
    if not text:
        return Line(record.line, key, said)
    extra = next((name for name in ("code", "name", "credits", "category") if getattr(said, name)), None)
    if said.outcome == REFUSED or extra is not None:
        return RowError(record.line, extra or "same_as", "follows_and_says" if extra else "refused_says_nothing_else")
    match = _SAME_AS.fullmatch(text)
    if match is None:
        return RowError(record.line, "same_as", "no_row_to_follow", {"text": text})
    other = (match["code"].strip(), (match["school"] or match["other"] or "").strip())
    return Line(record.line, key, said, other, text)
