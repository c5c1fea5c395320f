"""Asking for a 调停课 and deciding it. What was approved is brought into the book of time in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from courses.adjustments import clashes, facts, notices, queries, rules, timing
from courses.adjustments.facts import Draft
from courses.adjustments.models import Adjustment
from courses.adjustments.permissions import allow
from courses.catalogue import dates
from courses.catalogue import queries as catalogue
from courses.catalogue.models import Offering
from courses.catalogue.services import new_edition
from courses.catalogue.timing import TYPE as OFFERING
from courses.enrolment.seats import hold_pools
from zutuan.calendar import book, calendars
from zutuan.calendar.models import Occurrence
from zutuan.calendar.plan import Meeting, expand
from zutuan.calendar.sources import Resource
from zutuan.decision import FieldError, Refusal
from zutuan.errors import Invalid, Refused, insist
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit


def ask(session: Session, actor: Actor, offering_id: int, data: Mapping[str, Any]) -> Adjustment:
    """A teacher, or the school for them, asks for one meeting to be changed."""
    offering = _of(session, actor, offering_id)
    hold_pools(session, offering.id)  # one after the other: of one meeting one request, and no more than the limit
    calendars.hold(session, offering.term.school_id)
    asked = facts.draft(session, offering, data, actor.now)
    wish = facts.wish(session, offering, asked, actor.now)
    errors = rules.wrong(wish)
    if errors:
        raise Invalid(errors=errors)
    _insist(rules.against(wish))
    made = _write(session, actor, offering, asked, data["reason"])
    notices.asked(session, made, actor.now)
    _audit(session, actor, "adjustment.ask", made)
    return made


def preview(
    session: Session, actor: Actor, offering_id: int, data: Mapping[str, Any]
) -> tuple[clashes.Look, Sequence[FieldError], Sequence[Refusal]]:
    """Whom it would meet, better times of that week, and what stands against asking; nothing is written."""
    offering = _of(session, actor, offering_id)
    asked = facts.draft(session, offering, data, actor.now)
    wish = facts.wish(session, offering, asked, actor.now)
    look = clashes.look(session, offering, asked, actor.now, free=True)
    return look, rules.wrong(wish), rules.against(wish)


def _of(session: Session, actor: Actor, offering_id: int) -> Offering:
    """The offering, for whoever may ask of it."""
    offering = catalogue.view_offering(session, actor, offering_id, "adjustment.ask").offering
    allow.require(actor, "adjustment.ask", queries.subject_of(offering))
    return offering


def _insist(against: Sequence[Refusal]) -> None:
    insist(against[0] if against else None)


def _write(session: Session, actor: Actor, offering: Offering, asked: Draft, reason: str) -> Adjustment:
    week, weekday, period = asked.key or (None, None, None)
    starts, ends = asked.new or (None, None)
    made = Adjustment(
        offering=offering, kind=asked.kind, state="asked", week=week, weekday=weekday, period=period, starts=starts,
        ends=ends, first=asked.first or None, last=asked.last or None, place=asked.place,
        substitute_id=asked.substitute_id, reason=reason, asked_by=actor.person_id, asked_at=actor.now,
        last_period=facts.last_period(offering, asked.key) if asked.key else None,
    )  # fmt: skip
    _remember(session, made)
    session.add(made)
    try:
        session.flush()
    except IntegrityError as error:  # two at once: the partial unique index has the last word
        raise Refused("already_adjusted") from error
    return made


def _row(session: Session, value: Adjustment) -> Occurrence | None:
    """The meeting that it is about, as the book has it."""
    itself = (OFFERING, value.offering.id)
    return book.row_of(session, itself, itself, value.key) if value.key else None


def _remember(session: Session, value: Adjustment) -> None:
    """When the meeting is held as long as nothing is changed."""
    with session.no_autoflush:
        row = _row(session, value)
    value.was_starts, value.was_ends = (row.starts, row.ends) if row is not None else (None, None)


# --- deciding ---------------------------------------------------------------------------------------------------


def _held(session: Session, actor: Actor, adjustment_id: int, action: str, *, moves: bool) -> Adjustment:
    """The request, held until the commit. `moves`: its meeting is about to change, so whoever is taking a seat under the
    old times is told to look again."""
    seen = queries.view(session, actor, adjustment_id, action)
    if action != "adjustment.withdraw":
        allow.require(actor, "adjustment.decide", queries.subject(seen))
    offering = seen.offering
    if moves:
        new_edition(session, [offering])  # who calls the class off does so too: one waits for the other
        session.refresh(offering, ["state"])
    calendars.hold(session, offering.term.school_id)
    query = sa.select(Adjustment).where(Adjustment.id == adjustment_id).with_for_update(of=Adjustment)
    return session.scalars(query.execution_options(populate_existing=True)).one()


def approve(session: Session, actor: Actor, adjustment_id: int, note: str = "") -> Adjustment:
    """The registrar says yes: the book, rosters and feeds have it from now on. Whatever has changed since it was asked is
    looked at again, and a room that is taken meanwhile is refused (`time_taken`)."""
    value = _held(session, actor, adjustment_id, "adjustment.approve", moves=True)
    _decide(session, actor, value, "approve", note)
    wish = facts.wish(session, value.offering, Draft.of(value), actor.now, but=value.id)
    wrong = [Refusal(each.code, each.params) for each in rules.wrong(wish)]
    _insist([*rules.against(_uncapped(wish)), *wrong])
    _remember(session, value)
    session.flush()
    _into_book(session, value)
    notices.stands(session, actor, value, "adjustment.approved")
    _audit(session, actor, "adjustment.approve", value)
    return value


def _uncapped(wish: rules.Wish) -> rules.Wish:
    """What was within the limit when it was asked may be approved."""
    return replace(wish, cap=0)


def deny(session: Session, actor: Actor, adjustment_id: int, reason: str) -> Adjustment:
    value = _held(session, actor, adjustment_id, "adjustment.deny", moves=False)
    if not reason:
        raise Invalid.field("reason", "reason_needed")
    _decide(session, actor, value, "deny", reason)
    session.flush()
    notices.denied(session, actor, value)
    _audit(session, actor, "adjustment.deny", value)
    return value


def _decide(session: Session, actor: Actor, value: Adjustment, event: str, note: str) -> None:
    insist(rules.may_decide(actor.person_id, value.asked_by, queries.staff(value.offering)))
    _step(value, event, "registrar")
    value.decided_by, value.decided_at, value.decision = actor.person_id, actor.now, note


def _step(value: Adjustment, event: str, who: str) -> None:
    after = rules.step(value.state, event, who)
    if isinstance(after, Refusal):
        raise Refused.because(after)
    value.state = after


def withdraw(session: Session, actor: Actor, adjustment_id: int, reason: str = "") -> Adjustment:
    """What still waits is taken back by those who teach the class; what stands, by a registrar: then the meeting is held
    where the calendar has it, and everybody hears of it."""
    stood = queries.view(session, actor, adjustment_id, "adjustment.withdraw").state == "approved"
    value = _held(session, actor, adjustment_id, "adjustment.withdraw", moves=stood)
    subject = queries.subject(value)
    decides = allow.may(actor, "adjustment.decide", subject)
    if not decides:
        allow.require(actor, "adjustment.withdraw", subject)
    if (value.state == "approved") != stood:  # decided a moment ago
        raise Refused("adjustment_decided")
    asks = allow.may(actor, "adjustment.withdraw", subject)
    _step(value, "withdraw", "registrar" if decides and (stood or not asks) else "teacher")
    if stood:
        begins = (value.was_starts, value.starts or value.was_starts)
        made_up, state = queries.made_up(session, value), value.offering.state
        insist(rules.may_take_back(actor.now, *begins, made_up=made_up, offering_state=state))
        value.decided_by, value.decided_at, value.decision = actor.person_id, actor.now, reason
    session.flush()
    if stood:
        _out_of_book(session, value)
        notices.stands(session, actor, value, "adjustment.taken_back")
    _audit(session, actor, "adjustment.withdraw", value)
    return value


# --- the book ---------------------------------------------------------------------------------------------------


def _into_book(session: Session, value: Adjustment) -> None:
    """A meeting that moves, or is called off, keeps its row; what takes time besides has rows of the adjustment's own."""
    row = _row(session, value)
    meeting = _meeting(value, row)
    if value.kind != "make_up":
        assert row is not None
        book.bring(session, row, meeting, touch=True)
    takes = _takes(session, value)
    if takes and meeting is not None:
        book.add(session, book.rows_of((timing.TYPE, value.id), takes, [meeting], value.decided_at or value.asked_at))


def _meeting(value: Adjustment, row: Occurrence | None) -> Meeting | None:
    """When it is held, and which meeting that is: of the pattern, or for a make-up of the week it falls into."""
    if value.kind == "make_up" and value.starts is not None and value.ends is not None:
        return dates.meeting_at(value.offering, value.starts, value.ends, value.first or 0)
    if value.kind == "substitute" and row is not None:
        return Meeting(row.starts, row.ends, row.week, row.weekday, row.period)
    return value.meeting


def _takes(session: Session, value: Adjustment) -> list[tuple[Resource, bool]]:
    """(resource, whether it keeps others out) of what is taken beside the class's own time."""
    offering = value.offering
    found: list[tuple[Resource, bool]] = []
    if value.kind == "make_up":
        found.append(((OFFERING, offering.id), False))
    if value.substitute_id is not None:
        found.append(((timing.TYPE, value.id), False))
    room = value.place or offering.room
    room_id = clashes.room_id(session, offering.course.school_id, room) if room and value.starts else None
    return [*found, (("room", room_id), True)] if room_id is not None else found


def _out_of_book(session: Session, value: Adjustment) -> None:
    """Its own rows are cancelled; the meeting is held where the calendar has it now, if anywhere."""
    o = Occurrence
    for each in session.scalars(sa.select(o).where(o.source_type == timing.TYPE, o.source_id == value.id)).all():
        book.bring(session, each, None)
    row = _row(session, value)
    if row is not None and value.kind != "make_up":
        here = facts.calendar_of(session, value.offering)
        placed = expand(facts.patterns_of(value.offering), here).meetings
        book.bring(session, row, next((each for each in placed if each.key == value.key), None), touch=True)


def _audit(session: Session, actor: Actor, action: str, value: Adjustment) -> None:
    subject, school = Subject("adjustment", value.id), value.offering.course.school_id
    detail = {"offering": value.offering_id, "kind": value.kind}
    audit(session, actor, action, subject, now=actor.now, school_id=school, **detail)
