"""What home schools decide about what courses of others count as."""

from flask_babel import lazy_gettext as _l

from courses.recognition.rules import FREE, HOST, LESSER, UP_TO
from zutuan.policies.rules import LEVELS, Policy

CREDITS = Policy(
    "recognition.credits", _l("外校课程认定多少学分"),
    _l("学分认定表和答复里的学分按这里的规定填写；已作的认定不受更改影响。"), UP_TO, "choice", LEVELS,
    choices=(
        (UP_TO, _l("按认定表，不超过开课学校的学分")), (HOST, _l("与开课学校的学分相同")),
        (LESSER, _l("认定表与开课学校取较少的")), (FREE, _l("按认定表，可以超过开课学校的学分")),
    ),
)  # fmt: skip
CATEGORIES = Policy(
    "recognition.categories", _l("课程类别"),
    _l("本校培养方案里的课程类别，用顿号隔开，如“通识选修、专业选修”；认定时从中选择，留空则不写类别。"), "", "text",
    LEVELS, low=0, high=400,
)  # fmt: skip
FAIL_RECORDED = Policy(
    "recognition.fail_recorded", _l("不及格的外校课程记入成绩"),
    _l("开启后，外校课程不及格也记入本校成绩；关闭后只记及格的。"), True, levels=LEVELS,
)  # fmt: skip
ALL = (CREDITS, CATEGORIES, FAIL_RECORDED)
