"""Why a decision is refused."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "policy_in_the_past": (_l("不能从过去的时间起生效。"), _l("不填则立即生效。")),
        "not_duration": _l("请填写天数、小时数或分钟数。"),
        "duration_out_of_bounds": _l("不在允许的范围内。"),
        "policy_too_far": _l("不能晚于两年之后。"),
    }
)
