"""Who may do what with enrolments. `home` is the student's school and department, `host` the offering's."""

from zutuan.sharing.permissions import Held, Is, Permissions

_HOME = Held({"secretary", "registrar", "school_admin"}, at="home")
_HOST = Held({"secretary", "registrar", "school_admin"}, at="host")

allow = Permissions(
    {
        "enrolment.create": (Held({"student"}, at="home"),),
        "enrolment.read": (Is("self"), Is("staff", at="host"), _HOME, _HOST),
        # 教务处审定 and 学院审核; whoever may give the last word may also give the first
        "enrolment.approve": (Held({"registrar"}, at="home"),),
        "enrolment.review": (Held({"registrar", "secretary"}, at="home"),),
        "enrolment.host_approve": (Held({"registrar"}, at="host"),),
        "enrolment.host_review": (Held({"registrar", "secretary"}, at="host"),),
        # whose word 学院审核 waits for, where there is somebody
        "enrolment.first_word": (Held({"secretary"}, at="home"),),
        "enrolment.host_first_word": (Held({"secretary"}, at="host"),),
        # where the host chooses its students
        "enrolment.choose": (Is("staff", at="host"), Held({"registrar", "secretary"}, at="host")),
        "enrolment.deny": (Held({"registrar"}, at="home"),),
        # `chooser`: who teaches a class that chooses its students, as long as this one has not been chosen
        "enrolment.host_deny": (Held({"registrar"}, at="host"), Is("chooser", at="host")),
        "enrolment.withdraw": (Is("self"),),
        "enrolment.accept": (Is("self"),),
        "enrolment.resubmit": (Is("self"),),
        "enrolment.remind": (Is("self"),),
        # 学籍异动: what is held by who is no longer 在读
        "enrolment.release": (Held({"registrar"}, at="home"),),
        # 选课证明: in the home school's name, in the host school's, or by the student for themselves
        "enrolment.certify_home": (Held({"registrar"}, at="home"),),
        "enrolment.certify_host": (Held({"registrar"}, at="host"),),
        "enrolment.certify_own": (Is("self"),),
        # Lists
        "enrolment.list_home": (_HOME,),
        "enrolment.list_host": (_HOST,),
        # `substitute`: who stands in for a teacher
        "roster.read": (Is("staff", at="host"), Is("substitute", at="host"), _HOST),
    }
)
