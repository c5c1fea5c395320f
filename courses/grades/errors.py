"""Why grading is refused, and what would cure it."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        # what is written of one student
        "not_a_grade": _l("“%(text)s”不是成绩。"),
        "no_such_level": _l("只能填：%(levels)s，或缓考、缺考、违纪。"),
        "grade_out_of_scale": _l("“%(text)s”不在 0 到 100 之间。"),
        "whole_grades_only": _l("“%(text)s”不是整数；本班成绩不保留小数。"),
        "too_many_decimals": _l("“%(text)s”的小数太多；本班成绩保留 %(places)s 位小数。"),
        "no_such_mark": _l("标记只能是：%(marks)s。"),
        "grade_and_mark": _l("成绩和标记只能填一个。"),
        "no_such_part": _l("没有这一项；本班成绩的各项：%(parts)s。"),
        "not_on_sheet": _l("这名学生不在这张成绩单上：已退课，或没有选上这个班。"),
        "graded_meanwhile": _l("%(who)s已在 %(at)s 把这一行改为“%(grade)s”。核对后再次保存将覆盖。"),
        "twice_on_sheet": _l("与第 %(line)s 行是同一名学生。"),
        "row_of_other_sheet": _l("这一行属于另一张成绩单。"),
        "bad_row_key": _l("选课编号被改动过，认不出是哪一行。"),
        "number_of_several": _l("不止一名学生的学工号是 %(number)s，请补上“学校”一列。"),
        "not_this_student": _l("选课编号属于学工号为 %(number)s 的学生，与这一行的学工号不同。"),
        "part_missing": _l("缺少：%(parts)s。"),
        # how a class is graded
        "weights_not_whole": _l("各项所占百分比合计须为 100，现在是 %(sum)s。"),
        "parts_not_clear": (_l("成绩构成写得不清楚。"), _l("例如：平时40、期末60；最多六项，名称不重复。")),
        "no_such_scale": _l("没有这种记分制。"),
        "scheme_fixed": (_l("成绩单已提交，不能再改记分制和成绩构成。"), _l("需要修改时，请教务员先退回成绩单。")),
        "scheme_does_not_fit": (
            _l("%(n)s 名学生已录的成绩不合新的记分制或成绩构成：%(students)s。"),
            _l("请先清空这些成绩，再修改。"),
        ),
        # a sheet
        "rows_changed": _l("有 %(n)s 行刚刚被别人改过，没有保存任何一行。"),
        "sheet_not_submitted": _l("成绩单还没有提交。"),
        "sheet_locked": (_l("成绩单已提交，等待教务员确认。"), _l("需要修改时，请教务员退回。")),
        "sheet_confirmed": (_l("成绩单已确认。"), _l("个别成绩有误时，请办理成绩更正。")),
        "sheet_not_confirmed": (_l("成绩单还没有确认，不能办理更正。"), _l("请直接在成绩单上修改。")),
        "not_this_side": _l("这一步不由您办理。"),
        "not_enrolled_in_class": _l("没有选上这个班。"),
        "enrolling_not_over": (
            _l("选课还没有截止（%(until)s），名单还会变化。"),
            _l("可以先录入并保存，截止后再提交。"),
        ),
        "nobody_to_grade": _l("没有需要录入成绩的学生。"),
        "nobody_to_resit": _l("没有可以补考或缓考的学生。"),
        "rows_without_grade": (
            _l("还有 %(n)s 名学生没有成绩：%(students)s。"),
            _l("缺考、缓考的学生请选标记。"),
        ),
        "sheet_open_already": (_l("已有一张没有确认的同类成绩单。"), _l("请先办完那一张。")),
        "sheet_has_students": (_l("成绩单上有 %(n)s 名学生，不能撤销。"), _l("没有学生的成绩单才能撤销。")),
        "first_sheet_first": _l("正考成绩确认之后才能补考。"),
        "own_grades": (_l("不能确认自己提交的成绩。"), _l("请本校另一位教务员办理。")),
        # attempts
        "attempted_already": _l("已经考过。"),
        "deferred_not_failed": _l("缓考的学生参加下一次正考，不算补考。"),
        "nothing_to_repeat": _l("还没有成绩，谈不上补考或重修。"),
        "passed_already": _l("已经及格。"),
        "no_resit_after_misconduct": _l("违纪的学生不能补考，只能重修。"),
        "resit_once": _l("已经补考过，只能重修。"),
        # 成绩更正
        "correction_over": (_l("这项更正已经办结。"), _l("请刷新列表。")),
        "correction_open": (_l("这名学生的成绩已有一项更正在办理。"), _l("请等教务员决定，或先撤回。")),
        "nothing_to_correct": _l("与现在的成绩相同。"),
        "no_grade_written": _l("请写明更正后的成绩。"),
        "no_deferral_afterwards": (_l("已公布的成绩不能改为缓考。"), _l("需要再考时，请开补考成绩单。")),
        "why_needed": _l("请写明理由。"),
    }
)
