"""What schools decide about attendance in their classes."""

from flask_babel import lazy_gettext as _l

from courses.rosters.rules import AFTER, BEFORE, CODE_SECONDS, LATE
from zutuan.policies.rules import Policy

_LEVELS = ("platform", "school")

BEFORE_OF = Policy(
    "attendance.before", _l("提前签到"), _l("上课前这么多分钟起可以扫码签到，教师也可以开始记考勤。"), BEFORE, "whole", _LEVELS,
    low=0, high=120, unit=_l("分钟"),
)  # fmt: skip
AFTER_OF = Policy(
    "attendance.after", _l("下课后签到"), _l("下课后这么多分钟内还可以扫码签到。"), AFTER, "whole", _LEVELS, low=0, high=120,
    unit=_l("分钟"),
)  # fmt: skip
LATE_OF = Policy(
    "attendance.late", _l("迟到"), _l("上课这么多分钟以后签到的，记为迟到。"), LATE, "whole", _LEVELS, low=0, high=240,
    unit=_l("分钟"),
)  # fmt: skip
CODE = Policy(
    "attendance.code_seconds", _l("签到二维码的有效时间"), _l("屏幕上的二维码在这么多秒后失效，防止转发代签。"), CODE_SECONDS,
    "whole", _LEVELS, low=30, high=900, unit=_l("秒"),
)  # fmt: skip
ALL = (BEFORE_OF, AFTER_OF, LATE_OF, CODE)
