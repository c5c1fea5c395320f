"""What schools decide about enrolling."""

from flask_babel import lazy_gettext as _l

from courses.enrolment.rules import DECIDE_DAYS
from zutuan.policies.rules import LEVELS, Policy

OWN_CERTIFICATE = Policy(
    "enrolment.own_certificate", _l("学生自助开具选课证明"),
    _l("选课通过后，本校学生可以自己开具选课证明；关闭后由教务员开具。"), True, levels=LEVELS,
)  # fmt: skip
APPROVAL_DAYS = Policy(
    "enrolment.approval_days", _l("选课审核期限"),
    _l("本校学生提交选课后，教务处应在这么多天内审核；逾期自动释放名额。已提交的选课不受更改影响。"), DECIDE_DAYS, "whole", LEVELS,
    low=1, high=14, unit=_l("天"),
)  # fmt: skip
ALL = (OWN_CERTIFICATE, APPROVAL_DAYS)
