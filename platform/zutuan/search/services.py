"""Search by title, in SQL, under the visibility filter. (The engines come with a later issue.)"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from zutuan.paging import Key, Page, fetch_page, like
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import SharedItem
from zutuan.sharing.services import seen_by

_PUBLISHED = sa.select(SharedItem).where(SharedItem.state == "published").options(joinedload(SharedItem.owner))


def search(session: Session, actor: Actor, text: str, cursor: str | None, limit: int) -> Page:
    """Shared items whose title holds every word, newest first. No words: nothing."""
    words = text.split()[:8]
    query = seen_by(actor, _PUBLISHED)
    for word in words:
        pattern = like(word)
        query = query.where(
            sa.or_(SharedItem.title_zh.ilike(pattern, escape="\\"), SharedItem.title_en.ilike(pattern, escape="\\"))
        )
    if not words:
        query = query.where(sa.false())
    return fetch_page(session, query, [Key(SharedItem.id, descending=True)], cursor, limit)
