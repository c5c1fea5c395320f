"""Why enrolling, approving or withdrawing is refused, and what would cure it."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "merge_both_enrolled": (
            _l("两人都占着「%(title)s」%(number)s 班的名额。"),
            _l("请先为其中一人办理退选，再合并。"),
        ),
        "succession_enrolments": (
            _l("还有 %(count)s 个名额的教学没有结束，这所学校是它们的派出校或开课校。"),
            _l("请在学期结束之后办理。"),
        ),
        "not_enrolled_yet": (_l("还没有选上，不能开具选课证明。"), _l("本校教务处审核通过之后再来。")),
        "not_a_student": (_l("只有学生可以选课。"), _l("请用学生身份登录。")),
        "not_in_standing": (_l("您现在不是在读状态，不能选课。"), _l("如有疑问，请联系本校教务员核对学籍状态。")),
        "choose_affiliation": _l("您在不止一所学校就读，请选择以哪所学校的学生身份选课。"),
        "own_school_course": (_l("这是本校开设的课程，请在本校教务系统选课。"), ""),
        "not_shared_with_you": (
            _l("这门课程现在没有向您的学校共享。"),
            _l("如有疑问，请联系本校教务员了解组团成员变化。"),
        ),
        "offering_closed": (_l("这个教学班现在不接受选课。"), _l("可以查看同一课程的其他教学班。")),
        "window_not_open": (_l("选课尚未开始。"), _l("%(opens)s 开放，届时再来即可。")),
        "window_closed": (_l("选课已经截止（%(closes)s）。"), _l("可以查看其他仍在选课的课程。")),
        "already_enrolled": (_l("您已经选了这个教学班。"), _l("可以在「我的选课」查看进度。")),
        "offering_changed": (_l("教学班刚刚有变动。"), _l("请重新查看上课时间和状态，再决定。")),
        "seats_gone": (_l("名额已满。"), _l("有人退选时名额会重新开放，可以稍后再来看看。")),
        "seats_of_school_gone": (_l("留给贵校的名额已满。"), _l("有人退选时名额会重新开放，可以稍后再来看看。")),
        "no_seats_for_school": (_l("这个教学班没有给贵校的名额。"), _l("可以查看同一课程的其他教学班。")),
        "not_admitted": (_l("贵校没有把这门课程列入本学期可选课程。"), _l("如有需要，请联系本校教务员。")),
        "not_your_grade": (_l("这个教学班只面向 %(for)s 级学生。"), _l("可以查看同一课程的其他教学班。")),
        "not_your_major": (_l("这个教学班只面向 %(for)s 专业的学生。"), _l("可以查看同一课程的其他教学班。")),
        "prerequisite_missing": (_l("还没有修完先修课程：%(courses)s。"), _l("请先修完先修课程，再来选课。")),
        "already_passed": (_l("您已经修完这门课程。"), _l("可以查看其他课程。")),
        "in_other_class": (
            _l("您已经选了这门课程的另一个教学班。"),
            _l("可以申请转到这个教学班，新班确定后原班才释放。"),
        ),
        "credit_cap": (
            _l("跨校选课本学期最多 %(cap)s 学分，您已选 %(held)s 学分。"),
            _l("可以先退选一门，或改选学分较少的课程。"),
        ),
        "time_clash": (
            _l("%(starts)s 的上课时间与「%(title)s」（%(from)s）冲突，共 %(n)s 次。"),
            _l("可以选这门课程的其他教学班，或先退选有冲突的课程。"),
        ),
        "exam_clash": (
            _l("%(starts)s 与「%(title)s」的考试时间冲突（%(from)s），共 %(n)s 次。"),
            _l("可以选这门课程的其他教学班，或先退选有冲突的课程。"),
        ),
        "travel_clash": (
            _l("%(starts)s 的线下课与「%(title)s」（%(from)s）之间来不及往返校区，共 %(n)s 次。"),
            _l("可以改选在线授课的教学班，或先退选有冲突的课程。"),
        ),
        "enrolment_completed": (_l("这门课程已经修完，不能再办理。"), _l("如有疑问，请联系开课学校教务员。")),
        "waits_for_student": (_l("已退回学生修改，等学生重新提交后再审核。"), ""),
        "not_returned": _l("这条选课没有退回修改。"),
        "still_in_standing": (_l("学生在读，不能代为退课。"), _l("请学生自己办理退课。")),
        "offer_lapsed": (_l("接受名额的期限已过，名额已给下一位。"), _l("仍有候补时可以重新候补。")),
        "nothing_awaited": _l("现在没有需要催办的审核。"),
        "reminded_already": (_l("一天只能催办一次。"), _l("%(again)s 之后可以再催。")),
        "enrolment_over": (_l("这条选课已经结束，不能再办理。"), _l("请刷新列表。")),
        "already_decided": (_l("这条选课已经审核过了。"), _l("请刷新列表，查看审核结果。")),
        "not_possible_now": _l("这条选课现在的状态不能进行这项操作。"),
        "own_enrolment": (_l("不能审核自己的选课。"), _l("请本校另一位教务员办理。")),
        "one_of_several": _l("%(student)s「%(title)s」：%(why)s"),
        "too_many_chosen": _l("一次最多办理 %(max)s 项。"),
        "lapsed": (_l("已超过审核期限，名额即将释放。"), _l("请学生在仍有余量时重新选课。")),
        "term_over": _l("这个学期已经结束，不能再退出。"),
        "nothing_chosen": (_l("还没有选中任何一项。"), _l("请先勾选，再办理。")),
        "bad_span": _l("结束须在开始之后，且相隔不超过 %(days)s 天。"),
        "reason_needed": _l("请写明理由，学生会看到。"),
    }
)
