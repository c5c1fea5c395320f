"""Who may do what with 调停课. `host` is the school and department whose offering it is."""

from zutuan.sharing.permissions import Held, Is, Permissions

_RUNS = Held({"secretary", "registrar", "school_admin"}, at="host")

allow = Permissions(
    {
        "adjustment.ask": (Is("staff", at="host"), _RUNS),
        # whole, with its reason; who sees the offering reads of what was approved only what has changed
        "adjustment.read": (Is("staff", at="host"), Is("substitute", at="host"), _RUNS),
        "adjustment.list": (_RUNS,),
        "adjustment.decide": (Held({"registrar"}, at="host"),),
        "adjustment.withdraw": (Is("staff", at="host"), Is("asker", at="host")),
    }
)
