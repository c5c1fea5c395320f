"""What a saved format may be. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from zutuan.decision import FieldError

FILE_TYPES = ("xlsx", "csv_gbk", "csv_utf8")
CHARSETS = {"csv_gbk": "gbk", "csv_utf8": "utf-8"}
MOST_COLUMNS, MOST_LINES = 40, 5
PRESET = "preset-"


def check_columns(rows: Sequence[Mapping[str, Any]], known: Collection[str]) -> list[FieldError]:
    """What stands against these columns, each named by its row. A row without a column holds a fixed value."""
    errors: list[FieldError] = []
    columns, heads = set[str](), set[str]()
    for number, row in enumerate(rows):
        column, head = row["column"], row["head"]
        if column and column not in known:
            errors.append(FieldError(f"columns.{number}.column", "export_column_unknown", {"column": column}))
        elif column and column in columns:
            errors.append(FieldError(f"columns.{number}.column", "export_column_twice"))
        if not head:
            errors.append(FieldError(f"columns.{number}.head", "export_head_empty"))
        elif head in heads:
            errors.append(FieldError(f"columns.{number}.head", "export_head_twice", {"head": head}))
        if column and row["value"]:
            errors.append(FieldError(f"columns.{number}.value", "export_value_of_column"))
        columns.add(column)
        heads.add(head)
    return errors
