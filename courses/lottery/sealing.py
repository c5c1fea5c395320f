"""Taking down what everybody wished at the moment wishing closes, in one published number: whoever altered a wish afterwards,
and everything else with it, would be found out by anybody who wrote that number down."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.lottery import queries, statement
from courses.lottery.models import Draw, WishList
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

AT_ONCE = 20


def digest(lists: Iterable[WishList]) -> str:
    return statement.wishes_digest(
        (each.ticket, each.most, [wish.offering_id for wish in each.wishes]) for each in lists
    )


def _over(now: datetime) -> sa.Select[Draw]:
    return sa.select(Draw).where(Draw.state == "published", Draw.closes <= now, Draw.wishes_digest == "")


def seal(session: Session, draw: Draw, now: datetime) -> None:
    """Once, when wishing is over: who is still writing a list holds the draw, and is waited for."""
    held = _over(now).where(Draw.id == draw.id).with_for_update(of=Draw)
    found = session.scalars(held.execution_options(populate_existing=True)).first()
    if found is not None:
        _seal(session, found, now)


def seal_due(session: Session, now: datetime) -> int:
    """The clock's part: every draw whose wishing has just closed."""
    query = _over(now).order_by(Draw.id).limit(AT_ONCE).with_for_update(skip_locked=True, of=Draw)
    found = list(session.scalars(query.execution_options(populate_existing=True)))
    for each in found:
        _seal(session, each, now)
    return len(found)


def _seal(session: Session, draw: Draw, now: datetime) -> None:
    value = digest(queries.entrants(session, draw))
    # past the version: nothing of what people edit has changed
    write = sa.update(Draw).where(Draw.id == draw.id).values(wishes_digest=value)
    session.execute(write.execution_options(synchronize_session=False))
    session.refresh(draw, ["wishes_digest"])
    about = {"cluster": draw.cluster_id, "digest": value}
    audit(session, None, "draw.seal", Subject("draw", draw.id), now=now, school_id=draw.school_id, **about)
