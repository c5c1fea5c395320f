"""Search by title, in SQL, under the visibility filter. (The engines come with a later issue.)"""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from zutuan.clusters.models import School
from zutuan.db import padded
from zutuan.paging import Key, Page, fetch_ids, like
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import SharedItem
from zutuan.sharing.services import seen_by

_PUBLISHED = sa.select(SharedItem.id).where(SharedItem.state == "published")
_HITS = (
    sa.select(SharedItem)
    .where(SharedItem.id.in_(sa.bindparam("ids", expanding=True)))
    .options(joinedload(SharedItem.owner).load_only(School.name))
)


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
    page = fetch_ids(session, query, [Key(SharedItem.id, descending=True)], cursor, limit)
    found = {item.id: item for item in session.scalars(_HITS, {"ids": padded(page.items)})}
    return replace(page, items=[found[id_] for id_ in page.items])
