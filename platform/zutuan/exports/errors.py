"""Why a format or an export is refused."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "export_name_taken": (_l("这类表格已有同名的导出格式。"), _l("换一个名称，或修改已有的格式。")),
        "export_kind_unknown": _l("没有这类表格。"),
        "export_column_unknown": _l("这类表格没有“%(column)s”这一列。"),
        "export_column_twice": _l("同一列选了两次。"),
        "export_head_empty": _l("请填写列名。"),
        "export_head_twice": _l("列名“%(head)s”用了两次。"),
        "export_value_of_column": _l("只有固定内容的列才填写内容。"),
        "export_not_in_gbk": (
            _l("文件第 %(line)s 行“%(head)s”中的“%(character)s”不在 GBK 字符集里，没有导出。"),
            _l("请改用 Excel 或 UTF-8 的格式。"),
        ),
    }
)
