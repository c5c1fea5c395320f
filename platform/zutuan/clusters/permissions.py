"""Who may do what with schools and clusters."""

from __future__ import annotations

from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Held, Is, Permissions, Subject

PLATFORM = Held({"platform_admin"}, at="platform")

allow = Permissions(
    {
        # Which schools there are, and which belong together, are public facts: every signed-in person may read them.
        "school.read": (Is("anyone"),),
        "cluster.read": (Is("anyone"),),
        "school.create": (PLATFORM,),
        "school.rename": (PLATFORM,),
        "school.succeed": (PLATFORM,),
        "cluster.create": (PLATFORM,),
        "cluster.figures": (Held({"cluster_admin"}, at="cluster"), PLATFORM),
        "cluster.add_member": (Held({"cluster_admin"}, at="cluster"), PLATFORM),
        "cluster.end_membership": (Held({"cluster_admin"}, at="cluster"), PLATFORM),
    }
)


def school_subject(actor: Actor, school_id: int | None = None) -> Subject:
    """A school as the table sees it; the actor is one of `anyone`."""
    return Subject("school", school_id, persons={"anyone": frozenset({actor.person_id})})


def cluster_subject(actor: Actor, cluster_id: int | None = None) -> Subject:
    return Subject("cluster", cluster_id, cluster_id=cluster_id, persons={"anyone": frozenset({actor.person_id})})
