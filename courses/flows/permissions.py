"""Who may read a cluster's flows and freeze its figures."""

from zutuan.sharing.permissions import Held, Permissions

_RUNS = (Held({"cluster_admin"}, at="cluster"), Held({"platform_admin"}, at="platform"))

allow: Permissions = Permissions(
    {
        # everything, without names: who runs a cluster counts, and decides about nobody
        "flows.read": _RUNS,
        # a school's own lines, with the names that its registrar and admin read anyway
        "flows.read_own": (Held({"registrar", "school_admin"}, at="school"),),
        "flows.freeze": _RUNS,
    }
)
