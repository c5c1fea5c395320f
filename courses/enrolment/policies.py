"""What schools decide about enrolling."""

from flask_babel import lazy_gettext as _l

from courses.enrolment.rules import DECIDE_DAYS, OFFER_HOURS, TRAVEL_MINUTES
from zutuan.policies.rules import LEVELS, Policy

_APPROVALS = (
    ("none", _l("自动通过")),
    ("registrar", _l("教务处审核")),
    ("both", _l("学院审核、教务处审定")),
)

OWN_CERTIFICATE = Policy(
    "enrolment.own_certificate", _l("学生自助开具选课证明"),
    _l("选课通过后，本校学生可以自己开具选课证明；关闭后由教务员开具。"), True, levels=LEVELS,
)  # fmt: skip
HOME_APPROVAL = Policy(
    "enrolment.home_approval", _l("本校学生外出修读的审核"),
    _l("本校学生选外校课程时由谁审核。已提交的选课不受更改影响。"), "registrar", "choice", LEVELS, choices=_APPROVALS,
)  # fmt: skip
HOST_APPROVAL = Policy(
    "enrolment.host_approval", _l("外校学生来校修读的接收"),
    _l("外校学生选本校课程时由谁接收；由教师挑选学生的教学班不受此限。"), "none", "choice", LEVELS, choices=_APPROVALS,
)  # fmt: skip
APPROVAL_DAYS = Policy(
    "enrolment.approval_days", _l("选课审核期限"),
    _l("本校应在这么多天内审核；逾期自动释放名额。已提交的选课不受更改影响。"), DECIDE_DAYS, "whole", LEVELS,
    low=1, high=14, unit=_l("天"),
)  # fmt: skip
CREDIT_CAP = Policy(
    "enrolment.credit_cap", _l("每学期跨校选课学分上限"), _l("本校学生一个学期最多选这么多学分的外校课程；0 为不限。"), 0,
    "whole", LEVELS, low=0, high=60, unit=_l("学分"),
)  # fmt: skip
OFFER_HOURS_OF = Policy(
    "enrolment.offer_hours", _l("候补名额保留时间"),
    _l("候补学生得到名额后，应在这么多小时内接受；逾期给下一位。"), OFFER_HOURS, "whole", LEVELS, low=1, high=168, unit=_l("小时"),
)  # fmt: skip
TRAVEL = Policy(
    "enrolment.travel_minutes", _l("跨校区往返时间"),
    _l("到本校上课的外校学生，与其他学校线下课程之间至少留出的时间。"), TRAVEL_MINUTES, "whole", LEVELS, low=0, high=600, unit=_l("分钟"),
)  # fmt: skip
ALL = (OWN_CERTIFICATE, HOME_APPROVAL, HOST_APPROVAL, APPROVAL_DAYS, CREDIT_CAP, OFFER_HOURS_OF, TRAVEL)
