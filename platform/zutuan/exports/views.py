"""Words of formats, and the menu of them beside a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from zutuan.exports import queries
from zutuan.exports.kinds import ExportKind
from zutuan.feature import Way

FILE_TYPE = {"xlsx": _l("Excel 工作簿（.xlsx）"), "csv_gbk": _l("CSV，GBK 编码"), "csv_utf8": _l("CSV，UTF-8 编码")}


def ways(session: Session, kind: ExportKind, schools: Sequence[int], endpoint: str, **args: Any) -> list[Way]:
    """The formats in which such a table of these schools may be had, as downloads from `endpoint`."""
    found = queries.choices(session, kind, schools)
    return [Way(name, url_for(endpoint, **args, format=ref), export=True) for ref, name in found]
