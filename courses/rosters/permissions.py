"""Who may do what with attendance. `host` is the offering's school and department, `home` the student's."""

from zutuan.sharing.permissions import Held, Is, Permissions

_HOST = Held({"secretary", "registrar", "school_admin"}, at="host")
_HOME = Held({"secretary", "registrar", "school_admin"}, at="home")

allow = Permissions(
    {
        "attendance.read": (Is("staff", at="host"), _HOST),
        "attendance.mark": (Is("staff", at="host"), Held({"registrar"}, at="host")),
        # one student's record: their own, their school's and the class's people
        "attendance.read_one": (Is("self"), Is("staff", at="host"), _HOME, _HOST),
        "attendance.check_in": (Is("self"),),
        "leave.ask": (Is("self"),),
        "leave.withdraw": (Is("self"),),
        "leave.decide": (Is("staff", at="host"), Held({"registrar"}, at="host")),
    }
)
