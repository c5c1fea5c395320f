"""What clusters decide about their term plans."""

from flask_babel import lazy_gettext as _l

from zutuan.policies.rules import Policy

STRICT = Policy(
    "plan.strict_submission", _l("开课申报须在期限内"),
    _l("开启后，开课申报开始前和截止后不能发布本学期的教学班；关闭时期限只作提示，逾期仍可补报。已经发布的不受影响。"), False,
    levels=("platform", "cluster"),
)  # fmt: skip
