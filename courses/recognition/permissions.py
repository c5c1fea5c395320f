"""Who may do what with recognitions. `home` is the school whose word it is, and whose students ask."""

from zutuan.sharing.permissions import Held, Is, Permissions

_OF_THE_SCHOOL = ("student", "teacher", "librarian", "secretary", "registrar", "room_manager", "school_admin")
_READS = Held({"secretary", "registrar", "school_admin"}, at="home")

allow = Permissions(
    {
        # The table is no secret of the school; an answer to one student is theirs and the school's.
        "recognition.read": (Held(_OF_THE_SCHOOL, at="home"),),
        "recognition.read_own": (Is("self"), _READS),
        "recognition.list_own": (_READS,),
        "recognition.write": (Held({"registrar"}, at="home"),),
        "recognition.ask": (Held({"student"}, at="home"),),
        "recognition.request_read": (Is("self"), _READS),
        "recognition.request_list": (_READS,),
        "recognition.answer": (Held({"registrar"}, at="home"),),
        "recognition.withdraw": (Is("self"),),
        # as the importer asks, of the school it is for
        "recognition.import": (Held({"registrar"}, at="school"),),
    }
)
