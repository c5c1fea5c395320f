"""Words of the catalogue, Chinese first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from courses.catalogue.models import MeetingPattern
from zutuan.calendar.models import Occurrence, Term
from zutuan.calendar.patterns import week_parts
from zutuan.calendar.rules import clock_text, parse_weeks
from zutuan.clock import local
from zutuan.clusters.words import ROLE_WORDS
from zutuan.decision import Refusal
from zutuan.web.texts import SHORT_WEEKDAYS

CATEGORY = {
    "teacher_education": _l("教师教育课程"),
    "discipline": _l("学科专业课程"),
    "general": _l("通识选修课程"),
    "practice": _l("实践课程"),
}
DELIVERY = {"on_site": _l("线下"), "live_online": _l("在线直播"), "recorded": _l("录播"), "mixed": _l("混合")}
LEVEL = {"associate": _l("专科"), "bachelor": _l("本科"), "master": _l("硕士")}
LANGUAGE = {"zh": _l("中文"), "en": _l("英文")}
STATE = {
    "draft": (_l("草稿"), "warn"),
    "published": (_l("已发布"), "good"),
    "suspended": (_l("已暂停"), "bad"),
    "archived": (_l("已归档"), ""),
}
SORT = {
    "newest": _l("最新发布"),
    "title": _l("按名称"),
    "credits": _l("学分从高到低"),
    "seats": _l("余量从多到少"),
}
SEATS_BY = {"first_come": _l("先到先得"), "choice": _l("教师挑选")}
ROUND = {"preselection": _l("预选"), "main": _l("正选"), "add_drop": _l("补退选")}
TERM = {1: _l("第一学期"), 2: _l("第二学期"), 3: _l("第三学期"), 4: _l("第四学期")}


def choices(table: dict[Any, Any]) -> list[tuple[str, Any]]:
    return [(str(key), label[0] if isinstance(label, tuple) else label) for key, label in table.items()]


def weeks(text: str) -> str:
    """1-8,10-16e → 1–8 周、10–16 周（双）."""
    numbers = parse_weeks(text)
    if isinstance(numbers, Refusal):
        return text
    signs = {"": "", "e": _("（双）"), "o": _("（单）")}
    parts = [
        _("%(weeks)s 周%(parity)s", weeks=first if first == last else f"{first}–{last}", parity=signs[parity])
        for first, last, parity in week_parts(numbers)
    ]
    return _("、").join(parts)


def meeting(pattern: MeetingPattern) -> str:
    """周四 9–10 节 1–16 周."""
    first, last = pattern.first_period, pattern.last_period
    periods = f"{first}–{last}" if last != first else str(first)
    return _(
        "%(weekday)s %(periods)s 节 %(weeks)s",
        weekday=SHORT_WEEKDAYS[pattern.weekday - 1],
        periods=periods,
        weeks=weeks(pattern.weeks),
    )


def meeting_day(pattern: MeetingPattern) -> str:
    return str(SHORT_WEEKDAYS[pattern.weekday - 1])


def meeting_periods(pattern: MeetingPattern) -> str:
    first, last = pattern.first_period, pattern.last_period
    return _("%(periods)s 节", periods=f"{first}–{last}" if last != first else first)


def meeting_clock(pattern: MeetingPattern, occurrences: Iterable[Occurrence]) -> str:
    """19:00–20:35, from the book: what a wall in Shanghai shows."""
    for each in occurrences:
        if local(each.starts).isoweekday() == pattern.weekday:
            return f"{clock_text(each.starts)}–{clock_text(each.ends)}"
    return ""


def pool(scope: str, names: Mapping[str, str]) -> str:
    """名额 of a school, of a role in a cluster, or the general ones."""
    if scope == "all":
        return _("通用名额")
    role = scope.split(":")[2] if scope.count(":") == 2 else ""
    name = names.get(scope, "")
    return _("%(name)s（%(role)s）", name=name, role=ROLE_WORDS[role]) if role else name


def term(value: Term) -> str:
    return term_named(value.academic_year, value.number)


def term_named(academic_year: str, number: int) -> str:
    """2026–2027 学年 第一学期."""
    return _("%(year)s 学年 %(term)s", year=academic_year.replace("-", "–"), term=TERM[number])


FILTERS = {
    "meeting_text": meeting,
    "meeting_day": meeting_day,
    "meeting_periods": meeting_periods,
    "meeting_clock": meeting_clock,
    "weeks_text": weeks,
    "term_text": term,
    "pool_text": pool,
    "clock_text": clock_text,
}
WORDS = {
    "category": CATEGORY,
    "delivery": DELIVERY,
    "level": LEVEL,
    "language": LANGUAGE,
    "state": STATE,
    "sort": SORT,
    "seats_by": SEATS_BY,
    "round": ROUND,
}
