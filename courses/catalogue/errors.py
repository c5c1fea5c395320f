"""Why the catalogue says no."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "course_code_taken": (_l("本校已有这个课程代码。"), _l("请换一个代码，或修改已有的课程。")),
        "offering_code_taken": (_l("本学期已有这个班号。"), _l("请换一个班号。")),
        "not_a_teacher_here": _l("所选教师现在不属于这所学校。"),
        "no_school_to_publish_for": (_l("您现在不能为任何学校开课。"), _l("请联系本校学校管理员。")),
        "choose_owner_school": _l("请选择为哪所学校开课。"),
        "offering_without_meetings": (_l("教学班还没有上课时间。"), _l("请先填写至少一个上课时间。")),
        "offering_without_seats": (_l("教学班的名额为 0。"), _l("请先填写名额。")),
        "offering_not_ready": _l("%(code)s 班还不能发布：%(why)s"),
        "round_twice": _l("每种轮次只能有一个。"),
        "rounds_overlap": _l("各轮选课须依次进行，不能重叠。"),
        "round_not_in_plan": _l("组团的选课安排没有这一轮。"),
        "outside_plan": (
            _l("须在组团选课安排的 %(from)s 至 %(until)s 之内。"),
            _l("可以改为跟随组团安排，或缩短自定的时间。"),
        ),
        "no_plan": _l("组团还没有发布本学期的选课安排。"),
        "pools_overlap": _l("同一范围的名额只能有一项。"),
        "not_a_pool": _l("名额范围须为 all、school:编号 或 cluster:编号:角色。"),
        "no_such_grade": _l("这个学期没有为这个年级另定日期。"),
        "course_archived": (_l("课程已归档。"), _l("请新建课程。")),
        "window_too_long": _l("选课时间不能超过一年。"),
        "window_after_term": _l("选课截止须在学期结束之前。"),
        "stale_form": (
            _l("别人刚刚修改过这条记录，您的修改还没有保存。"),
            _l("下面保留了您填写的内容，核对后再次保存将覆盖别人的修改。"),
        ),
        "has_active_enrolments": (
            _l("还有 %(n)s 名学生持有名额，不能归档。"),
            _l("请等本学期结束，或先与学生所在学校协商退课。"),
        ),
        "meetings_fixed": (_l("已有学生选课，不能再改上课时间。"), _l("请新建一个教学班。")),
    }
)
