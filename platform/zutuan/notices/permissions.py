"""Who may say what a school's group chat hears."""

from zutuan.sharing.permissions import Held, Is, Permissions, Place, Subject

allow = Permissions(
    {
        "group_chat.write": (Held({"school_admin"}, at="school"),),
        "notice.choose": (Is("self"),),
    }
)


def chat_subject(school_id: int) -> Subject:
    return Subject("school", school_id, places={"school": Place(school_id)})
