"""Wishes when persons merge, and draws when a school is taken over."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.lottery.models import Draw, Wish, WishList
from courses.lottery.queries import LIVE
from zutuan.clusters.hooks import SuccessionHook
from zutuan.decision import Refusal
from zutuan.people.hooks import Clash, PeopleHook


def _both(kept: int, gone: int) -> sa.Select[int]:
    """The lists of `gone` in draws in which `kept` has one too."""
    other = sa.orm.aliased(WishList)
    mine = sa.select(other.draw_id).where(other.person_id == kept)
    return sa.select(WishList.id).where(WishList.person_id == gone, WishList.draw_id.in_(mine))


def _clashes(session: Session, kept: int, gone: int, now: datetime) -> list[Clash]:
    """Between the close and the draw no list goes: what was wished is taken down."""
    draws = _both(kept, gone).join(Draw, Draw.id == WishList.draw_id)
    over = sa.and_(Draw.state == "published", sa.or_(Draw.closes <= now, Draw.wishes_digest != ""))
    return [
        Clash("merge_while_drawing", stops=True) if waits else Clash("merge_both_wished")
        for waits in session.scalars(draws.with_only_columns(over))
    ]


def _prepare(session: Session, kept: int, gone: int, now: datetime) -> None:
    """One person wishes once. What was drawn stands in the statement under its ticket, whoever's it was."""
    ids = list(session.scalars(_both(kept, gone)))
    session.execute(sa.delete(Wish).where(Wish.list_id.in_(ids)))
    session.execute(sa.delete(WishList).where(WishList.id.in_(ids)))


PEOPLE = PeopleHook({"wish_list.person_id": _l("抽签志愿")}, _clashes, prepare=_prepare)


def _running(session: Session, old_id: int, new_id: int, now: datetime) -> list[Refusal]:
    query = sa.select(sa.func.count()).select_from(Draw).where(Draw.school_id == old_id, Draw.state.in_(LIVE))
    count = session.scalar(query) or 0
    return [Refusal("succession_draw", {"count": count})] if count else []


# Whose draw it was stays true.
SUCCESSION = SuccessionHook(stays={"draw.school_id"}, against=_running)
