"""Lists of people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.paging import Key, Page, fetch_page, like
from zutuan.people.models import Affiliation, Person


def people_of(session: Session, school_id: int, query: dict[str, Any], now: datetime) -> Page:
    """People with an open affiliation at the school, by number."""
    a = Affiliation
    rows = (
        sa.select(Person.id, Person.name, a.school_id, a.number, a.kind, Person.demonstration)
        .join(a, a.person_id == Person.id)
        .where(a.school_id == school_id, a.open_at(now))
    )
    if query["q"]:
        text = like(query["q"])
        rows = rows.where(sa.or_(Person.name.like(text, escape="\\"), a.number.like(text, escape="\\")))
    return fetch_page(session, rows, [Key(a.number, decode=str), Key(a.id)], query["cursor"], query["limit"])


def demo_people(session: Session) -> list[dict[str, Any]]:
    """The demonstration's people with their roles, for its sign-in page; filled by `zutuan.demo`."""
    from zutuan.demo import accounts_on_page

    return accounts_on_page(session)
