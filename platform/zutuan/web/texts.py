"""What templates say: times on Shanghai's clock, ages in words, titles in the reader's language."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from flask import Blueprint
from flask.blueprints import BlueprintSetupState
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from zutuan.clock import clock, local

WEEKDAYS = (_l("星期一"), _l("星期二"), _l("星期三"), _l("星期四"), _l("星期五"), _l("星期六"), _l("星期日"))
SHORT_WEEKDAYS = (_l("周一"), _l("周二"), _l("周三"), _l("周四"), _l("周五"), _l("周六"), _l("周日"))


def english() -> bool:
    return str(get_locale() or "zh").startswith("en")


def brand() -> str:
    """The platform's name: in English it is a name, not the word for cluster."""
    return "Zutuan" if english() else "组团"


def stamp(moment: datetime | None) -> str:
    """11-23 12:00, with the year when it is another one."""
    if moment is None:
        return ""
    here = local(moment)
    same_year = here.year == local(clock.now()).year
    return here.strftime("%m-%d %H:%M" if same_year else "%Y-%m-%d %H:%M")


def day(value: datetime | date | None) -> str:
    if value is None:
        return ""
    here = local(value).date() if isinstance(value, datetime) else value
    return here.strftime("%Y-%m-%d")


def form_moment(moment: datetime | None) -> str:
    """For <input type=datetime-local>."""
    return local(moment).strftime("%Y-%m-%dT%H:%M") if moment else ""


def span(length: timedelta) -> str:
    """A length of time in its largest unit."""
    minutes = max(int(length.total_seconds() // 60), 0)
    if minutes < 60:
        return _("%(n)s 分钟", n=max(minutes, 1))
    if minutes < 48 * 60:
        return _("%(n)s 小时", n=minutes // 60)
    return _("%(n)s 天", n=minutes // 1440)


def ago(moment: datetime) -> str:
    return _("%(span)s前", span=span(clock.now() - moment))


def waited(moment: datetime) -> str:
    return _("已 %(span)s", span=span(clock.now() - moment))


def left(moment: datetime) -> str:
    return _("还剩 %(span)s", span=span(moment - clock.now()))


def title(item: Any) -> str:
    """The title of a shared item in the reader's language, the Chinese one where there is no English."""
    return (english() and item.title_en) or item.title_zh


def summary(item: Any) -> str:
    return (english() and item.summary_en) or item.summary_zh


def credit(value: Decimal) -> str:
    return f"{value.normalize():f}"


def give_templates(blueprint: Blueprint, **values: Any) -> None:
    """Words and functions of a feature that templates may use: functions named `*_filter` become filters."""

    def give(state: BlueprintSetupState) -> None:
        for name, value in values.items():
            if name.endswith("_filter"):
                state.app.jinja_env.filters[name.removesuffix("_filter")] = value
            else:
                state.app.jinja_env.globals[name] = value

    blueprint.record_once(give)


FILTERS = {
    "stamp": stamp, "day": day, "form_moment": form_moment, "ago": ago, "waited": waited, "left": left, "span": span,
    "title_of": title, "summary_of": summary, "credit": credit,
}  # fmt: skip
