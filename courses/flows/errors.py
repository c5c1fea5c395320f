"""Why a freeze is refused."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "freeze_exists": (
            _l("这个学期已有名为“%(name)s”的定格。"),
            _l("定格以后不能修改；请换一个名称，再定格一次。"),
        ),
        "nothing_to_freeze": (_l("这个学期还没有可以定格的数据。"), _l("请核对所选的学期和计划任务。")),
        "bad_term": _l("请写成 2026-2027-1 的形式。"),
    }
)
