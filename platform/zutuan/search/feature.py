"""Search, as the kernel registers it."""

from zutuan.feature import Feature
from zutuan.search.api import api
from zutuan.search.pages import blueprint

FEATURE = Feature(name="search", pages=(blueprint,), api=(api,))
