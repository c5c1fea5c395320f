"""Workbooks, .xlsx and .xls: read by a process of its own with bounds on memory and time (`workbook_child.py`)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson

from zutuan.importing.sheets import Cell, Raw, Row, Unreadable, unreadable
from zutuan.importing.text import MAX_BYTES, too_large

_CHILD = Path(__file__).with_name("workbook_child.py")
_SECONDS = 60
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


def is_workbook(data: bytes) -> bool:
    return data.startswith((_ZIP, _OLE, b"PK\x05\x06"))


def read_workbook(data: bytes) -> Raw:
    try:
        if len(data) > MAX_BYTES:
            raise too_large()
        found = _ask(data)
    except Unreadable as error:
        return unreadable(error)
    rows = tuple(Row(line, tuple(map(_cell, cells))) for line, cells in found["rows"])
    return Raw(rows, (), "XLSX" if data.startswith(_ZIP) else "XLS")


def _ask(data: bytes) -> dict[str, Any]:
    """What the reader's process found. It is started with nothing of ours in its environment."""
    try:
        done = subprocess.run(  # noqa: S603 — our own file, no shell, the data on its input
            [sys.executable, "-I", str(_CHILD)], input=data, capture_output=True, timeout=_SECONDS, check=True, env={}
        )
        found: dict[str, Any] = orjson.loads(done.stdout)
    except (subprocess.SubprocessError, orjson.JSONDecodeError) as error:
        raise Unreadable("import_workbook_broken") from error
    if "refused" in found:
        raise Unreadable(found["refused"])
    return found


def _cell(value: Any) -> str:
    return Cell(*value) if isinstance(value, list) else str(value)
