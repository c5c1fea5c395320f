"""What the features of this application tell the calendar."""

from __future__ import annotations

from flask import current_app

from zutuan.calendar.sources import Hooks, hooks_of


def hooks() -> Hooks:
    return hooks_of(current_app.extensions["zutuan"].features)
