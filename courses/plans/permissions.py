"""Who may do what with term plans."""

from zutuan.sharing.permissions import Held, Is, Permissions

_RUNS = Held({"cluster_admin"}, at="cluster")

allow = Permissions(
    {
        # When a cluster's students enrol is no secret; a draft is its admins' only.
        "plan.read": (Is("anyone"),),
        "plan.read_draft": (_RUNS,),
        "plan.create": (_RUNS,),
        "plan.edit": (_RUNS,),
        "plan.publish": (_RUNS,),
        "plan.submissions": (_RUNS,),
    }
)
