"""Why a recognition, a request or an answer is refused, and what would cure it."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "own_course": (_l("这是本校自己的课程，不需要认定。"), ""),
        "no_credits": _l("认定的学分须大于 0。"),
        "exceeds_credits": (
            _l("认定 %(credits)s 学分，超过开课学校的 %(host)s 学分。"),
            _l("请改少；本校允许超过的，请学校管理员在本校设置里更改「外校课程认定多少学分」。"),
        ),
        "follower_exceeds_credits": (
            _l("「%(title)s」与这门课程同等认定，改为 %(credits)s 学分就超过它在开课学校的 %(host)s 学分。"),
            _l("请先单独填写「%(title)s」的认定。"),
        ),
        "credits_are_the_hosts": (
            _l("本校规定与开课学校的学分相同，应为 %(credits)s。"), _l("学分可以留空。"),
        ),
        "until_not_ahead": _l("有效期须在今天或以后。"),
        "refused_says_nothing_else": _l("不认定的课程不填这一项。"),
        "not_a_category": _l("本校的课程类别里没有“%(word)s”；可用的有：%(known)s。"),
        "no_categories": (
            _l("本校还没有设置课程类别，不能填“%(word)s”。"), _l("请学校管理员先在本校设置里填写「课程类别」。"),
        ),
        "followed_is_over": _l("所参照的认定已经失效。"),
        "followed_is_refused": _l("所参照的课程本校不认定。"),
        "recognition_loops": (
            _l("同等认定绕成了一圈：%(rows)s。"), _l("请其中一门直接填写认定的课程和学分。"),
        ),
        "recognition_is_over": _l("这项认定已经失效。"),
        "asks_not_in_standing": (_l("您现在不是在读状态，不能申请。"), _l("如有疑问，请联系本校教务员核对学籍状态。")),
        "asked_already": (_l("您已经申请过，正在等待本校答复。"), ""),
        "answered_already": (_l("本校已经答复过您。"), _l("如有疑问，请联系本校教务员。")),
        "asked_oneself": (_l("这是您自己的申请。"), _l("请由另一位教务员答复。")),
        "request_is_over": _l("这项申请已经答复或撤回。"),
        "no_course_of_code": _l("「%(school)s」没有代码为 %(code)s、向本校共享的课程。"),
        "no_row_to_follow": _l("认定表里没有“%(text)s”这一门课程的认定。"),
        "follows_and_says": _l("与另一门课程同等认定时，不再填这一项。"),
        "followed_is_bad": _l("所参照的第 %(line)s 行有误。"),
    }
)  # fmt: skip
