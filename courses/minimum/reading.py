"""What a student who lost a seat is shown: what it was, and where one could still be had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from courses.catalogue import hooks
from courses.catalogue.hooks import CountsAs
from courses.minimum import alternatives, queries
from courses.minimum.alternatives import Alternative
from courses.minimum.models import LostSeat
from zutuan.sharing.actor import Actor


@dataclass(frozen=True)
class Mine:
    """One lost seat; `instead`: the enrolment in its place; `others`: where to look while the window is open."""

    lost: LostSeat
    instead: int | None
    open: bool
    others: list[Alternative]


MOST = 20


def mine(session: Session, actor: Actor) -> list[Mine]:
    rows = queries.lost_by(session, actor.person_id)[:MOST]
    found = queries.instead(session, rows)
    shown = []
    for each in rows:
        open_ = found[each.enrolment_id] is None and actor.now < queries.as_lost(each).until
        others = alternatives.of(session, actor, each) if open_ else []
        shown.append(Mine(each, found[each.enrolment_id], open_, others))
    return shown


def counts(session: Session, actor: Actor, shown: Sequence[Mine]) -> Mapping[int, CountsAs]:
    """What each course that is offered in its place counts as at home: course → the home school's word."""
    ids = sorted({other.offering.course_id for each in shown for other in each.others})
    return hooks.recognised(session, actor, ids) if ids else {}
