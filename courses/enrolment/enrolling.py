"""From the first look to a seat: what a student is told before applying, and taking it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from courses.catalogue import queries as catalogue
from courses.catalogue.models import Offering, SeatPool
from courses.enrolment import facts, glance, notices, policies, rules, seats, steps, story, wanted
from courses.enrolment.models import Enrolment
from courses.enrolment.permissions import allow
from courses.enrolment.wanted import Wanted
from zutuan.db import insert_whole, together
from zutuan.decision import Refusal
from zutuan.errors import Invalid, NotFound, Refused
from zutuan.policies import services as policy_values
from zutuan.sharing.actor import Actor, Belongs
from zutuan.sharing.permissions import Place, Subject


@dataclass(frozen=True)
class Outlook:
    """What a student is told before applying: every reason against, what could be taken or waited for, whose word is
    asked and by when, and whether their own timetable was looked at. `rescue`: until when, though enrolling is over (停开补选)."""

    against: list[Refusal]
    may_wait: bool
    seats_left: int
    waiting: int
    timetable_checked: bool
    asks: tuple[str, ...]
    chosen: bool
    decide_by: datetime | None
    replaces: Enrolment | None
    rescue: datetime | None = None


def outlook(session: Session, actor: Actor, offering_id: int, home: Belongs | None) -> Outlook:
    offering, seen = _see(session, actor, offering_id, home.school_id if home else 0)
    policy_values.preload(session, [offering.school_id, *([home.school_id] if home else [])], actor.now)
    against = _against(session, actor, offering, home, seen=seen)
    other = in_other_class(session, actor, offering) if "in_other_class" in {each.code for each in against} else None
    if other is not None:  # then the question is whether one may go over to this class
        against = _against(session, actor, offering, home, seen=seen, replacing=other)
    asks = approvers(session, home, actor.now) if home else ()
    days = steps.approval_days(session, home.school_id, actor.now) if home and asks else 0
    mine = facts.pools_of(actor, offering.pools, home)
    return Outlook(
        against=against,
        may_wait=rules.may_wait(against, waitlist=offering.queues_at(actor.now)),
        seats_left=sum(max(pool.left, 0) for pool in mine),
        waiting=seats.rivals(session, offering, mine, actor.now),
        timetable_checked=facts.timetable_known(session, home, offering),
        asks=asks,
        chosen=offering.chosen,
        decide_by=rules.decide_by(actor.now, offering.ends, days) if days else None,
        replaces=other,
        rescue=facts.rescue(session, actor.person_id, offering, actor.now) if home else None,
    )


def _see(session: Session, actor: Actor, offering_id: int, home_id: int) -> tuple[Wanted, bool]:
    """The offering, and whether the access rule shows it; 404 for whom it is not there. A seat shows it as well."""
    found = wanted.read(session, actor, offering_id, home_id)
    if found is None:
        raise NotFound
    offering, seen = found
    if not seen or offering.state == "draft":
        catalogue.view_offering(session, actor, offering_id, "enrolment.create")
    return offering, seen


def in_other_class(session: Session, actor: Actor, offering: Wanted) -> Enrolment | None:
    """The student's own enrolment in another class of the course."""
    e = Enrolment
    query = sa.select(e).join(Offering, Offering.id == e.offering_id).where(e.person_id == actor.person_id, e.active())
    query = query.where(Offering.course_id == offering.course_id, e.offering_id != offering.id)
    return session.scalars(query.order_by(e.id.desc())).first()


def approvers(session: Session, home: Belongs, now: datetime) -> tuple[str, ...]:
    """The roles at the home school whose word is asked, in order."""
    return rules.APPROVALS[policy_values.value(session, policies.HOME_APPROVAL.key, home.school_id, now)]


def student_affiliation(actor: Actor, affiliation_id: int | None = None) -> Belongs | None:
    """The affiliation the actor enrols as: the one named, or the only one as a student."""
    studying = [each for each in actor.affiliations if each.kind == "student"]
    if affiliation_id is not None:
        chosen = next((each for each in studying if each.affiliation_id == affiliation_id), None)
        if chosen is None:
            raise Invalid.field("affiliation_id", "no_such")
        return chosen
    if len(studying) > 1:
        raise Invalid.field("affiliation_id", "choose_affiliation")
    return studying[0] if studying else None


def _home_of(actor: Actor, affiliation_id: int | None) -> int:
    """The school of the affiliation that `student_affiliation` will answer, before it says what stands against it."""
    studying = [each for each in actor.affiliations if each.kind == "student"]
    return next((each.school_id for each in studying if affiliation_id in (None, each.affiliation_id)), 0)


def _against(
    session: Session, actor: Actor, offering: Wanted, home: Belongs | None, *, seen: bool,
    replacing: Enrolment | None = None,
) -> list[Refusal]:  # fmt: skip
    """Every rule that stands between this person and a seat, before the database has the last word. Where the host
    chooses, more may ask than there are seats."""
    against = rules.may_enrol(facts.attempt(session, actor, offering, home, seen=seen, replacing=replacing))
    return [each for each in against if not offering.chosen or each.code not in rules.SEATS]


# --- taking a seat ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Enrolled:
    """A request as it was just written, and what its answer says besides: nothing need be read again. `events` are its
    first steps, of which the first is the student's."""

    enrolment: Enrolment
    offering: Wanted
    home: Belongs
    events: tuple[str, ...]


def enrol(
    session: Session,
    actor: Actor,
    offering_id: int,
    affiliation_id: int | None = None,
    *,
    waitlist: bool = False,
    statement: str = "",
    replaces_id: int | None = None,
    reading: Session | None = None,
) -> Enrolled:
    """Take a seat and ask the home school; `waitlist`: wait for one when none is left. `replaces_id` names the student's
    enrolment in another class of the course, which is given up once this one is certain. `reading`: a session that
    holds no lock, for what is asked before anything is written.

    Everything is checked and written first; the seat is taken last, so that the one row all compete for is held for the
    shortest time. What has changed since the offering was read is noticed then."""
    before = reading or session
    offering, seen = _see(before, actor, offering_id, _home_of(actor, affiliation_id))
    home = student_affiliation(actor, affiliation_id)
    places = {"home": Place(home.school_id)} if home else {}
    allow.require(actor, "enrolment.create", Subject("offering", offering.id, places=places))
    assert home is not None
    if not waitlist and replaces_id is None:
        glance.refuse_early(before, actor, offering, home, seen=seen)
    policy_values.preload(before, (home.school_id, offering.school_id), actor.now)
    policy_values.carry(before, session)
    replacing = _replaced(session, actor, offering, replaces_id)
    seats.lock_student(session, actor.person_id)
    if replacing is not None:
        seats.hold_pools(session, offering.id, replacing.offering_id)
    waits = _stand(session, actor, offering, home, seen=seen, replacing=replacing, waitlist=waitlist)
    ask = _Request(session, actor, offering, home, statement, replacing)
    return _seat_or_queue(ask) if waitlist and not waits and offering.queues_at(actor.now) else ask.make(waits=waits)


@dataclass(frozen=True)
class _Request:
    """Whose request for what, with all that is known of it."""

    session: Session
    actor: Actor
    offering: Wanted
    home: Belongs
    statement: str
    replacing: Enrolment | None

    def make(self, *, waits: bool) -> Enrolled:
        """Write it and, unless it waits or asks to be chosen, take the seat: the last statement of all."""
        session, actor, offering, home = self.session, self.actor, self.offering, self.home
        made = _write(session, actor, offering, home, self.statement, self.replacing, waits=waits)
        if made.enrolment.pool_id is not None:
            _take(session, actor, offering, home, made.enrolment)
        elif not waits:
            _held_as_read(session, offering)
        return made


def _seat_or_queue(ask: _Request) -> Enrolled:
    """Who would wait as well is put into the queue when the last seat goes to somebody else at this moment."""
    try:
        with ask.session.begin_nested():
            return ask.make(waits=False)
    except Refused as error:
        if error.code not in rules.SEATS:
            raise
    return ask.make(waits=not _any_left(ask.session, ask.actor, ask.offering, ask.home))


def _stand(
    session: Session, actor: Actor, offering: Wanted, home: Belongs, *, seen: bool, replacing: Enrolment | None,
    waitlist: bool,
) -> bool:  # fmt: skip
    """Refuse whatever a rule stands against; True: the student waits for a seat."""
    against = _against(session, actor, offering, home, seen=seen, replacing=replacing)
    if waitlist and rules.may_wait(against, waitlist=offering.queues_at(actor.now)):
        return not _any_left(session, actor, offering, home)
    if against:
        raise Refused.because(against[0])
    return False


def _replaced(session: Session, actor: Actor, offering: Wanted, enrolment_id: int | None) -> Enrolment | None:
    """The student's own enrolment in another class of the same course."""
    if enrolment_id is None:
        return None
    old = session.get(Enrolment, enrolment_id, options=[joinedload(Enrolment.offering)])
    fits = old is not None and old.person_id == actor.person_id and old.offering.course_id == offering.course_id
    if old is None or not fits or old.offering_id == offering.id or not story.tracks(old).active:
        raise Invalid.field("replaces_id", "no_such")
    return old


def _any_left(session: Session, actor: Actor, offering: Wanted, home: Belongs) -> bool:
    """Whether a seat has come free since it was read: asked with the pools held, so that nobody waits beside a seat."""
    now = [rules.Pool(pool.id, pool.scope, pool.left) for pool in _held_as_read(session, offering)]
    return any(pool.left > 0 for pool in facts.pools_of(actor, now, home))


def _held_as_read(session: Session, offering: Wanted) -> list[SeatPool]:
    """The pools, held; refused when what is offered has changed since it was read."""
    held = seats.hold_pools(session, offering.id)
    if {pool.id: pool.edition for pool in held} != offering.editions:
        raise Refused("offering_changed")
    return held


def _write(
    session: Session, actor: Actor, offering: Wanted, home: Belongs, statement: str, replacing: Enrolment | None,
    *, waits: bool,
) -> Enrolled:  # fmt: skip
    """The row, its first step, what is told of it and what its seat promises. A request that the host chooses from has no seat yet."""
    words = {"statement": statement, "replaces_id": replacing.id if replacing else None}
    columns = {**_begun(session, actor, offering, home, waits=waits), **words}
    event = "queue" if waits else "enrol"
    enrolment, at_once = _written(session, actor, offering, columns, event, by=actor)
    if not waits:
        steps.settle(session, actor, enrolment, actor.now)
    return Enrolled(enrolment, offering, home, (event, "approve") if at_once else (event,))


def place(session: Session, actor: Actor, offering: Wanted, home: Belongs, pool_id: int) -> Enrolment:
    """A seat that a draw has given: the schools are asked as of any request. Whoever calls has asked every rule, holds
    student and pools, and takes the seats themselves."""
    begun = _begun(session, actor, offering, home, waits=False)
    columns = {**begun, "pool_id": pool_id, "statement": "", "replaces_id": None}
    return _written(session, actor, offering, columns, "draw", by=None)[0]


def _written(
    session: Session, actor: Actor, offering: Wanted, columns: dict[str, Any], event: str, *, by: Actor | None
) -> tuple[Enrolment, bool]:
    """The row with its first step, and whether the home school's word was there at once."""
    now = actor.now
    try:
        enrolment = insert_whole(session, Enrolment, **columns)
    except IntegrityError as error:  # two tabs at once: the partial unique index has the last word
        raise Refused("already_enrolled") from error
    at_once = enrolment.home_state == "accepted"
    with together(session):
        story.record(session, by, enrolment, event, "", now)
        if at_once:
            story.record(session, None, enrolment, "approve", "", now)
        notices.moved(session, enrolment, event, now)
        if enrolment.pool_id is not None:
            seats.promise(session, actor.person_id, offering.course_id, offering.id, offering.ends, now)
    return enrolment, at_once


def _begun(session: Session, actor: Actor, offering: Wanted, home: Belongs, *, waits: bool) -> dict[str, Any]:
    """The columns of a new enrolment."""
    now = actor.now
    home_steps = steps.approvals(session, policies.HOME_APPROVAL.key, home.school_id, now)
    host_steps = 1 if offering.chosen else steps.approvals(session, policies.HOST_APPROVAL.key, offering.school_id, now)
    begin = rules.WAITING if waits else rules.settled(rules.START, home=home_steps == 0, host=host_steps == 0)
    days = steps.days_of(session, home.school_id, offering.school_id, now)
    return dict(
        offering_id=offering.id,
        pool_id=None if waits or offering.chosen else facts.pools_of(actor, offering.pools, home)[0].id,
        person_id=actor.person_id,
        affiliation_id=home.affiliation_id,
        home_school_id=home.school_id,
        home_department_id=home.department_id,
        host_school_id=offering.school_id,
        home_state=begin.home,
        host_state=begin.host,
        home_steps=home_steps,
        host_steps=host_steps,
        home_step=0,
        host_step=0,
        returned=False,
        reason="",
        reminded_at=None,
        waits_because="",
        recognition_id=offering.counts_as.id if offering.counts_as else None,
        version=1,
        decide_by=rules.due(begin, now, offering.ends, offering.window.closes, chosen=offering.chosen, days=days),
        created_at=now,
        updated_at=now,
    )


def _take(session: Session, actor: Actor, offering: Wanted, home: Belongs, enrolment: Enrolment) -> None:
    """The last statement of all."""
    mine = [pool.id for pool in facts.pools_of(actor, offering.pools, home)]
    pool_id = seats.take(session, offering.id, mine, offering.editions)
    if pool_id != enrolment.pool_id:  # the nearest pool was full by then
        enrolment.pool_id = pool_id
        session.flush()
