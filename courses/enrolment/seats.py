"""Seats: taking, freeing and handing on. The database has the last word, and a freed seat never passes a queue by.

Who writes here holds the student first, then the pool, and the pool last of all: it is the one row that
everybody competes for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue import queries as catalogue
from courses.catalogue.models import Offering, SeatPool
from courses.catalogue.services import teaching_ends
from courses.enrolment import facts, policies, queries, rules, story, wanted
from courses.enrolment.models import Enrolment
from courses.enrolment.wanted import Wanted
from zutuan.clock import clock
from zutuan.db import padded, plain
from zutuan.decision import Refusal
from zutuan.errors import Refused
from zutuan.jobs import enqueue
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.policies import services as policy_values
from zutuan.sharing import scopes
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import add_share, audit, end_share

_PERSON = sa.select(Person.id).where(Person.id == sa.bindparam("person"))
_HELD = _PERSON.with_for_update(key_share=True)
_IF_FREE = _PERSON.with_for_update(key_share=True, skip_locked=True)


def lock_student(session: Session, person_id: int) -> None:
    """Hold the student until the commit: what is read after this of their seats, credits and time stays as it is,
    whichever terms and years it is of."""
    plain(session, _HELD, {"person": person_id})


def _lock_if_free(session: Session, person_id: int) -> bool:
    """The same without waiting: False when they are taking or leaving another seat at this moment."""
    return bool(plain(session, _IF_FREE, {"person": person_id}))


def editions(session: Session, offering_id: int) -> dict[int, int]:
    """Pool → the edition under which its seats are offered now."""
    rows = session.execute(sa.select(SeatPool.id, SeatPool.edition).where(SeatPool.offering_id == offering_id))
    return {pool_id: edition for pool_id, edition in rows}


def take(session: Session, offering_id: int, candidates: Sequence[int], read: dict[int, int] | None = None) -> int:
    """Take a seat from the first of the pools that has one, and answer which: never above the capacity, and never in
    something else than what was read (`read`: pool → edition)."""
    for pool_id in candidates:
        if _take_one(session, pool_id, read.get(pool_id) if read is not None else None):
            return pool_id
    changed = read is not None and editions(session, offering_id) != read
    raise Refused("offering_changed" if changed else "seats_gone")


_POOL: Any = SeatPool.__table__
_ONE_MORE = (
    sa.update(_POOL)
    .where(_POOL.c.id == sa.bindparam("pool"), _POOL.c.taken < _POOL.c.capacity)
    .values(taken=_POOL.c.taken + 1)
)
_AS_READ = _ONE_MORE.where(_POOL.c.edition == sa.bindparam("read"))


def _take_one(session: Session, pool_id: int, edition: int | None) -> bool:
    connection = session.connection()
    if edition is None:
        return connection.execute(_ONE_MORE, {"pool": pool_id}).rowcount == 1
    return connection.execute(_AS_READ, {"pool": pool_id, "read": edition}).rowcount == 1


def lock_students(session: Session, people: Iterable[int]) -> None:
    """Hold several, in the order of their ids, before any pool."""
    held = sa.select(Person.id).where(Person.id.in_(padded(sorted(set(people))))).order_by(Person.id)
    session.execute(held.with_for_update(key_share=True)).all()


def take_many(session: Session, given: Mapping[int, int]) -> None:
    """So many seats of each pool, never above its capacity. `given`: pool → seats."""
    for pool_id, seats in sorted(given.items()):
        room = sa.update(_POOL).where(_POOL.c.id == pool_id, _POOL.c.taken + seats <= _POOL.c.capacity)
        if session.connection().execute(room.values(taken=_POOL.c.taken + seats)).rowcount != 1:
            raise Refused("seats_gone")


def promise(session: Session, person_id: int, course_id: int, offering_id: int, ends: datetime, now: datetime) -> None:
    """A held seat is a dated promise: its holder reads the offering until it ends, whatever becomes of the cluster."""
    aspect = catalogue.seat_aspect(offering_id)
    add_share(session, course_id, scopes.person(person_id), now, aspect, until=max(ends, now))


def free(session: Session, enrolment: Enrolment, now: datetime) -> None:
    """Give the seat back: a capacity above what is wanted shrinks first, then the next in the queue is offered it. Who
    was in a class that is called off goes on reading it."""
    aspect = catalogue.seat_aspect(enrolment.offering_id)
    if enrolment.offering.state != "cancelled":
        end_share(session, enrolment.offering.course_id, aspect, scopes.person(enrolment.person_id), now)
    hold_pools(session, enrolment.offering_id)
    after = SeatPool.taken - 1
    capacity = sa.case((SeatPool.wanted > after, SeatPool.wanted), else_=after)
    change = sa.update(SeatPool).where(SeatPool.id == enrolment.pool_id).values(taken=after, capacity=capacity)
    session.execute(change.execution_options(synchronize_session=False))
    hand_on(session, enrolment.offering, now)


# --- the queue --------------------------------------------------------------------------------------------------


def hold_pools(session: Session, *offerings: int) -> list[SeatPool]:
    """The pools of these offerings, held in id order until the commit, as they are now. Who gives up a seat for another
    holds both classes' at once: two who change places would wait for each other else."""
    held = sa.select(SeatPool).where(SeatPool.offering_id.in_(offerings)).order_by(SeatPool.id)
    return list(session.scalars(held.with_for_update(key_share=True).execution_options(populate_existing=True)))


def queue(session: Session, offering_id: int) -> list[Enrolment]:
    """Who waits, in the order they came."""
    return list(session.scalars(sa.select(Enrolment).where(_waits(offering_id)).order_by(Enrolment.id)))


def waiting(session: Session, offering_id: int) -> int:
    """How many wait."""
    return session.scalar(sa.select(sa.func.count()).select_from(Enrolment).where(_waits(offering_id))) or 0


def _waits(offering_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(Enrolment.offering_id == offering_id, Enrolment.host_state == "queued", Enrolment.active())


TOPIC = "enrolment.hand_on"


def hand_on_later(session: Session, payload: dict[str, Any]) -> None:
    """The outbox's handler: the first in the queue could not be held when the seat came free."""
    offering, now = session.get_one(Offering, payload["offering"]), clock.now()
    if hand_on(session, offering, now):
        tell_audit(session, None, offering, now)


def tell_audit(session: Session, actor: Actor | None, offering: Offering, now: datetime) -> None:
    """That seats went to those who wait."""
    subject = Subject("offering", offering.id)
    audit(session, actor, "enrolment.hand_on", subject, now=now, school_id=offering.course.school_id)


def hand_on(session: Session, offering: Offering, now: datetime) -> int:
    """Offer every free seat to the first in the queue who may have it, every rule asked again. Who may not now keeps
    their place and is told why. Answers how many were offered one."""
    if offering.state != "published" or now >= offering.enrol_until:
        return 0
    offered = 0
    pools = {pool.id: pool for pool in hold_pools(session, offering.id)}
    waiting = queue(session, offering.id) if any(pool.left > 0 for pool in pools.values()) else []
    for enrolment in waiting:
        open_pools = [rules.Pool(pool.id, pool.scope, pool.left) for pool in pools.values() if pool.left > 0]
        if not open_pools:
            break
        if not _lock_if_free(session, enrolment.person_id):  # nobody is passed by: it goes on a moment later
            enqueue(session, TOPIC, {"offering": offering.id}, now)
            break
        offered += _offer(session, offering, enrolment, open_pools, now)
        for pool in pools.values():
            session.refresh(pool)
    return offered


def _offer(
    session: Session, offering: Offering, enrolment: Enrolment, open_pools: Iterable[rules.Pool], now: datetime
) -> bool:
    """Offer it to this one, who is held, unless a rule stands against it."""
    against, who = still_against(session, enrolment, now)
    clusters = facts.clusters_of(who, enrolment.home_school_id)
    mine = rules.pools_for(open_pools, facts.school_scopes(enrolment.home_school_id, clusters))
    if not mine or against:
        enrolment.waits_because = against[0].code if against else ""
        return False
    hours = int(policy_values.value(session, policies.OFFER_HOURS_OF.key, enrolment.host_school_id, now))
    pool_id = take(session, offering.id, [pool.id for pool in mine])
    enrolment.decide_by, enrolment.waits_because = rules.offer_until(now, offering.enrol_until, hours), ""
    enrolment.pool_id = pool_id  # together with the state: the database knows nobody who waits with a seat
    story.walk(session, None, enrolment, "offer", "clock", now=now)
    promise(session, enrolment.person_id, offering.course_id, offering.id, teaching_ends(offering.term), now)
    return True


def still_against(session: Session, enrolment: Enrolment, now: datetime) -> tuple[list[Refusal], Actor]:
    """Every rule that stands against this request now but the seat itself, the window of rounds (queues and choices
    move between them) and the request itself; and the student. Their year is locked."""
    who = load_actor(session, session.get_one(Person, enrolment.person_id), now)
    home = next((each for each in who.affiliations if each.affiliation_id == enrolment.affiliation_id), None)
    replaced = session.get(Enrolment, enrolment.replaces_id) if enrolment.replaces_id else None
    session.flush()  # what follows reads past the session
    found = wanted.read(session, who, enrolment.offering_id)
    assert found is not None
    against = rules.may_enrol(facts.attempt(session, who, found[0], home, seen=found[1], replacing=replaced))
    passing = {*rules.SEATS, "already_enrolled", "window_not_open", "window_closed"}
    return [refusal for refusal in against if refusal.code not in passing], who


def place(session: Session, enrolment: Enrolment, now: datetime) -> tuple[int, int]:
    """(place, how many wait) of somebody in the queue."""
    waits = queries.wants(session, enrolment.offering_id, facts.pools(enrolment.offering), now)
    return rules.place_in_queue(waits, enrolment.id)


def rivals(session: Session, offering: Wanted, mine: Iterable[rules.Pool], now: datetime) -> int:
    """How many wait for a seat of any of these pools of the offering."""
    ids = {pool.id for pool in mine}
    return sum(1 for _id, pools in queries.wants(session, offering.id, offering.pools, now) if pools & ids)
