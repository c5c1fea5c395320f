"""Writing enrolments: one student, one seat, two schools' word."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload, selectinload

from courses.catalogue import queries as catalogue
from courses.catalogue.models import Course, Offering, SeatPool
from courses.catalogue.services import teaching_ends
from courses.enrolment import notices, policies, queries, rules
from courses.enrolment.models import Enrolment, EnrolmentEvent
from courses.enrolment.permissions import allow
from courses.enrolment.rules import Tracks
from zutuan.decision import Refusal
from zutuan.errors import Denial, Forbidden, Hidden, Invalid, NotFound, Refused, insist
from zutuan.papers import services as papers
from zutuan.policies import services as policy_values
from zutuan.sharing import scopes
from zutuan.sharing.actor import Actor, Belongs
from zutuan.sharing.permissions import Place, Subject
from zutuan.sharing.services import add_share, audit, end_share


def roster_subject(offering: Offering) -> Subject:
    """An offering's roster as the permission table sees it."""
    course = catalogue.subject(offering.course)
    return Subject("offering", offering.id, places={"host": course.places["owner"]}, persons=course.persons)


# --- enrolling --------------------------------------------------------------------------------------------------


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


def reasons_against(
    session: Session, actor: Actor, offering: Offering, home: Belongs | None, *, promised: bool
) -> list[Refusal]:
    """Every rule that stands between this person and a seat, before the database has the last word."""
    active = sa.select(Enrolment.id).where(Enrolment.offering_id == offering.id, Enrolment.holds_seat())
    return rules.may_enrol(
        rules.Attempt(
            now=actor.now,
            window=queries.window(offering),
            offering_state=offering.state,
            course_state=offering.course.item.state,
            teaching_ends=teaching_ends(offering.term),
            is_student=home is not None,
            home_is_host=home is not None and home.school_id == offering.course.school_id,
            in_audience=not promised,
            already_active=session.scalar(active.where(Enrolment.person_id == actor.person_id)) is not None,
            seats_left=sum(pool.left for pool in offering.pools),
            standing=home.standing if home is not None else "active",
        )
    )


def enrol(session: Session, actor: Actor, offering_id: int, affiliation_id: int | None = None) -> Enrolment:
    """Take a seat and ask the home school. Everything is checked and written first; the seat is taken last, so
    that the one row all compete for is held for the shortest time."""
    editions = _editions(session, offering_id)  # before anything else is read: what changes after this is noticed
    view = catalogue.view_offering(session, actor, offering_id, "enrolment.create")
    offering = view.offering
    home = student_affiliation(actor, affiliation_id)
    places = {"home": Place(home.school_id)} if home else {}
    allow.require(actor, "enrolment.create", Subject("offering", offering.id, places=places))
    assert home is not None
    against = reasons_against(session, actor, offering, home, promised=view.promised)
    if against:
        raise Refused.because(against[0])
    enrolment = _new_enrolment(session, actor, offering, home)
    _take_seat(session, enrolment.pool_id, editions[enrolment.pool_id])
    return enrolment


def _new_enrolment(session: Session, actor: Actor, offering: Offering, home: Belongs) -> Enrolment:
    now, ends = actor.now, teaching_ends(offering.term)
    enrolment = Enrolment(
        offering=offering,
        pool_id=offering.pools[0].id,
        person_id=actor.person_id,
        affiliation_id=home.affiliation_id,
        home_school_id=home.school_id,
        home_department_id=home.department_id,
        host_school_id=offering.course.school_id,
        home_state="pending",
        host_state="accepted",
        decide_by=rules.decide_by(now, ends, approval_days(session, home, now)),
        created_at=now,
        updated_at=now,
    )
    session.add(enrolment)
    try:
        session.flush()
    except IntegrityError as error:  # two tabs at once: the partial unique index has the last word
        raise Refused("already_enrolled") from error
    aspect = catalogue.seat_aspect(offering.id)
    add_share(session, offering.course.item, scopes.person(actor.person_id), now, aspect, until=max(ends, now))
    _record(session, actor, enrolment, "enrol", "")
    notices.submitted(session, enrolment, now)
    session.flush()
    return enrolment


def approval_days(session: Session, home: Belongs, now: datetime) -> int:
    """How many days the home school gives itself for its word."""
    return int(policy_values.value(session, policies.APPROVAL_DAYS.key, home.school_id, now))


def _editions(session: Session, offering_id: int) -> dict[int, int]:
    """Pool → the edition under which its seats are offered now."""
    rows = session.execute(sa.select(SeatPool.id, SeatPool.edition).where(SeatPool.offering_id == offering_id))
    return {pool_id: edition for pool_id, edition in rows}


def _take_seat(session: Session, pool_id: int, edition: int) -> None:
    """The database's word: never above the capacity, and never in something else than what was read."""
    take = sa.update(SeatPool).where(SeatPool.id == pool_id, SeatPool.taken < SeatPool.capacity)
    change = take.where(SeatPool.edition == edition).values(taken=SeatPool.taken + 1)
    done = session.execute(change.execution_options(synchronize_session=False))
    if cast("sa.CursorResult[object]", done).rowcount != 1:
        now = session.scalar(sa.select(SeatPool.edition).where(SeatPool.id == pool_id))
        raise Refused("seats_gone" if now == edition else "offering_changed")


def _free_seat(session: Session, pool_id: int) -> None:
    """Give the seat back; a capacity above what is wanted shrinks first."""
    after = SeatPool.taken - 1
    capacity = sa.case((SeatPool.wanted > after, SeatPool.wanted), else_=after)
    change = sa.update(SeatPool).where(SeatPool.id == pool_id).values(taken=after, capacity=capacity)
    session.execute(change.execution_options(synchronize_session=False))


# --- deciding and withdrawing -----------------------------------------------------------------------------------


def approve(session: Session, actor: Actor, enrolment_id: int, note: str = "") -> Enrolment:
    """The home school says yes."""
    enrolment = _locked(session, actor, enrolment_id, "enrolment.approve")
    allow.require(actor, "enrolment.approve", queries.subject(enrolment))
    insist(rules.not_ones_own(actor.person_id, enrolment.person_id))
    if enrolment.home_state == "pending":
        insist(rules.may_decide(actor.now, enrolment.decide_by))
    return _apply(session, actor, enrolment, "approve", "home", note)


def deny(session: Session, actor: Actor, enrolment_id: int, reason: str) -> Enrolment:
    """The home or the host school says no, with a reason the student reads; the seat is free again."""
    enrolment = _locked(session, actor, enrolment_id, "enrolment.deny")
    who = denying_side(actor, enrolment)
    if who is None:
        raise Forbidden(Denial("enrolment.deny", "enrolment", enrolment.id))
    insist(rules.not_ones_own(actor.person_id, enrolment.person_id))
    if not reason:
        raise Invalid.field("reason", "reason_needed")
    return _apply(session, actor, enrolment, "deny", who, reason)


def denying_side(actor: Actor, enrolment: Enrolment) -> str | None:
    """The side for which the actor may say no; None: neither."""
    subject = queries.subject(enrolment)
    actions = {"home": "enrolment.deny", "host": "enrolment.host_deny"}
    sides = [side for side, action in actions.items() if allow.may(actor, action, subject)]
    return rules.denying_side(queries.tracks(enrolment), sides)


def withdraw(session: Session, actor: Actor, enrolment_id: int, reason: str = "") -> Enrolment:
    """The student gives the seat back: a drop within add/drop, a withdrawal after it."""
    enrolment = _locked(session, actor, enrolment_id, "enrolment.withdraw")
    allow.require(actor, "enrolment.withdraw", queries.subject(enrolment))
    insist(rules.may_withdraw(actor.now, teaching_ends(enrolment.offering.term)))
    return _apply(session, actor, enrolment, "withdraw", "student", reason)


def _locked(session: Session, actor: Actor, enrolment_id: int, action: str) -> Enrolment:
    """The enrolment, held against others until the commit; 404 for whoever may not see it."""
    course = joinedload(Enrolment.offering).joinedload(Offering.course)
    query = (
        sa.select(Enrolment)
        .where(Enrolment.id == enrolment_id)
        .options(course.selectinload(Course.staff), course.joinedload(Course.item))
        .with_for_update(of=Enrolment)
    )
    enrolment = session.scalar(query)
    if enrolment is None:
        raise NotFound
    if not allow.may(actor, "enrolment.read", queries.subject(enrolment)):
        raise Hidden(Denial(action, "enrolment", enrolment_id))
    return enrolment


def _apply(
    session: Session,
    actor: Actor | None,
    enrolment: Enrolment,
    event: str,
    who: str,
    note: str,
    now: datetime | None = None,
) -> Enrolment:
    """Walk one step of the machine; a seat no longer held goes back, and with it what it promised."""
    now = now or cast(Actor, actor).now
    before = Tracks(enrolment.home_state, enrolment.host_state)
    after = rules.step(before, event, who)
    if isinstance(after, Refusal):
        raise Refused.because(after)
    enrolment.home_state, enrolment.host_state, enrolment.updated_at = after.home, after.host, now
    if event == "deny":
        enrolment.reason = note
    name = rules.withdrawal_event(now, queries.window(enrolment.offering)) if event == "withdraw" else event
    if event == "deny" and who == "host":
        name = "host_deny"
    _record(session, actor, enrolment, name, note, now)
    notices.moved(session, enrolment, name, now)
    session.flush()
    if before.holds_seat and not after.holds_seat:
        aspect = catalogue.seat_aspect(enrolment.offering_id)
        course_id = enrolment.offering.course_id
        end_share(session, course_id, aspect, scopes.person(enrolment.person_id), now)
        papers.lapse(session, actor, Subject("enrolment", enrolment.id), now)
        _free_seat(session, enrolment.pool_id)
    return enrolment


def _record(
    session: Session, actor: Actor | None, enrolment: Enrolment, event: str, note: str, now: datetime | None = None
) -> None:
    """The step in the enrolment's own story, and in the audit (which keeps no words about a person)."""
    at_home = event in ("enrol", "approve", "deny", "drop", "withdraw", "expire")
    school_id = enrolment.home_school_id if at_home else enrolment.host_school_id
    belongs = actor.at(school_id) if actor else None
    moment = now or cast(Actor, actor).now
    session.add(
        EnrolmentEvent(
            enrolment_id=enrolment.id,
            at=moment,
            event=event,
            actor_id=actor.person_id if actor else None,
            affiliation_id=belongs.affiliation_id if belongs else None,
            note=note,
        )
    )
    subject = Subject("enrolment", enrolment.id)
    audit(
        session, actor, f"enrolment.{event}", subject, now=moment, school_id=school_id, offering=enrolment.offering_id
    )


def expire_due(session: Session, now: datetime) -> int:
    """The clock's part: what no home school has answered in time lets go of its seat. A few at a time."""
    due = (
        sa.select(Enrolment)
        .where(Enrolment.home_state == "pending", Enrolment.host_state == "accepted", Enrolment.decide_by <= now)
        .order_by(Enrolment.id)
        .limit(50)
        .options(selectinload(Enrolment.offering))
        .with_for_update(skip_locked=True, of=Enrolment)
    )
    enrolments = list(session.scalars(due))
    for enrolment in enrolments:
        _apply(session, None, enrolment, "expire", "clock", "", now)
    return len(enrolments)
