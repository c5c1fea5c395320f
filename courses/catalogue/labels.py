"""Words of the catalogue, Chinese first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from courses.catalogue import disciplines
from courses.catalogue.models import Course, MeetingPattern, OfferingDate
from zutuan.calendar.models import Occurrence, Term
from zutuan.calendar.patterns import week_parts
from zutuan.calendar.rules import clock_text, parse_weeks
from zutuan.clock import local
from zutuan.clusters.words import ROLE_WORDS
from zutuan.decision import Refusal
from zutuan.web.texts import SHORT_WEEKDAYS, credit, english, stamp

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
    "cancelled": (_l("停开"), "bad"),
    "archived": (_l("已归档"), ""),
}
SORT = {
    "newest": _l("最新发布"),
    "title": _l("按名称"),
    "credits": _l("学分从高到低"),
    "seats": _l("余量从多到少"),
}
CREDITS = {"1": _l("1 学分以内"), "2": _l("1.5–2 学分"), "3": _l("2.5–3 学分"), "more": _l("3 学分以上")}
PERIODS = {"1-4": _l("第 1–4 节"), "5-8": _l("第 5–8 节"), "9-20": _l("第 9 节以后")}
SEATS_BY = {"first_come": _l("先到先得"), "choice": _l("教师挑选"), "lot": _l("抽签")}
ROUND = {"preselection": _l("预选"), "main": _l("正选"), "add_drop": _l("补退选")}
DATE = {"class": _l("上课"), "exam": _l("考试")}
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
        if each.source_type == "offering" and local(each.starts).isoweekday() == pattern.weekday:
            return f"{clock_text(each.starts)}–{clock_text(each.ends)}"
    return ""


def date_text(each: OfferingDate) -> str:
    """01-06 14:00–16:00."""
    return f"{stamp(each.starts)}–{clock_text(each.ends)}"


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


def discipline(course: Course) -> str:
    return disciplines.text(course.discipline_scheme, course.discipline_version, course.discipline_code)


def counts(said: Any) -> str:
    """教育心理学 2 学分（专业选修）: what a course counts as at home."""
    name = (english() and said.name_en) or said.name
    words = {"name": name, "credits": credit(said.credits), "category": own_category(said.category)}
    if said.category:
        return _("%(name)s %(credits)s 学分（%(category)s）", **words)
    return _("%(name)s %(credits)s 学分", name=name, credits=words["credits"])


# 课程类别 as home schools usually call them; any other is shown as the school wrote it.
OWN_CATEGORY = {
    "公共必修": _l("公共必修"), "公共选修": _l("公共选修"), "公共基础": _l("公共基础"), "通识必修": _l("通识必修"),
    "通识选修": _l("通识选修"), "通识教育": _l("通识教育"), "学科基础": _l("学科基础"), "专业基础": _l("专业基础"),
    "专业核心": _l("专业核心"), "专业必修": _l("专业必修"), "专业选修": _l("专业选修"), "教师教育": _l("教师教育"),
    "教师教育必修": _l("教师教育必修"), "教师教育选修": _l("教师教育选修"), "实践": _l("实践"),
    "实践环节": _l("实践环节"), "任意选修": _l("任意选修"),
}  # fmt: skip


def own_category(text: str) -> str:
    """A home school's own word for 课程类别, in the reader's language where it is a usual one."""
    return str(OWN_CATEGORY.get(text, text))


# Fields of a course as pages name them.
FIELD = {
    "school_id": _l("开课学校"), "title_zh": _l("课程名称"), "title_en": _l("英文名称"), "code": _l("课程代码"),
    "category": _l("类别"), "plan_code": _l("计划任务"), "credits": _l("学分"), "hours": _l("学时"),
    "delivery": _l("授课方式"), "level": _l("层次"), "language": _l("授课语言"), "department_id": _l("院系"),
    "summary_zh": _l("一句话介绍"), "summary_en": _l("英文一句话介绍"), "description_zh": _l("课程介绍"),
    "description_en": _l("英文介绍"), "prerequisites": _l("先修要求"), "assessment": _l("考核方式"),
    "keywords": _l("关键词"), "teacher_ids": _l("任课教师"), "discipline_scheme": _l("学科分类"),
    "discipline_version": _l("学科分类版本"), "discipline_code": _l("学科代码"), "syllabus": _l("教学安排"),
    "syllabus-weeks": _l("周次"), "syllabus-topic": _l("内容"), "textbooks": _l("教材和参考书"),
    "requires_ids": _l("先修课"),
}  # fmt: skip


FILTERS = {
    "discipline_text": discipline,
    "meeting_text": meeting,
    "meeting_day": meeting_day,
    "meeting_periods": meeting_periods,
    "meeting_clock": meeting_clock,
    "weeks_text": weeks,
    "term_text": term,
    "pool_text": pool,
    "date_text": date_text,
    "clock_text": clock_text,
    "counts_text": counts,
    "own_category": own_category,
}
WORDS = {
    "category": CATEGORY,
    "delivery": DELIVERY,
    "level": LEVEL,
    "language": LANGUAGE,
    "state": STATE,
    "sort": SORT,
    "credit_range": CREDITS,
    "periods": PERIODS,
    "seats_by": SEATS_BY,
    "round": ROUND,
    "date": DATE,
    "field": FIELD,
}
