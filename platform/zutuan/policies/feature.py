"""Policies, as the kernel registers them."""

from flask_babel import lazy_gettext as _l

from zutuan.clusters.hooks import SuccessionHook
from zutuan.feature import Feature, NavEntry
from zutuan.policies import errors as errors
from zutuan.policies.api import clusters_api, platform_api, schools_api
from zutuan.policies.pages import blueprint
from zutuan.policies.permissions import allow

FEATURE = Feature(
    name="policies",
    pages=(blueprint,),
    api=(schools_api, clusters_api, platform_api),
    permissions=allow,
    succession=SuccessionHook(stays={"policy_value.school_id"}),
    nav=(
        NavEntry(
            "policies.own", _l("设置"), "list-check", group="organisation", order=90, more_only=True,
            shown=lambda actor: actor.holds(["school_admin", "cluster_admin", "platform_admin"]),
        ),
    ),
)  # fmt: skip
