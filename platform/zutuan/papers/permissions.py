"""Who may see a paper whole, and take it back. (What it shows, anybody with its number may compare.)"""

from __future__ import annotations

from zutuan.papers.models import Paper
from zutuan.sharing.permissions import Held, Is, Permissions, Place, Subject

_ISSUER = Held({"registrar", "school_admin"}, at="school")

allow = Permissions(
    {
        "paper.read": (Is("self"), _ISSUER),
        "paper.list_school": (_ISSUER,),
        "paper.revoke": (_ISSUER,),
    }
)


def subject(paper: Paper) -> Subject:
    persons = {"self": frozenset({paper.person_id})}
    return Subject("paper", paper.id, places={"school": Place(paper.school_id)}, persons=persons)
