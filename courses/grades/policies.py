"""What schools decide about grading; each class may be graded otherwise by its teacher."""

from flask_babel import lazy_gettext as _l

from zutuan.policies.rules import LEVELS, Policy

SCALE = Policy(
    "grades.scale", _l("成绩的记分制"), _l("新建成绩单时预填；任课教师可以为自己的教学班另选。"), "percent", "choice", LEVELS,
    choices=(("percent", _l("百分制")), ("five", _l("五级制")), ("two", _l("二级制"))),
)  # fmt: skip
PLACES = Policy(
    "grades.places", _l("成绩保留的小数位数"), _l("百分制成绩保留几位小数；0 为整数。"), 0, "whole", LEVELS, low=0, high=2, unit=_l("位")
)  # fmt: skip
PARTS = Policy(
    "grades.parts", _l("成绩构成"), _l("例如“平时40、期末60”，合计须为 100；不分项时留空。"), "平时40、期末60", "text", LEVELS, low=0, high=100
)  # fmt: skip
ALL = (SCALE, PLACES, PARTS)
