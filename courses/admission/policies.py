"""What schools decide about the courses of others."""

from flask_babel import lazy_gettext as _l

from zutuan.policies.rules import LEVELS, Policy

ADMISSION = Policy(
    "enrolment.admission", _l("本校学生可选的外校课程"),
    _l("向本校共享的课程是否都可以选；逐门列入时，由教务员在「可选课程」里列入。已选上的不受更改影响。"), "all", "choice",
    LEVELS, choices=(("all", _l("全部可选")), ("picked", _l("逐门列入"))),
)  # fmt: skip
