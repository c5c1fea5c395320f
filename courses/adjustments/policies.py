"""What schools decide about 调停课."""

from flask_babel import lazy_gettext as _l

from zutuan.policies.rules import Policy

CAP = Policy(
    "adjustment.cap", _l("每个教学班每学期调停课次数上限"),
    _l("已申请和已通过的调课、停课、代课合计；补课不计。0 为不限。"), 0, "whole", low=0, high=40, unit=_l("次"),
)  # fmt: skip
