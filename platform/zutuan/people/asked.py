"""Which school a page about a school's people was asked for."""

from __future__ import annotations

from flask import request

from zutuan.errors import Denial, Hidden
from zutuan.people.permissions import allow
from zutuan.people.slips import school_subject
from zutuan.web.requests import actor


def school_asked(action: str) -> int:
    """The school of the address or form, else the first where one may do this, else one's own; 404 where one may not."""
    who = actor()
    text = request.values.get("school", "")
    mine = sorted(allow.schools(who, action)) or sorted(who.school_ids)
    wanted = int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else next(iter(mine), 0)
    if not allow.may(who, action, school_subject(wanted)):
        raise Hidden(Denial(action, "school", wanted))
    return wanted
