"""Flows, as the kernel registers them."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from courses.flows import errors as errors
from courses.flows.api import flows_api
from courses.flows.changes import SUCCESSION
from courses.flows.demo import load
from courses.flows.pages import blueprint
from courses.flows.permissions import allow
from zutuan.feature import Feature, NavEntry
from zutuan.sharing.actor import Actor


def _concerned(actor: Actor) -> bool:
    """Who runs a cluster, and who looks after a school that is in one."""
    looks_after = allow.schools(actor, "flows.read_own")
    in_cluster = any(member.school_id in looks_after for member in actor.memberships)
    return in_cluster or actor.holds(["cluster_admin", "platform_admin"])


FEATURE = Feature(
    name="flows",
    pages=(blueprint,),
    api=(flows_api,),
    permissions=allow,
    nav=(NavEntry("flows.mine", _l("流向与用量"), "diagram-3", "term", shown=_concerned, order=35, more_only=True),),
    demo=load,
    demo_order=95,
    succession=SUCCESSION,
)
