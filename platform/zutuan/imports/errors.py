"""Why an import cannot go on."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "bad_file_name": _l("文件名不能含斜杠、反斜杠或“..”，请改名后再交。"),
        "import_no_file": _l("请选择一个文件。"),
        "import_has_errors": (_l("还有 %(lines)s 行有误，没有写入任何内容。"), _l("请更正有误的行后再导入。")),
        "import_wrong_state": (_l("这份文件现在不能这样办理。"), _l("请刷新页面，看它进行到哪一步。")),
        "import_changed_since": (
            _l("核对之后，平台上的资料有变化，没有写入任何内容。"),
            _l("已按现在的资料重新核对，请再看一遍差异。"),
        ),
        "import_failed": (_l("没有办完，没有写入任何内容。"), _l("请重新核对；仍不行时请联系平台管理员。")),
        "import_not_allowed": _l("交来这份文件的人现在没有这项权限，没有写入任何内容。"),
    }
)
