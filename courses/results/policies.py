"""What schools decide about results of their students at other schools, and about the papers made of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.grades.rules import Formula
from courses.recognition.policies import CATEGORIES, FAIL_RECORDED
from courses.recognition.rules import words
from courses.results import rules
from courses.results.rules import Home
from zutuan.decision import Refusal
from zutuan.policies import services as policy_values
from zutuan.policies.rules import LEVELS, Policy


def _no_formula(text: Any) -> Refusal | None:
    found = rules.formula(text)
    return found if isinstance(found, Refusal) else None


SCALE = Policy(
    "results.scale", _l("外校成绩记入本校的计分方式"), _l("认定时换算成这种计分方式；原成绩始终并列保留。"), rules.AS_ORIGINAL,
    "choice", LEVELS,
    choices=(
        (rules.AS_ORIGINAL, _l("按原成绩")), ("percent", _l("百分制")), ("five", _l("五级制")), ("two", _l("二级制")),
    ),
)  # fmt: skip
POINTS = Policy(
    "results.points", _l("绩点公式"),
    _l("不填为 (分数-50)/10；也可以从高到低逐档写明，例如 90=4.0、85=3.7、82=3.3、78=3.0、75=2.7、72=2.3、68=2.0、64=1.5、60=1.0。"),
    "", "text", LEVELS, low=0, high=400, check=_no_formula,
)  # fmt: skip
OWN_TRANSCRIPT = Policy(
    "results.own_transcript", _l("学生自助开具跨校修读成绩单"), _l("关闭后由教务员开具。"), True, levels=LEVELS
)
OWN_WORKLOAD = Policy(
    "results.own_workload", _l("教师自助开具教学工作量证明"), _l("关闭后由教务员开具。"), True, levels=LEVELS
)
ALL = (SCALE, POINTS, OWN_TRANSCRIPT, OWN_WORKLOAD)


def home(session: Session, school_id: int, now: datetime) -> Home:
    """How that school writes grades now."""

    def value(policy: Policy) -> Any:
        return policy_values.value(session, policy.key, school_id, now)

    formula = rules.formula(value(POINTS))
    return Home(
        value(SCALE), formula if isinstance(formula, Formula) else Formula(), value(FAIL_RECORDED), words(value(CATEGORIES))
    )  # fmt: skip
