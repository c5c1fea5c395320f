"""The one importer of tables. Bytes become a `Sheet`, a sheet becomes records, an `Import` plans what they change.

The three steps know nothing of each other's insides, so other formats only add a way to make a `Sheet`. A dry run
lists every bad row and writes nothing; a real run writes everything or nothing; a second run finds nothing to do.
"""

from zutuan.importing import errors as errors
from zutuan.importing.mapping import Column, Progress, Record, Seen, map_columns, parse
from zutuan.importing.reading import read, read_csv
from zutuan.importing.running import Checked, Difference, Import, Plan, Report, apply_plan, check_sheet, in_order, run
from zutuan.importing.sheets import Cell, Row, RowError, Sheet
from zutuan.importing.text import MAX_BYTES, decode

__all__ = [
    "MAX_BYTES", "Cell", "Checked", "Column", "Difference", "Import", "Plan", "Progress", "Record", "Report", "Row",
    "RowError", "Seen", "Sheet", "apply_plan", "check_sheet", "decode", "in_order", "map_columns", "parse", "read",
    "read_csv", "run",
]  # fmt: skip
