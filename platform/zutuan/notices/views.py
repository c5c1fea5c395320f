"""A notice as it is shown: its sentence in the reader's language."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import current_app

from zutuan.clusters.models import School
from zutuan.notices import post, sentences
from zutuan.notices.models import GroupChat, Notice
from zutuan.paging import Page
from zutuan.people.models import Person
from zutuan.sharing.actor import Actor
from zutuan.sharing.services import fetch
from zutuan.web.requests import db


def sentence(notice: Notice) -> str:
    return sentences.sentence(current_app.extensions["zutuan"].features, notice.kind, notice.params)


def shown(notice: Notice) -> dict[str, Any]:
    return {
        "id": notice.id,
        "kind": notice.kind,
        "text": sentence(notice),
        "link": notice.link,
        "created_at": notice.created_at,
        "read_at": notice.read_at,
    }


def shown_page(page: Page) -> Page:
    return Page([shown(notice) for notice in page.items], page.next, page.total)


def school(school_id: int) -> School:
    """The school of the page, or 404. (Which schools there are is public to all who are signed in.)"""
    return fetch(db(), School, school_id)


def group_chat(chat: GroupChat | None) -> dict[str, Any]:
    """What may be shown of it: the host, never the address."""
    if chat is None:
        return {"host": "", "kinds": [], "changed_at": None, "version": 0}
    host = urlsplit(chat.address).hostname or ""
    return {"host": host, "kinds": chat.kinds, "changed_at": chat.changed_at, "version": chat.version}


def email_of(person_id: int) -> str:
    """Where this person's mail goes; empty: nowhere."""
    return db().scalar(sa.select(Person.email).where(Person.id == person_id)) or ""


def digest_hour(who: Actor) -> int:
    """The hour of this person's digest, on Shanghai's clock."""
    school_id = min(who.school_ids, default=0)
    return post.hours(db(), {school_id}, who.now)[school_id]
