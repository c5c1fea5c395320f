"""Who may do what with people."""

from zutuan.people.rules import GRANTS
from zutuan.sharing.permissions import Held, Is, Permissions

allow = Permissions(
    {
        "me.read": (Is("self"),),
        "token.create": (Is("self"),),
        "token.revoke": (Is("self"),),
        # What a school's own people look like to those who run it.
        "people.list": (Held({"registrar", "school_admin"}, at="school"),),
        "people.manage": (Held({"registrar", "school_admin"}, at="school"), Held({"platform_admin"}, at="platform")),
        "person.disable": (Held({"school_admin"}, at="only"), Held({"platform_admin"}, at="platform")),
        "person.merge": (Held({"school_admin"}, at="only"), Held({"platform_admin"}, at="platform")),
        "person.merge_at": (Held({"school_admin"}, at="school"), Held({"platform_admin"}, at="platform")),
        "affiliation.end": (Held({"registrar", "school_admin"}, at="school"),),
        "role.list": (
            Held({"registrar", "school_admin"}, at="school"),
            Held({"cluster_admin"}, at="cluster"),
            Held({"platform_admin"}, at="platform"),
        ),  # fmt: skip
        "person.view_as": (Held({"platform_admin"}, at="platform"),),
        "audit.read": (Held({"school_admin"}, at="school"), Held({"platform_admin"}, at="platform")),
        "people.import": (Held({"registrar", "school_admin"}, at="school"),),
        "key.issue": (Held({"registrar", "school_admin"}, at="school"),),
        # Which role may be granted by whom is `rules.GRANTS`; this is the same table asked place by place.
        **{
            f"role.grant.{role}": tuple(
                Held({granter}, at="platform" if granter == "platform_admin" else place) for granter in sorted(granters)
            )
            for role, (place, granters) in GRANTS.items()
        },
    }
)
