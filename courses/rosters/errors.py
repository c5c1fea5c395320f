"""Why attendance is refused."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "meeting_ahead": (_l("这次课还没有开始，%(at)s 起才能记考勤。"), _l("学生事先请假的，可以在请假里批准。")),
        "meeting_gone": (_l("这次课已经取消，不能再记考勤。"), _l("已有的记录会保留。")),
        "marked_twice": _l("同一名学生记了两次。"),
        "enrolled_after_meeting": _l("这名学生在这次课之后才选上，不记这次课的考勤。"),
        "not_on_roster": _l("这名学生不在本班的名单上。"),
        "check_in_ahead": (_l("还没有到签到时间，%(at)s 开始。"), _l("请到时再扫码。")),
        "check_in_over": (_l("签到已于 %(at)s 结束。"), _l("确实到课的，请当面告诉任课教师。")),
        "check_in_code_over": (_l("这个签到二维码已经失效。"), _l("请重新扫描屏幕上的二维码。")),
        "leave_asked": (_l("这次课已经请过假。"), _l("可以先撤回，再重新提出。")),
        "leave_decided": _l("这项请假已经办理过。"),
        "leave_too_late": _l("课后超过 %(days)s 天，不能再请假。"),
    }
)
