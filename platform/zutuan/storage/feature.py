"""Files, as the kernel registers them."""

from zutuan.feature import Feature
from zutuan.storage import errors as errors
from zutuan.storage.api import files_api, uploads_api
from zutuan.storage.pages import blueprint
from zutuan.storage.permissions import allow
from zutuan.storage.services import REMOVE as REMOVE
from zutuan.storage.services import remover as remover
from zutuan.storage.upkeep import SUCCESSION, check
from zutuan.storage.upkeep import FilesUpkeep as FilesUpkeep

FEATURE = Feature(
    name="files", pages=(blueprint,), api=(files_api, uploads_api), permissions=allow, checks=(check,), succession=SUCCESSION
)  # fmt: skip
