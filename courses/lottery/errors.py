"""Why a draw, or a wish, is refused, and what would cure it."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "draw_of_one": _l("请选择为哪个组团或哪所学校抽签，只能选一个。"),
        "draw_exists": (_l("这个学期已有没有结束的抽签。"), _l("请修改已有的抽签，或等它抽完、取消之后再新建。")),
        "draw_in_the_past": _l("志愿截止时间须在现在之后。"),
        "draw_published": _l("这次抽签已经公布。"),
        "draw_not_published": (_l("这次抽签还没有公布。"), _l("请先公布，学生填报志愿之后再抽签。")),
        "draw_cancelled": _l("这次抽签已经取消。"),
        "drawn_already": (_l("已经抽过签，不能再抽。"), _l("可以查看结果，或用抽签说明重新计算。")),
        "wishing_has_begun": (_l("志愿填报已经开始，只能改截止时间和说明。"), ""),
        "closes_later_only": (_l("志愿填报已经开始，截止时间只能推迟，不能早于 %(closes)s。"), ""),
        "wishing_is_over": (
            _l("志愿填报已于 %(closes)s 截止，不能重新开放。"),
            _l("可以抽签，或取消抽签；剩余名额先到先得。"),
        ),
        "wishing_not_open": (_l("志愿填报还没有开始。"), _l("%(opens)s 开放，届时再来即可。")),
        "wishing_closed": (_l("志愿填报已于 %(closes)s 截止。"), _l("抽签之后的剩余名额先到先得。")),
        "wishing_still_open": (_l("志愿填报到 %(closes)s 才截止，还不能抽签。"), _l("现在可以试抽，只看数字，不写入结果。")),
        "public_value_needed": _l("请填写公布过的公开数值：%(source)s。"),
        "public_value_unannounced": (
            _l("没有事先公布要混入的公开数值，不能临时加入。"),
            _l("须在志愿填报开始之前写明用哪一个公开数值。"),
        ),
        "no_wishes": (_l("志愿表是空的。"), _l("请至少填一个志愿；不想参加时可以撤回志愿表。")),
        "too_many_wishes": _l("最多填 %(max)s 个志愿。"),
        "wish_twice": _l("同一个教学班填了两次。"),
        "not_drawn_for": (_l("其中有教学班不在这次抽签之内。"), _l("请刷新页面，从列出的教学班里选。")),
        "no_lots": (_l("没有可抽签的教学班。"), _l("开课学校把教学班的选课方式改为「抽签」并发布之后，就会列入。")),
        "no_wishes_at_all": (_l("没有学生填报志愿，不能抽签。"), _l("可以取消抽签，改为先到先得，或取消之后另建一次抽签。")),
        "wishes_altered": (
            _l("志愿表与截止时公布的摘要不一致，不能抽签。"),
            _l("请联系平台管理员查明原因；查明之前不要抽签。"),
        ),
        "merge_while_drawing": (
            _l("两人在同一次等待抽签的抽签里各有一张志愿表，截止之后不能再变。"),
            _l("抽签之后再合并。"),
        ),
        "ticket_twice": _l("有两张志愿表的抽签号相同。"),
        "lot_unannounced": (_l("这个教学班的名额由抽签决定，抽签安排还没有公布。"), _l("公布之后可以在「抽签志愿」填报。")),
        "lot_not_open": (_l("这个教学班的名额由抽签决定，志愿填报 %(opens)s 开始。"), _l("届时在「抽签志愿」填报，%(closes)s 截止。")),
        "lot_wishing": (_l("这个教学班的名额由抽签决定，不能直接选。"), _l("请在 %(closes)s 前填报抽签志愿。")),
        "lot_closed": (_l("志愿填报已经截止，正在等待抽签。"), _l("抽签之后的剩余名额先到先得。")),
        "merge_both_wished": _l("两人在同一次抽签里各有一张志愿表，合并后保留前者的。"),
        "succession_draw": (_l("这所学校有 %(count)s 次没有结束的抽签。"), _l("请先抽签或取消。")),
    }
)  # fmt: skip
