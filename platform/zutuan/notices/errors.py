"""Why a group chat's address is refused."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "bad_group_address": (
            _l("不是群机器人的地址。"),
            _l("请在企业微信群里添加群机器人，复制以 https:// 开头的 Webhook 地址。"),
        ),
        "unknown_group_host": (_l("这个网站不在允许之列。"), _l("允许的网站：%(hosts)s。")),
    }
)
