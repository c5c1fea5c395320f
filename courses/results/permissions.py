"""Who may do what with results. `home` is the student's school and department, `host` where the teacher teaches."""

from zutuan.sharing.permissions import Held, Is, Permissions

_HOME = Held({"secretary", "registrar", "school_admin"}, at="home")
_REGISTRAR = Held({"registrar"}, at="home")

allow = Permissions(
    {
        "result.read": (Is("self"), _HOME),
        "result.list_home": (_HOME,),
        "result.recognise": (_REGISTRAR,),
        "result.refuse": (_REGISTRAR,),
        "result.reopen": (_REGISTRAR,),
        # 学分认定表 and 跨校修读成绩单, in the home school's name
        "result.form": (_REGISTRAR,),
        "result.transcript": (_REGISTRAR,),
        "result.own_transcript": (Is("self"),),
        # 教学工作量证明, in the host school's name
        "workload.read": (Is("self"), Held({"registrar", "school_admin"}, at="host")),
        "workload.own": (Is("self", at="host"),),
        "workload.issue": (Held({"registrar"}, at="host"),),
    }
)
