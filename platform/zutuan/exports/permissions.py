"""Who may do what with saved formats. `school` is the school that keeps them."""

from zutuan.sharing.permissions import Held, Permissions

_OFFICE = {"registrar", "school_admin"}

allow = Permissions(
    {
        "export_format.manage": (Held(_OFFICE, at="school"),),
        "export_format.list": (Held({*_OFFICE, "secretary", "teacher"}, at="school"),),
    }
)
