"""Who may do what with courses and offerings."""

from zutuan.sharing.permissions import Held, Is, Permissions

_RUNS = Held({"secretary", "registrar", "school_admin"}, at="owner")
_CLOSES = (Is("staff", at="owner"), Held({"registrar", "school_admin"}, at="owner"))
_EDITS = (Is("staff", at="owner"), _RUNS)

allow = Permissions(
    {
        "course.create": (Held({"teacher"}, at="owner"), _RUNS),
        "course.edit": _EDITS,
        "course.publish": _EDITS,
        # Not the secretary: a hidden course is its managers' and teachers' only.
        "course.suspend": _CLOSES,
        "course.archive": _CLOSES,
        "offering.create": _EDITS,
        "offering.edit": _EDITS,
        "offering.publish": _EDITS,
        "offering.archive": _EDITS,
        "offering.import": (Held({"registrar", "school_admin"}, at="school"),),
    }
)
