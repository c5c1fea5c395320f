"""Imports, as the kernel registers them."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from zutuan.clusters.hooks import SuccessionHook
from zutuan.feature import Feature, NavEntry
from zutuan.imports import errors as errors
from zutuan.imports import services, work
from zutuan.imports.api import api
from zutuan.imports.intake import MAX_BODY
from zutuan.imports.pages import blueprint
from zutuan.sharing.actor import MANAGERS, Actor


def _shown(actor: Actor) -> bool:
    return actor.holds(MANAGERS)


def _applied(params: Mapping[str, Any]) -> str:
    return _(
        "“%(file)s”已导入：新增 %(created)s，变动 %(updated)s，不变 %(unchanged)s。",
        file=params["file"], created=params["created"], updated=params["updated"], unchanged=params["unchanged"],
    )  # fmt: skip


FEATURE = Feature(
    name="imports",
    succession=SuccessionHook(stays={"import_batch.school_id"}),
    pages=(blueprint,),
    api=(api,),
    nav=(
        NavEntry("imports.listing", _l("导入"), "inbox", group="organisation", shown=_shown, more_only=True, order=90),
    ),
    errands={services.CHECK: work.check, services.APPLY: work.apply},
    periodic=(services.upkeep,),
    notices={"import.applied": _applied},
    bodies=dict.fromkeys(
        ("imports.hand_in", "imports.mended", "api-imports.Imports", "api-imports.ImportMend"), MAX_BODY
    ),
)
