"""How a school's role in a cluster is called."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

ROLE_WORDS = {"lead": _l("牵头高校"), "partner": _l("参与高校"), "supported": _l("重点支持院校")}

# How lists call the same roles, as the files themselves are written.
ROLE_TITLES = {
    "lead": ("牵头高校", "牵头", "牵头学校"),
    "partner": ("参与高校", "参与", "参与学校"),
    "supported": ("重点支持院校", "重点支持", "支持院校", "受援院校"),
}

# The 师范教育协同提质计划 has this many clusters (教师厅函〔2022〕2号); how many are loaded is counted.
PLANNED_CLUSTERS = 10
