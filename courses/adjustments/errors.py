"""Why a 调停课 is refused, and what would cure it."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "adjustment_decided": (_l("这次调停课已经办结，不能再处理。"), _l("请刷新查看结果。")),
        "adjustment_stands": (_l("已经批准，只有教务员可以撤销。"), _l("如需更改，请联系本校教务员撤销后重新申请。")),
        "adjustment_waits": (_l("还在等待审批，不必撤销。"), _l("可以不批准，并写明理由。")),
        "own_adjustment": (_l("不能审批自己任课、自己提交的申请。"), _l("请由另一位教务员审批。")),
        "adjustment_closed": (_l("这个教学班没有开放，不能调停课。"), _l("草稿可以直接修改上课时间。")),
        "adjustment_of_ended_class": (_l("这个教学班已停开或归档，调停课不能再撤销。"), ""),
        "adjustments_used_up": (
            _l("这个教学班本学期的调停课已达上限（%(cap)s 次）。"),
            _l("如确有需要，请联系本校教务员。"),
        ),
        "no_such_meeting": (_l("这个教学班没有这一次课。"), _l("请从课次列表重新选择。")),
        "already_adjusted": (_l("这次课已经有调停课申请。"), _l("请先撤回原来的申请，或请教务员撤销。")),
        "meeting_is_held": (_l("这次课照常上，不需要补课。"), _l("请先停课，或不指定课次。")),
        "meeting_not_held": (_l("这次课本来就不上（已停课，或遇放假）。"), _l("可以申请补课。")),
        "meeting_over": (_l("这次课已经开始或结束。"), _l("可以为还没有上的课申请，或申请补课。")),
        "own_meeting_then": (_l("这个班 %(starts)s 已有课或考试。"), _l("请换一个时间。")),
        "adjustment_begun": (_l("原来的或调整后的课已经开始，不能撤销。"), _l("可以重新申请调停课或补课。")),
        "made_up_already": (_l("已经为这次停课安排了补课，不能撤销停课。"), _l("请先撤销补课。")),
        "adjusted_into_past": _l("须在现在以后。"),
        "adjusted_outside_term": _l("须在本学期内，最晚到学期结束后 %(weeks)s 周。"),
        "adjusted_nowhere": _l("时间和地点都没有变化。"),
        "teaches_already": _l("这位教师本来就任教这门课。"),
    }
)
