"""Recognitions as pages show them and sheets hold them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from courses.recognition import rules
from courses.recognition.models import Recognition
from zutuan.clock import clock, local
from zutuan.exporting import Table
from zutuan.web.texts import title

REQUEST = {"open": (_l("等待答复"), "warn"), "answered": (_l("已答复"), "good"), "withdrawn": (_l("已撤回"), "")}
OUTCOME = {"counts": _l("认定"), "refused": _l("不认定")}


def chip(row: Recognition) -> tuple[str, Any]:
    """(tone, words) of whether a row holds."""
    if rules.Answer(row.id, row.person_id, row.outcome, row.since, row.until).open_at(clock.now()):
        return ("good", _l("有效")) if row.outcome == "counts" else ("bad", _l("不认定"))
    return "", _l("已失效")


def last_day(row: Recognition) -> date | None:
    """The last day in Shanghai on which the row holds."""
    return day_before(row.until)


def day_before(until: datetime | None) -> date | None:
    """The last day of what holds until that instant; of a whole day's end, the day before."""
    return local(until - timedelta(microseconds=1)).date() if until else None


def followed(row: Recognition) -> str:
    """A row of the table as another row's form names it."""
    return f"{title(row.course.item)} · {row.course.code} · {row.course.item.owner.name}"


def values(row: Recognition | None) -> dict[str, Any]:
    """What a form starts from: what is said now."""
    if row is None:
        return {"outcome": "counts"}
    own = {
        "outcome": row.outcome,
        "note": row.note,
        "same_as_id": row.same_as_id or "",
        "last_day": last_day(row) or "",
    }
    if row.same_as_id or row.outcome == "refused":
        return own
    said = {name: getattr(row, name) for name in ("code", "name", "name_en", "category")}
    return {**own, **said, "credits": rules.plain(row.credits)}


# Heads of the workbook, which are columns of the import too.
def as_table(rows: Iterable[Recognition]) -> Table:
    heads = (
        _("课程代码"), _("课程名称"), _("开课学校"), _("开课学校学分"), _("认定结果"), _("认定课程代码"), _("认定课程名称"),
        _("认定课程英文名称"), _("认定学分"), _("课程类别"), _("认定同"), _("有效至"), _("备注"), _("学生"), _("认定时间"),
    )  # fmt: skip
    return Table(_("学分认定表"), heads, [_line(row) for row in rows])


def _line(row: Recognition) -> tuple[Any, ...]:
    same, counts = row.same_as, row.outcome == "counts"
    own = counts and same is None
    said = (row.code, row.name, row.name_en, row.credits, row.category) if own else ("", "", "", None, "")
    followed_by = f"{same.course.code}@{same.course.item.owner.name}" if same else ""
    return (
        row.course.code, row.course.item.title_zh, row.course.item.owner.name, row.course.credits,
        str(OUTCOME[row.outcome]), *said, followed_by, last_day(row), row.note, row.person.name if row.person else "",
        row.since,
    )  # fmt: skip
