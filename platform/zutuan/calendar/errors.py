"""Why the calendar says no."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "bad_weeks": (_l("周次写法不对。"), _l("例如 1-16、1-8,10-16、2-16e（双周）、1-15o（单周）。")),
        "week_not_in_term": _l("第 %(week)s 周不在本学期内（共 %(weeks)s 周）。"),
        "no_such_period": _l("学校的作息时间表没有第 %(period)s 节。"),
        "no_term": (_l("学校还没有设置本学期。"), _l("请联系本校教务员设置学期和作息时间表。")),
        "meetings_overlap": _l("同一教学班的两个上课时间重叠。"),
    }
)
