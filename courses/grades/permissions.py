"""Who may do what with grades at the school that offers the class: `host` is its school and department."""

from zutuan.sharing.permissions import Held, Is, Permissions

_STAFF = Is("staff", at="host")
_OFFICE = Held({"secretary", "registrar", "school_admin"}, at="host")
_REGISTRAR = Held({"registrar"}, at="host")

allow = Permissions(
    {
        "grades.read": (_STAFF, _OFFICE),
        "grades.list": (_OFFICE,),
        # how the class is graded, and what its students got
        "grades.scheme": (_STAFF,),
        "grades.open": (_STAFF,),
        "grades.open_again": (_STAFF, _REGISTRAR),
        # where nobody is on it any more
        "grades.discard": (_STAFF, _REGISTRAR),
        "grades.save": (_STAFF,),
        "grades.submit": (_STAFF,),
        "grades.return": (_REGISTRAR,),
        "grades.confirm": (_REGISTRAR,),
        # 成绩更正
        "grades.ask_correction": (_STAFF,),
        "grades.withdraw_correction": (_STAFF,),
        "grades.decide_correction": (_REGISTRAR,),
    }
)
