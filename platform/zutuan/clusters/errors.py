"""Why clusters say no, and what they caution about."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "school_name_taken": _l("已有学校叫%(school)s。"),
        "school_code_taken": _l("标识码 %(number)s 已属于%(school)s。"),
        "same_name": _l("现在就是这个名称。"),
        "not_in_future": _l("不能晚于今天；到那一天再办理。"),
        "school_succeeded": (_l("%(school)s已并入另一所学校。"), _l("请在承接它的学校办理。")),
        "succeeds_itself": _l("不能并入自己。"),
        "already_succeeded": _l("这所学校已并入另一所学校。"),
        "successor_succeeded": (_l("承接的学校自己已并入另一所学校。"), _l("请选最终承接的学校。")),
        "succession_numbers": (
            _l("这些学工号在承接学校已有别人使用，加上原校代码后仍然重复或过长：%(numbers)s。"),
            _l("请先在原校名单里更改这些学工号。"),
        ),
        "cluster_name_taken": _l("已有组团叫%(cluster)s。"),
        "bad_school_code": _l("学校标识码须为 10 位数字。"),
        "already_member": (
            _l("%(school)s已经是这个组团的成员。"),
            _l("要改变它的角色，请先结束现在的成员身份，再重新加入。"),
        ),
        "lead_taken": (
            _l("这个组团已有牵头高校：%(school)s。一个组团只有一所牵头高校。"),
            _l("请先在组团页面结束它的牵头身份。"),
        ),
        "membership_overlaps": (
            _l("%(school)s到 %(day)s 为止都是成员，两段时间不能重叠。"),
            _l("请把加入时间改到那之后。"),
        ),
        "membership_ended": _l("%(school)s的成员身份已于 %(day)s 结束。"),
        "ends_before_joined": _l("不能早于加入的日子（%(day)s）。"),
        "ends_after_planned": (
            _l("已定于 %(day)s 结束，只能提前。"),
            _l("要延长，请从那一天起重新加入。"),
        ),
        "more_than_a_year": _l("不能晚于一年之后。"),
        "no_such_school": (_l("没有找到这所学校。"), _l("请填学校全称、名称中的几个字，或 10 位学校标识码。")),
        "choose_school": _l("有 %(count)s 所学校与此相符，请选择其中一所。"),
        "too_many_schools": (_l("有 %(count)s 所学校与此相符。"), _l("请填得更完整些。")),
        # 1+M+N: cautions, never refusals
        "cluster_without_lead": (_l("现在没有牵头高校。"), _l("请由组团管理员加入牵头高校。")),
        "cluster_with_leads": _l("现在有 %(count)s 所牵头高校，通知要求恰好 1 所。"),
        "cluster_few_partners": _l("参与高校 %(count)s 所，通知的原则是不少于 %(least)s 所。"),
        "cluster_more_supported": _l("参与高校 %(m)s 所，少于重点支持院校 %(n)s 所；通知的原则是前者不少于后者。"),
        # rows of the imports
        "school_code_differs": _l("%(school)s在平台上的标识码是 %(number)s。"),
        "school_disagrees": _l("标识码与名称不符：%(number)s 是%(school)s。"),
        "unknown_school_code": (_l("平台上没有标识码为 %(number)s 的学校。"), _l("请先导入学校名单。")),
        "unknown_school_name": (_l("平台上没有名称恰好是“%(name)s”的学校。"), _l("请核对全称，或填写标识码。")),
        "other_role": (
            _l("%(school)s现在是这个组团的%(role)s。"),
            _l("导入不改变角色，请在组团页面办理。"),
        ),
        "former_member": (
            _l("%(school)s已于 %(day)s 退出这个组团。"),
            _l("导入不让它重新加入，请在组团页面办理。"),
        ),
    }
)
