"""Saved formats, as the kernel registers them."""

from flask_babel import lazy_gettext as _l

from zutuan.clusters.hooks import SuccessionHook
from zutuan.exports import errors as errors
from zutuan.exports.api import api
from zutuan.exports.pages import blueprint
from zutuan.exports.permissions import allow
from zutuan.feature import Feature, NavEntry

FEATURE = Feature(
    name="exports",
    pages=(blueprint,),
    api=(api,),
    permissions=allow,
    # The orders that the old school's systems wanted; its successor has systems of its own.
    succession=SuccessionHook(stays={"export_format.school_id"}),
    nav=(
        NavEntry(
            "exports.own", _l("导出格式"), "list-check", group="organisation", order=92, more_only=True,
            shown=lambda actor: bool(allow.schools(actor, "export_format.manage")),
        ),
    ),
)  # fmt: skip
