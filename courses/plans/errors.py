"""Why a term plan is refused."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "plan_exists": (_l("这个学期已有选课安排。"), _l("请修改已有的安排。")),
        "plan_published": _l("这份选课安排已经发布。"),
        "plan_out_of_order": _l("不能早于前一阶段的开始。"),
        "grades_before_teaching": _l("不能早于开始上课的日期。"),
        "round_after_grades": _l("选课须在成绩提交截止之前结束。"),
    }
)
