"""Why an account or a sign-in says no."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "sign_in_failed": (
            _l("账号或密码不对。"),
            _l("请检查邮箱，或学校名称与学工号；忘记密码的，在下面用邮箱重设，没有邮箱的请向本校教务员领激活码。"),
        ),
        "role_not_granted": _l("这个角色不能这样授予。"),
        "role_wrong_place": _l("这个角色不能在这里担任。"),
        "no_affiliation_here": _l("这个人现在不属于该校。"),
        "weak_password": _l("密码至少 %(min)s 个字符，且不能只是同一个字符。"),
        "email_taken": _l("这个邮箱已有账号。"),
        "number_taken": _l("这个学工号在该校已有账号。"),
        "bad_number": _l("学工号只能用字母、数字、点、横线和下划线。"),
        "other_school": (_l("这一行写的是“%(school)s”，不是本校。"), _l("请只导入本校的名单。")),
        "roster_of_other_school": (
            _l("文件里有 %(matched)s 个学工号本校已有，其中 %(renamed)s 个的姓名不同，这看起来是别校的名单。"),
            _l("请核对文件；确实改名的，请分几次少量导入。"),
        ),
        "number_lost_zeros": (
            _l("本校有学工号 %(number)s，这一行像是被表格软件去掉了前面的 0。"),
            _l("请把这一列设为文本后重新填写。"),
        ),
        "email_of_other_number": _l("这个邮箱是本校学工号 %(number)s 的账号。"),
        "email_elsewhere": (
            _l("这个邮箱属于另一个人的账号。"),
            _l("请与本人核对邮箱，或把邮箱留空。"),
        ),
        "name_of_shared_account": (
            _l("这个账号也在别的学校使用，姓名是“%(name)s”，名单不能改它。"),
            _l("请照此填写；确实改名的，请本人联系平台管理员。"),
        ),
        "proposal_declined": (
            _l("本人没有接受加入本校的提议。"),
            _l("请与本人核对；如果邮箱写错，请更正或留空。"),
        ),
        "proposal_waits": (_l("这个学工号已向另一个账号发出提议，还在等本人接受。"), _l("请与本人核对邮箱。")),
        "role_before_activation": (
            _l("%(name)s的账号还没有激活，不能授予角色。"),
            _l("请本人先用激活码或邮件里的链接激活账号。"),
        ),
        "affiliation_ended": _l("这个人已经离开本校。"),
        "ends_in_the_past": _l("不能早于今天，也不能早于加入的日子。"),
        "end_oneself": _l("不能结束自己在本校的身份。"),
        "affiliation_beyond_reach": _l("这个人在本校担任您不能撤销的角色，请由学校管理员办理。"),
        "merge_same": _l("两边是同一个人。"),
        "merge_oneself": _l("不能合并自己的账号，请由另一位管理员办理。"),
        "merge_state": _l("保留的账号须在使用中，并入的账号不能已注销或已合并。"),
        "merge_demonstration": _l("演示数据里的人不能与真实的人合并。"),
        "merge_beyond_reach": (_l("其中一人担任您不能授予的角色。"), _l("请由平台管理员合并。")),
        "merge_two_numbers": _l("两人在%(school)s都有在用的学工号（%(numbers)s），合并后都保留；不用的请另行结束。"),
        "merge_sign_in_kept": _l("保留的账号照旧用自己的邮箱和密码登录；另一个账号的密码作废。"),
        "merge_sign_in_gone": _l("保留的账号从未激活，合并后用另一个账号的邮箱和密码登录。"),
        "merge_sign_in_none": _l("两个账号都没有激活，合并后用激活码或邀请邮件激活。"),
        "merge_same_role": _l("两人都担任“%(role)s”，合并后只保留一个。"),
        "one_place": _l("学校和组团只能填一个。"),
        "role_ended": _l("这个角色已经结束。"),
        "last_platform_admin": (_l("这是最后一位平台管理员，不能撤销。"), _l("请先授予另一个人。")),
        "leave_too_long": _l("代理最长 %(days)s 天。"),
        "delegation_of_delegation": _l("代理来的角色不能再委托别人。"),
        "role_not_delegated": _l("平台管理员不能委托别人代理。"),
        "nobody_of_that_number": _l("本校现在没有这个学工号的人，或者账号已停用。"),
        "delegate_to_oneself": _l("不能委托给自己。"),
        "delegate_is_student": _l("不能委托给学生。"),
        "proposal_decided": _l("这个提议已经办理过了。"),
        "address_unproven": (
            _l("这个账号是用激活码开通的，还没有证明邮箱是您本人的。"),
            _l("请先退出，在登录页用“忘记密码”收一次邮件、设置密码，再来接受。"),
        ),
        "account_state": _l("账号现在的状态不能这样办理。"),
        "disable_oneself": _l("不能停用自己的账号。"),
        "cannot_view_as": _l("不能以这个人的身份查看。"),
        "viewing_only": (_l("现在是以别人的身份查看，不能做任何操作。"), _l("请先回到自己的身份。")),
        "closing_platform_admin": (_l("平台管理员不能注销账号。"), _l("请先由另一位平台管理员撤销您的角色。")),
        "deputy_grants_nothing": (_l("代理期间不能授予角色。"), _l("请由本人回来后办理，或请另一位有权的人办理。")),
        "account_beyond_reach": _l("这个人担任您不能授予的角色，不能由您停用或恢复。"),
        "key_failed": (
            _l("学校、学工号或激活码不对，或者激活码已经用过、过期。"),
            _l("请核对纸条；仍不行时请向本校教务员重新领取。"),
        ),
        "link_failed": (_l("这个链接已经用过或过期。"), _l("请重新申请一个。")),
        "nobody_to_activate": (
            _l("没有需要激活码的人。"),
            _l("只发给本校还没有设置密码、账号也没有在别校使用的人。"),
        ),
        "passwords_differ": _l("两次填写的密码不同。"),
        "password_wrong": _l("现在的密码不对。"),
        "email_or_number": _l("请填邮箱，或学校和学工号。"),
    }
)
