"""Why a table cannot be read."""

from flask_babel import lazy_gettext as _l

from zutuan.errors import messages

messages(
    {
        "import_too_wide": (_l("表头有 %(columns)s 列，最多 %(max)s 列。"), _l("请删去多余的列。")),
        "import_too_large": (_l("文件太大。"), _l("上限为 %(limit)s，请分成几个文件。")),
        "import_nul": (
            _l("认不出这个文件：既不是工作簿，也不是 CSV 文本（含有 NUL 字节）。"),
            _l("请在表格软件中另存为 xlsx 或“CSV UTF-8”。"),
        ),
        "import_encoding": (
            _l("认不出文件的编码：既不是 UTF-8，也不是 GBK / GB18030。"),
            _l("请另存为“CSV UTF-8”。"),
        ),
        "import_empty": _l("文件里没有内容。"),
        "import_broken": (
            _l("引号没有配对，从这一行起无法读取。"),
            _l("请检查这一行的双引号；单元格内的双引号要写成两个。"),
        ),
        "import_ragged": _l("表头有 %(columns)s 列，这一行有 %(cells)s 列。"),
        "import_duplicate_column": _l("表头中 %(column)s 出现了两次。"),
        "import_unknown_column": (_l("不认识这一列。"), _l("可用的列：%(columns)s。")),
        "import_missing_column": _l("表头缺少这一列（%(titles)s）。"),
        "import_duplicate_row": _l("与第 %(line)s 行重复。"),
        "import_too_many_rows": (_l("有 %(rows)s 行，最多 %(max)s 行。"), _l("请分成几个文件。")),
        "import_not_returned": (
            _l("这不是由本平台退回的工作簿：缺少“原文件行号”一列。"),
            _l("请下载有误的行，在其中更正后上传。"),
        ),
        "import_no_table": _l("这个网页文件里没有表格。"),
        "import_xml": (_l("这是 XML 或网页归档格式的表格，无法读取。"), _l("请用表格软件打开后另存为 xlsx。")),
        "import_not_workbook": (_l("这是压缩包，不是工作簿。"), _l("请上传其中的 xlsx、xls 或 CSV 文件。")),
        "import_workbook_broken": (_l("工作簿已损坏，无法读取。"), _l("请用表格软件打开后另存为 xlsx，再上传。")),
        "import_password": (_l("工作簿有打开密码，无法读取。"), _l("请去掉密码后另存。")),
        "import_bomb": (_l("工作簿解压后过大，没有读取。"), _l("请另存为 CSV，或只保留需要的工作表。")),
        "import_too_far": (
            _l("工作表的内容远在名单之外（行或列过多）。"),
            _l("请删去名单以外的行和列，或把名单复制到新的工作簿。"),
        ),
        "import_merged_everywhere": (_l("合并的单元格过多。"), _l("请取消合并，并在每一行填写。")),
        "import_merged": (_l("这一格是合并的单元格，不知道属于哪一行。"), _l("请取消合并，并在每一行填写。")),
        "import_formula": (_l("这一格是公式，没有采用它的结果。"), _l("请复制后“选择性粘贴”为数值。")),
        "import_cell_error": _l("这一格是公式的错误值（如 #N/A）。"),
        "import_number_rounded": (
            _l("“%(text)s”是表格软件改写过的数字，后面的位数已经丢失。"),
            _l("请从原系统重新导出，或把这一列设为文本后重新填写。"),
        ),
    }
)
