"""How long the host has to decide, and students to find another class."""

from flask_babel import lazy_gettext as _l

from courses.minimum.rules import DECIDE_DAYS, RESCUE_DAYS
from zutuan.policies.rules import LEVELS, Policy

RESCUE = Policy(
    "minimum.rescue_days", _l("停开补选期限"),
    _l("本校教学班停开后，失去名额的学生在这么多天内可以补选其他教学班，不受选课截止限制。"), RESCUE_DAYS, "whole", LEVELS,
    low=1, high=21, unit=_l("天"),
)  # fmt: skip
DECIDE = Policy(
    "minimum.decide_days", _l("开班确认期限"), _l("选课截止后，应在这么多天内决定人数不足的教学班是否开班。"), DECIDE_DAYS,
    "whole", LEVELS, low=1, high=14, unit=_l("天"),
)  # fmt: skip
ALL = (RESCUE, DECIDE)
