"""The first look at a request for a seat: in a rush most are refused, and those need no lock and no transaction.

It only ever refuses for want of a seat, and only what the whole check (`enrolling.enrol`) would refuse as well; in every
doubt it says nothing. A seat that comes free a moment later goes to who asks then, or to the queue.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from courses.enrolment import facts, rules
from courses.enrolment.wanted import Wanted
from zutuan.errors import Refused
from zutuan.sharing.actor import Actor, Belongs


def refuse_early(session: Session, actor: Actor, offering: Wanted, home: Belongs, *, seen: bool) -> None:
    """Raise Refused when the seats this student could have are plainly gone. `session` need not write."""
    mine = facts.pools_of(actor, offering.pools, home)
    gone = rules.check_seats(offering.pools, mine)
    if (
        gone is None
        or not mine
        or offering.chosen
        or offering.by_lot
        or not _otherwise_open(actor, offering, home, seen=seen)
    ):
        return
    if all(each.offering_id != offering.id for each in facts.held_by(session, actor.person_id)):
        raise Refused.because(gone)


def _otherwise_open(actor: Actor, offering: Wanted, home: Belongs, *, seen: bool) -> bool:
    """No other reason would be named first."""
    published = offering.state == offering.course_state == "published"
    elsewhere = seen and home.standing == "active" and home.school_id != offering.school_id
    return published and elsewhere and offering.window.open_at(actor.now)
