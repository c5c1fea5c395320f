"""Why a class is not confirmed or called off now."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "no_minimum": (_l("这个教学班没有设开课人数下限，不需要确认。"), _l("需要停开时，请写明理由。")),
        "minimum_reached": (_l("满 %(minimum)s 人开班，现 %(n)s 人，已经达到，不需要确认。"), ""),
        "decided_too_early": (_l("选课还没有截止。"), _l("%(at)s 之后再确认；需要提前停开时，请写明理由。")),
        "class_cancelled": (_l("这个教学班已经停开。"), _l("请刷新列表。")),
        "class_confirmed": (_l("这个教学班已经确认开班。"), _l("请刷新列表。")),
        "class_not_published": (_l("这个教学班没有发布，不需要决定是否开班。"), ""),
        "teaching_over": (_l("这个教学班的教学已经结束。"), ""),
        "one_class_of_several": _l("%(title)s %(code)s 班：%(why)s"),
    }
)  # fmt: skip
