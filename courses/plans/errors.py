"""Why a term plan is refused."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "plan_exists": (_l("这个学期已有选课安排。"), _l("请修改已有的安排。")),
        "plan_published": _l("这份选课安排已经发布。"),
        "plan_out_of_order": _l("不能早于前一阶段的开始。"),
        "submission_not_open": (
            _l("组团的开课申报 %(at)s 开始，现在还不能发布教学班。"),
            _l("可以先保存为草稿，到时再发布。"),
        ),
        "submission_closed": (
            _l("组团的开课申报已于 %(at)s 截止，不能再发布本学期的教学班；已经发布的不受影响。"),
            _l("草稿会保留；确需补报时，请联系组团管理员延长申报时间。"),
        ),
        "admission_not_open": (_l("组团的开课申报 %(at)s 才开始，现在还没有可以审核的课程。"), _l("请到时再办理。")),
        "admission_over": (
            _l("组团的选课已于 %(at)s 全部结束，不能再列入或移出。"),
            _l("确需补办时，请联系组团管理员延长补退选时间。"),
        ),
        "grades_before_teaching": _l("不能早于开始上课的日期。"),
        "round_after_grades": _l("选课须在成绩提交截止之前结束。"),
    }
)
