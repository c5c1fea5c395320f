"""From the database to plain values: what is drawn for, by whom, and what the rules say at this moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.admission.queries import TermKey
from courses.catalogue.timing import TYPE
from courses.enrolment import facts, many, seats, wanted
from courses.enrolment.many import Ask, Look
from courses.enrolment.rules import Slot
from courses.enrolment.wanted import Wanted
from courses.lottery import queries
from courses.lottery.models import Draw, Wish, WishList
from courses.lottery.rules import Entrant, Lot, Meets, excludes
from zutuan.calendar.models import Occurrence
from zutuan.db import padded

CAP = "credit_cap"  # the draw counts credits itself, seat by seat


@dataclass(frozen=True)
class Assembled:
    """`lists` and `entrants` go together; `barred`: (list, offering) → the code of what stands against it."""

    lots: Sequence[Lot]
    entrants: Sequence[Entrant]
    lists: Sequence[WishList]
    offered: Mapping[int, Wanted]
    look: Look
    barred: Mapping[tuple[int, int], str] = field(default_factory=dict)


def assemble(session: Session, draw: Draw, now: datetime, *, hold: bool) -> Assembled:
    """`hold`: the students, then the pools, stay as they are until the commit, in the order of everything that takes seats."""
    lists, ids = queries.entrants(session, draw), queries.lot_ids(session, draw, now)
    if hold:
        seats.lock_students(session, [each.person_id for each in lists])
        seats.hold_pools(session, *ids)
    offered = wanted.read_some(session, ids) if ids else {}
    asks = [
        Ask(wish.id, each.person_id, each.affiliation_id, wish.offering_id)
        for each in lists
        for wish in each.wishes
        if wish.offering_id in offered
    ]
    pairs = sa.select(Wish.id.label("key"), WishList.person_id, Wish.offering_id).join(
        WishList, WishList.id == Wish.list_id
    )
    look = many.look(session, asks, pairs.where(WishList.draw_id == draw.id, Wish.offering_id.in_(ids)), now)
    barred = {
        (each.id, wish.offering_id): against[0]
        for each in lists
        for wish in each.wishes
        if (against := [one.code for one in look.against.get(wish.id, ()) if one.code != CAP])
    }
    lots = lots_of(session, offered.values(), now)
    term = TermKey(draw.academic_year, draw.number)
    named = {pool.scope for lot in lots for pool in lot.pools}
    entrants = [_entrant(each, look, term, named, barred) for each in lists]
    return Assembled(lots, entrants, lists, offered, look, barred)


def _entrant(
    each: WishList, look: Look, term: TermKey, named: set[str], barred: Mapping[tuple[int, int], str]
) -> Entrant:  # fmt: skip
    """Of the student's scopes only what some pool names: the statement says no more of them than it needs."""
    student = look.students.get(each.person_id)
    wishes = tuple(wish.offering_id for wish in each.wishes)
    against = frozenset(offering for offering in wishes if (each.id, offering) in barred)
    if student is None:  # nothing that they wished is drawn for any more
        return Entrant(each.ticket, wishes, frozenset(), each.most, barred=against)
    return Entrant(
        each.ticket, wishes, frozenset(student.scopes & named), each.most, student.credits(term), student.cap, against
    )


# --- lots --------------------------------------------------------------------------------------------------------


def lots_of(session: Session, offered: Iterable[Wanted], now: datetime) -> list[Lot]:
    """The classes as the draw knows them, each with those that nobody gets beside it."""
    known = sorted(offered, key=lambda each: each.id)
    apart = excludes(meets(session, known, now))
    return [Lot(each.id, each.credits, each.pools, apart[each.id]) for each in known]


def meets(session: Session, offered: Sequence[Wanted], now: datetime) -> list[Meets]:
    """When each of them meets from now on, as enrolling compares it."""
    o, by_id = Occurrence, {each.id: each for each in offered}
    query = sa.select(o.resource_id, o.starts, o.ends).where(o.resource_type == TYPE, o.state == "active", o.ends > now)
    slots: dict[int, list[Slot]] = {id_: [] for id_ in by_id}
    for id_, starts, ends in session.execute(query.where(o.resource_id.in_(padded(sorted(by_id))))):
        slots[id_].append(Slot(starts, ends, by_id[id_].school_id if by_id[id_].on_campus else None))
    return [Meets(each.id, each.course_id, slots[each.id], facts.travel_time(session, each, now)) for each in offered]
