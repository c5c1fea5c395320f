"""Every change of a calendar is shown before it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from zutuan.calendar import changes, views
from zutuan.calendar.changes import Change
from zutuan.calendar.effects import Effects
from zutuan.calendar.registered import hooks
from zutuan.errors import Invalid, Refused, say
from zutuan.web.forms import Errors, refused
from zutuan.web.requests import actor, db

SHOWN = 200  # meetings in a preview; their number is always said
NOT_KEPT = ("csrf_token", "seen", "idempotency_key")


def confirmed(change: Change, show: Callable[[Errors, str], str], done: str, back: str) -> ResponseReturnValue:
    """First the effects are shown; with `seen`, the edition they were shown for, it is done. What moves nothing is done
    at once."""
    seen, who = request.form.get("seen"), actor()
    try:
        effects = changes.preview(db(), who, change, hooks(), who.now, seen=seen)
        if effects.moves and seen is None:
            return _shown(effects, change, "")
        changes.finish(db(), who, change, effects, who.now)
    except Refused as error:
        if error.code != "calendar_changed":
            return refused(error, show)
        return _again(change, show, error)
    except Invalid as error:
        return refused(error, show)
    told = len(effects.told)
    flash(f"{done} {_('已通知 %(n)s 人。', n=told)}" if told else done, "good")
    return redirect(back)


def _shown(effects: Effects, change: Change, alert: str) -> str:
    db().rollback()
    kept = [(name, value) for name, values in request.form.lists() for value in values if name not in NOT_KEPT]
    return render_template(
        "calendar/preview.html", effects=effects, kept=kept, alert=alert, place=change.place, most=SHOWN,
        moved=views.lines(effects, effects.moved, SHOWN), lost=views.lines(effects, effects.lost, SHOWN),
        added=views.lines(effects, effects.added, SHOWN), clashes=_clash_lines(effects), told=len(effects.told),
        affected=len({each.source for each in effects.moves}),
    )  # fmt: skip


def _clash_lines(effects: Effects) -> list[dict[str, Any]]:
    return [
        {
            "title": views.title(effects.names.get(each.source)), "other": views.title(effects.names.get(each.other)),
            "at": each.after.starts, "people": each.people,
        }
        for each in effects.clashes[:SHOWN]
    ]  # fmt: skip


def _again(change: Change, show: Callable[[Errors, str], str], error: Refused) -> ResponseReturnValue:
    """Somebody was faster: the effects anew, to be confirmed once more."""
    db().rollback()
    try:
        effects = changes.preview(db(), actor(), change, hooks(), actor().now)
    except (Invalid, Refused) as other:
        return refused(other, show)
    return _shown(effects, change, " ".join(say(error.code))), 409
