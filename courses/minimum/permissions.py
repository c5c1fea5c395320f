"""Who may decide whether a class takes place. `owner` is its course's school and department, `home` the student's."""

from zutuan.sharing.permissions import Held, Permissions

allow = Permissions(
    {
        "minimum.read": (Held({"secretary", "registrar", "school_admin"}, at="owner"),),
        "minimum.decide": (Held({"registrar"}, at="owner"),),
        # whose students lost a seat, and who of them has found another
        "minimum.affected": (Held({"secretary", "registrar", "school_admin"}, at="home"),),
        "minimum.rescue": (Held({"student"}, at="home"),),
    }
)
