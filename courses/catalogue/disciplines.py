"""Disciplines by published tables: which table, its edition, and the form of its codes. Names only where they are certain."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from zutuan.decision import Refusal


@dataclass(frozen=True)
class Scheme:
    """A table of disciplines. `top`: length of the code of a first level, whose codes are all known."""

    title: Any
    versions: tuple[str, ...]  # the one in force first
    form: re.Pattern[str]
    example: str
    top: int
    first: dict[str, str] = field(default_factory=dict)
    more: dict[str, str] = field(default_factory=dict)  # of the second level, those that are certain


# GB/T 13745-2009: 62 first-level disciplines; the second level is 880.11, the third 880.1110.
_STANDARD = {
    "110": "数学", "120": "信息科学与系统科学", "130": "力学", "140": "物理学", "150": "化学", "160": "天文学",
    "170": "地球科学", "180": "生物学", "190": "心理学", "210": "农学", "220": "林学", "230": "畜牧、兽医科学",
    "240": "水产学", "310": "基础医学", "320": "临床医学", "330": "预防医学与公共卫生学", "340": "军事医学与特种医学",
    "350": "药学", "360": "中医学与中药学", "410": "工程与技术科学基础学科", "413": "信息与系统科学相关工程与技术",
    "416": "自然科学相关工程与技术", "420": "测绘科学技术", "430": "材料科学", "440": "矿山工程技术",
    "450": "冶金工程技术", "460": "机械工程", "470": "动力与电气工程", "480": "能源科学技术", "490": "核科学技术",
    "510": "电子与通信技术", "520": "计算机科学技术", "530": "化学工程", "535": "产品应用相关工程与技术",
    "540": "纺织科学技术", "550": "食品科学技术", "560": "土木建筑工程", "570": "水利工程", "580": "交通运输工程",
    "590": "航空、航天科学技术", "610": "环境科学技术及资源科学技术", "620": "安全科学技术", "630": "管理学",
    "710": "马克思主义", "720": "哲学", "730": "宗教学", "740": "语言学", "750": "文学", "760": "艺术学",
    "770": "历史学", "780": "考古学", "790": "经济学", "810": "政治学", "820": "法学", "830": "军事学",
    "840": "社会学", "850": "民族学与文化学", "860": "新闻学与传播学", "870": "图书馆、情报与文献学",
    "880": "教育学", "890": "体育科学", "910": "统计学",
}  # fmt: skip
# 研究生教育学科专业目录（2022 年）: 门类 of two digits, then first-level disciplines of four.
_FIELDS = {
    "01": "哲学", "02": "经济学", "03": "法学", "04": "教育学", "05": "文学", "06": "历史学", "07": "理学",
    "08": "工学", "09": "农学", "10": "医学", "11": "军事学", "12": "管理学", "13": "艺术学", "14": "交叉学科",
}  # fmt: skip
_FIRST = {
    "0401": "教育学", "0402": "心理学", "0403": "体育学", "0501": "中国语言文学", "0502": "外国语言文学",
    "0503": "新闻传播学", "0701": "数学", "0702": "物理学", "0703": "化学", "0705": "地理学", "0710": "生物学",
}  # fmt: skip

SCHEMES = {
    "gbt13745": Scheme(
        _l("GB/T 13745 学科分类与代码"), ("2009",), re.compile(r"\d{3}(\.?\d{2}(\d{2})?)?"), "880.11", 3, _STANDARD
    ),
    "degree": Scheme(
        _l("研究生教育学科专业目录"), ("2022",), re.compile(r"\d{2}(\d{2}(\d{2})?)?"), "0401", 2, _FIELDS, _FIRST
    ),
}


def check(scheme: str, version: str, code: str) -> tuple[str, str, str] | tuple[str, Refusal]:
    """(scheme, version, code) as they are kept, or (field, why not). Without a version it is the one in force; without a
    code there is no discipline."""
    if not code:
        return ("discipline_code", Refusal("required")) if scheme else ("", "", "")
    known = SCHEMES.get(scheme)
    if known is None:
        return "discipline_scheme", Refusal("required" if not scheme else "no_such")
    if version and version not in known.versions:
        return "discipline_version", Refusal("no_such")
    if not known.form.fullmatch(code):
        return "discipline_code", Refusal("bad_discipline", {"example": known.example})
    if code[: known.top] not in known.first:
        return "discipline_code", Refusal("no_such_discipline", {"top": code[: known.top], "title": str(known.title)})
    return scheme, version or known.versions[0], code


def text(scheme: str, version: str, code: str) -> str:
    """880.11 教育学（GB/T 13745 学科分类与代码 2009）."""
    known = SCHEMES.get(scheme)
    if known is None:
        return ""
    name = known.more.get(code[: known.top * 2]) or known.first.get(code[: known.top], "")
    return _("%(code)s %(name)s（%(title)s %(version)s）", code=code, name=name, title=known.title, version=version)


def choices() -> list[tuple[str, str]]:
    return [(name, f"{each.title} {each.versions[0]}") for name, each in SCHEMES.items()]
