"""Why sharing says no."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "wrong_state": (_l("这一项现在的状态不能进行这项操作。"), _l("请刷新页面，查看它现在的状态。")),
        "not_a_member": (_l("学校现在不是所选组团的成员，不能向它共享。"), _l("请重新选择共享范围。")),
        "not_an_audience": _l("共享范围只能是本校、学校所在的组团或全平台。"),
    }
)
