"""Notices, as the kernel registers them."""

from zutuan.feature import Feature
from zutuan.notices.api import api
from zutuan.notices.pages import blueprint
from zutuan.notices.services import TOPIC, deliver

FEATURE = Feature(name="notices", pages=(blueprint,), api=(api,), handlers={TOPIC: deliver})
