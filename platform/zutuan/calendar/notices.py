"""What people hear when a calendar has changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from zutuan.clock import local
from zutuan.web.texts import SHORT_WEEKDAYS, english


def when(moment: datetime) -> str:
    """10-10 周六 08:00."""
    here = local(moment)
    return f"{here:%m-%d} {SHORT_WEEKDAYS[here.weekday()]} {here:%H:%M}"


def _titles(params: Mapping[str, Any]) -> str:
    names = [(english() and en) or zh for zh, en in params["titles"]]
    listed = _("、").join(_("「%(title)s」", title=name) for name in names)
    more = params["of"] - len(names)
    return _("%(listed)s等 %(n)s 门", listed=listed, n=params["of"]) if more > 0 else listed


def changed(params: Mapping[str, Any]) -> str:
    """Whose calendar, which of the reader's courses, and for a single meeting from when to when."""
    who = params["school"] or _("全国放假调休安排")
    titles = _titles(params)
    before, after = params.get("before"), params.get("after")
    if before and after:
        return _(
            "校历调整（%(who)s）：%(titles)s %(before)s 的课改到 %(after)s。", who=who, titles=titles,
            before=when(datetime.fromisoformat(before)), after=when(datetime.fromisoformat(after)),
        )  # fmt: skip
    if before:
        said = when(datetime.fromisoformat(before))
        return _("校历调整（%(who)s）：%(titles)s %(before)s 的课不上了。", who=who, titles=titles, before=said)
    if after:
        said = when(datetime.fromisoformat(after))
        return _("校历调整（%(who)s）：%(titles)s 增加 %(after)s 的课。", who=who, titles=titles, after=said)
    return _("校历调整（%(who)s）：%(titles)s 有 %(n)s 次课时间变化。", who=who, titles=titles, n=params["n"])


TEXTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {"calendar.changed": changed}
