"""Who may do what with files. Reading a file of an item follows the item's shares of its aspect (`services.readable`)."""

from __future__ import annotations

from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Is, Permissions, Place, Subject
from zutuan.storage.models import StoredFile, Upload

allow = Permissions(
    {
        # Everybody signed in may keep files of their own, and only they see them.
        "file.create": (Is("self"),),
        "file.read": (Is("keeper"), Is("uploader"), Is("item_uploader", at="owner")),
        # Whose item it is decides the item's feature (`Kind.keeps_files`).
        "file.attach": (Is("keeper"),),
        "file.delete": (Is("keeper"), Is("uploader")),
        "upload.use": (Is("self"),),
    }
)


def own_subject(actor: Actor) -> Subject:
    return Subject("file", persons={"self": frozenset({actor.person_id})})


def upload_subject(upload: Upload) -> Subject:
    return Subject("upload", upload.id, persons={"self": frozenset({upload.person_id})})


def file_subject(file: StoredFile, actor: Actor, keeps: bool) -> Subject:
    """`keeps`: whether the actor keeps the files of its item. Who uploaded to an item stays its reader only while
    belonging to the owner's school; a private file is theirs alone."""
    group = "uploader" if file.item_id is None else "item_uploader"
    persons = {group: frozenset({file.uploaded_by})}
    if keeps:
        persons["keeper"] = frozenset({actor.person_id})
    places = {"owner": Place(file.owner_school_id)} if file.owner_school_id else {}
    return Subject("file", file.id, places=places, persons=persons)
