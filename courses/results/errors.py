"""Why a result is not recognised, and a paper of results not issued."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "result_decided": (_l("这项成绩已经认定过，或已不予认定。"), _l("如需更改，请先重新认定。")),
        "succession_results": (
            _l("这所学校还有 %(count)s 项外校成绩等待认定。"),
            _l("请先认定，或不予认定。"),
        ),
        "result_waits": _l("这项成绩还在等待认定。"),
        "not_graded_yet": (_l("缓考，还没有成绩，不能认定。"), _l("考试后，开课学校会给出成绩。")),
        "result_exceeds_credits": _l("不能超过 %(limit)s 学分。"),
        "fail_earns_nothing": _l("不及格的课程没有学分。"),
        "counts_as_nothing": (_l("还没有写明认定为哪门课程。"), _l("请填写本校课程的名称。")),
        "not_the_same_grade": _l("与原成绩 %(original)s 不相当。"),
        "some_not_recognised": (
            _l("%(n)s 项不能认定，没有保存任何一项：%(lines)s。"),
            _l("请逐项打开补充，或取消勾选后再认定其余各项。"),
        ),
        "nothing_recognised": (_l("还没有已认定的成绩，不能开具。"), _l("请先由教务员认定成绩。")),
        "no_outside_students": (_l("这个学期没有外校学生修读您的教学班，不能开具。"), _l("请换一个学期。")),
        "points_row": _l("“%(row)s”不对：每档写成 90=4.0，分数 0 至 100，绩点 0 至 10。"),
        "points_order": _l("“%(row)s”不对：分数须从高到低，各不相同，绩点也不能更高。"),
        "points_no_pass": _l("最后一档“%(row)s”高于 60 分：及格的成绩都要有绩点。"),
    }
)
