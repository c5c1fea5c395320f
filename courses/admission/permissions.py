"""Who may do what with the list of admitted courses. `home` is the school whose students it is for."""

from zutuan.sharing.permissions import Held, Permissions

allow = Permissions(
    {
        "admission.read": (Held({"secretary", "registrar", "school_admin"}, at="home"),),
        "admission.decide": (Held({"registrar"}, at="home"),),
    }
)
