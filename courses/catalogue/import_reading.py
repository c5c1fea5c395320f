"""An export of teaching classes: its columns, and each row as what it says. Nothing here asks for what is there already."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from marshmallow import fields

from courses.catalogue import rules
from courses.catalogue.rules import MAX_SEATS
from courses.catalogue.schemas import CODE
from zutuan.calendar import meeting_text
from zutuan.calendar.plan import Calendar
from zutuan.calendar.rules import Pattern as Meets
from zutuan.decision import Refusal
from zutuan.fields import Amount, Pattern, Text, bad
from zutuan.importing import Column, Record, RowError
from zutuan.sharing import scopes

_EMPTY = ("", "-", "—", "无", "/")
_PARTS = re.compile(r"[、,，;；/\n]+")
_SCHOOL = re.compile(r"(?P<name>[^:：（(]+?)\s*(?:[:：]\s*(?P<n>\d+)|[（(]\s*(?P<m>\d+)\s*人?\s*[)）])?\s*")


class Maybe(fields.Field[Any]):
    """A cell that may be empty, which says nothing; else what `inner` makes of it."""

    def __init__(self, inner: fields.Field[Any], **kw: Any) -> None:
        self.inner = inner
        super().__init__(**kw)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> Any:
        text = str(value).strip()
        return None if text in _EMPTY else self.inner.deserialize(text)


class Count(fields.Field[int]):
    """A whole number as a sheet prints it: 40 or 40.0."""

    def __init__(self, low: int, high: int, **kw: Any) -> None:
        self.low, self.high = low, high
        super().__init__(**kw)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> int:
        text = unicodedata.normalize("NFKC", str(value)).strip()
        if not re.fullmatch(r"-?\d{1,9}(\.0+)?", text):
            raise bad("not_whole")
        number = int(float(text))
        if number < self.low:
            raise bad("too_small", min=self.low)
        if number > self.high:
            raise bad("too_big", max=self.high)
        return number


class Kind(fields.Field[str]):
    """A code by one of the words that schools use for it; a longer name counts by the word it holds."""

    def __init__(self, known: Mapping[str, Sequence[str]], **kw: Any) -> None:
        self.known = known
        super().__init__(**kw)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> str:
        text = str(value).strip()
        for code, words in self.known.items():
            if text == code or any(word in text for word in words):
                return code
        raise bad("not_a_choice", choices=tuple(words[0] for words in self.known.values()))


# The first that fits counts: 教师教育实践 is teacher education.
CATEGORY = {
    "teacher_education": ("教师教育", "教育类"),
    "practice": ("实践", "实验", "实习", "见习"),
    "general": ("通识", "公共", "公选", "任选"),
    "discipline": ("学科", "专业"),
}
DELIVERY = {
    "mixed": ("混合",), "recorded": ("录播", "慕课", "MOOC"), "live_online": ("直播", "线上", "在线"),
    "on_site": ("线下", "面授", "现场"),
}  # fmt: skip

COLUMNS = (
    Column("code", Pattern(CODE, "bad_code", 20), ("课程代码", "课程号", "课程编号", "课程编码"), needed=True),
    Column("title", Maybe(Text(120)), ("课程名称", "课程名", "课程"), needed=True),
    Column("credits", Maybe(Amount("0.5", "20")), ("学分", "课程学分")),
    Column("hours", Maybe(Count(1, 600)), ("学时", "总学时", "课程学时")),
    Column("category", Maybe(Kind(CATEGORY)), ("课程类别", "课程性质", "课程类型", "类别")),
    Column("delivery", Maybe(Kind(DELIVERY)), ("授课方式", "教学方式", "上课方式")),
    Column("class_code", Maybe(Pattern(CODE, "bad_code", 20)), ("教学班号", "班号", "教学班", "课序号", "教学班编号")),
    Column("teacher_number", Text(200, min=0), ("教师工号", "教师学工号", "工号", "教工号", "职工号")),
    Column("time", Text(400, min=0, multiline=True), ("上课时间", "上课时间安排", "时间", "周次节次"), needed=True),
    Column("room", Text(60, min=0), ("教室", "上课地点", "地点", "上课教室")),
    Column("seats", Maybe(Count(0, MAX_SEATS)), ("容量", "名额", "课容量", "人数上限", "限选人数"), needed=True),
    Column(
        "minimum", Maybe(Count(1, MAX_SEATS)), ("开课人数下限", "人数下限", "最低开课人数", "最低开班人数", "开班人数")
    ),
    Column("schools", Text(400, min=0), ("面向学校", "开放学校", "共享学校")),
)


@dataclass(frozen=True)
class Class:
    """One teaching class of the file; None and the empty are what it does not say."""

    line: int
    code: str
    class_code: str
    title: str | None = None
    credits: Decimal | None = None
    hours: int | None = None
    category: str | None = None
    delivery: str | None = None
    teachers: tuple[str, ...] = ()
    meetings: tuple[Meets, ...] = ()
    times: str = ""
    room: str = ""
    seats: int | None = None
    minimum: int | None = None
    # name of a school → its seats, None where the file names the school only
    schools: tuple[tuple[str, int | None], ...] = ()

    @property
    def label(self) -> str:
        return f"{self.code}-{self.class_code} {self.title or ''}".strip()


def read_all(records: Iterable[Record], here: Calendar) -> tuple[list[Class], list[RowError]]:
    """The file's classes, rows of one class that differ only in their time put together; and what stands against rows."""
    found: dict[tuple[str, str], Class] = {}
    errors: list[RowError] = []
    for record in records:
        read = read_one(record, here)
        if isinstance(read, RowError):
            errors.append(read)
            continue
        before = found.get((read.code, read.class_code))
        together = _together(before, read) if before else read
        if isinstance(together, RowError):
            errors.append(together)
        else:
            found[read.code, read.class_code] = together
    errors += [each for one in found.values() for each in _overlaps(one, here)] + list(_differing(found.values()))
    return list(found.values()), errors


def read_one(record: Record, here: Calendar) -> Class | RowError:
    values = record.values
    meetings: tuple[Meets, ...] = ()
    times = ""
    if values.get("time"):
        read = meeting_text.read(values["time"], here)
        if isinstance(read, Refusal):
            return RowError(record.line, "time", read.code, read.params)
        meetings, times = read.rows, read.text
    schools = _schools(values.get("schools") or "")
    if isinstance(schools, Refusal):
        return RowError(record.line, "schools", schools.code, schools.params)
    plain = {
        name: values.get(name) for name in ("title", "credits", "hours", "category", "delivery", "seats", "minimum")
    }
    teachers = tuple(dict.fromkeys(part for part in _PARTS.split(values.get("teacher_number") or "") if part.strip()))
    return Class(
        record.line, values["code"], values.get("class_code") or "01", **plain,
        teachers=tuple(each.strip() for each in teachers), meetings=meetings, times=times,
        room=values.get("room") or "", schools=schools,
    )  # fmt: skip


def _schools(text: str) -> tuple[tuple[str, int | None], ...] | Refusal:
    """阜阳师范大学:20、青海师范大学(10人)."""
    found: dict[str, int | None] = {}
    for part in _PARTS.split(text):
        if part.strip() in _EMPTY:
            continue
        match = _SCHOOL.fullmatch(part.strip())
        if match is None:
            return Refusal("not_schools", {"text": part.strip()})
        if match["name"] in found:
            return Refusal("pools_overlap")
        number = match["n"] or match["m"]
        found[match["name"]] = int(number) if number else None
    return tuple(found.items())


def _together(before: Class, after: Class) -> Class | RowError:
    """教务系统 print a class once for each of its times."""
    same = replace(before, line=0, meetings=(), times="") == replace(after, line=0, meetings=(), times="")
    if not same or not after.times or after.meetings == before.meetings:
        return RowError(after.line, "class_code", "import_duplicate_row", {"line": before.line})
    times = "；".join(part for part in (before.times, after.times) if part)
    return replace(before, meetings=(*before.meetings, *after.meetings), times=times)


def _overlaps(one: Class, here: Calendar) -> list[RowError]:
    return [
        RowError(one.line, "time", each.code, each.params)
        for each in rules.check_meetings(one.meetings, here.term, here.periods)
    ]


def _differing(classes: Iterable[Class]) -> Iterable[RowError]:
    """Classes of one course that say different things of the course."""
    first: dict[tuple[str, str], tuple[Any, int]] = {}
    for one in classes:
        for name in ("title", "credits", "hours", "category", "delivery"):
            value = getattr(one, name)
            if value is None:
                continue
            said, line = first.setdefault((one.code, name), (value, one.line))
            if said != value:
                yield RowError(one.line, name, "differs_from_line", {"line": line, "said": str(said)})


def pools(one: Class, ids: Mapping[str, int]) -> tuple[tuple[str, int], ...] | RowError | None:
    """(scope, seats) as the row says; None when it says nothing of seats. `ids`: school names → ids."""
    if one.seats is None and not one.schools:
        return None
    unknown = next((name for name, _seats in one.schools if name not in ids), None)
    if unknown is not None:
        return RowError(one.line, "schools", "no_school_of_name", {"name": unknown})
    if one.seats is None:
        return RowError(one.line, "seats", "required")
    if len(one.schools) == 1 and one.schools[0][1] is None:
        return ((scopes.school(ids[one.schools[0][0]]), one.seats),)
    if any(seats is None for _name, seats in one.schools):
        return RowError(one.line, "schools", "schools_without_seats")
    kept = [(scopes.school(ids[name]), seats or 0) for name, seats in one.schools]
    rest = one.seats - sum(seats for _scope, seats in kept)
    if rest < 0:
        return RowError(one.line, "schools", "pools_above_seats", {"seats": one.seats, "kept": one.seats - rest})
    return (*kept, *((("all", rest),) if rest or not kept else ()))
