"""Why an account or a sign-in says no."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "sign_in_failed": (
            _l("账号或密码不对。"),
            _l("请检查邮箱，或学校名称与学工号；忘记密码请联系本校学校管理员。"),
        ),
        "role_not_granted": _l("这个角色不能这样授予。"),
        "role_wrong_place": _l("这个角色不能在这里担任。"),
        "no_affiliation_here": _l("这个人现在不属于该校。"),
        "weak_password": _l("密码至少 10 个字符，且不能只是同一个字符。"),
        "email_taken": _l("这个邮箱已有账号。"),
        "number_taken": _l("这个学工号在该校已有账号。"),
        "email_or_number": _l("请填邮箱，或学校和学工号。"),
    }
)
