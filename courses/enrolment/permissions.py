"""Who may do what with enrolments. `home` is the student's school and department, `host` the offering's."""

from zutuan.sharing.permissions import Held, Is, Permissions

_HOME = Held({"secretary", "registrar", "school_admin"}, at="home")
_HOST = Held({"secretary", "registrar", "school_admin"}, at="host")

allow = Permissions(
    {
        "enrolment.create": (Held({"student"}, at="home"),),
        "enrolment.read": (Is("self"), Is("staff", at="host"), _HOME, _HOST),
        "enrolment.approve": (Held({"registrar"}, at="home"),),
        "enrolment.deny": (Held({"registrar"}, at="home"),),
        "enrolment.host_deny": (Held({"registrar"}, at="host"),),
        "enrolment.withdraw": (Is("self"),),
        # 选课证明: in the home school's name, in the host school's, or by the student for themselves
        "enrolment.certify_home": (Held({"registrar"}, at="home"),),
        "enrolment.certify_host": (Held({"registrar"}, at="host"),),
        "enrolment.certify_own": (Is("self"),),
        # Lists
        "enrolment.list_home": (_HOME,),
        "enrolment.list_host": (_HOST,),
        "roster.read": (Is("staff", at="host"), _HOST),
    }
)
