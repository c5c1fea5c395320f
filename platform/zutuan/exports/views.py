"""Words of formats."""

from flask_babel import lazy_gettext as _l

FILE_TYPE = {"xlsx": _l("Excel 工作簿（.xlsx）"), "csv_gbk": _l("CSV，GBK 编码"), "csv_utf8": _l("CSV，UTF-8 编码")}
