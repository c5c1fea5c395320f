"""Why the calendar says no."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "bad_weeks": (_l("周次写法不对。"), _l("例如 1-16、1-8,10-16、2-16e（双周）、1-15o（单周）。")),
        "week_not_in_term": _l("第 %(week)s 周不在本学期内（共 %(weeks)s 周）。"),
        "no_such_period": _l("学校的作息时间表没有第 %(period)s 节。"),
        "no_such_period_on": _l("%(day)s 按作息时间表没有第 %(period)s 节。"),
        "no_term": (_l("学校还没有设置本学期。"), _l("请联系本校教务员设置学期和作息时间表。")),
        "meetings_overlap": _l("同一教学班的两个上课时间重叠。"),
        "time_taken": (_l("这段时间刚刚被占用，没有保存。"), _l("请换一个时间或地点。")),
        # times as they are typed
        "pattern_empty": _l("没有读到上课时间。"),
        "pattern_too_long": _l("最多 %(max)s 个字。"),
        "pattern_too_many": _l("最多 %(max)s 个上课时间。"),
        "pattern_unknown": (_l("看不懂“%(part)s”。"), _l("写法例如：星期三第6-8节{2-8周,10-16周(双)}。")),
        "pattern_unit": (_l("“%(part)s”后面没有写“节”或“周”。"), _l("写法例如：周三3-4节 1-16周。")),
        "pattern_no_weekday": _l("“%(part)s”没有写星期几。"),
        "pattern_no_periods": _l("“%(part)s”没有写第几节。"),
        "pattern_no_weeks": (_l("“%(part)s”没有写周次。"), _l("整个学期都上，请写“每周”。")),
        "pattern_weeks_twice": _l("“%(part)s”既写了周次，又写了整学期。"),
        "pattern_no_such_week": _l("“%(part)s”里没有这样的周。"),
        "pattern_backwards": _l("“%(part)s”的结束早于开始。"),
        "pattern_number": _l("“%(part)s”超出范围（1 至 %(max)s）。"),
        # terms
        "term_not_monday": (_l("第 1 周须从星期一算起。"), _l("这一周的星期一是 %(monday)s。")),
        "term_taken": _l("这个学年已有这个学期。"),
        "terms_overlap": _l("与 %(term)s 学期（%(first)s 至 %(last)s）重叠。"),
        "bad_academic_year": _l("学年写作 2026-2027，后一年比前一年大 1。"),
        "term_not_in_year": _l("开学日期不在 %(year)s 学年内。"),
        "term_in_use": (_l("这个学期已有教学班或课表，不能删除。"), _l("可以修改它的日期。")),
        # period tables
        "period_twice": _l("第 %(period)s 节写了两次。"),
        "period_overlaps": _l("第 %(period)s 节在上一节结束之前就开始。"),
        "table_taken": _l("同一天起、同一季节和星期的作息时间表已经有了，请修改那一张。"),
        "not_clock": _l("时间写作 08:00。"),
        "not_season": _l("月日写作 05-01。"),
        "bad_weekdays": _l("星期写作 1 至 7 的数字，例如 5 或 12345。"),
        # special days
        "holiday_too_long": _l("一次最多 %(max)s 天，寒暑假不必填写。"),
        "swap_same_day": _l("补课日与所补的日子不能是同一天。"),
        "swap_onto_holiday": (
            _l("%(day)s 是假日（%(name)s），不能在这一天补课。"),
            _l("请换一天，或先把这一天改为照常上课。"),
        ),
        "swap_chain": _l("%(day)s 本身是补课日，不能再与另一天对调。"),
        "swap_twice": _l("%(day)s 的课已定在 %(on)s 补，不能补两次。"),
        "swap_source_normal": _l("%(day)s 照常上课，不能又在 %(on)s 补它的课。"),
        "calendar_changed": (
            _l("别人刚刚改了校历，刚才显示的影响已经不对，没有保存。"),
            _l("请核对下面重新计算的影响，再确认。"),
        ),
        "too_many_busy": (_l("已有 %(max)s 项忙碌时间。"), _l("请先删去不再需要的。")),
        # the import of timetables and calendars
        "entry_without_place": _l("班级、教师学工号、教室至少填一项。"),
        "room_taken_by_other": _l("教室“%(room)s”在 %(when)s 已被占用。"),
        "no_such_term_above": _l("上面没有这个学期的行，请先写学期，再写它的年级。"),
        "only_special_days": _l("全国安排只能导入节假日和调休；学期和作息属于学校。"),
        "days_span": _l("结束须在开始之后，且相隔不超过 %(days)s 天。"),
        "swap_one_day": _l("补课一次只填一天。"),
        "not_a_kind": _l("类型只能是：%(choices)s。"),
    }
)
