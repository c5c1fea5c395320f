"""An adjustment in one sentence, as pages, the API and notices say it. What is kept of it for a notice are plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from courses.adjustments.models import Adjustment
from courses.catalogue import dates
from zutuan.calendar.rules import clock_text
from zutuan.clock import local
from zutuan.web.texts import SHORT_WEEKDAYS

KIND = {"move": _l("调课"), "cancel": _l("停课"), "make_up": _l("补课"), "substitute": _l("代课")}
STATE = {
    "asked": (_l("等待审批"), "warn"),
    "approved": (_l("已批准"), "good"),
    "denied": (_l("未批准"), "bad"),
    "withdrawn": (_l("已撤销"), ""),
}


def params(value: Adjustment) -> dict[str, Any]:
    """What the sentence needs."""
    was = [value.was_starts, value.was_ends] if value.was_starts and value.was_ends else []
    new = [value.starts, value.ends] if value.starts and value.ends else []
    week = dates.meeting_at(value.offering, value.starts, value.ends).week if value.starts and value.ends else 0
    return {
        "kind": value.kind, "week": value.week, "weekday": value.weekday, "was": [each.isoformat() for each in was if each],
        "new": [each.isoformat() for each in new if each], "new_week": week, "place": value.place,
        "substitute": value.substitute.name if value.substitute else "",
    }  # fmt: skip


def _span(span: Sequence[str]) -> str:
    """10-14 08:00–09:35."""
    starts, ends = (datetime.fromisoformat(each) for each in span)
    return f"{local(starts):%m-%d %H:%M}–{clock_text(ends)}"


def _was(p: Mapping[str, Any]) -> str:
    """第 6 周周三（10-14 08:00–09:35）."""
    if not p["week"]:
        return ""
    words = {"week": p["week"], "day": SHORT_WEEKDAYS[p["weekday"] - 1]}
    if not p["was"]:
        return _("第 %(week)s 周%(day)s", **words)
    return _("第 %(week)s 周%(day)s（%(at)s）", at=_span(p["was"]), **words)


def _new(p: Mapping[str, Any]) -> str:
    """第 8 周周六（10-31 10:00–11:35 教一 101）."""
    starts = local(datetime.fromisoformat(p["new"][0]))
    day = SHORT_WEEKDAYS[starts.weekday()]
    at = f"{_span(p['new'])} {p['place']}".strip()
    return _("第 %(week)s 周%(day)s（%(at)s）", week=p["new_week"], day=day, at=at)


def what(p: Mapping[str, Any]) -> str:
    """What becomes of the meeting."""
    said = _what(p)
    if p["substitute"] and p["kind"] != "substitute":
        return _("%(said)s，由 %(name)s 授课", said=said, name=p["substitute"])
    return said


def _what(p: Mapping[str, Any]) -> str:
    was = _was(p)
    if p["kind"] == "cancel":
        return _("%(was)s停课", was=was)
    if p["kind"] == "substitute":
        return _("%(was)s由 %(name)s 代课", was=was, name=p["substitute"])
    new = _new(p)
    if p["kind"] == "make_up":
        return _("%(new)s补课，补%(was)s", new=new, was=was) if was else _("%(new)s补课", new=new)
    if p["was"] == p["new"]:
        return _("%(was)s改在 %(place)s 上课", was=was, place=p["place"])
    return _("%(was)s改到%(new)s", was=was, new=new)


def sentence(value: Adjustment) -> str:
    return what(params(value))
