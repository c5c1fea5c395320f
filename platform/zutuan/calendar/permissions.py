"""Who may do what with calendars."""

from __future__ import annotations

from zutuan.sharing.permissions import Held, Is, Permissions, Place, Subject

_OFFICE = Held({"registrar", "school_admin"}, at="school")

allow = Permissions(
    {
        "calendar.edit": (_OFFICE,),
        "calendar.edit_inherited": (Held({"platform_admin"}, at="platform"),),
        "timetable.import": (_OFFICE,),
        "busy.edit": (Is("self"),),
    }
)


def place_subject(place: int) -> Subject:
    """A school's calendar, or with place 0 the one that all inherit."""
    return Subject("calendar", place or None, places={"school": Place(place)} if place else {})


def edit_action(place: int) -> str:
    return "calendar.edit" if place else "calendar.edit_inherited"
