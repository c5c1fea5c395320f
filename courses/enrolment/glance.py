"""The first look at a request for a seat: in a rush most are refused, and those need no lock and no transaction.

It only ever refuses for want of a seat, and only what the whole check (`services.enrol`) would refuse as well; in every
doubt it says nothing. A seat that comes free a moment later goes to who asks then, or to the queue.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue.models import Course, Offering, SeatPool
from courses.enrolment import facts, rules
from courses.enrolment.models import Enrolment
from courses.enrolment.rules import Pool
from zutuan.db import UtcDateTime
from zutuan.errors import Refused
from zutuan.sharing import services as sharing
from zutuan.sharing.actor import Actor, Belongs
from zutuan.sharing.models import SharedItem

_ID = sa.bindparam("offering", type_=sa.BigInteger)
_NOW = sa.bindparam("now_", type_=UtcDateTime())
_POOLS = (
    sa.select(SeatPool.id, SeatPool.scope, SeatPool.capacity - SeatPool.taken)
    .join(Offering, Offering.id == SeatPool.offering_id)
    .where(SeatPool.offering_id == _ID, Offering.seats_by == "first_come", Offering.state == "published")
    .where(Offering.enrol_from <= _NOW, Offering.enrol_until > _NOW)
)
_OPEN = (
    sa.select(SharedItem.owner_school_id)
    .join(Course, Course.id == SharedItem.id)
    .join(Offering, Offering.course_id == Course.id)
    .where(Offering.id == _ID, SharedItem.state == "published", sa.not_(Offering.rounds.any()))
)
_MINE = sa.select(Enrolment.id).where(
    Enrolment.offering_id == _ID, Enrolment.person_id == sa.bindparam("person"), Enrolment.active()
)


def refuse_early(session: Session, actor: Actor, offering_id: int, *, waitlist: bool, changes: bool) -> None:
    """Raise Refused when the seats this student could have are plainly gone. `session` need not write."""
    home = _only_home(actor)
    if home is None or home.standing != "active" or waitlist or changes:
        return
    rows = session.execute(_POOLS, {"offering": offering_id, "now_": actor.now})
    pools = [Pool(id_, scope, left) for id_, scope, left in rows]
    clusters = facts.clusters_of(actor, home.school_id)
    mine = rules.pools_for(pools, facts.school_scopes(home.school_id, clusters))
    gone = rules.check_seats(pools, mine)
    if not mine or gone is None:
        return
    owner = session.scalar(sharing.seen_by(actor, _OPEN).params(offering=offering_id))
    if owner is None or owner == home.school_id:
        return
    if session.scalar(_MINE, {"offering": offering_id, "person": actor.person_id}) is None:
        raise Refused.because(gone)


def _only_home(actor: Actor) -> Belongs | None:
    studying = [each for each in actor.affiliations if each.kind == "student"]
    return studying[0] if len(studying) == 1 else None
