"""A calendar in one file, as it is read: terms, period tables and special days, one kind of thing a line."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from marshmallow import fields

from zutuan.calendar.editing import NewDays
from zutuan.calendar.plan import ALL_WEEKDAYS, ALL_YEAR
from zutuan.calendar.schemas import Clock, MonthDay, Weekdays
from zutuan.fields import Day, Text, bad
from zutuan.importing import Column, Record, RowError

_KINDS = {
    "term": ("学期", "term"), "grade": ("年级开学", "年级", "grade"), "holiday": ("节假日", "放假", "假日", "holiday"),
    "swapped": ("调休", "补课", "swapped"), "normal": ("照常上课", "照常", "normal"), "period": ("作息", "节次", "period"),
}  # fmt: skip


KIND_TITLES = tuple(titles[0] for titles in _KINDS.values())


class _Kind(fields.Field[str]):
    _known = {title: kind for kind, titles in _KINDS.items() for title in titles}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> str:
        kind = self._known.get(str(value).strip().lower())
        if kind is None:
            raise bad("not_a_kind", choices=KIND_TITLES)
        return kind


class _Optional(fields.Field[Any]):
    """An empty cell is nothing, any other the inner field's."""

    def __init__(self, inner: fields.Field[Any]) -> None:
        self.inner = inner
        super().__init__()

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> Any:
        text = str(value).strip()
        return self.inner.deserialize(text) if text else None


class FileDay(Day):
    """A date as spreadsheets write it: 2026-9-7, 2026/9/7 or 2026年9月7日."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> date:
        parts = (
            str(value).strip().rstrip("日").replace("年", "-").replace("月", "-").replace("/", "-").replace(".", "-")
        )
        numbers = parts.split(" ")[0].split("-")
        text = "-".join(part.zfill(2) for part in numbers) if all(part.isdecimal() for part in numbers) else parts
        return super()._deserialize(text, attr, data, **kw)


class _Number(fields.Field[int]):
    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> int:
        text = str(value)
        if not text.isdecimal() or not 1 <= int(text[:4]) <= 60 or len(text) > 2:
            raise bad("not_whole")
        return int(text)


COLUMNS = (
    Column("kind", _Kind(), ("类型",), needed=True),
    Column("name", Text(40, min=0), ("名称",)),
    Column("from", _Optional(FileDay()), ("开始", "日期", "开始日期", "从"), needed=True),
    Column("until", _Optional(FileDay()), ("结束", "结束日期", "到")),
    Column("takes", _Optional(FileDay()), ("补课日期", "补哪天的课", "上哪天的课")),
    Column("year", Text(9, min=0), ("学年",)),
    Column("number", _Optional(_Number()), ("学期", "第几学期")),
    Column("weeks", _Optional(_Number()), ("周数",)),
    Column("grade", Text(10, min=0), ("年级",)),
    Column("season_from", _Optional(MonthDay()), ("每年从",)),
    Column("season_until", _Optional(MonthDay()), ("每年到",)),
    Column("weekdays", _Optional(Weekdays()), ("星期",)),
    Column("period", _Optional(_Number()), ("节", "第几节")),
    Column("starts", _Optional(Clock()), ("上课", "上课时间")),
    Column("ends", _Optional(Clock()), ("下课", "下课时间")),
)
_NEEDED = {
    "term": ("from", "weeks", "year", "number"), "grade": ("from", "weeks", "year", "number", "grade"),
    "holiday": ("from",), "normal": ("from",), "swapped": ("from", "takes"), "period": ("from", "period", "starts", "ends"),
}  # fmt: skip


class Draft:
    """The file's lines as terms, period tables and days, each with the line it came from."""

    def __init__(self) -> None:
        self.terms: dict[tuple[str, int], tuple[int, dict[str, Any]]] = {}
        self.tables: dict[tuple[Any, ...], tuple[int, dict[str, Any]]] = {}
        self.days: list[tuple[int, NewDays]] = []
        self.errors: list[RowError] = []

    def read(self, records: Iterable[Record]) -> None:
        for record in records:
            values = record.values
            missing = [name for name in _NEEDED[values["kind"]] if not values.get(name)]
            if missing:
                self.errors += [RowError(record.line, name, "required") for name in missing]
            else:
                getattr(self, f"_{values['kind']}")(record.line, values)

    def _term(self, line: int, values: Any) -> None:
        key = (values["year"], values["number"])
        if key in self.terms:
            self.errors.append(RowError(line, "number", "import_duplicate_row", {"line": self.terms[key][0]}))
            return
        if not _is_year(values["year"]):
            self.errors.append(RowError(line, "year", "bad_academic_year"))
        elif not values["number"] <= 4:
            self.errors.append(RowError(line, "number", "too_big", {"max": 4}))
        elif not values["weeks"] <= 30:
            self.errors.append(RowError(line, "weeks", "too_big", {"max": 30}))
        else:
            data = {"academic_year": key[0], "number": key[1], "first_day": values["from"], "weeks": values["weeks"]}
            self.terms[key] = (line, {**data, "starts": []})

    def _grade(self, line: int, values: Any) -> None:
        term = self.terms.get((values["year"], values["number"]))
        if term is None:
            self.errors.append(RowError(line, "number", "no_such_term_above"))
        elif not values["weeks"] <= 30:
            self.errors.append(RowError(line, "weeks", "too_big", {"max": 30}))
        else:
            start = {"grade": values["grade"], "first_day": values["from"], "weeks": values["weeks"]}
            term[1]["starts"].append(start)

    def _period(self, line: int, values: Any) -> None:
        season = (values.get("season_from") or ALL_YEAR[0], values.get("season_until") or ALL_YEAR[1])
        weekdays = values.get("weekdays") or ALL_WEEKDAYS
        key = (values["from"], *season, weekdays)
        fresh = {
            "name": values.get("name", ""), "from_day": key[0], "until_day": values.get("until"),
            "season_from": season[0], "season_until": season[1], "weekdays": weekdays, "periods": [],
        }  # fmt: skip
        row = {"number": values["period"], "starts": values["starts"], "ends": values["ends"]}
        if row["ends"] <= row["starts"]:
            self.errors.append(RowError(line, "ends", "ends_before_start"))
        self.tables.setdefault(key, (line, fresh))[1]["periods"].append(row)

    def _day(self, line: int, values: Any) -> None:
        first = values["from"]
        last = values.get("until") or first
        takes = values.get("takes") if values["kind"] == "swapped" else None
        if takes is not None and last != first:
            self.errors.append(RowError(line, "until", "swap_one_day"))
        else:
            self.days.append((line, NewDays(values["kind"], values.get("name", ""), first, last, takes)))

    _holiday = _normal = _swapped = _day


def _is_year(text: str) -> bool:
    first, _, last = text.partition("-")
    return first.isdecimal() and last.isdecimal() and len(first) == len(last) == 4 and int(last) == int(first) + 1
