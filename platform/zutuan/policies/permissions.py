"""Who decides policies: a school's admins for the school, a cluster's for the cluster, platform admins for all. What was
decided, whoever belongs there may read."""

from __future__ import annotations

from zutuan.policies.rules import Place as Where
from zutuan.sharing.permissions import ROLES, Held, Permissions, Place, Subject

_PLATFORM = Held({"platform_admin"}, at="platform")

allow = Permissions(
    {
        "policy.read_school": (Held(set(ROLES) - {"student"}, at="school"), _PLATFORM),
        "policy.read_cluster": (Held({"cluster_admin"}, at="cluster"), _PLATFORM),
        "policy.read_platform": (_PLATFORM,),
        "policy.decide_school": (Held({"school_admin"}, at="school"),),
        "policy.decide_cluster": (Held({"cluster_admin"}, at="cluster"),),
        "policy.decide_platform": (_PLATFORM,),
    }
)


def subject(where: Where) -> Subject:
    places = {"school": Place(where.school_id)} if where.school_id else {}
    return Subject(where.level, where.school_id or where.cluster_id, places=places, cluster_id=where.cluster_id)


def action(where: Where, verb: str = "decide") -> str:
    return f"policy.{verb}_{where.level}"
