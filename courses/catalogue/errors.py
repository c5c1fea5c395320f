"""Why the catalogue says no."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "succession_offerings": (
            _l("这所学校还有 %(count)s 个教学班没有结束。"),
            _l("请在学期结束之后办理，或先归档没有人选的教学班。"),
        ),
        "succession_codes": (
            _l("两校有 %(count)s 门课程代码相同：%(codes)s。"),
            _l("请先修改其中一校的课程代码。"),
        ),
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
        "outside_term": _l("时间不在本学期内。"),
        "date_too_long": _l("一次课或考试不能超过 12 小时。"),
        "seats_above_room": _l("名额共 %(seats)s 个，教室只能容纳 %(room)s 人。"),
        "minimum_above_seats": _l("开课人数下限 %(minimum)s 人，名额只有 %(seats)s 个。"),
        "minimum_fixed": (_l("选课已经截止，不能再改开课人数下限。"), _l("请在「开班确认」里决定是否开班。")),
        "no_teacher_of_number": _l("本校教师中没有工号 %(number)s。"),
        "no_school_of_name": _l("没有名为“%(name)s”的学校。"),
        "not_schools": _l("面向学校写得不清楚：“%(text)s”。"),
        "schools_without_seats": (_l("面向几所学校时，须写明各校名额。"), _l("例如：某大学:20、某学院:10。")),
        "pools_above_seats": _l("各校名额共 %(kept)s 个，超过容量 %(seats)s。"),
        "differs_from_line": _l("同一门课程在第 %(line)s 行写的是 %(said)s。"),
        "bad_discipline": _l("学科代码的写法不对，例如 %(example)s。"),
        "no_such_discipline": _l("《%(title)s》中没有 %(top)s。"),
        "requires_itself": _l("课程不能以自己为先修课，也不能互为先修课。"),
        "cover_too_large": _l("封面图片不能超过 %(limit)s MB。"),
        "bad_periods": _l("节次须写成 1-4 这样。"),
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
        "meeting_adjusted": (
            _l("第 %(week)s 周的一次课已经调停课，新的上课时间里没有这次课。"),
            _l("请在新的时间里保留这次课，或请教务员先撤销这次调停课。"),
        ),
        "offering_graded": (_l("这个班已有确认的成绩，不能归档、停开或取消。"), _l("课程不再开设时，可以归档课程。")),
        "meetings_fixed": (_l("已有学生选课，不能再改上课时间。"), _l("请新建一个教学班。")),
    }
)
